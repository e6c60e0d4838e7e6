//! Diagrams of the report: a curve of each run over its plies, as SVG whose text and background follow the page's colours.

use crate::series::Series;
use crate::view::short;
use anyhow::{Result, anyhow};
use plotters::prelude::*;

/// Size of a diagram in pixels.
const SIZE: (u32, u32) = (520, 260);

/// Colours of the runs, which can be told apart by people who see colours differently (Okabe and Ito); the numbers at the ends
/// of the lines tell more runs apart.
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 146, 108),
    RGBColor(190, 100, 150),
    RGBColor(176, 120, 0),
    RGBColor(64, 150, 200),
];

/// Lines of axes and grid: seen on light and on dark paper.
pub const GREY: RGBColor = RGBColor(128, 128, 128);

/// Colour of a run by its number, from 0.
pub fn color(run: usize) -> RGBColor {
    COLORS[run % COLORS.len()]
}

/// The colour as in CSS.
pub fn hex(run: usize) -> String {
    let RGBColor(red, green, blue) = color(run);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// The diagram `svg` with a description for people who do not see it.
pub fn labelled(svg: &str, about: &str) -> String {
    let label = super::escaped(about);
    svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{label}\" "), 1)
}

/// What a diagram shows.
pub struct Chart<'a> {
    /// Description for people who do not see it.
    pub about: String,
    /// A series for each run, in their order.
    pub series: Vec<&'a Series>,
    /// Intervals `(x, low, high)` of the points of each run; empty for none.
    pub intervals: Vec<Vec<(f64, f64, f64)>>,
    /// Range of the vertical axis; none for that of the values.
    pub range: Option<(f64, f64)>,
}

impl Chart<'_> {
    /// The diagram.
    ///
    /// # Errors
    /// Never: it is drawn into memory.
    pub fn svg(&self) -> Result<String> {
        let mut text = String::new();
        self.draw(&mut text).map_err(|error| anyhow!("{error}"))?;
        Ok(labelled(&text, &self.about))
    }

    fn draw(&self, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let points = || self.series.iter().flat_map(|series| series.points());
        let last = points().map(|(x, _)| x).fold(1.0, f64::max);
        let (low, high) = self.range.unwrap_or_else(|| range(points().map(|(_, y)| y)));
        let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(8)
            .margin_right(26)
            .x_label_area_size(32)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..last, low..high)?;
        chart
            .configure_mesh()
            .x_desc("plies")
            .x_labels(5)
            .y_labels(5)
            .x_label_formatter(&|x| short(*x))
            .y_label_formatter(&|y| short(*y))
            .axis_style(GREY)
            .bold_line_style(GREY.mix(0.35))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (run, series) in self.series.iter().enumerate() {
            let color = color(run);
            let points: Vec<(f64, f64)> = series.points().map(|(x, y)| (x, y.clamp(low, high))).collect();
            let Some(&end) = points.last() else { continue };
            if points.len() == 1 {
                chart.draw_series([Circle::new(end, 3, color.filled())])?;
            }
            chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
            for &(x, low, high) in self.intervals.get(run).into_iter().flatten() {
                chart.draw_series([PathElement::new([(x, low), (x, high)], color.stroke_width(1))])?;
            }
            if self.series.len() > 1 {
                let number = Text::new((run + 1).to_string(), (4, -6), ("sans-serif", 13));
                chart.draw_series([EmptyElement::at(end) + number])?;
            }
        }
        root.present()?;
        Ok(())
    }
}

/// Range of the values with a little room; around a single value a range that shows it in the middle.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return (0.0, 1.0);
    }
    let room = if high > low { 0.05 * (high - low) } else { (0.1 * high.abs()).max(1e-9) };
    (low - room, high + room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagram_has_a_line_and_a_number_for_each_run() {
        let series = |slope: f64, count: u32| {
            let mut series = Series::default();
            (1..=count).for_each(|i| series.push(f64::from(i), slope * f64::from(i)));
            series
        };
        let (first, second, none, one) = (series(1.0, 50), series(-1.0, 20), Series::default(), series(1.0, 1));
        let svg = |series: Vec<&Series>| {
            let chart = Chart { about: "a < b".into(), series, intervals: vec![vec![(3.0, 1.0, 5.0)]], range: None };
            chart.svg().expect("drawn")
        };
        let both = svg(vec![&first, &second, &none, &one]);
        assert!(both.starts_with("<svg role=\"img\" aria-label=\"a &lt; b\" "), "{both}");
        for (run, is_there) in [(0, true), (1, true), (2, false), (3, true)] {
            assert_eq!(both.to_lowercase().contains(&hex(run)), is_there, "{run}\n{both}");
        }
        assert!(svg(vec![&none]).contains("</svg>"));
    }

    #[test]
    fn ranges_hold_all_values() {
        assert_eq!(range([].into_iter()), (0.0, 1.0));
        for values in [[1.0, 1.0], [0.0, 0.0], [-1.0, 3.0]] {
            let (low, high) = range(values.into_iter());
            assert!(low < high && values.iter().all(|value| (low..=high).contains(value)), "{values:?}");
        }
    }
}
