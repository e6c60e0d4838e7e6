//! [`Average`]: moving average of the weights, smoother and usually stronger than the newest ones.

use serde::{Deserialize, Serialize};

/// Moving average of the weights over the updates of a run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Average {
    /// Updates that it is taken over.
    updates: u64,
    weights: Vec<f32>,
}

impl Average {
    /// Averaged weights.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Takes in the weights after an update: `average ← d · average + (1 − d) · weights`. The decay `d` begins at 0 and is at most
    /// `n / (n + 1)` after `n` updates, so that the average is a plain mean until it is long enough.
    pub fn add(&mut self, weights: &[f32], decay: f32) {
        let decay = f64::from(decay).min(self.updates as f64 / (self.updates + 1) as f64);
        self.updates += 1;
        if self.weights.len() != weights.len() {
            self.weights = weights.to_vec();
            return;
        }
        for (average, &weight) in self.weights.iter_mut().zip(weights) {
            *average = (decay * f64::from(*average) + (1.0 - decay) * f64::from(weight)) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_a_mean_first_and_then_forgets() {
        let mut average = Average::default();
        for (weight, expected) in [(8.0, 8.0), (4.0, 6.0), (0.0, 3.0), (7.0, 5.0)] {
            average.add(&[weight, -weight], 0.5);
            assert_eq!(average.weights(), [expected, -expected]);
        }
        let mut mean = Average::default();
        for weight in 1..=9u8 {
            mean.add(&[f32::from(weight)], 0.999);
        }
        assert!((mean.weights()[0] - 5.0).abs() < 1e-6, "{mean:?}");
    }
}
