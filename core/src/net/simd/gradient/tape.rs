//! Parts that the tapes of both towers share: the chunk size, and sums of gradients.

use alloc::{vec, vec::Vec};

use super::super::optional::{OptionalLayers, Perceptron};

/// Boards per chunk. More would spread each update of a kernel's gradient over more rows, fewer would keep more of the tape in the
/// cache.
pub(super) const CHUNK: usize = 8;

/// Gradients of each block's pool bias and squeeze-excitation, flat.
#[derive(Debug)]
pub(super) struct OptionalSums {
    pub(super) pool: Vec<Vec<f32>>,
    pub(super) se: Vec<Vec<f32>>,
}

/// The gradient of the flat weights, tensor by tensor.
pub(super) struct Tensors<'a>(&'a mut [f32]);

impl OptionalSums {
    /// Zeros.
    pub(super) fn new(layers: &OptionalLayers) -> OptionalSums {
        let flat = |of: &[Perceptron]| of.iter().map(|perceptron| vec![0.0; perceptron.parameters()]).collect();
        OptionalSums { pool: flat(&layers.pool), se: flat(&layers.se) }
    }

    /// Moves the gradients of the block that convolution `conv` ends, if it ends one, and leaves zeros.
    pub(super) fn take_gradient(&mut self, conv: usize, tensors: &mut Tensors) {
        if conv > 0 && conv.is_multiple_of(2) {
            let block = conv / 2 - 1;
            for sums in [self.pool.get_mut(block), self.se.get_mut(block)].into_iter().flatten() {
                let len = sums.len();
                take(sums, tensors.next(len));
            }
        }
    }
}

impl<'a> Tensors<'a> {
    /// The whole gradient.
    pub(super) fn new(gradient: &'a mut [f32]) -> Tensors<'a> {
        Tensors(gradient)
    }

    /// The next `len` numbers.
    pub(super) fn next(&mut self, len: usize) -> &'a mut [f32] {
        let (tensor, rest) = core::mem::take(&mut self.0).split_at_mut(len);
        self.0 = rest;
        tensor
    }
}

/// Moves sums, and leaves zeros.
pub(super) fn take(sums: &mut [f32], to: &mut [f32]) {
    to.copy_from_slice(sums);
    sums.fill(0.0);
}
