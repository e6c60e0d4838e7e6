//! Gradients of the network: forward on a tape, then back through every layer by hand.
//!
//! The convolutions run on vectors, in f32, or on a matrix unit, in bfloat16. The forward pass runs the kernels of the executor of
//! that kind, so that a policy has the same probabilities, bit for bit, when it plays and when it learns.

use alloc::{vec, vec::Vec};

use super::Level;
use super::backward::Backward;
use super::heads::Heads;
use super::kernels::Kernels;
use super::network::{Network, Options};
use super::options::Perceptron;
use crate::net::{NetSpec, OUTCOMES, Weights};
use heads::{HeadTape, HeadsBackward};

mod heads;
#[cfg(all(feature = "std", target_arch = "x86_64", target_os = "linux"))]
mod matrix;
#[cfg(not(all(feature = "std", target_arch = "x86_64", target_os = "linux")))]
#[path = "no_matrix.rs"]
mod matrix;
mod vectors;

/// Taps of a 3×3 kernel.
const TAPS: usize = 9;

/// Boards that go through the network together. More would share each sum of a kernel's gradient among more rows, fewer
/// would keep more of the tape in the cache.
const CHUNK: usize = 8;

/// A network whose weights have gradients.
///
/// Give it some positions to [`forward`](Backprop::forward), the gradient of the loss with respect to what comes out to
/// [`backward`](Backprop::backward), as often as needed, and [`take_gradient`](Backprop::take_gradient) in the end.
#[derive(Debug)]
pub struct Backprop {
    tower: Tower,
    heads: HeadsBackward,
}

/// The convolutions, and what belongs to the blocks.
// One of each thread: where there is no matrix unit, its variant is empty.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
enum Tower {
    Vectors(vectors::Tower),
    Matrix(matrix::Tower),
}

/// What a thread remembers between forward and backward, and the gradients it has added up.
#[derive(Debug)]
pub struct Tape {
    boards: usize,
    tower: TowerTape,
    heads: HeadTape,
}

// One of each thread: where there is no matrix unit, its variant is empty.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
enum TowerTape {
    Vectors(vectors::TowerTape),
    Matrix(matrix::TowerTape),
}

/// Gradients of each block's bias from global pooling and of its squeeze and excitation, flat.
#[derive(Debug)]
struct OptionSums {
    pool: Vec<Vec<f32>>,
    se: Vec<Vec<f32>>,
}

/// The flat weights' gradient, tensor by tensor.
struct Tensors<'a>(&'a mut [f32]);

impl Tape {
    /// What each 3×3 convolution left of the last forward pass of so many boards, after rectification, and the bias from
    /// global pooling that was then added.
    ///
    /// # Panics
    /// On a matrix unit, which keeps no more than it needs.
    pub(super) fn left(&self, boards: usize) -> impl Iterator<Item = (&[f32], &[f32])> {
        let TowerTape::Vectors(tower) = &self.tower else { panic!("{MISMATCH}") };
        tower.left(boards)
    }
}

const MISMATCH: &str = "the tape is of another kind of network";

impl Backprop {
    /// The most positions that [`forward`](Backprop::forward) takes at once.
    pub const CHUNK: usize = CHUNK;

    /// These weights in f32, at the fastest level of this CPU.
    ///
    /// # Panics
    /// Never: the best level is available.
    pub fn new(weights: &Weights) -> Backprop {
        Backprop::with_level(weights, Level::best()).expect("the best level is available")
    }

    /// These weights in f32 at one level, if it is available here.
    pub fn with_level(weights: &Weights, level: Level) -> Option<Backprop> {
        let (kernels, backward) = (Kernels::<f32>::of(level)?, Backward::of(level)?);
        let network = Network::plain(weights, level, kernels);
        Some(Backprop {
            tower: Tower::Vectors(vectors::Tower::new(weights, network, backward)),
            heads: HeadsBackward::new(weights, kernels, backward),
        })
    }

    /// These weights as [`Bf16::new`](super::Bf16::new) has them, if that is possible here; their gradients are f32.
    pub fn bf16(weights: &Weights) -> Option<Backprop> {
        Backprop::matrix(weights, 1)
    }

    /// These weights as [`Bf16::x3`](super::Bf16::x3) has them, if that is possible here; their gradients are f32.
    pub fn bf16x3(weights: &Weights) -> Option<Backprop> {
        Backprop::matrix(weights, 2)
    }

    fn matrix(weights: &Weights, halves: usize) -> Option<Backprop> {
        let (kernels, backward) = (Kernels::<f32>::of(Level::Avx512)?, Backward::of(Level::Avx512)?);
        Some(Backprop {
            tower: Tower::Matrix(matrix::Tower::new(weights, halves)?),
            heads: HeadsBackward::new(weights, kernels, backward),
        })
    }

    fn network(&self) -> (&NetSpec, &Heads, &Options) {
        match &self.tower {
            Tower::Vectors(tower) => (&tower.network.spec, &tower.network.heads, &tower.network.options),
            Tower::Matrix(tower) => tower.network(),
        }
    }

    /// An empty tape for networks of this architecture.
    pub fn tape(&self) -> Tape {
        let (_, heads, options) = self.network();
        Tape {
            boards: 0,
            tower: match &self.tower {
                Tower::Vectors(tower) => TowerTape::Vectors(tower.tape()),
                Tower::Matrix(tower) => TowerTape::Matrix(tower.tape()),
            },
            heads: self.heads.tape(heads, options, CHUNK),
        }
    }

    /// Runs the network on at most [`CHUNK`](Backprop::CHUNK) positions and keeps on the tape what the way back needs.
    ///
    /// Shapes as in [`Executor::forward`](crate::net::Executor::forward).
    ///
    /// # Panics
    /// If a slice has another length than its shape says, there are too many positions, or the tape is not of this
    /// architecture.
    pub fn forward(&self, tape: &mut Tape, planes: &[f32], policy: &mut [f32], wdl: &mut [f32]) {
        self.forward_scored(tape, planes, policy, wdl, &mut []);
    }

    /// The same with the score, as in [`Executor::forward_scored`](crate::net::Executor::forward_scored).
    ///
    /// # Panics
    /// As above, or if a score is asked of a network without it.
    pub fn forward_scored(
        &self,
        tape: &mut Tape,
        planes: &[f32],
        policy: &mut [f32],
        wdl: &mut [f32],
        score: &mut [f32],
    ) {
        let (spec, heads, options) = self.network();
        let boards = wdl.len() / OUTCOMES;
        assert!(boards <= CHUNK, "{boards} positions do not fit on the tape");
        crate::net::assert_shapes(spec, boards, planes, policy, wdl, score);
        tape.boards = boards;
        let (trunk, lanes) = match (&self.tower, &mut tape.tower) {
            (Tower::Vectors(tower), TowerTape::Vectors(tape)) => {
                tower.forward(tape, boards, planes);
                (tape.buffers.trunk.as_ref(), tower.network.kernels.lanes)
            }
            (Tower::Matrix(tower), TowerTape::Matrix(tape)) => (tower.forward(tape, boards, planes), matrix::LANES),
            _ => panic!("{MISMATCH}"),
        };
        heads.forward(&mut tape.heads.buffers, trunk, policy, wdl);
        options.score(trunk, lanes, usize::from(spec.channels), score);
    }

    /// Adds to the tape's gradients those of the positions that [`forward`](Backprop::forward) ran last, given the
    /// gradients of the loss with respect to its `policy` and `wdl`.
    ///
    /// # Panics
    /// If a slice has another length than it had in `forward`.
    pub fn backward(&self, tape: &mut Tape, policy: &[f32], wdl: &[f32]) {
        self.backward_scored(tape, policy, wdl, &[]);
    }

    /// The same with the gradient with respect to the `score`; empty where the loss does not depend on it.
    ///
    /// # Panics
    /// As above.
    pub fn backward_scored(&self, tape: &mut Tape, policy: &[f32], wdl: &[f32], score: &[f32]) {
        let ((spec, heads, options), boards) = (self.network(), tape.boards);
        assert_eq!(policy.len(), boards * spec.actions(), "policy is [batch, policy_planes * 81]");
        assert_eq!(wdl.len(), boards * OUTCOMES, "wdl is [batch, 3]");
        assert!(score.is_empty() || score.len() == boards, "score is [batch] or empty");
        let trunk = match &tape.tower {
            TowerTape::Vectors(tape) => tape.buffers.trunk.as_ref(),
            TowerTape::Matrix(tape) => tape.trunk(),
        };
        self.heads.backward(heads, options, &mut tape.heads, trunk, [policy, wdl, score]);
        let gradient = tape.heads.trunk.as_mut();
        match (&self.tower, &mut tape.tower) {
            (Tower::Vectors(tower), TowerTape::Vectors(tape)) => tower.backward(tape, boards, gradient),
            (Tower::Matrix(tower), TowerTape::Matrix(tape)) => tower.backward(tape, boards, gradient),
            _ => panic!("{MISMATCH}"),
        }
    }

    /// Moves the gradients from the tape into `gradient`, in the order of [`NetSpec::tensors`], and leaves zeros.
    ///
    /// # Panics
    /// If `gradient` has another length than the weights.
    pub fn take_gradient(&self, tape: &mut Tape, gradient: &mut [f32]) {
        assert_eq!(gradient.len(), self.network().0.parameters(), "one gradient a weight");
        let mut tensors = Tensors(gradient);
        match (&self.tower, &mut tape.tower) {
            (Tower::Vectors(tower), TowerTape::Vectors(tape)) => tower.take_gradient(tape, &mut tensors),
            (Tower::Matrix(tower), TowerTape::Matrix(tape)) => tower.take_gradient(tape, &mut tensors),
            _ => panic!("{MISMATCH}"),
        }
        self.heads.take_gradient(&mut tape.heads, &mut tensors);
    }
}

impl OptionSums {
    fn new(options: &Options) -> OptionSums {
        let flat = |of: &[Perceptron]| of.iter().map(|perceptron| vec![0.0; perceptron.parameters()]).collect();
        OptionSums { pool: flat(&options.pool), se: flat(&options.se) }
    }

    /// Moves those of the block that a convolution ends, if it does.
    fn take_gradient(&mut self, conv: usize, tensors: &mut Tensors) {
        if conv > 0 && conv.is_multiple_of(2) {
            let block = conv / 2 - 1;
            for sums in [self.pool.get_mut(block), self.se.get_mut(block)].into_iter().flatten() {
                let len = sums.len();
                take(sums, tensors.next(len));
            }
        }
    }
}

impl<'a> Tensors<'a> {
    fn next(&mut self, len: usize) -> &'a mut [f32] {
        let (tensor, rest) = core::mem::take(&mut self.0).split_at_mut(len);
        self.0 = rest;
        tensor
    }
}

/// Moves sums and leaves zeros.
fn take(sums: &mut [f32], to: &mut [f32]) {
    to.copy_from_slice(sums);
    sums.fill(0.0);
}

#[cfg(test)]
mod tests {
    use super::super::Bf16;
    use super::*;
    use crate::encoding::{Actions, Features};
    use crate::net::{Executor, NetOptions, NetSpec, SQUARES, scalar::Scalar};

    /// A random number in [-1, 1).
    fn random(seed: &mut u64) -> f32 {
        *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*seed >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn randoms(count: usize, seed: &mut u64) -> Vec<f32> {
        (0..count).map(|_| random(seed)).collect()
    }

    /// A random network, input to it, and a random linear loss of what comes out.
    struct Case {
        weights: Weights,
        planes: Vec<f32>,
        d_policy: Vec<f32>,
        d_wdl: Vec<f32>,
        d_score: Vec<f32>,
    }

    impl Case {
        fn new(spec: &NetSpec, boards: usize) -> Case {
            let mut seed = 7;
            let mut weights = Weights::init(spec, 3).expect("the shape is valid");
            for w in weights.data_mut() {
                *w = *w * 0.5 + 0.05 * random(&mut seed);
            }
            let planes = randoms(boards * usize::from(spec.planes) * SQUARES, &mut seed);
            let (d_policy, d_wdl) =
                (randoms(boards * spec.actions(), &mut seed), randoms(boards * OUTCOMES, &mut seed));
            let d_score = randoms(if spec.options.score_hidden > 0 { boards } else { 0 }, &mut seed);
            Case { weights, planes, d_policy, d_wdl, d_score }
        }

        fn loss(&self, weights: &Weights) -> f64 {
            let (mut policy, mut wdl) = (vec![0.0; self.d_policy.len()], vec![0.0; self.d_wdl.len()]);
            let mut score = vec![0.0; self.d_score.len()];
            let boards = wdl.len() / OUTCOMES;
            Scalar::new(weights).forward_scored(boards, &self.planes, &mut policy, &mut wdl, &mut score);
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            dot(&policy, &self.d_policy) + dot(&wdl, &self.d_wdl) + dot(&score, &self.d_score)
        }

        /// The gradient, and the policy's logits.
        fn gradient(&self, network: &Backprop) -> (Vec<f32>, Vec<f32>) {
            let spec = self.weights.spec();
            let mut tape = network.tape();
            let (mut policy, mut wdl) = (vec![0.0; self.d_policy.len()], vec![0.0; self.d_wdl.len()]);
            let (actions, planes) = (CHUNK * spec.actions(), CHUNK * usize::from(spec.planes) * SQUARES);
            let policies = policy.chunks_mut(actions).zip(self.d_policy.chunks(actions));
            let wdls = wdl.chunks_mut(CHUNK * OUTCOMES).zip(self.d_wdl.chunks(CHUNK * OUTCOMES));
            let mut d_scores = self.d_score.chunks(CHUNK);
            for ((planes, (policy, d_policy)), (wdl, d_wdl)) in self.planes.chunks(planes).zip(policies).zip(wdls) {
                let d_score = d_scores.next().unwrap_or_default();
                network.forward_scored(&mut tape, planes, policy, wdl, &mut vec![0.0; d_score.len()]);
                network.backward_scored(&mut tape, d_policy, d_wdl, d_score);
            }
            let mut gradient = vec![0.0; spec.parameters()];
            network.take_gradient(&mut tape, &mut gradient);
            let mut again = gradient.clone();
            network.take_gradient(&mut tape, &mut again);
            assert!(again.iter().all(|&g| g == 0.0), "taking leaves zeros");
            (gradient, policy)
        }
    }

    fn norm(numbers: impl Iterator<Item = f32>) -> f64 {
        numbers.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
    }

    /// The slope of a random linear loss along a random direction in each tensor, by gradient and by differences of the
    /// scalar definition.
    fn check(spec: &NetSpec, boards: usize) {
        let case = Case::new(spec, boards);
        for level in Level::ALL {
            let Some(network) = Backprop::with_level(&case.weights, level) else { continue };
            let (gradient, _) = case.gradient(&network);
            for tensor in spec.tensors() {
                let size = norm(gradient[tensor.range.clone()].iter().copied());
                // Along the gradient itself the slope is its length.
                let step = 1e-3;
                let moved = |sign: f64| {
                    let mut moved = case.weights.clone();
                    for i in tensor.range.clone() {
                        moved.data_mut()[i] += (sign * step * f64::from(gradient[i]) / size) as f32;
                    }
                    case.loss(&moved)
                };
                let slope = (moved(1.0) - moved(-1.0)) / (2.0 * step);
                // Below a slope of 1/2 the rounding of the differences shows.
                assert!(
                    (slope - size).abs() < 0.02 * size.max(0.5),
                    "{level}, {}: {size}, by differences {slope}",
                    tensor.name
                );
            }
        }
        check_matrix(&case);
    }

    /// What a matrix unit makes of the same, where there is one, beside f32; and the logits that the executor plays with.
    fn check_matrix(case: &Case) {
        let (expected, _) = case.gradient(&Backprop::new(&case.weights));
        let spec = case.weights.spec();
        let networks = [
            ("bf16", Backprop::bf16(&case.weights), Bf16::new(&case.weights), [0.02, 1.0]),
            ("bf16x3", Backprop::bf16x3(&case.weights), Bf16::x3(&case.weights), [2e-5, 2e-4]),
        ];
        for (what, network, executor, [tolerance, each]) in networks {
            let Some((network, mut executor)) = network.zip(executor) else { continue };
            let (found, logits) = case.gradient(&network);
            let error = |range: core::ops::Range<usize>| {
                let (found, expected) = (&found[range.clone()], &expected[range]);
                let difference = found.iter().zip(expected).map(|(found, expected)| found - expected);
                norm(difference) / norm(expected.iter().copied()).max(1e-6)
            };
            // In eight bits a rectification may open or close, which turns around a small tensor of a small network.
            assert!(error(0..expected.len()) < tolerance, "{what}: {}", error(0..expected.len()));
            for tensor in spec.tensors() {
                assert!(error(tensor.range.clone()) < each, "{what}, {}", tensor.name);
            }
            let (mut policy, mut wdl) = (vec![0.0; logits.len()], vec![0.0; case.d_wdl.len()]);
            executor.forward(wdl.len() / OUTCOMES, &case.planes, &mut policy, &mut wdl);
            assert!(policy == logits, "{what} learns with other logits than it plays with");
        }
    }

    #[test]
    fn gradients_are_slopes_of_the_scalar_definition() {
        let small = NetSpec::for_encodings(Features::Attack96, Actions::Dest2187);
        let small = NetSpec { channels: 8, blocks: 1, value_channels: 2, value_hidden: 7, ..small };
        let spec = NetSpec { planes: 5, policy_planes: 3, ..small };
        check(&spec, 2);
        check(&NetSpec { blocks: 0, channels: 16, ..spec.clone() }, 1);
        check(&NetSpec { channels: 40, blocks: 2, ..spec.clone() }, CHUNK + 3);
        for [se_hidden, pool_hidden, score_hidden] in [[4, 0, 0], [0, 5, 0], [0, 0, 16], [3, 4, 16]] {
            let options = NetOptions { se_hidden, pool_hidden, score_hidden };
            check(&NetSpec { channels: 24, blocks: 2, options, ..spec.clone() }, 2);
        }
    }
}
