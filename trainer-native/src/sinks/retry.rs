//! Repeated attempts with exponential back-off and jitter.

use crate::settings::SinksSection;
use anyhow::{Error, Result};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Attempts at a request, and the delays between them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Retry {
    /// Number of attempts, at least 1.
    pub attempts: u64,
    /// Delay before the second attempt; it doubles with each.
    pub first: Duration,
    /// Longest delay.
    pub longest: Duration,
}

/// Error of an attempt.
#[derive(Debug)]
pub enum AttemptError {
    /// Another attempt may succeed.
    ForNow(Error),
    /// No other attempt will.
    ForGood(Error),
}

impl Retry {
    /// Attempts and delays of the settings.
    pub fn of(settings: &SinksSection) -> Self {
        let SinksSection { attempts, first_delay, longest_delay, .. } = *settings;
        let [first, longest] = [first_delay, longest_delay].map(Duration::from_secs_f64);
        Self { attempts, first, longest }
    }

    /// Delays between the attempts. Each is shortened by up to a half, by `random` numbers 0–1, so that many runs that lost one
    /// server do not come back to it at the same instant.
    pub fn delays(self, mut random: impl FnMut() -> f64) -> impl Iterator<Item = Duration> {
        let full = std::iter::successors(Some(self.first), |delay| Some(delay.saturating_mul(2)));
        let count = usize::try_from(self.attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        full.take(count).map(move |delay| delay.min(self.longest).mul_f64(1.0 - 0.5 * random()))
    }

    /// First success of the attempts at `action`, with `wait` called between them.
    ///
    /// # Errors
    /// The last error, with the number of attempts.
    pub fn run<T>(
        self,
        mut action: impl FnMut() -> Result<T, AttemptError>,
        mut wait: impl FnMut(Duration),
    ) -> Result<T> {
        let mut delays = self.delays(random);
        let mut attempts = 0;
        loop {
            attempts += 1;
            match action() {
                Ok(value) => return Ok(value),
                Err(AttemptError::ForGood(error)) => return Err(error),
                Err(AttemptError::ForNow(error)) => match delays.next() {
                    Some(delay) => wait(delay),
                    None => return Err(error.context(format!("{attempts} attempts"))),
                },
            }
        }
    }
}

/// Random number, 0–1: that which the standard library gives each hash map.
fn random() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    const RETRY: Retry = Retry { attempts: 6, first: Duration::from_secs(1), longest: Duration::from_secs(5) };

    #[test]
    fn delays_double_up_to_the_longest_and_are_shortened_by_up_to_a_half() {
        let seconds = |random: f64| RETRY.delays(|| random).map(|delay| delay.as_secs_f64()).collect::<Vec<_>>();
        assert_eq!(seconds(0.0), [1.0, 2.0, 4.0, 5.0, 5.0]);
        assert_eq!(seconds(1.0), [0.5, 1.0, 2.0, 2.5, 2.5]);
        let drawn: Vec<f64> = (0..100).map(|_| random()).collect();
        assert!(drawn.iter().all(|number| (0.0..=1.0).contains(number)));
        assert!(drawn.iter().any(|&number| number < 0.5) && drawn.iter().any(|&number| number > 0.5));
    }

    #[test]
    fn attempts_end_with_the_first_success_and_the_first_error_for_good() {
        let check = |attempts: u64, outcomes: &[Option<bool>], expected: Result<usize, &str>, waits: usize| {
            let (mut tries, mut delays) = (0, 0);
            let action = || {
                tries += 1;
                match outcomes[tries - 1] {
                    Some(true) => Ok(tries),
                    Some(false) => Err(AttemptError::ForNow(anyhow!("busy"))),
                    None => Err(AttemptError::ForGood(anyhow!("forbidden"))),
                }
            };
            let result = Retry { attempts, ..RETRY }.run(action, |_| delays += 1);
            assert_eq!(result.map_err(|error| format!("{error:#}")), expected.map_err(ToOwned::to_owned));
            assert_eq!(delays, waits);
        };
        check(3, &[Some(true)], Ok(1), 0);
        check(3, &[Some(false), Some(false), Some(true)], Ok(3), 2);
        check(3, &[Some(false); 3], Err("3 attempts: busy"), 2);
        check(3, &[Some(false), None], Err("forbidden"), 1);
        check(1, &[Some(false)], Err("1 attempts: busy"), 0);
    }
}
