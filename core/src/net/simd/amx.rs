//! The matrix unit (AMX) of Intel CPUs since 2023: products of bfloat16, added up in f32.
//!
//! It has eight tiles of 16 rows of 64 bytes. `TDPBF16PS` multiplies 16 rows of 32 numbers by 16 columns of 32 and adds the
//! 256 sums to a third tile; see Intel's *Architecture Instruction Set Extensions Programming Reference*, chapter 3. Rust has no
//! stable intrinsics for it, so the instructions stand here as assembly.
//!
//! Activations are boards `[boards][10 files][10 ranks][C]` with zeros in the tenth file and rank, after [`MARGIN`] positions of
//! zeros: then a 3×3 convolution at any place reads its nine neighbours at nine fixed distances, and the sixteen rows of a tile
//! are sixteen places that follow each other. What is computed at the places beyond the board is thrown away.

use crate::net::SIDE;

#[cfg(not(all(feature = "std", target_arch = "x86_64", target_os = "linux")))]
mod absent;
#[cfg(all(feature = "std", target_arch = "x86_64", target_os = "linux"))]
mod present;
#[cfg(not(all(feature = "std", target_arch = "x86_64", target_os = "linux")))]
pub(super) use absent::{Tiles, Unit};
#[cfg(all(feature = "std", target_arch = "x86_64", target_os = "linux"))]
pub(super) use present::{Tiles, Unit};

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

/// What becomes of the sums of a convolution at some places, for [`STEP`] channels.
// Nobody reads them where there is no unit.
#[allow(dead_code)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::SQUARES;

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
