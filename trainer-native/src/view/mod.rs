//! View of a run: what its events have told so far, drawn into any buffer of a terminal's size.
//!
//! The view knows no terminal and no training. [`View::note`] takes an event, [`View::draw`] draws the state; the display of
//! `train`, `watch` and the tests share both.

mod board;
mod curves;
mod draw;
mod hardware;
mod picture;
mod theme;

pub use self::board::{Scene, Script, kanji};
pub use self::curves::{CURVES, Curve};
pub use self::draw::{duration, short};
pub use self::hardware::{Hardware, Meter};
pub use self::picture::{svg, text};
pub use self::theme::Theme;

use crate::alarm::GAMES;
use crate::event::{Alarm, EvaluationMatch, Event, Metrics, Perf, RunEnded, RunStarted, ShownGame, Stamped};
use crate::series::Series;
use crate::sinks::line;
use std::collections::{BTreeMap, VecDeque};

/// Messages that are remembered.
const MESSAGES: usize = 200;

/// Iterations that speeds and shares of time are averaged over.
const RECENT: usize = 50;

/// Seconds that each of the last moves of the shown game stands on the board.
const MOVE_SECONDS: f64 = 0.2;

/// Whose run is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// This process trains: keys steer it.
    Trainer,
    /// Another process trains, or none does.
    Watcher,
}

/// What a run is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Activity {
    /// Before the first iteration.
    Starting,
    /// Iterations go on.
    Training,
    /// The user has paused it.
    Paused,
    /// The user has stopped it, and it is being saved.
    Stopping,
    /// Its budget is spent.
    Ended,
    /// The user has stopped it.
    Stopped,
    /// Its process is gone without a word.
    Killed,
}

impl Activity {
    /// Name on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Training => "training",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Ended => "ended",
            Self::Stopped => "stopped",
            Self::Killed => "killed",
        }
    }
}

/// Games that ended in an iteration: their number, results and reasons.
#[derive(Clone, Debug, Default)]
struct Ended {
    games: u64,
    results: [u64; 3],
    reasons: BTreeMap<String, u64>,
}

/// State of a run as its events tell it.
pub struct View {
    role: Role,
    theme: Theme,
    script: Script,
    activity: Activity,
    is_helping: bool,
    hardware: Hardware,
    run: Option<Box<RunStarted>>,
    metrics: Option<Box<Metrics>>,
    /// Time of the last iteration, in seconds since 1970.
    told: f64,
    curves: Vec<Series>,
    /// The newest iterations with at least [`GAMES`] games among them.
    ended: VecDeque<Ended>,
    perf: VecDeque<Perf>,
    /// Seconds and progress of the last iterations.
    pace: VecDeque<(f64, f64)>,
    scores: Series,
    evaluations: Vec<EvaluationMatch>,
    /// The last alarm of each kind.
    alarms: BTreeMap<String, Alarm>,
    messages: VecDeque<(f64, String)>,
    /// Answer to the last key, and when it was given.
    answer: Option<(f64, String)>,
    end: Option<RunEnded>,
    /// Number of changes so far.
    changes: u64,
}

impl View {
    /// View of a run of which nothing is known yet.
    pub fn new(role: Role, theme: Theme, script: Script) -> Self {
        Self {
            role,
            theme,
            script,
            activity: Activity::Starting,
            is_helping: false,
            hardware: Hardware::default(),
            run: None,
            metrics: None,
            told: 0.0,
            curves: CURVES.iter().map(|_| Series::default()).collect(),
            ended: VecDeque::new(),
            perf: VecDeque::new(),
            pace: VecDeque::new(),
            scores: Series::default(),
            evaluations: Vec::new(),
            alarms: BTreeMap::new(),
            messages: VecDeque::new(),
            answer: None,
            end: None,
            changes: 0,
        }
    }

    /// Takes an event. Events come in the order in which they happened.
    pub fn note(&mut self, event: &Stamped) {
        self.changes += 1;
        match &event.event {
            Event::RunStarted(run) => {
                self.run = Some(run.clone());
                self.end = None;
                self.activity = Activity::Starting;
                self.go_back(run.iteration);
            }
            Event::Iteration(metrics) => {
                if self.activity == Activity::Starting {
                    self.activity = Activity::Training;
                }
                self.note_iteration(metrics);
                self.told = event.time;
            }
            Event::Evaluation(evaluation) => {
                self.scores.push(evaluation.plies as f64, evaluation.score);
                self.evaluations.push(evaluation.clone());
            }
            Event::Alarm(alarm) => {
                self.alarms.insert(alarm.id.clone(), alarm.clone());
            }
            Event::Restored(restored) => self.go_back(restored.iteration),
            Event::GameEnded(_) | Event::Gate(_) | Event::Checkpoint(_) | Event::Notice(_) | Event::SinkFailed(_) => {}
            Event::RunEnded(end) => {
                self.activity = if end.interrupted { Activity::Stopped } else { Activity::Ended };
                self.end = Some(end.clone());
            }
        }
        if !matches!(event.event, Event::Iteration(_))
            && let Some(text) = line(&event.event)
        {
            self.messages.push_back((event.time, text));
            self.messages.drain(..self.messages.len().saturating_sub(MESSAGES));
        }
    }

    /// Forgets evaluations after an iteration. Curves forget later values when the next one comes.
    fn go_back(&mut self, iteration: u64) {
        self.evaluations.retain(|evaluation| evaluation.iteration <= iteration);
        self.pace.clear();
    }

    fn note_iteration(&mut self, metrics: &Metrics) {
        let x = metrics.plies as f64;
        for (curve, series) in CURVES.iter().zip(&mut self.curves) {
            if let Some(value) = (curve.value)(metrics) {
                series.push(x, value);
            }
        }
        let ended = &metrics.ended;
        if ended.games_ended > 0 {
            let games = ended.games_ended;
            self.ended.push_back(Ended { games, results: ended.results, reasons: ended.reasons.clone() });
            let mut games: u64 = self.ended.iter().map(|ended| ended.games).sum();
            while self.ended.front().is_some_and(|oldest| games - oldest.games >= GAMES as u64) {
                games -= self.ended.pop_front().map_or(0, |oldest| oldest.games);
            }
        }
        push_recent(&mut self.perf, metrics.perf.clone());
        if self.pace.back().is_some_and(|&(_, progress)| progress > metrics.progress) {
            self.pace.clear();
        }
        push_recent(&mut self.pace, (metrics.seconds, metrics.progress));
        self.metrics = Some(Box::new(metrics.clone()));
    }

    /// Takes what the run is doing, where its own events do not say it.
    pub fn set_activity(&mut self, activity: Activity) {
        self.changes += u64::from(self.activity != activity);
        self.activity = activity;
    }

    /// What the run is doing.
    pub fn activity(&self) -> Activity {
        self.activity
    }

    /// Time of the last event, in seconds since 1970; 0 before the first.
    pub fn last_told(&self) -> f64 {
        self.messages.back().map_or(self.told, |(time, _)| time.max(self.told))
    }

    /// Takes numbers about the machine.
    pub fn set_hardware(&mut self, hardware: Hardware) {
        self.hardware = hardware;
    }

    /// Shows the help, or takes it away.
    pub fn toggle_help(&mut self) {
        self.changes += 1;
        self.is_helping = !self.is_helping;
    }

    /// Changes between kanji and letters.
    pub fn toggle_script(&mut self) {
        self.changes += 1;
        self.script = match self.script {
            Script::Kanji => Script::Letters,
            Script::Letters => Script::Kanji,
        };
    }

    /// Answers a key, at the time `now`.
    pub fn say(&mut self, now: f64, text: &str) {
        self.changes += 1;
        self.answer = Some((now, text.to_owned()));
    }

    /// Number of changes so far: as long as it stays, so does what is drawn, but for clocks and the moving board.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Alarms that were raised, the last of each kind.
    pub fn alarms(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.values()
    }

    /// Alarms in force, with their texts.
    fn alarms_in_force(&self) -> Vec<Alarm> {
        let unknown = |id: &String| Alarm {
            iteration: 0,
            id: id.clone(),
            text: id.replace('_', " "),
            advice: "See events.jsonl.".into(),
        };
        let in_force = self.metrics.iter().flat_map(|metrics| &metrics.alarms);
        in_force.map(|id| self.alarms.get(id).cloned().unwrap_or_else(|| unknown(id))).collect()
    }

    /// Seconds until the budget is spent at the pace of the last iterations, at the time `now`.
    fn seconds_left(&self, now: f64) -> Option<f64> {
        let (&(first, done), &(last, progress)) = self.pace.front().zip(self.pace.back())?;
        let per_part = if progress > done {
            (last - first) / (progress - done)
        } else if progress > 0.0 && self.pace.len() == 1 {
            last / progress
        } else {
            return None;
        };
        let waited = if self.activity == Activity::Training { (now - self.told).max(0.0) } else { 0.0 };
        Some(((1.0 - progress) * per_part - waited).max(0.0))
    }

    /// Number of the told moves of the shown game that are on the board at the time `now`: they appear one by one, and are all
    /// there when the next iteration is due.
    fn moves_shown(&self, game: &ShownGame, now: f64) -> usize {
        let perf = self.perf.back().cloned().unwrap_or_default();
        let duration = perf.collect_seconds + perf.learn_seconds + perf.log_seconds;
        let to_come = ((duration / MOVE_SECONDS) as usize).min(game.last.len().saturating_sub(1));
        let come = ((now - self.told).max(0.0) / MOVE_SECONDS) as usize;
        game.last.len() - to_come.saturating_sub(come)
    }

    /// Whether the board is still to change before the next event.
    pub fn is_moving(&self, now: f64) -> bool {
        self.metrics.as_ref().is_some_and(|m| self.moves_shown(&m.shown, now) < m.shown.last.len())
    }
}

fn push_recent<T>(queue: &mut VecDeque<T>, value: T) {
    queue.push_back(value);
    queue.drain(..queue.len().saturating_sub(RECENT));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{CheckpointWritten, EndedGames, Machine, Notice, Restored};
    use crate::settings::Preset;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use std::path::Path;

    /// Time of the first event.
    const START: f64 = 1_764_374_400.0;

    fn at(seconds: f64, event: Event) -> Stamped {
        Stamped { time: START + seconds, event }
    }

    fn started(iteration: u64) -> Event {
        let machine = Machine {
            version: "0.1.0".into(),
            revision: "4bdc88e593bc".into(),
            toolchain: "rustc 1.95.0".into(),
            system: "linux x86_64".into(),
            cores: 2,
        };
        Event::RunStarted(Box::new(RunStarted {
            directory: "runs/2026-11-29-000000".into(),
            iteration,
            plies: 0,
            budget_plies: 819_200,
            settings: Preset::Cpu.settings(),
            weights: 345_012,
            learner: "AVX2, 2 threads".into(),
            machine,
        }))
    }

    /// Iteration `i` of 200 of a run that learns.
    fn iteration(i: u64) -> Event {
        let part = i as f64 / 200.0;
        let mut m = Metrics {
            iteration: i,
            plies: 4096 * i,
            games: 41 * i,
            seconds: 1.5 * i as f64,
            progress: part,
            normalized_entropy: 0.98 - 0.6 * part,
            top_probability: 0.05 + 0.4 * part,
            brier: 0.66 - 0.2 * part,
            update_norm: 0.004,
            learning_rate: 0.0015 * (1.0 - part as f32),
            ent_coef: 0.03 - 0.026 * part as f32,
            prior_weight: (0.9 - 1.125 * part as f32).max(0.0),
            ..Metrics::default()
        };
        m.update.losses.value_loss = 1.05 - 0.5 * part.sqrt();
        m.update.losses.approx_kl = 0.01 + 0.004 * (i % 7) as f64;
        m.update.losses.clipfrac = 0.08 + 0.01 * (i % 5) as f64;
        m.update.explained_variance = 0.6 * part;
        m.update.grad_norm = 0.7;
        m.ended = EndedGames {
            games_ended: 41,
            length_mean: 180.0 - 80.0 * part,
            results: [20, 17, 1],
            reasons: [("checkmate".to_owned(), 36), ("repetition".to_owned(), 2), ("max_plies".to_owned(), 3)].into(),
            ..EndedGames::default()
        };
        m.perf = Perf {
            plies_per_second: 2900.0,
            samples_per_second: 6100.0,
            collect_seconds: 0.9,
            env_seconds: 0.1,
            inference_seconds: 0.8,
            learn_seconds: 0.5,
            log_seconds: 0.01,
            ..Perf::default()
        };
        m.shown = ShownGame {
            slot: 0,
            sfen: "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1".into(),
            last: ["7g7f", "3c3d", "8h2b+", "3a2b", "B*4e", "5a4b", "4e3d"].map(ToOwned::to_owned).into(),
        };
        if i > 90 {
            m.alarms = vec!["repeats".into()];
        }
        Event::Iteration(Box::new(m))
    }

    /// View of a run after 100 of 200 iterations, with evaluations and an alarm in force.
    fn view(role: Role, theme: Theme) -> View {
        let mut view = View::new(role, theme, Script::Kanji);
        view.note(&at(0.0, started(0)));
        view.note(&at(0.0, Event::Notice(Notice { text: "budget: 819 thousand plies".into() })));
        for i in 1..=100 {
            let time = 1.5 * i as f64;
            view.note(&at(time, iteration(i)));
            if i % 25 == 0 {
                let score = 0.2 + 0.006 * i as f64;
                view.note(&at(
                    time,
                    Event::Evaluation(EvaluationMatch {
                        probes: BTreeMap::default(),
                        iteration: i,
                        plies: 4096 * i,
                        opponent: "greedy".into(),
                        games: 64,
                        score,
                        interval: (score - 0.11, score + 0.11),
                        seconds: 2.0,
                    }),
                ));
            }
            if i == 91 {
                view.note(&at(
                    time,
                    Event::Alarm(Alarm {
                        iteration: 91,
                        id: "repeats".into(),
                        text: "more than 1 % of the last games repeat an earlier one move by move".into(),
                        advice: "Raise selfplay.opening_plies or ppo.ent_coef.to: the same games teach nothing new."
                            .into(),
                    }),
                ));
            }
        }
        let path = "runs/2026-11-29-000000/checkpoints/00000100.checkpoint".into();
        let checkpoint = CheckpointWritten { iteration: 100, plies: 409_600, path, seconds: 0.04 };
        view.note(&at(150.0, Event::Checkpoint(checkpoint)));
        view.set_hardware(Hardware {
            cores: 2,
            load: Some(1.93),
            busy: Some(1.87),
            memory: Some((412 << 20, 431 << 20)),
            machine_memory: Some((5 << 30, 8 << 30)),
        });
        view
    }

    fn screen(view: &View, width: u16, height: u16) -> Buffer {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        view.draw(START + 153.0, area, &mut buffer);
        buffer
    }

    /// Compares a screen with the committed one; with `KEISEI_WRITE_SNAPSHOTS` set it is written instead.
    fn check(name: &str, buffer: &Buffer) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/view/snapshots").join(format!("{name}.txt"));
        let found = text(buffer);
        if std::env::var_os("KEISEI_WRITE_SNAPSHOTS").is_some() {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            std::fs::write(&path, &found).expect("written");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default().replace('\r', "");
        assert!(found == expected, "{name}: look, and write it again with KEISEI_WRITE_SNAPSHOTS=1:\n{found}");
    }

    #[test]
    fn screens_of_three_sizes_are_those_that_were_approved() {
        for (width, height) in [(80, 24), (120, 40), (200, 60)] {
            check(&format!("{width}x{height}"), &screen(&view(Role::Trainer, Theme::Colored), width, height));
        }
    }

    #[test]
    fn help_and_letters_are_shown_when_asked_for() {
        let mut view = view(Role::Watcher, Theme::Plain);
        view.toggle_script();
        check("letters", &screen(&view, 80, 24));
        view.toggle_help();
        check("help", &screen(&view, 80, 24));
    }

    #[test]
    fn a_run_that_has_told_nothing_yet_is_shown_too() {
        let mut view = View::new(Role::Trainer, Theme::Colored, Script::Kanji);
        screen(&view, 80, 24);
        view.note(&at(0.0, started(0)));
        view.note(&at(0.0, Event::Notice(Notice { text: "budget: 819 thousand plies".into() })));
        check("start", &screen(&view, 80, 24));
    }

    #[test]
    fn every_size_can_be_drawn_and_stays_within_its_area() {
        let mut view = view(Role::Trainer, Theme::Colored);
        for round in 0..2 {
            for width in (0..70).chain([80, 109, 110, 111, 130, 169, 170, 171, 250]) {
                for height in (0..40).chain([50, 70]) {
                    screen(&view, width, height);
                }
            }
            // An area in the middle of a buffer, as a test of the edges.
            let mut buffer = Buffer::empty(Rect::new(0, 0, 100, 40));
            view.draw(START, Rect::new(7, 5, 80, 24), &mut buffer);
            let outside = |x: u16, y: u16| !(7..87).contains(&x) || !(5..29).contains(&y);
            let all = (0..100).flat_map(|x| (0..40).map(move |y| (x, y)));
            assert!(all.filter(|&(x, y)| outside(x, y)).all(|place| buffer[place].symbol() == " "), "{round}");
            view.toggle_help();
        }
    }

    #[test]
    fn five_drawings_a_second_take_less_than_a_hundredth_of_a_core() {
        let view = view(Role::Trainer, Theme::Colored);
        let batch = |_| {
            let begin = std::time::Instant::now();
            (0..10).for_each(|_| drop(screen(&view, 200, 60)));
            begin.elapsed().as_secs_f64() / 10.0
        };
        // The fastest one: the machine may be busy with something else.
        let seconds = (0..10).map(batch).fold(f64::MAX, f64::min);
        assert!(5.0 * seconds < 0.01, "{seconds} s for a drawing of the largest screen");
    }

    #[test]
    fn without_colours_there_are_none_and_the_last_move_is_still_marked() {
        let buffer = screen(&view(Role::Trainer, Theme::Plain), 120, 40);
        let reset = ratatui::style::Color::Reset;
        assert!(buffer.content.iter().all(|cell| cell.fg == reset && cell.bg == reset));
        let reversed = ratatui::style::Modifier::REVERSED;
        assert!(buffer.content.iter().any(|cell| cell.modifier.contains(reversed)));
    }

    #[test]
    fn time_left_follows_the_pace_of_the_last_iterations() {
        let mut view = view(Role::Trainer, Theme::Plain);
        let left = |view: &View, now| view.seconds_left(START + now).expect("known").round();
        assert_eq!((left(&view, 150.0), left(&view, 160.0)), (150.0, 140.0));
        view.set_activity(Activity::Paused);
        assert_eq!(left(&view, 999.0), 150.0);
        // A larger budget halves the progress: what was measured before says nothing.
        view.note(&at(160.0, started(100)));
        assert_eq!(view.seconds_left(START), None);
    }

    #[test]
    fn a_run_that_goes_back_forgets_its_later_evaluations() {
        let mut view = view(Role::Trainer, Theme::Plain);
        assert_eq!(view.evaluations.len(), 4);
        view.note(&at(150.0, Event::Restored(Restored { iteration: 60, plies: 0, text: "NaN".into() })));
        view.note(&at(150.0, iteration(61)));
        assert_eq!(view.evaluations.len(), 2);
        assert_eq!(view.curves[0].points().last().expect("a point").0, 4096.0 * 61.0);
    }

    #[test]
    fn moves_appear_one_by_one_until_the_next_iteration() {
        let view = view(Role::Trainer, Theme::Plain);
        let game = view.metrics.as_ref().expect("told").shown.clone();
        let shown = [0.0, 0.21, 0.61, 2.0].map(|later| view.moves_shown(&game, START + 150.0 + later));
        assert_eq!(shown, [1, 2, 4, 7]);
        assert!(view.is_moving(START + 150.0) && !view.is_moving(START + 152.0));
    }

    #[test]
    fn the_endings_are_those_of_the_last_games() {
        let view = view(Role::Trainer, Theme::Plain);
        let games: u64 = view.ended.iter().map(|ended| ended.games).sum();
        assert_eq!(games, 41 * 13);
        assert!(games >= GAMES as u64 && games - 41 < GAMES as u64);
    }

    #[test]
    fn a_picture_has_every_word_of_the_screen() {
        let buffer = screen(&view(Role::Trainer, Theme::Colored), 120, 40);
        let svg = svg(&buffer, "a <run>");
        assert!(svg.contains("<title>a &lt;run&gt;</title>") && svg.contains(">normalized_entropy"), "{svg}");
        let kanji = text(&buffer).matches('歩').count();
        assert_eq!(svg.matches('歩').count(), kanji);
        assert!(kanji >= 16);
    }
}
