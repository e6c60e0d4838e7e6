//! The matrix unit (AMX) of Intel CPUs since 2023: products of bfloat16, summed in f32.
//!
//! The unit has eight tiles of 16 rows of 64 bytes. `TDPBF16PS` multiplies 16 rows of 32 numbers by 16 columns of 32 and adds the
//! 256 sums to a third tile; see Intel's *Architecture Instruction Set Extensions Programming Reference*, chapter 3. Rust has no
//! stable intrinsics for it, so the instructions are written as assembly.
//!
//! Activations are boards `[boards][10 files][10 ranks][C]` with zeros in the tenth file and rank, after [`MARGIN`] places of
//! zeros: a 3×3 convolution at any place reads its nine neighbours at nine fixed distances, and the sixteen rows of a tile are sixteen
//! consecutive places. Results at places beyond the board are discarded.
//!
//! A factor is one bfloat16, or the sum of two halves: the nearest bfloat16, and the nearest to the rest. Three products then replace
//! one (the fourth is negligible), and 16 bits are significant instead of 8: the `BF16X3` of XLA and oneMKL.

use core::arch::asm;
use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::marker::PhantomData;

use super::level::has;
use crate::net::SIDE;
pub(super) use rows::{TileEpilogue, TileEpilogueGradient};

mod products;
mod rows;

/// Distance in places from one file of a board to the next.
const FILE: usize = SIDE + 1;
/// Distance in places from one board to the next.
pub(super) const BOARD: usize = FILE * FILE;
/// Places before the first board: the reach of its first square's kernel.
pub(super) const MARGIN: usize = FILE + 1;
/// Places before the first square in [pairs of places](Tiles::pair), at least the distance to any neighbour.
const PAD: usize = 32;
/// Places per block.
pub(super) const ROWS: usize = 32;
/// Channels per block, of input and of output.
pub(super) const STEP: usize = 32;
/// Lanes of a vector of f32.
pub(super) const LANES: usize = 16;
/// Bytes of a row of a tile.
const TILE_ROW: usize = 64;
/// Bfloat16 numbers in a tile.
pub(super) const TILE: usize = 16 * 32;
/// Offset of a place without a square.
pub(super) const NOWHERE: u32 = u32::MAX;

/// Layout of the channels of a place: `[steps][halves][STEP]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Blocks of [`STEP`] channels.
    pub(super) steps: usize,
    /// Bfloat16 halves of a number, 1 or 2.
    pub(super) halves: usize,
}

impl Row {
    /// Layout of this many channels.
    pub(super) fn of(channels: usize, halves: usize) -> Row {
        Row { steps: channels.div_ceil(STEP), halves }
    }

    /// Bfloat16 numbers of a place.
    pub(super) fn len(self) -> usize {
        self.steps * self.halves * STEP
    }
}

/// The square at a place of a board, or `None` in the tenth file or rank.
pub(super) fn square(place: usize) -> Option<usize> {
    let (file, rank) = (place / FILE, place % FILE);
    (file < SIDE && rank < SIDE).then_some(file * SIDE + rank)
}

/// The nearest bfloat16, ties to even; NaN for NaN.
pub(super) fn round(x: f32) -> u16 {
    let bits = x.to_bits();
    if x.is_nan() { (bits >> 16) as u16 | 64 } else { ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16 }
}

/// The bfloat16 halves of `x`: the nearest, and the nearest to the rest.
pub(super) fn halves(x: f32) -> [u16; 2] {
    let upper = round(x);
    [upper, round(x - f32::from_bits(u32::from(upper) << 16))]
}

/// Token: the CPU has the unit, and the system grants its use to this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit(());

/// Token: the unit is configured for this thread, until the token is dropped.
pub(super) struct Tiles {
    thread: PhantomData<*const ()>,
}

// `self` proves that the instructions exist.
#[allow(clippy::unused_self)]
impl Unit {
    /// Detects the unit and requests its use from the system, which a process must do because tiles enlarge its state by 8 KiB.
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

    /// Configures the unit for this thread: eight tiles of the largest size.
    pub(super) fn enter(self) -> Tiles {
        #[repr(align(64))]
        struct Configuration([u8; 64]);
        let mut configuration = Configuration([0; 64]);
        configuration.0[0] = 1; // the palette
        for tile in 0..8 {
            configuration.0[16 + 2 * tile] = 64; // bytes of a row
            configuration.0[48 + tile] = 16; // rows
        }
        // SAFETY: `self` proves that the unit exists; the configuration is within the palette's limits.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const configuration, options(nostack, readonly));
        }
        Tiles { thread: PhantomData }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: the unit was configured when `self` was made.
        unsafe { asm!("tilerelease", options(nostack, nomem)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{SQUARES, TAPS};

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
    fn two_halves_have_sixteen_bits() {
        for x in [1.0, -2.345_678_9, 1e-30, 0.1, 65_537.0] {
            let sum: f32 = halves(x).into_iter().map(|half| f32::from_bits(u32::from(half) << 16)).sum();
            assert!((sum - x).abs() <= x.abs() / (1 << 17) as f32, "{x}: {sum}");
        }
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
                // Counted from the margin; places before it are the tenth file of another board, or the margin itself.
                let neighbour = (place + df * FILE + dr).checked_sub(MARGIN);
                assert_eq!(neighbour.and_then(|place| square(place % BOARD)), expected, "square {i}, tap {df} {dr}");
            }
        }
    }
}
