//! Diagram of a sweep with parallel coordinates: an axis for each setting and one for the score, a line for each trial.

use super::journal::DEFAULT;
use super::space::{Dimension, Values};
use super::table::{Outcome, Row, Table};
use crate::report::chart::{GREY, color, labelled};
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width for each axis, and height, in pixels.
const AXIS: u32 = 170;
const HEIGHT: u32 = 360;

/// Room above and below the axes, as a part of their length.
const ROOM: f64 = 0.16;

/// The diagram as SVG: the best trial and the default settings in colour, the others the darker the better they are.
///
/// # Errors
/// Never: it is drawn into memory.
pub fn svg(table: &Table) -> Result<String> {
    let mut text = String::new();
    draw(table, &mut text).map_err(|error| anyhow!("{error}"))?;
    let keys: Vec<&str> = table.plan.space.dimensions.iter().map(|dimension| &*dimension.key).collect();
    let best = table.rows.iter().find_map(|row| score(row).map(|score| (row, score)));
    let best = best.map_or_else(String::new, |(row, score)| {
        format!("; the best is trial {} with {} and a score of {score:.3}", row.trial, row.values.join(", "))
    });
    Ok(labelled(&text, &format!("Trials of a sweep over {}{best}", keys.join(", "))))
}

fn score(row: &Row) -> Option<f64> {
    if let Outcome::Scored(scored) = &row.outcome { Some(scored.mean) } else { None }
}

fn draw(table: &Table, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let dimensions = &table.plan.space.dimensions;
    let last = dimensions.len() as f64;
    let root = SVGBackend::with_string(text, (AXIS * (dimensions.len() as u32 + 1), HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root).margin(6).build_cartesian_2d(-0.5..last + 0.5, -ROOM..1.0 + ROOM)?;

    let scores: Vec<f64> = table.rows.iter().filter_map(score).collect();
    let (low, high) = scores.iter().fold((1.0, 0.0), |(low, high): (f64, f64), &s| (low.min(s), high.max(s)));
    let (low, high) = if low < high { (low, high) } else { (low.min(high) - 0.05, low.max(high) + 0.05) };
    let place = |score: f64| (score - low) / (high - low);

    // The best last, so that nothing hides it.
    let scored: Vec<&Row> = table.rows.iter().filter(|row| score(row).is_some()).collect();
    for (i, row) in scored.iter().enumerate().rev() {
        let at = score(row).map_or(0.0, place);
        let style = match row.trial {
            _ if i == 0 => color(1).stroke_width(3),
            0 => color(0).stroke_width(3),
            _ => GREY.mix(0.25 + 0.6 * at).stroke_width(1),
        };
        let coordinates = dimensions.iter().zip(&row.values).map(|(dimension, value)| height(dimension, value));
        let points: Vec<(f64, f64)> = coordinates.chain([at]).enumerate().map(|(x, y)| (x as f64, y)).collect();
        let end = (last, at);
        chart.draw_series(LineSeries::new(points, style))?;
        if i == 0 || row.trial == 0 {
            let name = if row.trial == 0 { DEFAULT.to_owned() } else { format!("trial {}", row.trial) };
            let label = Text::new(name, (22, -5), ("sans-serif", 12));
            chart.draw_series([EmptyElement::at(end) + label])?;
        }
    }

    let centred = |size: i32, y: VPos| TextStyle::from(("sans-serif", size).into_font()).pos(Pos::new(HPos::Center, y));
    let keys = dimensions.iter().map(|dimension| dimension.key.clone()).chain(["score".to_owned()]);
    let ends = dimensions.iter().map(ends).chain([(format!("{low:.3}"), format!("{high:.3}"))]);
    for (x, (key, (least, greatest))) in keys.zip(ends).enumerate() {
        let x = x as f64;
        chart.draw_series([PathElement::new([(x, 0.0), (x, 1.0)], GREY)])?;
        let number = |text: String, y: f64, below: i32, anchor: VPos| {
            EmptyElement::at((x, y)) + Text::new(text, (0, below), centred(12, anchor))
        };
        chart.draw_series([number(greatest, 1.0, -4, VPos::Bottom), number(least, 0.0, 5, VPos::Top)])?;
        chart.draw_series([EmptyElement::at((x, 0.0)) + Text::new(key, (0, 24), centred(13, VPos::Top))])?;
    }
    root.present()?;
    Ok(())
}

/// Height of a value on its axis, 0 to 1; the default settings' may lie outside the space, and is drawn at its end.
fn height(dimension: &Dimension, value: &str) -> f64 {
    let coordinate = dimension.coordinate(value);
    let (low, high) = match &dimension.values {
        Values::List(values) => (0.5, values.len() as f64 - 0.5),
        Values::Range { .. } => {
            let ends = dimension.spread(2);
            (dimension.coordinate(&ends[0]), dimension.coordinate(&ends[ends.len() - 1]))
        }
    };
    if high > low { ((coordinate - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 }
}

/// Values at the lower and at the upper end of an axis.
fn ends(dimension: &Dimension) -> (String, String) {
    let values = dimension.spread(2);
    let end = |value: Option<&String>| value.cloned().unwrap_or_default();
    (end(values.first()), end(values.last()))
}
