//! The network's vector executor as a plain WebAssembly module, for the inference benchmark.
//!
//! `benches/node/inference.mjs` calls it: `prepare` a network for batches of some size, write planes where `planes` says,
//! `forward`, read logits where `policy` and `wdl` say.

use std::cell::RefCell;

use keisei_benches::inference::NETS;
use keisei_core::net::simd::Simd;
use keisei_core::net::{Executor, OUTCOMES};

struct State {
    simd: Simd,
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

/// Builds network number `net` of the benchmark with buffers for `batch` positions.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(net: usize, batch: usize) {
    let simd = Simd::new(&NETS[net].weights());
    let spec = simd.spec();
    let state = State {
        batch,
        planes: vec![0.0; batch * usize::from(spec.planes) * 81],
        policy: vec![0.0; batch * spec.actions()],
        wdl: vec![0.0; batch * OUTCOMES],
        simd,
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
    with(|State { simd, batch, planes, policy, wdl }| simd.forward(*batch, planes, policy, wdl));
}
