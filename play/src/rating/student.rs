//! Student's t distribution.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Most degrees of freedom that are told apart: beyond them the distribution is the normal one to four digits.
const MOST: f64 = 1e5;

/// Standard distribution with `freedom` degrees of freedom, at least 1.
fn distribution(freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom.clamp(1.0, MOST)).expect("the degrees of freedom are positive and finite")
}

/// Half the width of a two-sided 95 % interval, in standard deviations.
pub(super) fn half_width(freedom: f64) -> f64 {
    distribution(freedom).inverse_cdf(0.975)
}

/// Probability of a value below `t`.
pub(super) fn below(t: f64, freedom: f64) -> f64 {
    distribution(freedom).cdf(t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_tabled_ones() {
        for (freedom, expected) in [(1.0, 12.7062), (3.0, 3.1824), (10.0, 2.2281), (30.0, 2.0423), (1e9, 1.95999)] {
            assert!((half_width(freedom) - expected).abs() < 1e-4, "{freedom}: {}", half_width(freedom));
            assert!((below(half_width(freedom), freedom) - 0.975).abs() < 1e-6, "{freedom}");
        }
        assert_eq!(below(0.0, 5.0), 0.5);
    }
}
