//! `trainer-native metrics`: the metrics of a run, with their meaning.

use crate::metrics::{METRICS, Metric, markdown, tag};
use std::fmt::Write;

/// Arguments of `metrics`.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct MetricsArgs {
    /// Print the metrics as a page of the documentation instead
    #[arg(long)]
    pub markdown: bool,
}

/// The listing as text.
pub fn run(args: MetricsArgs) -> String {
    if args.markdown {
        return markdown();
    }
    let width = METRICS.iter().map(|metric| tag(metric).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for metric in METRICS {
        let Metric { unit, doc, .. } = metric;
        let unit = if unit.is_empty() { String::new() } else { format!(" [{unit}]") };
        let _ = writeln!(text, "{:<width$}  {doc}{unit}", tag(metric));
    }
    text
}
