//! The transforms between convolutions on whole vectors: from planes, or from the products of one convolution, to the input
//! of the next.

use super::super::{SIDE, SQUARES};
use super::kernels::{Between, Channels, PADDED, Padded, Path, TILES};
use super::vector::{Lanes, Ring, Vector};
use super::winograd::{self, PATCH, TILE};

/// Tiles along a side of the board.
pub(super) const TILES_SIDE: usize = SIDE / TILE;

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
/// The CPU has the instructions of `P`; the lengths are those that `Kernels::enter` checks.
#[inline(always)]
pub(super) unsafe fn enter<P: Path>(
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
/// The CPU has the instructions of `P`; the lengths are those that `Kernels::between` checks.
#[inline(always)]
pub(super) unsafe fn between<P: Path>(
    between: Between,
    products: *const <P::Sums as Lanes>::Element,
    channels: Channels,
    trunk: *mut f32,
    out: *mut <P::Sums as Lanes>::Element,
) {
    let Between { boards, groups, stride, next, per_step, .. } = between;
    let Channels { scale, bias, late_bias } = channels;
    let (scale, bias) = (scale.as_ptr(), bias.as_ptr());
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
                    if !late_bias.is_empty() {
                        let late_bias = late_bias.as_ptr().add((board * groups + group) * lanes);
                        let late_bias = P::Floats::load(late_bias);
                        for squares in &mut scratch.halves[half][1..=SIDE] {
                            for square in &mut squares[1..=SIDE] {
                                *square = square.add(late_bias);
                            }
                        }
                    }
                }
                if next {
                    let row = (first / P::HALVES * boards + board) * TILES * lanes;
                    transform::<P>(&mut scratch, per_step, constants, stride, out.add(row));
                }
            }
        }
    }
}

/// # Safety
/// The CPU has the instructions of `P`; the lengths are those that `Kernels::forth` checks.
#[inline(always)]
pub(super) unsafe fn forth<P: Path>(
    boards: usize,
    groups: usize,
    trunk: *const f32,
    per_step: f32,
    stride: usize,
    out: *mut <P::Sums as Lanes>::Element,
) {
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
                    let trunk = trunk.add((board * groups + first + half) * SQUARES * lanes);
                    for file in 0..SIDE {
                        for rank in 0..SIDE {
                            let square = P::Floats::load(trunk.add((file * SIDE + rank) * lanes));
                            scratch.halves[half][file + 1][rank + 1] = square;
                        }
                    }
                }
                let row = (first / P::HALVES * boards + board) * TILES * lanes;
                transform::<P>(&mut scratch, per_step, constants, stride, out.add(row));
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
    let Between { stride, add, keep, rectify, .. } = between;
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
                    if rectify {
                        x = x.relu();
                    }
                    if keep {
                        x.store(trunk);
                    }
                    padded[file + 1][rank + 1] = x;
                }
            }
        }
    }
}
