//! Models from files.

use std::path::Path;

use anyhow::{Context, Result};
use keisei_core::format::Model;

/// The model in a file.
///
/// # Errors
/// Names the file, and what is wrong with it and where.
pub fn read(path: &Path) -> Result<Model> {
    let bytes = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    Model::from_bytes(&bytes).with_context(|| format!("{}", path.display()))
}
