//! The network on the browser's GPU, by WebGPU.
//!
//! The page loads this module only if the browser has WebGPU and the network is large enough to gain from it. The module of
//! `web` holds the game and its search; planes and logits are passed between the two.
#![cfg(target_family = "wasm")]

mod loss;

use std::cell::Cell;

use burn::backend::wgpu::{RuntimeOptions, Wgpu, WgpuDevice, graphics::WebGpu, init_setup_async};
use keisei_core::encoding::SQUARES;
use keisei_core::format::Model;
use keisei_core::net::burn::Net;
use wasm_bindgen::prelude::*;

thread_local! {
    /// Whether the device is set up, which may be done only once.
    static READY: Cell<bool> = const { Cell::new(false) };
}

/// Network on the GPU.
#[wasm_bindgen]
pub struct Gpu {
    net: Net<Wgpu>,
}

#[wasm_bindgen]
impl Gpu {
    /// Network in the bytes of a model file, on the adapter that the browser prefers. There must be one: call
    /// `navigator.gpu.requestAdapter()` first.
    ///
    /// # Errors
    /// If they are not a model of this version; the text names the defect and its place.
    pub async fn open(bytes: Vec<u8>) -> Result<Gpu, JsError> {
        let model = Model::from_bytes(&bytes).map_err(|error| JsError::new(&error.to_string()))?;
        let device = WgpuDevice::default();
        if !READY.replace(true) {
            let setup = init_setup_async::<WebGpu>(&device, RuntimeOptions::default()).await;
            setup.device.set_device_lost_callback(|_, message| loss::happened(message));
        }
        Ok(Gpu { net: Net::from_weights(&model.weights, &device) })
    }

    /// Forward pass of planes `[batch, planes, 81]`: policy logits `[batch, actions]`, unmasked, followed by win, draw and loss
    /// logits `[batch, 3]` of the side to move.
    ///
    /// # Errors
    /// If there are no planes, or not a whole number of positions; or if the GPU was lost.
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
