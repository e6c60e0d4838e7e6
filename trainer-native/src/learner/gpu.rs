//! Learning and self-play on a GPU through burn: weights, moments and gradients stay there from an update's first minibatch to
//! its last; only compressed planes and the logits of legal actions are transferred for each position.

use super::Precision;
use super::autodiff::{Batch, loss, sums_of};
use super::convolution::{convolve, convolve_tracked};
use anyhow::{Context, Result, bail};
use burn::backend::Autodiff;
#[cfg(feature = "cuda")]
use burn::backend::cuda::{Cuda, CudaDevice};
#[cfg(feature = "wgpu")]
use burn::backend::wgpu::{Wgpu, WgpuDevice};
use burn::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use burn::tensor::backend::Backend;
use burn::tensor::{FloatDType, Int, Tensor, TensorData};
use keisei_core::encoding::{Actions, Features, SET_WORDS};
use keisei_core::evaluator::{self, Evaluator, EvaluatorError, Predictions, Shape};
use keisei_core::learn::{
    Adam, BETA1, BETA2, Coefficients, Descent, EPSILON, LearnError, Learner, Minibatch, RatioTolerance, Sums, biases,
    clip_scale,
};
use keisei_core::net::{NetSpec, OUTCOMES, Weights, burn as net, burn::Net};

/// Learner on the GPU of burn backend `B`.
pub struct GpuLearner<B: Backend> {
    name: String,
    features: Features,
    actions: Actions,
    precision: Precision,
    dtype: FloatDType,
    /// Threads of the CPU that prepare the input.
    threads: usize,
    device: B::Device,
}

#[cfg(feature = "cuda")]
impl GpuLearner<Cuda> {
    /// Learner on the first NVIDIA GPU, whose input `threads` threads of the CPU prepare.
    ///
    /// # Errors
    /// If the driver's library is missing, or the GPU does not support the precision.
    pub fn cuda(features: Features, actions: Actions, precision: Precision, threads: usize) -> Result<Self> {
        // Without the library a thread of the runtime would panic later, so it is looked for first.
        let libraries = ["libcuda.so.1", "libcuda.so", "nvcuda.dll"];
        // SAFETY: loading the driver's library runs its initialisers only, as the runtime would.
        if !libraries.iter().any(|name| unsafe { libloading::Library::new(*name) }.is_ok()) {
            bail!("no CUDA driver: none of {} can be loaded", libraries.join(", "));
        }
        Self::new("burn-cuda", features, actions, precision, threads, CudaDevice::default())
    }
}

#[cfg(feature = "wgpu")]
impl GpuLearner<Wgpu> {
    /// Learner on the adapter that wgpu prefers, by Vulkan, Metal or DirectX, whose input `threads` threads of the CPU prepare.
    ///
    /// # Errors
    /// If there is no adapter, or it does not support the precision.
    pub fn wgpu(features: Features, actions: Actions, precision: Precision, threads: usize) -> Result<Self> {
        // Without an adapter burn would panic later, so it is looked for first.
        let adapter =
            pollster::block_on(wgpu::Instance::default().request_adapter(&wgpu::RequestAdapterOptions::default()));
        let info = adapter.context("no GPU: wgpu finds no adapter for Vulkan, Metal or DirectX")?.get_info();
        let name = format!("burn-wgpu, {} ({})", info.name, info.backend);
        Self::new(&name, features, actions, precision, threads, WgpuDevice::default())
    }
}

impl<B: Backend> GpuLearner<B> {
    fn new(
        name: &str,
        features: Features,
        actions: Actions,
        precision: Precision,
        threads: usize,
        device: B::Device,
    ) -> Result<Self> {
        keep_kernels();
        let Some(dtype) = dtype(precision).filter(|dtype| B::supports_dtype(&device, (*dtype).into())) else {
            bail!("run.precision = {precision}: {name} does not compute in it");
        };
        Ok(Self { name: format!("{name}, {precision}"), features, actions, precision, dtype, threads, device })
    }

    /// Loss scale, so that gradients in f16 do not vanish: each sample has a weight of about 1/8, instead of one over the size of
    /// the minibatch.
    fn lift(&self, coefficients: &Coefficients) -> f32 {
        if self.precision == Precision::F16 { 1.0 / (8.0 * coefficients.scale) } else { 1.0 }
    }

    /// Gradient of the weights `flat`; and its norm, followed by the parts of the loss: `[10]`.
    fn slope(
        &self,
        spec: &NetSpec,
        flat: Tensor<B, 1>,
        minibatch: &Minibatch,
        coefficients: &Coefficients,
    ) -> (Tensor<B, 1>, Tensor<B, 1>) {
        let net = Net::<Autodiff<B>>::from_flat(spec, Tensor::from_inner(flat.cast(self.dtype)));
        let batch = Batch::new(self.features, self.actions, minibatch, self.threads, &self.device);
        let planes = net::expand(batch.sets.clone(), batch.values.clone());
        let (policy, wdl, score) = net.forward_by(convolve_tracked, planes);
        let (loss, sums) = loss(policy, wdl, score, &batch, coefficients);
        let lift = self.lift(coefficients);
        let gradients = (loss * lift).backward();
        let gradient = net.gradient(&gradients).div_scalar(lift);
        let norm = (gradient.clone() * gradient.clone()).sum().sqrt();
        (gradient, Tensor::cat(vec![norm, sums.inner()], 0))
    }
}

impl<B: Backend> Learner for GpuLearner<B> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn ratio_tolerance(&self) -> RatioTolerance {
        self.precision.ratio_tolerance()
    }

    fn notice(&self) -> Option<&'static str> {
        Some("each kernel is compiled and timed when it is first used; the first start on a GPU takes minutes for it")
    }

    fn evaluator(&self, weights: &Weights) -> Box<dyn Evaluator + Send> {
        let flat: Tensor<B, 1> = Tensor::from_data(weights.data(), &self.device);
        let net = Net::from_flat(weights.spec(), flat.cast(self.dtype));
        let has_score = weights.spec().options.score_hidden > 0;
        let shape = Shape { features: self.features, actions: self.actions, has_score };
        Box::new(GpuEvaluator { net, shape, device: self.device.clone(), predictions: Predictions::new() })
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
struct GpuDescent<'a, B: Backend> {
    learner: &'a GpuLearner<B>,
    weights: &'a mut Weights,
    adam: &'a mut Adam,
    steps: u32,
    flat: Tensor<B, 1>,
    first: Tensor<B, 1>,
    second: Tensor<B, 1>,
    gradient: Option<(Tensor<B, 1>, f32)>,
}

impl<B: Backend> Descent for GpuDescent<'_, B> {
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
        let gradient = gradient * clip_scale(norm, max_grad_norm);
        self.steps += 1;
        let [first_bias, second_bias] = biases(self.steps);
        self.first = self.first.clone() * BETA1 + gradient.clone() * (1.0 - BETA1);
        self.second = self.second.clone() * BETA2 + gradient.clone() * gradient * (1.0 - BETA2);
        let spread = (self.second.clone() / second_bias).sqrt() + EPSILON;
        self.flat = self.flat.clone() - self.first.clone() / first_bias / spread * learning_rate;
    }

    fn finish(self: Box<Self>) -> Result<(), LearnError> {
        self.weights.data_mut().copy_from_slice(&read(self.flat)?);
        self.adam.set_moments(self.steps, [read(self.first)?, read(self.second)?]);
        Ok(())
    }
}

/// Evaluator with the network on the device.
struct GpuEvaluator<B: Backend> {
    net: Net<B>,
    shape: Shape,
    device: B::Device,
    predictions: Predictions,
}

impl<B: Backend> Evaluator for GpuEvaluator<B> {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn evaluate(&mut self, positions: &evaluator::Batch) -> Result<&mut Predictions, EvaluatorError> {
        // Batches of few different sizes: for each shape the backend searches for its fastest kernels.
        let batch = positions.len().next_power_of_two();
        let (features, planes, count) = (self.shape.features, self.shape.features.planes(), self.shape.actions());
        let mut sets = vec![0; batch * planes * SET_WORDS];
        let mut values = vec![0.0; batch * planes];
        for (i, observation) in positions.observations().iter().enumerate() {
            let sets = &mut sets[i * planes * SET_WORDS..][..planes * SET_WORDS];
            features.compress(observation, sets, &mut values[i * planes..][..planes]);
        }
        let sets = Tensor::<B, 3, Int>::from_data(TensorData::new(sets, [batch, planes, SET_WORDS]), &self.device);
        let values = Tensor::<B, 2>::from_data(TensorData::new(values, [batch, planes]), &self.device);
        let (policy, outcomes, score) = self.net.forward_by(convolve, net::expand(sets, values));

        let rows = positions.legal().iter().enumerate();
        let mut asked: Vec<i32> =
            rows.flat_map(|(row, legal)| legal.iter().map(move |a| (row * count + a.index()) as i32)).collect();
        let asked_for = asked.len();
        let mut answers = vec![outcomes.flatten(0, 1)];
        if asked_for > 0 {
            asked.resize(asked_for.next_power_of_two(), 0);
            let asked = Tensor::<B, 1, Int>::from_data(asked.as_slice(), &self.device);
            answers.push(policy.flatten::<1>(0, 1).select(0, asked));
        }
        if positions.wants_score() {
            answers.extend(score.map(|score| score.flatten::<1>(0, 1)));
        }
        let answers = read(Tensor::cat(answers, 0)).map_err(|error| EvaluatorError::Device(error.to_string()))?;
        let (outcomes, rest) = answers.split_at(batch * OUTCOMES);
        let (of_actions, score) = rest.split_at(asked.len());
        let score = score.get(..positions.len()).unwrap_or_default();
        self.predictions.take(positions, &of_actions[..asked_for], &outcomes[..positions.len() * OUTCOMES], score);
        Ok(&mut self.predictions)
    }
}

/// Keeps compiled kernels on the disk beside the backend's timings of them, unless a `cubecl.toml` sets the place: a start that
/// compiles and times hundreds of kernels takes minutes. It has no effect once a device is in use.
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

/// Numbers of a tensor, copied from the device.
fn read<B: Backend>(tensor: Tensor<B, 1>) -> Result<Vec<f32>, LearnError> {
    let data = tensor.try_into_data().map_err(|error| LearnError::Device(format!("the GPU: {error}")))?;
    Ok(data.convert::<f32>().into_vec().expect("the numbers were converted to f32"))
}
