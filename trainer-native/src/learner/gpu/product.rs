//! Matrix products by kernels of cubek that are named here, not found by timing all of them: the search takes half a minute for
//! every shape.

use burn::tensor::{DType, calculate_matmul_output};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::{CubeRuntime, tensor::CubeTensor};
use cubek::matmul::components::tile::TileMatmulKind;
use cubek::matmul::definition::{MatmulElems, MatmulGlobalElems, MatmulSetupError};
use cubek::matmul::launch::{Strategy, launch_ref};
use cubek::matmul::routines::BlueprintStrategy::Inferred;
use cubek::matmul::routines::ordered_double_buffering::OrderedSelectionArgs;
use cubek::matmul::routines::{double_buffering::DoubleBufferingArgs, simple::SimpleArgs};
use cubek::std::InputBinding;

/// Least number of rows of a large product.
const LARGE: usize = 1024;

/// Product of `[.., m, k]` and `[.., k, n]` in `dtype`, summed in f32.
///
/// # Panics
/// If the shapes do not match, or the device has no kernel at all.
pub(super) fn product<R: CubeRuntime>(a: &CubeTensor<R>, b: &CubeTensor<R>, dtype: DType) -> CubeTensor<R> {
    let shape = a.meta.shape();
    let is_large = shape[shape.rank() - 2] >= LARGE;
    let strategies = if is_large { strategies() } else { vec![Strategy::Auto] };
    let launched = strategies.iter().find_map(|strategy| product_by(strategy, a, b, dtype).ok());
    launched.expect("the last strategy runs on every device")
}

/// Kernels of large products, in the order in which they are tried; the last runs on every device. The order is a guess: no card has timed
/// these kernels one by one yet, see [`Limits`](super::limits::Limits).
pub(super) fn strategies() -> Vec<Strategy> {
    let (cmma, mma) = (TileMatmulKind::Cmma, TileMatmulKind::Mma);
    let simple = |tile_matmul, multi_rows| Inferred(SimpleArgs { tile_matmul, multi_rows });
    let double = |tile_matmul, specialized| Inferred(DoubleBufferingArgs { tile_matmul, specialized });
    let ordered = |tile_matmul, rows| {
        let (partition_k, row_count, rows_per_plane) = (Some(2), Some(rows), Some(2));
        Inferred(OrderedSelectionArgs { tile_matmul, partition_k, row_count, rows_per_plane })
    };
    vec![
        Strategy::SpecializedTmaMma(Inferred(().into())),
        Strategy::SimpleTmaMma(Inferred(SimpleArgs { tile_matmul: mma, multi_rows: true })),
        Strategy::OrderedDoubleMma(ordered(mma, 8)),
        Strategy::DoubleCyclicMma(double(mma, false)),
        Strategy::DoubleCyclicMma(double(mma, true)),
        Strategy::SimpleCyclicMma(simple(mma, true)),
        Strategy::SpecializedTmaCmma(Inferred(().into())),
        Strategy::OrderedDoubleCmma(ordered(cmma, 8)),
        Strategy::DoubleCyclicCmma(double(cmma, false)),
        Strategy::SimpleCyclicCmma(simple(cmma, true)),
        Strategy::Auto,
    ]
}

/// [`product`] by one kernel.
///
/// # Errors
/// If the device or the shapes do not allow it.
pub(super) fn product_by<R: CubeRuntime>(
    strategy: &Strategy,
    a: &CubeTensor<R>,
    b: &CubeTensor<R>,
    dtype: DType,
) -> Result<CubeTensor<R>, MatmulSetupError> {
    let shape = calculate_matmul_output(a.meta.shape(), b.meta.shape()).expect("the shapes match");
    let out = empty_device_contiguous_dtype(a.client.clone(), a.device.clone(), shape, dtype);
    let [of_a, of_b] = [a, b].map(|tensor| InputBinding::new(tensor.clone().binding(), tensor.dtype.into()));
    let globals = MatmulGlobalElems { lhs: a.dtype.into(), rhs: b.dtype.into(), out: dtype.into() };
    let mut dtypes = MatmulElems::from_globals(&globals);
    launch_ref(strategy, &a.client, of_a, of_b, out.clone().binding(), &mut dtypes)?;
    Ok(out)
}
