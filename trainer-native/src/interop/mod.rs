//! File formats for exchange with other programs: our models and games for them, and their games for us.
//!
//! | module | format | programs |
//! |---|---|---|
//! | [`safetensors`] | weights, with the architecture as JSON | PyTorch: `docs/load_model.py` |
//! | [`onnx`] | network | ONNX Runtime, also in the browser; programs that run dlshogi's networks |
//! | [`dataset`] | positions with value, move and result: HCPE, PSV | dlshogi; trainers of `YaneuraOu`'s NNUE |
//! | [`games`] | games in any notation and encoding | shogi GUIs and servers |

pub mod safetensors;
pub mod onnx;
pub mod dataset;
pub mod games;
