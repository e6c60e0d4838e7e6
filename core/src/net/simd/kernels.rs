//! The micro-kernels: matrix products and Winograd transforms on whole vectors, one copy for each instruction set.
//!
//! Channels are blocked by the vector: a tensor of `C` channels over some rows (squares, tiles or boards) is stored as
//! `[C / LANES][rows][LANES]`. The channels of a weight panel stand side by side: see [`Product`]. What the products read
//! is f32, or pairs of 16-bit integers: neighbouring channels in one element, so that a vector holds twice as many.
//!
//! All `unsafe` of the network is in this folder's kernels and vectors, for two reasons: instructions that only some CPUs
//! have, and loads without bounds checks in the innermost loops. [`Kernels`] closes both: it exists only for a level that
//! the CPU has, and its methods check every length before a kernel starts.

use core::marker::PhantomData;

use super::super::{SIDE, SQUARES};
use super::level::{Level, per_level};
use super::vector::{self, Factor, Lanes, Ring, Vector};
use super::winograd::{self, PATCH, PRODUCTS, TILE};
use super::{integer, level};

/// Tiles of a board.
pub(super) const TILES: usize = SQUARES / (TILE * TILE);

/// Tiles along a side of the board.
const TILES_SIDE: usize = SIDE / TILE;

/// The fewest rows that a product computes at once: a divisor of the tiles and of the squares of a board. A row is summed
/// in the same order, whatever stands beside it.
pub(super) const ROWS: usize = 3;

/// The rows that a product computes at once where there are registers for them: as many as a board has tiles.
const MANY_ROWS: usize = 9;

/// Side of the board with the zeros around it.
const PADDED: usize = SIDE + 2;

/// The greatest magnitude of an integer activation. Its transform is at most 36 times as great, which fits 16 bits.
pub(super) const MOST: i16 = 900;

/// `count` products of matrices: `out[i] = a[i] × b[i]`. Its numbers are in elements.
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
    /// Numbers from one `b` to the next. A `b` is a row of panels of [`Factor::WIDTH`] vectors, the last one narrower:
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
    /// Vectors of channels, in f32.
    pub(super) groups: usize,
    /// Elements from one of the 25 products to the next, before and after.
    pub(super) stride: usize,
    /// Add the trunk before rectifying, as at the end of a block.
    pub(super) add: bool,
    /// Store the result as the trunk, `[boards][groups][81][LANES]`.
    pub(super) keep: bool,
    /// Transform the result for another convolution.
    pub(super) next: bool,
    /// What turns the result into integers of at most [`MOST`]; f32 needs none.
    pub(super) per_step: f32,
}

type MultiplyKernel<E> = unsafe fn(Product, &[E], &[E], &mut [E]);
type EnterKernel<E> = unsafe fn(usize, usize, &[f32], f32, usize, &mut [E]);
type BetweenKernel<E> = unsafe fn(Between, &[E], &[f32], &[f32], &mut [f32], &mut [E]);

/// One level's kernels for elements `E`: numbers of f32, or pairs of 16-bit integers in an i32.
#[derive(Debug)]
pub(super) struct Kernels<E: 'static> {
    /// Elements in a vector.
    pub(super) lanes: usize,
    /// Vectors in a panel of weights.
    pub(super) width: usize,
    /// Channels in an element.
    pub(super) per_element: usize,
    multiply: MultiplyKernel<E>,
    enter: EnterKernel<E>,
    between: BetweenKernel<E>,
}

impl<E> Kernels<E> {
    /// Computes a [`Product`].
    pub(super) fn multiply(&self, product: Product, a: &[E], b: &[E], out: &mut [E]) {
        let Product { count, rows, inner, outer, a_stride, b_stride, out_stride } = product;
        assert!(count > 0 && rows.is_multiple_of(ROWS), "rows come in threes");
        assert!(a.len() >= (count - 1) * a_stride + inner * rows * self.lanes, "a is too short");
        assert!(b.len() >= (count - 1) * b_stride + inner * outer * self.lanes * self.lanes, "b is too short");
        assert!(out.len() >= (count - 1) * out_stride + outer * rows * self.lanes, "out is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.multiply)(product, a, b, out) }
    }

    /// Transforms input planes `[boards][planes][81]`, times `per_step`, for the first convolution, to `[25][stride]`, each
    /// `[planes / LANES][boards * 9 tiles][LANES]`.
    pub(super) fn enter(
        &self,
        boards: usize,
        planes: usize,
        input: &[f32],
        per_step: f32,
        stride: usize,
        out: &mut [E],
    ) {
        assert!(input.len() >= boards * planes * SQUARES, "input is too short");
        let product = planes.div_ceil(self.lanes * self.per_element) * boards * TILES * self.lanes;
        assert!(out.len() >= (PRODUCTS - 1) * stride + product, "out is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.enter)(boards, planes, input, per_step, stride, out) }
    }

    /// Performs a [`Between`]: products, their unit and the bias (both `[groups][LANES]`; f32 has no unit), trunk, and the
    /// transformed input of the next convolution.
    pub(super) fn between(
        &self,
        between: Between,
        products: &[E],
        scale: &[f32],
        bias: &[f32],
        trunk: &mut [f32],
        out: &mut [E],
    ) {
        let Between { boards, groups, stride, .. } = between;
        let transformed = (PRODUCTS - 1) * stride + groups * boards * TILES * self.lanes;
        assert!(products.len() >= transformed && out.len() >= transformed, "products or out are too short");
        assert!(bias.len() >= groups * self.lanes, "bias is too short");
        assert!(self.per_element == 1 || scale.len() >= groups * self.lanes, "scale is too short");
        assert!(trunk.len() >= boards * groups * SQUARES * self.lanes, "trunk is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.between)(between, products, scale, bias, trunk, out) }
    }
}

/// How a level computes with some kind of element.
pub(super) trait Path {
    /// What the network's numbers are between two convolutions.
    type Floats: Vector;
    /// What products are computed in.
    type Sums: Factor;
    /// What transforms of input are computed in.
    type Ring: Ring<Element = <Self::Sums as Lanes>::Element>;
    /// Vectors of f32 whose channels fill one vector of elements: 1 or 2.
    const HALVES: usize;

    /// # Safety
    /// As [`Lanes`].
    unsafe fn floats(sums: Self::Sums) -> Self::Floats;

    /// Numbers of two vectors, rounded to elements of a magnitude of at most `most`.
    ///
    /// # Safety
    /// As [`Lanes`].
    unsafe fn narrow(low: Self::Floats, high: Self::Floats, most: i16) -> Self::Ring;

    /// A board in elements.
    ///
    /// # Safety
    /// As [`Lanes`].
    #[inline(always)]
    unsafe fn elements<'a>(
        halves: &'a [Padded<Self::Floats>; 2],
        per_step: f32,
        board: &'a mut Padded<Self::Ring>,
    ) -> &'a Padded<Self::Ring> {
        // SAFETY: the caller vouches for the instructions; the pointer is to a number.
        unsafe {
            let (zero, per_step) = (Self::Floats::zero(), Self::Floats::splat(&raw const per_step));
            for file in 1..=SIDE {
                for rank in 1..=SIDE {
                    let [low, high] = halves;
                    let low = low[file][rank].mul_add(per_step, zero);
                    let high = high[file][rank].mul_add(per_step, zero);
                    board[file][rank] = Self::narrow(low, high, MOST);
                }
            }
            board
        }
    }
}

/// A board with the zeros around it.
pub(super) type Padded<V> = [[V; PADDED]; PADDED];

/// Computing in f32 throughout.
pub(super) struct Plain<V>(PhantomData<V>);

impl<V: Vector> Path for Plain<V> {
    type Floats = V;
    type Sums = V;
    type Ring = V;
    const HALVES: usize = 1;

    #[inline(always)]
    unsafe fn floats(sums: V) -> V {
        sums
    }

    #[inline(always)]
    unsafe fn narrow(low: V, _: V, _: i16) -> V {
        low
    }

    #[inline(always)]
    unsafe fn elements<'a>(halves: &'a [Padded<V>; 2], _: f32, _: &'a mut Padded<V>) -> &'a Padded<V> {
        &halves[0]
    }
}

/// The kernels of a path, compiled for the instruction set that the attribute names.
macro_rules! table {
    ($path:ty, $element:ty $(, #[$attribute:meta])*) => {{
        // SAFETY, for all three: the caller vouches for the instructions and the lengths.
        $(#[$attribute])*
        unsafe fn multiply(product: Product, a: &[$element], b: &[$element], out: &mut [$element]) {
            unsafe { super::kernels::multiply::<<$path as Path>::Sums>(product, a.as_ptr(), b.as_ptr(), out.as_mut_ptr()) }
        }
        $(#[$attribute])*
        unsafe fn enter(boards: usize, planes: usize, input: &[f32], per_step: f32, stride: usize, out: &mut [$element]) {
            unsafe { super::kernels::enter::<$path>(boards, planes, input, per_step, stride, out.as_mut_ptr()) }
        }
        $(#[$attribute])*
        unsafe fn between(
            between: Between,
            products: &[$element],
            scale: &[f32],
            bias: &[f32],
            trunk: &mut [f32],
            out: &mut [$element],
        ) {
            let (scale, bias, trunk, out) = (scale.as_ptr(), bias.as_ptr(), trunk.as_mut_ptr(), out.as_mut_ptr());
            unsafe { super::kernels::between::<$path>(between, products.as_ptr(), scale, bias, trunk, out) }
        }
        static TABLE: Kernels<$element> = Kernels {
            lanes: <<$path as Path>::Floats as Lanes>::LANES,
            width: <<$path as Path>::Sums as Factor>::WIDTH,
            per_element: <$path as Path>::HALVES,
            multiply,
            enter,
            between,
        };
        &TABLE
    }};
}

macro_rules! plain {
    ($vector:ty $(, #[$attribute:meta])*) => { table!(Plain<$vector>, f32 $(, #[$attribute])*) };
}

macro_rules! integers {
    ($path:ty $(, #[$attribute:meta])*) => { table!($path, i32 $(, #[$attribute])*) };
}

impl Kernels<f32> {
    /// The kernels of a level, if it is available.
    pub(super) fn of(level: Level) -> Option<&'static Kernels<f32>> {
        per_level!(level, plain, vector)
    }

    /// The shape of AVX-512, for CPUs that lack it.
    #[cfg(test)]
    pub(super) fn wide() -> &'static Kernels<f32> {
        plain!(vector::Portable<16, 9, 2>)
    }
}

impl Kernels<i32> {
    /// The kernels of a level, if it is available, with nothing beyond it.
    pub(super) fn of(level: Level) -> Option<&'static Kernels<i32>> {
        per_level!(level, integers, integer)
    }

    /// The kernels of a level with an instruction for dot products of integers (VNNI), if the CPU has both.
    pub(super) fn with_vnni(level: Level) -> Option<&'static Kernels<i32>> {
        match level {
            level if !level.is_available() => None,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 if level::has!("avx512vnni") => {
                Some(integers!(integer::x86::Avx512Vnni, #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]))
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 if level::has!("avxvnni") => {
                Some(integers!(integer::x86::AvxVnni, #[target_feature(enable = "avx2,fma,avxvnni")]))
            }
            _ => None,
        }
    }
}

/// # Safety
/// The CPU has the instructions of `V`; the lengths are those that [`Kernels::multiply`] checks.
#[inline(always)]
unsafe fn multiply<V: Factor>(product: Product, a: *const V::Element, b: *const V::Element, out: *mut V::Element) {
    let Product { count, rows, inner, outer, a_stride, b_stride, out_stride } = product;
    let (group, lanes) = (rows * V::LANES, core::hint::black_box(V::LANES));
    for i in 0..count {
        for column in (0..outer).step_by(V::WIDTH) {
            let mut row = 0;
            while row < rows {
                // SAFETY: all three stay inside the lengths that were checked; the panels before this one are full.
                unsafe {
                    let a = a.add(i * a_stride + row * V::LANES);
                    let b = b.add(i * b_stride + column * V::LANES * inner * V::LANES);
                    let out = out.add(i * out_stride + column * group + row * V::LANES);
                    let width = (outer - column).min(V::WIDTH);
                    if V::ROWS == MANY_ROWS && rows - row >= MANY_ROWS {
                        match width {
                            1 => tile::<V, MANY_ROWS, 1>(a, inner, lanes, group, b, out),
                            _ => tile::<V, MANY_ROWS, 2>(a, inner, lanes, group, b, out),
                        }
                        row += MANY_ROWS;
                    } else {
                        match width {
                            1 => tile::<V, ROWS, 1>(a, inner, lanes, group, b, out),
                            3 if V::WIDTH > 2 => tile::<V, ROWS, 3>(a, inner, lanes, group, b, out),
                            4 if V::WIDTH > 2 => tile::<V, ROWS, 4>(a, inner, lanes, group, b, out),
                            _ => tile::<V, ROWS, 2>(a, inner, lanes, group, b, out),
                        }
                        row += ROWS;
                    }
                }
            }
        }
    }
}

/// Some rows of `WIDTH` vectors, summed over all of `inner` in registers.
///
/// # Safety
/// As [`multiply`].
#[inline(always)]
unsafe fn tile<V: Factor, const ROWS: usize, const WIDTH: usize>(
    mut a: *const V::Element,
    inner: usize,
    lanes: usize,
    group: usize,
    mut b: *const V::Element,
    out: *mut V::Element,
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
struct Scratch<P: Path> {
    /// A board of one or two vectors of f32.
    halves: [Padded<P::Floats>; 2],
    /// The same in elements, if they are not f32.
    board: Padded<P::Ring>,
    /// The board transformed along its ranks: `[file][tile][frequency]`. The files around the board stay zero.
    along: [[[P::Ring; PATCH]; TILES_SIDE]; PADDED],
}

impl<P: Path> Scratch<P> {
    /// # Safety
    /// As [`Lanes`].
    #[inline(always)]
    unsafe fn new() -> Self {
        // SAFETY: the caller vouches for the instructions.
        let (float, element) = unsafe { (P::Floats::zero(), P::Ring::zero()) };
        Scratch {
            halves: [[[float; PADDED]; PADDED]; 2],
            board: [[element; PADDED]; PADDED],
            along: [[[element; PATCH]; TILES_SIDE]; PADDED],
        }
    }
}

/// # Safety
/// The CPU has the instructions of `P`; the lengths are those that [`Kernels::enter`] checks.
#[inline(always)]
unsafe fn enter<P: Path>(
    boards: usize,
    planes: usize,
    input: &[f32],
    per_step: f32,
    stride: usize,
    out: *mut <P::Sums as Lanes>::Element,
) {
    let lanes = P::Floats::LANES;
    let group_planes = lanes * P::HALVES;
    // SAFETY: the caller vouches for the instructions and the lengths; a padded board has room for each of its squares'
    // lanes, and lanes beyond the last plane stay zero.
    unsafe {
        let constants = winograd::Constants::new();
        for group in 0..planes.div_ceil(group_planes) {
            let mut scratch = Scratch::<P>::new();
            for board in 0..boards {
                for (half, padded) in scratch.halves.iter_mut().enumerate().take(P::HALVES) {
                    let first = group * group_planes + half * lanes;
                    let count = lanes.min(planes.saturating_sub(first));
                    let Some(input) = input.get((board * planes + first) * SQUARES..) else { break };
                    let corner = (&raw mut *padded).cast::<f32>();
                    for (lane, plane) in input.chunks_exact(SQUARES).take(count).enumerate() {
                        for (file, squares) in plane.chunks_exact(SIDE).enumerate() {
                            let to = corner.add(((file + 1) * PADDED + 1) * lanes + lane);
                            for (rank, &x) in squares.iter().enumerate() {
                                *to.add(rank * lanes) = x;
                            }
                        }
                    }
                }
                let row = (group * boards + board) * TILES;
                transform::<P>(&mut scratch, per_step, constants, stride, out.add(row * lanes));
            }
        }
    }
}

/// Transforms the nine tiles of a board, to `[25][stride]`, each `[9 tiles][LANES]`.
///
/// # Safety
/// The CPU has the instructions of `P`; `out` has room for all of it.
#[inline(always)]
unsafe fn transform<P: Path>(
    scratch: &mut Scratch<P>,
    per_step: f32,
    constants: winograd::Constants<P::Ring>,
    stride: usize,
    out: *mut <P::Sums as Lanes>::Element,
) {
    // SAFETY: the caller vouches for the instructions and the room.
    unsafe {
        // Along the ranks first: neighbouring tiles of a column share their files' work.
        let Scratch { halves, board, along } = scratch;
        let padded = P::elements(halves, per_step, board);
        for file in 1..=SIDE {
            for tile in 0..TILES_SIDE {
                let mut patch = [P::Ring::zero(); PATCH];
                patch.copy_from_slice(&padded[file][tile * TILE..][..PATCH]);
                along[file][tile] = winograd::input(patch, constants);
            }
        }
        for tile in 0..TILES {
            let (file, rank) = (tile / TILES_SIDE, tile % TILES_SIDE);
            // The index is a frequency: the second of each patch here, the first in `out`.
            #[allow(clippy::needless_range_loop)]
            for i in 0..PATCH {
                let mut patch = [P::Ring::zero(); PATCH];
                for (f, x) in patch.iter_mut().enumerate() {
                    *x = along[file * TILE + f][rank][i];
                }
                for (f, x) in winograd::input(patch, constants).into_iter().enumerate() {
                    x.store(out.add((f * PATCH + i) * stride + tile * P::Ring::LANES));
                }
            }
        }
    }
}

/// # Safety
/// The CPU has the instructions of `P`; the lengths are those that [`Kernels::between`] checks.
#[inline(always)]
unsafe fn between<P: Path>(
    between: Between,
    products: *const <P::Sums as Lanes>::Element,
    scale: *const f32,
    bias: *const f32,
    trunk: *mut f32,
    out: *mut <P::Sums as Lanes>::Element,
) {
    let Between { boards, groups, stride, next, per_step, .. } = between;
    let lanes = P::Floats::LANES;
    // SAFETY: the caller vouches for the instructions and the lengths.
    unsafe {
        let constants = winograd::Constants::new();
        let mut scratch = Scratch::<P>::new();
        for first in (0..groups).step_by(P::HALVES) {
            if P::HALVES > 1 && first + 1 == groups {
                scratch.halves[1] = [[P::Floats::zero(); PADDED]; PADDED];
            }
            for board in 0..boards {
                for half in 0..P::HALVES.min(groups - first) {
                    let group = first + half;
                    let bias = P::Floats::load(bias.add(group * lanes));
                    let scale = if P::HALVES > 1 { P::Floats::load(scale.add(group * lanes)) } else { bias };
                    let products = products.add((group * boards + board) * TILES * lanes);
                    let trunk = trunk.add((board * groups + group) * SQUARES * lanes);
                    restore::<P>(between, products, scale, bias, trunk, &mut scratch.halves[half]);
                }
                if next {
                    let row = (first / P::HALVES * boards + board) * TILES * lanes;
                    transform::<P>(&mut scratch, per_step, constants, stride, out.add(row));
                }
            }
        }
    }
}

/// A board of one vector of channels from the products of its nine tiles, `[25][stride]`, each `[9 tiles][LANES]`.
///
/// # Safety
/// As [`between`], of one board and one vector of channels.
#[inline(always)]
unsafe fn restore<P: Path>(
    between: Between,
    products: *const <P::Sums as Lanes>::Element,
    scale: P::Floats,
    bias: P::Floats,
    trunk: *mut f32,
    padded: &mut Padded<P::Floats>,
) {
    let Between { stride, add, keep, .. } = between;
    let lanes = P::Floats::LANES;
    // SAFETY: the caller vouches for the instructions and the lengths.
    unsafe {
        for tile in 0..TILES {
            let products = products.add(tile * lanes);
            let mut along = [[P::Floats::zero(); TILE]; PATCH]; // [frequency][rank]
            for (f, along) in along.iter_mut().enumerate() {
                let mut patch = [P::Floats::zero(); PATCH];
                for (i, x) in patch.iter_mut().enumerate() {
                    *x = P::floats(P::Sums::load(products.add((f * PATCH + i) * stride)));
                }
                *along = winograd::output(patch);
            }
            // The index is a coordinate: it says where the result goes as well.
            #[allow(clippy::needless_range_loop)]
            for rank in 0..TILE {
                let mut patch = [P::Floats::zero(); PATCH];
                for (x, along) in patch.iter_mut().zip(along) {
                    *x = along[rank];
                }
                for (file, x) in winograd::output(patch).into_iter().enumerate() {
                    let (file, rank) = (tile / TILES_SIDE * TILE + file, tile % TILES_SIDE * TILE + rank);
                    let trunk = trunk.add((file * SIDE + rank) * lanes);
                    let mut x = if P::HALVES > 1 { x.mul_add(scale, bias) } else { x.add(bias) };
                    if add {
                        x = x.add(P::Floats::load(trunk));
                    }
                    x = x.relu();
                    if keep {
                        x.store(trunk);
                    }
                    padded[file + 1][rank + 1] = x;
                }
            }
        }
    }
}
