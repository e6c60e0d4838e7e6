//! Sinks of metrics: the metrics file, the learning curve, the display.
//!
//! A sink that fails does not stop the training; its failures are counted and reported.

mod curve;
mod display;
mod jsonl;

pub use curve::draw as draw_curve;
pub use display::Display;
pub use jsonl::{MetricsFile, fresh_entropy};
