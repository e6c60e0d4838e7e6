//! Reading models and records from files; errors name the path as well as the defect.

use std::path::Path;

use anyhow::{Context, Result};
use keisei_core::format::{Model, Record, record};

/// Model in the file at `path`.
///
/// # Errors
/// Names the file and its defect.
pub fn read_model(path: &Path) -> Result<Model> {
    Model::from_bytes(&read(path)?).with_context(|| path.display().to_string())
}

/// Games in the record file at `path`.
///
/// # Errors
/// Names the file and its defect.
pub fn read_records(path: &Path) -> Result<Vec<Record>> {
    record::from_bytes(&read(path)?).with_context(|| path.display().to_string())
}

/// Bytes of the file at `path`.
///
/// # Errors
/// Names the file that cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))
}
