//! Display of the progress: a live panel on a terminal, one line per iteration elsewhere.

use crate::event::Metrics;
use indicatif::{ProgressBar, ProgressStyle};
use keisei_core::shogi::{Color, Position, Square};
use std::fmt::Write;
use std::io::IsTerminal;

/// Display of the progress of a run.
pub enum Display {
    /// One line per iteration, for logs and pipes.
    Plain,
    /// A panel that is updated in place, with the board of the first game.
    Live(ProgressBar),
}

/// Steps of the progress bar.
const STEPS: u64 = 1000;

impl Display {
    /// A panel if standard error is a terminal, else lines.
    ///
    /// # Panics
    /// Never: the template is a constant.
    pub fn of_terminal() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Plain;
        }
        let style = ProgressStyle::with_template("{bar:48} {percent}%  {msg}").expect("a constant template");
        Self::Live(ProgressBar::new(STEPS).with_style(style))
    }

    /// Prints a line that stays on the screen.
    pub fn say(&self, text: &str) {
        match self {
            Self::Plain => eprintln!("{text}"),
            Self::Live(bar) => bar.println(text),
        }
    }

    /// Shows the metrics of one iteration and the current position of the first game.
    pub fn show(&self, metrics: &Metrics, position: &Position) {
        match self {
            Self::Plain => eprintln!("{}", line(metrics)),
            Self::Live(bar) => {
                bar.set_position((metrics.progress * STEPS as f64) as u64);
                bar.set_message(panel(metrics, position));
            }
        }
    }

    /// Ends the display; the last panel stays on the screen.
    pub fn finish(&self) {
        if let Self::Live(bar) = self {
            bar.abandon();
        }
    }
}

fn line(m: &Metrics) -> String {
    let losses = &m.update.losses;
    let mut text = format!(
        "iteration {} plies {} {:.0} plies/s learn {:.0}/s entropy {:.3} kl {:.4} clip {:.3} value {:.3} explained {:.2} length {:.0} {}",
        m.iteration,
        m.plies,
        m.perf.plies_per_second,
        m.perf.samples_per_second,
        m.normalized_entropy,
        losses.approx_kl,
        losses.clipfrac,
        losses.value_loss,
        m.update.explained_variance,
        m.ended.length_mean,
        reasons(m),
    );
    if let Some(evaluation) = &m.evaluation {
        let (low, high) = evaluation.interval;
        let _ = write!(text, " | {} {:.3} [{low:.3}, {high:.3}]", evaluation.opponent, evaluation.score);
    }
    for alarm in &m.alarms {
        let _ = write!(text, " | alarm: {alarm}");
    }
    text
}

fn panel(m: &Metrics, position: &Position) -> String {
    let losses = &m.update.losses;
    let left = if m.progress > 0.0 { m.seconds / m.progress * (1.0 - m.progress) } else { f64::INFINITY };
    let time = |seconds: f64| {
        if seconds.is_finite() { format!("{}:{:02}", seconds as u64 / 60, seconds as u64 % 60) } else { "-".to_owned() }
    };
    let mut notes = vec![
        format!("{} gone, {} left", time(m.seconds), time(left)),
        String::new(),
        format!("iteration   {:>10}", m.iteration),
        format!("plies       {:>10}   {:>8.0} a second", m.plies, m.perf.plies_per_second),
        format!("games       {:>10}   {:>8.0} plies long", m.games, m.ended.length_mean),
        format!("samples     {:>10}   {:>8.0} a second learned", m.update.samples, m.perf.samples_per_second),
        format!(
            "entropy     {:>10.3}   approx_kl {:.4}  clipfrac {:.3}",
            m.normalized_entropy, losses.approx_kl, losses.clipfrac
        ),
        format!("value loss  {:>10.3}   explained variance {:.2}", losses.value_loss, m.update.explained_variance),
        format!("ended by    {}", reasons(m)),
    ];
    if let Some(evaluation) = &m.evaluation {
        let (low, high) = evaluation.interval;
        notes.push(format!("against {}  {:.3}  [{low:.3}, {high:.3}]", evaluation.opponent, evaluation.score));
    }
    notes.extend(m.alarms.iter().map(|alarm| format!("alarm: {alarm}")));
    beside(&board(position), &notes)
}

fn reasons(m: &Metrics) -> String {
    let parts: Vec<String> = m.ended.reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    parts.join(", ")
}

/// Board as nine lines: capital letters are Black's pieces, `+` marks promoted ones.
fn board(position: &Position) -> Vec<String> {
    let cell = |file: u8, rank: u8| {
        let square = Square::new(file, rank).expect("files and ranks from 1 to 9");
        position.piece_at(square).map_or(" .".to_owned(), |piece| {
            let promoted = if piece.kind().unpromoted() == piece.kind() { ' ' } else { '+' };
            let letter = b"PLNSGBRKPLNSBR"[piece.kind().index()] as char;
            let letter = if piece.color() == Color::Black { letter } else { letter.to_ascii_lowercase() };
            format!("{promoted}{letter}")
        })
    };
    (1..=9).map(|rank| (1..=9).rev().map(|file| cell(file, rank)).collect()).collect()
}

fn beside(left: &[String], right: &[String]) -> String {
    let mut text = String::new();
    for i in 0..left.len().max(right.len()) {
        let empty = String::new();
        let (left, right) = (left.get(i).unwrap_or(&empty), right.get(i).unwrap_or(&empty));
        let _ = write!(text, "\n  {left:18}   {right}");
    }
    text
}
