//! The matrix unit (AMX) of Intel CPUs since 2023: products of bfloat16, added up in f32.
//!
//! It has eight tiles of 16 rows of 64 bytes. `TDPBF16PS` multiplies 16 rows of 32 numbers by 16 columns of 32 and adds the
//! 256 sums to a third tile; see Intel's *Architecture Instruction Set Extensions Programming Reference*, chapter 3. Rust has no
//! stable intrinsics for it, so the instructions stand here as assembly.
//!
//! Activations are boards `[boards][10 files][10 ranks][C]` with zeros in the tenth file and rank, after [`MARGIN`] positions of
//! zeros: then a 3×3 convolution at any place reads its nine neighbours at nine fixed distances, and the sixteen rows of a tile
//! are sixteen places that follow each other. What is computed at the places beyond the board is thrown away.

use core::arch::asm;
// A list of intrinsics would only repeat what stands below.
#[allow(clippy::wildcard_imports)]
use core::arch::x86_64::*;
use core::marker::PhantomData;

use super::level::has;
use crate::net::{SIDE, SQUARES};

/// Places from one file of a board to the next.
const FILE: usize = SIDE + 1;
/// Places from one board to the next.
pub(super) const BOARD: usize = FILE * FILE;
/// Places before the first board: as far as its first square sees.
pub(super) const MARGIN: usize = FILE + 1;
/// Places that are computed at once.
pub(super) const ROWS: usize = 32;
/// Channels that are multiplied, and channels that are computed, at once.
pub(super) const STEP: usize = 32;
/// The taps of a convolution.
pub(super) const TAPS: usize = 9;
/// Numbers in a vector of f32.
pub(super) const LANES: usize = 16;
/// Bytes from one row of weights to the next.
const WEIGHT_ROW: usize = 64;
/// Where no square is.
pub(super) const NOWHERE: u32 = u32::MAX;

/// The square of each of a board's places.
pub(super) fn square(place: usize) -> Option<usize> {
    let (file, rank) = (place / FILE, place % FILE);
    (file < SIDE && rank < SIDE).then_some(file * SIDE + rank)
}

/// The nearest bfloat16, ties to even; of a number that is none, one that is none either.
pub(super) fn round(x: f32) -> u16 {
    let bits = x.to_bits();
    if x.is_nan() { (bits >> 16) as u16 | 64 } else { ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16 }
}

/// That the CPU has the unit, and that the system lets this process use it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit(());

/// The unit as this thread has set it up; it is left again when this is dropped.
pub(super) struct Tiles {
    thread: PhantomData<*const ()>,
}

/// What becomes of the sums of a convolution at some places, for [`STEP`] channels.
pub(super) struct Finish<'a> {
    /// Of each place, where its square's vector is in `kept`, or [`NOWHERE`]: of the first [`LANES`] channels.
    pub(super) places: &'a [u32],
    /// From there to the vector of the other channels, if there are as many.
    pub(super) second: Option<usize>,
    /// `[STEP]`
    pub(super) bias: &'a [f32],
    /// What is added after rectification to what goes on, but not to what is kept: `[boards][C]` of [`STEP`] channels.
    pub(super) late_bias: Option<(&'a [f32], usize)>,
    /// Whether what was kept is added first.
    pub(super) add: bool,
    pub(super) rectify: bool,
}

// `self` is the proof that the instructions are there.
#[allow(clippy::unused_self)]
impl Unit {
    /// Asks the CPU, and then the system, whose leave a process needs because the tiles make its state larger by 8 KiB.
    pub(super) fn find() -> Option<Unit> {
        const ARCH_PRCTL: i64 = 158;
        const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
        const XFEATURE_XTILEDATA: u64 = 18;
        const BF16_AND_TILE: u32 = 1 << 22 | 1 << 24;
        let has_vectors = has!("avx512f", "avx512bw", "avx512bf16");
        if !has_vectors || __cpuid(0).eax < 7 || __cpuid_count(7, 0).edx & BF16_AND_TILE != BF16_AND_TILE {
            return None;
        }
        let mut result = ARCH_PRCTL;
        // SAFETY: a system call that touches no memory of ours and only the registers named.
        unsafe {
            asm!(
                "syscall", inout("rax") result, in("rdi") ARCH_REQ_XCOMP_PERM, in("rsi") XFEATURE_XTILEDATA,
                out("rcx") _, out("r11") _, options(nostack),
            );
        }
        (result == 0).then_some(Unit(()))
    }

    /// Sets the unit up for this thread: eight tiles of the greatest size.
    pub(super) fn enter(self) -> Tiles {
        #[repr(align(64))]
        struct Configuration([u8; 64]);
        let mut configuration = Configuration([0; 64]);
        configuration.0[0] = 1; // the palette
        for tile in 0..8 {
            configuration.0[16 + 2 * tile] = 64; // bytes of a row
            configuration.0[48 + tile] = 16; // rows
        }
        // SAFETY: `self` vouches for the unit; the configuration is valid by the palette's limits.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const configuration, options(nostack, readonly));
        }
        Tiles { thread: PhantomData }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: the unit was set up when `self` was made.
        unsafe { asm!("tilerelease", options(nostack, nomem)) }
    }
}

// As above.
#[allow(clippy::unused_self)]
impl Tiles {
    /// Convolves at the [`ROWS`] places from `first` on, counted from the first square of the first board:
    /// `sums[ROWS][STEP]` from boards `x` of `steps` times [`STEP`] channels and weights `[TAPS][steps][2]` of tiles.
    pub(super) fn convolve(&self, x: &[u16], first: usize, weight: &[u16], steps: usize, sums: &mut [f32]) {
        let row = steps * STEP;
        assert!(x.len() >= (first + 2 * FILE + 2 + ROWS) * row, "boards are too short");
        assert!(weight.len() >= TAPS * steps * STEP * STEP, "weights are too short");
        assert!(sums.len() >= ROWS * STEP && steps > 0, "sums are too short");
        // Bytes from the place before and a file back to each of the nine neighbours.
        let taps: [usize; TAPS] = core::array::from_fn(|tap| (tap / 3 * FILE + tap % 3) * row * 2);
        // SAFETY: the unit is set up, and the lengths were just checked. Tiles 0 to 3 hold the sums of 16 places and 16 channels
        // each, 4 and 5 activations, 6 and 7 weights.
        unsafe {
            asm!(
                "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                "mov {tap:e}, 9",
                "2:",
                "mov {upper}, [{taps}]", "add {upper}, {x}", "lea {lower}, [{upper} + {half}]", "mov {step}, {steps}",
                "3:",
                "tileloadd tmm4, [{upper} + {row}*1]",
                "tileloadd tmm6, [{weight} + {weight_row}*1]",
                "tileloadd tmm7, [{weight} + {weight_row}*1 + 1024]",
                "tileloadd tmm5, [{lower} + {row}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6", "tdpbf16ps tmm3, tmm5, tmm7",
                "add {upper}, 64", "add {lower}, 64", "add {weight}, 2048",
                "dec {step}", "jnz 3b",
                "add {taps}, 8", "dec {tap:e}", "jnz 2b",
                "tilestored [{sums} + {weight_row}*2], tmm0", "tilestored [{sums} + {weight_row}*2 + 64], tmm1",
                "tilestored [{sums} + {weight_row}*2 + 2048], tmm2", "tilestored [{sums} + {weight_row}*2 + 2112], tmm3",
                x = in(reg) x.as_ptr().add(first * row),
                taps = inout(reg) taps.as_ptr() => _,
                weight = inout(reg) weight.as_ptr() => _,
                sums = in(reg) sums.as_mut_ptr(),
                steps = in(reg) steps,
                row = in(reg) row * 2,
                half = in(reg) row * 2 * 16,
                weight_row = in(reg) WEIGHT_ROW,
                tap = out(reg) _, step = out(reg) _, upper = out(reg) _, lower = out(reg) _,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    }

    /// Finishes sums `[ROWS][STEP]`: into `kept`, vectors of channels, if that is asked for, and rounded into `next`, places from
    /// the same first one on in rows of `row` numbers, if that is.
    pub(super) fn finish(
        &self,
        finish: &Finish,
        sums: &[f32],
        kept: Option<&mut [f32]>,
        next: Option<&mut [u16]>,
        row: usize,
    ) {
        assert!(sums.len() >= ROWS * STEP && finish.places.len() >= ROWS && finish.bias.len() >= STEP);
        // SAFETY: the CPU has the vectors where it has the unit.
        unsafe { finish_rows(finish, sums, kept, next, row) }
    }

    /// Input planes `[boards][planes][81]` as boards of `steps` times [`STEP`] channels.
    pub(super) fn enter_planes(&self, input: &[f32], planes: usize, steps: usize, out: &mut [u16]) {
        let boards = input.len() / (planes * SQUARES);
        assert!(out.len() >= (MARGIN + boards * BOARD) * steps * STEP && planes <= steps * STEP);
        // SAFETY: the CPU has the vectors where it has the unit.
        unsafe { enter_planes(input, planes, steps, out) }
    }
}

/// As [`Tiles::finish`].
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn finish_rows(finish: &Finish, sums: &[f32], kept: Option<&mut [f32]>, next: Option<&mut [u16]>, row: usize) {
    let load = |x: &[f32]| {
        let x = &x[..LANES];
        // SAFETY: there are as many numbers.
        unsafe { _mm512_loadu_ps(x.as_ptr()) }
    };
    let store = |x: &mut [f32], y: __m512| {
        let x = &mut x[..LANES];
        // SAFETY: there is room for as many numbers.
        unsafe { _mm512_storeu_ps(x.as_mut_ptr(), y) }
    };
    let zero = _mm512_setzero_ps();
    let bias = [load(finish.bias), load(&finish.bias[LANES..])];
    let (mut kept, mut next) = (kept, next);
    for (i, (sums, &place)) in sums.chunks_exact(STEP).zip(finish.places).enumerate().take(ROWS) {
        if place == NOWHERE {
            continue;
        }
        let place = place as usize;
        let mut x = [_mm512_add_ps(load(sums), bias[0]), _mm512_add_ps(load(&sums[LANES..]), bias[1])];
        if let Some(kept) = &mut kept {
            let at = [Some(place), finish.second.map(|second| place + second)];
            for (x, at) in x.iter_mut().zip(at) {
                let Some(at) = at else { continue };
                if finish.add {
                    *x = _mm512_add_ps(*x, load(&kept[at..]));
                }
                if finish.rectify {
                    *x = _mm512_max_ps(*x, zero);
                }
                store(&mut kept[at..], *x);
            }
        } else if finish.rectify {
            x = x.map(|x| _mm512_max_ps(x, zero));
        }
        if let Some(next) = &mut next {
            if let Some((late_bias, board)) = finish.late_bias {
                let late_bias = &late_bias[place / board * STEP..];
                x = [_mm512_add_ps(x[0], load(late_bias)), _mm512_add_ps(x[1], load(&late_bias[LANES..]))];
            }
            let rounded = _mm512_cvtne2ps_pbh(x[1], x[0]);
            let next = &mut next[i * row..][..STEP];
            // SAFETY: there is room for 32 numbers.
            unsafe { _mm512_storeu_si512(next.as_mut_ptr().cast(), core::mem::transmute::<__m512bh, __m512i>(rounded)) }
        }
    }
}

/// As [`Tiles::enter_planes`].
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn enter_planes(input: &[f32], planes: usize, steps: usize, out: &mut [u16]) {
    let row = steps * STEP;
    let lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    let offsets = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(SQUARES as i32));
    for (board, input) in input.chunks_exact(planes * SQUARES).enumerate() {
        for first in (0..planes).step_by(STEP) {
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
                let (low, high) = (gather(masks[0], first), gather(masks[1], first + LANES));
                let rounded = _mm512_cvtne2ps_pbh(high, low);
                let out = &mut out[(MARGIN + board * BOARD + place) * row + first..][..STEP];
                // SAFETY: there is room for 32 numbers.
                unsafe {
                    _mm512_storeu_si512(out.as_mut_ptr().cast(), core::mem::transmute::<__m512bh, __m512i>(rounded));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_the_nearest() {
        let back = |x: f32| f32::from_bits(u32::from(round(x)) << 16);
        for x in [0.0, -0.0, 1.0, -1.5, 0.007_812_5, f32::INFINITY, -3.389_531_4e38] {
            assert_eq!(back(x), x);
        }
        // One has neighbours 1/128 above and 1/256 below; ties go to the even one.
        assert_eq!(back(1.0 + 1.1 / 256.0), 1.0 + 1.0 / 128.0);
        assert_eq!(back(1.0 + 0.9 / 256.0), 1.0);
        assert_eq!(back(1.0 + 1.0 / 256.0), 1.0);
        assert_eq!(back(1.0 + 3.0 / 256.0), 1.0 + 2.0 / 128.0);
        assert!(back(f32::NAN).is_nan());
        assert!(back(f32::from_bits(0x7f80_0001)).is_nan());
    }

    #[test]
    fn neighbours_of_every_square_are_squares_or_zeros() {
        let places: [usize; SQUARES] =
            core::array::from_fn(|i| (0..BOARD).find(|&p| square(p) == Some(i)).expect("each has one"));
        for (i, place) in places.into_iter().enumerate() {
            for (df, dr) in (0..TAPS).map(|tap| (tap / 3, tap % 3)) {
                let (file, rank) = (i / SIDE + df, i % SIDE + dr);
                let on_board = (1..=SIDE).contains(&file) && (1..=SIDE).contains(&rank);
                let expected = on_board.then(|| (file - 1) * SIDE + rank - 1);
                // Counted from the margin; what is before it is the tenth file of another board, or the margin itself.
                let neighbour = (place + df * FILE + dr).checked_sub(MARGIN);
                assert_eq!(neighbour.and_then(|place| square(place % BOARD)), expected, "square {i}, tap {df} {dr}");
            }
        }
    }
}
