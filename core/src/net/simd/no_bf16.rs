//! Where there is no matrix unit to use, or no system to ask for it: an executor that there is none of.

use core::convert::Infallible;

use crate::net::{Executor, NetSpec, Weights};

/// Runs the network in bfloat16 on a matrix unit (Intel AMX on Linux): not on this target.
#[derive(Clone, Debug)]
pub struct Bf16(Infallible);

impl Bf16 {
    /// Whether the CPU has such a unit and the system lets us use it: no.
    pub fn is_available() -> bool {
        false
    }

    /// None.
    pub fn new(_: &Weights) -> Option<Bf16> {
        None
    }

    /// None.
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
