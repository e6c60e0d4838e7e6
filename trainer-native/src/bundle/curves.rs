//! Curves: every metric of a run over its iterations, in bounded memory and in a bounded file.

use super::chunk::{Put, json, put_chunk, rounded};
use super::format::{Chunk, CurveChunk, CurveColumns};
use crate::event::Metrics;
use crate::sinks::scalars;
use anyhow::Result;
use std::collections::{BTreeMap, HashMap};

/// Most points of a curve: more than a diagram on a large screen has pixels. Longer runs have several iterations a point.
pub const MOST_POINTS: usize = 1000;

/// Metrics without a curve: the abscissas, counters of the whole run, and those with a part for each snapshot of a league.
const NOT_DRAWN: [&str; 7] = ["iteration", "plies", "seconds", "games", "alarms", "shown", "pool_scores"];

/// A metric, or a part of it.
struct Column {
    group: &'static str,
    key: &'static str,
    part: String,
}

/// Values of a metric over the iterations of a point.
#[derive(Clone, Copy)]
struct Cell {
    sum: f64,
    count: u32,
    low: f64,
    high: f64,
}

impl Cell {
    const EMPTY: Self = Self { sum: 0.0, count: 0, low: f64::INFINITY, high: f64::NEG_INFINITY };

    fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }

    fn told(self, value: f64) -> Option<f64> {
        (self.count > 0).then(|| rounded(value))
    }
}

/// Iterations in a row as one point.
struct Point {
    iteration: u64,
    plies: u64,
    seconds: f64,
    /// Values by column; shorter where later columns were not known yet.
    cells: Vec<Cell>,
}

/// Curves of a run so far.
pub struct Curves {
    columns: Vec<Column>,
    places: HashMap<(&'static str, String), usize>,
    points: Vec<Point>,
    per_point: u64,
}

impl Default for Curves {
    fn default() -> Self {
        Self { columns: Vec::new(), places: HashMap::new(), points: Vec::new(), per_point: 1 }
    }
}

impl Curves {
    /// Adds an iteration. What was known of it and of later ones is forgotten: the run has gone back.
    pub fn push(&mut self, metrics: &Metrics) {
        let iteration = metrics.iteration;
        if self.points.last().is_some_and(|last| last.iteration >= iteration) {
            self.go_back(iteration.saturating_sub(1));
        }
        let per_point = self.per_point;
        let last = self.points.pop_if(|last| place(last.iteration, per_point) == place(iteration, per_point));
        let mut point = last.unwrap_or(Point { iteration, plies: 0, seconds: 0.0, cells: Vec::new() });
        (point.iteration, point.plies, point.seconds) = (iteration, metrics.plies, metrics.seconds);
        for (group, key, part, value) in values(metrics) {
            let columns = &mut self.columns;
            let column = *self.places.entry((key, part)).or_insert_with_key(|(_, part)| {
                columns.push(Column { group, key, part: part.clone() });
                columns.len() - 1
            });
            if point.cells.len() <= column {
                point.cells.resize(column + 1, Cell::EMPTY);
            }
            point.cells[column].add(Cell { sum: value, count: 1, low: value, high: value });
        }
        self.points.push(point);
        if self.points.len() > MOST_POINTS {
            self.halve();
        }
    }

    /// Forgets the iterations after this one, and what shares a point with them.
    pub fn go_back(&mut self, iteration: u64) {
        self.points.retain(|point| point.iteration <= iteration);
    }

    fn halve(&mut self) {
        self.per_point *= 2;
        let per_point = self.per_point;
        let mut merged: Vec<Point> = Vec::with_capacity(MOST_POINTS);
        let place = |point: &Point| point.iteration.saturating_sub(1) / per_point;
        for point in self.points.drain(..) {
            match merged.last_mut().filter(|last| place(last) == place(&point)) {
                None => merged.push(point),
                Some(last) => {
                    (last.iteration, last.plies, last.seconds) = (point.iteration, point.plies, point.seconds);
                    if last.cells.len() < point.cells.len() {
                        last.cells.resize(point.cells.len(), Cell::EMPTY);
                    }
                    last.cells.iter_mut().zip(point.cells).for_each(|(cell, other)| cell.add(other));
                }
            }
        }
        self.points = merged;
    }

    /// Curves of a group of metrics. A curve that is 0 throughout is left out.
    fn chunk(&self, group: &str) -> CurveChunk {
        let column =
            |at: usize| self.points.iter().map(move |point| point.cells.get(at).copied().unwrap_or(Cell::EMPTY));
        let tells = |at: usize| column(at).any(|cell| cell.count > 0 && (cell.low != 0.0 || cell.high != 0.0));
        let columns = self.columns.iter().enumerate().filter(|&(at, found)| found.group == group && tells(at));
        let is_thinned = self.per_point > 1;
        let curves = columns.map(|(at, found)| CurveColumns {
            key: found.key.to_owned(),
            part: found.part.clone(),
            mean: column(at).map(|cell| cell.told(cell.sum / f64::from(cell.count))).collect(),
            low: is_thinned.then(|| column(at).map(|cell| cell.told(cell.low)).collect()),
            high: is_thinned.then(|| column(at).map(|cell| cell.told(cell.high)).collect()),
        });
        CurveChunk {
            iterations_per_point: self.per_point,
            iteration: self.points.iter().map(|point| point.iteration).collect(),
            plies: self.points.iter().map(|point| point.plies).collect(),
            seconds: self.points.iter().map(|point| rounded(point.seconds)).collect(),
            curves: curves.collect(),
        }
    }

    /// Chunks of all groups, which `put` receives.
    pub(super) fn put(&self, put: &mut Put<'_>) -> Result<BTreeMap<String, Chunk>> {
        let mut chunks = BTreeMap::new();
        for Column { group, .. } in &self.columns {
            if !chunks.contains_key(*group) {
                let chunk = put_chunk(put, "curves", "json", json(&self.chunk(group))?)?;
                chunks.insert((*group).to_owned(), chunk);
            }
        }
        Ok(chunks)
    }
}

/// Group, key, part and value of each metric that an iteration tells. Results and reasons are shares of the games that ended; without
/// such games their length is not told either.
fn values(metrics: &Metrics) -> impl Iterator<Item = (&'static str, &'static str, String, f64)> {
    let ended = metrics.ended.games_ended as f64;
    scalars(metrics).into_iter().filter_map(move |number| {
        let (key, value) = (number.metric.key, number.value);
        let value = match key {
            _ if NOT_DRAWN.contains(&key) => return None,
            "results" | "reasons" => (ended > 0.0).then(|| value / ended),
            "length_mean" | "length_p50" | "length_p95" => (ended > 0.0).then_some(value),
            "brier" => (value > 0.0).then_some(value),
            _ => Some(value),
        };
        Some((number.metric.group, key, number.part, value?))
    })
}

/// Place of an iteration among points that are of `per_point` iterations each.
fn place(iteration: u64, per_point: u64) -> u64 {
    iteration.saturating_sub(1) / per_point
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(iteration: u64, top_probability: f64) -> Metrics {
        let mut metrics = Metrics { iteration, plies: 10 * iteration, top_probability, ..Metrics::default() };
        metrics.seconds = iteration as f64;
        metrics
    }

    fn curve<'a>(chunk: &'a CurveChunk, key: &str, part: &str) -> Option<&'a CurveColumns> {
        chunk.curves.iter().find(|curve| curve.key == key && curve.part == part)
    }

    #[test]
    fn a_long_run_keeps_means_and_extremes_of_a_bounded_number_of_points() {
        for count in [1, 7, MOST_POINTS as u64, MOST_POINTS as u64 + 1, 5003] {
            let mut curves = Curves::default();
            (1..=count).for_each(|iteration| curves.push(&metrics(iteration, iteration as f64)));
            let chunk = curves.chunk("losses");
            let (per_point, points) = (chunk.iterations_per_point, chunk.iteration.len());
            assert!(points <= MOST_POINTS && points as u64 == count.div_ceil(per_point), "{count}: {points}");
            assert!(points as u64 * 2 > count.min(MOST_POINTS as u64), "{count}: {points}");
            assert_eq!((chunk.iteration.last(), chunk.plies.last()), (Some(&count), Some(&(10 * count))));
            let found = curve(&chunk, "top_probability", "").expect("told");
            let first: Vec<f64> = (1..=per_point.min(count)).map(|iteration| iteration as f64).collect();
            assert_eq!(found.mean[0], Some(rounded(first.iter().sum::<f64>() / first.len() as f64)));
            let bounds = (found.low.as_ref().map(|low| low[0]), found.high.as_ref().map(|high| high[0]));
            let expected = (Some(Some(1.0)), Some(first.last().copied()));
            assert_eq!(bounds, if per_point > 1 { expected } else { (None, None) });
        }
    }

    #[test]
    fn a_run_that_goes_back_forgets_what_came_after() {
        let mut curves = Curves::default();
        (1..=10).for_each(|iteration| curves.push(&metrics(iteration, 0.5)));
        curves.push(&metrics(4, 0.25));
        let chunk = curves.chunk("losses");
        assert_eq!(chunk.iteration, [1, 2, 3, 4]);
        assert_eq!(curve(&chunk, "top_probability", "").expect("told").mean[3], Some(0.25));
        curves.go_back(2);
        assert_eq!(curves.chunk("losses").iteration, [1, 2]);
    }

    #[test]
    fn shares_are_of_the_games_that_ended_and_nothing_is_told_without_any() {
        let mut curves = Curves::default();
        curves.push(&metrics(1, 0.5));
        let mut told = metrics(2, f64::NAN);
        (told.ended.games_ended, told.ended.results, told.ended.length_mean) = (8, [4, 2, 1], 90.0);
        told.ended.reasons = [("checkmate".to_owned(), 6)].into();
        curves.push(&told);
        let chunk = curves.chunk("games");
        let of = |key, part| curve(&chunk, key, part).map(|curve| curve.mean.clone());
        assert_eq!(of("reasons", "checkmate"), Some(vec![None, Some(0.75)]));
        assert_eq!(of("results", "black"), Some(vec![None, Some(0.5)]));
        assert_eq!(of("length_mean", ""), Some(vec![None, Some(90.0)]));
        // No game ended so, and a number that is none is not told.
        assert_eq!(of("reasons", "forfeit"), None);
        let losses = curves.chunk("losses");
        assert_eq!(curve(&losses, "top_probability", "").expect("told").mean, [Some(0.5), None]);
    }
}
