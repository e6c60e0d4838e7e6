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
use super::integer;
use super::level::{Level, per_level};
use super::vector::{self, Factor, Lanes, Ring, Vector};
use super::winograd::{PRODUCTS, TILE};

/// Tiles of a board.
pub(super) const TILES: usize = SQUARES / (TILE * TILE);

/// The fewest rows that a product computes at once: a divisor of the tiles and of the squares of a board. A row is summed
/// in the same order, whatever stands beside it.
pub(super) const ROWS: usize = 3;

/// The rows that a product computes at once where there are registers for them.
const MANY_ROWS: usize = 6;

/// Side of the board with the zeros around it.
pub(super) const PADDED: usize = SIDE + 2;

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
// Parts of the work that a network does or leaves out, each for itself.
#[allow(clippy::struct_excessive_bools)]
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
    /// Rectify the result; squeeze and excitation do so later.
    pub(super) rectify: bool,
    /// Transform the result for another convolution.
    pub(super) next: bool,
    /// What turns the result into integers of at most [`MOST`]; f32 needs none.
    pub(super) per_step: f32,
}

type MultiplyKernel<E> = unsafe fn(Product, &[E], &[E], &mut [E]);
type EnterKernel<E> = unsafe fn(usize, usize, &[f32], f32, usize, &mut [E]);
type BetweenKernel<E> = unsafe fn(Between, &[E], Channels, &mut [f32], &mut [E]);
type ForthKernel<E> = unsafe fn(usize, usize, &[f32], f32, usize, &mut [E]);

/// Numbers for each channel, `[groups][LANES]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channels<'a> {
    /// What a product stands for; f32 needs none.
    pub(super) scale: &'a [f32],
    pub(super) bias: &'a [f32],
    /// What is added after rectification, `[boards]` of them, to what is transformed but not to what is kept; may be empty.
    pub(super) late_bias: &'a [f32],
}

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
    forth: ForthKernel<E>,
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

    /// Transforms a trunk `[boards][groups][81][LANES]`, times `per_step`, for a convolution, as [`enter`](Kernels::enter)
    /// does planes.
    pub(super) fn forth(
        &self,
        boards: usize,
        groups: usize,
        trunk: &[f32],
        per_step: f32,
        stride: usize,
        out: &mut [E],
    ) {
        assert!(trunk.len() >= boards * groups * SQUARES * self.lanes, "trunk is too short");
        let product = groups * boards * TILES * self.lanes;
        assert!(out.len() >= (PRODUCTS - 1) * stride + product, "out is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.forth)(boards, groups, trunk, per_step, stride, out) }
    }

    /// Performs a [`Between`]: products, trunk, and the transformed input of the next convolution.
    pub(super) fn between(
        &self,
        between: Between,
        products: &[E],
        channels: Channels,
        trunk: &mut [f32],
        out: &mut [E],
    ) {
        let Between { boards, groups, stride, .. } = between;
        let transformed = (PRODUCTS - 1) * stride + groups * boards * TILES * self.lanes;
        assert!(products.len() >= transformed && out.len() >= transformed, "products or out are too short");
        let Channels { scale, bias, late_bias } = channels;
        assert!(bias.len() >= groups * self.lanes, "bias is too short");
        assert!(self.per_element == 1 || scale.len() >= groups * self.lanes, "scale is too short");
        assert!(late_bias.is_empty() || late_bias.len() >= boards * groups * self.lanes, "late_bias is too short");
        assert!(trunk.len() >= boards * groups * SQUARES * self.lanes, "trunk is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.between)(between, products, channels, trunk, out) }
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
        // SAFETY, for all four: the caller vouches for the instructions and the lengths.
        $(#[$attribute])*
        unsafe fn multiply(product: Product, a: &[$element], b: &[$element], out: &mut [$element]) {
            unsafe { super::kernels::multiply::<<$path as Path>::Sums>(product, a.as_ptr(), b.as_ptr(), out.as_mut_ptr()) }
        }
        $(#[$attribute])*
        unsafe fn enter(boards: usize, planes: usize, input: &[f32], per_step: f32, stride: usize, out: &mut [$element]) {
            unsafe { super::tiles::enter::<$path>(boards, planes, input, per_step, stride, out.as_mut_ptr()) }
        }
        $(#[$attribute])*
        unsafe fn between(
            between: Between,
            products: &[$element],
            channels: Channels,
            trunk: &mut [f32],
            out: &mut [$element],
        ) {
            let (trunk, out) = (trunk.as_mut_ptr(), out.as_mut_ptr());
            unsafe { super::tiles::between::<$path>(between, products.as_ptr(), channels, trunk, out) }
        }
        $(#[$attribute])*
        unsafe fn forth(
            boards: usize,
            groups: usize,
            trunk: &[f32],
            per_step: f32,
            stride: usize,
            out: &mut [$element],
        ) {
            let (trunk, out) = (trunk.as_ptr(), out.as_mut_ptr());
            unsafe { super::tiles::forth::<$path>(boards, groups, trunk, per_step, stride, out) }
        }
        static TABLE: Kernels<$element> = Kernels {
            lanes: <<$path as Path>::Floats as Lanes>::LANES,
            width: <<$path as Path>::Sums as Factor>::WIDTH,
            per_element: <$path as Path>::HALVES,
            multiply,
            enter,
            between,
            forth,
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
        plain!(vector::Portable<16, 6, 4>)
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
            Level::Avx512 if super::level::has!("avx512vnni") => {
                Some(integers!(integer::x86::Avx512Vnni, #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]))
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 if super::level::has!("avxvnni") => {
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
                    // Each pass fetches a share of the next panel, a cache line for each row of this one, until all of it is fetched.
                    let (pass, first) = if V::ROWS == MANY_ROWS { (row / MANY_ROWS, 0) } else { (row / ROWS, 1) };
                    let shares = (width * V::LANES * size_of::<V::Element>()).div_ceil(LINE);
                    let ahead = if (first..first + shares).contains(&pass) {
                        let share = inner * V::LANES * LINE / size_of::<V::Element>();
                        b.wrapping_add(width * V::LANES * inner * V::LANES + (pass - first) * share)
                    } else {
                        b
                    };
                    if V::ROWS == MANY_ROWS && rows - row >= MANY_ROWS {
                        match width {
                            1 => tile::<V, MANY_ROWS, 1>(a, inner, lanes, group, b, out, ahead),
                            3 if V::WIDTH > 2 => tile::<V, MANY_ROWS, 3>(a, inner, lanes, group, b, out, ahead),
                            4 if V::WIDTH > 3 => tile::<V, MANY_ROWS, 4>(a, inner, lanes, group, b, out, ahead),
                            _ => tile::<V, MANY_ROWS, 2>(a, inner, lanes, group, b, out, ahead),
                        }
                        row += MANY_ROWS;
                    } else {
                        match width {
                            1 => tile::<V, ROWS, 1>(a, inner, lanes, group, b, out, ahead),
                            3 if V::WIDTH > 2 => tile::<V, ROWS, 3>(a, inner, lanes, group, b, out, ahead),
                            4 if V::WIDTH > 3 => tile::<V, ROWS, 4>(a, inner, lanes, group, b, out, ahead),
                            _ => tile::<V, ROWS, 2>(a, inner, lanes, group, b, out, ahead),
                        }
                        row += ROWS;
                    }
                }
            }
        }
    }
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// Bytes from the weights in use to those that are fetched into the nearest cache.
const NEAR: usize = 2048;

/// Asks for the cache line at `from`, which need not be readable: for the nearest cache, or for the next one.
#[inline(always)]
fn prefetch<const NEAREST: bool, E>(from: *const E) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has the instruction, and it faults on no address.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        if NEAREST { _mm_prefetch::<_MM_HINT_T0>(from.cast()) } else { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// Some rows of `WIDTH` vectors, summed over all of `inner` in registers. Meanwhile as many cache lines as there are rows of `b` are
/// fetched from `ahead`: with few boards the weights come from far away, and each panel is over before the CPU itself looks ahead.
/// Where many rows are computed at once panels are too large for two in the nearest cache, and what comes next is fetched from
/// the one behind it in time.
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
    mut ahead: *const V::Element,
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
                if V::ROWS == MANY_ROWS {
                    prefetch::<false, _>(ahead);
                    for column in 0..WIDTH {
                        prefetch::<true, _>(b.wrapping_byte_add(NEAR + column * LINE));
                    }
                } else {
                    prefetch::<true, _>(ahead);
                }
                ahead = ahead.wrapping_byte_add(LINE);
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
