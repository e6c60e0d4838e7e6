//! [`Interval`]: what is done every so many plies, iterations or seconds.

/// Interval of a counter, such as the plies of a run; 0 stands for never.
///
/// What is due is decided by crossing: the counter may advance by any number at a time, and each multiple of the interval is still
/// met exactly once. Nothing is due at 0.
///
/// ```
/// use trainer_native::run::interval::Interval;
///
/// let interval = Interval(1000);
/// assert!(!interval.crossed(0, 640) && interval.crossed(640, 1280) && interval.crossed(1990, 2000));
/// assert!(!interval.crossed(1000, 1999) && !Interval(0).crossed(0, 5000));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval(pub u64);

impl Interval {
    /// Whether a multiple of the interval lies behind `before` and not behind `now`: in `before + 1..=now`.
    pub fn crossed(self, before: u64, now: u64) -> bool {
        self.0 > 0 && before / self.0 < now / self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keisei_core::random::{Purpose, Stream};

    /// Crossings that a run of at least `end` steps books, each as the number of the latest multiple, and the counter at its end.
    /// The counter advances by up to `chunk` at a time; the run is saved and killed at random, and goes on from what was saved.
    fn crossings(interval: Interval, end: u64, chunk: usize, stream: &mut Stream) -> (Vec<u64>, u64) {
        let mut booked = Vec::new();
        let mut now = 0;
        let mut saved = (0, 0);
        while now < end {
            let before = now;
            now += 1 + stream.below(chunk) as u64;
            if interval.crossed(before, now) {
                booked.push(now / interval.0);
            }
            match stream.below(40) {
                0 => {
                    now = saved.0;
                    booked.truncate(saved.1);
                }
                1..8 => saved = (now, booked.len()),
                _ => {}
            }
        }
        (booked, now)
    }

    #[test]
    fn each_multiple_is_crossed_once_whatever_the_steps_and_resumes() {
        for seed in 0..300 {
            let mut stream = Stream::new(seed, Purpose::Shuffle, 0, 0);
            let interval = Interval(1 + stream.below(50) as u64);
            // Steps up to the interval cross at most one multiple at a time.
            let chunk = 1 + stream.below(interval.0 as usize);
            let (booked, now) = crossings(interval, 1000, chunk, &mut stream);
            let expected: Vec<u64> = (1..=now / interval.0).collect();
            assert_eq!(booked, expected, "{interval:?} in steps of up to {chunk}");
        }
    }

    #[test]
    fn a_step_over_several_multiples_is_one_crossing() {
        for seed in 0..300 {
            let mut stream = Stream::new(seed, Purpose::Shuffle, 1, 0);
            let interval = Interval(1 + stream.below(20) as u64);
            let (booked, now) = crossings(interval, 1000, 100, &mut stream);
            assert!(booked.is_sorted_by(|a, b| a < b), "{interval:?}: {booked:?}");
            assert_eq!(booked.last(), Some(&(now / interval.0)), "{interval:?}");
        }
    }

    #[test]
    fn crossing_is_additive() {
        // Of two steps in a row one crosses exactly if both together do.
        for interval in 0..8 {
            for (a, b, c) in (0..20).flat_map(|a| (a..20).flat_map(move |b| (b..20).map(move |c| (a, b, c)))) {
                let crossed = |from, to| Interval(interval).crossed(from, to);
                assert_eq!(crossed(a, c), crossed(a, b) || crossed(b, c), "{interval}: {a}, {b}, {c}");
            }
        }
        assert!(!Interval(5).crossed(0, 0) && !Interval(5).crossed(7, 7));
        assert!(Interval(1).crossed(u64::MAX - 1, u64::MAX));
    }
}
