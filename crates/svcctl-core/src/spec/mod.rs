//! What a service is: the specification of one service ([`model`]), reading it from a document with every problem
//! at once ([`decode()`]), writing the shortest document that gives it again, what differs between two ([`diff`]),
//! and the checks that need the whole set ([`validate()`]).

mod decode;
mod document;
pub mod duration;
mod keys;
pub mod model;
pub mod nearest;
pub mod plan;
mod problem;
mod signal;
pub mod size;
pub mod template;
mod validate;
pub mod words;

pub use decode::decode;
pub use document::diff;
pub use keys::{KeyDoc, reference, schema};
pub use model::ServiceSpec;
pub use problem::{Problem, Which};
pub use signal::signal_name;
pub use template::{Template, literal_document};
pub use validate::{check_timezone, validate};

pub(crate) use validate::{DependencySource, check as validate_among};
