//! [`Retention`]: which checkpoints stay when a new one is written.

use std::collections::{BTreeMap, BTreeSet};

/// Rule of the checkpoints that stay. Each part keeps some, and a checkpoint stays if any part keeps it.
///
/// A checkpoint that `hours` or `log_spaced` keeps is kept for ever: both take the first one of a span that later ones cannot enter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Retention {
    /// Number of the newest that are kept, at least 1.
    pub newest: usize,
    /// Length in hours of the run of the spans of which each keeps its first one, 0 for none.
    pub hours: f64,
    /// Whether the first one of each doubling of the iteration is kept: the first from iteration 1 on, from 2, 4, 8, 16 and so on.
    pub log_spaced: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Self { newest: 3, hours: 0.0, log_spaced: true }
    }
}

impl Retention {
    /// Iterations of the checkpoints to keep among `whole`, which gives the seconds of the run at each iteration. `pinned` ones are
    /// kept if they are there, and take no place of the newest.
    pub fn kept(&self, whole: &BTreeMap<u64, f64>, pinned: &BTreeSet<u64>) -> BTreeSet<u64> {
        let newest = whole.keys().rev().filter(|&iteration| !pinned.contains(iteration)).take(self.newest.max(1));
        let mut kept: BTreeSet<u64> = newest.copied().collect();
        kept.extend(pinned.iter().filter(|&iteration| whole.contains_key(iteration)));
        // The newest one is where the run goes on, pinned or not.
        kept.extend(whole.keys().next_back());
        if self.hours > 0.0 {
            let span = |&seconds: &f64| (seconds / (3600.0 * self.hours)) as u64;
            kept.extend(first_of_each(whole.iter().map(|(&iteration, seconds)| (span(seconds), iteration))));
        }
        if self.log_spaced {
            let doubling = |&iteration: &u64| Some((u64::from(iteration.checked_ilog2()?), iteration));
            kept.extend(first_of_each(whole.keys().filter_map(doubling)));
        }
        kept
    }
}

/// Least iteration of each span.
fn first_of_each(spans: impl Iterator<Item = (u64, u64)>) -> impl Iterator<Item = u64> {
    let mut first: BTreeMap<u64, u64> = BTreeMap::new();
    for (span, iteration) in spans {
        first.entry(span).and_modify(|least| *least = iteration.min(*least)).or_insert(iteration);
    }
    first.into_values()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keisei_core::random::{Purpose, Stream};

    fn check(retention: Retention, whole: &[(u64, f64)], pinned: &[u64], expected: &[u64]) {
        let kept = retention.kept(&whole.iter().copied().collect(), &pinned.iter().copied().collect());
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), expected, "{retention:?}, {whole:?}, {pinned:?}");
    }

    #[test]
    fn each_part_keeps_its_own() {
        let every_ten: Vec<(u64, f64)> = (0..=20).map(|i| (10 * i, 600.0 * i as f64)).collect();
        let newest = |newest| Retention { newest, hours: 0.0, log_spaced: false };
        check(newest(2), &every_ten, &[], &[190, 200]);
        check(newest(0), &every_ten, &[], &[200]);
        check(newest(2), &every_ten, &[50, 55], &[50, 190, 200]);
        check(newest(2), &every_ten, &[190, 200], &[170, 180, 190, 200]);
        check(newest(1), &every_ten, &[200], &[190, 200]);
        check(newest(2), &[], &[50], &[]);
        // An hour is six checkpoints.
        check(Retention { hours: 1.0, ..newest(1) }, &every_ten, &[], &[0, 60, 120, 180, 200]);
        check(Retention { hours: 0.5, ..newest(1) }, &every_ten[..7], &[], &[0, 30, 60]);
        check(Retention { log_spaced: true, ..newest(1) }, &every_ten, &[], &[10, 20, 40, 70, 130, 200]);
    }

    #[test]
    fn a_run_keeps_its_newest_its_pins_and_one_of_each_span_for_ever() {
        for seed in 0..200 {
            let mut stream = Stream::new(seed, Purpose::Shuffle, 0, 0);
            let retention = Retention {
                newest: stream.below(5),
                hours: [0.0, 0.25, 3.0][stream.below(3)],
                log_spaced: stream.below(2) == 0,
            };
            let mut there: BTreeMap<u64, f64> = BTreeMap::new();
            let mut pinned = BTreeSet::new();
            let mut ever = BTreeMap::new();
            let (mut iteration, mut seconds) = (0, 0.0);
            for _ in 0..100 {
                iteration += 1 + stream.below(30) as u64;
                seconds += f64::from(stream.uniform()) * 900.0;
                there.insert(iteration, seconds);
                ever.insert(iteration, seconds);
                if stream.below(10) == 0 {
                    pinned.insert(iteration);
                }
                let kept = retention.kept(&there, &pinned);
                let context = format!("seed {seed}, {retention:?}, iteration {iteration}");
                assert!(kept.contains(&iteration), "{context}: the one just written is deleted");
                assert!(kept.is_superset(&pinned), "{context}: a pinned one is deleted");
                assert!(kept.iter().all(|iteration| there.contains_key(iteration)), "{context}");
                assert!(kept.len() >= retention.newest.clamp(1, there.len()), "{context}: too few");
                there.retain(|iteration, _| kept.contains(iteration));
                assert_eq!(retention.kept(&there, &pinned), kept, "{context}: a second look deletes more");

                // Nothing is missing that would have stayed had nothing been deleted so far.
                let spaced = Retention { newest: 1, ..retention }.kept(&ever, &BTreeSet::new());
                assert!(kept.is_superset(&spaced), "{context}: {spaced:?} not in {kept:?}");
            }
            let hours = if retention.hours > 0.0 { (seconds / 3600.0 / retention.hours) as usize + 1 } else { 0 };
            let doublings = if retention.log_spaced { iteration.ilog2() as usize + 1 } else { 0 };
            let most = retention.newest.max(1) + pinned.len() + hours + doublings + 1;
            assert!(there.len() <= most, "seed {seed}: {} are more than {most}", there.len());
            let spans: BTreeSet<u32> = there.keys().map(|iteration| iteration.ilog2()).collect();
            assert!(!retention.log_spaced || spans.len() >= 5, "seed {seed}: {there:?}");
        }
    }
}
