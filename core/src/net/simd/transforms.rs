//! Winograd transforms of whole boards on vectors: planes, trunk or products of one convolution to the input of the next.

use super::super::{SIDE, SQUARES};
use super::arithmetic::{Arithmetic, PADDED, Padded};
use super::epilogue::{Activation, Channels, Epilogue};
use super::vector::{Lanes, Ring, Vector};
use super::winograd::{self, PATCH, TILE, TILES, TILES_SIDE};

/// Scratch memory of an input transform.
struct Scratch<A: Arithmetic> {
    /// A board of one or two vectors of f32.
    halves: [Padded<A::Floats>; 2],
    /// The same board in elements, where they are not f32.
    board: Padded<A::Ring>,
    /// The board transformed along its ranks: `[file][tile][frequency]`. The files around the board stay zero.
    along: [[[A::Ring; PATCH]; TILES_SIDE]; PADDED],
}

impl<A: Arithmetic> Scratch<A> {
    /// # Safety
    /// As [`Lanes`].
    #[inline(always)]
    unsafe fn new() -> Self {
        // SAFETY: the caller vouches for the instructions.
        let (float, element) = unsafe { (A::Floats::zero(), A::Ring::zero()) };
        Scratch {
            halves: [[[float; PADDED]; PADDED]; 2],
            board: [[element; PADDED]; PADDED],
            along: [[[element; PATCH]; TILES_SIDE]; PADDED],
        }
    }
}

/// Input transform of planes.
///
/// # Safety
/// The CPU has the instructions of `A`; the lengths are those that `Kernels::transform_planes` checks.
#[inline(always)]
pub(super) unsafe fn planes<A: Arithmetic>(
    boards: usize,
    planes: usize,
    input: &[f32],
    per_step: f32,
    stride: usize,
    out: *mut <A::Sums as Lanes>::Element,
) {
    let lanes = A::Floats::LANES;
    let group_planes = lanes * A::PER_ELEMENT;
    // SAFETY: the caller vouches for the instructions and the lengths; a padded board has room for each of its squares'
    // lanes, and lanes beyond the last plane stay zero.
    unsafe {
        let constants = winograd::Constants::new();
        for group in 0..planes.div_ceil(group_planes) {
            let mut scratch = Scratch::<A>::new();
            for board in 0..boards {
                for (half, padded) in scratch.halves.iter_mut().enumerate().take(A::PER_ELEMENT) {
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
                transform::<A>(&mut scratch, per_step, constants, stride, out.add(row * lanes));
            }
        }
    }
}

/// Input transform of the nine tiles of a board, to `[25][stride]`, each `[9 tiles][LANES]`.
///
/// # Safety
/// The CPU has the instructions of `A`; `out` has room for all of it.
#[inline(always)]
unsafe fn transform<A: Arithmetic>(
    scratch: &mut Scratch<A>,
    per_step: f32,
    constants: winograd::Constants<A::Ring>,
    stride: usize,
    out: *mut <A::Sums as Lanes>::Element,
) {
    // SAFETY: the caller vouches for the instructions and the room.
    unsafe {
        // Along the ranks first: neighbouring tiles of a column share their files' work.
        let Scratch { halves, board, along } = scratch;
        let padded = A::elements(halves, per_step, board);
        for file in 1..=SIDE {
            for tile in 0..TILES_SIDE {
                let mut patch = [A::Ring::zero(); PATCH];
                patch.copy_from_slice(&padded[file][tile * TILE..][..PATCH]);
                along[file][tile] = winograd::input(patch, constants);
            }
        }
        for tile in 0..TILES {
            let (file, rank) = (tile / TILES_SIDE, tile % TILES_SIDE);
            // The index is a frequency: the second of each patch here, the first in `out`.
            #[allow(clippy::needless_range_loop)]
            for i in 0..PATCH {
                let mut patch = [A::Ring::zero(); PATCH];
                for (f, x) in patch.iter_mut().enumerate() {
                    *x = along[file * TILE + f][rank][i];
                }
                for (f, x) in winograd::input(patch, constants).into_iter().enumerate() {
                    x.store(out.add((f * PATCH + i) * stride + tile * A::Ring::LANES));
                }
            }
        }
    }
}

/// Runs an [`Epilogue`].
///
/// # Safety
/// The CPU has the instructions of `A`; the lengths are those that `Kernels::epilogue` checks.
#[inline(always)]
pub(super) unsafe fn epilogue<A: Arithmetic>(
    epilogue: Epilogue,
    products: *const <A::Sums as Lanes>::Element,
    channels: Channels,
    activations: Option<*mut f32>,
    out: *mut <A::Sums as Lanes>::Element,
) {
    let Epilogue { boards, groups, stride, activation, next } = epilogue;
    let Channels { scale, bias, pool_bias } = channels;
    let (scale, bias) = (scale.as_ptr(), bias.as_ptr());
    let lanes = A::Floats::LANES;
    // SAFETY: the caller vouches for the instructions and the lengths.
    unsafe {
        let constants = winograd::Constants::new();
        let mut scratch = Scratch::<A>::new();
        for first in (0..groups).step_by(A::PER_ELEMENT) {
            if A::PER_ELEMENT > 1 && first + 1 == groups {
                scratch.halves[1] = [[A::Floats::zero(); PADDED]; PADDED];
            }
            for board in 0..boards {
                for half in 0..A::PER_ELEMENT.min(groups - first) {
                    let group = first + half;
                    let bias = A::Floats::load(bias.add(group * lanes));
                    let scale = if A::PER_ELEMENT > 1 { A::Floats::load(scale.add(group * lanes)) } else { bias };
                    let products = products.add((group * boards + board) * TILES * lanes);
                    let first = (board * groups + group) * SQUARES * lanes;
                    let activations = activations.map(|activations| activations.add(first));
                    let padded = &mut scratch.halves[half];
                    output::<A>(activation, stride, products, scale, bias, activations, padded);
                    if !pool_bias.is_empty() {
                        let pool_bias = pool_bias.as_ptr().add((board * groups + group) * lanes);
                        let pool_bias = A::Floats::load(pool_bias);
                        for squares in &mut padded[1..=SIDE] {
                            for square in &mut squares[1..=SIDE] {
                                *square = square.add(pool_bias);
                            }
                        }
                    }
                }
                if let Some(per_step) = next {
                    let row = (first / A::PER_ELEMENT * boards + board) * TILES * lanes;
                    transform::<A>(&mut scratch, per_step, constants, stride, out.add(row));
                }
            }
        }
    }
}

/// Input transform of a trunk.
///
/// # Safety
/// The CPU has the instructions of `A`; the lengths are those that `Kernels::transform_trunk` checks.
#[inline(always)]
pub(super) unsafe fn trunk<A: Arithmetic>(
    boards: usize,
    groups: usize,
    trunk: *const f32,
    per_step: f32,
    stride: usize,
    out: *mut <A::Sums as Lanes>::Element,
) {
    let lanes = A::Floats::LANES;
    // SAFETY: the caller vouches for the instructions and the lengths.
    unsafe {
        let constants = winograd::Constants::new();
        let mut scratch = Scratch::<A>::new();
        for first in (0..groups).step_by(A::PER_ELEMENT) {
            if A::PER_ELEMENT > 1 && first + 1 == groups {
                scratch.halves[1] = [[A::Floats::zero(); PADDED]; PADDED];
            }
            for board in 0..boards {
                for half in 0..A::PER_ELEMENT.min(groups - first) {
                    let trunk = trunk.add((board * groups + first + half) * SQUARES * lanes);
                    for file in 0..SIDE {
                        for rank in 0..SIDE {
                            let square = A::Floats::load(trunk.add((file * SIDE + rank) * lanes));
                            scratch.halves[half][file + 1][rank + 1] = square;
                        }
                    }
                }
                let row = (first / A::PER_ELEMENT * boards + board) * TILES * lanes;
                transform::<A>(&mut scratch, per_step, constants, stride, out.add(row));
            }
        }
    }
}

/// Output transform, bias and activation function of a board of one vector of channels, from the products of its nine tiles,
/// `[25][stride]`, each `[9 tiles][LANES]`.
///
/// # Safety
/// As [`epilogue`], of one board and one vector of channels.
#[inline(always)]
unsafe fn output<A: Arithmetic>(
    activation: Activation,
    stride: usize,
    products: *const <A::Sums as Lanes>::Element,
    scale: A::Floats,
    bias: A::Floats,
    activations: Option<*mut f32>,
    padded: &mut Padded<A::Floats>,
) {
    let (residual, relu) = (activation == Activation::ResidualRelu, activation != Activation::Identity);
    let lanes = A::Floats::LANES;
    // SAFETY: the caller vouches for the instructions and the lengths.
    unsafe {
        for tile in 0..TILES {
            let products = products.add(tile * lanes);
            let mut along = [[A::Floats::zero(); TILE]; PATCH]; // [frequency][rank]
            for (f, along) in along.iter_mut().enumerate() {
                let mut patch = [A::Floats::zero(); PATCH];
                for (i, x) in patch.iter_mut().enumerate() {
                    *x = A::floats(A::Sums::load(products.add((f * PATCH + i) * stride)));
                }
                *along = winograd::output(patch);
            }
            // The index is a coordinate: it says where the result goes as well.
            #[allow(clippy::needless_range_loop)]
            for rank in 0..TILE {
                let mut patch = [A::Floats::zero(); PATCH];
                for (x, along) in patch.iter_mut().zip(along) {
                    *x = along[rank];
                }
                for (file, x) in winograd::output(patch).into_iter().enumerate() {
                    let (file, rank) = (tile / TILES_SIDE * TILE + file, tile % TILES_SIDE * TILE + rank);
                    let square = (file * SIDE + rank) * lanes;
                    let mut x = if A::PER_ELEMENT > 1 { x.mul_add(scale, bias) } else { x.add(bias) };
                    if residual && let Some(activations) = activations {
                        x = x.add(A::Floats::load(activations.add(square)));
                    }
                    if relu {
                        x = x.relu();
                    }
                    if let Some(activations) = activations {
                        x.store(activations.add(square));
                    }
                    padded[file + 1][rank + 1] = x;
                }
            }
        }
    }
}
