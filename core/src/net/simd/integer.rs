//! Integer arithmetic: pairs of 16-bit integers whose products are summed in 32 bits.
//!
//! An element is a pair of neighbouring channels; a vector of pairs has as many elements as the level's vector of f32.

use super::arithmetic::Arithmetic;
use super::vector::Portable4 as Floats4;
use super::vector::{Factor, Ring, lanes};

/// Arithmetic of the portable level.
pub(super) struct Portable4;

lanes! {
    /// Portable vector of four sums of 32 bits, or of four pairs of factors.
    Sums4([i32; 4]), element i32, lanes 4, zero [0; 4], load(p) p.cast::<[i32; 4]>().read(),
    store(p, x) p.cast::<[i32; 4]>().write(x), mul_add(x, y, sum) core::array::from_fn(|i| {
        let ([a, b], [c, d]) = (pair(x[i]), pair(y[i]));
        sum[i] + i32::from(a) * i32::from(c) + i32::from(b) * i32::from(d)
    }),
}

lanes! {
    /// Portable vector of four pairs of 16-bit integers.
    Shorts4([[i16; 2]; 4]), element i32, lanes 4, zero [[0; 2]; 4], load(p) p.cast::<[i32; 4]>().read().map(pair),
    store(p, x) p.cast::<[i32; 4]>().write(x.map(element)),
    mul_add(x, y, z) each(x, y, z, |a, b, c| a.wrapping_mul(b).wrapping_add(c)),
}

/// The two integers of an element, in memory order.
fn pair(element: i32) -> [i16; 2] {
    let [a, b, c, d] = element.to_ne_bytes();
    [i16::from_ne_bytes([a, b]), i16::from_ne_bytes([c, d])]
}

/// The element of two integers.
pub(super) fn element([first, second]: [i16; 2]) -> i32 {
    let ([a, b], [c, d]) = (first.to_ne_bytes(), second.to_ne_bytes());
    i32::from_ne_bytes([a, b, c, d])
}

impl Factor for Sums4 {
    const ROWS: usize = 3;
    const WIDTH: usize = 2;

    #[inline(always)]
    unsafe fn splat(from: *const i32) -> Self {
        // SAFETY: the caller vouches for one readable element.
        Sums4([unsafe { *from }; 4])
    }
}

impl Ring for Shorts4 {
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Shorts4(each(self.0, other.0, other.0, |a, b, _| a.wrapping_add(b)))
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Shorts4(each(self.0, other.0, other.0, |a, b, _| a.wrapping_sub(b)))
    }

    #[inline(always)]
    unsafe fn constant(x: i8) -> Self {
        Shorts4([[i16::from(x); 2]; 4])
    }
}

type Pairs = [[i16; 2]; 4];

#[inline(always)]
fn each(a: Pairs, b: Pairs, c: Pairs, f: impl Fn(i16, i16, i16) -> i16) -> Pairs {
    core::array::from_fn(|i| core::array::from_fn(|j| f(a[i][j], b[i][j], c[i][j])))
}

impl Arithmetic for Portable4 {
    type Floats = Floats4;
    type Sums = Sums4;
    type Ring = Shorts4;
    const PER_ELEMENT: usize = 2;

    #[inline(always)]
    unsafe fn floats(sums: Sums4) -> Floats4 {
        Floats4::new(sums.0.map(|x| x as f32))
    }

    #[inline(always)]
    unsafe fn narrow(low: Floats4, high: Floats4, limit: i16) -> Shorts4 {
        // Adding 1.5 · 2²³ leaves a number rounded to the nearest integer, ties to even, in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let limit = f32::from(limit);
        let [low, high] = [low, high].map(|x| x.lanes().map(|x| (x.clamp(-limit, limit) + ROUND - ROUND) as i16));
        let all: [i16; 8] = core::array::from_fn(|i| if i < 4 { low[i] } else { high[i - 4] });
        Shorts4(core::array::from_fn(|i| [all[2 * i], all[2 * i + 1]]))
    }
}

/// An integer [`Arithmetic`] and its vector types, each method one intrinsic.
#[cfg(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))]
macro_rules! integers {
    (
        $(#[$doc:meta])* $name:ident, floats $floats:ident, sums $sums:ident, shorts $shorts:ident($register:ty),
        lanes $lanes:literal, rows $rows:literal, width $width:literal, zero $zero:expr, load($l:ident) $load:expr,
        splat($s:ident) $splat:expr, store($t:ident, $v:ident) $store:expr, dot($a:ident, $b:ident, $d:ident) $dot:expr,
        add $add:ident, sub $sub:ident, mul $mul:ident, set $set:ident, convert($c:ident) $convert:expr,
        narrow($low:ident, $high:ident, $limit:ident) $narrow:expr $(,)?
    ) => {
        $(#[$doc])*
        pub(in super::super) struct $name;

        super::lanes! {
            /// Sums of 32 bits, or pairs of factors.
            $sums($register), element i32, lanes $lanes, zero $zero, load($l) $load, store($t, $v) $store,
            mul_add($a, $b, $d) $dot,
        }

        super::lanes! {
            /// Pairs of 16-bit integers.
            $shorts($register), element i32, lanes $lanes, zero $zero, load($l) $load, store($t, $v) $store,
            mul_add(a, b, c) $add($mul(a, b), c),
        }

        // As in `lanes`.
        #[allow(unused_unsafe)]
        impl super::Factor for $sums {
            const ROWS: usize = $rows;
            const WIDTH: usize = $width;

            #[inline(always)]
            unsafe fn splat($s: *const i32) -> Self {
                $sums(unsafe { $splat })
            }
        }

        // As above.
        #[allow(unused_unsafe)]
        impl super::Ring for $shorts {
            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                $shorts(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                $shorts(unsafe { $sub(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn constant(x: i8) -> Self {
                $shorts(unsafe { $set(i16::from(x)) })
            }
        }

        // As above.
        #[allow(unused_unsafe)]
        impl super::Arithmetic for $name {
            type Floats = $floats;
            type Sums = $sums;
            type Ring = $shorts;
            const PER_ELEMENT: usize = 2;

            #[inline(always)]
            unsafe fn floats(sums: $sums) -> $floats {
                let $c = sums.0;
                $floats(unsafe { $convert })
            }

            #[inline(always)]
            unsafe fn narrow(low: $floats, high: $floats, $limit: i16) -> $shorts {
                let ($low, $high) = (low.0, high.0);
                $shorts(unsafe { $narrow })
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use super::super::vector::x86::{Avx2 as Floats8, Avx512 as Floats16};
    // A list of the intrinsics would only repeat the code below.
    #[allow(clippy::wildcard_imports)]
    use core::arch::x86_64::*;

    /// The integer arithmetics of AVX2, which differ in the dot product alone: without VNNI, products take registers of their own, and
    /// fewer accumulators fit beside them.
    macro_rules! avx2 {
        ($(#[$doc:meta])* $name:ident, $sums:ident, $shorts:ident, width $width:literal,
            dot($a:ident, $b:ident, $d:ident) $dot:expr) => {
            integers! {
                $(#[$doc])*
                $name, floats Floats8, sums $sums, shorts $shorts(__m256i), lanes 8, rows 3, width $width,
                zero _mm256_setzero_si256(), load(p) _mm256_loadu_si256(p.cast()), splat(p) _mm256_set1_epi32(*p),
                store(p, x) _mm256_storeu_si256(p.cast(), x), dot($a, $b, $d) $dot,
                add _mm256_add_epi16, sub _mm256_sub_epi16, mul _mm256_mullo_epi16, set _mm256_set1_epi16,
                convert(x) _mm256_cvtepi32_ps(x),
                narrow(low, high, limit) {
                    // Packing works in halves of 128 bits: 0 2 1 3 puts its quarters in order.
                    let packed = _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
                    let ordered = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
                    _mm256_max_epi16(_mm256_min_epi16(ordered, _mm256_set1_epi16(limit)), _mm256_set1_epi16(-limit))
                },
            }
        };
    }

    /// The integer arithmetics of AVX-512, which differ in the dot product alone.
    macro_rules! avx512 {
        ($(#[$doc:meta])* $name:ident, $sums:ident, $shorts:ident, dot($a:ident, $b:ident, $d:ident) $dot:expr) => {
            integers! {
                $(#[$doc])*
                $name, floats Floats16, sums $sums, shorts $shorts(__m512i), lanes 16, rows 6, width 4,
                zero _mm512_setzero_si512(), load(p) _mm512_loadu_si512(p.cast()), splat(p) _mm512_set1_epi32(*p),
                store(p, x) _mm512_storeu_si512(p.cast(), x), dot($a, $b, $d) $dot,
                add _mm512_add_epi16, sub _mm512_sub_epi16, mul _mm512_mullo_epi16, set _mm512_set1_epi16,
                convert(x) _mm512_cvtepi32_ps(x),
                narrow(low, high, limit) {
                    // As above, of eight.
                    let packed = _mm512_packs_epi32(_mm512_cvtps_epi32(low), _mm512_cvtps_epi32(high));
                    let ordered = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), packed);
                    _mm512_max_epi16(_mm512_min_epi16(ordered, _mm512_set1_epi16(limit)), _mm512_set1_epi16(-limit))
                },
            }
        };
    }

    avx2! {
        /// AVX2.
        Avx2, Sums8, Shorts8, width 3, dot(a, b, sum) _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
    }
    avx2! {
        /// AVX2 with AVX-VNNI.
        AvxVnni, VnniSums8, VnniShorts8, width 4, dot(a, b, sum) _mm256_dpwssd_avx_epi32(sum, a, b)
    }
    avx512! {
        /// AVX-512BW.
        Avx512, Sums16, Shorts16, dot(a, b, sum) _mm512_add_epi32(sum, _mm512_madd_epi16(a, b))
    }
    avx512! {
        /// AVX-512 with VNNI.
        Avx512Vnni, VnniSums16, VnniShorts16, dot(a, b, sum) _mm512_dpwssd_epi32(sum, a, b)
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) mod wasm {
    use super::super::vector::wasm::Simd128 as Floats;
    // A list of the intrinsics would only repeat the code below.
    #[allow(clippy::wildcard_imports)]
    use core::arch::wasm32::*;

    integers! {
        /// 128-bit vectors of WebAssembly.
        Simd128, floats Floats, sums Sums, shorts Shorts(v128), lanes 4, rows 3, width 2,
        zero i32x4_splat(0), load(p) v128_load(p.cast()), splat(p) v128_load32_splat(p.cast()),
        store(p, x) v128_store(p.cast(), x), dot(a, b, sum) i32x4_add(sum, i32x4_dot_i16x8(a, b)),
        add i16x8_add, sub i16x8_sub, mul i16x8_mul, set i16x8_splat, convert(x) f32x4_convert_i32x4(x),
        narrow(low, high, limit) {
            let integers = |x| i32x4_trunc_sat_f32x4(f32x4_nearest(x));
            let packed = i16x8_narrow_i32x4(integers(low), integers(high));
            i16x8_max(i16x8_min(packed, i16x8_splat(limit)), i16x8_splat(-limit))
        },
    }
}
