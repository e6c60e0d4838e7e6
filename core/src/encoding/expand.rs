//! Writers of planes, one after the other: a plane is a set of squares or one number.

use super::{PackedObservation, SQUARES};
use crate::shogi::{Bitboard, PieceType};
use core::mem;
use core::slice::{ChunksExactMut, IterMut};
use half::f16;

/// Type of the values of planes: `f32`; `u16`, the bits of an IEEE binary16 number; `i8`, in units of 1/127.
///
/// Most planes are 0 or 1 and exact in all three. Fractions (hands, ply) are rounded to the nearest value; `i8` saturates at 1.
pub trait PlaneValue: Copy + sealed::Sealed {
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The nearest value to `x`, which is not negative.
    fn from_f32(x: f32) -> Self;
}

mod sealed {
    /// Seal: no other crate adds a type of value, so that a plane means the same to every network.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for u16 {}
    impl Sealed for i8 {}
}

impl PlaneValue for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    fn from_f32(x: f32) -> f32 {
        x
    }
}

impl PlaneValue for u16 {
    const ZERO: u16 = 0;
    const ONE: u16 = f16::ONE.to_bits();
    fn from_f32(x: f32) -> u16 {
        // Most planes are 0, as empty hands are; `f16::from_f32` would ask for the CPU's features each time.
        if x == 0.0 { Self::ZERO } else { f16::from_f32_const(x).to_bits() }
    }
}

impl PlaneValue for i8 {
    const ZERO: i8 = 0;
    const ONE: i8 = 127;
    fn from_f32(x: f32) -> i8 {
        (x * 127.0 + 0.5) as i8
    }
}

/// Writer of planes, one after the other.
pub(super) trait PlaneWriter {
    /// Writes a plane for each set: 1 on its squares.
    fn sets(&mut self, sets: &[Bitboard]);

    /// Writes a plane with one value everywhere.
    fn uniform(&mut self, value: f32);

    /// Writes a plane of ones or zeros.
    fn flag(&mut self, is_set: bool) {
        self.uniform(f32::from(u8::from(is_set)));
    }

    /// Writes 28 planes: own pieces by kind, then the opponent's.
    fn pieces(&mut self, observation: &PackedObservation) {
        let mut pieces = [[Bitboard::EMPTY; PieceType::COUNT]; 2];
        for (square, piece) in observation.pieces() {
            pieces[piece.color().index()][piece.kind().index()].insert(square);
        }
        self.sets(pieces.as_flattened());
    }
}

/// Writer of a value for every square.
pub(super) struct Planes<'a, V> {
    rest: &'a mut [V],
}

impl<'a, V: PlaneValue> Planes<'a, V> {
    pub(super) fn new(out: &'a mut [V]) -> Self {
        Self { rest: out }
    }

    fn next(&mut self, planes: usize) -> &'a mut [V] {
        let (next, rest) = mem::take(&mut self.rest).split_at_mut(planes * SQUARES);
        self.rest = rest;
        next
    }

    fn fill(&mut self, value: V) {
        // With a length known at compile time this is a few stores, not a call.
        let (plane, rest) = mem::take(&mut self.rest).split_first_chunk_mut::<SQUARES>().expect("a plane is left");
        *plane = [value; SQUARES];
        self.rest = rest;
    }
}

impl<V: PlaneValue> PlaneWriter for Planes<'_, V> {
    fn sets(&mut self, sets: &[Bitboard]) {
        let planes = self.next(sets.len());
        planes.fill(V::ZERO);
        for (plane, &set) in planes.chunks_exact_mut(SQUARES).zip(sets) {
            set.into_iter().for_each(|square| plane[square.index()] = V::ONE);
        }
    }

    fn uniform(&mut self, value: f32) {
        self.fill(V::from_f32(value));
    }

    fn flag(&mut self, is_set: bool) {
        self.fill(if is_set { V::ONE } else { V::ZERO });
    }
}

/// Number of words of a [set of squares](super::Features::compress).
pub const SET_WORDS: usize = 3;

/// Writer of a set of squares and a value for every plane.
pub(super) struct Sets<'a> {
    words: ChunksExactMut<'a, i32>,
    values: IterMut<'a, f32>,
}

impl<'a> Sets<'a> {
    pub(super) fn new(words: &'a mut [i32], values: &'a mut [f32]) -> Self {
        Self { words: words.chunks_exact_mut(SET_WORDS), values: values.iter_mut() }
    }

    fn push(&mut self, set: Bitboard, value: f32) {
        self.words.next().expect("a plane is left").copy_from_slice(&set.words());
        *self.values.next().expect("a plane is left") = value;
    }
}

impl PlaneWriter for Sets<'_> {
    fn sets(&mut self, sets: &[Bitboard]) {
        for &set in sets {
            self.push(set, 1.0);
        }
    }

    fn uniform(&mut self, value: f32) {
        self.push(Bitboard::ALL, value);
    }
}
