//! Where there is no matrix unit to use: a tower that there is none of.

use core::convert::Infallible;

use super::super::heads::Heads;
use super::super::network::Options;
use super::Tensors;
use crate::net::{NetSpec, Weights};

/// Of no account.
pub(super) const LANES: usize = 16;

/// Convolutions on a matrix unit: not on this target.
#[derive(Debug)]
pub(super) struct Tower(Infallible);

/// As above.
#[derive(Debug)]
pub(super) struct TowerTape(Infallible);

impl TowerTape {
    pub(super) fn trunk(&self) -> &[f32] {
        match self.0 {}
    }
}

impl Tower {
    /// None.
    pub(super) fn new(_: &Weights, _: usize) -> Option<Tower> {
        None
    }

    pub(super) fn network(&self) -> (&NetSpec, &Heads, &Options) {
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
