//! The micro-kernels: matrix products and Winograd transforms on whole vectors, one copy for each instruction set.
//!
//! Channels are blocked by the vector: a tensor of `C` channels over some rows (squares, tiles or boards) is stored as
//! `[C / LANES][rows][LANES]`. The channels of a weight panel stand side by side: see [`Product`].
//!
//! All `unsafe` of the network is in this folder's kernels and vectors, for two reasons: instructions that only some CPUs
//! have, and loads without bounds checks in the innermost loops. [`Kernels`] closes both: it exists only for a level that
//! the CPU has, and its methods check every length before a kernel starts.

use super::super::{SIDE, SQUARES};
use super::vector::{Portable, Vector};
use super::winograd::{self, PATCH, PRODUCTS, TILE};

/// Tiles of a board.
pub(super) const TILES: usize = SQUARES / (TILE * TILE);

/// Tiles along a side of the board.
const TILES_SIDE: usize = SIDE / TILE;

/// Rows that a product computes at once: a divisor of the tiles and of the squares of a board, so that every row is
/// computed the same way, whatever stands beside it.
pub(super) const ROWS: usize = 3;

/// The widest accumulator of any level, in vectors.
pub(super) const MAX_WIDTH: usize = 4;

/// Side of the board with the zeros around it.
const PADDED: usize = SIDE + 2;

/// `count` products of matrices: `out[i] = a[i] × b[i]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    /// How many products.
    pub(super) count: usize,
    /// Rows of `a` and `out`, a multiple of [`ROWS`].
    pub(super) rows: usize,
    /// Columns of `a`, in vectors.
    pub(super) inner: usize,
    /// Columns of `out`, in vectors.
    pub(super) outer: usize,
    /// Numbers from one `a`, `[inner][rows][LANES]`, to the next.
    pub(super) a_stride: usize,
    /// Numbers from one `b` to the next. A `b` is a row of panels of [`Vector::WIDTH`] vectors, the last one narrower:
    /// `[outer / WIDTH][inner * LANES][WIDTH * LANES]`.
    pub(super) b_stride: usize,
    /// Numbers from one `out`, `[outer][rows][LANES]`, to the next.
    pub(super) out_stride: usize,
}

/// From the products of one convolution to the input of the next, for `boards` boards of `groups` vectors of channels.
///
/// The products are `[25][stride]`, each `[groups][boards * 9 tiles][LANES]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Between {
    /// How many boards.
    pub(super) boards: usize,
    /// Vectors of channels.
    pub(super) groups: usize,
    /// Numbers from one of the 25 products to the next, before and after.
    pub(super) stride: usize,
    /// Add the trunk before rectifying, as at the end of a block.
    pub(super) add: bool,
    /// Store the result as the trunk, `[boards][groups][81][LANES]`.
    pub(super) keep: bool,
    /// Transform the result for another convolution.
    pub(super) next: bool,
}

type MultiplyKernel = unsafe fn(Product, &[f32], &[f32], &mut [f32]);
type EnterKernel = unsafe fn(usize, usize, &[f32], usize, &mut [f32]);
type BetweenKernel = unsafe fn(Between, &[f32], &[f32], &mut [f32], &mut [f32]);

/// One level's kernels.
#[derive(Debug)]
pub(super) struct Kernels {
    /// Numbers in a vector.
    pub(super) lanes: usize,
    /// Vectors in a panel of weights.
    pub(super) width: usize,
    multiply: MultiplyKernel,
    enter: EnterKernel,
    between: BetweenKernel,
}

impl Kernels {
    /// Computes a [`Product`].
    pub(super) fn multiply(&self, product: Product, a: &[f32], b: &[f32], out: &mut [f32]) {
        let Product { count, rows, inner, outer, a_stride, b_stride, out_stride } = product;
        assert!(count > 0 && rows.is_multiple_of(ROWS), "rows come in threes");
        assert!(a.len() >= (count - 1) * a_stride + inner * rows * self.lanes, "a is too short");
        assert!(b.len() >= (count - 1) * b_stride + inner * outer * self.lanes * self.lanes, "b is too short");
        assert!(out.len() >= (count - 1) * out_stride + outer * rows * self.lanes, "out is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.multiply)(product, a, b, out) }
    }

    /// Transforms input planes `[boards][planes][81]` for the first convolution, to `[25][stride]`, each
    /// `[planes / LANES][boards * 9 tiles][LANES]`.
    pub(super) fn enter(&self, boards: usize, planes: usize, input: &[f32], stride: usize, out: &mut [f32]) {
        assert!(input.len() >= boards * planes * SQUARES, "input is too short");
        let product = planes.div_ceil(self.lanes) * boards * TILES * self.lanes;
        assert!(out.len() >= (PRODUCTS - 1) * stride + product, "out is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.enter)(boards, planes, input, stride, out) }
    }

    /// Performs a [`Between`]: products, bias `[groups][LANES]`, trunk, and the transformed input of the next
    /// convolution.
    pub(super) fn between(&self, between: Between, products: &[f32], bias: &[f32], trunk: &mut [f32], out: &mut [f32]) {
        let Between { boards, groups, stride, .. } = between;
        let transformed = (PRODUCTS - 1) * stride + groups * boards * TILES * self.lanes;
        assert!(products.len() >= transformed && out.len() >= transformed, "products or out are too short");
        assert!(bias.len() >= groups * self.lanes, "bias is too short");
        assert!(trunk.len() >= boards * groups * SQUARES * self.lanes, "trunk is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.between)(between, products, bias, trunk, out) }
    }
}

/// The kernels of one level, compiled for its instruction set.
macro_rules! level {
    ($(#[$attribute:meta])* $name:ident, $vector:ty) => {
        pub(super) static $name: Kernels = {
            // SAFETY, for all three: the caller vouches for the instructions and the lengths.
            $(#[$attribute])*
            unsafe fn multiply(product: Product, a: &[f32], b: &[f32], out: &mut [f32]) {
                unsafe { super::kernels::multiply::<$vector>(product, a.as_ptr(), b.as_ptr(), out.as_mut_ptr()) }
            }
            $(#[$attribute])*
            unsafe fn enter(boards: usize, planes: usize, input: &[f32], stride: usize, out: &mut [f32]) {
                unsafe { super::kernels::enter::<$vector>(boards, planes, input, stride, out.as_mut_ptr()) }
            }
            $(#[$attribute])*
            unsafe fn between(between: Between, products: &[f32], bias: &[f32], trunk: &mut [f32], out: &mut [f32]) {
                let (trunk, out) = (trunk.as_mut_ptr(), out.as_mut_ptr());
                unsafe { super::kernels::between::<$vector>(between, products.as_ptr(), bias.as_ptr(), trunk, out) }
            }
            Kernels { lanes: <$vector>::LANES, width: <$vector>::WIDTH, multiply, enter, between }
        };
    };
}

level!(PORTABLE, Portable<4, 2>);
// The shape of AVX-512, for CPUs that lack it.
#[cfg(test)]
level!(WIDE, Portable<16, 4>);
#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx2,fma")]
    AVX2,
    super::vector::x86::Avx2
);
#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx512f")]
    AVX512,
    super::vector::x86::Avx512
);
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
level!(SIMD128, super::vector::wasm::Simd128);

/// # Safety
/// The CPU has the instructions of `V`; the lengths are those that [`Kernels::multiply`] checks.
#[inline(always)]
unsafe fn multiply<V: Vector>(product: Product, a: *const f32, b: *const f32, out: *mut f32) {
    let Product { count, rows, inner, outer, a_stride, b_stride, out_stride } = product;
    let group = rows * V::LANES;
    let lanes = core::hint::black_box(V::LANES);
    for i in 0..count {
        for column in (0..outer).step_by(V::WIDTH) {
            for row in (0..rows).step_by(ROWS) {
                // SAFETY: all three stay inside the lengths that were checked; the panels before this one are full.
                unsafe {
                    let a = a.add(i * a_stride + row * V::LANES);
                    let b = b.add(i * b_stride + column * V::LANES * inner * V::LANES);
                    let out = out.add(i * out_stride + column * group + row * V::LANES);
                    match (outer - column).min(V::WIDTH) {
                        1 => tile::<V, 1>(a, inner, lanes, group, b, out),
                        2 => tile::<V, 2>(a, inner, lanes, group, b, out),
                        3 => tile::<V, 3>(a, inner, lanes, group, b, out),
                        _ => tile::<V, MAX_WIDTH>(a, inner, lanes, group, b, out),
                    }
                }
            }
        }
    }
}

/// Three rows of `WIDTH` vectors, summed over all of `inner` in registers.
///
/// # Safety
/// As [`multiply`].
#[inline(always)]
unsafe fn tile<V: Vector, const WIDTH: usize>(
    mut a: *const f32,
    inner: usize,
    lanes: usize,
    group: usize,
    mut b: *const f32,
    out: *mut f32,
) {
    // SAFETY: the caller vouches for the instructions and the lengths.
    unsafe {
        let mut sums = [[V::zero(); WIDTH]; ROWS];
        for _ in 0..inner {
            for k in 0..lanes {
                let mut factors = [V::zero(); ROWS];
                for (row, factor) in factors.iter_mut().enumerate() {
                    *factor = V::splat(a.add(row * V::LANES + k));
                }
                for column in 0..WIDTH {
                    let weight = V::load(b.add(column * V::LANES));
                    for (sums, factor) in sums.iter_mut().zip(factors) {
                        sums[column] = factor.mul_add(weight, sums[column]);
                    }
                }
                b = b.add(WIDTH * V::LANES);
            }
            a = a.add(group);
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (column, sum) in sums.into_iter().enumerate() {
                sum.store(out.add(column * group + row * V::LANES));
            }
        }
    }
}

/// What a transform works on.
struct Scratch<V> {
    /// A board with the zeros around it.
    padded: [[V; PADDED]; PADDED],
    /// The board transformed along its ranks: `[file][tile][frequency]`. The files around the board stay zero.
    along: [[[V; PATCH]; TILES_SIDE]; PADDED],
}

impl<V: Vector> Scratch<V> {
    /// # Safety
    /// As [`Vector`].
    #[inline(always)]
    unsafe fn new() -> Self {
        // SAFETY: the caller vouches for the instructions.
        let zero = unsafe { V::zero() };
        Scratch { padded: [[zero; PADDED]; PADDED], along: [[[zero; PATCH]; TILES_SIDE]; PADDED] }
    }
}

/// # Safety
/// The CPU has the instructions of `V`; the lengths are those that [`Kernels::enter`] checks.
#[inline(always)]
unsafe fn enter<V: Vector>(boards: usize, planes: usize, input: &[f32], stride: usize, out: *mut f32) {
    // SAFETY: the caller vouches for the instructions and the lengths; a padded board has room for each of its squares'
    // lanes, and lanes beyond the last plane stay zero.
    unsafe {
        let constants = winograd::Constants::new();
        for group in 0..planes.div_ceil(V::LANES) {
            let mut scratch = Scratch::<V>::new();
            let lanes = V::LANES.min(planes - group * V::LANES);
            for board in 0..boards {
                let input = &input[(board * planes + group * V::LANES) * SQUARES..][..lanes * SQUARES];
                let corner = (&raw mut scratch.padded).cast::<f32>();
                for (lane, plane) in input.chunks_exact(SQUARES).enumerate() {
                    for (file, squares) in plane.chunks_exact(SIDE).enumerate() {
                        let to = corner.add(((file + 1) * PADDED + 1) * V::LANES + lane);
                        for (rank, &x) in squares.iter().enumerate() {
                            *to.add(rank * V::LANES) = x;
                        }
                    }
                }
                let row = (group * boards + board) * TILES;
                transform::<V>(&mut scratch, constants, stride, out.add(row * V::LANES));
            }
        }
    }
}

/// Transforms the nine tiles of a board, to `[25][stride]`, each `[9 tiles][LANES]`.
///
/// # Safety
/// The CPU has the instructions of `V`; `out` has room for all of it.
#[inline(always)]
unsafe fn transform<V: Vector>(
    scratch: &mut Scratch<V>,
    constants: winograd::Constants<V>,
    stride: usize,
    out: *mut f32,
) {
    // SAFETY: the caller vouches for the instructions and the room.
    unsafe {
        // Along the ranks first: neighbouring tiles of a column share their files' work.
        let Scratch { padded, along } = scratch;
        for file in 1..=SIDE {
            for tile in 0..TILES_SIDE {
                let mut patch = [V::zero(); PATCH];
                patch.copy_from_slice(&padded[file][tile * TILE..][..PATCH]);
                along[file][tile] = winograd::input(patch, constants);
            }
        }
        for tile in 0..TILES {
            let (file, rank) = (tile / TILES_SIDE, tile % TILES_SIDE);
            // The index is a frequency: the second of each patch here, the first in `out`.
            #[allow(clippy::needless_range_loop)]
            for i in 0..PATCH {
                let mut patch = [V::zero(); PATCH];
                for (f, x) in patch.iter_mut().enumerate() {
                    *x = along[file * TILE + f][rank][i];
                }
                for (f, x) in winograd::input(patch, constants).into_iter().enumerate() {
                    x.store(out.add((f * PATCH + i) * stride + tile * V::LANES));
                }
            }
        }
    }
}

/// # Safety
/// The CPU has the instructions of `V`; the lengths are those that [`Kernels::between`] checks.
#[inline(always)]
unsafe fn between<V: Vector>(between: Between, products: *const f32, bias: *const f32, trunk: *mut f32, out: *mut f32) {
    let Between { boards, groups, stride, add, keep, next } = between;
    // SAFETY: the caller vouches for the instructions and the lengths.
    unsafe {
        let constants = winograd::Constants::new();
        let mut scratch = Scratch::<V>::new();
        for group in 0..groups {
            let bias = V::load(bias.add(group * V::LANES));
            for board in 0..boards {
                let row = (group * boards + board) * TILES * V::LANES;
                let trunk = trunk.add((board * groups + group) * SQUARES * V::LANES);
                for tile in 0..TILES {
                    let products = products.add(row + tile * V::LANES);
                    let mut along = [[V::zero(); TILE]; PATCH]; // [frequency][rank]
                    for (f, along) in along.iter_mut().enumerate() {
                        let mut patch = [V::zero(); PATCH];
                        for (i, x) in patch.iter_mut().enumerate() {
                            *x = V::load(products.add((f * PATCH + i) * stride));
                        }
                        *along = winograd::output(patch);
                    }
                    // The index is a coordinate: it says where the result goes as well.
                    #[allow(clippy::needless_range_loop)]
                    for rank in 0..TILE {
                        let mut patch = [V::zero(); PATCH];
                        for (x, along) in patch.iter_mut().zip(along) {
                            *x = along[rank];
                        }
                        for (file, x) in winograd::output(patch).into_iter().enumerate() {
                            let (file, rank) = (tile / TILES_SIDE * TILE + file, tile % TILES_SIDE * TILE + rank);
                            let trunk = trunk.add((file * SIDE + rank) * V::LANES);
                            let mut x = x.add(bias);
                            if add {
                                x = x.add(V::load(trunk));
                            }
                            x = x.relu();
                            if keep {
                                x.store(trunk);
                            }
                            scratch.padded[file + 1][rank + 1] = x;
                        }
                    }
                }
                if next {
                    transform::<V>(&mut scratch, constants, stride, out.add(row));
                }
            }
        }
    }
}
