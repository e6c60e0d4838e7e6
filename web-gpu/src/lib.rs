//! The network on the browser's GPU, by WebGPU.
//!
//! The page loads this module only for networks that are large enough to gain from it, where the browser has WebGPU. The
//! module of `web` keeps the game and its search; what travels between the two are planes and logits.
#![cfg(target_family = "wasm")]

mod loss;

use std::cell::Cell;

use burn::backend::wgpu::{RuntimeOptions, Wgpu, WgpuDevice, graphics::WebGpu, init_setup_async};
use keisei_core::encoding::SQUARES;
use keisei_core::format::Model;
use keisei_core::net::burn::Net;
use wasm_bindgen::prelude::*;

thread_local! {
    /// Whether the device is set up, which may be done once.
    static READY: Cell<bool> = const { Cell::new(false) };
}

/// A network on the GPU.
#[wasm_bindgen]
pub struct Gpu {
    net: Net<Wgpu>,
}

#[wasm_bindgen]
impl Gpu {
    /// The network in the bytes of a model file, on the adapter that the browser prefers. There must be one: ask
    /// `navigator.gpu.requestAdapter()` first.
    ///
    /// # Errors
    /// If they are no model of this version; the text says what is wrong and where.
    pub async fn open(bytes: Vec<u8>) -> Result<Gpu, JsError> {
        let model = Model::from_bytes(&bytes).map_err(|error| JsError::new(&error.to_string()))?;
        let device = WgpuDevice::default();
        if !READY.replace(true) {
            let setup = init_setup_async::<WebGpu>(&device, RuntimeOptions::default()).await;
            setup.device.set_device_lost_callback(|_, message| loss::happened(message));
        }
        Ok(Gpu { net: Net::from_weights(&model.weights, &device) })
    }

    /// Policy logits `[batch, actions]`, unmasked, and behind them win, draw and loss logits `[batch, 3]` of the side to move,
    /// from planes `[batch, planes, 81]`.
    ///
    /// # Errors
    /// If there are no planes, or not those of whole positions; or if the GPU was taken away.
    pub async fn forward(&self, planes: Vec<f32>) -> Result<Vec<f32>, JsError> {
        let size = usize::from(self.net.spec().planes) * SQUARES;
        if planes.is_empty() || !planes.len().is_multiple_of(size) {
            return Err(JsError::new(&format!("{} numbers are not planes of {size} each", planes.len())));
        }
        let logits = loss::or(self.net.evaluate(planes))
            .await
            .map_err(|message| JsError::new(&format!("the GPU was taken away: {message}")))?;
        logits.map_err(|error| JsError::new(&format!("the GPU: {error}")))
    }
}
