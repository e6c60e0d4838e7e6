//! File formats: models and records, which cross from the trainer to the page, and the envelope of every file of ours.

pub mod envelope;
pub mod model;
pub mod record;

pub use envelope::EnvelopeError;
pub use model::{Dtype, Model, ModelError, Provenance};
pub use record::{GameError, PlyInfo, Record, RecordError};
