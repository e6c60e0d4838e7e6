//! Live panel on a terminal, with the board of a game.

use super::{Sink, line};
use crate::event::{EvaluationMatch, Event, Metrics, Stamped};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use keisei_core::shogi::{Color, Position, Square};
use std::fmt::Write;

/// Sink that shows a panel, updated in place, on standard error.
pub struct Panel {
    bar: ProgressBar,
    evaluation: Option<EvaluationMatch>,
}

/// Steps of the progress bar.
const STEPS: u64 = 1000;

impl Panel {
    /// Panel of a run.
    ///
    /// # Panics
    /// Never: the template is a constant.
    pub fn new() -> Self {
        let style = ProgressStyle::with_template("{bar:48} {percent}%  {msg}").expect("a constant template");
        Self { bar: ProgressBar::new(STEPS).with_style(style), evaluation: None }
    }
}

impl Default for Panel {
    fn default() -> Self {
        Self::new()
    }
}

impl Sink for Panel {
    fn name(&self) -> &'static str {
        "display"
    }

    fn receive(&mut self, event: &Stamped) -> Result<()> {
        match &event.event {
            Event::Iteration(metrics) => {
                self.bar.set_position((metrics.progress * STEPS as f64) as u64);
                self.bar.set_message(panel(metrics, self.evaluation.as_ref()));
            }
            Event::Evaluation(evaluation) => self.evaluation = Some(evaluation.clone()),
            Event::Checkpoint(_) => {}
            event => {
                if let Some(line) = line(event) {
                    self.bar.println(line);
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.bar.abandon();
        Ok(())
    }
}

fn panel(m: &Metrics, evaluation: Option<&EvaluationMatch>) -> String {
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
    if let Some(EvaluationMatch { opponent, score, interval: (low, high), .. }) = evaluation {
        notes.push(format!("against {opponent}  {score:.3}  [{low:.3}, {high:.3}]"));
    }
    notes.extend(m.alarms.iter().map(|alarm| format!("alarm: {alarm}")));
    let board = Position::from_sfen(&m.shown.sfen).map_or_else(|_| Vec::new(), |position| board(&position));
    beside(&board, &notes)
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
