//! Diagram of ratings: a point with its interval for each player, the strongest on top.

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::chart::{GREY, color};

/// Width of the diagram in pixels.
const WIDTH: u32 = 720;

/// Height of a player's row in pixels.
const ROW: u32 = 22;

/// Width of a character of a name in pixels, on average.
const CHARACTER: u32 = 7;

/// Longest name in characters that is shown whole.
const LONGEST: usize = 40;

/// Rating of a player.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Name of the player.
    pub name: String,
    /// Rating in Elo.
    pub elo: f64,
    /// Interval, whose bounds may be infinite: such a bar goes to the edge, and ends in an arrow.
    pub interval: (f64, f64),
}

/// Diagram of the players in their order, from top to bottom; `about` describes it for people who do not see it, `axis` names
/// the horizontal axis.
///
/// # Errors
/// Never: it is drawn into memory.
pub fn svg(bars: &[Bar], about: &str, axis: &str) -> Result<String> {
    let mut text = String::new();
    draw(&mut text, bars, axis).map_err(|error| anyhow!("{error}"))?;
    let label = super::escaped(about);
    Ok(text.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{label}\" "), 1))
}

fn draw(text: &mut String, bars: &[Bar], axis: &str) -> Result<(), Box<dyn std::error::Error>> {
    let names: Vec<String> = bars.iter().map(|bar| shortened(&bar.name)).collect();
    let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) as u32;
    let rows = bars.len() as f64;
    let finite = bars.iter().flat_map(|bar| [bar.elo, bar.interval.0, bar.interval.1]).filter(|elo| elo.is_finite());
    let (low, high) = finite.fold((0.0f64, 0.0f64), |(low, high), elo| (low.min(elo), high.max(elo)));
    let room = (0.06 * (high - low)).max(10.0);
    let (low, high) = (low - room, high + room);
    let root = SVGBackend::with_string(text, (WIDTH, ROW * bars.len() as u32 + 50)).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(6)
        .x_label_area_size(38)
        .y_label_area_size(CHARACTER * widest + 14)
        .build_cartesian_2d(low..high, rows..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_desc(axis)
        .x_labels(9)
        .x_label_formatter(&|elo| format!("{elo:+.0}"))
        .axis_style(GREY)
        .bold_line_style(GREY.mix(0.35))
        .light_line_style(TRANSPARENT)
        .draw()?;
    let left_of_axis = ("sans-serif", 13).into_text_style(&root).pos(Pos::new(HPos::Right, VPos::Center));
    let color = color(0);
    for (row, (bar, name)) in bars.iter().zip(&names).enumerate() {
        let middle = row as f64 + 0.5;
        let (left, right) = (bar.interval.0.max(low), bar.interval.1.min(high));
        chart.draw_series([PathElement::new([(left, middle), (right, middle)], color.stroke_width(2))])?;
        for (at, bound, outward) in [(left, bar.interval.0, 7), (right, bar.interval.1, -7)] {
            // An arrow where the games set no bound, a short stroke where they do.
            let end = if bound.is_finite() { [(0, -4), (0, 0), (0, 4)] } else { [(outward, -4), (0, 0), (outward, 4)] };
            let end = PathElement::new(end.to_vec(), color.stroke_width(2));
            chart.draw_series([EmptyElement::at((at, middle)) + end])?;
        }
        let point = (bar.elo.clamp(low, high), middle);
        chart.draw_series([Circle::new(point, 4, color.filled())])?;
        let label = Text::new(name.clone(), (-8, 0), left_of_axis.clone());
        chart.draw_series([EmptyElement::at((low, middle)) + label])?;
    }
    root.present()?;
    Ok(())
}

/// Name of at most [`LONGEST`] characters.
fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    name.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagram_has_every_player_and_arrows_for_open_intervals() {
        let bar = |name: &str, elo, interval| Bar { name: name.into(), elo, interval };
        let bars = [
            bar("a < b", 900.0, (700.0, f64::INFINITY)),
            bar("greedy", 800.0, (700.0, 900.0)),
            bar("random", 0.0, (0.0, 0.0)),
        ];
        let svg = svg(&bars, "ratings & intervals", "Elo").expect("drawn");
        assert!(svg.starts_with("<svg role=\"img\" aria-label=\"ratings &amp; intervals\" "), "{svg}");
        for name in ["a &lt; b", "greedy", "random"] {
            assert!(svg.contains(name), "{name}\n{svg}");
        }
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(!svg.contains("inf") && !svg.contains("NaN"), "{svg}");
        assert!(super::svg(&[], "nobody", "Elo").is_ok());
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(shortened(&"x".repeat(40)), "x".repeat(40));
        assert_eq!(shortened(&"棋".repeat(41)), "棋".repeat(39) + "…");
    }
}
