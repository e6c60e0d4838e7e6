//! Vectors of f32: what the kernels need of a CPU, and nothing else.

/// A vector of [`LANES`](Vector::LANES) numbers.
///
/// # Safety
/// Every method asks the same of its caller: the CPU must have the vector's instructions, and `load`, `splat` and
/// `store` must be given pointers to as many readable or writable numbers as they touch (any alignment). The methods are
/// `inline(always)`, so that they take on the instruction set of the kernel that they are compiled into.
pub(super) trait Vector: Copy {
    /// Numbers in a vector.
    const LANES: usize;
    /// Vectors side by side in the accumulator of a product, at most [`MAX_WIDTH`](super::kernels::MAX_WIDTH):
    /// as many as leave enough registers for three rows.
    const WIDTH: usize;

    unsafe fn zero() -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// The one number at `from`, in every lane.
    unsafe fn splat(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once where the CPU can.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// `self` where positive, else zero.
    unsafe fn relu(self) -> Self;
    /// `self` where `gate` is positive, else zero.
    unsafe fn gated(self, gate: Self) -> Self;
}

/// Plain arithmetic on `N` lanes, which every compiler turns into its target's vectors.
#[derive(Clone, Copy)]
pub(super) struct Portable<const N: usize, const WIDTH: usize>([f32; N]);

impl<const N: usize, const WIDTH: usize> Vector for Portable<N, WIDTH> {
    const LANES: usize = N;
    const WIDTH: usize = WIDTH;

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
    unsafe fn splat(from: *const f32) -> Self {
        // SAFETY: the caller vouches for one readable number.
        Portable([unsafe { *from }; N])
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller vouches for `N` writable numbers.
        unsafe { to.cast::<[f32; N]>().write(self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Portable(core::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Portable(core::array::from_fn(|i| self.0[i] - other.0[i]))
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        // Not `f32::mul_add`: without the instruction that is a slow call.
        Portable(core::array::from_fn(|i| self.0[i] * factor.0[i] + addend.0[i]))
    }

    #[inline(always)]
    unsafe fn relu(self) -> Self {
        Portable(self.0.map(|x| if x > 0.0 { x } else { 0.0 }))
    }

    #[inline(always)]
    unsafe fn gated(self, gate: Self) -> Self {
        Portable(core::array::from_fn(|i| if gate.0[i] > 0.0 { self.0[i] } else { 0.0 }))
    }
}

/// A vector type whose methods are one intrinsic each.
#[cfg(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))]
macro_rules! vector {
    (
        $(#[$doc:meta])* $name:ident($register:ty), lanes $lanes:literal, width $width:literal,
        zero $zero:expr, load($l:ident) $load:expr, splat($s:ident) $splat:expr, store($t:ident, $v:ident) $store:expr,
        add $add:ident, sub $sub:ident, mul_add $mul_add:ident, relu($r:ident) $relu:expr,
        gated($x:ident, $gate:ident) $gated:expr $(,)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(in super::super) struct $name($register);

        // Some of the intrinsics are safe functions on some targets.
        #[allow(unused_unsafe)]
        // SAFETY, for all of them: the caller vouches for the instructions and for the pointers.
        impl super::Vector for $name {
            const LANES: usize = $lanes;
            const WIDTH: usize = $width;

            #[inline(always)]
            unsafe fn zero() -> Self {
                $name(unsafe { $zero })
            }

            #[inline(always)]
            unsafe fn load($l: *const f32) -> Self {
                $name(unsafe { $load })
            }

            #[inline(always)]
            unsafe fn splat($s: *const f32) -> Self {
                $name(unsafe { $splat })
            }

            #[inline(always)]
            unsafe fn store(self, $t: *mut f32) {
                let $v = self.0;
                unsafe { $store }
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                $name(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                $name(unsafe { $sub(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
                $name(unsafe { $mul_add(self.0, factor.0, addend.0) })
            }

            #[inline(always)]
            unsafe fn relu(self) -> Self {
                let $r = self.0;
                $name(unsafe { $relu })
            }

            #[inline(always)]
            unsafe fn gated(self, gate: Self) -> Self {
                let ($x, $gate) = (self.0, gate.0);
                $name(unsafe { $gated })
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    // A list of intrinsics would only repeat what stands below.
    #[allow(clippy::wildcard_imports)]
    use core::arch::x86_64::*;

    vector! {
        /// AVX2 with FMA: 3 × 4 accumulators, 3 factors and 1 weight fill the 16 registers.
        Avx2(__m256), lanes 8, width 4,
        zero _mm256_setzero_ps(), load(p) _mm256_loadu_ps(p), splat(p) _mm256_broadcast_ss(&*p),
        store(p, x) _mm256_storeu_ps(p, x), add _mm256_add_ps, sub _mm256_sub_ps, mul_add _mm256_fmadd_ps,
        relu(x) _mm256_max_ps(x, _mm256_setzero_ps()),
        gated(x, gate) _mm256_and_ps(x, _mm256_cmp_ps::<_CMP_GT_OQ>(gate, _mm256_setzero_ps())),
    }

    vector! {
        /// AVX-512F.
        Avx512(__m512), lanes 16, width 4,
        zero _mm512_setzero_ps(), load(p) _mm512_loadu_ps(p), splat(p) _mm512_set1_ps(*p),
        store(p, x) _mm512_storeu_ps(p, x), add _mm512_add_ps, sub _mm512_sub_ps, mul_add _mm512_fmadd_ps,
        relu(x) _mm512_max_ps(x, _mm512_setzero_ps()),
        gated(x, gate) _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(gate, _mm512_setzero_ps()), x),
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) mod wasm {
    // A list of intrinsics would only repeat what stands below.
    #[allow(clippy::wildcard_imports)]
    use core::arch::wasm32::*;

    vector! {
        /// WebAssembly's 128-bit vectors.
        Simd128(v128), lanes 4, width 2,
        zero f32x4_splat(0.0), load(p) v128_load(p.cast()), splat(p) v128_load32_splat(p.cast()),
        store(p, x) v128_store(p.cast(), x), add f32x4_add, sub f32x4_sub, mul_add madd,
        relu(x) f32x4_pmax(f32x4_splat(0.0), x),
        gated(x, gate) v128_and(x, f32x4_gt(gate, f32x4_splat(0.0))),
    }

    #[inline(always)]
    fn madd(a: v128, b: v128, c: v128) -> v128 {
        #[cfg(target_feature = "relaxed-simd")]
        return f32x4_relaxed_madd(a, b, c);
        #[cfg(not(target_feature = "relaxed-simd"))]
        f32x4_add(f32x4_mul(a, b), c)
    }
}
