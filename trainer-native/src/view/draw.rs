//! Drawing of a view: panels by the size of the terminal, from a few lines to three columns.

use super::board::{self, Scene};
use super::{Activity, CURVES, Hardware, Role, View};
use crate::event::Alarm;
use crate::metrics::METRICS;
use crate::run::budget::plies_in_words;
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Paragraph, Sparkline, Widget, Wrap};
use std::collections::BTreeMap;

/// Width of the panel with the board.
const BOARD: u16 = board::WIDTH + 4;

/// Height of the panel with the board: hands, files, nine ranks and one line of moves.
const BOARD_HEIGHT: u16 = 15;

/// Seconds that the answer to a key is shown.
const ANSWER: f64 = 4.0;

impl View {
    /// Draws the view as it is at the time `now` into `area`, whatever its size.
    pub fn draw(&self, now: f64, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        let (keys, rest) = cut_bottom(area, 1);
        let (header, rest) = cut_top(rest, 2);
        self.header(now, header, buffer);
        let alarms = self.alarm_lines(rest.width, usize::from(rest.height / 4));
        let (strip, body) = cut_top(rest, alarms.len() as u16);
        rows(strip, buffer, alarms);
        if body.width >= 110 && body.height >= 30 {
            self.large(now, body, buffer);
        } else if body.width >= 66 && body.height >= BOARD_HEIGHT {
            self.compact(now, body, buffer);
        } else {
            self.tiny(body, buffer);
        }
        self.keys(now, keys, buffer);
        if self.is_helping {
            self.help(area, buffer);
        }
    }

    /// Board and curves above, three small panels below, or beside the board where there is no room below it.
    fn compact(&self, now: f64, area: Rect, buffer: &mut Buffer) {
        if area.height < BOARD_HEIGHT + 5 {
            let (left, right) = cut_left(area, BOARD);
            let (curves, below) = cut_bottom_of(right, 8);
            let (games, time) = cut_left(below, below.width / 2);
            self.board(now, left, buffer);
            self.course(curves, buffer);
            self.games(games, buffer);
            self.time(time, buffer);
            return;
        }
        let (above, below) = cut_top(area, BOARD_HEIGHT);
        let (left, right) = cut_left(above, BOARD);
        self.board(now, left, buffer);
        self.course(right, buffer);
        let (games, rest) = cut_left(below, below.width / 3);
        let (time, evaluations) = cut_left(rest, rest.width / 2);
        self.games(games, buffer);
        self.time(time, buffer);
        self.evaluations(evaluations, buffer);
    }

    /// Two columns, or three where there is room.
    fn large(&self, now: f64, area: Rect, buffer: &mut Buffer) {
        let (left, rest) = cut_left(area, 42);
        let (board, below) = cut_top(left, BOARD_HEIGHT + 2);
        let (games, hardware) = cut_top(below, below.height.saturating_sub(9).clamp(9, 14));
        self.board(now, board, buffer);
        self.games(games, buffer);
        self.machine(hardware, buffer);
        if area.width >= 170 {
            let (curves, right) = cut_left(rest, rest.width - 60);
            let (evaluations, below) = cut_top(right, right.height / 3);
            let (time, messages) = cut_top(below, 8);
            self.course(curves, buffer);
            self.evaluations(evaluations, buffer);
            self.time(time, buffer);
            self.messages(messages, buffer);
        } else {
            let (above, messages) = cut_bottom_of(rest, rest.height / 5);
            let (curves, row) = cut_bottom_of(above, 8);
            let (time, evaluations) = cut_left(row, row.width / 2);
            self.course(curves, buffer);
            self.time(time, buffer);
            self.evaluations(evaluations, buffer);
            self.messages(messages, buffer);
        }
    }

    /// The newest numbers as lines.
    fn tiny(&self, area: Rect, buffer: &mut Buffer) {
        let lines = self.curve_rows().map(|(label, value, ..)| Line::raw(format!("{label:<18} {value}")));
        rows(area, buffer, lines.collect());
    }

    fn header(&self, now: f64, area: Rect, buffer: &mut Buffer) {
        let theme = self.theme;
        let name = self.run.as_ref().and_then(|run| run.directory.file_name());
        let name = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let state = match self.activity {
            Activity::Paused | Activity::Stopping | Activity::Killed => theme.alarm(),
            _ => theme.strong(),
        };
        let title = Line::from(vec![
            Span::styled(" Keisei ", theme.title()),
            Span::raw(name),
            Span::raw("  "),
            Span::styled(self.activity.name(), state),
        ]);
        let used = title.width() as u16;
        rows(area, buffer, vec![title]);
        if let Some(m) = self.metrics.as_deref() {
            let budget = self.run.as_ref().map_or(0, |run| run.budget_plies);
            let of = if budget > 0 { format!(" of {}", plies_in_words(budget)) } else { String::new() };
            let (plies, games) = (plies_in_words(m.plies), m.games);
            let speed = short(m.perf.plies_per_second);
            let texts = [
                format!("iteration {}, {plies}{of} plies, {games} games, {speed} plies/s ", m.iteration),
                format!("{plies}{of} plies, {speed} plies/s "),
                format!("{plies} plies, {speed}/s "),
                format!("{plies} "),
            ];
            let (_, right) = cut_left(area, used + 1);
            if let Some(text) = texts.into_iter().find(|text| text.len() <= usize::from(right.width)) {
                rows(right, buffer, vec![Line::raw(text).alignment(Alignment::Right)]);
            }
        }
        let (_, gauge) = cut_top(area, 1);
        self.gauge(now, gauge, buffer);
    }

    fn gauge(&self, now: f64, area: Rect, buffer: &mut Buffer) {
        let m = self.metrics.as_deref();
        let (gone, progress) = m.map_or((0.0, 0.0), |m| (m.seconds, m.progress));
        let has_budget = self.run.as_ref().is_none_or(|run| run.budget_plies > 0);
        let left = match self.activity {
            Activity::Ended => "done".to_owned(),
            _ if !has_budget => "no budget: stop it with q".to_owned(),
            _ => self.seconds_left(now).map_or_else(|| "- left".to_owned(), |left| format!("{} left", duration(left))),
        };
        let text = format!(" {:>3.0} %  {} gone, {left} ", 100.0 * progress, duration(gone));
        let width = area.width.saturating_sub(text.chars().count() as u16 + 1);
        let bar = bar(progress, usize::from(width));
        rows(
            area,
            buffer,
            vec![Line::from(vec![Span::raw(" "), Span::styled(bar, self.theme.bar()), Span::raw(text)])],
        );
    }

    /// The alarms in force, and their advice as far as there are rows for it, the last alarm's first.
    fn alarm_lines(&self, width: u16, count: usize) -> Vec<Line<'static>> {
        let alarms = self.alarms_in_force();
        let head = |alarm: &Alarm| format!(" ! {}. ", alarm.text);
        let fits = |alarm: &Alarm| Span::raw(head(alarm) + &alarm.advice).width() <= usize::from(width);
        let mut free = count.saturating_sub(alarms.len());
        let mut blocks: Vec<Vec<Line>> = Vec::new();
        for alarm in alarms.iter().rev() {
            let first = Span::styled(head(alarm), self.theme.alarm());
            if fits(alarm) {
                blocks.push(vec![Line::from(vec![first, Span::raw(alarm.advice.clone())])]);
                continue;
            }
            let mut block = vec![Line::from(first)];
            let advice = wrapped(&alarm.advice, width.saturating_sub(4));
            if advice.len() <= free {
                free -= advice.len();
                block.extend(advice.into_iter().map(|line| Line::raw(format!("   {line}"))));
            }
            blocks.push(block);
        }
        let mut lines: Vec<Line> = blocks.into_iter().rev().flatten().collect();
        if lines.len() > count {
            let hidden = lines.len() - count.saturating_sub(1);
            lines.truncate(count.saturating_sub(1));
            lines.push(Line::styled(format!(" ! and {hidden} more alarms"), self.theme.alarm()));
            lines.truncate(count);
        }
        lines
    }

    fn panel(&self, title: &str, area: Rect, buffer: &mut Buffer) -> Rect {
        let block = Block::bordered()
            .border_style(self.theme.dim())
            .title(Span::styled(format!(" {title} "), self.theme.title()))
            .padding(Padding::horizontal(1));
        let inner = block.inner(area);
        block.render(area, buffer);
        inner
    }

    fn board(&self, now: f64, area: Rect, buffer: &mut Buffer) {
        let Some(m) = self.metrics.as_deref() else {
            let inner = self.panel("game", area, buffer);
            rows(inner, buffer, vec![Line::styled("comes with the first iteration", self.theme.dim())]);
            return;
        };
        let scene = Scene::of(&m.shown, self.moves_shown(&m.shown, now), self.script);
        let title = scene.as_ref().map_or_else(
            || "game".to_owned(),
            |scene| format!("game {}, ply {}", m.shown.slot + 1, scene.ply().saturating_sub(1)),
        );
        let inner = self.panel(&title, area, buffer);
        let Some(scene) = scene else {
            rows(inner, buffer, vec![Line::styled("no position", self.theme.dim())]);
            return;
        };
        let mut lines = scene.lines(self.script, self.theme);
        let free = usize::from(inner.height).saturating_sub(lines.len());
        lines.extend(scene.last_moves(usize::from(inner.width), free.max(1), self.theme));
        rows(inner, buffer, lines);
    }

    /// Label, newest value and series of each curve that has values.
    fn curve_rows(&self) -> impl Iterator<Item = (&'static str, String, &crate::series::Series)> {
        let filled = CURVES.iter().zip(&self.curves).filter(|(_, series)| !series.is_empty());
        filled.map(|(curve, series)| (curve.label(), series.last().map_or_else(String::new, short), series))
    }

    fn course(&self, area: Rect, buffer: &mut Buffer) {
        let curves: Vec<_> = self.curve_rows().collect();
        if curves.is_empty() {
            self.messages(area, buffer);
            return;
        }
        let inner = self.panel("over the run", area, buffer);
        let count = curves.len() as u16;
        let mut below = inner;
        for (i, (label, value, series)) in curves.into_iter().enumerate() {
            // The first ones get the rows that are left over.
            let height = (inner.height / count + u16::from((i as u16) < inner.height % count)).clamp(1, 4);
            let (row, rest) = cut_top(below, height);
            below = rest;
            if row.height == 0 {
                break;
            }
            let (text, graph) = cut_left(row, 28);
            let values = series.in_parts(usize::from(graph.width));
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), &v| (low.min(v), high.max(v)));
            let mut lines = vec![Line::from(vec![
                Span::raw(format!("{label:<18} ")),
                Span::styled(format!("{value:>8}"), self.theme.strong()),
            ])];
            if height > 1 && low <= high {
                let unit = METRICS.iter().find(|metric| metric.key == label).map_or("", |metric| metric.unit);
                let range = format!("  {} to {} {unit}", short(low), short(high));
                lines.push(Line::styled(range, self.theme.dim()));
            }
            rows(text, buffer, lines);
            self.sparkline(&values, (low, high), graph, buffer);
        }
    }

    fn sparkline(&self, values: &[f64], (low, high): (f64, f64), area: Rect, buffer: &mut Buffer) {
        // The lowest value still shows: it is one step of eight high.
        let steps = f64::from(area.height) * 8.0 - 1.0;
        let step = |&value: &f64| {
            let part = if high > low { (value - low) / (high - low) } else { 0.0 };
            1 + (part * steps).round() as u64
        };
        let data: Vec<u64> = values.iter().map(step).collect();
        Sparkline::default().data(&data).max(steps as u64 + 1).style(self.theme.bar()).render(area, buffer);
    }

    fn games(&self, area: Rect, buffer: &mut Buffer) {
        let games: u64 = self.ended.iter().map(|ended| ended.games).sum();
        let inner = self.panel(&format!("last {games} games"), area, buffer);
        if games == 0 {
            rows(inner, buffer, vec![Line::styled("none has ended yet", self.theme.dim())]);
            return;
        }
        let mut results = [0; 3];
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        for ended in &self.ended {
            results.iter_mut().zip(ended.results).for_each(|(sum, count)| *sum += count);
            for (reason, count) in &ended.reasons {
                *reasons.entry(reason).or_default() += count;
            }
        }
        let share = |count: u64| 100.0 * count as f64 / games as f64;
        let [black, white, draws] = results;
        let cut_off = games.saturating_sub(results.iter().sum());
        let mut reasons: Vec<(&str, u64)> = reasons.into_iter().collect();
        reasons.sort_by_key(|&(reason, count)| (std::cmp::Reverse(count), reason));
        let row = |name: &str, count| self.share_row(name, 15, count as f64 / games as f64, inner.width);
        let mut lines = if inner.height >= 7 {
            vec![row("Black wins", black), row("White wins", white), row("draw", draws), row("cut off", cut_off)]
        } else {
            let text = format!("▲{:.0} △{:.0} draw {:.0} %", share(black), share(white), share(draws));
            vec![Line::styled(text, self.theme.strong())]
        };
        lines.extend(reasons.iter().map(|&(reason, count)| row(&reason.replace('_', " "), count)));
        rows(inner, buffer, lines);
    }

    /// Name of at most `label` columns, bar and percentage of a share.
    fn share_row(&self, name: &str, label: usize, share: f64, width: u16) -> Line<'static> {
        let width = usize::from(width);
        let label = width.saturating_sub(7).min(label);
        let name: String = name.chars().take(label).collect();
        let bar = bar(share, width.saturating_sub(label + 7));
        Line::from(vec![
            Span::raw(format!("{name:<label$} ")),
            Span::styled(bar, self.theme.bar()),
            Span::styled(format!(" {:>3.0} %", 100.0 * share), self.theme.strong()),
        ])
    }

    fn time(&self, area: Rect, buffer: &mut Buffer) {
        let inner = self.panel("time", area, buffer);
        let sum = |seconds: fn(&crate::event::Perf) -> f64| self.perf.iter().map(seconds).sum::<f64>().max(0.0);
        let phases = [
            ("env", sum(|perf| perf.env_seconds)),
            ("inference", sum(|perf| perf.inference_seconds)),
            ("learn", sum(|perf| perf.learn_seconds)),
            ("log", sum(|perf| perf.log_seconds)),
        ];
        let all: f64 = phases.iter().map(|(_, seconds)| seconds).sum();
        if all == 0.0 {
            rows(inner, buffer, vec![Line::styled("nothing measured yet", self.theme.dim())]);
            return;
        }
        let mut lines: Vec<Line> =
            phases.iter().map(|(name, seconds)| self.share_row(name, 9, seconds / all, inner.width)).collect();
        if let Some(evaluation) = self.evaluations.last().filter(|_| inner.height < 8 && inner.width < 24) {
            // Where the evaluations have no panel of their own.
            lines.push(Line::raw(""));
            lines
                .push(Line::styled(format!("{:.3} vs {}", evaluation.score, evaluation.opponent), self.theme.strong()));
        } else if let Some(m) = &self.metrics {
            lines.push(Line::raw(format!("{} plies/s in all", short(m.perf.plies_per_second))));
            lines.push(Line::raw(format!("{} samples/s in the update", short(m.perf.samples_per_second))));
        }
        rows(inner, buffer, lines);
    }

    fn evaluations(&self, area: Rect, buffer: &mut Buffer) {
        let opponent = self.evaluations.last().map_or("greedy", |evaluation| evaluation.opponent.as_str());
        let inner = self.panel(&format!("score against {opponent}"), area, buffer);
        if self.evaluations.is_empty() {
            rows(inner, buffer, vec![Line::styled("no evaluation yet", self.theme.dim())]);
            return;
        }
        let (graph, list) = cut_top(inner, if inner.height >= 10 { 4 } else { 1 });
        self.sparkline(&self.scores.in_parts(usize::from(graph.width)), (0.0, 1.0), graph, buffer);
        let newest = self.evaluations.iter().rev().take(usize::from(list.height));
        let line = newest.enumerate().map(|(i, evaluation)| {
            let (low, high) = evaluation.interval;
            let style = if i == 0 { self.theme.strong() } else { self.theme.plain() };
            Line::from(vec![
                Span::styled(format!("{:.3} ", evaluation.score), style),
                Span::raw(format!("{low:.2}–{high:.2} ")),
                Span::styled(short(evaluation.plies as f64), self.theme.dim()),
            ])
        });
        rows(list, buffer, line.collect());
    }

    fn machine(&self, area: Rect, buffer: &mut Buffer) {
        let inner = self.panel("hardware", area, buffer);
        let Hardware { cores, load, busy, memory, machine_memory } = &self.hardware;
        let mut lines = Vec::new();
        let mut line = |text: String| lines.push(Line::raw(text));
        if let Some(run) = &self.run {
            line(run.learner.clone());
        }
        let load = load.map_or_else(String::new, |load| format!(", load {load:.2}"));
        line(format!("{cores} cores{load}"));
        if let Some(busy) = busy {
            line(format!("process: {:.0} % of {} %", 100.0 * busy, 100 * cores));
        }
        if let Some((now, most)) = memory {
            line(format!("memory: {}, at most {}", bytes(*now), bytes(*most)));
        }
        if let Some((available, all)) = machine_memory {
            line(format!("free: {} of {}", bytes(*available), bytes(*all)));
        }
        if let Some(run) = &self.run {
            line(format!("{} weights, {}", run.weights, run.machine.system));
            line(format!("revision {}", run.machine.revision));
        }
        rows(inner, buffer, lines);
    }

    fn messages(&self, area: Rect, buffer: &mut Buffer) {
        let inner = self.panel("messages", area, buffer);
        let mut lines: Vec<Line> = Vec::new();
        for (time, text) in self.messages.iter().rev() {
            let stamp = clock(*time);
            let mut parts = wrapped(text, inner.width.saturating_sub(9)).into_iter();
            let first = parts.next().unwrap_or_default();
            let mut block =
                vec![Line::from(vec![Span::styled(format!("{stamp} "), self.theme.dim()), Span::raw(first)])];
            block.extend(parts.map(|part| Line::raw(format!("         {part}"))));
            block.reverse();
            lines.extend(block);
            if lines.len() >= usize::from(inner.height) {
                break;
            }
        }
        lines.truncate(usize::from(inner.height));
        lines.reverse();
        rows(inner, buffer, lines);
    }

    /// Keys with what they do in the current role.
    fn key_names(&self) -> Vec<(&'static str, &'static str)> {
        let mut keys = match self.role {
            Role::Trainer => vec![
                ("q", "stop"),
                ("space", if self.activity == Activity::Paused { "go on" } else { "pause" }),
                ("e", "evaluate"),
                ("b", "next game"),
            ],
            Role::Watcher => vec![("q", "leave")],
        };
        keys.push(("?", "help"));
        keys
    }

    fn keys(&self, now: f64, area: Rect, buffer: &mut Buffer) {
        if let Some((_, answer)) = self.answer.as_ref().filter(|(given, _)| (*given..given + ANSWER).contains(&now)) {
            rows(area, buffer, vec![Line::styled(format!(" {answer}"), self.theme.key())]);
            return;
        }
        let mut spans = Vec::new();
        for (key, name) in self.key_names() {
            spans.extend([Span::raw(" "), Span::styled(key, self.theme.key()), Span::raw(format!(" {name} "))]);
        }
        let line = Line::from(spans);
        let (_, right) = cut_left(area, line.width() as u16 + 1);
        rows(area, buffer, vec![line]);
        let Hardware { cores, load, memory, .. } = &self.hardware;
        let load = load.map_or_else(String::new, |load| format!("load {load:.1} of {cores}, "));
        let memory = memory.map_or_else(String::new, |(now, _)| format!("{} ", bytes(now)));
        let text = format!("{load}{memory}");
        let text = if text.len() <= usize::from(right.width) { text } else { memory };
        if text.len() <= usize::from(right.width) {
            rows(right, buffer, vec![Line::styled(text, self.theme.dim()).alignment(Alignment::Right)]);
        }
    }

    fn help(&self, area: Rect, buffer: &mut Buffer) {
        let mut lines: Vec<Line> = Vec::new();
        for (key, name) in self.key_names() {
            lines.push(Line::from(vec![Span::styled(format!("{key:<6}"), self.theme.key()), Span::raw(name)]));
        }
        lines.push(Line::from(vec![Span::styled("l     ", self.theme.key()), Span::raw("kanji or letters")]));
        lines.push(Line::raw(""));
        let about = match self.role {
            Role::Trainer => {
                "Stopping gives up the iteration at work and saves the last whole one; go on with train --resume."
            }
            Role::Watcher => "Leaving does not touch the run.",
        };
        let panels = [
            about,
            "Board: a game of self-play; the last move is marked, v stands before White's pieces.",
            "Over the run: from the first ply on the left to now; each curve has its own scale.",
            "Time: env is games and rules, inference the network in self-play, learn the update, log all else.",
            "docs/metrics.md explains every number.",
        ];
        lines.extend(panels.map(Line::raw));
        let (width, height) = (area.width.min(64), area.height.min(lines.len() as u16 + 7));
        let place =
            Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
        // Of a wide character at the edge no half may stay.
        let wider = Rect { x: place.x.saturating_sub(1), width: width + 2, ..place }.intersection(area);
        Clear.render(wider, buffer);
        let inner = self.panel("help", place, buffer);
        Paragraph::new(lines).wrap(Wrap { trim: false }).render(inner, buffer);
    }
}

/// Writes lines from the top of an area down; what does not fit is cut off.
fn rows(area: Rect, buffer: &mut Buffer, lines: Vec<Line<'static>>) {
    for (line, y) in lines.into_iter().zip(area.top()..area.bottom()) {
        line.render(Rect { y, height: 1, ..area }, buffer);
    }
}

/// The top `height` rows and the rest.
fn cut_top(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

/// The bottom `height` rows and the rest above.
fn cut_bottom(area: Rect, height: u16) -> (Rect, Rect) {
    let (rest, bottom) = cut_top(area, area.height.saturating_sub(height));
    (bottom, rest)
}

/// The rest above and the bottom `height` rows.
fn cut_bottom_of(area: Rect, height: u16) -> (Rect, Rect) {
    cut_top(area, area.height.saturating_sub(height))
}

/// The left `width` columns and the rest.
fn cut_left(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    (Rect { width, ..area }, Rect { x: area.x + width, width: area.width - width, ..area })
}

/// Bar of `width` columns that is filled to this part, in steps of an eighth.
fn bar(part: f64, width: usize) -> String {
    let eighths = (part.clamp(0.0, 1.0) * 8.0 * width as f64).round() as usize;
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    let text = "█".repeat(eighths / 8) + rest;
    let free = width - eighths / 8 - usize::from(!rest.is_empty());
    text + &"░".repeat(free)
}

/// Text in lines of at most `width` columns, broken between words; a longer word is broken where it must.
fn wrapped(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(1));
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is one");
        let used = Span::raw(line.as_str()).width();
        if used > 0 && used + 1 + Span::raw(word).width() <= width {
            line.push(' ');
        } else if used > 0 {
            lines.push(String::new());
        }
        for letter in word.chars() {
            let line = lines.last_mut().expect("there is one");
            if Span::raw(line.as_str()).width() + Span::raw(letter.to_string()).width() <= width || line.is_empty() {
                line.push(letter);
            } else {
                lines.push(letter.to_string());
            }
        }
    }
    lines
}

/// Number in at most eight characters.
pub fn short(number: f64) -> String {
    let size = number.abs();
    match size {
        _ if !number.is_finite() => "-".to_owned(),
        0.0 => "0".to_owned(),
        _ if size >= 999_950_000.0 => format!("{:.2}G", number / 1e9),
        _ if size >= 999_950.0 => format!("{:.2}M", number / 1e6),
        _ if size >= 9_999.5 => format!("{:.1}k", number / 1e3),
        _ if size >= 99.95 => format!("{number:.0}"),
        _ if size >= 9.995 => format!("{number:.1}"),
        _ if size >= 0.0995 => format!("{number:.3}"),
        _ if size >= 0.001 => format!("{number:.4}"),
        _ => format!("{number:.1e}"),
    }
}

/// Time for a person: `1:02:03`, or `2 d 3 h` where it is long.
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.clamp(0.0, 1e12) as u64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours >= 100 {
        return format!("{} d {} h", hours / 24, hours % 24);
    }
    format!("{hours}:{minutes:02}:{:02}", seconds % 60)
}

/// Time of day, UTC.
fn clock(time: f64) -> String {
    let seconds = time.max(0.0) as u64 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Amount of memory.
fn bytes(count: u64) -> String {
    let megabytes = count as f64 / f64::from(1 << 20);
    if megabytes < 1000.0 { format!("{megabytes:.0} MB") } else { format!("{:.1} GB", megabytes / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let check = |number, expected: &str| assert_eq!(short(number), expected);
        check(0.0, "0");
        check(f64::NAN, "-");
        check(0.00012, "1.2e-4");
        check(0.0123, "0.0123");
        check(0.5, "0.500");
        check(-0.25, "-0.250");
        check(12.34, "12.3");
        check(4311.4, "4311");
        check(12_345.0, "12.3k");
        check(999_999.0, "1.00M");
        check(7.24e6, "7.24M");
        for exponent in -90..=11 {
            for mantissa in [1.0, 9.9949, 9.9951, -9.9999] {
                let number = mantissa * 10f64.powi(exponent);
                assert!(short(number).len() <= 8, "{number} {}", short(number));
            }
        }
    }

    #[test]
    fn times_are_those_of_a_clock() {
        assert_eq!(
            [0.0, 59.9, 3723.0, 360_000.0, -1.0].map(duration),
            ["0:00:00", "0:00:59", "1:02:03", "4 d 4 h", "0:00:00"]
        );
        assert_eq!(clock(86_400.0 + 3661.5), "01:01:01");
    }

    #[test]
    fn bars_are_as_wide_as_asked() {
        for width in 0..20 {
            for part in [-1.0, 0.0, 0.01, 0.33, 0.5, 0.999, 1.0, 2.0, f64::NAN] {
                assert_eq!(bar(part, width).chars().count(), width, "{part}");
            }
        }
        assert_eq!(bar(0.5, 5), "██▌░░");
    }

    #[test]
    fn text_is_broken_between_words() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("runs/2026/checkpoints a", 8), ["runs/202", "6/checkp", "oints a"]);
        assert_eq!(wrapped("", 7), [""]);
    }
}
