//! Memory layout of weights and activations: aligned buffers, padded channels, panels of matrices.

use alloc::{vec, vec::Vec};

/// A buffer that starts on a cache line, so that no vector straddles two lines.
#[derive(Debug)]
pub(super) struct Aligned<E> {
    data: Vec<E>,
    start: usize,
    len: usize,
}

impl<E: Copy + Default> Aligned<E> {
    /// `len` zeros.
    pub(super) fn zero(len: usize) -> Aligned<E> {
        const LINE: usize = 64;
        let data = vec![E::default(); len + LINE / size_of::<E>()];
        // Where the offset cannot be known, the start is as good as any place.
        let start = data.as_ptr().align_offset(LINE).min(LINE / size_of::<E>());
        Aligned { data, start, len }
    }

    /// The elements.
    pub(super) fn as_ref(&self) -> &[E] {
        &self.data[self.start..][..self.len]
    }

    /// The elements, mutable.
    pub(super) fn as_mut(&mut self) -> &mut [E] {
        &mut self.data[self.start..][..self.len]
    }
}

impl<E: Copy + Default> Clone for Aligned<E> {
    // A derived clone would keep the offset of the original, not its alignment.
    fn clone(&self) -> Aligned<E> {
        let mut clone = Aligned::zero(self.len);
        clone.as_mut().copy_from_slice(self.as_ref());
        clone
    }
}

/// A vector `[C]` as `[C / LANES][LANES]`, padded with zeros.
pub(super) fn padded(numbers: &[f32], lanes: usize) -> Aligned<f32> {
    let mut padded = Aligned::zero(numbers.len().next_multiple_of(lanes));
    padded.as_mut()[..numbers.len()].copy_from_slice(numbers);
    padded
}

/// `N` matrices of `inner` rows and `outer` columns as the panels of a [`Product`](super::product::Product), padded with zeros to whole
/// vectors. `at` returns the elements of all matrices at a row and a column.
pub(super) fn panels<E: Copy + Default, const N: usize>(
    lanes: usize,
    width: usize,
    [inner, outer]: [usize; 2],
    at: impl Fn(usize, usize) -> [E; N],
) -> Aligned<E> {
    // A line of each matrix at a time: they are a power of two apart, and share a few sets of the cache.
    const LINE: usize = 16;
    let (rows, columns) = (inner.next_multiple_of(lanes), outer.next_multiple_of(lanes));
    let mut panels = Aligned::zero(N * rows * columns);
    let data = panels.as_mut();
    let width = width * lanes;
    for start in (0..outer).step_by(LINE) {
        // Offset of each column's first row, and the distance of its rows.
        let mut places = [(0, 0); LINE];
        for (place, column) in places.iter_mut().zip(start..outer) {
            let first = column / width * width;
            *place = (first * rows + column - first, width.min(columns - first));
        }
        for k in 0..inner {
            let mut line = [[E::default(); N]; LINE];
            line.iter_mut().zip(start..outer).for_each(|(elements, column)| *elements = at(k, column));
            for (i, matrix) in data.chunks_exact_mut(rows * columns).enumerate() {
                for (elements, (first, width)) in line.iter().zip(places).take(outer - start) {
                    matrix[first + k * width] = elements[i];
                }
            }
        }
    }
    panels
}
