//! Size of a kernel's launch, and room for its result.

use burn::tensor::{DType, Shape};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::{CubeRuntime, tensor::CubeTensor};
use cubecl::prelude::*;

/// Contiguous tensor like `tensor` but for shape and type, with any contents.
pub(super) fn empty<R: CubeRuntime>(tensor: &CubeTensor<R>, shape: impl Into<Shape>, dtype: DType) -> CubeTensor<R> {
    empty_device_contiguous_dtype(tensor.client.clone(), tensor.device.clone(), shape.into(), dtype)
}

/// Number of cubes and their size for this many threads.
pub(super) fn cubes<R: CubeRuntime>(tensor: &CubeTensor<R>, threads: usize) -> (CubeCount, CubeDim) {
    let size = CubeDim::new(&tensor.client, threads);
    (cubecl::calculate_cube_count_elemwise(&tensor.client, threads, size), size)
}
