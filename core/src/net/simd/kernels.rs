//! The table of micro-kernels, one for each instruction set: matrix products and Winograd transforms on vectors.
//!
//! A tensor of `C` channels over rows (squares, tiles or boards) is stored as `[C / LANES][rows][LANES]`; weights as the panels of a
//! [`Product`]. An element is an f32, or a pair of 16-bit integers: two neighbouring channels, so that a vector holds twice as many.
//!
//! All `unsafe` of the network is in this folder's kernels and vectors, for two reasons: instructions that only some CPUs
//! have, and loads without bounds checks in the innermost loops. [`Kernels`] closes both: it exists only for a level that
//! the CPU has, and its methods check every length before a kernel starts.

use super::super::SQUARES;
use super::arithmetic::{Arithmetic, Float};
use super::epilogue::{Activation, Channels, Epilogue};
use super::level::{Level, per_level};
use super::product::{self, Product, ROWS};
use super::vector::{Factor, Lanes};
use super::winograd::{PRODUCTS, TILES};
use super::{integer, transforms, vector};

type MultiplyKernel<E> = unsafe fn(Product, &[E], &[E], &mut [E]);
type TransformKernel<E> = unsafe fn(usize, usize, &[f32], f32, usize, &mut [E]);
type EpilogueKernel<E> = unsafe fn(Epilogue, &[E], Channels, Option<&mut [f32]>, &mut [E]);

/// The kernels of one level for elements `E`: f32, or pairs of 16-bit integers in an i32.
#[derive(Debug)]
pub(super) struct Kernels<E: 'static> {
    /// Elements in a vector.
    pub(super) lanes: usize,
    /// Vectors in a panel of weights.
    pub(super) width: usize,
    /// Channels in an element.
    pub(super) per_element: usize,
    multiply: MultiplyKernel<E>,
    transform_planes: TransformKernel<E>,
    transform_trunk: TransformKernel<E>,
    epilogue: EpilogueKernel<E>,
}

impl<E> Kernels<E> {
    /// Computes a plain [`Product`].
    pub(super) fn multiply(&self, product: Product, a: &[E], b: &[E], out: &mut [E]) {
        let Product { count, rows, inner, outer, a_stride, b_stride, out_stride } = product;
        assert!(count > 0 && rows.is_multiple_of(ROWS), "rows come in threes");
        assert!(a.len() >= (count - 1) * a_stride + inner * rows * self.lanes, "a is too short");
        assert!(b.len() >= (count - 1) * b_stride + inner * outer * self.lanes * self.lanes, "b is too short");
        assert!(out.len() >= (count - 1) * out_stride + outer * rows * self.lanes, "out is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.multiply)(product, a, b, out) }
    }

    /// Input transform of planes `[boards][planes][81]`, times `per_step`, to `[25][stride]`, each
    /// `[planes / LANES][boards * 9 tiles][LANES]`.
    pub(super) fn transform_planes(
        &self,
        boards: usize,
        planes: usize,
        input: &[f32],
        per_step: f32,
        stride: usize,
        out: &mut [E],
    ) {
        assert!(input.len() >= boards * planes * SQUARES, "input is too short");
        let product = planes.div_ceil(self.lanes * self.per_element) * boards * TILES * self.lanes;
        assert!(out.len() >= (PRODUCTS - 1) * stride + product, "out is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.transform_planes)(boards, planes, input, per_step, stride, out) }
    }

    /// Input transform of a trunk `[boards][groups][81][LANES]`, times `per_step`, with the output of
    /// [`transform_planes`](Kernels::transform_planes).
    pub(super) fn transform_trunk(
        &self,
        boards: usize,
        groups: usize,
        trunk: &[f32],
        per_step: f32,
        stride: usize,
        out: &mut [E],
    ) {
        assert!(trunk.len() >= boards * groups * SQUARES * self.lanes, "trunk is too short");
        let product = groups * boards * TILES * self.lanes;
        assert!(out.len() >= (PRODUCTS - 1) * stride + product, "out is too short");
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.transform_trunk)(boards, groups, trunk, per_step, stride, out) }
    }

    /// Runs an [`Epilogue`]: from `products` to activations `[boards][groups][81][LANES]`, unless they are `None`, and to `out`, the
    /// transformed input of the next convolution.
    pub(super) fn epilogue(
        &self,
        epilogue: Epilogue,
        products: &[E],
        channels: Channels,
        activations: Option<&mut [f32]>,
        out: &mut [E],
    ) {
        let Epilogue { boards, groups, stride, activation, .. } = epilogue;
        let transformed = (PRODUCTS - 1) * stride + groups * boards * TILES * self.lanes;
        assert!(products.len() >= transformed && out.len() >= transformed, "products or out are too short");
        let Channels { scale, bias, pool_bias } = channels;
        assert!(bias.len() >= groups * self.lanes, "bias is too short");
        assert!(self.per_element == 1 || scale.len() >= groups * self.lanes, "scale is too short");
        assert!(pool_bias.is_empty() || pool_bias.len() >= boards * groups * self.lanes, "pool_bias is too short");
        let stored = activations.as_ref().map(|activations| activations.len());
        assert!(stored.is_none_or(|len| len >= boards * groups * SQUARES * self.lanes), "activations are too short");
        assert!(
            stored.is_some() || activation != Activation::ResidualRelu,
            "the residual is read from the activations"
        );
        // SAFETY: the CPU has the level, and the lengths were just checked.
        unsafe { (self.epilogue)(epilogue, products, channels, activations, out) }
    }
}

/// The kernels of an [`Arithmetic`], compiled for the instruction set that the attribute names.
macro_rules! table {
    ($arithmetic:ty, $element:ty $(, #[$attribute:meta])*) => {{
        // SAFETY, for all four: the caller vouches for the instructions and the lengths.
        $(#[$attribute])*
        unsafe fn multiply(product: Product, a: &[$element], b: &[$element], out: &mut [$element]) {
            let (a, b, out) = (a.as_ptr(), b.as_ptr(), out.as_mut_ptr());
            unsafe { product::multiply::<<$arithmetic as Arithmetic>::Sums>(product, a, b, out) }
        }
        $(#[$attribute])*
        unsafe fn transform_planes(
            boards: usize,
            planes: usize,
            input: &[f32],
            per_step: f32,
            stride: usize,
            out: &mut [$element],
        ) {
            unsafe { transforms::planes::<$arithmetic>(boards, planes, input, per_step, stride, out.as_mut_ptr()) }
        }
        $(#[$attribute])*
        unsafe fn transform_trunk(
            boards: usize,
            groups: usize,
            trunk: &[f32],
            per_step: f32,
            stride: usize,
            out: &mut [$element],
        ) {
            let (trunk, out) = (trunk.as_ptr(), out.as_mut_ptr());
            unsafe { transforms::trunk::<$arithmetic>(boards, groups, trunk, per_step, stride, out) }
        }
        $(#[$attribute])*
        unsafe fn epilogue(
            epilogue: Epilogue,
            products: &[$element],
            channels: Channels,
            activations: Option<&mut [f32]>,
            out: &mut [$element],
        ) {
            let (activations, out) = (activations.map(<[f32]>::as_mut_ptr), out.as_mut_ptr());
            unsafe { transforms::epilogue::<$arithmetic>(epilogue, products.as_ptr(), channels, activations, out) }
        }
        static TABLE: Kernels<$element> = Kernels {
            lanes: <<$arithmetic as Arithmetic>::Floats as Lanes>::LANES,
            width: <<$arithmetic as Arithmetic>::Sums as Factor>::WIDTH,
            per_element: <$arithmetic as Arithmetic>::PER_ELEMENT,
            multiply,
            transform_planes,
            transform_trunk,
            epilogue,
        };
        &TABLE
    }};
}

macro_rules! float {
    ($vector:ty $(, #[$attribute:meta])*) => { table!(Float<$vector>, f32 $(, #[$attribute])*) };
}

macro_rules! integers {
    ($arithmetic:ty $(, #[$attribute:meta])*) => { table!($arithmetic, i32 $(, #[$attribute])*) };
}

impl Kernels<f32> {
    /// The kernels of a level, or `None` if it is not available.
    pub(super) fn of(level: Level) -> Option<&'static Kernels<f32>> {
        per_level!(level, float, vector)
    }

    /// Portable kernels with the vectors and accumulators of AVX-512, to test those shapes on every CPU.
    #[cfg(test)]
    pub(super) fn wide() -> &'static Kernels<f32> {
        float!(vector::Portable<16, 6, 4>)
    }
}

impl Kernels<i32> {
    /// The kernels of a level without VNNI, or `None` if it is not available.
    pub(super) fn of(level: Level) -> Option<&'static Kernels<i32>> {
        per_level!(level, integers, integer)
    }

    /// The kernels of a level with VNNI (dot products of integers in one instruction), or `None` unless the CPU has both.
    pub(super) fn with_vnni(level: Level) -> Option<&'static Kernels<i32>> {
        match level {
            level if !level.is_available() => None,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 if super::level::has!("avx512vnni") => {
                Some(integers!(integer::x86::Avx512Vnni, #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]))
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 if super::level::has!("avxvnni") => {
                Some(integers!(integer::x86::AvxVnni, #[target_feature(enable = "avx2,fma,avxvnni")]))
            }
            _ => None,
        }
    }
}
