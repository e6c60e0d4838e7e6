//! Series: the values of a metric over a whole run, in bounded memory.

/// Number of points that a series has at least once it is long, and half of what it has at most: about one for each pixel of a
/// diagram. Longer runs are kept as averages of neighbouring values.
pub const POINTS: usize = 600;

/// Values of a metric over the plies of a run.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Series {
    points: Vec<(f64, f64)>,
    /// Values that one point averages, as a power of 2.
    halvings: u32,
    /// Sums of the next point, and the number of its values.
    pending: (f64, f64, u32),
    last: Option<(f64, f64)>,
}

impl Series {
    /// Adds the value `y` at `x`. Values at the same place and after it are forgotten: the run has gone back.
    ///
    /// A value that is not finite is left out.
    pub fn push(&mut self, x: f64, y: f64) {
        if !y.is_finite() {
            return;
        }
        if self.last.is_some_and(|(last, _)| x <= last) {
            self.points.retain(|point| point.0 < x);
            self.pending = (0.0, 0.0, 0);
        }
        self.last = Some((x, y));
        let (sum_x, sum_y, count) = self.pending;
        self.pending = (sum_x + x, sum_y + y, count + 1);
        if self.pending.2 < 1 << self.halvings {
            return;
        }
        self.points.extend(self.half_done());
        self.pending = (0.0, 0.0, 0);
        if self.points.len() == 2 * POINTS {
            let mean = |pair: &[(f64, f64)]| (f64::midpoint(pair[0].0, pair[1].0), f64::midpoint(pair[0].1, pair[1].1));
            self.points = self.points.chunks_exact(2).map(mean).collect();
            self.halvings += 1;
        }
    }

    /// Mean of the values that do not make a point yet.
    fn half_done(&self) -> Option<(f64, f64)> {
        let (x, y, count) = self.pending;
        (count > 0).then(|| (x / f64::from(count), y / f64::from(count)))
    }

    /// Points from the first to the last, at most twice [`POINTS`].
    pub fn points(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.points.iter().copied().chain(self.half_done())
    }

    /// The newest value.
    pub fn last(&self) -> Option<f64> {
        self.last.map(|(_, y)| y)
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// Values of at most `count` equal parts of the run, averaged.
    pub fn in_parts(&self, count: usize) -> Vec<f64> {
        let values: Vec<f64> = self.points().map(|(_, y)| y).collect();
        if values.len() <= count {
            return values;
        }
        let at = |part: usize| part * values.len() / count;
        let mean = |part: usize| {
            let values = &values[at(part)..at(part + 1)];
            values.iter().sum::<f64>() / values.len() as f64
        };
        (0..count).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: impl Iterator<Item = (f64, f64)>) -> Series {
        let mut series = Series::default();
        values.for_each(|(x, y)| series.push(x, y));
        series
    }

    #[test]
    fn a_long_series_has_few_points_from_its_start_to_its_end() {
        for count in [1, 600, 1199, 1200, 1201, 20_000, 100_003] {
            let share = |i: i32| f64::from(i) / f64::from(count);
            let series = series((0..count).map(|i| (f64::from(i), share(i))));
            let points: Vec<(f64, f64)> = series.points().collect();
            assert!(points.len() <= 2 * POINTS && points.len() >= POINTS.min(count as usize), "{}", points.len());
            assert!(points[0].1 < 0.02 && points.last().expect("a point").1 >= 0.98 * share(count - 1));
            assert_eq!(series.last(), Some(share(count - 1)));
            let parts = series.in_parts(10);
            assert!(parts.len() == 10.min(count as usize) && parts.is_sorted(), "{parts:?}");
        }
    }

    #[test]
    fn a_run_that_goes_back_forgets_what_came_after() {
        let mut series = series((1..=10).map(|i| (f64::from(i), 1.0)));
        series.push(4.0, 2.0);
        series.push(5.0, f64::NAN);
        let points: Vec<(f64, f64)> = series.points().collect();
        assert_eq!(points, [(1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (4.0, 2.0)]);
    }
}
