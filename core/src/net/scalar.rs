//! Definition of the network: plain loops, one position at a time.

use alloc::{format, vec, vec::Vec};

use super::{Executor, NetSpec, OUTCOMES, SIDE, SQUARES, VARIANCE_FLOOR, Weights, assert_shapes};

/// Executor by definition. Slow; every other executor is compared with it.
#[derive(Clone, Debug)]
pub struct Scalar {
    weights: Weights,
}

impl Scalar {
    /// An executor with these weights.
    pub fn new(weights: &Weights) -> Scalar {
        Scalar { weights: weights.clone() }
    }

    /// Forward pass of one position: `planes` `[planes, 81]`, `policy` `[policy_planes * 81]`, `wdl` `[3]`, `score` `[1]` or `[0]`.
    fn position(&self, planes: &[f32], policy: &mut [f32], wdl: &mut [f32], score: &mut [f32]) {
        let w = |name: &str| self.weights.expect(name);
        let spec = self.weights.spec();

        let mut x = conv3x3(planes, w("stem.weight"), w("stem.bias")); // [C, 81]
        relu(&mut x);
        for i in 0..spec.blocks {
            let conv = |input: &[f32], conv: &str| {
                conv3x3(input, w(&format!("blocks.{i}.{conv}.weight")), w(&format!("blocks.{i}.{conv}.bias")))
            };
            let mut y = conv(&x, "conv1"); // [C, 81]
            relu(&mut y);
            if spec.options.pool_hidden > 0 {
                let bias = self.perceptron(&pool(&x), &format!("blocks.{i}.pool")); // [C]
                for (plane, bias) in y.chunks_exact_mut(SQUARES).zip(bias) {
                    for y in plane {
                        *y += bias;
                    }
                }
            }
            let mut y = conv(&y, "conv2"); // [C, 81]
            if spec.options.se_hidden > 0 {
                let mean: Vec<f32> = y.chunks_exact(SQUARES).map(mean).collect();
                let excitation = self.perceptron(&mean, &format!("blocks.{i}.se")); // [2 C]
                let (scale, shift) = excitation.split_at(mean.len());
                for ((plane, scale), shift) in y.chunks_exact_mut(SQUARES).zip(scale).zip(shift) {
                    for y in plane {
                        *y = sigmoid(*scale) * *y + shift;
                    }
                }
            }
            x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
            relu(&mut x);
        }

        let logits = conv1x1(&x, w("policy.weight")); // [policy_planes, 81]
        for ((out, logit), bias) in policy.iter_mut().zip(logits).zip(w("policy.bias")) {
            *out = logit + bias;
        }

        let mut v = conv1x1(&x, w("value.conv.weight")); // [value_channels, 81]
        for (plane, bias) in v.chunks_exact_mut(SQUARES).zip(w("value.conv.bias")) {
            for v in plane {
                *v += bias;
            }
        }
        relu(&mut v);
        let mut hidden = linear(&v, w("value.hidden.weight"), w("value.hidden.bias")); // [value_hidden]
        relu(&mut hidden);
        wdl.copy_from_slice(&linear(&hidden, w("value.out.weight"), w("value.out.bias"))); // [3]

        if !score.is_empty() {
            score.copy_from_slice(&self.perceptron(&pool(&x), "score")); // [1]
        }
    }

    /// Two linear layers with a `ReLU` between them.
    fn perceptron(&self, x: &[f32], name: &str) -> Vec<f32> {
        let layer = |x: &[f32], layer: &str| {
            let w = |kind: &str| self.weights.expect(&format!("{name}.{layer}.{kind}"));
            linear(x, w("weight"), w("bias"))
        };
        let mut hidden = layer(x, "hidden");
        relu(&mut hidden);
        layer(&hidden, "out")
    }
}

impl Executor for Scalar {
    fn spec(&self) -> &NetSpec {
        self.weights.spec()
    }

    fn forward_scored(&mut self, batch: usize, planes: &[f32], policy: &mut [f32], wdl: &mut [f32], score: &mut [f32]) {
        let spec = self.spec();
        assert_shapes(spec, batch, planes, policy, wdl, score);
        let (inputs, actions) = (usize::from(spec.planes) * SQUARES, spec.actions());
        let outputs = policy.chunks_exact_mut(actions).zip(wdl.chunks_exact_mut(OUTCOMES));
        for (i, (planes, (policy, wdl))) in planes.chunks_exact(inputs).zip(outputs).enumerate() {
            let score = if score.is_empty() { &mut [][..] } else { &mut score[i..=i] };
            self.position(planes, policy, wdl, score);
        }
    }
}

/// 3×3 convolution with zeros around the board: `x` `[in, 81]`, `weight` `[out, in, 3, 3]` to `[out, 81]`.
fn conv3x3(x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let inputs = x.len() / SQUARES;
    let mut out = vec![0.0; bias.len() * SQUARES];
    for (o, bias) in bias.iter().enumerate() {
        for file in 0..SIDE {
            for rank in 0..SIDE {
                let mut sum = *bias;
                for i in 0..inputs {
                    for df in 0..3 {
                        for dr in 0..3 {
                            // The neighbour's coordinates plus one, so that "off the board" needs no sign.
                            let (f, r) = (file + df, rank + dr);
                            if (1..=SIDE).contains(&f) && (1..=SIDE).contains(&r) {
                                let square = (f - 1) * SIDE + r - 1;
                                sum += weight[((o * inputs + i) * 3 + df) * 3 + dr] * x[i * SQUARES + square];
                            }
                        }
                    }
                }
                out[o * SQUARES + file * SIDE + rank] = sum;
            }
        }
    }
    out
}

/// 1×1 convolution without bias: `x` `[in, 81]`, `weight` `[out, in]` to `[out, 81]`.
fn conv1x1(x: &[f32], weight: &[f32]) -> Vec<f32> {
    let inputs = x.len() / SQUARES;
    let mut out = Vec::with_capacity(weight.len() / inputs * SQUARES);
    for row in weight.chunks_exact(inputs) {
        for square in 0..SQUARES {
            out.push(row.iter().enumerate().map(|(i, w)| w * x[i * SQUARES + square]).sum());
        }
    }
    out
}

/// Linear layer: `x` `[in]`, `weight` `[out, in]`, `bias` `[out]` to `[out]`.
fn linear(x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let row = |(row, bias): (&[f32], &f32)| bias + row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>();
    weight.chunks_exact(x.len()).zip(bias).map(row).collect()
}

/// Global pooling: mean, maximum and standard deviation of each channel, `[C, 81]` to `[3 * C]`, all means first.
fn pool(x: &[f32]) -> Vec<f32> {
    let planes = || x.chunks_exact(SQUARES);
    let maximum = |plane: &[f32]| plane.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let deviation = |plane: &[f32]| {
        let mean = mean(plane);
        let squares = plane.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>();
        libm::sqrtf(squares / SQUARES as f32 + VARIANCE_FLOOR)
    };
    planes().map(mean).chain(planes().map(maximum)).chain(planes().map(deviation)).collect()
}

fn mean(plane: &[f32]) -> f32 {
    plane.iter().sum::<f32>() / SQUARES as f32
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

fn relu(x: &mut [f32]) {
    for x in x {
        *x = x.max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{Actions, Features};

    #[test]
    fn a_convolution_sees_its_neighbours_and_zeros_beyond_the_edge() {
        // Each tap has its own power of ten, so that a sum tells which squares it saw.
        let weight: Vec<f32> = (0..9).map(|tap| 10f32.powi(tap)).collect();
        let check = |square: usize, expected: f32| {
            let x = vec![1.0; SQUARES];
            assert!((conv3x3(&x, &weight, &[0.0])[square] - expected).abs() < 64.0, "square {square}");
        };
        check(40, 111_111_111.0);
        // 1a: no file before, no rank before.
        check(0, 110_110_000.0);
        // 9i: no file after, no rank after.
        check(80, 11_011.0);
        // 1i: no file before, no rank after.
        check(8, 11_011_000.0);
    }

    #[test]
    fn a_convolution_takes_the_next_file_from_its_last_row() {
        let mut weight = vec![0.0; 9];
        weight[2 * 3 + 1] = 2.0; // next file, same rank
        let mut x = vec![0.0; SQUARES];
        x[9 + 4] = 3.0; // 2e
        let y = conv3x3(&x, &weight, &[0.5]);
        assert!((y[4] - 6.5).abs() < 1e-6);
        assert!(y.iter().enumerate().all(|(i, &v)| i == 4 || (v - 0.5).abs() < 1e-6));
    }

    #[test]
    fn a_network_of_zeros_returns_its_biases() {
        let small = NetSpec::for_encodings(Features::Attack96, Actions::Dest2187);
        let small = NetSpec { channels: 8, blocks: 1, value_channels: 1, value_hidden: 4, ..small };
        let spec = NetSpec { planes: 2, policy_planes: 2, ..small };
        let mut weights = Weights::new(spec.clone(), vec![0.0; spec.parameters()]).expect("the count is right");
        let count: Vec<f32> = (0..162u8).map(f32::from).collect();
        for tensor in spec.tensors() {
            match tensor.name.as_str() {
                "policy.bias" => weights.data_mut()[tensor.range].copy_from_slice(&count),
                "value.out.bias" => weights.data_mut()[tensor.range].copy_from_slice(&[1.0, 2.0, 3.0]),
                _ => {}
            }
        }
        let (mut policy, mut wdl) = (vec![9.0; 162], vec![9.0; 3]);
        Scalar::new(&weights).forward(1, &[1.0; 162], &mut policy, &mut wdl);
        assert_eq!(policy, count);
        assert_eq!(wdl, [1.0, 2.0, 3.0]);
    }
}
