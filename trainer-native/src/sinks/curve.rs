//! `curve.svg`: plot of a run, drawn from its metrics.

use super::jsonl::lines;
use anyhow::{Context, Result, anyhow};
use plotters::prelude::*;
use serde_json::Value;
use std::ops::Range;
use std::path::Path;

const SIZE: (u32, u32) = (900, 840);
const INK: RGBColor = RGBColor(38, 70, 83);
const ACCENT: RGBColor = RGBColor(231, 111, 81);

/// Largest number of points of a line, one and a half pixels each. Longer runs are drawn as averages of neighbouring
/// iterations.
const POINTS: usize = 600;

/// One line of a panel: its name, its colour, and the function that reads its value from a line of metrics.
type Series<'a> = (&'a str, RGBColor, &'a dyn Fn(&Value) -> Option<f64>);

/// Draws the run in the file `metrics` into the file `svg`: score in evaluations, entropy and explained variance, length of
/// games.
///
/// # Errors
/// If the metrics cannot be read or the plot cannot be written.
pub fn draw(metrics: &Path, svg: &Path) -> Result<()> {
    let lines = lines(metrics)?;
    if lines.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|error| anyhow!("{error}"))?;
        let panels = root.split_evenly((3, 1));
        let score = |line: &Value| line["evaluation"]["score"].as_f64();
        panel(&panels[0], "score in evaluations", &lines, 0.0..1.0, &[("score", ACCENT, &score)])?;
        let entropy = |line: &Value| line["normalized_entropy"].as_f64();
        let explained = |line: &Value| line["explained_variance"].as_f64();
        let learning: [Series; 2] =
            [("entropy / ln(legal moves)", INK, &entropy), ("explained variance", ACCENT, &explained)];
        panel(&panels[1], "policy and value", &lines, 0.0..1.0, &learning)?;
        let length = |line: &Value| line["length_mean"].as_f64().filter(|&length| length > 0.0);
        panel(&panels[2], "mean length of games (plies)", &lines, 0.0..400.0, &[("plies", INK, &length)])?;
        root.present().map_err(|error| anyhow!("{error}"))?;
    }
    crate::durable::write_atomically(svg, text.as_bytes()).context("learning curve")
}

fn panel(
    area: &DrawingArea<SVGBackend, plotters::coord::Shift>,
    title: &str,
    lines: &[Value],
    range: Range<f64>,
    series: &[Series],
) -> Result<()> {
    let thousands = |line: &Value| line["plies"].as_f64().unwrap_or(0.0) / 1000.0;
    let last = lines.last().map_or(1.0, thousands).max(1.0);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..last, range.clone())
        .map_err(|error| anyhow!("{error}"))?;
    chart
        .configure_mesh()
        .x_desc("thousand plies")
        .light_line_style(WHITE)
        .draw()
        .map_err(|error| anyhow!("{error}"))?;
    for &(name, color, value) in series {
        let known: Vec<(f64, f64)> = lines
            .iter()
            .filter_map(|line| Some((thousands(line), value(line)?.clamp(range.start, range.end))))
            .collect();
        let points = known.chunks(known.len().div_ceil(POINTS).max(1)).map(mean);
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))
            .map_err(|error| anyhow!("{error}"))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    if series.len() > 1 {
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .border_style(INK.mix(0.3))
            .draw()
            .map_err(|error| anyhow!("{error}"))?;
    }
    Ok(())
}

/// Mean of some points, at least one.
fn mean(points: &[(f64, f64)]) -> (f64, f64) {
    let (x, y) = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    (x / points.len() as f64, y / points.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn a_long_run_is_drawn_with_few_points() {
        let folder = tempfile::tempdir().expect("a folder");
        let (metrics, svg) = (folder.path().join("metrics.jsonl"), folder.path().join("curve.svg"));
        let size_after = |iterations: u64| {
            let mut lines = String::new();
            for i in 0..iterations {
                let share = i as f64 / iterations as f64;
                writeln!(
                    lines,
                    r#"{{"plies":{i},"normalized_entropy":{share},"explained_variance":{share},"length_mean":9}}"#
                )
                .expect("text");
            }
            std::fs::write(&metrics, lines).expect("written");
            draw(&metrics, &svg).expect("drawn");
            std::fs::metadata(&svg).expect("a picture").len()
        };
        let (short, long) = (size_after(600), size_after(20_000));
        assert!(long < 2 * short, "{short} bytes for 600 iterations, {long} for 20,000");
    }
}
