//! The network's vector executors as a plain WebAssembly module, for the inference benchmark.
//!
//! `benches/node/inference.mjs` calls it: `prepare` a network for batches of some size, write planes where `planes` says,
//! `forward`, read logits where `policy` and `wdl` say.

use std::cell::RefCell;

use keisei_benches::inference::{NETS, calibration};
use keisei_core::net::simd::{Quantized, Simd};
use keisei_core::net::{Executor, OUTCOMES};

struct State {
    executor: Box<dyn Executor>,
    batch: usize,
    planes: Vec<f32>,
    policy: Vec<f32>,
    wdl: Vec<f32>,
}

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

fn with<T>(run: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(|state| run(state.as_mut().expect("prepare is called first")))
}

// SAFETY, for all: no other function of these names is linked into the module.

/// Builds network number `net` of the benchmark with buffers for `batch` positions, in f32 (`kind` 0) or integers (1).
#[unsafe(no_mangle)]
pub extern "C" fn prepare(net: usize, batch: usize, kind: usize) {
    let weights = NETS[net].weights();
    let executor: Box<dyn Executor> = match kind {
        0 => Box::new(Simd::new(&weights)),
        _ => Box::new(Quantized::new(&weights, &calibration(&weights))),
    };
    let spec = executor.spec();
    let state = State {
        batch,
        planes: vec![0.0; batch * usize::from(spec.planes) * 81],
        policy: vec![0.0; batch * spec.actions()],
        wdl: vec![0.0; batch * OUTCOMES],
        executor,
    };
    STATE.set(Some(state));
}

/// Where the planes `[batch, planes, 81]` are to be written.
#[unsafe(no_mangle)]
pub extern "C" fn planes() -> *mut f32 {
    with(|state| state.planes.as_mut_ptr())
}

/// Where the logits `[batch, 2187]` are.
#[unsafe(no_mangle)]
pub extern "C" fn policy() -> *const f32 {
    with(|state| state.policy.as_ptr())
}

/// Where the logits `[batch, 3]` are.
#[unsafe(no_mangle)]
pub extern "C" fn wdl() -> *const f32 {
    with(|state| state.wdl.as_ptr())
}

/// Runs the network.
#[unsafe(no_mangle)]
pub extern "C" fn forward() {
    with(|State { executor, batch, planes, policy, wdl }| executor.forward(*batch, planes, policy, wdl));
}
