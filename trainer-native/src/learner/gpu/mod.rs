//! Learning and self-play on a GPU, by burn and kernels of our own: weights, moments and gradients stay there from an update's first
//! minibatch to its last; a forward pass sends packed positions with their legal actions and reads the logits of these.

mod attacks;
pub(super) mod cards;
mod cube;
mod fault;
mod kernels;
mod launch;
mod layer;
pub mod limits;
mod network;
mod orders;
mod product;
pub mod traffic;

use super::autodiff::{compressed, counts, sums_of};
use super::{Device, Precision};
use anyhow::{Result, bail};
use burn::backend::Autodiff;
#[cfg(feature = "cuda")]
use burn::backend::cuda::{Cuda, CudaDevice};
#[cfg(feature = "wgpu")]
use burn::backend::wgpu::{Wgpu, WgpuDevice};
use burn::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use burn::tensor::{FloatDType, Int, Tensor};
use fault::{guarded, guarded_evaluation};
use keisei_core::encoding::{Actions, Features, PackedObservation, SET_WORDS, SQUARES};
use keisei_core::evaluator::{self, Evaluator, EvaluatorError, Predictions, Shape};
use keisei_core::learn::{
    Adam, Coefficients, Descent, LearnError, Learner, Minibatch, RatioTolerance, Rollout, StepResult, StepRules, Sums,
    Verdict,
};
use keisei_core::net::{NetSpec, OUTCOMES, Weights};
use kernels::{Kernels, Logits};
use layer::{unwrap, wrap};
use network::Network;
use orders::{RESULT, Steps, WORDS, order_words, rollout_words, verdict};
use traffic::{read, upload, upload_numbers};

/// Learner on the GPU of burn backend `B`.
pub struct GpuLearner<B: Kernels> {
    name: String,
    features: Features,
    actions: Actions,
    precision: Precision,
    dtype: FloatDType,
    device: B::Device,
    has_matrix_units: bool,
}

#[cfg(feature = "cuda")]
impl GpuLearner<Cuda> {
    /// Learner on the first NVIDIA GPU.
    ///
    /// # Errors
    /// If the driver is missing or too old, or the GPU does not support the precision.
    pub fn cuda(features: Features, actions: Actions, precision: Precision) -> Result<Self> {
        cards::check_cuda()?;
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
        let (_, name) = cards::adapter()?;
        Self::new(&name, features, actions, precision, WgpuDevice::default())
    }
}

impl<B: Kernels> GpuLearner<B> {
    fn new(name: &str, features: Features, actions: Actions, precision: Precision, device: B::Device) -> Result<Self> {
        fault::listen();
        set_up();
        // The first question starts the runtime.
        let has_matrix_units = guarded(|| Ok(B::has_matrix_units(&device)))?;
        let Some(dtype) = dtype(precision).filter(|dtype| B::supports_dtype(&device, (*dtype).into())) else {
            bail!("run.precision = {precision}: {name} does not compute in it");
        };
        let name = format!("{name}, {precision}");
        Ok(Self { name, features, actions, precision, dtype, device, has_matrix_units })
    }

    /// Loss scale, so that gradients in f16 do not vanish: each sample has a weight of about 1/8, instead of one over the size of
    /// the minibatch.
    fn lift(&self, coefficients: &Coefficients) -> f32 {
        if self.precision == Precision::F16 { 1.0 / (8.0 * coefficients.scale) } else { 1.0 }
    }

    /// Planes of a minibatch, `[samples * 81, planes]`.
    fn planes(&self, minibatch: &Minibatch, rollout: &Uploaded<B>, order: &Tensor<B, 1, Int>) -> Tensor<B, 2> {
        if self.features == Features::Attack96 {
            return attack_planes(rollout.words.clone(), Some(order.clone()), minibatch.len(), self.dtype);
        }
        let (samples, planes) = (minibatch.len(), self.features.planes());
        let (sets, values) = compressed(self.features, (0..samples).map(|i| minibatch.position(i).0));
        let sets = upload(sets, &self.device).reshape([samples, planes, SET_WORDS]);
        planes_of(sets, upload_numbers(values, &self.device).reshape([samples, planes]), self.dtype)
    }

    /// Gradient of the weights `flat`, raised by the loss scale; and the parts of the loss of each sample, `[samples, PARTS]`.
    fn slope(
        &self,
        spec: &NetSpec,
        flat: Tensor<B, 1>,
        minibatch: &Minibatch,
        rollout: &Uploaded<B>,
        order: &Tensor<B, 1, Int>,
    ) -> (Tensor<B, 1>, Tensor<B, 2>) {
        let net = Network::<Autodiff<B>>::new(spec, flat, self.dtype);
        let outputs = net.forward(self.planes(minibatch, rollout, order));
        let inner = |tensor: &Tensor<Autodiff<B>, 2>| unwrap(tensor.clone().inner());
        let logits = Logits::<B> {
            policy: inner(&outputs.policy),
            bias: unwrap(net.policy_bias()),
            wdl: inner(&outputs.wdl),
            score: outputs.score.as_ref().map(inner),
        };
        let order = order.clone().into_primitive();
        let slopes = B::loss(logits, &rollout.words.clone().into_primitive(), rollout.first_legal, &order);
        let policy: Tensor<B, 1> = wrap(slopes.policy);
        // The derivative of this sum by an output is the output's slope.
        let along = |output: Tensor<Autodiff<B>, 2>, slope: Tensor<B, 2>| {
            (output.cast(FloatDType::F32) * Tensor::from_inner(slope)).sum()
        };
        let planes = outputs.policy.dims();
        let mut sum = along(outputs.policy, policy.clone().reshape(planes)) + along(outputs.wdl, wrap(slopes.wdl));
        if let Some(score) = outputs.score {
            sum = sum + along(score, wrap(slopes.score));
        }
        let gradient = net.gradient(sum, policy.reshape([minibatch.len() as i64, -1]));
        (gradient, wrap(slopes.parts))
    }

    /// The rollout on the device.
    fn upload(&self, rollout: &Rollout) -> Uploaded<B> {
        let (words, first_legal) = rollout_words(rollout);
        Uploaded { words: upload(words, &self.device), first_legal }
    }
}

/// A rollout on the device, see [`orders`].
struct Uploaded<B: Kernels> {
    words: Tensor<B, 1, Int>,
    first_legal: usize,
}

impl<B: Kernels> Learner for GpuLearner<B> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn ratio_tolerance(&self) -> RatioTolerance {
        self.precision.ratio_tolerance()
    }

    fn notice(&self) -> Option<&'static str> {
        Some(if self.has_matrix_units {
            "a GPU's first start compiles its kernels, some hundred; later starts find them on the disk"
        } else {
            "this GPU has no tensor cores, or its driver does not offer them: products take many times as long; a GPU's first start \
             compiles its kernels, some hundred"
        })
    }

    fn groups(&self) -> usize {
        Device::GROUPS
    }

    fn evaluator(&self, weights: &Weights) -> Box<dyn Evaluator + Send> {
        let flat: Tensor<B, 1> = upload_numbers(weights.data().to_vec(), &self.device);
        let net = Network::<B>::new(weights.spec(), flat, self.dtype);
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
        guarded(|| {
            let flat = upload_numbers(weights.data().to_vec(), &self.device);
            // No step is taken.
            let rules = StepRules { learning_rate: 0.0, max_grad_norm: 0.0, target_kl: 0.0, ratio_limit: 0.0 };
            let lift = self.lift(coefficients);
            let rollout = self.upload(minibatch.rollout);
            let order = upload(order_words(minibatch, coefficients, lift, &rules, Steps::default()), &self.device);
            let (gradient, parts) = self.slope(weights.spec(), flat, minibatch, &rollout, &order);
            let mut numbers = read(&self.device, Tensor::cat(sums(parts).to_vec(), 0))?;
            numbers[MOST] = numbers[orders::PARTS];
            let gradient = read(&self.device, gradient.div_scalar(lift))?;
            Ok((gradient, sums_of(counts(minibatch), &numbers)))
        })
    }

    fn descent<'a>(&'a mut self, weights: &'a mut Weights, adam: &'a mut Adam) -> Box<dyn Descent + 'a> {
        // One transfer.
        let count = weights.data().len();
        let numbers = [&[weights.data()][..], &adam.moments()].concat().concat();
        let numbers: Tensor<B, 1> = upload_numbers(numbers, &self.device);
        let [flat, first, second] = [0, 1, 2].map(|part| numbers.clone().narrow(0, part * count, count));
        Box::new(GpuDescent {
            steps: Steps { before: adam.steps(), ..Steps::default() },
            state: upload(vec![0; 2], &self.device),
            learner: self,
            weights,
            adam,
            flat,
            first,
            second,
            rollout: None,
            results: Vec::new(),
            pending: Vec::new(),
            is_over: false,
        })
    }
}

/// Sums of the parts of the loss over the samples, and the greatest `|ratio − 1|`, from `[samples, PARTS]`.
fn sums<B: Kernels>(parts: Tensor<B, 2>) -> [Tensor<B, 1>; 2] {
    let sums = parts.clone().sum_dim(0).squeeze_dim::<1>(0);
    [sums, parts.narrow(1, MOST, 1).max()]
}

/// Update whose weights, moments, rollout and decisions are on the device. The host waits for it once an epoch, for results.
struct GpuDescent<'a, B: Kernels> {
    learner: &'a GpuLearner<B>,
    weights: &'a mut Weights,
    adam: &'a mut Adam,
    /// Steps up to the last results.
    steps: Steps,
    flat: Tensor<B, 1>,
    first: Tensor<B, 1>,
    second: Tensor<B, 1>,
    /// The rollout of all minibatches, once one was given.
    rollout: Option<Uploaded<B>>,
    /// Steps of the update, and whether it is over.
    state: Tensor<B, 1, Int>,
    /// Results of minibatches that were not read yet, and their counts.
    results: Vec<Tensor<B, 1>>,
    pending: Vec<Sums>,
    is_over: bool,
}

impl<B: Kernels> Descent for GpuDescent<'_, B> {
    fn step(
        &mut self,
        minibatch: &Minibatch,
        coefficients: &Coefficients,
        rules: &StepRules,
    ) -> Result<(), LearnError> {
        if self.is_over {
            return Ok(());
        }
        guarded(|| {
            let learner = self.learner;
            let rollout = self.rollout.get_or_insert_with(|| learner.upload(minibatch.rollout));
            let lift = learner.lift(coefficients);
            let steps = Steps { pending: self.pending.len() as u32, ..self.steps };
            let order = upload(order_words(minibatch, coefficients, lift, rules, steps), &learner.device);
            let (gradient, parts) = learner.slope(self.weights.spec(), self.flat.clone(), minibatch, rollout, &order);
            let squares = (gradient.clone() * gradient.clone()).sum();
            let [sums, most] = sums(parts).map(unwrap);
            let (order, state) = (order.into_primitive(), self.state.clone().into_primitive());
            let [decision, result] = B::judge(sums, most, unwrap(squares), &order, minibatch.len(), &state);
            let [flat, first, second] = [&self.flat, &self.first, &self.second].map(|tensor| unwrap(tensor.clone()));
            B::adam(&flat, [&first, &second], unwrap(gradient), decision);
            self.results.push(wrap(result));
            self.pending.push(counts(minibatch));
            Ok(())
        })
    }

    fn results(&mut self) -> Result<Vec<StepResult>, LearnError> {
        if self.pending.is_empty() {
            return Ok(Vec::new());
        }
        let results = std::mem::take(&mut self.results);
        let numbers = guarded(|| read(&self.learner.device, Tensor::cat(results, 0)))?;
        let mut results = Vec::new();
        for (numbers, counts) in numbers.chunks_exact(RESULT).zip(std::mem::take(&mut self.pending)) {
            let Some(verdict) = verdict(numbers[0]) else { break };
            self.steps.known += u32::from(matches!(verdict, Verdict::Taken | Verdict::TakenLast));
            self.is_over |= matches!(verdict, Verdict::TakenLast | Verdict::OtherPolicy);
            results.push(StepResult { verdict, norm: numbers[1], sums: sums_of(counts, &numbers[2..]) });
        }
        Ok(results)
    }

    fn finish(self: Box<Self>) -> Result<(), LearnError> {
        let state = vec![self.flat, self.first, self.second];
        let numbers = guarded(|| read(&self.learner.device, Tensor::cat(state, 0)))?;
        let (flat, moments) = numbers.split_at(self.adam.len());
        let (first, second) = moments.split_at(self.adam.len());
        self.weights.data_mut().copy_from_slice(flat);
        self.adam.set_moments(self.steps.before + self.steps.known, [first.to_vec(), second.to_vec()]);
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
        let batch = positions.len();
        let answers = guarded_evaluation(|| self.answers(positions))?;
        let (of_actions, rest) = answers.split_at(positions.legal().values().len());
        let (outcomes, score) = rest.split_at(batch * OUTCOMES);
        self.predictions.take(positions, of_actions, outcomes, score);
        Ok(&mut self.predictions)
    }
}

impl<B: Kernels> GpuEvaluator<B> {
    /// Answers for the positions, see [`Kernels::answers`].
    fn answers(&self, positions: &evaluator::Batch) -> Result<Vec<f32>, LearnError> {
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
            attack_planes(asked.clone(), None, batch, self.dtype)
        } else {
            let planes = features.planes();
            let (sets, values) = compressed(features, positions.observations().iter());
            let sets = upload(sets, &self.device).reshape([batch, planes, SET_WORDS]);
            planes_of(sets, upload_numbers(values, &self.device).reshape([batch, planes]), self.dtype)
        };
        let outputs = self.net.forward(planes);
        let answers: Tensor<B, 1> = wrap(B::answers(
            unwrap(outputs.policy),
            unwrap(self.bias.clone()),
            unwrap(outputs.wdl),
            outputs.score.filter(|_| positions.wants_score()).map(unwrap),
            asked.into_primitive(),
            places,
        ));
        read(&self.device, answers)
    }
}

/// Sets the runtime up, unless a `cubecl.toml` does: compiled kernels are kept on the disk, since compiling them again would delay every
/// start; and there is one stream. By default each thread has one of 128 streams with memory of its own, which is never given back,
/// and each iteration plays in new threads. It has no effect once a device is in use.
fn set_up() {
    let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
    let cache = config.autotune.cache.clone();
    config.compilation.cache.get_or_insert(cache);
    if config.streaming.max_streams == CubeClRuntimeConfig::default().streaming.max_streams {
        config.streaming.max_streams = 1;
    }
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

/// [`Kernels::attack_planes`] for tensors.
fn attack_planes<B: Kernels>(
    packed: Tensor<B, 1, Int>,
    order: Option<Tensor<B, 1, Int>>,
    boards: usize,
    dtype: FloatDType,
) -> Tensor<B, 2> {
    wrap(B::attack_planes(packed.into_primitive(), order.map(Tensor::into_primitive), boards, dtype.into()))
}

/// [`Kernels::planes`] for tensors.
fn planes_of<B: Kernels>(sets: Tensor<B, 3, Int>, values: Tensor<B, 2>, dtype: FloatDType) -> Tensor<B, 2> {
    wrap(B::planes(sets.into_primitive(), unwrap(values), dtype.into()))
}

/// Place of `|ratio − 1|` among the parts of the loss.
const MOST: usize = 8;

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
        let planes = attack_planes(packed, None, boards, FloatDType::F32).flatten::<1>(0, 1);
        let found = read::<B>(device, planes).expect("the device does not fail");
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
