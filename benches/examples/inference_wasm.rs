//! The network's vector executors as a plain WebAssembly module, for the inference benchmark.
//!
//! `benches/node/inference.mjs` calls it: write a model where `file` says, `prepare` it for batches of some size, write planes
//! where `planes` says, `build` an executor, `forward`, read logits where `policy` and `wdl` say.

use std::cell::RefCell;

use keisei_core::format::model::Model;
use keisei_core::net::simd::{Calibration, Quantized, Simd};
use keisei_core::net::{Executor, OUTCOMES, Weights};

struct State {
    weights: Weights,
    batch: usize,
    planes: Vec<f32>,
    executor: Option<Box<dyn Executor>>,
    policy: Vec<f32>,
    wdl: Vec<f32>,
}

thread_local! {
    static FILE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

fn with<T>(run: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(|state| run(state.as_mut().expect("prepare is called first")))
}

// SAFETY, for all: no other function of these names is linked into the module.

/// Buffer for a model of `len` bytes.
#[unsafe(no_mangle)]
pub extern "C" fn file(len: usize) -> *mut u8 {
    FILE.with_borrow_mut(|file| {
        file.resize(len, 0);
        file.as_mut_ptr()
    })
}

/// Reads the model and makes buffers for `batch` positions.
///
/// # Panics
/// If no model was written.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(batch: usize) {
    let Model { weights, .. } = FILE.with_borrow(|file| Model::from_bytes(file)).expect("a model was written");
    let spec = weights.spec();
    STATE.set(Some(State {
        batch,
        planes: vec![0.0; batch * usize::from(spec.planes) * 81],
        executor: None,
        policy: vec![0.0; batch * spec.actions()],
        wdl: vec![0.0; batch * OUTCOMES],
        weights,
    }));
}

/// Builds an executor in f32 (`kind` 0) or in integers (1), which it calibrates on the planes.
#[unsafe(no_mangle)]
pub extern "C" fn build(kind: usize) {
    with(|State { weights, planes, executor, .. }| {
        *executor = Some(match kind {
            0 => Box::new(Simd::new(weights)),
            _ => Box::new(Quantized::new(weights, &Calibration::measure(weights, planes))),
        });
    });
}

/// Buffer for the planes `[batch, planes, 81]`.
#[unsafe(no_mangle)]
pub extern "C" fn planes() -> *mut f32 {
    with(|state| state.planes.as_mut_ptr())
}

/// Logits of the policy `[batch, actions]`.
#[unsafe(no_mangle)]
pub extern "C" fn policy() -> *const f32 {
    with(|state| state.policy.as_ptr())
}

/// Logits of the outcome `[batch, 3]`.
#[unsafe(no_mangle)]
pub extern "C" fn wdl() -> *const f32 {
    with(|state| state.wdl.as_ptr())
}

/// Runs the network.
///
/// # Panics
/// Before `build`.
#[unsafe(no_mangle)]
pub extern "C" fn forward() {
    with(|State { executor, batch, planes, policy, wdl, .. }| {
        executor.as_mut().expect("build is called first").forward(*batch, planes, policy, wdl);
    });
}
