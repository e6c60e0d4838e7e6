//! Report: one self-contained HTML page about one or several runs, which can be read without script and without network.

mod board;
pub(crate) mod chart;
pub mod ratings;

use self::board::{SampleGame, samples};
use self::chart::{Chart, hex};
use crate::commands::settings::differences;
use crate::event::EvaluationMatch;
use crate::history::{History, settings_of};
use crate::metrics::METRICS;
use crate::run::GAMES;
use crate::run::budget::plies_in_words;
use crate::series::Series;
use crate::settings::SettingRow;
use crate::view::{CURVES, Curve, duration, short};
use anyhow::{Context, Result};
use keisei_play::files::read_records;
use keisei_play::probes::Task;
use std::fmt::Write;
use std::path::PathBuf;

/// Rows of the table behind a diagram.
const ROWS: usize = 12;

/// A run with its curves.
struct Run {
    history: History,
    curves: Vec<Series>,
}

/// The page about the runs in these directories.
///
/// # Errors
/// If there is no run in one of them, or its files cannot be read.
pub fn html(directories: &[PathBuf]) -> Result<String> {
    let mut runs = Vec::new();
    for directory in directories {
        let mut curves: Vec<Series> = CURVES.iter().map(|_| Series::default()).collect();
        let history = History::read(directory, |metrics| {
            for (curve, series) in CURVES.iter().zip(&mut curves) {
                if let Some(value) = (curve.value)(metrics) {
                    series.push(metrics.plies as f64, value);
                }
            }
        })?;
        runs.push(Run { history, curves });
    }
    let names: Vec<String> = runs.iter().map(|run| run.history.name()).collect();
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Report: {}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>\n{}</style>\n</head>\n<body>\n<main>\n<h1>Report on {}</h1>\n",
        escaped(&names.join(", ")),
        include_str!("page.css"),
        escaped(&names.join(", "))
    );
    summary(&mut page, &runs, &names);
    alarms(&mut page, &runs, &names);
    evaluations(&mut page, &runs, &names)?;
    curves(&mut page, &runs, &names)?;
    games(&mut page, &runs, &names)?;
    settings(&mut page, directories, &names)?;
    page.push_str("</main>\n</body>\n</html>\n");
    Ok(page)
}

/// Text for HTML, in elements and in attributes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Table in a region that scrolls sideways where it is too wide; the first cell of each row names it.
fn table(page: &mut String, about: &str, head: &[String], rows: &[Vec<String>]) {
    let about = escaped(about);
    let _ = write!(
        page,
        "<div class=\"scroll\" role=\"region\" aria-label=\"{about}\" tabindex=\"0\"><table>\n<caption>{about}</caption>\n<thead><tr>"
    );
    for cell in head {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(cell));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for (i, cell) in row.iter().enumerate() {
            let cell = escaped(cell);
            let _ =
                if i == 0 { write!(page, "<th scope=\"row\">{cell}</th>") } else { write!(page, "<td>{cell}</td>") };
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table></div>\n");
}

fn strings<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(ToOwned::to_owned).into()
}

fn summary(page: &mut String, runs: &[Run], names: &[String]) {
    page.push_str("<h2>Runs</h2>\n<ul class=\"legend\">");
    for (i, name) in names.iter().enumerate() {
        let _ = write!(page, "<li><span style=\"background:{}\"></span>{}. {}</li>", hex(i), i + 1, escaped(name));
    }
    page.push_str("</ul>\n");
    let row = |(name, run): (&String, &Run)| {
        let History { started, metrics, evaluations, activity, .. } = &run.history;
        let m = metrics.as_ref();
        let of = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        vec![
            name.clone(),
            activity.name().to_owned(),
            of(m.map(|m| m.iteration.to_string())),
            of(m.map(|m| plies_in_words(m.plies))),
            of(started.as_ref().filter(|run| run.budget_plies > 0).map(|run| plies_in_words(run.budget_plies))),
            of(m.map(|m| m.games.to_string())),
            of(m.map(|m| duration(m.seconds))),
            of(m.map(|m| short(m.plies as f64 / m.seconds.max(1e-9)))),
            of(evaluations.last().map(|evaluation| format!("{:.3} against {}", evaluation.score, evaluation.opponent))),
            of(m.map(|m| m.sink_failures.to_string())),
            of(started.as_ref().map(|run| run.learner.clone())),
            of(started.as_ref().map(|run| run.machine.revision.clone())),
        ]
    };
    let head = [
        "run",
        "state",
        "iterations",
        "plies",
        "budget",
        "games",
        "time",
        "plies/s",
        "last score",
        "failures of sinks",
        "learner",
        "revision",
    ];
    table(page, "Runs in this report", &strings(head), &names.iter().zip(runs).map(row).collect::<Vec<_>>());
}

fn alarms(page: &mut String, runs: &[Run], names: &[String]) {
    page.push_str("<h2>Alarms</h2>\n");
    let mut rows = Vec::new();
    for (name, run) in names.iter().zip(runs) {
        let in_force = run.history.metrics.iter().flat_map(|metrics| &metrics.alarms).collect::<Vec<_>>();
        for alarm in &run.history.alarms {
            let state = if in_force.contains(&&alarm.id) { "in force" } else { "over" };
            rows.push(vec![
                name.clone(),
                alarm.iteration.to_string(),
                alarm.id.clone(),
                state.to_owned(),
                alarm.text.clone(),
                alarm.advice.clone(),
            ]);
        }
    }
    if rows.is_empty() {
        page.push_str("<p>None was raised.</p>\n");
    } else {
        let head = ["run", "iteration", "alarm", "at the end", "what was seen", "what to do"];
        table(page, "Alarms that were raised", &strings(head), &rows);
    }
}

fn evaluations(page: &mut String, runs: &[Run], names: &[String]) -> Result<()> {
    page.push_str("<h2>Strength</h2>\n");
    if runs.iter().all(|run| run.history.evaluations.is_empty()) {
        page.push_str("<p>No evaluation was played; <code>run.evaluate_plies</code> sets the interval.</p>\n");
        return Ok(());
    }
    let score = |run: &Run| {
        let mut series = Series::default();
        for evaluation in &run.history.evaluations {
            series.push(evaluation.plies as f64, evaluation.score);
        }
        series
    };
    let scores: Vec<Series> = runs.iter().map(score).collect();
    let interval = |e: &EvaluationMatch| (e.plies as f64, e.interval.0, e.interval.1);
    let chart = Chart {
        about: format!("Score in evaluations over plies, of {}", names.join(", ")),
        series: scores.iter().collect(),
        intervals: runs.iter().map(|run| run.history.evaluations.iter().map(interval).collect()).collect(),
        range: Some((0.0, 1.0)),
    };
    let _ = write!(page, "<div class=\"charts\">\n<figure>\n<h3>Score</h3>\n{}", chart.svg()?);
    page.push_str("<figcaption>Points per game in evaluations, with their 95 % intervals: a win counts 1, a draw ½.</figcaption>\n");
    let mut rows = Vec::new();
    for (name, run) in names.iter().zip(runs) {
        for e in &run.history.evaluations {
            rows.push(vec![
                name.clone(),
                e.plies.to_string(),
                e.opponent.clone(),
                e.games.to_string(),
                format!("{:.3}", e.score),
                format!("{:.3} to {:.3}", e.interval.0, e.interval.1),
            ]);
        }
    }
    page.push_str("<details><summary>Table of the evaluations</summary>\n");
    let head = ["run", "plies", "opponent", "games", "score", "95 % interval"];
    table(page, "Evaluations", &strings(head), &rows);
    page.push_str("</details>\n</figure>\n");
    probes(page, runs, names)?;
    page.push_str("</div>\n");
    Ok(())
}

/// A diagram of each task of the probes that the evaluations have.
fn probes(page: &mut String, runs: &[Run], names: &[String]) -> Result<()> {
    for task in Task::ALL.map(Task::id) {
        let solved = |run: &Run| {
            let mut series = Series::default();
            for evaluation in &run.history.evaluations {
                if let Some(score) = evaluation.probes.get(task) {
                    series.push(evaluation.plies as f64, score.solved);
                }
            }
            series
        };
        let solved: Vec<Series> = runs.iter().map(solved).collect();
        let series: Vec<&Series> = solved.iter().collect();
        if series.iter().all(|series| series.is_empty()) {
            continue;
        }
        let title = format!("Probes: {}", task.replace('_', " "));
        let about = format!("{title}, share solved over plies, of {}", names.join(", "));
        let svg = Chart { about, series: series.clone(), intervals: Vec::new(), range: Some((0.0, 1.0)) }.svg()?;
        let _ = write!(
            page,
            "<figure>\n<h3>{title}</h3>\n{svg}<figcaption>Share of the positions that the most probable move solves.</figcaption>\n\
             <details><summary>Table of {title}</summary>\n"
        );
        curve_table(page, &title, &series, names);
        page.push_str("</details>\n</figure>\n");
    }
    Ok(())
}

fn curves(page: &mut String, runs: &[Run], names: &[String]) -> Result<()> {
    page.push_str("<h2>Curves</h2>\n<div class=\"charts\">\n");
    for (i, curve) in CURVES.iter().enumerate() {
        let series: Vec<&Series> = runs.iter().map(|run| &run.curves[i]).collect();
        if series.iter().all(|series| series.is_empty()) {
            continue;
        }
        let title = title(curve);
        let metric = METRICS.iter().find(|metric| metric.key == curve.key);
        let about = format!("{title} over plies, of {}", names.join(", "));
        let range = (!curve.part.is_empty()).then_some((0.0, 1.0));
        let svg = Chart { about, series: series.clone(), intervals: Vec::new(), range }.svg()?;
        let doc = metric.map_or("", |metric| metric.doc);
        let unit = metric.map(|metric| metric.unit).filter(|unit| !unit.is_empty() && curve.part.is_empty());
        let unit = unit.map_or_else(String::new, |unit| format!(" Unit: {unit}."));
        let share = if curve.part.is_empty() { "" } else { " Here the share of the games that ended." };
        let _ = write!(
            page,
            "<figure>\n<h3>{}</h3>\n{svg}<figcaption>{}{unit}{share}</figcaption>\n<details><summary>Table of {}</summary>\n",
            escaped(&title),
            escaped(doc),
            escaped(&title)
        );
        curve_table(page, &title, &series, names);
        page.push_str("</details>\n</figure>\n");
    }
    page.push_str("</div>\n");
    Ok(())
}

fn title(curve: &Curve) -> String {
    if curve.part.is_empty() {
        curve.key.to_owned()
    } else {
        format!("{}: {}", curve.key, curve.part.replace('_', " "))
    }
}

/// Values of each run at the same plies: means over equal parts of the longest run.
fn curve_table(page: &mut String, title: &str, series: &[&Series], names: &[String]) {
    let last = series.iter().flat_map(|series| series.points()).map(|(x, _)| x).fold(0.0, f64::max);
    let cell = |series: &Series, part: usize| {
        let (from, to) = (last * part as f64 / ROWS as f64, last * (part + 1) as f64 / ROWS as f64);
        let values: Vec<f64> = series.points().filter(|&(x, _)| from < x && x <= to).map(|(_, y)| y).collect();
        if values.is_empty() { "-".to_owned() } else { short(values.iter().sum::<f64>() / values.len() as f64) }
    };
    let row = |part: usize| {
        let up_to = plies_in_words((last * (part + 1) as f64 / ROWS as f64).round() as u64);
        std::iter::once(up_to).chain(series.iter().map(|series| cell(series, part))).collect()
    };
    let rows: Vec<Vec<String>> = (0..ROWS).map(row).collect();
    let head: Vec<String> = std::iter::once("up to ply".to_owned()).chain(names.iter().cloned()).collect();
    table(page, &format!("{title}, means over parts of the run"), &head, &rows);
}

fn games(page: &mut String, runs: &[Run], names: &[String]) -> Result<()> {
    let mut all = Vec::new();
    for (name, run) in names.iter().zip(runs) {
        let path = run.history.directory.join(GAMES);
        if path.is_file() {
            let records = read_records(&path)?;
            all.extend(samples(&records).into_iter().filter_map(|record| SampleGame::of(name, record)));
        }
    }
    page.push_str("<h2>Games</h2>\n");
    let Some(position) = all.first().and_then(|game| game.positions.last()) else {
        page.push_str("<p>No record of a game that has ended.</p>\n");
        return Ok(());
    };
    let _ = write!(
        page,
        "<p>The shortest, the middle and the longest of the newest recorded games of self-play of each run.</p>\n\
         <div class=\"game\">\n<div>\n<p>White’s hand: <span id=\"white-hand\">{}</span></p>\n{}\
         <p>Black’s hand: <span id=\"black-hand\">{}</span></p>\n</div>\n<div>\n<p><output id=\"move\">{}</output></p>\n\
         <div id=\"controls\" hidden>\n<p><label for=\"game\">Game</label> <select id=\"game\">\n",
        escaped(&position.hands[1]),
        position.svg(),
        escaped(&position.hands[0]),
        escaped(&position.text)
    );
    for (i, game) in all.iter().enumerate() {
        let _ = writeln!(page, "<option value=\"{i}\">{}</option>", escaped(&game.title));
    }
    page.push_str(
        "</select></p>\n<p class=\"controls\"><button type=\"button\" id=\"first\">First</button> \
         <button type=\"button\" id=\"back\">Back</button> <button type=\"button\" id=\"next\">Next</button> \
         <button type=\"button\" id=\"last\">Last</button></p>\n\
         <p class=\"controls\"><label for=\"ply\">Ply</label> <input type=\"range\" id=\"ply\" min=\"0\" value=\"0\"></p>\n</div>\n\
         <details><summary>Moves of all these games</summary>\n",
    );
    for game in &all {
        let moves: Vec<&str> = game.positions.iter().skip(1).map(|position| position.text.as_str()).collect();
        let _ = writeln!(page, "<p><strong>{}</strong><br>{}</p>", escaped(&game.title), escaped(&moves.join("; ")));
    }
    let json = serde_json::to_string(&all).context("games")?.replace('<', "\\u003c");
    let _ = write!(
        page,
        "</details>\n</div>\n</div>\n<script type=\"application/json\" id=\"games\">{json}</script>\n<script>\n{}</script>\n",
        include_str!("board.js")
    );
    Ok(())
}

fn settings(page: &mut String, directories: &[PathBuf], names: &[String]) -> Result<()> {
    page.push_str("<h2>Settings</h2>\n");
    let head: Vec<String> = std::iter::once("setting".to_owned()).chain(names.iter().cloned()).collect();
    if directories.len() > 1 {
        let rows: Vec<Vec<String>> =
            differences(directories)?.into_iter().map(|(key, values)| [vec![key], values].concat()).collect();
        if rows.is_empty() {
            page.push_str("<p>All runs have the same.</p>\n");
        } else {
            table(page, "Settings that differ", &head, &rows);
        }
    }
    let all: Vec<Vec<SettingRow>> =
        directories.iter().map(|directory| Ok(settings_of(directory)?.rows())).collect::<Result<_>>()?;
    let row = |i: usize| {
        let setting = &all[0][i].setting;
        let values = all.iter().map(|rows| rows[i].value.to_string());
        std::iter::once(setting.key.clone()).chain(values).chain([setting.doc.clone()]).collect()
    };
    let rows: Vec<Vec<String>> = (0..all[0].len()).map(row).collect();
    page.push_str("<details><summary>All settings</summary>\n");
    table(page, "All settings", &[head, vec!["what it is".to_owned()]].concat(), &rows);
    page.push_str("</details>\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Alarm, Event, Metrics, Stamped};
    use crate::settings::Preset;
    use keisei_play::probes::ProbeScore;
    use std::path::Path;

    fn write(directory: &Path, iterations: u64, clip_coef: f32) {
        std::fs::create_dir_all(directory).expect("created");
        let mut settings = Preset::Tiny.settings();
        settings.ppo.clip_coef = clip_coef;
        std::fs::write(directory.join("config.toml"), settings.to_toml()).expect("written");
        let line = |time, event| serde_json::to_string(&Stamped { time, event }).expect("plain data") + "\n";
        let iteration = |iteration| {
            let metrics = Metrics { iteration, plies: 64 * iteration, ..Metrics::default() };
            line(iteration as f64, Event::Iteration(Box::new(metrics)))
        };
        std::fs::write(directory.join("metrics.jsonl"), (1..=iterations).map(iteration).collect::<String>())
            .expect("written");
        let alarm = Alarm { iteration: 2, id: "kl".into(), text: "above <0.1>".into(), advice: "Lower it.".into() };
        let evaluation = EvaluationMatch {
            iteration: 2,
            plies: 128,
            opponent: "greedy".into(),
            games: 64,
            score: 0.25,
            interval: (0.1, 0.4),
            probes: [("mate_1".to_owned(), ProbeScore { probes: 100, solved: 0.5, probability: 0.25 })].into(),
            seconds: 1.0,
        };
        let events = line(2.0, Event::Alarm(alarm)) + &line(2.5, Event::Evaluation(evaluation));
        std::fs::write(directory.join("events.jsonl"), events).expect("written");
    }

    #[test]
    fn a_page_needs_nothing_else_and_tells_everything() {
        let folder = tempfile::tempdir().expect("a folder");
        let runs = ["a", "b & c"].map(|name| folder.path().join(name));
        write(&runs[0], 40, 0.2);
        write(&runs[1], 60, 0.1);
        let page = html(&runs).expect("a page");
        for word in [
            "2. b &amp; c",
            "above &lt;0.1&gt;",
            "Lower it.",
            "<td>0.250</td>",
            "Settings that differ",
            "approx_kl",
            "Probes: mate 1",
        ] {
            assert!(page.contains(word), "{word}");
        }
        let rest = page.replace("http://www.w3.org/", "");
        for word in ["http:", "https:", "src=", "@import", "url("] {
            assert!(!rest.contains(word), "{word}");
        }
        // Each diagram has a table behind it.
        let charts = page.matches("<figure>").count();
        assert_eq!((page.matches("<svg role").count(), page.matches("<details>").count()), (charts, charts + 1));
        assert!(charts >= 14, "{charts}");
        let one = html(&runs[..1]).expect("a page");
        assert!(!one.contains("Settings that differ") && one.contains("No record of a game"));
    }

    #[test]
    fn a_run_that_has_told_nothing_has_a_page_and_no_run_has_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run");
        assert!(html(std::slice::from_ref(&path)).is_err());
        write(&path, 0, 0.2);
        std::fs::write(path.join("events.jsonl"), "").expect("written");
        let page = html(std::slice::from_ref(&path)).expect("a page");
        assert!(page.contains("No evaluation was played") && page.contains("None was raised"), "{page}");
    }
}
