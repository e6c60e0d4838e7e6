//! Events as lines of text: on standard error, and with their times in `log.txt`.

use super::Sink;
use crate::event::{
    CheckpointWritten, EvaluationMatch, Event, GateMatch, Metrics, RunStarted, SinkFailure, Stamped, Verdict,
};
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// Sink that prints a line for each event on standard error.
pub struct Plain;

impl Sink for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn receive(&mut self, event: &Stamped) -> Result<()> {
        // One write a line, so that lines of other processes do not come between.
        match line(&event.event) {
            Some(line) => stderr().write_all(format!("{line}\n").as_bytes()).context("standard error"),
            None => Ok(()),
        }
    }

    fn takes_games(&self) -> bool {
        false
    }
}

/// Sink that appends a line with its time, UTC, for each event to a file.
pub struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    /// Opens the file for appending.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path);
        Ok(Self { path: path.to_owned(), file: file.with_context(|| path.display().to_string())? })
    }
}

impl Sink for LogFile {
    fn name(&self) -> &'static str {
        "log"
    }

    fn receive(&mut self, event: &Stamped) -> Result<()> {
        let Some(line) = line(&event.event) else { return Ok(()) };
        let time = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs_f64(event.time));
        self.file.write_all(format!("{time} {line}\n").as_bytes()).with_context(|| self.path.display().to_string())
    }

    fn takes_games(&self) -> bool {
        false
    }
}

/// The event as one line of text; games have none.
pub fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::RunStarted(run) => started(run),
        Event::Iteration(metrics) => iteration(metrics),
        Event::GameEnded(_) => return None,
        Event::Evaluation(evaluation) => evaluated(evaluation),
        Event::Gate(gate) => gated(gate),
        Event::Checkpoint(CheckpointWritten { iteration, path, seconds, .. }) => {
            format!("checkpoint of iteration {iteration} in {seconds:.2} s: {}", path.display())
        }
        Event::Alarm(alarm) => format!("alarm: {}. {}", alarm.text, alarm.advice),
        Event::Restored(restored) => format!("back to iteration {}: {}", restored.iteration, restored.text),
        Event::Notice(notice) => notice.text.clone(),
        Event::SinkFailed(SinkFailure { sink, error, failures, resting }) => {
            let rests = if *resting { "; it rests for a while" } else { "" };
            format!("{sink} failed, the run goes on: {error} ({failures} failures{rests})")
        }
        Event::RunEnded(end) => {
            let how = if end.interrupted { "stopped" } else { "done" };
            format!("{how} after iteration {}, {} plies, {:.0} s", end.iteration, end.plies, end.seconds)
        }
    })
}

fn started(run: &RunStarted) -> String {
    let how = if run.iteration == 0 { "starts" } else { "goes on" };
    format!(
        "{}: {how} after iteration {}, {} weights, {}",
        run.directory.display(),
        run.iteration,
        run.weights,
        run.learner
    )
}

fn evaluated(evaluation: &EvaluationMatch) -> String {
    let EvaluationMatch { iteration, opponent, games, score, interval: (low, high), probes, .. } = evaluation;
    let solved = probes.iter().map(|(task, score)| format!("; {} {:.2}", task.replace('_', " "), score.solved));
    format!(
        "evaluation after iteration {iteration}: {score:.3} [{low:.3}, {high:.3}] against {opponent}, {games} games{}",
        solved.collect::<String>()
    )
}

fn gated(gate: &GateMatch) -> String {
    let GateMatch { challenger, best, games, score, interval: (low, high), verdict, .. } = gate;
    let verdict = match verdict {
        Verdict::Promoted => "it is the best from now on",
        Verdict::Refused => "it is not stronger",
        Verdict::Undecided => "too close to call, the best stays",
    };
    format!(
        "gate of iteration {challenger}: {score:.3} [{low:.3}, {high:.3}] against the best, iteration {best}, {games} \
         games: {verdict}"
    )
}

fn iteration(m: &Metrics) -> String {
    let losses = &m.update.losses;
    let length = if m.ended.games_ended > 0 { format!("{:.0}", m.ended.length_mean) } else { "-".into() };
    let mut text = format!(
        "iteration {} {:.0}% plies {} {:.0} plies/s learn {:.0}/s entropy {:.3} kl {:.4} clip {:.3} value {:.3} explained {:.2} length {length}",
        m.iteration,
        100.0 * m.progress,
        m.plies,
        m.perf.plies_per_second,
        m.perf.samples_per_second,
        m.normalized_entropy,
        losses.approx_kl,
        losses.clipfrac,
        losses.value_loss,
        m.update.explained_variance,
    );
    for (reason, count) in &m.ended.reasons {
        let _ = write!(text, " {reason} {count}");
    }
    if m.league.pool_snapshots > 0 {
        let lowest = m.league.pool_lowest.map_or("-".into(), |lowest| format!("{lowest:.2}"));
        let _ = write!(text, " pool of {} lowest {lowest}", m.league.pool_snapshots);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Alarm;

    #[test]
    fn the_log_has_a_line_with_its_time_for_each_event() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("log.txt");
        let alarm = Alarm { iteration: 3, id: "nan".into(), text: "NaN".into(), advice: "Stop.".into() };
        for event in [Event::Alarm(alarm), Event::Iteration(Box::default())] {
            let mut log = LogFile::open(&path).expect("opened");
            log.receive(&Stamped { time: 1e9, event }).expect("written");
        }
        let text = std::fs::read_to_string(path).expect("read");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "2001-09-09T01:46:40Z alarm: NaN. Stop.");
        assert!(lines[1].starts_with("2001-09-09T01:46:40Z iteration 0 0% plies 0"), "{text}");
        assert!(lines[1].ends_with("length -"), "{text}");
    }
}
