//! The micro-kernels of the way back: gradients of weights, and the step from one convolution to the one before it.
//!
//! Layouts as in [`kernels`](super::kernels). They are in a table of their own, so that a build that only plays does not
//! carry them.
//!
//! No vector passes through a closure here, as in `array::from_fn` or `map`: what the compiler does not inline is compiled
//! without the kernel's instructions, and calls a function for each of them.

use super::super::{SIDE, SQUARES};
use super::kernels::TILES;
use super::level::{Level, per_level};
use super::tiles::TILES_SIDE;
use super::vector::{self, Vector};
use super::winograd::{self, PATCH, PRODUCTS, TILE};

/// Columns of `a` that a sum over rows takes at once.
const CHANNELS: usize = 3;

/// The same where there are registers for them.
const MANY_CHANNELS: usize = 8;

/// `count` sums over rows: `out[i] += transpose(a[i]) × b[i]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowSum {
    /// How many sums.
    pub(super) count: usize,
    /// Rows of `a` and `b`.
    pub(super) rows: usize,
    /// Columns of `a`, in vectors.
    pub(super) inner: usize,
    /// Columns of `b`, in vectors.
    pub(super) outer: usize,
    /// Numbers from one `a`, `[inner][rows][LANES]`, to the next.
    pub(super) a_stride: usize,
    /// Numbers from one `b`, `[outer][rows][LANES]`, to the next.
    pub(super) b_stride: usize,
    /// Numbers from one `out`, `[inner * LANES][outer * LANES]`, to the next; 0 adds them all up.
    pub(super) out_stride: usize,
}

/// From the gradients of the products of one convolution to those of the convolution before it.
///
/// The mirror of [`Between`](super::kernels::Between), with the same layouts.
// Parts of the work that a network does or leaves out, each for itself.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Back {
    /// How many boards.
    pub(super) boards: usize,
    /// Vectors of channels.
    pub(super) groups: usize,
    /// Numbers from one of the 25 products to the next, before and after.
    pub(super) stride: usize,
    /// There is a convolution behind whose products' gradients come in; else only the trunk's do.
    pub(super) products: bool,
    /// Add the gradient of the trunk before gating, as at the start of a block.
    pub(super) add: bool,
    /// The layer rectified what it left: without a rest there is no gradient.
    pub(super) gate: bool,
    /// Store the result as the gradient of the trunk.
    pub(super) keep: bool,
    /// Go on to the bias and to the products of the layer itself.
    pub(super) spread: bool,
}

type RowSumKernel = unsafe fn(RowSum, &[f32], &[f32], &mut [f32]);
type BackKernel = unsafe fn(Back, &[f32], &[f32], &mut [f32], BiasGradients, &mut [f32]);

/// Gradients of what is added to each channel, `[groups][LANES]`.
#[derive(Debug)]
pub(super) struct BiasGradients<'a> {
    /// Of the bias before rectification; added to.
    pub(super) bias: &'a mut [f32],
    /// Of the one after it, `[boards]` of them; empty if there is none.
    pub(super) late_bias: &'a mut [f32],
}

/// One level's kernels of the way back.
#[derive(Debug)]
pub(super) struct Backward {
    lanes: usize,
    sum_rows: RowSumKernel,
    back: BackKernel,
}

impl Backward {
    /// Computes an [`RowSum`].
    pub(super) fn sum_rows(&self, sum: RowSum, a: &[f32], b: &[f32], out: &mut [f32]) {
        let RowSum { count, rows, inner, outer, a_stride, b_stride, out_stride } = sum;
        assert!(count > 0, "nothing to sum");
        assert!(a.len() >= (count - 1) * a_stride + inner * rows * self.lanes, "a is too short");
        assert!(b.len() >= (count - 1) * b_stride + outer * rows * self.lanes, "b is too short");
        assert!(out.len() >= (count - 1) * out_stride + inner * outer * self.lanes * self.lanes, "out is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.sum_rows)(sum, a, b, out) }
    }

    /// Performs a [`Back`]: gradients of products, what the layer left `[boards][groups][81][LANES]`, gradient of the
    /// trunk, gradients of the biases, and gradients of the products of the layer itself.
    pub(super) fn back(
        &self,
        back: Back,
        products: &[f32],
        left: &[f32],
        trunk: &mut [f32],
        biases: BiasGradients,
        out: &mut [f32],
    ) {
        let Back { boards, groups, stride, .. } = back;
        let transformed = (PRODUCTS - 1) * stride + groups * boards * TILES * self.lanes;
        assert!(products.len() >= transformed && out.len() >= transformed, "products or out are too short");
        assert!(biases.bias.len() >= groups * self.lanes, "bias is too short");
        let late_bias = biases.late_bias.len();
        assert!(late_bias == 0 || late_bias >= boards * groups * self.lanes, "late_bias is too short");
        let board = groups * SQUARES * self.lanes;
        assert!(trunk.len() >= boards * board && left.len() >= boards * board, "trunk or left are too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.back)(back, products, left, trunk, biases, out) }
    }
}

/// The kernels of a vector, compiled for the instruction set that the attribute names.
macro_rules! table {
    ($vector:ty $(, #[$attribute:meta])*) => {{
        // SAFETY, for both: the caller vouches for the instructions and the lengths.
        $(#[$attribute])*
        unsafe fn sum_rows(sum: RowSum, a: &[f32], b: &[f32], out: &mut [f32]) {
            unsafe { super::backward::sum_rows::<$vector>(sum, a.as_ptr(), b.as_ptr(), out.as_mut_ptr()) }
        }
        $(#[$attribute])*
        unsafe fn back(
            back: Back,
            products: &[f32],
            left: &[f32],
            trunk: &mut [f32],
            biases: BiasGradients,
            out: &mut [f32],
        ) {
            let (trunk, out) = (trunk.as_mut_ptr(), out.as_mut_ptr());
            unsafe { super::backward::back::<$vector>(back, products.as_ptr(), left.as_ptr(), trunk, biases, out) }
        }
        static TABLE: Backward = Backward { lanes: <$vector as vector::Lanes>::LANES, sum_rows, back };
        &TABLE
    }};
}

impl Backward {
    /// The kernels of a level, if it is available.
    pub(super) fn of(level: Level) -> Option<&'static Backward> {
        per_level!(level, table, vector)
    }
}

/// # Safety
/// The CPU has the instructions of `V`; the lengths are those that [`Backward::sum_rows`] checks.
#[inline(always)]
unsafe fn sum_rows<V: Vector>(sum: RowSum, a: *const f32, b: *const f32, out: *mut f32) {
    let RowSum { count, rows, inner, outer, a_stride, b_stride, out_stride } = sum;
    let (channels, group) = (inner * V::LANES, rows * V::LANES);
    for i in 0..count {
        for column in (0..outer).step_by(V::WIDTH) {
            let mut channel = 0;
            while channel < channels {
                // SAFETY: all three stay inside the lengths that were checked.
                unsafe {
                    let a = a.add(i * a_stride);
                    let b = b.add(i * b_stride + column * group);
                    let out = out.add(i * out_stride + (channel * outer + column) * V::LANES);
                    let step = outer * V::LANES;
                    let width = (outer - column).min(V::WIDTH);
                    // A level with narrow accumulators has registers for many channels: its vectors hold a multiple.
                    if V::WIDTH == 2 && V::LANES.is_multiple_of(MANY_CHANNELS) {
                        match width {
                            1 => sums::<V, MANY_CHANNELS, 1>(a, channel, rows, b, out, step),
                            _ => sums::<V, MANY_CHANNELS, 2>(a, channel, rows, b, out, step),
                        }
                        channel += MANY_CHANNELS;
                    } else {
                        match (channels - channel, width) {
                            (1, 1) => sums::<V, 1, 1>(a, channel, rows, b, out, step),
                            (1, 3) if V::WIDTH > 2 => sums::<V, 1, 3>(a, channel, rows, b, out, step),
                            (1, 4) if V::WIDTH > 3 => sums::<V, 1, 4>(a, channel, rows, b, out, step),
                            (1, _) => sums::<V, 1, 2>(a, channel, rows, b, out, step),
                            (2, 1) => sums::<V, 2, 1>(a, channel, rows, b, out, step),
                            (2, 3) if V::WIDTH > 2 => sums::<V, 2, 3>(a, channel, rows, b, out, step),
                            (2, 4) if V::WIDTH > 3 => sums::<V, 2, 4>(a, channel, rows, b, out, step),
                            (2, _) => sums::<V, 2, 2>(a, channel, rows, b, out, step),
                            (_, 1) => sums::<V, CHANNELS, 1>(a, channel, rows, b, out, step),
                            (_, 3) if V::WIDTH > 2 => sums::<V, CHANNELS, 3>(a, channel, rows, b, out, step),
                            (_, 4) if V::WIDTH > 3 => sums::<V, CHANNELS, 4>(a, channel, rows, b, out, step),
                            (_, _) => sums::<V, CHANNELS, 2>(a, channel, rows, b, out, step),
                        }
                        channel += CHANNELS;
                    }
                }
            }
        }
    }
}

/// `CHANNELS` columns of `a` against `WIDTH` vectors of columns of `b`, summed over all rows in registers.
///
/// # Safety
/// As [`sum_rows`].
#[inline(always)]
unsafe fn sums<V: Vector, const CHANNELS: usize, const WIDTH: usize>(
    a: *const f32,
    channel: usize,
    rows: usize,
    mut b: *const f32,
    out: *mut f32,
    step: usize,
) {
    let group = rows * V::LANES;
    // SAFETY: the caller vouches for the instructions and the lengths.
    unsafe {
        let mut a: [*const f32; CHANNELS] = core::array::from_fn(|i| {
            let channel = channel + i;
            a.add(channel / V::LANES * group + channel % V::LANES)
        });
        let mut sums: [[V; WIDTH]; CHANNELS] =
            core::array::from_fn(|i| core::array::from_fn(|column| V::load(out.add(i * step + column * V::LANES))));
        for _ in 0..rows {
            let factors: [V; CHANNELS] = core::array::from_fn(|i| V::splat(a[i]));
            for column in 0..WIDTH {
                let gradient = V::load(b.add(column * group));
                for (sums, factor) in sums.iter_mut().zip(factors) {
                    sums[column] = factor.mul_add(gradient, sums[column]);
                }
            }
            a = a.map(|a| a.add(V::LANES));
            b = b.add(V::LANES);
        }
        for (i, sums) in sums.into_iter().enumerate() {
            for (column, sum) in sums.into_iter().enumerate() {
                sum.store(out.add(i * step + column * V::LANES));
            }
        }
    }
}

/// Gradients along one side of the board from those of its three overlapping patches; what falls beyond the edge is lost.
///
/// # Safety
/// As [`Lanes`](vector::Lanes).
#[inline(always)]
unsafe fn overlap<V: Vector>([a, b, c]: [[V; PATCH]; TILES_SIDE]) -> [V; SIDE] {
    // SAFETY: the caller vouches for the instructions.
    unsafe { [a[1], a[2], a[3].add(b[0]), a[4].add(b[1]), b[2], b[3].add(c[0]), b[4].add(c[1]), c[2], c[3]] }
}

/// # Safety
/// The CPU has the instructions of `V`; the lengths are those that [`Backward::back`] checks.
#[inline(always)]
unsafe fn back<V: Vector>(
    back: Back,
    products: *const f32,
    left: *const f32,
    trunk: *mut f32,
    biases: BiasGradients,
    out: *mut f32,
) {
    let Back { boards, groups, stride, .. } = back;
    let BiasGradients { bias, late_bias } = biases;
    // SAFETY: the caller vouches for the instructions and the lengths.
    unsafe {
        let constants = winograd::Constants::new();
        let mut board_gradient: [[V; SIDE]; SIDE] = [[V::zero(); SIDE]; SIDE];
        for group in 0..groups {
            let bias = bias.as_mut_ptr().add(group * V::LANES);
            let mut bias_gradient = V::load(bias);
            for board in 0..boards {
                let row = (group * boards + board) * TILES * V::LANES;
                let first = (board * groups + group) * SQUARES * V::LANES;
                let (left, trunk) = (left.add(first), trunk.add(first));
                if back.products {
                    gather(&mut board_gradient, constants, stride, products.add(row));
                }
                let mut sum = V::zero();
                for (file, squares) in board_gradient.iter_mut().enumerate() {
                    for (rank, square) in squares.iter_mut().enumerate() {
                        let at = (file * SIDE + rank) * V::LANES;
                        let mut x = if back.products { *square } else { V::zero() };
                        if back.add {
                            x = x.add(V::load(trunk.add(at)));
                        }
                        sum = sum.add(x);
                        if back.gate {
                            x = x.gated(V::load(left.add(at)));
                        }
                        if back.keep {
                            x.store(trunk.add(at));
                        }
                        bias_gradient = bias_gradient.add(x);
                        *square = x;
                    }
                }
                if !late_bias.is_empty() {
                    sum.store(late_bias.as_mut_ptr().add((board * groups + group) * V::LANES));
                }
                if back.spread {
                    spread(&board_gradient, constants, stride, out.add(row));
                }
            }
            if back.spread {
                bias_gradient.store(bias);
            }
        }
    }
}

/// Gradients of a board from those of the products of its nine tiles, `[25][stride]`, each `[9 tiles][LANES]`.
///
/// # Safety
/// The CPU has the instructions of `V`; the products are there.
#[inline(always)]
unsafe fn gather<V: Vector>(
    board: &mut [[V; SIDE]; SIDE],
    constants: winograd::Constants<V>,
    stride: usize,
    products: *const f32,
) {
    // SAFETY: the caller vouches for the instructions and the products.
    unsafe {
        let mut along = [[[V::zero(); PATCH]; TILES_SIDE]; SIDE]; // [file][tile][frequency]
        for rank in 0..TILES_SIDE {
            for i in 0..PATCH {
                let mut patches = [[V::zero(); PATCH]; TILES_SIDE];
                for (file, patch) in patches.iter_mut().enumerate() {
                    let tile = products.add((file * TILES_SIDE + rank) * V::LANES);
                    for (f, x) in patch.iter_mut().enumerate() {
                        *x = V::load(tile.add((f * PATCH + i) * stride));
                    }
                    *patch = winograd::input_gradient(*patch, constants);
                }
                let column = overlap(patches);
                for (along, x) in along.iter_mut().zip(&column) {
                    along[rank][i] = *x;
                }
            }
        }
        for (squares, along) in board.iter_mut().zip(&mut along) {
            for patch in along.iter_mut() {
                *patch = winograd::input_gradient(*patch, constants);
            }
            *squares = overlap(*along);
        }
    }
}

/// Gradients of the products of the nine tiles of a board, to `[25][stride]`, each `[9 tiles][LANES]`.
///
/// # Safety
/// The CPU has the instructions of `V`; `out` has room for all of it.
#[inline(always)]
unsafe fn spread<V: Vector>(
    board: &[[V; SIDE]; SIDE],
    constants: winograd::Constants<V>,
    stride: usize,
    out: *mut f32,
) {
    // SAFETY: the caller vouches for the instructions and the room.
    unsafe {
        let mut along = [[[V::zero(); PATCH]; TILES_SIDE]; SIDE]; // [file][tile][frequency]
        for (along, squares) in along.iter_mut().zip(board) {
            for (tile, along) in along.iter_mut().enumerate() {
                let [a, b, c] = [squares[tile * TILE], squares[tile * TILE + 1], squares[tile * TILE + 2]];
                *along = winograd::output_gradient([a, b, c], constants);
            }
        }
        for tile in 0..TILES {
            let (file, rank) = (tile / TILES_SIDE, tile % TILES_SIDE);
            // The index is a frequency: the second of each patch here, the first in `out`.
            #[allow(clippy::needless_range_loop)]
            for i in 0..PATCH {
                let [a, b, c] = [0, 1, 2].map(|f| file * TILE + f);
                let column = [along[a][rank][i], along[b][rank][i], along[c][rank][i]];
                let frequencies = winograd::output_gradient(column, constants);
                for (f, x) in frequencies.iter().enumerate() {
                    x.store(out.add((f * PATCH + i) * stride + tile * V::LANES));
                }
            }
        }
    }
}
