//! Adaptation: hyper-parameters that follow what the iterations measure, where a schedule knows only the time.

use serde::{Deserialize, Serialize};

/// Aims of the adaptation; 0 switches each off.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct AdaptationSettings {
    /// Explained variance at which the material prior has its last weight.
    pub prior_explained: f32,
    /// Approximate KL divergence, in nats, that an update is to end with.
    pub update_kl: f32,
    /// Normalised entropy that the policy is to keep, 0–1.
    pub entropy_floor: f32,
}

/// State of the adaptation between iterations; part of a checkpoint.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Adaptation {
    /// Moving average of the explained variance, 0–1: an iteration below 0 counts as 0.
    explained: f32,
    /// Factor of the learning rate, at most 1.
    rate: f32,
    /// Factor of the entropy bonus, at least 1.
    bonus: f32,
}

/// Share of the last iteration in the average of the explained variance.
const NEWEST: f32 = 0.1;

/// Largest change of the learning rate's factor from one update to the next.
const LARGEST_STEP: f32 = 1.5;

/// Least factor of the learning rate.
const LEAST_RATE: f32 = 0.02;

/// Growth of the bonus for each iteration with less entropy than the floor; with more, it shrinks by as much.
const GROWTH: f32 = 1.05;

/// Greatest factor of the entropy bonus.
const GREATEST_BONUS: f32 = 100.0;

impl Default for Adaptation {
    fn default() -> Self {
        Self { explained: 0.0, rate: 1.0, bonus: 1.0 }
    }
}

impl Adaptation {
    /// Weight of the material prior between its first and its last: by the explained variance so far.
    pub fn prior_weight(&self, settings: &AdaptationSettings, first: f32, last: f32) -> f32 {
        last + (first - last) * (1.0 - self.explained / settings.prior_explained).clamp(0.0, 1.0)
    }

    /// Factor of the scheduled learning rate, at most 1.
    pub fn rate(&self) -> f32 {
        self.rate
    }

    /// Factor of the scheduled entropy bonus, at least 1.
    pub fn bonus(&self) -> f32 {
        self.bonus
    }

    /// The state without what these settings switch off.
    #[must_use]
    pub fn under(self, settings: &AdaptationSettings) -> Self {
        let none = Self::default();
        Self {
            explained: if settings.prior_explained > 0.0 { self.explained } else { none.explained },
            rate: if settings.update_kl > 0.0 { self.rate } else { none.rate },
            bonus: if settings.entropy_floor > 0.0 { self.bonus } else { none.bonus },
        }
    }

    /// Whether every number is one that [`observe`](Self::observe) can leave.
    pub fn is_sound(&self) -> bool {
        (0.0..=1.0).contains(&self.explained)
            && (LEAST_RATE..=1.0).contains(&self.rate)
            && (1.0..=GREATEST_BONUS).contains(&self.bonus)
    }

    /// Takes note of an iteration: the explained variance, the KL divergence with which the update ended, and the normalised entropy.
    /// Numbers that are not finite change nothing.
    ///
    /// ```text
    /// explained ← 0.9 · explained + 0.1 · max(0, explained variance)
    /// rate      ← rate · √(aim / KL), by a factor of 1.5 at most, within 0.02 to 1
    /// bonus     ← bonus · 1.05 below the floor, bonus / 1.05 above it, within 1 to 100
    /// ```
    pub fn observe(&mut self, settings: &AdaptationSettings, explained_variance: f64, last_kl: f64, entropy: f64) {
        if settings.prior_explained > 0.0 && explained_variance.is_finite() {
            self.explained += NEWEST * (explained_variance.clamp(0.0, 1.0) as f32 - self.explained);
        }
        if settings.update_kl > 0.0 && last_kl.is_finite() && last_kl > 0.0 {
            let step = libm::sqrtf(settings.update_kl / last_kl as f32);
            self.rate = (self.rate * step.clamp(1.0 / LARGEST_STEP, LARGEST_STEP)).clamp(LEAST_RATE, 1.0);
        }
        if settings.entropy_floor > 0.0 && entropy.is_finite() {
            let is_below = entropy < f64::from(settings.entropy_floor);
            self.bonus = if is_below { self.bonus * GROWTH } else { self.bonus / GROWTH }.clamp(1.0, GREATEST_BONUS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: AdaptationSettings = AdaptationSettings { prior_explained: 0.2, update_kl: 0.02, entropy_floor: 0.3 };

    fn near(found: f32, expected: f32) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    #[test]
    fn the_prior_leaves_as_the_value_head_learns_and_comes_back_if_it_forgets() {
        let mut adaptation = Adaptation::default();
        let weight = |adaptation: &Adaptation| adaptation.prior_weight(&ALL, 0.9, 0.1);
        near(weight(&adaptation), 0.9);
        for _ in 0..200 {
            adaptation.observe(&ALL, -3.0, 0.02, 0.5);
        }
        near(weight(&adaptation), 0.9);
        adaptation.observe(&ALL, 1.0, 0.02, 0.5);
        near(weight(&adaptation), 0.5);
        for _ in 0..200 {
            adaptation.observe(&ALL, 0.5, 0.02, 0.5);
        }
        near(weight(&adaptation), 0.1);
        for _ in 0..200 {
            adaptation.observe(&ALL, 0.05, 0.02, 0.5);
        }
        near(weight(&adaptation), 0.7);
    }

    #[test]
    fn the_rate_goes_where_updates_end_at_their_aim() {
        let mut adaptation = Adaptation::default();
        // The divergence grows with the square of the rate; at the whole rate it is 0.5.
        for _ in 0..50 {
            let kl = 0.5 * f64::from(adaptation.rate()).powi(2);
            adaptation.observe(&ALL, 0.0, kl, 0.5);
        }
        near(adaptation.rate(), 0.2);
        adaptation.observe(&ALL, 0.0, 1e9, 0.5);
        near(adaptation.rate(), 0.2 / 1.5);
        for _ in 0..50 {
            adaptation.observe(&ALL, 0.0, 1e-9, 0.5);
        }
        near(adaptation.rate(), 1.0);
    }

    #[test]
    fn the_bonus_grows_below_the_floor_and_comes_back_above_it() {
        let mut adaptation = Adaptation::default();
        adaptation.observe(&ALL, 0.0, 0.02, 0.31);
        near(adaptation.bonus(), 1.0);
        for _ in 0..3 {
            adaptation.observe(&ALL, 0.0, 0.02, 0.29);
        }
        near(adaptation.bonus(), 1.05f32.powi(3));
        for _ in 0..2 {
            adaptation.observe(&ALL, 0.0, 0.02, 0.31);
        }
        near(adaptation.bonus(), 1.05);
    }

    #[test]
    fn what_is_off_or_not_a_number_changes_nothing() {
        let mut adaptation = Adaptation::default();
        adaptation.observe(&AdaptationSettings::default(), 0.9, 5.0, 0.0);
        adaptation.observe(&ALL, f64::NAN, f64::NAN, f64::NAN);
        adaptation.observe(&ALL, 0.0, f64::INFINITY, 0.5);
        adaptation.observe(&ALL, 0.0, 0.0, 0.5);
        assert_eq!(adaptation, Adaptation::default());
        for _ in 0..9 {
            adaptation.observe(&ALL, 0.5, 0.5, 0.1);
        }
        assert!(adaptation.is_sound() && adaptation != Adaptation::default());
        assert_eq!(adaptation.clone().under(&ALL), adaptation);
        assert_eq!(adaptation.under(&AdaptationSettings::default()), Adaptation::default());
        assert!(!Adaptation { rate: f32::NAN, ..Adaptation::default() }.is_sound());
    }
}
