//! File formats: models and records, which the trainer writes and the page reads, and the envelope of all our binary files.

mod dtype;
pub mod envelope;
pub mod model;
pub mod record;

pub use envelope::EnvelopeError;
pub use model::{Dtype, MeasuredRating, Model, ModelError, Provenance};
pub use record::{GameError, PlyInfo, Record, RecordError};
