//! Products on the matrix unit: convolutions, and gradients of their weights.

use core::arch::asm;

use super::{FILE, PAD, ROWS, Row, STEP, TILE, TILE_ROW, Tiles};
use crate::net::TAPS;

/// Distance in places to the neighbour of a tap, from [`MARGIN`](super::MARGIN) places before a place.
fn neighbour(tap: usize) -> usize {
    tap / 3 * FILE + tap % 3
}

/// Instructions that add the products of activations in tiles 4 and 5 and factors in tiles 6 and 7 to the sums in tiles 0 to 3.
macro_rules! add_products {
    () => {
        "tdpbf16ps tmm0, tmm4, tmm6\ntdpbf16ps tmm1, tmm4, tmm7\ntdpbf16ps tmm2, tmm5, tmm6\ntdpbf16ps tmm3, tmm5, tmm7\n"
    };
}

/// One step with one bfloat16 per factor: activations at `upper` and `lower`, factors at `factor` and `second` bytes from there.
macro_rules! one_product {
    ($second:literal) => {
        concat!(
            "tileloadd tmm4, [{upper} + {row}*1]\n",
            "tileloadd tmm6, [{factor} + {factor_row}*1]\n",
            "tileloadd tmm7, [{factor} + {factor_row}*1 + ",
            $second,
            "]\n",
            "tileloadd tmm5, [{lower} + {row}*1]\n",
            add_products!(),
        )
    };
}

/// One step with two bfloat16 per factor, in three products: lower halves of activations (`rest`) by upper halves of factors, upper by
/// upper, and upper halves of activations by lower halves of factors, `half` bytes from the upper ones.
macro_rules! three_products {
    ($upper_rest:literal, $lower_rest:literal, $second:literal, $half:literal, $second_half:literal) => {
        concat!(
            "tileloadd tmm4, [",
            $upper_rest,
            "]\n",
            "tileloadd tmm6, [{factor} + {factor_row}*1]\n",
            "tileloadd tmm7, [{factor} + {factor_row}*1 + ",
            $second,
            "]\n",
            "tileloadd tmm5, [",
            $lower_rest,
            "]\n",
            add_products!(),
            "tileloadd tmm4, [{upper} + {row}*1]\n",
            "tileloadd tmm5, [{lower} + {row}*1]\n",
            add_products!(),
            "tileloadd tmm6, [{factor} + {factor_row}*1 + ",
            $half,
            "]\n",
            "tileloadd tmm7, [{factor} + {factor_row}*1 + ",
            $second_half,
            "]\n",
            add_products!(),
        )
    };
}

// `self` proves that the instructions exist.
#[allow(clippy::unused_self)]
impl Tiles {
    /// Convolves at the [`ROWS`] places from `first` on, counted from the first square of the first board:
    /// `sums[ROWS][STEP]` from boards `x` and weights `[TAPS][steps][2][halves]` of tiles.
    pub(in super::super) fn convolve(&self, x: &[u16], row: Row, first: usize, weight: &[u16], sums: &mut [f32]) {
        let Row { steps, halves } = row;
        assert!(x.len() >= (first + 2 * FILE + 2 + ROWS) * row.len(), "boards are too short");
        assert!(weight.len() >= TAPS * steps * halves * 2 * TILE, "weights are too short");
        assert!(sums.len() >= ROWS * STEP && steps > 0, "sums are too short");
        // Bytes from the margin before a place to each of its nine neighbours.
        let taps: [usize; TAPS] = core::array::from_fn(|tap| neighbour(tap) * row.len() * 2);
        // Tiles 0 to 3 hold the sums of 16 places and 16 channels each, 4 and 5 activations, 6 and 7 weights.
        macro_rules! convolve {
            ($($step:expr),+) => {
                asm!(
                    "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                    "mov {tap:e}, 9",
                    "2:",
                    "mov {upper}, [{taps}]", "add {upper}, {x}", "lea {lower}, [{upper} + {half}]", "mov {step}, {steps}",
                    "3:",
                    $($step,)+
                    "dec {step}", "jnz 3b",
                    "add {taps}, 8", "dec {tap:e}", "jnz 2b",
                    "tilestored [{sums} + {factor_row}*2], tmm0", "tilestored [{sums} + {factor_row}*2 + 64], tmm1",
                    "tilestored [{sums} + {factor_row}*2 + 2048], tmm2", "tilestored [{sums} + {factor_row}*2 + 2112], tmm3",
                    x = in(reg) x.as_ptr().add(first * row.len()),
                    taps = inout(reg) taps.as_ptr() => _,
                    factor = inout(reg) weight.as_ptr() => _,
                    sums = in(reg) sums.as_mut_ptr(),
                    steps = in(reg) steps,
                    row = in(reg) row.len() * 2,
                    half = in(reg) row.len() * 2 * 16,
                    factor_row = in(reg) TILE_ROW,
                    tap = out(reg) _, step = out(reg) _, upper = out(reg) _, lower = out(reg) _,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                )
            };
        }
        // SAFETY: the unit is configured, and the lengths were just checked.
        unsafe {
            if halves == 1 {
                convolve!(one_product!("1024"), "add {upper}, 64", "add {lower}, 64", "add {factor}, 2048");
            } else {
                convolve!(
                    three_products!("{upper} + {row}*1 + 64", "{lower} + {row}*1 + 64", "2048", "1024", "3072"),
                    "add {upper}, 128",
                    "add {lower}, 128",
                    "add {factor}, 4096"
                );
            }
        }
    }

    /// Adds the gradient of a convolution's weight to `sums` `[TAPS][inputs][outputs]`, both in whole steps, over `count` blocks of
    /// [`ROWS`] places: from the input `x`, [transposed](Tiles::transpose) to rows of `stride` places, and the gradient of the output
    /// [in pairs](Tiles::pair) of both kinds, which start [`PAD`] places before the first square.
    #[allow(clippy::too_many_arguments)] // three matrices and their shapes
    pub(in super::super) fn add_weight_gradient(
        &self,
        x: &[u16],
        inputs: Row,
        stride: usize,
        pairs: [&[u16]; 2],
        outputs: Row,
        count: usize,
        sums: &mut [f32],
    ) {
        let (halves, columns) = (inputs.halves, outputs.steps * STEP);
        let half = inputs.steps * STEP * stride;
        let pair = 2 * outputs.len();
        assert!(halves == outputs.halves && count > 0, "both have one layout");
        assert!(x.len() >= halves * half && stride >= count * ROWS, "x is too short");
        let least = Tiles::pairs(outputs, count * ROWS);
        assert!(pairs.iter().all(|pairs| pairs.len() >= least), "pairs are too short");
        assert!(sums.len() >= TAPS * inputs.steps * STEP * columns, "sums are too short");
        let mut add = |input: usize, output: usize, tap: usize| {
            let sums = sums[(tap * inputs.steps * STEP + input * STEP) * columns + output * STEP..].as_mut_ptr();
            let x = x[input * STEP * stride..].as_ptr();
            // The place whose neighbour the first one is. Rows of activations must start on a cache line, so it is the gradients that
            // are shifted, by two places a row: hence the second kind of pairs, which start at odd places.
            let place = PAD - neighbour(tap);
            let d = pairs[place % 2][place / 2 * pair + output * halves * 2 * STEP..].as_ptr();
            // Tiles 0 to 3 hold the sums of 16 inputs and 16 outputs each, 4 and 5 activations, 6 and 7 gradients.
            macro_rules! add {
                ($($step:expr),+; $($name:ident = $x:expr),*) => {
                    asm!(
                        "tileloadd tmm0, [{upper_sums} + {sum_row}*1]", "tileloadd tmm1, [{upper_sums} + {sum_row}*1 + 64]",
                        "tileloadd tmm2, [{lower_sums} + {sum_row}*1]", "tileloadd tmm3, [{lower_sums} + {sum_row}*1 + 64]",
                        "2:",
                        $($step,)+
                        "add {factor}, {factor_step}", "dec {count}", "jnz 2b",
                        "tilestored [{upper_sums} + {sum_row}*1], tmm0", "tilestored [{upper_sums} + {sum_row}*1 + 64], tmm1",
                        "tilestored [{lower_sums} + {sum_row}*1], tmm2", "tilestored [{lower_sums} + {sum_row}*1 + 64], tmm3",
                        upper = inout(reg) x => _,
                        lower = inout(reg) x.add(16 * stride) => _,
                        $($name = inout(reg) $x => _,)*
                        row = in(reg) stride * 2,
                        factor = inout(reg) d => _,
                        factor_row = in(reg) pair * 2,
                        factor_step = in(reg) pair * 2 * 16,
                        upper_sums = in(reg) sums,
                        lower_sums = in(reg) sums.add(16 * columns),
                        sum_row = in(reg) columns * 4,
                        count = inout(reg) count => _,
                        out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                        out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                        options(nostack),
                    )
                };
            }
            // SAFETY: the unit is configured, and the lengths were checked above.
            unsafe {
                if halves == 1 {
                    add!(one_product!("64"), "add {upper}, 64", "add {lower}, 64";);
                } else {
                    add!(
                        three_products!("{upper_rest} + {row}*1", "{lower_rest} + {row}*1", "128", "64", "192"),
                        "add {upper}, 64",
                        "add {lower}, 64",
                        "add {upper_rest}, 64",
                        "add {lower_rest}, 64";
                        upper_rest = x.add(half), lower_rest = x.add(half + 16 * stride)
                    );
                }
            }
        };
        for input in 0..inputs.steps {
            for output in 0..outputs.steps {
                for tap in 0..TAPS {
                    add(input, output, tap);
                }
            }
        }
    }
}
