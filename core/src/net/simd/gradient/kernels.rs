//! Micro-kernels of the backward pass: gradients of weights, and epilogues of gradients.
//!
//! Layouts are those of the forward [`kernels`](crate::net::simd::kernels). The table is a second one, so that a build that only plays
//! does not carry these kernels.
//!
//! No vector passes through a closure here, as in `array::from_fn` or `map`: a closure that the compiler does not inline is compiled
//! without the kernel's instruction set, and calls a function for each intrinsic.

use super::super::epilogue::Residual;
use super::super::level::{Level, per_level};
use super::super::product::Product;
use super::super::vector::{self, Lanes, Vector};
use super::super::winograd::{self, PATCH, PRODUCTS, TILE, TILES, TILES_SIDE};
use crate::net::{SIDE, SQUARES};

/// Columns of `a` per block of a transposed product.
const CHANNELS: usize = 3;

/// The backward epilogue of a Winograd convolution: from the gradients of the next convolution's products to those of its own.
///
/// The mirror of [`Epilogue`](crate::net::simd::epilogue::Epilogue), with the same layouts.
#[derive(Clone, Copy, Debug)]
pub(super) struct EpilogueGradient {
    /// Boards.
    pub(super) boards: usize,
    /// Vectors that hold the channels.
    pub(super) groups: usize,
    /// Numbers from one of the 25 products to the next, in input and output.
    pub(super) stride: usize,
    /// Access to the gradient of the trunk; it is added before the derivative of `ReLU`.
    pub(super) residual: Residual,
}

type ProductKernel = unsafe fn(Product, &[f32], &[f32], &mut [f32]);
type EpilogueKernel =
    unsafe fn(EpilogueGradient, Option<&[f32]>, Option<&[f32]>, &mut [f32], BiasGradients, Option<&mut [f32]>);

/// Gradients of the parameters of each channel, `[groups][LANES]`.
#[derive(Debug)]
pub(super) struct BiasGradients<'a> {
    /// Gradient of the bias before `ReLU`; added to.
    pub(super) bias: &'a mut [f32],
    /// Gradient of each board's pool bias, `[boards][groups][LANES]`, or empty; overwritten.
    pub(super) pool_bias: &'a mut [f32],
}

/// The backward kernels of one level.
#[derive(Debug)]
pub(super) struct GradientKernels {
    lanes: usize,
    add_transposed: ProductKernel,
    epilogue: EpilogueKernel,
}

impl GradientKernels {
    /// Adds a transposed [`Product`] to `out`.
    pub(super) fn add_transposed(&self, product: Product, a: &[f32], b: &[f32], out: &mut [f32]) {
        let Product { count, rows, inner, outer, a_stride, b_stride, out_stride } = product;
        assert!(count > 0, "nothing to sum");
        assert!(a.len() >= (count - 1) * a_stride + inner * rows * self.lanes, "a is too short");
        assert!(b.len() >= (count - 1) * b_stride + outer * rows * self.lanes, "b is too short");
        assert!(out.len() >= (count - 1) * out_stride + inner * outer * self.lanes * self.lanes, "out is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.add_transposed)(product, a, b, out) }
    }

    /// Runs an [`EpilogueGradient`].
    ///
    /// `products` are gradients of the next convolution's products, or `None` if the gradient comes from `trunk` alone. `activations`
    /// `[boards][groups][81][LANES]` mask the gradient where `ReLU` was flat; `None` if there was no `ReLU`. `out` receives the gradients
    /// of the convolution's own products; without it the epilogue ends at `trunk`, and no bias gets a gradient.
    pub(super) fn epilogue(
        &self,
        epilogue: EpilogueGradient,
        products: Option<&[f32]>,
        activations: Option<&[f32]>,
        trunk: &mut [f32],
        biases: BiasGradients,
        out: Option<&mut [f32]>,
    ) {
        let EpilogueGradient { boards, groups, stride, .. } = epilogue;
        let transformed = (PRODUCTS - 1) * stride + groups * boards * TILES * self.lanes;
        assert!(products.is_none_or(|products| products.len() >= transformed), "products are too short");
        assert!(out.as_ref().is_none_or(|out| out.len() >= transformed), "out is too short");
        assert!(biases.bias.len() >= groups * self.lanes, "bias is too short");
        let pool_bias = biases.pool_bias.len();
        assert!(pool_bias == 0 || pool_bias >= boards * groups * self.lanes, "pool_bias is too short");
        let size = boards * groups * SQUARES * self.lanes;
        assert!(trunk.len() >= size, "trunk is too short");
        assert!(activations.is_none_or(|activations| activations.len() >= size), "activations are too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.epilogue)(epilogue, products, activations, trunk, biases, out) }
    }
}

/// The kernels of a vector, compiled for the instruction set that the attribute names.
macro_rules! table {
    ($vector:ty $(, #[$attribute:meta])*) => {{
        // SAFETY, for both: the caller vouches for the instructions and the lengths.
        $(#[$attribute])*
        unsafe fn add_transposed(product: Product, a: &[f32], b: &[f32], out: &mut [f32]) {
            unsafe { super::kernels::add_transposed::<$vector>(product, a.as_ptr(), b.as_ptr(), out.as_mut_ptr()) }
        }
        $(#[$attribute])*
        unsafe fn epilogue(
            epilogue: EpilogueGradient,
            products: Option<&[f32]>,
            activations: Option<&[f32]>,
            trunk: &mut [f32],
            biases: BiasGradients,
            out: Option<&mut [f32]>,
        ) {
            let (products, activations) = (products.map(<[f32]>::as_ptr), activations.map(<[f32]>::as_ptr));
            let (trunk, out) = (trunk.as_mut_ptr(), out.map(<[f32]>::as_mut_ptr));
            unsafe { super::kernels::epilogue::<$vector>(epilogue, products, activations, trunk, biases, out) }
        }
        static TABLE: GradientKernels =
            GradientKernels { lanes: <$vector as Lanes>::LANES, add_transposed, epilogue };
        &TABLE
    }};
}

impl GradientKernels {
    /// The kernels of a level, or `None` if it is not available.
    pub(super) fn of(level: Level) -> Option<&'static GradientKernels> {
        per_level!(level, table, vector)
    }
}

/// Adds a transposed [`Product`].
///
/// # Safety
/// The CPU has the instructions of `V`; the lengths are those that [`GradientKernels::add_transposed`] checks.
#[inline(always)]
unsafe fn add_transposed<V: Vector>(product: Product, a: *const f32, b: *const f32, out: *mut f32) {
    let Product { count, rows, inner, outer, a_stride, b_stride, out_stride } = product;
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
                    match (channels - channel, width) {
                        (1, 1) => block::<V, 1, 1>(a, channel, rows, b, out, step),
                        (1, 3) if V::WIDTH > 2 => block::<V, 1, 3>(a, channel, rows, b, out, step),
                        (1, 4) if V::WIDTH > 3 => block::<V, 1, 4>(a, channel, rows, b, out, step),
                        (1, _) => block::<V, 1, 2>(a, channel, rows, b, out, step),
                        (2, 1) => block::<V, 2, 1>(a, channel, rows, b, out, step),
                        (2, 3) if V::WIDTH > 2 => block::<V, 2, 3>(a, channel, rows, b, out, step),
                        (2, 4) if V::WIDTH > 3 => block::<V, 2, 4>(a, channel, rows, b, out, step),
                        (2, _) => block::<V, 2, 2>(a, channel, rows, b, out, step),
                        (_, 1) => block::<V, CHANNELS, 1>(a, channel, rows, b, out, step),
                        (_, 3) if V::WIDTH > 2 => block::<V, CHANNELS, 3>(a, channel, rows, b, out, step),
                        (_, 4) if V::WIDTH > 3 => block::<V, CHANNELS, 4>(a, channel, rows, b, out, step),
                        (_, _) => block::<V, CHANNELS, 2>(a, channel, rows, b, out, step),
                    }
                    channel += CHANNELS;
                }
            }
        }
    }
}

/// One block of a transposed product: `CHANNELS` columns of `a` by `WIDTH` vectors of columns of `b`, summed over all rows in
/// registers.
///
/// # Safety
/// As [`add_transposed`].
#[inline(always)]
unsafe fn block<V: Vector, const CHANNELS: usize, const WIDTH: usize>(
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

/// Gradients along one side of the board: the sum over its three overlapping patches, without the zeros around the board.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
unsafe fn overlap<V: Vector>([a, b, c]: [[V; PATCH]; TILES_SIDE]) -> [V; SIDE] {
    // SAFETY: the caller vouches for the instructions.
    unsafe { [a[1], a[2], a[3].add(b[0]), a[4].add(b[1]), b[2], b[3].add(c[0]), b[4].add(c[1]), c[2], c[3]] }
}

/// Runs an [`EpilogueGradient`].
///
/// # Safety
/// The CPU has the instructions of `V`; the lengths are those that [`GradientKernels::epilogue`] checks.
#[inline(always)]
unsafe fn epilogue<V: Vector>(
    epilogue: EpilogueGradient,
    products: Option<*const f32>,
    activations: Option<*const f32>,
    trunk: *mut f32,
    biases: BiasGradients,
    out: Option<*mut f32>,
) {
    let EpilogueGradient { boards, groups, stride, residual } = epilogue;
    let BiasGradients { bias, pool_bias } = biases;
    let (reads, writes) = (residual.is_read(), residual.is_written());
    // SAFETY: the caller vouches for the instructions and the lengths.
    unsafe {
        let constants = winograd::Constants::new();
        let mut gradient: [[V; SIDE]; SIDE] = [[V::zero(); SIDE]; SIDE];
        for group in 0..groups {
            let bias = bias.as_mut_ptr().add(group * V::LANES);
            let mut bias_gradient = V::load(bias);
            for board in 0..boards {
                let row = (group * boards + board) * TILES * V::LANES;
                let first = (board * groups + group) * SQUARES * V::LANES;
                if let Some(products) = products {
                    input_gradient(&mut gradient, constants, stride, products.add(row));
                }
                let mut sum = V::zero();
                for (file, squares) in gradient.iter_mut().enumerate() {
                    for (rank, square) in squares.iter_mut().enumerate() {
                        let at = first + (file * SIDE + rank) * V::LANES;
                        let mut x = if products.is_some() { *square } else { V::zero() };
                        if reads {
                            x = x.add(V::load(trunk.add(at)));
                        }
                        sum = sum.add(x);
                        if let Some(activations) = activations {
                            x = x.relu_gradient(V::load(activations.add(at)));
                        }
                        if writes {
                            x.store(trunk.add(at));
                        }
                        bias_gradient = bias_gradient.add(x);
                        *square = x;
                    }
                }
                if !pool_bias.is_empty() {
                    sum.store(pool_bias.as_mut_ptr().add((board * groups + group) * V::LANES));
                }
                if let Some(out) = out {
                    output_gradient(&gradient, constants, stride, out.add(row));
                }
            }
            if out.is_some() {
                bias_gradient.store(bias);
            }
        }
    }
}

/// Transpose of the input transform: the gradient of a board from those of the products of its nine tiles, `[25][stride]`, each
/// `[9 tiles][LANES]`.
///
/// # Safety
/// The CPU has the instructions of `V`; the products are there.
#[inline(always)]
unsafe fn input_gradient<V: Vector>(
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

/// Transpose of the output transform: the gradients of the products of a board's nine tiles, to `[25][stride]`, each
/// `[9 tiles][LANES]`.
///
/// # Safety
/// The CPU has the instructions of `V`; `out` has room for all of it.
#[inline(always)]
unsafe fn output_gradient<V: Vector>(
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
