//! Learning and self-play on a GPU, by burn and kernels of our own: weights, moments and gradients stay there from an update's first
//! minibatch to its last; a forward pass sends packed positions with their legal actions and reads the logits of these.

mod attacks;
mod cube;
mod kernels;
mod layer;
pub mod limits;
mod network;
mod product;

use super::Precision;
use super::autodiff::{Batch, compressed, loss, sums_of};
use anyhow::{Result, bail};
use attacks::WORDS;
use burn::backend::Autodiff;
#[cfg(feature = "cuda")]
use burn::backend::cuda::{Cuda, CudaDevice};
#[cfg(feature = "wgpu")]
use burn::backend::wgpu::{Wgpu, WgpuDevice};
use burn::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use burn::tensor::{FloatDType, Int, Tensor, TensorData};
use keisei_core::encoding::{Actions, Features, PackedObservation, SET_WORDS, SQUARES};
use keisei_core::evaluator::{self, Evaluator, EvaluatorError, Predictions, Shape};
use keisei_core::learn::{
    Adam, Coefficients, Descent, LearnError, Learner, Minibatch, RatioTolerance, Sums, biases, clip_scale,
};
use keisei_core::net::{NetSpec, OUTCOMES, Weights};
use kernels::{Kernels, Step};
use layer::{unwrap, wrap};
use network::Network;

/// Learner on the GPU of burn backend `B`.
pub struct GpuLearner<B: Kernels> {
    name: String,
    features: Features,
    actions: Actions,
    precision: Precision,
    dtype: FloatDType,
    device: B::Device,
}

#[cfg(feature = "cuda")]
impl GpuLearner<Cuda> {
    /// Learner on the first NVIDIA GPU.
    ///
    /// # Errors
    /// If the driver's library is missing, or the GPU does not support the precision.
    pub fn cuda(features: Features, actions: Actions, precision: Precision) -> Result<Self> {
        // Without the library a thread of the runtime would panic later, so it is looked for first.
        let libraries = ["libcuda.so.1", "libcuda.so", "nvcuda.dll"];
        // SAFETY: loading the driver's library runs its initialisers only, as the runtime would.
        if !libraries.iter().any(|name| unsafe { libloading::Library::new(*name) }.is_ok()) {
            bail!("no CUDA driver: none of {} can be loaded", libraries.join(", "));
        }
        Self::new("burn-cuda", features, actions, precision, CudaDevice::default())
    }
}

#[cfg(feature = "wgpu")]
impl GpuLearner<Wgpu> {
    /// Learner on the adapter that wgpu prefers, by Vulkan, Metal or DirectX.
    ///
    /// # Errors
    /// If there is no adapter, or it does not support the precision.
    pub fn wgpu(features: Features, actions: Actions, precision: Precision) -> Result<Self> {
        // Without an adapter burn would panic later, so it is looked for first.
        let adapter =
            pollster::block_on(wgpu::Instance::default().request_adapter(&wgpu::RequestAdapterOptions::default()));
        let info =
            anyhow::Context::context(adapter, "no GPU: wgpu finds no adapter for Vulkan, Metal or DirectX")?.get_info();
        let name = format!("burn-wgpu, {} ({})", info.name, info.backend);
        Self::new(&name, features, actions, precision, WgpuDevice::default())
    }
}

impl<B: Kernels> GpuLearner<B> {
    fn new(name: &str, features: Features, actions: Actions, precision: Precision, device: B::Device) -> Result<Self> {
        keep_kernels();
        let Some(dtype) = dtype(precision).filter(|dtype| B::supports_dtype(&device, (*dtype).into())) else {
            bail!("run.precision = {precision}: {name} does not compute in it");
        };
        Ok(Self { name: format!("{name}, {precision}"), features, actions, precision, dtype, device })
    }

    /// Loss scale, so that gradients in f16 do not vanish: each sample has a weight of about 1/8, instead of one over the size of
    /// the minibatch.
    fn lift(&self, coefficients: &Coefficients) -> f32 {
        if self.precision == Precision::F16 { 1.0 / (8.0 * coefficients.scale) } else { 1.0 }
    }

    /// Planes of a minibatch, `[samples * 81, planes]`.
    fn planes(&self, minibatch: &Minibatch) -> Tensor<B, 2> {
        if self.features != Features::Attack96 {
            let (sets, values) = compressed(self.features, minibatch, &self.device);
            return planes_of(sets, values, self.dtype);
        }
        let mut words = Vec::with_capacity(minibatch.len() * WORDS);
        (0..minibatch.len()).for_each(|i| push_words(minibatch.position(i).0, &mut words));
        attack_planes(upload(words, &self.device), minibatch.len(), self.dtype)
    }

    /// Gradient of the weights `flat`; and its norm, followed by the parts of the loss: `[10]`.
    fn slope(
        &self,
        spec: &NetSpec,
        flat: Tensor<B, 1>,
        minibatch: &Minibatch,
        coefficients: &Coefficients,
    ) -> (Tensor<B, 1>, Tensor<B, 1>) {
        let net = Network::<Autodiff<B>>::new(spec, flat.cast(self.dtype));
        let batch: Batch<Autodiff<B>> = Batch::new(self.actions, minibatch, &self.device);
        let outputs = net.forward(self.planes(minibatch));
        let (loss, sums) = loss(net.logits(outputs.policy), outputs.wdl, outputs.score, &batch, coefficients);
        let lift = self.lift(coefficients);
        let gradients = (loss * lift).backward();
        let gradient = net.gradient(&gradients).div_scalar(lift);
        let norm = (gradient.clone() * gradient.clone()).sum().sqrt();
        (gradient, Tensor::cat(vec![norm, sums.inner()], 0))
    }
}

impl<B: Kernels> Learner for GpuLearner<B> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn ratio_tolerance(&self) -> RatioTolerance {
        self.precision.ratio_tolerance()
    }

    fn notice(&self) -> Option<&'static str> {
        Some("a GPU's first start compiles its kernels, some hundred; later starts find them on the disk")
    }

    fn evaluator(&self, weights: &Weights) -> Box<dyn Evaluator + Send> {
        let flat: Tensor<B, 1> = Tensor::from_data(weights.data(), &self.device);
        let net = Network::<B>::new(weights.spec(), flat.cast(self.dtype));
        let has_score = weights.spec().options.score_hidden > 0;
        let shape = Shape { features: self.features, actions: self.actions, has_score };
        let (bias, device) = (net.policy_bias(), self.device.clone());
        Box::new(GpuEvaluator { net, bias, shape, dtype: self.dtype, device, predictions: Predictions::new() })
    }

    fn gradient(
        &mut self,
        weights: &Weights,
        minibatch: &Minibatch,
        coefficients: &Coefficients,
    ) -> Result<(Vec<f32>, Sums), LearnError> {
        let flat = Tensor::from_data(weights.data(), &self.device);
        let (gradient, numbers) = self.slope(weights.spec(), flat, minibatch, coefficients);
        let numbers = read(numbers)?;
        Ok((read(gradient)?, sums_of(minibatch, &numbers[1..])))
    }

    fn descent<'a>(&'a mut self, weights: &'a mut Weights, adam: &'a mut Adam) -> Box<dyn Descent + 'a> {
        let [first, second] = adam.moments().map(|moments| Tensor::from_data(moments, &self.device));
        let flat = Tensor::from_data(weights.data(), &self.device);
        Box::new(GpuDescent { steps: adam.steps(), learner: self, weights, adam, flat, first, second, gradient: None })
    }
}

/// Update with weights and moments on the device.
struct GpuDescent<'a, B: Kernels> {
    learner: &'a GpuLearner<B>,
    weights: &'a mut Weights,
    adam: &'a mut Adam,
    steps: u32,
    flat: Tensor<B, 1>,
    first: Tensor<B, 1>,
    second: Tensor<B, 1>,
    gradient: Option<(Tensor<B, 1>, f32)>,
}

impl<B: Kernels> Descent for GpuDescent<'_, B> {
    fn gradient(&mut self, minibatch: &Minibatch, coefficients: &Coefficients) -> Result<(f32, Sums), LearnError> {
        let (gradient, numbers) = self.learner.slope(self.weights.spec(), self.flat.clone(), minibatch, coefficients);
        // One transfer, since each waits for the device.
        let numbers = read(numbers)?;
        self.gradient = Some((gradient, numbers[0]));
        Ok((numbers[0], sums_of(minibatch, &numbers[1..])))
    }

    /// The step of [`Adam::step`], on the device.
    fn step(&mut self, learning_rate: f32, max_grad_norm: f32) {
        let (gradient, norm) = self.gradient.take().expect("a step follows its gradient");
        self.steps += 1;
        let step = Step { rate: learning_rate, scale: clip_scale(norm, max_grad_norm), biases: biases(self.steps) };
        let [flat, first, second] = [&self.flat, &self.first, &self.second].map(|tensor| unwrap(tensor.clone()));
        B::adam(&flat, [&first, &second], unwrap(gradient), step);
    }

    fn finish(self: Box<Self>) -> Result<(), LearnError> {
        self.weights.data_mut().copy_from_slice(&read(self.flat)?);
        self.adam.set_moments(self.steps, [read(self.first)?, read(self.second)?]);
        Ok(())
    }
}

/// Evaluator with the network on the device.
struct GpuEvaluator<B: Kernels> {
    net: Network<B>,
    /// Bias of every action, square by square.
    bias: Tensor<B, 1>,
    shape: Shape,
    dtype: FloatDType,
    device: B::Device,
    predictions: Predictions,
}

impl<B: Kernels> Evaluator for GpuEvaluator<B> {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn evaluate(&mut self, positions: &evaluator::Batch) -> Result<&mut Predictions, EvaluatorError> {
        let (batch, count, features) = (positions.len(), self.shape.actions(), self.shape.features);
        // One transfer: packed positions, then the places of their legal actions.
        let mut words = Vec::with_capacity(batch * (WORDS + 100));
        if features == Features::Attack96 {
            positions.observations().iter().for_each(|observation| push_words(observation, &mut words));
        }
        let first = words.len();
        // Logits are stored square by square, actions numbered plane by plane.
        let logits = count / SQUARES;
        let place = |row: usize, action: usize| row * count + action % SQUARES * logits + action / SQUARES;
        let rows = positions.legal().iter().enumerate();
        words.extend(rows.flat_map(|(row, legal)| legal.iter().map(move |a| place(row, a.index()) as i32)));
        let places = first..words.len();
        let asked: Tensor<B, 1, Int> = upload(words, &self.device);
        let planes = if features == Features::Attack96 {
            attack_planes(asked.clone(), batch, self.dtype)
        } else {
            let planes = features.planes();
            let (mut sets, mut values) = (vec![0; batch * planes * SET_WORDS], vec![0.0; batch * planes]);
            let of_board = sets.chunks_exact_mut(planes * SET_WORDS).zip(values.chunks_exact_mut(planes));
            for ((sets, values), observation) in of_board.zip(positions.observations()) {
                features.compress(observation, sets, values);
            }
            let sets = Tensor::from_data(TensorData::new(sets, [batch, planes, SET_WORDS]), &self.device);
            planes_of(sets, Tensor::from_data(TensorData::new(values, [batch, planes]), &self.device), self.dtype)
        };
        let outputs = self.net.forward(planes);
        let asked_for = places.len();
        let answers: Tensor<B, 1> = wrap(B::answers(
            unwrap(outputs.policy),
            unwrap(self.bias.clone()),
            unwrap(outputs.wdl),
            outputs.score.filter(|_| positions.wants_score()).map(unwrap),
            asked.into_primitive(),
            places,
        ));
        let answers = read(answers).map_err(|error| EvaluatorError::Device(error.to_string()))?;
        let (of_actions, rest) = answers.split_at(asked_for);
        let (outcomes, score) = rest.split_at(batch * OUTCOMES);
        self.predictions.take(positions, of_actions, outcomes, score);
        Ok(&mut self.predictions)
    }
}

/// Keeps compiled kernels on the disk, unless a `cubecl.toml` sets the place: compiling them again would delay every start. It has no
/// effect once a device is in use.
fn keep_kernels() {
    let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
    let cache = config.autotune.cache.clone();
    config.compilation.cache.get_or_insert(cache);
    CubeClRuntimeConfig::storage().lock().get_or_insert_with(|| config.into());
}

/// Number type of the layers, if burn has one for the precision.
fn dtype(precision: Precision) -> Option<FloatDType> {
    match precision {
        Precision::F32 => Some(FloatDType::F32),
        Precision::Bf16 => Some(FloatDType::BF16),
        Precision::F16 => Some(FloatDType::F16),
        Precision::Bf16x3 => None,
    }
}

/// Appends the words of a packed observation.
fn push_words(observation: &PackedObservation, words: &mut Vec<i32>) {
    let mut bytes = [0; 4 * WORDS];
    bytes[..PackedObservation::SIZE].copy_from_slice(observation.as_bytes());
    words.extend(bytes.as_chunks().0.iter().map(|&word| i32::from_le_bytes(word)));
}

/// Words on the device.
fn upload<B: Kernels>(words: Vec<i32>, device: &B::Device) -> Tensor<B, 1, Int> {
    let count = words.len();
    Tensor::from_data(TensorData::new(words, [count]), device)
}

/// [`Kernels::attack_planes`] for tensors.
fn attack_planes<B: Kernels>(packed: Tensor<B, 1, Int>, boards: usize, dtype: FloatDType) -> Tensor<B, 2> {
    wrap(B::attack_planes(packed.into_primitive(), boards, dtype.into()))
}

/// [`Kernels::planes`] for tensors.
fn planes_of<B: Kernels>(sets: Tensor<B, 3, Int>, values: Tensor<B, 2>, dtype: FloatDType) -> Tensor<B, 2> {
    wrap(B::planes(sets.into_primitive(), unwrap(values), dtype.into()))
}

/// Numbers of a tensor, copied from the device.
fn read<B: Kernels>(tensor: Tensor<B, 1>) -> Result<Vec<f32>, LearnError> {
    let data = tensor.try_into_data().map_err(|error| LearnError::Device(format!("the GPU: {error}")))?;
    Ok(data.convert::<f32>().into_vec().expect("the numbers were converted to f32"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keisei_core::learn::Rollout;
    use keisei_core::random::{Purpose, Stream};

    /// Compares the planes of the device with the CPU's, bit for bit.
    fn check<B: Kernels>(device: &B::Device) {
        let rollout = Rollout::of_random_games(300, Actions::Dest2187, Stream::new(3, Purpose::Sampling, 0, 0));
        let (mut words, mut expected) = (Vec::new(), vec![0.0; 96 * SQUARES]);
        rollout.steps.iter().for_each(|step| push_words(&step.observation, &mut words));
        let boards = rollout.steps.len();
        let packed: Tensor<B, 1, Int> = upload(words, device);
        let planes = attack_planes(packed, boards, FloatDType::F32).flatten::<1>(0, 1);
        let found = read::<B>(planes).expect("the device does not fail");
        for (i, (step, found)) in rollout.steps.iter().zip(found.chunks_exact(96 * SQUARES)).enumerate() {
            Features::Attack96.expand(&step.observation, &mut expected);
            for (place, &found) in found.iter().enumerate() {
                let (square, plane) = (place / 96, place % 96);
                assert_eq!(found, expected[plane * SQUARES + square], "position {i}, plane {plane}, square {square}");
            }
        }
    }

    #[test]
    fn a_gpu_expands_positions_as_the_cpu_does() {
        #[cfg(feature = "wgpu")]
        if GpuLearner::<Wgpu>::wgpu(Features::Attack96, Actions::Dest2187, Precision::F32).is_ok() {
            check::<Wgpu>(&WgpuDevice::default());
        }
        #[cfg(feature = "cuda")]
        if GpuLearner::<Cuda>::cuda(Features::Attack96, Actions::Dest2187, Precision::F32).is_ok() {
            check::<Cuda>(&CudaDevice::default());
        }
    }
}
