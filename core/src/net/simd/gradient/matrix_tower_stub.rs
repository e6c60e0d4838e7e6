//! Stub: the matrix tower does not exist on this target.

use core::convert::Infallible;

use super::super::heads::Heads;
use super::super::optional::OptionalLayers;
use super::Tensors;
use crate::net::{NetSpec, Weights};

/// Lanes of the real tower; never read.
pub(super) const LANES: usize = 16;

/// Convolutions on a matrix unit: not available on this target.
#[derive(Debug)]
pub(super) struct Tower(Infallible);

/// Tape of a [`Tower`].
#[derive(Debug)]
pub(super) struct TowerTape(Infallible);

impl TowerTape {
    pub(super) fn trunk(&self) -> &[f32] {
        match self.0 {}
    }
}

impl Tower {
    /// `None` on this target.
    pub(super) fn new(_: &Weights, _: usize) -> Option<Tower> {
        None
    }

    pub(super) fn network(&self) -> (&NetSpec, &Heads, &OptionalLayers) {
        match self.0 {}
    }

    pub(super) fn tape(&self) -> TowerTape {
        match self.0 {}
    }

    pub(super) fn forward<'a>(&self, _: &'a mut TowerTape, _: usize, _: &[f32]) -> &'a [f32] {
        match self.0 {}
    }

    pub(super) fn backward(&self, _: &mut TowerTape, _: usize, _: &mut [f32]) {
        match self.0 {}
    }

    pub(super) fn take_gradient(&self, _: &mut TowerTape, _: &mut Tensors) {
        match self.0 {}
    }
}
