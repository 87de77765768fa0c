//! What a service is: the specification of one service ([`model`]), reading it from a document with every problem
//! at once ([`decode()`]), writing the shortest document that gives it again, what differs between two ([`diff`]),
//! and the checks that need the whole set ([`validate()`]).

mod decode;
mod document;
mod dollar;
pub mod duration;
pub mod model;
pub mod nearest;
mod problem;
mod signal;
mod validate;
pub mod words;

pub use decode::decode;
pub use document::diff;
pub use dollar::literal_document;
pub use model::ServiceSpec;
pub use problem::Problem;
pub use signal::signal_name;
pub use validate::validate;

pub(crate) use validate::{DependencySource, check as validate_among};
