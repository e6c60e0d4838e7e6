//! What the integration tests, the programs of this package and the fuzz targets share.

pub mod random;
pub mod adversarial;
pub mod record;
