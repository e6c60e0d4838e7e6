//! Winograd's F(3×3, 3×3): a 3×3 patch of output from a 5×5 patch of input with 25 products instead of 81.
//!
//! Nine such tiles are exactly one board. With the interpolation points 0, 1, −1, 2 and ∞ (Lavin and Gray 2015), along
//! each side of a tile: output = Aᵀ[(G weight) ⊙ (Bᵀ input)], where
//!
//! ```text
//! Bᵀ =  2 −1 −2  1  0      G =   1/2    0    0      Aᵀ = 1  1  1  1  0
//!       0 −2 −1  1  0           −1/2 −1/2 −1/2           0  1 −1  2  0
//!       0  2 −3  1  0           −1/6  1/6 −1/6           0  1  1  4  1
//!       0 −1  0  1  0            1/6  1/3  2/3
//!       0  2 −1 −2  1              0    0    1
//! ```

use super::super::SIDE;
use super::vector::Ring;

/// Side of the input patch of a tile, and of its square of products.
pub(super) const PATCH: usize = 5;

/// Products of a tile.
pub(super) const PRODUCTS: usize = PATCH * PATCH;

/// Side of a tile of output.
pub(super) const TILE: usize = 3;

/// Tiles along a side of the board.
pub(super) const TILES_SIDE: usize = SIDE / TILE;

/// Tiles of a board.
pub(super) const TILES: usize = TILES_SIDE * TILES_SIDE;

const G: [[f64; 3]; PATCH] = [
    [1.0 / 2.0, 0.0, 0.0],
    [-1.0 / 2.0, -1.0 / 2.0, -1.0 / 2.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 6.0, 1.0 / 3.0, 2.0 / 3.0],
    [0.0, 0.0, 1.0],
];

/// Sums of the positive and of the negative entries of each row of Bᵀ, as magnitudes.
pub(super) const INPUT_SUMS: [(i16, i16); PATCH] = [(3, 3), (1, 3), (3, 3), (1, 1), (3, 3)];

/// `G weight Gᵀ`: the transform of one 3×3 kernel.
pub(super) fn weights(kernel: &[f32]) -> [f32; PRODUCTS] {
    // G times a column, its zeros left out.
    let side = |a: f64, b: f64, c: f64| {
        let (half, sixth) = (0.5, 1.0 / 6.0);
        [half * a, -half * (a + b + c), sixth * (b - a - c), sixth * (a + 2.0 * b + 4.0 * c), c]
    };
    let tap = |tap: usize| f64::from(kernel[tap]);
    let along = [0, 1, 2].map(|rank| side(tap(rank), tap(TILE + rank), tap(2 * TILE + rank)));
    let mut factors = [0.0; PRODUCTS];
    for (i, factors) in factors.chunks_exact_mut(PATCH).enumerate() {
        let [a, b, c] = along;
        factors.iter_mut().zip(side(a[i], b[i], c[i])).for_each(|(factor, x)| *factor = x as f32);
    }
    factors
}

/// `Bᵀ d`.
///
/// # Safety
/// As [`Lanes`](super::vector::Lanes).
#[inline(always)]
pub(super) unsafe fn input<V: Ring>(d: [V; PATCH], constants: Constants<V>) -> [V; PATCH] {
    let Constants { two, minus_two, minus_three } = constants;
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        let difference = d[3].sub(d[1]);
        [
            two.mul_add(d[0].sub(d[2]), difference),
            difference.sub(d[1].add(d[2])),
            two.mul_add(d[1], minus_three.mul_add(d[2], d[3])),
            difference,
            minus_two.mul_add(difference, d[4].sub(d[2])),
        ]
    }
}

/// `Aᵀ m`.
///
/// # Safety
/// As [`Lanes`](super::vector::Lanes).
#[inline(always)]
pub(super) unsafe fn output<V: Ring>(m: [V; PATCH]) -> [V; TILE] {
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        let (sum, difference, twice) = (m[1].add(m[2]), m[1].sub(m[2]), m[3].add(m[3]));
        [m[0].add(sum).add(m[3]), difference.add(twice), sum.add(twice).add(twice.add(m[4]))]
    }
}

/// `B t`, the transpose of [`input`]: from gradients of products to gradients of an input patch.
///
/// # Safety
/// As [`Lanes`](super::vector::Lanes).
#[inline(always)]
pub(super) unsafe fn input_gradient<V: Ring>(t: [V; PATCH], constants: Constants<V>) -> [V; PATCH] {
    let Constants { two, minus_two, minus_three } = constants;
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        let first = two.mul_add(t[4].sub(t[1]).add(t[2]), V::zero().sub(t[0]).sub(t[3]));
        let second = minus_three.mul_add(t[2], minus_two.mul_add(t[0], V::zero().sub(t[1]).sub(t[4])));
        let third = minus_two.mul_add(t[4], t[0].add(t[1]).add(t[2].add(t[3])));
        [t[0].add(t[0]), first, second, third, t[4]]
    }
}

/// `A y`, the transpose of [`output`]: from gradients of a tile of output to gradients of products.
///
/// # Safety
/// As [`Lanes`](super::vector::Lanes).
#[inline(always)]
pub(super) unsafe fn output_gradient<V: Ring>(y: [V; TILE], constants: Constants<V>) -> [V; PATCH] {
    let two = constants.two;
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        let ends = y[0].add(y[2]);
        let fourth = two.mul_add(two.mul_add(y[2], y[1]), y[0]);
        [y[0], ends.add(y[1]), ends.sub(y[1]), fourth, y[2]]
    }
}

/// `Gᵀ u G`, the transpose of [`weights`]: from gradients of transformed kernels to gradients of `N` 3×3 kernels.
pub(super) fn weights_gradient<const N: usize>(factors: &[[f32; N]; PRODUCTS]) -> [[f32; N]; TILE * TILE] {
    let add = |sum: &mut [f32; N], factor: f64, of: &[f32; N]| {
        for (sum, x) in sum.iter_mut().zip(of) {
            *sum += factor as f32 * x;
        }
    };
    let mut along = [[[0.0; N]; PATCH]; TILE]; // [file][frequency]
    let mut kernels = [[0.0; N]; TILE * TILE];
    for (file, along) in along.iter_mut().enumerate() {
        for (i, factors) in factors.iter().enumerate() {
            add(&mut along[i % PATCH], G[i / PATCH][file], factors);
        }
        for rank in 0..TILE {
            for (g, along) in G.iter().zip(&*along) {
                add(&mut kernels[file * TILE + rank], g[rank], along);
            }
        }
    }
    kernels
}

/// The constants of the transforms, in every lane.
#[derive(Clone, Copy)]
pub(super) struct Constants<V> {
    two: V,
    minus_two: V,
    minus_three: V,
}

impl<V: Ring> Constants<V> {
    /// # Safety
    /// As [`Lanes`](super::vector::Lanes).
    #[inline(always)]
    pub(super) unsafe fn new() -> Self {
        // SAFETY: the caller vouches for the instructions.
        unsafe { Constants { two: V::constant(2), minus_two: V::constant(-2), minus_three: V::constant(-3) } }
    }
}

#[cfg(test)]
mod tests {
    use super::super::vector::{Lanes, Portable4};
    use super::*;

    fn lanes(x: f32) -> Portable4 {
        Portable4::new([x; 4])
    }

    fn number(x: Portable4) -> f32 {
        x.lanes()[2]
    }

    #[test]
    fn a_side_of_a_tile_is_a_correlation() {
        for (d, g) in [([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 0.0, -1.0]), ([0.5, -7.0, 0.0, 3.0, 11.0], [2.0, 3.0, 5.0])] {
            let factors = G.map(|row| (row[0] * g[0] + row[1] * g[1] + row[2] * g[2]) as f32);
            // SAFETY: the portable vector needs no instructions.
            let found = unsafe {
                let d = input(d.map(lanes), Constants::new());
                let products = core::array::from_fn(|i| d[i].mul_add(lanes(factors[i]), lanes(0.0)));
                output(products).map(number)
            };
            for (i, found) in found.into_iter().enumerate() {
                let expected: f32 = (0..3).map(|tap| d[i + tap] * g[tap] as f32).sum();
                assert!((found - expected).abs() < 1e-5, "{d:?} with {g:?} at {i}: {found}, not {expected}");
            }
        }
    }
}
