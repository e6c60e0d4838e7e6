//! The planes of [`ATTACK96`](keisei_core::encoding::ATTACK96) on a GPU, from packed observations: a tenth of the bytes of planes in
//! their compressed form, and the CPU computes no attacks.

#![allow(
    clippy::pedantic,
    clippy::needless_range_loop,
    clippy::too_many_arguments,
    clippy::redundant_pub_crate,
    clippy::used_underscore_binding,
    reason = "what the macro `cube` makes of a kernel is not ours"
)]

use burn_cubecl::CubeRuntime;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;
use keisei_core::encoding::{HAND_SCALE, PLY_SCALE, SQUARES};
use keisei_core::shogi::{Bitboard, Color, PieceType, Square, attacks};

use super::launch::{cubes, empty};
use super::orders::{ENTRY, HEADER, WORDS};
use burn::tensor::DType;

/// Input planes.
const PLANES: usize = 96;

/// Kinds of piece.
const KINDS: usize = PieceType::COUNT;

/// Squares of a side of the board.
const BOARD: usize = 9;

/// Directions, as differences of file and rank: the four straight and the four diagonal ones, clockwise.
const DIRECTIONS: [[isize; 2]; 8] = [[0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1]];

/// Kinds of piece that attack in a direction: bit `k` stands for the kind of index `k`. By colour and direction.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Movers {
    /// Those that attack the next square.
    near: [[u32; 8]; 2],
    /// Those that attack every square up to the first piece.
    far: [[u32; 8]; 2],
}

impl Movers {
    /// The movers by the rules.
    fn new() -> Self {
        let at = |by: isize, [file, rank]: [isize; 2]| {
            let middle = BOARD as isize / 2;
            let index = (middle + by * file) * BOARD as isize + middle + by * rank;
            Square::ALL[index as usize]
        };
        let attackers = |by: isize| {
            Color::ALL.map(|color| {
                DIRECTIONS.map(|direction| {
                    let attacks = |kind: PieceType| {
                        attacks(kind, color, at(0, direction), Bitboard::EMPTY).contains(at(by, direction))
                    };
                    PieceType::ALL.into_iter().filter(|&kind| attacks(kind)).map(|kind| 1 << kind.index()).sum()
                })
            })
        };
        Self { near: attackers(1), far: attackers(2) }
    }
}

/// Bit of knights among kinds of piece, and their bytes in an observation.
const KNIGHT: u32 = 1 << PieceType::Knight.index();
const OWN_KNIGHT: u32 = 1 + PieceType::Knight.index() as u32;
const THEIR_KNIGHT: u32 = 17 + PieceType::Knight.index() as u32;

/// A byte of an observation, see `PackedObservation`'s table.
#[cube]
fn byte(packed: &Tensor<i32>, first: usize, index: usize) -> u32 {
    let word = u32::cast_from(packed[first + index / 4]);
    (word >> u32::cast_from(8 * (index % 4))) & 255
}

/// Writes the planes of one square in each thread.
#[cube(launch)]
fn attacks_kernel<F: Float>(
    packed: &Tensor<i32>,
    order: &ComptimeOption<Tensor<i32>>,
    out: &mut Tensor<F>,
    squares: usize,
    #[comptime] movers: Movers,
    #[define(F)] _dtype: StorageType,
) {
    if ABSOLUTE_POS >= squares {
        terminate!();
    }
    let mut first = ABSOLUTE_POS / SQUARES * WORDS;
    #[comptime]
    if let ComptimeOption::Some(order) = order {
        first = usize::cast_from(order[HEADER + ABSOLUTE_POS / SQUARES]) * ENTRY;
    }
    let square = ABSOLUTE_POS % SQUARES;
    let file = square / BOARD;
    let rank = square % BOARD;

    // Kinds that attack the square, as bits, and number of the attackers: own, then the opponent's.
    let mut own_kinds = 0u32;
    let mut their_kinds = 0u32;
    let mut own_count = 0u32;
    let mut their_count = 0u32;
    #[unroll]
    for direction in 0..8usize {
        let files = comptime!(DIRECTIONS[direction][0]);
        let ranks = comptime!(DIRECTIONS[direction][1]);
        let by_file = if comptime!(files > 0) { BOARD - 1 - file } else { file };
        let by_rank = if comptime!(ranks > 0) { BOARD - 1 - rank } else { rank };
        let mut length = min(by_file, by_rank);
        if comptime!(files == 0) {
            length = by_rank;
        }
        if comptime!(ranks == 0) {
            length = by_file;
        }
        // A piece there attacks in the opposite direction.
        let back = comptime!((direction + 4) % 8);
        let own_near = comptime!(movers.near[0][back]);
        let own_far = comptime!(movers.far[0][back]);
        let their_near = comptime!(movers.near[1][back]);
        let their_far = comptime!(movers.far[1][back]);
        let step = comptime!((files * BOARD as isize + ranks) as i32);
        let mut is_open = true;
        for distance in 1..length + 1 {
            if is_open {
                let from = usize::cast_from(i32::cast_from(square) + i32::cast_from(distance) * step);
                let code = byte(packed, first, from);
                if code != 0 {
                    is_open = false;
                    let kind = (code & 15) - 1;
                    let bit = 1u32 << kind;
                    if code < 16 {
                        let able = select(distance == 1, own_near, own_far);
                        if able & bit != 0 {
                            own_kinds |= bit;
                            own_count += 1;
                        }
                    } else {
                        let able = select(distance == 1, their_near, their_far);
                        if able & bit != 0 {
                            their_kinds |= bit;
                            their_count += 1;
                        }
                    }
                }
            }
        }
    }
    // Knights, which leap: an own one attacks from two ranks behind.
    #[unroll]
    for side in 0..2usize {
        let beside = if comptime!(side == 0) { file > 0 } else { file < BOARD - 1 };
        let shift = comptime!(if side == 0 { -(BOARD as i32) } else { BOARD as i32 });
        if beside && rank + 2 < BOARD {
            let from = usize::cast_from(i32::cast_from(square) + shift + 2);
            if byte(packed, first, from) == OWN_KNIGHT {
                own_kinds |= KNIGHT;
                own_count += 1;
            }
        }
        if beside && rank >= 2 {
            let from = usize::cast_from(i32::cast_from(square) + shift - 2);
            if byte(packed, first, from) == THEIR_KNIGHT {
                their_kinds |= KNIGHT;
                their_count += 1;
            }
        }
    }

    let start = ABSOLUTE_POS * PLANES;
    let here = byte(packed, first, square);
    for kind in 0..KINDS {
        let code = u32::cast_from(kind);
        out[start + kind] = F::cast_from(u32::cast_from(here == code + 1));
        out[start + KINDS + kind] = F::cast_from(u32::cast_from(here == code + 17));
        out[start + 2 * KINDS + kind] = F::cast_from((own_kinds >> code) & 1);
        out[start + 3 * KINDS + kind] = F::cast_from((their_kinds >> code) & 1);
    }
    let counts = comptime!(4 * KINDS);
    for least in 0..3usize {
        out[start + counts + least] = F::cast_from(u32::cast_from(own_count > u32::cast_from(least)));
        out[start + counts + 3 + least] = F::cast_from(u32::cast_from(their_count > u32::cast_from(least)));
    }
    let hands = comptime!(counts + 6);
    #[unroll]
    for place in 0..14usize {
        let count = byte(packed, first, comptime!(SQUARES + place));
        let scale = comptime!(HAND_SCALE[place % 7]);
        let share = f32::cast_from(count) / scale;
        out[start + hands + place] = F::cast_from(min(share, 1.0f32));
        out[start + hands + 14 + place] = F::cast_from(u32::cast_from(count > 0));
    }
    let rest = comptime!(hands + 28);
    let repetition = byte(packed, first, SQUARES + 14);
    out[start + rest] = F::cast_from(u32::cast_from(repetition >= 2));
    out[start + rest + 1] = F::cast_from(u32::cast_from(repetition >= 3));
    out[start + rest + 2] = F::cast_from(byte(packed, first, SQUARES + 15) & 1);
    let low = byte(packed, first, SQUARES + 16);
    let plies = low + 256 * byte(packed, first, SQUARES + 17);
    out[start + rest + 3] = F::cast_from(min(f32::cast_from(plies) / PLY_SCALE, 1.0f32));
    out[start + rest + 4] = F::from_int(1);
    let mut pawns = 0u32;
    for on in 0..BOARD {
        pawns += u32::cast_from(byte(packed, first, file * BOARD + on) == 1);
    }
    out[start + rest + 5] = F::cast_from(u32::cast_from(pawns > 0));
}

/// Planes `[boards * 81, 96]` in `dtype` from packed observations, [`WORDS`] little-endian words each; or from the entries of a rollout
/// that an order names.
pub(super) fn planes<R: CubeRuntime>(
    packed: CubeTensor<R>,
    order: Option<CubeTensor<R>>,
    boards: usize,
    dtype: DType,
) -> CubeTensor<R> {
    let squares = boards * SQUARES;
    let out = empty(&packed, [squares, PLANES], dtype);
    let (count, size) = cubes(&out, squares);
    attacks_kernel::launch::<R>(
        &out.client,
        count,
        size,
        packed.into_tensor_arg(),
        order.map(CubeTensor::into_tensor_arg).into(),
        out.clone().into_tensor_arg(),
        squares,
        Movers::new(),
        dtype.into(),
    );
    out
}
