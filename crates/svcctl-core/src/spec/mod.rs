//! What a service is: the specification of one service ([`model`]), reading it from a document with every problem
//! at once ([`decode()`]), and the checks that need the whole set ([`validate`]).


pub mod model;
mod problem;



pub use model::ServiceSpec;
pub use problem::Problem;
