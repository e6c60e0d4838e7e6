//! What other programs can load: models as safetensors and ONNX, positions as HCPE and PSV.

pub mod safetensors;
pub mod onnx;
pub mod dataset;
