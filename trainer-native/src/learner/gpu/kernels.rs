//! Kernels that burn lacks, as operations on its tensors: planes from their compressed form, the neighbourhood of every square, the end of a layer,
//! and the beginning of its backward pass.
//!
//! Boards are stored square by square: `[boards * squares, channels]`, so that a layer is one matrix product. Each thread of a
//! kernel handles a vector of neighbouring channels.

use std::ops::Range;

use burn::tensor::{DType, backend::Backend, ops::FloatTensor, ops::IntTensor};
use burn_cubecl::ops::numeric::zeros_client;
use burn_cubecl::{BoolElement, CubeBackend, CubeRuntime, FloatElement, IntElement, kernel, tensor::CubeTensor};
use keisei_core::encoding::SQUARES;

use super::attacks;
use super::cube::{
    adam_kernel, answers_kernel, arrange_kernel, finish_kernel, judge_kernel, loss_kernel, planes_kernel,
    restore_kernel, slope_kernel, turn_kernel, windows_kernel,
};
use super::launch::{cubes, empty};
use super::orders::{PARTS, RESULT};
use super::product::product;

/// Backend with these kernels. Tensors are contiguous or made so.
pub trait Kernels: Backend {
    /// Planes `[boards * 81, planes]` in `dtype` from sets `[boards, planes, SET_WORDS]` and values `[boards, planes]`.
    fn planes(sets: IntTensor<Self>, values: FloatTensor<Self>, dtype: DType) -> FloatTensor<Self>;

    /// Planes `[boards * 81, 96]` of [`Features::Attack96`](keisei_core::encoding::Features::Attack96) in `dtype` from packed
    /// observations: `[boards, WORDS]`, see [`WORDS`](super::attacks::WORDS); or the entries of a rollout that an order names.
    fn attack_planes(
        packed: IntTensor<Self>,
        order: Option<IntTensor<Self>>,
        boards: usize,
        dtype: DType,
    ) -> FloatTensor<Self>;

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

    /// Loss of the samples of an order, see [`orders`](super::orders): its slopes in f32 by the policy's logits `[samples *
    /// actions]`, stored square by square like the logits and their bias, by those of the outcome `[samples, 3]` and by the score `[samples, 1]`; and the
    /// parts of each sample's loss, `[samples, PARTS]`.
    fn loss(
        outputs: Logits<Self>,
        rollout: &IntTensor<Self>,
        first_legal: usize,
        order: &IntTensor<Self>,
    ) -> Loss<Self>;

    /// Decides what is done with a minibatch, from the parts of its loss summed over the samples, their greatest `|ratio − 1|` and the
    /// sum of the squares of the gradient. Counts in `state` the steps taken, and notes there whether the update is over. Returns the
    /// decision for [`adam`](Self::adam), and the [result](super::orders::RESULT) for the host.
    fn judge(
        sums: FloatTensor<Self>,
        most: FloatTensor<Self>,
        squares: FloatTensor<Self>,
        order: &IntTensor<Self>,
        samples: usize,
        state: &IntTensor<Self>,
    ) -> [FloatTensor<Self>; 2];

    /// Step of Adam, in place, if the decision is to take it: weights and moments, all of one length, in f32.
    fn adam(
        weights: &FloatTensor<Self>,
        moments: [&FloatTensor<Self>; 2],
        gradient: FloatTensor<Self>,
        decision: FloatTensor<Self>,
    );

    /// Error of the device since the last call, if there was one.
    ///
    /// # Errors
    /// With the runtime's message.
    fn check(device: &Self::Device) -> Result<(), String>;

    /// Bytes of the device's memory that tensors take, and that the runtime holds for them.
    ///
    /// # Errors
    /// With the runtime's message.
    fn memory(device: &Self::Device) -> Result<[u64; 2], String>;

    /// Bytes of the largest tensor that the device allows.
    fn largest(device: &Self::Device) -> u64;

    /// Whether the device has units for products of small matrices, which NVIDIA calls tensor cores.
    fn has_matrix_units(device: &Self::Device) -> bool;

    /// The matrix of a layer in `dtype`, from the flat weights in f32, see [`Arrangement`]: `[rows, outputs]`, the rows behind the last
    /// weight zeros.
    fn arrange(flat: &FloatTensor<Self>, of: &Arrangement, rows: usize, dtype: DType) -> FloatTensor<Self>;

    /// The matrix that takes the gradient of a layer's sum to that of its input, whose window has `taps` squares: the same weights with
    /// inputs and outputs exchanged, and the window's squares in the opposite order, `[rows, inputs]`.
    fn turn(flat: &FloatTensor<Self>, of: &Arrangement, taps: usize, rows: usize, dtype: DType) -> FloatTensor<Self>;

    /// Writes the gradient of a layer's weights to its place in the flat gradient, as the sum of parts `[parts, rows, outputs]` in f32.
    fn restore(parts: FloatTensor<Self>, of: &Arrangement, gradient: &FloatTensor<Self>);

    /// Product of `[.., m, k]` and `[.., k, n]` in `dtype`, summed in f32.
    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>, dtype: DType) -> FloatTensor<Self>;

    /// Squares of a window of `side`×`side` around each square, zeros beyond the board's edge: from `[squares, channels]` a matrix of
    /// these `sizes`, `[rows, columns]`, whose first side * side * channels columns are the window's squares in the order of the board.
    /// The other columns are zeros, and so are the rows behind those of `x`, which are the squares of boards of `board`×`board`.
    fn windows(x: FloatTensor<Self>, board: usize, side: usize, sizes: [usize; 2]) -> FloatTensor<Self>;

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

/// Place and order of some weights in [`Weights::data`](keisei_core::net::Weights::data): from `start` on `[outputs, channels, taps]`. As
/// a matrix they are `[taps * channels, outputs]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrangement {
    /// Place of the first one.
    pub start: usize,
    /// Outputs.
    pub outputs: usize,
    /// Channels of the input.
    pub channels: usize,
    /// Squares of the window, or of the board if each has weights of its own.
    pub taps: usize,
}

impl Arrangement {
    /// Rows of the matrix.
    pub fn terms(&self) -> usize {
        self.taps * self.channels
    }
}

/// Outputs of the network for a minibatch.
pub struct Logits<B: Backend> {
    /// Logits of the policy without their bias, square by square: `[samples * 81, planes]`.
    pub policy: FloatTensor<B>,
    /// Their bias, square by square, `[actions]`.
    pub bias: FloatTensor<B>,
    /// Logits of the outcome in f32, `[samples, 3]`.
    pub wdl: FloatTensor<B>,
    /// Score in f32, `[samples, 1]`, if the network has a score head.
    pub score: Option<FloatTensor<B>>,
}

/// Slopes of a loss by the network's outputs, in f32.
pub struct Loss<B: Backend> {
    /// By the policy's logits, square by square, `[samples * actions]`.
    pub policy: FloatTensor<B>,
    /// By the logits of the outcome, `[samples, 3]`.
    pub wdl: FloatTensor<B>,
    /// By the score, `[samples, 1]`.
    pub score: FloatTensor<B>,
    /// Parts of the loss, `[samples, PARTS]`.
    pub parts: FloatTensor<B>,
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

    fn attack_planes(
        packed: IntTensor<Self>,
        order: Option<IntTensor<Self>>,
        boards: usize,
        dtype: DType,
    ) -> FloatTensor<Self> {
        attacks::planes(packed, order, boards, dtype)
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

    fn loss(
        outputs: Logits<Self>,
        rollout: &IntTensor<Self>,
        first_legal: usize,
        order: &IntTensor<Self>,
    ) -> Loss<Self> {
        let [policy, bias, wdl] = [outputs.policy, outputs.bias, outputs.wdl].map(kernel::into_contiguous);
        let score = outputs.score.map(kernel::into_contiguous);
        let ([rows, planes], [samples, outcomes]) = (sizes(&policy), sizes(&wdl));
        // Slopes of illegal actions stay 0.
        let policy_slope =
            zeros_client::<R>(policy.client.clone(), policy.device.clone(), [rows * planes].into(), DType::F32);
        let wdl_slope = empty(&wdl, [samples, outcomes], DType::F32);
        let score_slope = empty(&wdl, [samples, 1], DType::F32);
        let parts = empty(&wdl, [samples, PARTS], DType::F32);
        let dtype = policy.dtype;
        let (count, size) = cubes(&wdl, samples);
        loss_kernel::launch::<R>(
            &wdl.client.clone(),
            count,
            size,
            policy.into_tensor_arg(),
            bias.into_tensor_arg(),
            wdl.into_tensor_arg(),
            score.map(CubeTensor::into_tensor_arg).into(),
            rollout.clone().into_tensor_arg(),
            order.clone().into_tensor_arg(),
            policy_slope.clone().into_tensor_arg(),
            wdl_slope.clone().into_tensor_arg(),
            score_slope.clone().into_tensor_arg(),
            parts.clone().into_tensor_arg(),
            samples,
            first_legal,
            planes,
            dtype.into(),
        );
        Loss { policy: policy_slope, wdl: wdl_slope, score: score_slope, parts }
    }

    fn judge(
        sums: FloatTensor<Self>,
        most: FloatTensor<Self>,
        squares: FloatTensor<Self>,
        order: &IntTensor<Self>,
        samples: usize,
        state: &IntTensor<Self>,
    ) -> [FloatTensor<Self>; 2] {
        let decision = empty(&sums, [5], DType::F32);
        let result = empty(&sums, [RESULT], DType::F32);
        let (count, size) = cubes(&sums, 1);
        judge_kernel::launch::<R>(
            &sums.client.clone(),
            count,
            size,
            kernel::into_contiguous(sums).into_tensor_arg(),
            kernel::into_contiguous(most).into_tensor_arg(),
            squares.into_tensor_arg(),
            order.clone().into_tensor_arg(),
            state.clone().into_tensor_arg(),
            decision.clone().into_tensor_arg(),
            result.clone().into_tensor_arg(),
            samples,
        );
        [decision, result]
    }

    fn adam(
        weights: &FloatTensor<Self>,
        moments: [&FloatTensor<Self>; 2],
        gradient: FloatTensor<Self>,
        decision: FloatTensor<Self>,
    ) {
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
            decision.into_tensor_arg(),
        );
    }

    fn check(device: &Self::Device) -> Result<(), String> {
        R::client(device).flush().map_err(|error| error.to_string())
    }

    fn memory(device: &Self::Device) -> Result<[u64; 2], String> {
        let usage = R::client(device).memory_usage().map_err(|error| error.to_string())?;
        Ok([usage.bytes_in_use, usage.bytes_reserved])
    }

    fn largest(device: &Self::Device) -> u64 {
        R::client(device).properties().memory.max_page_size
    }

    fn has_matrix_units(device: &Self::Device) -> bool {
        let client = R::client(device);
        let matmul = &client.properties().features.matmul;
        !matmul.cmma.is_empty() || !matmul.mma.is_empty()
    }

    fn arrange(flat: &FloatTensor<Self>, of: &Arrangement, rows: usize, dtype: DType) -> FloatTensor<Self> {
        let out = empty(flat, [rows, of.outputs], dtype);
        let (count, size) = cubes(&out, rows * of.outputs);
        arrange_kernel::launch::<R>(
            &out.client,
            count,
            size,
            flat.clone().into_tensor_arg(),
            out.clone().into_tensor_arg(),
            of.start,
            of.outputs,
            of.channels,
            of.taps,
            dtype.into(),
        );
        out
    }

    fn turn(flat: &FloatTensor<Self>, of: &Arrangement, taps: usize, rows: usize, dtype: DType) -> FloatTensor<Self> {
        let inputs = of.terms() / taps;
        let out = empty(flat, [rows, inputs], dtype);
        let (count, size) = cubes(&out, rows * inputs);
        turn_kernel::launch::<R>(
            &out.client,
            count,
            size,
            flat.clone().into_tensor_arg(),
            out.clone().into_tensor_arg(),
            of.start,
            of.outputs,
            of.channels,
            of.taps,
            inputs,
            dtype.into(),
        );
        out
    }

    fn restore(parts: FloatTensor<Self>, of: &Arrangement, gradient: &FloatTensor<Self>) {
        let parts = kernel::into_contiguous(parts);
        let [count_of_parts, rows, outputs] = parts.meta.shape().dims();
        assert_eq!(outputs, of.outputs, "the gradient of another layer");
        let (count, size) = cubes(&parts, of.terms() * outputs);
        restore_kernel::launch::<R>(
            &parts.client.clone(),
            count,
            size,
            parts.into_tensor_arg(),
            gradient.clone().into_tensor_arg(),
            of.start,
            count_of_parts,
            rows,
            outputs,
            of.channels,
            of.taps,
        );
    }

    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>, dtype: DType) -> FloatTensor<Self> {
        product(&a, &b, dtype)
    }

    fn windows(x: FloatTensor<Self>, board: usize, side: usize, [rows, columns]: [usize; 2]) -> FloatTensor<Self> {
        let x = kernel::into_contiguous(x);
        let [squares, channels] = sizes(&x);
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
            squares,
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
