//! Epilogues: the steps between the products of one convolution and the input of the next.

/// The epilogue of a Winograd convolution, for `boards` boards of `groups` vectors of channels: output transform, bias, activation
/// function, and the input transform of the next convolution.
///
/// Products and transformed input are `[25][stride]`, each `[groups][boards * 9 tiles][LANES]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epilogue {
    /// Boards.
    pub(super) boards: usize,
    /// Vectors of f32 that hold the channels.
    pub(super) groups: usize,
    /// Elements from one of the 25 products to the next, in input and output.
    pub(super) stride: usize,
    /// Activation function.
    pub(super) activation: Activation,
    /// Reciprocal of the next convolution's quantisation step (1 in f32); `None` after the last convolution.
    pub(super) next: Option<f32>,
}

/// Activation function of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    /// `x`: squeeze-excitation follows, and its block's `ReLU` after that.
    Identity,
    /// `ReLU(x)`: the stem, and the first convolution of a block.
    Relu,
    /// `ReLU(x + residual)`: the second convolution of a block.
    ResidualRelu,
}

/// Access of a backward epilogue to the gradient of the residual stream, which the forward epilogue stored activations to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Residual {
    /// Neither read nor written.
    Unused,
    /// Added to the incoming gradient.
    Read,
    /// Overwritten with the result.
    // Only the matrix tower does so.
    #[cfg_attr(not(all(feature = "std", target_arch = "x86_64", target_os = "linux")), expect(dead_code))]
    Written,
    /// Added to the incoming gradient, then overwritten with the result.
    Updated,
}

impl Residual {
    /// Whether the stored gradient is added.
    pub(super) fn is_read(self) -> bool {
        matches!(self, Residual::Read | Residual::Updated)
    }

    /// Whether the result is stored.
    pub(super) fn is_written(self) -> bool {
        matches!(self, Residual::Written | Residual::Updated)
    }
}

/// Parameters of each channel, `[groups][LANES]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channels<'a> {
    /// Scale of the products; empty in f32.
    pub(super) scale: &'a [f32],
    /// Bias before the activation function.
    pub(super) bias: &'a [f32],
    /// Pool bias of each board, `[boards][groups][LANES]`, or empty. It is added after the activation function to the input of the next
    /// convolution, but not to the stored activations.
    pub(super) pool_bias: &'a [f32],
}
