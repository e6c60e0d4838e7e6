//! Schedules: hyper-parameters that change over a run.

use serde::{Deserialize, Serialize};

/// Schedule of a number: moves from one value to another over a run, then stays.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Value at the start.
    pub from: f32,
    /// Value at `until` and after.
    pub to: f32,
    /// Part of the run after which `to` is reached: above 0, at most 1.
    pub until: f32,
    /// Curve between the two.
    pub shape: Curve,
}

/// Curve of a schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Curve {
    /// In proportion to progress.
    Linear,
    /// Half a cosine: slow, fast, slow.
    Cosine,
}

impl Schedule {
    /// A straight line from `from` to `to`, reached after the part `until` of the run.
    pub fn linear(from: f32, to: f32, until: f32) -> Self {
        Self { from, to, until, shape: Curve::Linear }
    }

    /// Half a cosine from `from` to `to`, reached after the part `until` of the run.
    pub fn cosine(from: f32, to: f32, until: f32) -> Self {
        Self { from, to, until, shape: Curve::Cosine }
    }

    /// The value at `progress` (0–1) of the run.
    pub fn at(&self, progress: f64) -> f32 {
        let done = (progress / f64::from(self.until)).clamp(0.0, 1.0) as f32;
        let done = match self.shape {
            Curve::Linear => done,
            Curve::Cosine => (1.0 - libm::cosf(core::f32::consts::PI * done)) / 2.0,
        };
        self.from + (self.to - self.from) * done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_move_and_stay() {
        let check = |shape, progress, expected: f32| {
            let schedule = Schedule { from: 1.0, to: 0.0, until: 0.5, shape };
            assert!((schedule.at(progress) - expected).abs() < 1e-6, "{shape:?} at {progress}");
        };
        check(Curve::Linear, 0.0, 1.0);
        check(Curve::Linear, 0.125, 0.75);
        check(Curve::Linear, 0.9, 0.0);
        check(Curve::Cosine, 0.0, 1.0);
        check(Curve::Cosine, 0.25, 0.5);
        check(Curve::Cosine, 0.125, f32::midpoint(1.0, core::f32::consts::FRAC_1_SQRT_2));
        check(Curve::Cosine, 1.0, 0.0);
    }
}
