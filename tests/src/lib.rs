//! Shared code of the integration tests, the programs of this package and the fuzz targets.

pub mod random;
pub mod adversarial;
pub mod record;
