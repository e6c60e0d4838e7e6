//! Vector traits that the kernels are generic over, and vectors of f32.

/// A register's worth of elements, each of 4 bytes.
///
/// # Safety
/// Every method of this trait and of those built on it asks the same of its caller: the CPU must have the vector's
/// instructions, and `load`, `splat` and `store` must be given pointers to as many readable or writable elements as they
/// touch (any alignment). The methods are `inline(always)`, so that they take on the instruction set of the kernel that
/// they are compiled into.
pub(super) trait Lanes: Copy {
    /// Element in memory: an f32, or a pair of 16-bit integers.
    type Element: Copy;
    /// Elements in a vector.
    const LANES: usize;

    /// Zero in every lane.
    unsafe fn zero() -> Self;
    /// `LANES` elements from memory.
    unsafe fn load(from: *const Self::Element) -> Self;
    /// `LANES` elements to memory.
    unsafe fn store(self, to: *mut Self::Element);
    /// `self * factor + addend`, rounded once where the CPU can.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
}

/// Vector of a Winograd transform.
pub(super) trait Ring: Lanes {
    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// `self - other`.
    unsafe fn sub(self, other: Self) -> Self;
    /// A small number, in every lane.
    unsafe fn constant(x: i8) -> Self;
}

/// Vector of a matrix product: factors, weights and sums in registers of one type.
pub(super) trait Factor: Lanes {
    /// Rows per block of a product.
    const ROWS: usize;
    /// Accumulator width in vectors, 2 to 4: as many as leave enough registers for the rows.
    const WIDTH: usize;

    /// The element at `from`, in every lane.
    unsafe fn splat(from: *const Self::Element) -> Self;
}

/// A vector of f32.
pub(super) trait Vector: Ring + Factor + Lanes<Element = f32> {
    /// `self` where it is positive, else zero.
    unsafe fn relu(self) -> Self;
    /// `self` where `activation` is positive, else zero: the derivative of `ReLU`.
    unsafe fn relu_gradient(self, activation: Self) -> Self;
}

/// A vector type and its [`Lanes`], each method one intrinsic.
macro_rules! lanes {
    (
        $(#[$doc:meta])* $name:ident($register:ty), element $element:ty, lanes $lanes:expr, zero $zero:expr,
        load($l:ident) $load:expr, store($t:ident, $v:ident) $store:expr,
        mul_add($a:ident, $b:ident, $d:ident) $mul_add:expr $(,)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(in crate::net::simd) struct $name(pub(in crate::net::simd) $register);

        // Some of the intrinsics are safe functions on some targets.
        #[allow(unused_unsafe)]
        // SAFETY, for all of them: the caller vouches for the instructions and for the pointers.
        impl $crate::net::simd::vector::Lanes for $name {
            type Element = $element;
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn zero() -> Self {
                $name(unsafe { $zero })
            }

            #[inline(always)]
            unsafe fn load($l: *const $element) -> Self {
                $name(unsafe { $load })
            }

            #[inline(always)]
            unsafe fn store(self, $t: *mut $element) {
                let $v = self.0;
                unsafe { $store }
            }

            #[inline(always)]
            unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
                let ($a, $b, $d) = (self.0, factor.0, addend.0);
                $name(unsafe { $mul_add })
            }
        }
    };
}
pub(super) use lanes;

/// Portable vector of `N` lanes, which every compiler turns into its target's vectors.
#[derive(Clone, Copy)]
pub(super) struct Portable<const N: usize, const ROWS: usize, const WIDTH: usize>([f32; N]);

/// Vector of the portable level.
pub(super) type Portable4 = Portable<4, 3, 2>;

impl<const N: usize, const ROWS: usize, const WIDTH: usize> Portable<N, ROWS, WIDTH> {
    /// A vector of these lanes.
    pub(super) fn new(lanes: [f32; N]) -> Self {
        Portable(lanes)
    }

    /// The lanes.
    pub(super) fn lanes(self) -> [f32; N] {
        self.0
    }
}

impl<const N: usize, const ROWS: usize, const WIDTH: usize> Lanes for Portable<N, ROWS, WIDTH> {
    type Element = f32;
    const LANES: usize = N;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Portable([0.0; N])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for `N` readable numbers.
        Portable(unsafe { from.cast::<[f32; N]>().read() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller vouches for `N` writable numbers.
        unsafe { to.cast::<[f32; N]>().write(self.0) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        // Not `f32::mul_add`: without the instruction that is a slow call.
        Portable(core::array::from_fn(|i| self.0[i] * factor.0[i] + addend.0[i]))
    }
}

impl<const N: usize, const ROWS: usize, const WIDTH: usize> Ring for Portable<N, ROWS, WIDTH> {
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Portable(core::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Portable(core::array::from_fn(|i| self.0[i] - other.0[i]))
    }

    #[inline(always)]
    unsafe fn constant(x: i8) -> Self {
        Portable([f32::from(x); N])
    }
}

impl<const N: usize, const ROWS: usize, const WIDTH: usize> Factor for Portable<N, ROWS, WIDTH> {
    const ROWS: usize = ROWS;
    const WIDTH: usize = WIDTH;

    #[inline(always)]
    unsafe fn splat(from: *const f32) -> Self {
        // SAFETY: the caller vouches for one readable number.
        Portable([unsafe { *from }; N])
    }
}

impl<const N: usize, const ROWS: usize, const WIDTH: usize> Vector for Portable<N, ROWS, WIDTH> {
    #[inline(always)]
    unsafe fn relu(self) -> Self {
        Portable(self.0.map(|x| if x > 0.0 { x } else { 0.0 }))
    }

    #[inline(always)]
    unsafe fn relu_gradient(self, activation: Self) -> Self {
        Portable(core::array::from_fn(|i| if activation.0[i] > 0.0 { self.0[i] } else { 0.0 }))
    }
}

/// A [`Vector`] type, each method one intrinsic.
#[cfg(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))]
macro_rules! vector {
    (
        $(#[$doc:meta])* $name:ident($register:ty), lanes $lanes:literal, rows $rows:literal, width $width:expr,
        set($c:ident) $set:expr, load($l:ident) $load:expr, splat($s:ident) $splat:expr,
        store($t:ident, $v:ident) $store:expr, add $add:ident, sub $sub:ident, mul_add $mul_add:ident,
        relu($r:ident) $relu:expr, relu_gradient($x:ident, $y:ident) $relu_gradient:expr $(,)?
    ) => {
        super::lanes! {
            $(#[$doc])*
            $name($register), element f32, lanes $lanes, zero { let $c = 0.0; $set }, load($l) $load,
            store($t, $v) $store, mul_add(a, b, c) $mul_add(a, b, c),
        }

        // As in `lanes`.
        #[allow(unused_unsafe)]
        impl super::Ring for $name {
            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                $name(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                $name(unsafe { $sub(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn constant(x: i8) -> Self {
                let $c = f32::from(x);
                $name(unsafe { $set })
            }
        }

        // As above.
        #[allow(unused_unsafe)]
        impl super::Factor for $name {
            const ROWS: usize = $rows;
            const WIDTH: usize = $width;

            #[inline(always)]
            unsafe fn splat($s: *const f32) -> Self {
                $name(unsafe { $splat })
            }
        }

        // As above.
        #[allow(unused_unsafe)]
        impl super::Vector for $name {
            #[inline(always)]
            unsafe fn relu(self) -> Self {
                let $r = self.0;
                $name(unsafe { $relu })
            }

            #[inline(always)]
            unsafe fn relu_gradient(self, activation: Self) -> Self {
                let ($x, $y) = (self.0, activation.0);
                $name(unsafe { $relu_gradient })
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    // A list of the intrinsics would only repeat the code below.
    #[allow(clippy::wildcard_imports)]
    use core::arch::x86_64::*;

    vector! {
        /// AVX2 with FMA: 3 × 4 accumulators, 3 factors and 1 weight fill the 16 registers.
        Avx2(__m256), lanes 8, rows 3, width 4,
        set(c) _mm256_set1_ps(c), load(p) _mm256_loadu_ps(p), splat(p) _mm256_broadcast_ss(&*p),
        store(p, x) _mm256_storeu_ps(p, x), add _mm256_add_ps, sub _mm256_sub_ps, mul_add _mm256_fmadd_ps,
        relu(x) _mm256_max_ps(x, _mm256_setzero_ps()),
        relu_gradient(x, y) _mm256_and_ps(x, _mm256_cmp_ps::<_CMP_GT_OQ>(y, _mm256_setzero_ps())),
    }

    vector! {
        /// AVX-512F: 6 × 4 accumulators, 6 factors and 1 weight of 32 registers.
        Avx512(__m512), lanes 16, rows 6, width 4,
        set(c) _mm512_set1_ps(c), load(p) _mm512_loadu_ps(p), splat(p) _mm512_set1_ps(*p),
        store(p, x) _mm512_storeu_ps(p, x), add _mm512_add_ps, sub _mm512_sub_ps, mul_add _mm512_fmadd_ps,
        relu(x) _mm512_max_ps(x, _mm512_setzero_ps()),
        relu_gradient(x, y) _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(y, _mm512_setzero_ps()), x),
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) mod wasm {
    // A list of the intrinsics would only repeat the code below.
    #[allow(clippy::wildcard_imports)]
    use core::arch::wasm32::*;

    vector! {
        /// 128-bit vectors of WebAssembly. With relaxed-simd's `mul_add`, 3 × 3 accumulators, 3 factors and 1 weight take 13 of the 15
        /// registers that engines have on x86-64, and 9 sums hide its latency; without it, the products need registers too.
        Simd128(v128), lanes 4, rows 3, width if cfg!(target_feature = "relaxed-simd") { 3 } else { 2 },
        set(c) f32x4_splat(c), load(p) v128_load(p.cast()), splat(p) v128_load32_splat(p.cast()),
        store(p, x) v128_store(p.cast(), x), add f32x4_add, sub f32x4_sub, mul_add madd,
        relu(x) f32x4_pmax(f32x4_splat(0.0), x),
        relu_gradient(x, y) v128_and(x, f32x4_gt(y, f32x4_splat(0.0))),
    }

    #[inline(always)]
    fn madd(a: v128, b: v128, c: v128) -> v128 {
        #[cfg(target_feature = "relaxed-simd")]
        return f32x4_relaxed_madd(a, b, c);
        #[cfg(not(target_feature = "relaxed-simd"))]
        f32x4_add(f32x4_mul(a, b), c)
    }
}
