//! Dirichlet and Gumbel numbers for the root.

use alloc::vec::Vec;

use crate::random::SplitMix64;

/// A point of the symmetric Dirichlet distribution with concentration `alpha`: `count` numbers that sum to 1.
pub(super) fn dirichlet(random: &mut SplitMix64, alpha: f32, count: usize) -> Vec<f32> {
    let mut sample: Vec<f32> = (0..count).map(|_| gamma(random, alpha)).collect();
    let sum: f32 = sample.iter().sum();
    for x in &mut sample {
        // With a tiny `alpha` every number can round to nothing.
        *x = if sum > 0.0 { *x / sum } else { 1.0 / count as f32 };
    }
    sample
}

/// A number of the standard Gumbel distribution.
pub(super) fn gumbel(random: &mut SplitMix64) -> f32 {
    -libm::logf(-libm::logf(open(random)))
}

/// A number of the gamma distribution with shape `alpha` and scale 1 (Marsaglia and Tsang 2000).
fn gamma(random: &mut SplitMix64, alpha: f32) -> f32 {
    if alpha < 1.0 {
        return gamma(random, alpha + 1.0) * libm::powf(open(random), 1.0 / alpha);
    }
    let d = alpha - 1.0 / 3.0;
    let c = 1.0 / libm::sqrtf(9.0 * d);
    loop {
        let x = normal(random);
        let v = (1.0 + c * x) * (1.0 + c * x) * (1.0 + c * x);
        if v > 0.0 && libm::logf(open(random)) < 0.5 * x * x + d - d * v + d * libm::logf(v) {
            return d * v;
        }
    }
}

/// A number of the standard normal distribution (Box and Muller 1958).
fn normal(random: &mut SplitMix64) -> f32 {
    let radius = libm::sqrtf(-2.0 * libm::logf(open(random)));
    radius * libm::cosf(core::f32::consts::TAU * open(random))
}

/// Uniform in (0, 1), of 23 bits: neither end, so that its logarithm is finite.
fn open(random: &mut SplitMix64) -> f32 {
    ((random.next_u64() >> 41) as f32 + 0.5) / (1 << 23) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of many numbers.
    fn moments(mut draw: impl FnMut() -> f32) -> (f64, f64) {
        let numbers: Vec<f64> = (0..100_000).map(|_| f64::from(draw())).collect();
        let mean = numbers.iter().sum::<f64>() / 1e5;
        (mean, numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 1e5)
    }

    fn check(what: &str, found: (f64, f64), mean: f64, variance: f64) {
        assert!((found.0 - mean).abs() < 0.02 && (found.1 / variance - 1.0).abs() < 0.05, "{what}: {found:?}");
    }

    #[test]
    fn the_distributions_have_their_moments() {
        let mut random = SplitMix64(1);
        check("normal", moments(|| normal(&mut random)), 0.0, 1.0);
        // Euler's constant, π²/6.
        check("Gumbel", moments(|| gumbel(&mut random)), 0.577_216, 1.644_934);
        for alpha in [0.15, 1.0, 4.0] {
            check("gamma", moments(|| gamma(&mut random, alpha)), f64::from(alpha), f64::from(alpha));
        }
        // Mean 1/n, variance (n − 1) / (n² (nα + 1)).
        check("Dirichlet", moments(|| dirichlet(&mut random, 0.15, 5)[2]), 0.2, 4.0 / (25.0 * 1.75));
    }

    #[test]
    fn noise_is_a_distribution() {
        for alpha in [0.001, 0.15, 10.0] {
            let sum: f32 = dirichlet(&mut SplitMix64(7), alpha, 80).iter().sum();
            assert!((sum - 1.0).abs() < 1e-5, "{alpha}: {sum}");
        }
    }
}
