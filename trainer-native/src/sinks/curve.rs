//! `curve.svg`: plot of a run.

use super::{Sink, read};
use crate::durable::write_atomically;
use crate::event::{EvaluationMatch, Event, Metrics, Stamped};
use crate::series::Series;
use anyhow::{Context, Result, anyhow};
use keisei_core::shogi::Reason;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SIZE: (u32, u32) = (1200, 900);
const INK: RGBColor = RGBColor(38, 70, 83);
const ACCENT: RGBColor = RGBColor(231, 111, 81);
const THIRD: RGBColor = RGBColor(42, 157, 143);

/// Shortest time between two drawings.
const PAUSE: Duration = Duration::from_secs(30);

/// Sink that draws the whole run into a file, now and then and when the run ends.
pub struct CurveFile {
    path: PathBuf,
    panels: [Panel; 6],
    /// Plies at which alarms were raised, in thousands.
    alarms: Series,
    drawn: Option<Instant>,
}

/// One diagram.
struct Panel {
    title: &'static str,
    /// Range of the vertical axis; values outside are drawn at its ends.
    range: Range<f64>,
    lines: Vec<(&'static str, RGBColor, Series)>,
}

impl CurveFile {
    /// Sink that draws into the file `svg` the run in `directory`, what it has written so far included.
    ///
    /// # Errors
    /// If its metrics cannot be read.
    pub fn open(directory: &Path, svg: &Path) -> Result<Self> {
        let panel = |title, range, lines: &[(&'static str, RGBColor)]| {
            let lines = lines.iter().map(|&(name, color)| (name, color, Series::default())).collect();
            Panel { title, range, lines }
        };
        let panels = [
            panel("score in evaluations", 0.0..1.0, &[("score", ACCENT)]),
            panel("policy and value", -0.5..1.0, &[("entropy / ln(legal moves)", INK), ("explained variance", ACCENT)]),
            panel("value loss (nats)", 0.0..1.2, &[("value loss", INK)]),
            panel("change by an update", 0.0..0.2, &[("approx_kl (nats)", INK), ("clipped share", ACCENT)]),
            panel("mean length of games (plies)", 0.0..400.0, &[("plies", INK)]),
            panel("endings", 0.0..1.0, &[("checkmate", INK), ("draw", THIRD), ("ply limit", ACCENT)]),
        ];
        let mut curve = Self { path: svg.to_owned(), panels, alarms: Series::default(), drawn: None };
        for event in read(&directory.join("metrics.jsonl"))?.chain(read(&directory.join("events.jsonl"))?) {
            curve.note(&event.event);
        }
        Ok(curve)
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Iteration(metrics) => self.note_iteration(metrics),
            Event::Evaluation(EvaluationMatch { plies, score, .. }) => {
                self.panels[0].lines[0].2.push(*plies as f64 / 1000.0, *score);
            }
            _ => {}
        }
    }

    fn note_iteration(&mut self, metrics: &Metrics) {
        let x = metrics.plies as f64 / 1000.0;
        let Metrics { update, ended, .. } = metrics;
        let mut push = |panel: usize, values: &[f64]| {
            for ((_, _, line), &value) in self.panels[panel].lines.iter_mut().zip(values) {
                line.push(x, value);
            }
        };
        push(1, &[metrics.normalized_entropy, update.explained_variance]);
        push(2, &[update.losses.value_loss]);
        push(3, &[update.losses.approx_kl, update.losses.clipfrac]);
        if ended.games_ended > 0 {
            let share = |count: u64| count as f64 / ended.games_ended as f64;
            let of = |reason: Reason| share(ended.reasons.get(reason.id()).copied().unwrap_or(0));
            push(4, &[ended.length_mean]);
            push(5, &[of(Reason::Checkmate), share(ended.results[2]), of(Reason::MaxPlies)]);
        }
        if !metrics.alarms.is_empty() {
            self.alarms.push(x, 0.0);
        }
    }

    fn draw(&mut self) -> Result<()> {
        if self.panels[1].lines[0].2.is_empty() {
            return Ok(());
        }
        let text = self.svg().map_err(|error| anyhow!("{error}"))?;
        self.drawn = Some(Instant::now());
        write_atomically(&self.path, text.as_bytes()).context("learning curve")
    }

    fn svg(&self) -> Result<String, Box<dyn std::error::Error>> {
        let mut text = String::new();
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let last = self.panels[1].lines[0].2.points().last().map_or(1.0, |point| point.0).max(1.0);
        for (panel, area) in self.panels.iter().zip(root.split_evenly((3, 2))) {
            panel.draw(&area, last, &self.alarms)?;
        }
        root.present()?;
        drop(root);
        Ok(text)
    }
}

impl Sink for CurveFile {
    fn name(&self) -> &'static str {
        "curve"
    }

    fn receive(&mut self, event: &Stamped) -> Result<()> {
        self.note(&event.event);
        let is_due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= PAUSE);
        if is_due && matches!(event.event, Event::Checkpoint(_)) { self.draw() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.draw()
    }

    fn takes_games(&self) -> bool {
        false
    }
}

impl Panel {
    fn draw(
        &self,
        area: &DrawingArea<SVGBackend, Shift>,
        last: f64,
        alarms: &Series,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let Range { start, end } = self.range;
        let mut chart = ChartBuilder::on(area)
            .caption(self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(48)
            .build_cartesian_2d(0.0..last, start..end)?;
        chart.configure_mesh().x_desc("thousand plies").light_line_style(WHITE).draw()?;
        for (name, color, line) in &self.lines {
            let points = line.points().map(|(x, y)| (x, y.clamp(start, end)));
            let color = *color;
            chart
                .draw_series(LineSeries::new(points, color.stroke_width(2)))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
        }
        if !alarms.is_empty() {
            let marks = alarms.points().map(|(x, _)| Circle::new((x, end), 3, RED.filled()));
            chart.draw_series(marks)?.label("alarm").legend(|(x, y)| Circle::new((x + 9, y), 3, RED.filled()));
        }
        if self.lines.len() > 1 || !alarms.is_empty() {
            chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(INK.mix(0.3)).draw()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EndedGames;

    #[test]
    fn a_long_run_is_drawn_with_few_points_from_its_start_to_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let svg = folder.path().join("curve.svg");
        let size_after = |iterations: u64| {
            let mut curve = CurveFile::open(folder.path(), &svg).expect("opened");
            for i in 0..iterations {
                let share = i as f64 / iterations as f64;
                let ended = EndedGames { games_ended: 1, length_mean: 9.0, ..EndedGames::default() };
                let metrics = Metrics { plies: i, normalized_entropy: share, ended, ..Metrics::default() };
                curve.note(&Event::Iteration(Box::new(metrics)));
            }
            let line = &curve.panels[1].lines[0].2;
            let points: Vec<(f64, f64)> = line.points().collect();
            let (first, last) = (points[0], points[points.len() - 1]);
            let part = iterations as f64 / 1000.0;
            assert!(first.0 < 0.02 * part && last.0 > 0.98 * part && last.1 > 0.98, "{first:?} {last:?}");
            curve.flush().expect("drawn");
            std::fs::metadata(&svg).expect("a picture").len()
        };
        let (short, long) = (size_after(600), size_after(20_000));
        assert!(long < 3 * short, "{short} bytes for 600 iterations, {long} for 20,000");
    }

    #[test]
    fn nothing_is_drawn_before_the_first_iteration() {
        let folder = tempfile::tempdir().expect("a folder");
        let svg = folder.path().join("curve.svg");
        CurveFile::open(folder.path(), &svg).expect("opened").flush().expect("nothing to do");
        assert!(!svg.exists());
    }
}
