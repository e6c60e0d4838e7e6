//! The backward pass: a forward pass that records a tape, then the gradient of every layer by hand.
//!
//! Convolutions run on vectors, in f32, or on a matrix unit, in bfloat16. The forward pass runs the kernels of the executor of that
//! kind, so that a policy has the same probabilities, bit for bit, when it plays and when it learns.

use super::heads::Heads;
use super::kernels::Kernels;
use super::level::Level;
use super::network::Network;
use super::optional::OptionalLayers;
use crate::net::{NetSpec, OUTCOMES, Weights};
use heads::{HeadTape, HeadsBackward};
use kernels::GradientKernels;
use tape::{CHUNK, Tensors};

mod heads;
mod kernels;
#[cfg(all(feature = "std", target_arch = "x86_64", target_os = "linux"))]
mod matrix_tower;
#[cfg(not(all(feature = "std", target_arch = "x86_64", target_os = "linux")))]
#[path = "matrix_tower_stub.rs"]
mod matrix_tower;
mod tape;
mod vector_tower;

/// Backpropagation through the network, given its weights.
///
/// Call [`forward`](Backprop::forward) with positions, then [`backward`](Backprop::backward) with the gradient of the loss with respect
/// to the outputs, as often as needed, and [`take_gradient`](Backprop::take_gradient) in the end.
#[derive(Debug)]
pub struct Backprop {
    tower: Tower,
    heads: HeadsBackward,
}

/// The residual tower: stem and blocks.
// A thread has one; where there is no matrix unit its variant is uninhabited.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
enum Tower {
    Vectors(vector_tower::Tower),
    Matrix(matrix_tower::Tower),
}

/// The tape of one thread: activations of the last forward pass, and sums of gradients.
#[derive(Debug)]
pub struct Tape {
    boards: usize,
    tower: TowerTape,
    heads: HeadTape,
}

// As for `Tower`.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
enum TowerTape {
    Vectors(vector_tower::TowerTape),
    Matrix(matrix_tower::TowerTape),
}

impl Tape {
    /// Activations of each 3×3 convolution in the last forward pass of `boards` boards, and the pool bias that was added to them.
    ///
    /// # Panics
    /// On a matrix unit, whose tape has no such activations.
    pub(super) fn activations(&self, boards: usize) -> impl Iterator<Item = (&[f32], &[f32])> {
        let TowerTape::Vectors(tower) = &self.tower else { panic!("{MISMATCH}") };
        tower.activations(boards)
    }
}

/// Half of the work of making a [`Backprop`], to be run once.
pub type Task<'a> = &'a mut (dyn FnMut() + Send);

const MISMATCH: &str = "the tape is of another kind of network";

impl Backprop {
    /// Largest number of positions of one [`forward`](Backprop::forward).
    pub const CHUNK: usize = CHUNK;

    /// Channels from which full chunks are the fastest: there the sums of one convolution's gradient alone are more than a
    /// core's cache, and a larger chunk passes over them less often. Below, half a chunk keeps them there with its own tape.
    const WIDE: usize = 128;

    /// Number of positions of one [`forward`](Backprop::forward) at which many of them are passed the fastest.
    pub fn fastest_chunk(&self) -> usize {
        match &self.tower {
            Tower::Vectors(tower) if usize::from(tower.network.spec.channels) < Self::WIDE => CHUNK / 2,
            Tower::Vectors(_) | Tower::Matrix(_) => CHUNK,
        }
    }

    /// Backpropagation in f32, at the fastest level of this CPU.
    ///
    /// # Panics
    /// Never: the best level is available.
    pub fn new(weights: &Weights) -> Backprop {
        Backprop::with_level(weights, Level::best()).expect("the best level is available")
    }

    /// The same as [`new`](Backprop::new), with its two halves as tasks that `both` runs, at once or one after the other.
    ///
    /// # Panics
    /// If `both` does not run each of them.
    pub fn in_two_tasks(weights: &Weights, both: impl FnOnce(Task, Task)) -> Backprop {
        Backprop::by_tasks(weights, Level::best(), both).expect("the best level is available")
    }

    /// Backpropagation in f32 at one level, or `None` if the level is not available.
    pub fn with_level(weights: &Weights, level: Level) -> Option<Backprop> {
        Backprop::by_tasks(weights, level, |forward, backward| {
            forward();
            backward();
        })
    }

    fn by_tasks(weights: &Weights, level: Level, both: impl FnOnce(Task, Task)) -> Option<Backprop> {
        let (kernels, gradients) = (Kernels::<f32>::of(level)?, GradientKernels::of(level)?);
        let (mut network, mut backward) = (None, None);
        both(&mut || network = Some(Network::float(weights, level, kernels)), &mut || {
            let transposed = vector_tower::Tower::transposed(weights, kernels);
            backward = Some((transposed, HeadsBackward::new(weights, kernels, gradients)));
        });
        let network = network.expect("both tasks were run");
        let (transposed, heads) = backward.expect("both tasks were run");
        Some(Backprop { tower: Tower::Vectors(vector_tower::Tower::new(network, gradients, transposed)), heads })
    }

    /// Backpropagation with the arithmetic of [`Bf16::new`](super::Bf16::new), or `None` without a matrix unit; gradients are f32.
    pub fn bf16(weights: &Weights) -> Option<Backprop> {
        Backprop::matrix(weights, 1)
    }

    /// Backpropagation with the arithmetic of [`Bf16::x3`](super::Bf16::x3), or `None` without a matrix unit; gradients are f32.
    pub fn bf16x3(weights: &Weights) -> Option<Backprop> {
        Backprop::matrix(weights, 2)
    }

    fn matrix(weights: &Weights, halves: usize) -> Option<Backprop> {
        let (kernels, gradients) = (Kernels::<f32>::of(Level::Avx512)?, GradientKernels::of(Level::Avx512)?);
        Some(Backprop {
            tower: Tower::Matrix(matrix_tower::Tower::new(weights, halves)?),
            heads: HeadsBackward::new(weights, kernels, gradients),
        })
    }

    fn network(&self) -> (&NetSpec, &Heads, &OptionalLayers) {
        match &self.tower {
            Tower::Vectors(tower) => (&tower.network.spec, &tower.network.heads, &tower.network.optional),
            Tower::Matrix(tower) => tower.network(),
        }
    }

    /// An empty tape for networks of this architecture.
    pub fn tape(&self) -> Tape {
        let (_, heads, optional) = self.network();
        Tape {
            boards: 0,
            tower: match &self.tower {
                Tower::Vectors(tower) => TowerTape::Vectors(tower.tape()),
                Tower::Matrix(tower) => TowerTape::Matrix(tower.tape()),
            },
            heads: self.heads.tape(heads, optional, CHUNK),
        }
    }

    /// Forward pass of at most [`CHUNK`](Backprop::CHUNK) positions, which records the activations on the tape.
    ///
    /// Shapes as in [`Executor::forward`](crate::net::Executor::forward).
    ///
    /// # Panics
    /// If a slice has another length than its shape says, there are too many positions, or the tape is not of this
    /// architecture.
    pub fn forward(&self, tape: &mut Tape, planes: &[f32], policy: &mut [f32], wdl: &mut [f32]) {
        self.forward_scored(tape, planes, policy, wdl, &mut []);
    }

    /// Forward pass with the scores, as in [`Executor::forward_scored`](crate::net::Executor::forward_scored).
    ///
    /// # Panics
    /// As [`forward`](Backprop::forward), or if scores are asked of a network without a score head.
    pub fn forward_scored(
        &self,
        tape: &mut Tape,
        planes: &[f32],
        policy: &mut [f32],
        wdl: &mut [f32],
        score: &mut [f32],
    ) {
        let (spec, heads, optional) = self.network();
        let boards = wdl.len() / OUTCOMES;
        assert!(boards <= CHUNK, "{boards} positions do not fit on the tape");
        crate::net::assert_shapes(spec, boards, planes, policy, wdl, score);
        tape.boards = boards;
        let (trunk, lanes) = match (&self.tower, &mut tape.tower) {
            (Tower::Vectors(tower), TowerTape::Vectors(tape)) => {
                tower.forward(tape, boards, planes);
                (tape.buffers.trunk.as_ref(), tower.network.kernels.lanes)
            }
            (Tower::Matrix(tower), TowerTape::Matrix(tape)) => {
                (tower.forward(tape, boards, planes), matrix_tower::LANES)
            }
            _ => panic!("{MISMATCH}"),
        };
        heads.forward(&mut tape.heads.buffers, trunk, policy, wdl);
        optional.score(trunk, lanes, usize::from(spec.channels), score);
    }

    /// Backward pass of the last [`forward`](Backprop::forward): adds gradients to the sums on the tape, given the gradients of the loss
    /// with respect to `policy` and `wdl`.
    ///
    /// # Panics
    /// If a slice has another length than it had in `forward`.
    pub fn backward(&self, tape: &mut Tape, policy: &[f32], wdl: &[f32]) {
        self.backward_scored(tape, policy, wdl, &[]);
    }

    /// Backward pass with the gradient with respect to the `score`; empty where the loss does not depend on it.
    ///
    /// # Panics
    /// As [`backward`](Backprop::backward).
    pub fn backward_scored(&self, tape: &mut Tape, policy: &[f32], wdl: &[f32], score: &[f32]) {
        let ((spec, heads, optional), boards) = (self.network(), tape.boards);
        assert_eq!(policy.len(), boards * spec.actions(), "policy is [batch, policy_planes * 81]");
        assert_eq!(wdl.len(), boards * OUTCOMES, "wdl is [batch, 3]");
        assert!(score.is_empty() || score.len() == boards, "score is [batch] or empty");
        let trunk = match &tape.tower {
            TowerTape::Vectors(tape) => tape.buffers.trunk.as_ref(),
            TowerTape::Matrix(tape) => tape.trunk(),
        };
        self.heads.backward(heads, optional, &mut tape.heads, trunk, [policy, wdl, score]);
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
        let mut tensors = Tensors::new(gradient);
        match (&self.tower, &mut tape.tower) {
            (Tower::Vectors(tower), TowerTape::Vectors(tape)) => tower.take_gradient(tape, &mut tensors),
            (Tower::Matrix(tower), TowerTape::Matrix(tape)) => tower.take_gradient(tape, &mut tensors),
            _ => panic!("{MISMATCH}"),
        }
        self.heads.take_gradient(&mut tape.heads, &mut tensors);
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

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

    /// A random network, its input, and a random linear loss of its outputs.
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

        /// The gradient, and the policy logits.
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

    /// Compares the slope of a random linear loss in each tensor with finite differences of the scalar definition.
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

    /// Compares gradients on a matrix unit, where there is one, with those in f32, and logits with those of the executor.
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
            // In eight bits a ReLU may change sides, which can turn a small tensor's gradient around.
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
