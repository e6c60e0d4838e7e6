//! File formats: models and records, which the trainer writes and the page reads, trees, which the page stores, and the envelope of
//! all our binary files.

mod dtype;
pub mod envelope;
pub mod model;
pub mod record;
mod recorded;
pub mod tree;

pub use envelope::EnvelopeError;
pub use model::{Dtype, MeasuredRating, Model, ModelError, Provenance};
pub use record::{GameError, PlyInfo, Record, RecordError};
pub use tree::TreeError;
