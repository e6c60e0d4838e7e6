//! Matrix products on vectors.

use super::vector::Factor;

/// Rows per block of a product: a divisor of the tiles and of the squares of a board. A row is summed in the same order in every
/// block.
pub(super) const ROWS: usize = 3;

/// Rows per block at a level with registers for them.
const MANY_ROWS: usize = 6;

/// Shape of matrix products for `i` in `0..count`: `out[i] = a[i] × b[i]`, or `out[i] += transpose(a[i]) × b[i]` in the backward pass.
///
/// Columns are in vectors, strides in elements. `a` is `[inner][rows][LANES]`. In a plain product `b` is a row of panels of
/// [`Factor::WIDTH`] vectors, the last one narrower, `[outer / WIDTH][inner * LANES][WIDTH * LANES]`, and `out` is
/// `[outer][rows][LANES]`. In a transposed product `b` is `[outer][rows][LANES]` and `out` is `[inner * LANES][outer * LANES]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    /// Number of products.
    pub(super) count: usize,
    /// Rows of `a`; a multiple of [`ROWS`] in a plain product.
    pub(super) rows: usize,
    /// Columns of `a`.
    pub(super) inner: usize,
    /// Columns of `out`.
    pub(super) outer: usize,
    /// Stride from one `a` to the next.
    pub(super) a_stride: usize,
    /// Stride from one `b` to the next.
    pub(super) b_stride: usize,
    /// Stride from one `out` to the next; 0 sums all transposed products in one.
    pub(super) out_stride: usize,
}

/// Computes a plain [`Product`].
///
/// # Safety
/// The CPU has the instructions of `V`; the lengths are those that `Kernels::multiply` checks.
#[inline(always)]
pub(super) unsafe fn multiply<V: Factor>(
    product: Product,
    a: *const V::Element,
    b: *const V::Element,
    out: *mut V::Element,
) {
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
                    // Each pass prefetches a share of the next panel, a cache line for each row of this one, until all of it is fetched.
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

/// Distance in bytes from the weights in use to those that are prefetched into the L1 cache.
const NEAR: usize = 2048;

/// Prefetches the cache line at `from`, which need not be readable, into L1 or else into L2.
#[inline(always)]
fn prefetch<const L1: bool, E>(from: *const E) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has the instruction, and it faults on no address.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        if L1 { _mm_prefetch::<_MM_HINT_T0>(from.cast()) } else { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// One block of a product: `ROWS` rows of `WIDTH` vectors, summed over all of `inner` in registers.
///
/// Meanwhile it prefetches one cache line from `ahead` for each row of `b`: with few boards the weights come from a distant cache or
/// from memory, and a panel ends before the hardware prefetcher has recognised it. With [`MANY_ROWS`] two panels do not fit L1: the
/// next panel is prefetched into L2, and the current one from there into L1 just in time.
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
