//! Work on vectors between the products: epilogues, and rearranged activations.

// A list of the intrinsics would only repeat the code below.
#[allow(clippy::wildcard_imports)]
use core::arch::x86_64::*;

use super::super::epilogue::{Activation, Residual};
use super::{BOARD, LANES, MARGIN, NOWHERE, PAD, ROWS, Row, STEP, Tiles, square};
use crate::net::SQUARES;

/// The epilogue of a convolution at [`ROWS`] places, for [`STEP`] channels.
pub(in super::super) struct TileEpilogue<'a> {
    /// Offset of each place's first vector of channels in the stored activations, or [`NOWHERE`].
    pub(in super::super) places: &'a [u32],
    /// Offset from there to the second vector of channels, or `None` if there is one vector.
    pub(in super::super) second: Option<usize>,
    /// Bias, `[STEP]`.
    pub(in super::super) bias: &'a [f32],
    /// Pool bias `[boards][STEP]`, and the numbers in a board. It is added to the next input, not to the stored activations.
    pub(in super::super) pool_bias: Option<(&'a [f32], usize)>,
    /// Activation function; its residual is what is stored.
    pub(in super::super) activation: Activation,
}

/// The backward epilogue of a convolution at [`ROWS`] places, for [`STEP`] channels.
pub(in super::super) struct TileEpilogueGradient<'a> {
    /// As in [`TileEpilogue`].
    pub(in super::super) places: &'a [u32],
    /// As in [`TileEpilogue`].
    pub(in super::super) second: Option<usize>,
    /// Masks of the positive activations, one bit per channel, one mask per vector; the gradient is zero elsewhere. Empty without `ReLU`.
    pub(in super::super) masks: &'a [u16],
    /// Access to the stored gradient.
    pub(in super::super) residual: Residual,
}

// `self` proves that the instructions exist.
#[allow(clippy::unused_self)]
impl Tiles {
    /// Runs a [`TileEpilogue`] on `sums` `[ROWS][STEP]`: activations go to `stored`, if any, their signs to `masks`, unless these are
    /// empty, and rounded to `next`, if any, which starts at the first place.
    pub(in super::super) fn epilogue(
        &self,
        epilogue: &TileEpilogue,
        sums: &[f32],
        stored: Option<&mut [f32]>,
        masks: &mut [u16],
        next: Option<&mut [u16]>,
        row: Row,
    ) {
        assert!(sums.len() >= ROWS * STEP && epilogue.places.len() >= ROWS && epilogue.bias.len() >= STEP);
        let reach = reach(&epilogue.places[..ROWS], epilogue.second);
        assert!(stored.as_ref().is_none_or(|stored| stored.len() >= reach), "stored is too short");
        assert!(masks.is_empty() || masks.len() * LANES >= reach, "there are too few masks");
        assert!(next.as_ref().is_none_or(|next| next.len() >= (ROWS - 1) * row.len() + row.halves * STEP));
        // SAFETY: a CPU with the unit has the vectors; the lengths were just checked.
        unsafe { epilogue_rows(epilogue, sums, stored, masks, next, row) }
    }

    /// Runs a [`TileEpilogueGradient`] on `sums` `[ROWS][STEP]`, or on zeros: gradients are added to `bias` `[STEP]`, unless it is
    /// empty, and rounded to `next`, if any. `stored` holds the gradient that [`Residual`] speaks of.
    pub(in super::super) fn epilogue_gradient(
        &self,
        epilogue: &TileEpilogueGradient,
        sums: Option<&[f32]>,
        stored: &mut [f32],
        bias: &mut [f32],
        next: Option<&mut [u16]>,
        row: Row,
    ) {
        assert!(sums.is_none_or(|sums| sums.len() >= ROWS * STEP) && epilogue.places.len() >= ROWS);
        let reach = reach(&epilogue.places[..ROWS], epilogue.second);
        assert!(epilogue.residual == Residual::Unused || stored.len() >= reach, "stored is too short");
        assert!(epilogue.masks.is_empty() || epilogue.masks.len() * LANES >= reach, "there are too few masks");
        assert!(bias.is_empty() || bias.len() >= STEP, "bias is too short");
        assert!(next.as_ref().is_none_or(|next| next.len() >= (ROWS - 1) * row.len() + row.halves * STEP));
        // SAFETY: a CPU with the unit has the vectors; the lengths were just checked.
        unsafe { epilogue_gradient_rows(epilogue, sums, stored, bias, next, row) }
    }

    /// Rounds input planes `[boards][planes][81]` to boards.
    pub(in super::super) fn load_planes(&self, input: &[f32], planes: usize, row: Row, out: &mut [u16]) {
        let boards = input.len() / (planes * SQUARES);
        assert!(out.len() >= (MARGIN + boards * BOARD) * row.len() && planes <= row.steps * STEP);
        // SAFETY: a CPU with the unit has the vectors.
        unsafe { load_planes(input, planes, row, out) }
    }

    /// Transposes the first `places` places of boards `x`, margin included and a multiple of [`ROWS`], to `[halves][C][stride]`.
    pub(in super::super) fn transpose(&self, x: &[u16], row: Row, places: usize, stride: usize, out: &mut [u16]) {
        assert!(places.is_multiple_of(ROWS) && stride >= places && x.len() >= places * row.len());
        assert!(out.len() >= row.len() * stride);
        for step in 0..row.steps {
            for half in 0..row.halves {
                let from = &x[(step * row.halves + half) * STEP..];
                let to = &mut out[(half * row.steps + step) * STEP * stride..];
                for first in (0..places).step_by(ROWS) {
                    // SAFETY: a CPU with the unit has the vectors; both have [`ROWS`] rows of [`STEP`] there.
                    unsafe {
                        transpose_square(
                            from[first * row.len()..].as_ptr(),
                            row.len(),
                            to[first..].as_mut_ptr(),
                            stride,
                        );
                    }
                }
            }
        }
    }

    /// Pairs of neighbouring places of boards `x`, `[C / LANES][halves][LANES][2]`: `out[0]` has those that start at even places,
    /// `out[1]` at odd ones. Place 0 is [`PAD`] before the first square; beyond the `places` from the first square on are zeros.
    pub(in super::super) fn pair(&self, x: &[u16], row: Row, places: usize, out: [&mut [u16]; 2]) {
        assert!(places.is_multiple_of(2) && x.len() >= (MARGIN + places) * row.len());
        // SAFETY: a CPU with the unit has the vectors.
        out.into_iter().enumerate().for_each(|(odd, out)| unsafe { pair(x, row, places, odd, out) });
    }

    /// Numbers in the [pairs](Tiles::pair) of one kind of this many places.
    pub(in super::super) fn pairs(row: Row, places: usize) -> usize {
        (PAD + places) * row.len()
    }
}

/// Length of the stored numbers that the vectors at these places reach.
fn reach(places: &[u32], second: Option<usize>) -> usize {
    let last = places.iter().filter(|&&place| place != NOWHERE).max();
    last.map_or(0, |&last| last as usize + second.unwrap_or(0) + LANES)
}

/// # Safety
/// There are [`LANES`] numbers at `at`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn load(x: &[f32], at: usize) -> __m512 {
    debug_assert!(at + LANES <= x.len());
    // SAFETY: the caller vouches for the numbers.
    unsafe { _mm512_loadu_ps(x.as_ptr().add(at)) }
}

/// # Safety
/// There is room for [`LANES`] numbers at `at`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn store(x: &mut [f32], at: usize, y: __m512) {
    debug_assert!(at + LANES <= x.len());
    // SAFETY: the caller vouches for the room.
    unsafe { _mm512_storeu_ps(x.as_mut_ptr().add(at), y) }
}

/// Stores [`STEP`] numbers as one or two bfloat16 each.
///
/// # Safety
/// There is room for them at `at`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn store_rounded(x: [__m512; 2], halves: usize, out: &mut [u16], at: usize) {
    debug_assert!(at + halves * STEP <= out.len());
    // SAFETY: the caller vouches for the room; the types are 64 bytes without meaning of their own.
    unsafe {
        let rounded = |x: [__m512; 2]| core::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(x[1], x[0]));
        let (out, upper) = (out.as_mut_ptr().add(at), rounded(x));
        _mm512_storeu_si512(out.cast(), upper);
        if halves == 2 {
            let back = |half: __m256i| _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(half)));
            let (low, high) = (_mm512_castsi512_si256(upper), _mm512_extracti64x4_epi64::<1>(upper));
            let rest = rounded([_mm512_sub_ps(x[0], back(low)), _mm512_sub_ps(x[1], back(high))]);
            _mm512_storeu_si512(out.add(STEP).cast(), rest);
        }
    }
}

/// As [`Tiles::epilogue`].
///
/// # Safety
/// The lengths are those that [`Tiles::epilogue`] checks.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn epilogue_rows(
    epilogue: &TileEpilogue,
    sums: &[f32],
    mut stored: Option<&mut [f32]>,
    masks: &mut [u16],
    mut next: Option<&mut [u16]>,
    row: Row,
) {
    let zero = _mm512_setzero_ps();
    // SAFETY: the caller vouches for the lengths.
    unsafe {
        let bias = [load(epilogue.bias, 0), load(epilogue.bias, LANES)];
        for (i, &place) in epilogue.places[..ROWS].iter().enumerate() {
            if place == NOWHERE {
                continue;
            }
            let place = place as usize;
            let vectors = [Some(place), epilogue.second.map(|second| place + second)];
            let mut x =
                [_mm512_add_ps(load(sums, i * STEP), bias[0]), _mm512_add_ps(load(sums, i * STEP + LANES), bias[1])];
            if let Some(stored) = &stored
                && epilogue.activation == Activation::ResidualRelu
            {
                for (x, at) in x.iter_mut().zip(vectors) {
                    let Some(at) = at else { continue };
                    *x = _mm512_add_ps(*x, load(stored, at));
                }
            }
            if epilogue.activation != Activation::Identity {
                x = [_mm512_max_ps(x[0], zero), _mm512_max_ps(x[1], zero)];
            }
            for (x, at) in x.into_iter().zip(vectors) {
                let Some(at) = at else { continue };
                if let Some(stored) = &mut stored {
                    store(stored, at, x);
                }
                if !masks.is_empty() {
                    *masks.get_unchecked_mut(at / LANES) = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(x, zero);
                }
            }
            if let Some(next) = &mut next {
                if let Some((pool_bias, board)) = epilogue.pool_bias {
                    let pool_bias = &pool_bias[place / board * STEP..][..STEP];
                    x = [_mm512_add_ps(x[0], load(pool_bias, 0)), _mm512_add_ps(x[1], load(pool_bias, LANES))];
                }
                store_rounded(x, row.halves, next, i * row.len());
            }
        }
    }
}

/// As [`Tiles::epilogue_gradient`].
///
/// # Safety
/// The lengths are those that [`Tiles::epilogue_gradient`] checks.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn epilogue_gradient_rows(
    epilogue: &TileEpilogueGradient,
    sums: Option<&[f32]>,
    stored: &mut [f32],
    bias: &mut [f32],
    mut next: Option<&mut [u16]>,
    row: Row,
) {
    let (reads, writes) = (epilogue.residual.is_read(), epilogue.residual.is_written());
    let mut total = [_mm512_setzero_ps(); 2];
    // SAFETY: the caller vouches for the lengths.
    unsafe {
        for (i, &place) in epilogue.places[..ROWS].iter().enumerate() {
            if place == NOWHERE {
                continue;
            }
            let place = place as usize;
            let mut x = [_mm512_setzero_ps(); 2];
            if let Some(sums) = sums {
                x = [load(sums, i * STEP), load(sums, i * STEP + LANES)];
            }
            for (x, at) in x.iter_mut().zip([Some(place), epilogue.second.map(|second| place + second)]) {
                let Some(at) = at else { continue };
                if reads {
                    *x = _mm512_add_ps(*x, load(stored, at));
                }
                if !epilogue.masks.is_empty() {
                    *x = _mm512_maskz_mov_ps(*epilogue.masks.get_unchecked(at / LANES), *x);
                }
                if writes {
                    store(stored, at, *x);
                }
            }
            total = [_mm512_add_ps(total[0], x[0]), _mm512_add_ps(total[1], x[1])];
            if let Some(next) = &mut next {
                store_rounded(x, row.halves, next, i * row.len());
            }
        }
        if !bias.is_empty() {
            for (part, total) in total.into_iter().enumerate() {
                let sum = _mm512_add_ps(load(bias, part * LANES), total);
                store(bias, part * LANES, sum);
            }
        }
    }
}

/// As [`Tiles::load_planes`].
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn load_planes(input: &[f32], planes: usize, row: Row, out: &mut [u16]) {
    let lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    let offsets = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(SQUARES as i32));
    for (board, input) in input.chunks_exact(planes * SQUARES).enumerate() {
        for (step, first) in (0..planes).step_by(STEP).enumerate() {
            let masks = [first, first + LANES].map(|first| {
                let count = planes.saturating_sub(first).min(LANES);
                ((1u32 << count) - 1) as u16
            });
            for place in 0..BOARD {
                let Some(square) = square(place) else { continue };
                let gather = |mask: u16, first: usize| {
                    let from = input.as_ptr().wrapping_add(first * SQUARES + square);
                    // SAFETY: the mask leaves out the planes that the input does not have.
                    unsafe { _mm512_mask_i32gather_ps::<4>(_mm512_setzero_ps(), mask, offsets, from.cast()) }
                };
                let x = [gather(masks[0], first), gather(masks[1], first + LANES)];
                let at = (MARGIN + board * BOARD + place) * row.len() + step * row.halves * STEP;
                // SAFETY: `Tiles::load_planes` checked that there is room for the boards.
                unsafe { store_rounded(x, row.halves, out, at) }
            }
        }
    }
}

/// Transposes 32 rows of 32 numbers.
///
/// # Safety
/// There are 32 rows of 32 numbers at both pointers, `from_row` and `to_row` numbers apart.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn transpose_square(from: *const u16, from_row: usize, to: *mut u16, to_row: usize) {
    // SAFETY: the caller vouches for the rows.
    unsafe {
        // Eight rows at a time: pairs of numbers, then fours, then eights, within each quarter of a vector.
        let mut eights = [[_mm512_setzero_si512(); 8]; 4];
        for (group, eights) in eights.iter_mut().enumerate() {
            let x: [__m512i; 8] =
                core::array::from_fn(|i| _mm512_loadu_si512(from.add((group * 8 + i) * from_row).cast()));
            let pairs: [[__m512i; 4]; 2] = [
                core::array::from_fn(|i| _mm512_unpacklo_epi16(x[2 * i], x[2 * i + 1])),
                core::array::from_fn(|i| _mm512_unpackhi_epi16(x[2 * i], x[2 * i + 1])),
            ];
            for (half, pairs) in pairs.into_iter().enumerate() {
                let fours = [
                    [_mm512_unpacklo_epi32(pairs[0], pairs[1]), _mm512_unpacklo_epi32(pairs[2], pairs[3])],
                    [_mm512_unpackhi_epi32(pairs[0], pairs[1]), _mm512_unpackhi_epi32(pairs[2], pairs[3])],
                ];
                for (quarter, fours) in fours.into_iter().enumerate() {
                    let at = half * 4 + quarter * 2;
                    eights[at] = _mm512_unpacklo_epi64(fours[0], fours[1]);
                    eights[at + 1] = _mm512_unpackhi_epi64(fours[0], fours[1]);
                }
            }
        }
        // The quarters of vector i are the columns i, 8 + i, 16 + i and 24 + i.
        let [a, b, c, d] = eights;
        for (i, (((a, b), c), d)) in a.into_iter().zip(b).zip(c).zip(d).enumerate() {
            let (ab_low, ab_high) = (_mm512_shuffle_i32x4::<0x44>(a, b), _mm512_shuffle_i32x4::<0xee>(a, b));
            let (cd_low, cd_high) = (_mm512_shuffle_i32x4::<0x44>(c, d), _mm512_shuffle_i32x4::<0xee>(c, d));
            let columns = [
                _mm512_shuffle_i32x4::<0x88>(ab_low, cd_low),
                _mm512_shuffle_i32x4::<0xdd>(ab_low, cd_low),
                _mm512_shuffle_i32x4::<0x88>(ab_high, cd_high),
                _mm512_shuffle_i32x4::<0xdd>(ab_high, cd_high),
            ];
            for (quarter, column) in columns.into_iter().enumerate() {
                _mm512_storeu_si512(to.add((quarter * 8 + i) * to_row).cast(), column);
            }
        }
    }
}

/// As [`Tiles::pair`], for one kind.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn pair(x: &[u16], row: Row, places: usize, odd: usize, out: &mut [u16]) {
    let both = |first: __m256i, second: __m256i| {
        let second = _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(second));
        _mm512_or_si512(_mm512_cvtepu16_epi32(first), second)
    };
    for (i, out) in out.chunks_exact_mut(2 * row.len()).enumerate().skip(PAD / 2 - odd) {
        let place = 2 * i + odd;
        if place + 2 > PAD + places {
            out.fill(0);
            continue;
        }
        let x = &x[(MARGIN + place - PAD) * row.len()..][..2 * row.len()];
        for part in 0..row.steps * row.halves {
            let (step, half) = (part / row.halves, part % row.halves);
            let load = |place: usize| {
                let x = &x[place * row.len() + part * STEP..][..STEP];
                // SAFETY: there are 32 numbers.
                unsafe { _mm512_loadu_si512(x.as_ptr().cast()) }
            };
            let (first, second) = (load(0), load(1));
            let low = both(_mm512_castsi512_si256(first), _mm512_castsi512_si256(second));
            let high = both(_mm512_extracti64x4_epi64::<1>(first), _mm512_extracti64x4_epi64::<1>(second));
            for (column, pairs) in [low, high].into_iter().enumerate() {
                let out = &mut out[((step * 2 + column) * row.halves + half) * STEP..][..STEP];
                // SAFETY: there is room for 32 numbers.
                unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), pairs) }
            }
        }
    }
}
