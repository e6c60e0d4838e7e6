//! Kernels that burn lacks, as operations on its tensors: planes from their compressed form, the neighbourhood of every square, the end of a layer,
//! and the beginning of its backward pass.
//!
//! Boards are stored square by square: `[boards * squares, channels]`, so that a layer is one matrix product. Each thread of a
//! kernel handles a vector of neighbouring channels.

use std::ops::Range;

use burn::tensor::{DType, Shape, backend::Backend, ops::FloatTensor, ops::IntTensor};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::{BoolElement, CubeBackend, CubeRuntime, FloatElement, IntElement, kernel, tensor::CubeTensor};
use cubecl::prelude::*;
use keisei_core::encoding::SQUARES;

use super::attacks;
use super::cube::{adam_kernel, answers_kernel, finish_kernel, planes_kernel, slope_kernel, windows_kernel};
use super::product::product;

/// Backend with these kernels. Tensors are contiguous or made so.
pub trait Kernels: Backend {
    /// Planes `[boards * 81, planes]` in `dtype` from sets `[boards, planes, SET_WORDS]` and values `[boards, planes]`.
    fn planes(sets: IntTensor<Self>, values: FloatTensor<Self>, dtype: DType) -> FloatTensor<Self>;

    /// Planes `[boards * 81, 96]` of [`Features::Attack96`](keisei_core::encoding::Features::Attack96) in `dtype` from packed
    /// observations `[boards, WORDS]`, see [`WORDS`](super::attacks::WORDS).
    fn attack_planes(packed: IntTensor<Self>, boards: usize, dtype: DType) -> FloatTensor<Self>;

    /// Answers of a forward pass in f32, one after the other: the policy's logits at the places that the words of `asked` from
    /// `first` on name, `count` of them; `wdl`, `[boards, 3]`; and the score, `[boards, 1]`, if there is one. Policy and bias are
    /// stored square by square.
    fn answers(
        policy: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        wdl: FloatTensor<Self>,
        score: Option<FloatTensor<Self>>,
        asked: IntTensor<Self>,
        places: Range<usize>,
    ) -> FloatTensor<Self>;

    /// Step of Adam, in place: weights and moments, all of one length, in f32.
    fn adam(weights: &FloatTensor<Self>, moments: [&FloatTensor<Self>; 2], gradient: FloatTensor<Self>, step: Step);

    /// Product of `[.., m, k]` and `[.., k, n]` in `dtype`, summed in f32.
    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>, dtype: DType) -> FloatTensor<Self>;

    /// Squares of a window of `side`×`side` around each square, zeros beyond the board's edge: `[rows, channels]` to
    /// `[rows, columns]`, where the first side * side * channels columns are the window's squares in the order of the board,
    /// and the others zeros. Rows are the squares of boards of `board`×`board`.
    fn windows(x: FloatTensor<Self>, board: usize, side: usize, columns: usize) -> FloatTensor<Self>;

    /// `sum + bias + residual`, rectified if asked for: `[rows, channels]`; the bias is `[channels]`.
    fn finish(
        sum: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: Option<FloatTensor<Self>>,
        rectified: bool,
    ) -> FloatTensor<Self>;

    /// Gradient of [`finish`](Self::finish)'s sum from that of its output `[rows, channels]`, where `output` is given if it was
    /// rectified; and sums of this gradient over every [`PART`] rows: `[rows / PART, channels]` in f32.
    fn slope(above: FloatTensor<Self>, output: Option<FloatTensor<Self>>) -> [FloatTensor<Self>; 2];
}

/// Numbers of a step of Adam.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Learning rate.
    pub rate: f32,
    /// Factor of the gradient, which clips its norm.
    pub scale: f32,
    /// Divisors of the moments, which undo their bias towards 0.
    pub biases: [f32; 2],
}

/// Rows that one thread of [`Kernels::slope`] sums, if their number is a multiple of it; a third of a board.
pub(super) const PART: usize = 27;

/// Numbers in a vector of 16 bytes, or fewer if one of `multiples` is no multiple of it.
fn vector<R: CubeRuntime>(tensor: &CubeTensor<R>, multiples: &[usize]) -> usize {
    let most = 16 / tensor.dtype.size();
    let supported: Vec<usize> = tensor.client.io_optimized_vector_sizes(tensor.dtype.size()).collect();
    let fits = |size: usize| size <= most && multiples.iter().all(|number| number.is_multiple_of(size));
    supported.into_iter().filter(|&size| fits(size)).max().unwrap_or(1)
}

/// Contiguous tensor like `tensor` but for shape and type, with any contents.
pub(super) fn empty<R: CubeRuntime>(tensor: &CubeTensor<R>, shape: impl Into<Shape>, dtype: DType) -> CubeTensor<R> {
    empty_device_contiguous_dtype(tensor.client.clone(), tensor.device.clone(), shape.into(), dtype)
}

/// Number of cubes and their size for this many threads.
pub(super) fn cubes<R: CubeRuntime>(tensor: &CubeTensor<R>, threads: usize) -> (CubeCount, CubeDim) {
    let size = CubeDim::new(&tensor.client, threads);
    (cubecl::calculate_cube_count_elemwise(&tensor.client, threads, size), size)
}

/// Rows and channels of a matrix.
fn sizes<R: CubeRuntime>(tensor: &CubeTensor<R>) -> [usize; 2] {
    tensor.meta.shape().dims()
}

impl<R: CubeRuntime, F: FloatElement, I: IntElement, B: BoolElement> Kernels for CubeBackend<R, F, I, B> {
    fn planes(sets: IntTensor<Self>, values: FloatTensor<Self>, dtype: DType) -> FloatTensor<Self> {
        let (sets, values) = (kernel::into_contiguous(sets), kernel::into_contiguous(values));
        let [boards, planes] = sizes(&values);
        let out = empty(&values, [boards * SQUARES, planes], dtype);
        let (count, size) = cubes(&out, boards * SQUARES * planes);
        planes_kernel::launch::<R>(
            &out.client,
            count,
            size,
            sets.into_tensor_arg(),
            values.into_tensor_arg(),
            out.clone().into_tensor_arg(),
            planes,
            dtype.into(),
        );
        out
    }

    fn attack_planes(packed: IntTensor<Self>, boards: usize, dtype: DType) -> FloatTensor<Self> {
        attacks::planes(kernel::into_contiguous(packed), boards, dtype)
    }

    fn answers(
        policy: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        wdl: FloatTensor<Self>,
        score: Option<FloatTensor<Self>>,
        asked: IntTensor<Self>,
        places: Range<usize>,
    ) -> FloatTensor<Self> {
        let [policy, bias, wdl] = [policy, bias, wdl].map(kernel::into_contiguous);
        let score = score.map(kernel::into_contiguous);
        let numbers = |tensor: &CubeTensor<R>| tensor.meta.shape().num_elements();
        let (actions, dtype) = (numbers(&bias), policy.dtype);
        let total = places.len() + numbers(&wdl) + score.as_ref().map_or(0, numbers);
        let out = empty(&wdl, [total], DType::F32);
        let (count, size) = cubes(&out, total);
        answers_kernel::launch::<R>(
            &out.client,
            count,
            size,
            policy.into_tensor_arg(),
            bias.into_tensor_arg(),
            wdl.into_tensor_arg(),
            score.map(CubeTensor::into_tensor_arg).into(),
            asked.into_tensor_arg(),
            out.clone().into_tensor_arg(),
            places.start,
            places.len(),
            actions,
            dtype.into(),
        );
        out
    }

    fn adam(weights: &FloatTensor<Self>, moments: [&FloatTensor<Self>; 2], gradient: FloatTensor<Self>, step: Step) {
        let (count, size) = cubes(weights, weights.meta.shape().num_elements());
        let [first, second] = moments;
        adam_kernel::launch::<R>(
            &weights.client,
            count,
            size,
            weights.clone().into_tensor_arg(),
            first.clone().into_tensor_arg(),
            second.clone().into_tensor_arg(),
            kernel::into_contiguous(gradient).into_tensor_arg(),
            step.rate,
            step.scale,
            step.biases[0],
            step.biases[1],
        );
    }

    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>, dtype: DType) -> FloatTensor<Self> {
        product(&a, &b, dtype)
    }

    fn windows(x: FloatTensor<Self>, board: usize, side: usize, columns: usize) -> FloatTensor<Self> {
        let x = kernel::into_contiguous(x);
        let [rows, channels] = sizes(&x);
        let out = empty(&x, [rows, columns], x.dtype);
        let vector = vector(&x, &[channels, columns]);
        let (count, size) = cubes(&out, rows * columns / vector);
        windows_kernel::launch::<R>(
            &out.client,
            count,
            size,
            vector,
            x.into_tensor_arg(),
            out.clone().into_tensor_arg(),
            channels / vector,
            columns / vector,
            board,
            side,
            out.dtype.into(),
        );
        out
    }

    fn finish(
        sum: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: Option<FloatTensor<Self>>,
        rectified: bool,
    ) -> FloatTensor<Self> {
        let [sum, bias] = [sum, bias].map(kernel::into_contiguous);
        let residual = residual.map(kernel::into_contiguous);
        let [rows, channels] = sizes(&sum);
        let out = empty(&sum, [rows, channels], sum.dtype);
        let vector = vector(&sum, &[channels]);
        let (count, size) = cubes(&out, rows * channels / vector);
        finish_kernel::launch::<R>(
            &out.client,
            count,
            size,
            vector,
            sum.into_tensor_arg(),
            bias.into_tensor_arg(),
            residual.map(CubeTensor::into_tensor_arg).into(),
            out.clone().into_tensor_arg(),
            channels / vector,
            rectified,
            out.dtype.into(),
        );
        out
    }

    fn slope(above: FloatTensor<Self>, output: Option<FloatTensor<Self>>) -> [FloatTensor<Self>; 2] {
        let above = kernel::into_contiguous(above);
        let output = output.map(kernel::into_contiguous);
        let [rows, channels] = sizes(&above);
        let part = if rows.is_multiple_of(PART) { PART } else { 1 };
        let slope = empty(&above, [rows, channels], above.dtype);
        let sums = empty(&above, [rows / part, channels], DType::F32);
        let vector = vector(&sums, &[channels]);
        let (count, size) = cubes(&sums, rows / part * channels / vector);
        slope_kernel::launch::<R>(
            &above.client.clone(),
            count,
            size,
            vector,
            above.into_tensor_arg(),
            output.map(CubeTensor::into_tensor_arg).into(),
            slope.clone().into_tensor_arg(),
            sums.clone().into_tensor_arg(),
            channels / vector,
            part,
            slope.dtype.into(),
        );
        [slope, sums]
    }
}
