//! Where the unit cannot be used: types that have no values.

use core::convert::Infallible;

use super::Finish;

/// There is none.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Unit(Infallible);

/// There are none.
pub(in super::super) struct Tiles(Infallible);

impl Unit {
    /// Not on this system.
    pub(in super::super) fn find() -> Option<Unit> {
        None
    }

    pub(in super::super) fn enter(self) -> Tiles {
        match self.0 {}
    }
}

impl Tiles {
    pub(in super::super) fn convolve(&self, _: &[u16], _: usize, _: &[u16], _: usize, _: &mut [f32]) {
        match self.0 {}
    }

    pub(in super::super) fn finish(
        &self,
        _: &Finish,
        _: &[f32],
        _: Option<&mut [f32]>,
        _: Option<&mut [u16]>,
        _: usize,
    ) {
        match self.0 {}
    }

    pub(in super::super) fn enter_planes(&self, _: &[f32], _: usize, _: usize, _: &mut [u16]) {
        match self.0 {}
    }
}
