//! The number types that a network is computed in: f32 throughout, or f32 with integer convolutions ([`integer`](super::integer)).

use core::marker::PhantomData;

use super::super::SIDE;
use super::vector::{Factor, Lanes, Ring, Vector};

/// Side of the board with the zeros around it.
pub(super) const PADDED: usize = SIDE + 2;

/// Largest magnitude of an integer activation. Its Winograd transform is at most 36 times as large, which fits 16 bits.
pub(super) const MAX_ACTIVATION: i16 = 900;

/// A board with the zeros around it.
pub(super) type Padded<V> = [[V; PADDED]; PADDED];

/// The vector types of one level for one type of element.
pub(super) trait Arithmetic {
    /// Activations between two convolutions.
    type Floats: Vector;
    /// Sums of products.
    type Sums: Factor;
    /// Winograd transforms of input.
    type Ring: Ring<Element = <Self::Sums as Lanes>::Element>;
    /// Channels in an element, 1 or 2: vectors of `Floats` whose channels fill one vector of elements.
    const PER_ELEMENT: usize;

    /// Sums as f32.
    ///
    /// # Safety
    /// As [`Lanes`].
    unsafe fn floats(sums: Self::Sums) -> Self::Floats;

    /// Two vectors rounded to one vector of elements, clamped to `±limit`.
    ///
    /// # Safety
    /// As [`Lanes`].
    unsafe fn narrow(low: Self::Floats, high: Self::Floats, limit: i16) -> Self::Ring;

    /// A board of f32, times `per_step`, as a board of elements.
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
                    board[file][rank] = Self::narrow(low, high, MAX_ACTIVATION);
                }
            }
            board
        }
    }
}

/// f32 throughout.
pub(super) struct Float<V>(PhantomData<V>);

impl<V: Vector> Arithmetic for Float<V> {
    type Floats = V;
    type Sums = V;
    type Ring = V;
    const PER_ELEMENT: usize = 1;

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
