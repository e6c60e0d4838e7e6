//! The two files that cross from trainer to page: models and game records.

pub mod envelope;
pub mod model;
pub mod record;

pub use envelope::EnvelopeError;
pub use model::{Dtype, Model, ModelError, Provenance};
pub use record::{GameError, PlyInfo, Record, RecordError};
