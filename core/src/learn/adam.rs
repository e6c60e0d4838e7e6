//! The optimiser: Adam (Kingma and Ba 2015) over flat weights, with clipping by global norm.

use alloc::{vec, vec::Vec};

use serde::{Deserialize, Serialize};

/// Decay of the first moment.
pub const BETA1: f32 = 0.9;
/// Decay of the second moment.
pub const BETA2: f32 = 0.999;
/// Term added to the root of the second moment; 1e-5, as usual for PPO.
pub const EPSILON: f32 = 1e-5;

/// Moments of every weight and the number of steps taken.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Adam {
    step: u32,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Adam {
    /// Optimiser of this many weights, before its first step.
    pub fn new(weights: usize) -> Self {
        Self { step: 0, first: vec![0.0; weights], second: vec![0.0; weights] }
    }

    /// Number of weights.
    pub fn len(&self) -> usize {
        self.first.len()
    }

    /// Whether there are no weights.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// Steps taken.
    pub fn steps(&self) -> u32 {
        self.step
    }

    /// First and second moment of every weight.
    pub fn moments(&self) -> [&[f32]; 2] {
        [&self.first, &self.second]
    }

    /// Sets moments that were computed elsewhere, and the number of steps behind them.
    ///
    /// # Panics
    /// If they belong to another number of weights.
    pub fn set_moments(&mut self, steps: u32, [first, second]: [Vec<f32>; 2]) {
        assert_eq!([first.len(), second.len()], [self.len(); 2], "moments of the optimiser");
        *self = Self { step: steps, first, second };
    }

    /// Takes one step: moves `weights` against `gradient`.
    ///
    /// # Panics
    /// If a length differs from the number of weights.
    pub fn step(&mut self, weights: &mut [f32], gradient: &[f32], learning_rate: f32) {
        assert_eq!(weights.len(), self.len(), "weights of the optimiser");
        assert_eq!(gradient.len(), self.len(), "gradient of the optimiser");
        self.step += 1;
        let [first_bias, second_bias] = biases(self.step);
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((weight, &g), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
            *m = BETA1 * *m + (1.0 - BETA1) * g;
            *v = BETA2 * *v + (1.0 - BETA2) * g * g;
            *weight -= learning_rate * (*m / first_bias) / (libm::sqrtf(*v / second_bias) + EPSILON);
        }
    }
}

/// Bias corrections of first and second moment after `steps` steps: divisors that make up for moments that began at 0.
pub fn biases(steps: u32) -> [f32; 2] {
    [BETA1, BETA2].map(|beta| (1.0 - libm::pow(f64::from(beta), f64::from(steps))) as f32)
}

/// Euclidean norm of the whole gradient.
pub fn global_norm(gradient: &[f32]) -> f32 {
    libm::sqrt(gradient.iter().map(|&g| f64::from(g) * f64::from(g)).sum()) as f32
}

/// Scales a gradient of norm `norm` down to `max_norm` if it is longer.
pub fn clip(gradient: &mut [f32], norm: f32, max_norm: f32) {
    if norm > max_norm {
        let scale = clip_scale(norm, max_norm);
        for g in gradient {
            *g *= scale;
        }
    }
}

/// Factor, at most 1, that brings a gradient of norm `norm` down to `max_norm` if it is longer.
pub fn clip_scale(norm: f32, max_norm: f32) -> f32 {
    if norm > max_norm { max_norm / norm } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_has_the_length_of_the_learning_rate() {
        // With bias correction the first step is lr · g / (|g| + ε).
        let mut weights = [1.0, -2.0, 0.5];
        Adam::new(3).step(&mut weights, &[0.5, -4.0, 0.0], 0.1);
        for (found, expected) in weights.into_iter().zip([0.9, -1.9, 0.5]) {
            assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
        }
    }

    #[test]
    fn two_steps_worked_by_hand() {
        let mut weights = [0.0];
        let mut adam = Adam::new(1);
        adam.step(&mut weights, &[1.0], 0.1);
        adam.step(&mut weights, &[0.0], 0.1);
        // m = 0.09 / 0.19, v = 0.000999 / 0.001999.
        let second = 0.1 * (0.09 / 0.19) / ((0.000_999f32 / 0.001_999).sqrt() + 1e-5);
        assert!((weights[0] + 0.1 + second).abs() < 1e-5, "{}", weights[0]);
        assert_eq!(adam.steps(), 2);
    }

    #[test]
    fn clipping_keeps_the_direction() {
        let mut gradient = [3.0, 4.0];
        assert_eq!(global_norm(&gradient), 5.0);
        clip(&mut gradient, 5.0, 10.0);
        assert_eq!(gradient, [3.0, 4.0]);
        clip(&mut gradient, 5.0, 1.0);
        assert!((gradient[0] - 0.6).abs() < 1e-6 && (gradient[1] - 0.8).abs() < 1e-6);
        assert_eq!([clip_scale(5.0, 10.0), clip_scale(5.0, 1.0)], [1.0, 0.2]);
    }
}
