//! Play by the policy alone: a softmax over the logits of the legal actions, then one draw.

use alloc::vec::Vec;

/// Probabilities of the legal actions of one position: the softmax of `logits / temperature`, in f32.
///
/// A temperature of 0 puts everything on the best action (the first, if several are best).
///
/// # Panics
/// If there are no logits, or `temperature` is negative or not a number.
///
/// ```
/// use keisei_core::search::policy::probabilities;
/// let p = probabilities(&[0.0, f32::ln(3.0)], 1.0);
/// assert!((p[0] - 0.25).abs() < 1e-6 && (p[1] - 0.75).abs() < 1e-6);
/// ```
pub fn probabilities(logits: &[f32], temperature: f32) -> Vec<f32> {
    let mut probabilities = logits.to_vec();
    softmax(&mut probabilities, temperature);
    probabilities
}

/// Turns the logits of all legal actions into their probabilities, as [`probabilities`] does.
///
/// # Panics
/// If there are no logits, or `temperature` is negative or not a number.
pub fn softmax(logits: &mut [f32], temperature: f32) {
    assert!(!logits.is_empty(), "no legal action to choose from");
    assert!(temperature >= 0.0, "temperature {temperature} is not in 0..");
    let best = argmax(logits);
    let top = logits[best];
    for (i, logit) in logits.iter_mut().enumerate() {
        *logit = match temperature {
            0.0 => f32::from(u8::from(i == best)),
            _ => libm::expf((*logit - top) / temperature),
        };
    }
    let sum: f32 = logits.iter().sum();
    for p in logits {
        *p /= sum;
    }
}

/// Index into `probabilities` that a uniform number in `[0, 1)` draws.
///
/// # Panics
/// If `probabilities` is empty.
pub fn draw(probabilities: &[f32], uniform: f32) -> usize {
    let mut rest = uniform;
    for (i, &p) in probabilities.iter().enumerate() {
        rest -= p;
        if rest < 0.0 {
            return i;
        }
    }
    // Rounding left a sliver above the sum: it belongs to the last action that can be drawn.
    probabilities.iter().rposition(|&p| p > 0.0).expect("probabilities sum to one")
}

/// The `count` most probable entries, most probable first: index and probability.
pub fn top(probabilities: &[f32], count: usize) -> Vec<(usize, f32)> {
    falling(probabilities.iter().copied()).take(count).map(|at| (at, probabilities[at])).collect()
}

/// Places of the values by falling value; of equal ones the first comes first.
///
/// It sorts numbers, as the listing of legal actions does: code for one more type would be a hundredth of a page's download.
pub(super) fn falling(values: impl Iterator<Item = f32>) -> impl Iterator<Item = usize> {
    let key = |(at, value): (usize, f32)| {
        let bits = value.to_bits();
        // The order of `f32::total_cmp`, from the greatest to the least.
        let falling = if bits >> 31 == 0 { !(bits | 1 << 31) } else { bits };
        (u64::from(falling) << 32) | at as u64
    };
    let mut keys: Vec<u64> = values.enumerate().map(key).collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| key as u32 as usize)
}

/// The first of the greatest.
fn argmax(logits: &[f32]) -> usize {
    let mut best = 0;
    for (i, &logit) in logits.iter().enumerate() {
        if logit > logits[best] {
            best = i;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_fall_where_the_cumulative_sum_says() {
        let check =
            |uniform: f32, expected: usize| assert_eq!(draw(&[0.25, 0.0, 0.75, 0.0], uniform), expected, "{uniform}");
        check(0.0, 0);
        check(0.2499, 0);
        check(0.25, 2);
        check(0.999_999_9, 2);
        check(1.0, 2);
    }

    #[test]
    fn temperature_sharpens_and_zero_is_the_best_action() {
        let logits = [1.0, 3.0, 3.0, -2.0];
        assert_eq!(probabilities(&logits, 0.0), [0.0, 1.0, 0.0, 0.0]);
        let mild = probabilities(&logits[..2], 2.0);
        let sharp = probabilities(&logits[..2], 0.5);
        assert!(mild[1] < sharp[1]);
        assert_eq!(top(&sharp, 1)[0].0, 1);
    }

    #[test]
    fn falling_values_keep_the_order_of_equal_ones() {
        let check = |values: &[f32]| {
            let mut expected: Vec<usize> = (0..values.len()).collect();
            expected.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
            assert_eq!(falling(values.iter().copied()).collect::<Vec<_>>(), expected, "{values:?}");
        };
        check(&[]);
        check(&[0.25, 0.5, 0.25, 0.0, 0.5]);
        check(&[-0.0, 0.0, -1.0, f32::INFINITY, f32::MIN, f32::NAN, -f32::NAN, f32::MIN_POSITIVE, -1.0]);
    }

    #[test]
    fn huge_logits_stay_finite() {
        let p = probabilities(&[1e30, -1e30], 1.0);
        assert_eq!(p, [1.0, 0.0]);
    }
}
