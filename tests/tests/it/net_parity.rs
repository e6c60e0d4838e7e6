//! Every executor of the network against the scalar definition.

use std::fmt::Display;

use burn::backend::flex::FlexDevice;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Tensor, TensorData};
use keisei_core::encoding::{Actions, Features};
use keisei_core::net::burn::Net;
use keisei_core::net::scalar::Scalar;
use keisei_core::net::simd::{Backprop, Bf16, Calibration, Dot, Level, Quantized, Simd};
use keisei_core::net::{Executor, NetOptions, NetSpec, Weights};

/// Largest accepted difference of a logit from the definition.
const TOLERANCE: f32 = 1e-4;

/// Largest accepted difference of a logit after rounding to integers, relative to the largest logit.
const ROUNDING: f32 = 0.02;

/// Pseudo-random numbers, the same in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    /// Uniform in [-1, 1).
    fn symmetric(&mut self) -> f32 {
        self.next() as f32 / (1u64 << 30) as f32 - 1.0
    }

    /// Planes of zeros and ones, about one in `one_in` set.
    fn planes(&mut self, len: usize, one_in: u64) -> Vec<f32> {
        (0..len).map(|_| if self.next().is_multiple_of(one_in) { 1.0 } else { 0.0 }).collect()
    }
}

fn spec(planes: u16, channels: u16, blocks: u16) -> NetSpec {
    let small = NetSpec::for_encodings(Features::Attack96, Actions::Dest2187);
    NetSpec { planes, channels, blocks, value_channels: 4, value_hidden: 32, ..small }
}

/// Initial weights in which nothing is zero, biases and second convolutions included.
fn weights(spec: &NetSpec, seed: u64) -> Weights {
    let mut weights = Weights::init(spec, seed).expect("the specification is valid");
    let mut noise = Noise(seed);
    for tensor in spec.tensors() {
        let fan_in: usize = tensor.shape[1..].iter().product();
        let bound = if tensor.name.ends_with("bias") { 0.1 } else { (2.0 / fan_in as f32).sqrt() };
        weights.data_mut()[tensor.range].fill_with(|| bound * noise.symmetric());
    }
    weights
}

/// Logits, and scores if the network has a score head.
struct Output {
    policy: Vec<f32>,
    wdl: Vec<f32>,
    score: Vec<f32>,
}

impl Output {
    fn of(spec: &NetSpec, batch: usize) -> Output {
        let scores = if spec.options.score_hidden > 0 { batch } else { 0 };
        let numbers = |len: usize| vec![f32::NAN; len];
        Output { policy: numbers(batch * spec.actions()), wdl: numbers(batch * 3), score: numbers(scores) }
    }
}

fn run(executor: &mut dyn Executor, batch: usize, planes: &[f32]) -> Output {
    let mut output = Output::of(executor.spec(), batch);
    executor.forward_scored(batch, planes, &mut output.policy, &mut output.wdl, &mut output.score);
    output
}

/// Executors, one for each SIMD level that this machine has.
fn levels(weights: &Weights) -> impl Iterator<Item = Simd> {
    Level::ALL.into_iter().filter_map(|level| Simd::with_level(weights, level))
}

fn assert_near(what: &str, expected: &Output, found: &Output) {
    assert_within(TOLERANCE, what, expected, found);
}

fn assert_within(tolerance: f32, what: &str, expected: &Output, found: &Output) {
    let worst = |a: &[f32], b: &[f32]| {
        assert_eq!(a.len(), b.len(), "{what}");
        assert!(a.iter().chain(b).all(|x| x.is_finite()), "{what}: not a number");
        a.iter().zip(b).fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs()))
    };
    let worst = [
        worst(&expected.policy, &found.policy),
        worst(&expected.wdl, &found.wdl),
        worst(&expected.score, &found.score),
    ];
    assert!(worst.iter().all(|worst| *worst <= tolerance), "{what}: policy, value and score differ by {worst:?}");
}

fn check(planes: u16, channels: u16, blocks: u16, batches: &[usize]) {
    check_spec(&spec(planes, channels, blocks), batches);
}

fn check_spec(spec: &NetSpec, batches: &[usize]) {
    let NetSpec { planes, channels, blocks, .. } = *spec;
    let weights = weights(spec, u64::from(channels) + 1);
    for (&batch, one_in) in batches.iter().zip([2, 8, 32].into_iter().cycle()) {
        let input = Noise(batch as u64).planes(batch * usize::from(planes) * 81, one_in);
        let expected = run(&mut Scalar::new(&weights), batch, &input);
        let what =
            |executor: &dyn Display| format!("{executor}, {planes} planes, C{channels} N{blocks}, batch {batch}");
        assert_near(
            &what(&"burn-flex"),
            &expected,
            &run(&mut Net::<Flex>::from_weights(&weights, &FlexDevice), batch, &input),
        );
        for mut simd in levels(&weights) {
            assert_near(&what(&simd.level()), &expected, &run(&mut simd, batch, &input));
        }
        let largest = |numbers: &[f32]| numbers.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
        let tolerance = ROUNDING * largest(&expected.policy).max(largest(&expected.wdl));
        let calibration = Calibration::measure(&weights, &input);
        for dot in Dot::available() {
            let mut quantized = Quantized::with_dot(&weights, &calibration, dot).expect("it is available");
            let found = run(&mut quantized, batch, &input);
            assert_within(tolerance, &what(&format!("integers, {dot}")), &expected, &found);
        }
        if let Some((mut bf16, mut bf16x3)) = Bf16::new(&weights).zip(Bf16::x3(&weights)) {
            assert_within(tolerance, &what(&"bf16"), &expected, &run(&mut bf16, batch, &input));
            assert_near(&what(&"bf16x3"), &expected, &run(&mut bf16x3, batch, &input));
        }
    }
}

#[test]
fn executors_agree_on_small_networks() {
    check(1, 8, 0, &[1, 2]);
    check(5, 16, 1, &[1, 3, 8, 64]);
    check(47, 24, 2, &[1, 3]);
}

#[test]
fn executors_agree_on_training_sizes() {
    check(46, 32, 4, &[1, 3, 8]);
    check(96, 64, 4, &[1, 8]);
}

#[test]
fn executors_agree_on_wide_networks() {
    check(96, 128, 2, &[1, 3]);
    check(119, 256, 1, &[1]);
}

/// Squeeze and excitation, bias from global pooling, score.
const OPTIONS: [[u16; 3]; 4] = [[6, 0, 0], [0, 7, 0], [0, 0, 24], [8, 16, 32]];

fn with_options(spec: &NetSpec, [se_hidden, pool_hidden, score_hidden]: [u16; 3]) -> NetSpec {
    NetSpec { options: NetOptions { se_hidden, pool_hidden, score_hidden }, ..spec.clone() }
}

#[test]
fn executors_agree_on_the_original_networks() {
    for options in OPTIONS {
        check_spec(&with_options(&spec(50, 24, 2), options), &[1, 5]);
    }
    check_spec(&with_options(&spec(50, 64, 3), OPTIONS[3]), &[5]);
}

/// Gradient of a random linear loss of logits and scores: the hand-written one at every level against automatic differentiation.
#[test]
fn gradients_are_those_of_automatic_differentiation() {
    for options in [[0; 3]].into_iter().chain(OPTIONS) {
        let (spec, batch) = (with_options(&spec(7, 24, 2), options), 5);
        let (weights, device) = (weights(&spec, 6), FlexDevice);
        let input = Noise(3).planes(batch * 7 * 81, 3);
        let mut noise = Noise(4);
        let mut slopes = Output::of(&spec, batch);
        for slopes in [&mut slopes.policy, &mut slopes.wdl, &mut slopes.score] {
            slopes.fill_with(|| noise.symmetric());
        }

        let net = Net::<Autodiff<Flex>>::from_weights(&weights, &device);
        let (policy, wdl, score) = net.forward_scored(tensor(&input, [batch, 7, 81]));
        let mut loss = (policy * tensor(&slopes.policy, [batch, spec.actions()])).sum()
            + (wdl * tensor(&slopes.wdl, [batch, 3])).sum();
        if let Some(score) = score {
            loss = loss + (score * tensor(&slopes.score, [batch, 1])).sum();
        }
        let expected = net.gradient(&loss.backward()).into_data().into_vec::<f32>().expect("gradients are f32");

        let levels = Level::ALL.map(|level| (level.to_string(), Backprop::with_level(&weights, level)));
        for (what, backprop) in levels.into_iter().chain([("bf16x3".into(), Backprop::bf16x3(&weights))]) {
            let Some(backprop) = backprop else { continue };
            let (mut tape, mut output) = (backprop.tape(), Output::of(&spec, batch));
            backprop.forward_scored(&mut tape, &input, &mut output.policy, &mut output.wdl, &mut output.score);
            backprop.backward_scored(&mut tape, &slopes.policy, &slopes.wdl, &slopes.score);
            let mut found = vec![0.0; spec.parameters()];
            backprop.take_gradient(&mut tape, &mut found);
            for tensor in spec.tensors() {
                let (expected, found) = (&expected[tensor.range.clone()], &found[tensor.range]);
                let length = |x: &mut dyn Iterator<Item = f32>| x.map(|x| x * x).sum::<f32>().sqrt();
                let size = length(&mut expected.iter().copied());
                let difference = length(&mut expected.iter().zip(found).map(|(a, b)| a - b));
                assert!(
                    size > 0.0 && difference <= 1e-3 * size,
                    "{what}, {options:?}, {}: {difference} of {size}",
                    tensor.name
                );
            }
        }
    }
}

fn tensor<const D: usize>(numbers: &[f32], shape: [usize; D]) -> Tensor<Autodiff<Flex>, D> {
    Tensor::from_data(TensorData::new(numbers.to_vec(), shape), &FlexDevice)
}

#[test]
fn weights_survive_the_way_through_burn() {
    let weights = weights(&with_options(&spec(7, 16, 2), OPTIONS[3]), 3);
    assert_eq!(Net::<Flex>::from_weights(&weights, &FlexDevice).to_weights(), weights);
}

#[test]
fn a_position_does_not_depend_on_its_batch() {
    for (planes, channels) in [(96, 64), (5, 24)] {
        let weights = weights(&spec(planes, channels, 2), 4);
        let size = usize::from(planes) * 81;
        let input = Noise(9).planes(11 * size, 3);
        for mut simd in levels(&weights) {
            check_batches(&simd.level(), &mut simd.clone(), &mut simd, &input, size);
        }
        let calibration = Calibration::measure(&weights, &input);
        for dot in Dot::available() {
            let mut quantized = Quantized::with_dot(&weights, &calibration, dot).expect("it is available");
            check_batches(&dot, &mut quantized.clone(), &mut quantized, &input, size);
        }
        for (what, executor) in [("bf16", Bf16::new(&weights)), ("bf16x3", Bf16::x3(&weights))] {
            let Some(mut executor) = executor else { continue };
            check_batches(&what, &mut executor.clone(), &mut executor, &input, size);
        }
    }
}

/// Compares eleven positions in one batch with the same positions in other batches.
fn check_batches(what: &dyn Display, a: &mut dyn Executor, b: &mut dyn Executor, input: &[f32], size: usize) {
    let whole = run(a, 11, input);
    for (first, batch) in [(0, 11), (0, 1), (10, 1), (3, 2), (4, 7), (1, 8)] {
        let part = run(b, batch, &input[first * size..][..batch * size]);
        assert!(part.policy == whole.policy[first * 2187..][..batch * 2187], "{what}, {first}, {batch}");
        assert!(part.wdl == whole.wdl[first * 3..][..batch * 3], "{what}, {first}, {batch}");
    }
}

#[test]
fn integers_survive_what_calibration_has_not_seen() {
    let weights = weights(&spec(7, 40, 2), 5);
    let calibration = Calibration::measure(&weights, &Noise(1).planes(4 * 7 * 81, 64));
    // Inputs a hundred times as large as in calibration, of both signs, are clamped and do not wrap around.
    let input: Vec<f32> = Noise(2).planes(7 * 81, 2).iter().map(|x| 200.0 * x - 100.0).collect();
    let executors = Dot::available().map(|dot| Quantized::with_dot(&weights, &calibration, dot).expect("available"));
    let outputs: Vec<Output> = executors.map(|mut executor| run(&mut executor, 1, &input)).collect();
    let largest = outputs[0].policy.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
    assert!(largest < 100.0, "a logit of {largest}");
    for (dot, found) in Dot::available().zip(&outputs) {
        assert_within(ROUNDING * largest, &dot.to_string(), &outputs[0], found);
    }
}

#[test]
fn the_best_level_is_available() {
    assert!(Level::best().is_available() && Level::Portable.is_available());
    assert_eq!(Simd::new(&weights(&spec(1, 8, 0), 1)).level(), Level::best());
    #[cfg(target_arch = "x86_64")]
    assert_eq!(Level::Avx2.is_available(), is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
}
