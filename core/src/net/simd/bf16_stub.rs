//! Stub: `Bf16` does not exist on this target, which has no matrix unit, or no system call that grants its use.

use core::convert::Infallible;

use crate::net::{Executor, NetSpec, Weights};

/// Executor in bfloat16 on a matrix unit (Intel AMX on Linux): not available on this target.
#[derive(Clone, Debug)]
pub struct Bf16(Infallible);

impl Bf16 {
    /// Whether the CPU has a matrix unit and the system grants its use: `false` on this target.
    pub fn is_available() -> bool {
        false
    }

    /// `None` on this target.
    pub fn new(_: &Weights) -> Option<Bf16> {
        None
    }

    /// `None` on this target.
    pub fn x3(_: &Weights) -> Option<Bf16> {
        None
    }
}

impl Executor for Bf16 {
    fn spec(&self) -> &NetSpec {
        match self.0 {}
    }

    fn forward_scored(&mut self, _: usize, _: &[f32], _: &mut [f32], _: &mut [f32], _: &mut [f32]) {
        match self.0 {}
    }
}
