//! `trainer-native evaluate`: strength of a model, from matches against players of known strength.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use keisei_core::format::{Model, record};
use keisei_core::search::Settings;
use keisei_play::contender::Contender;
use keisei_play::executor::{Arithmetic, ModelExecutor};
use keisei_play::files::read_model;
use keisei_play::matches::{CONVERSION_PLIES, Match, Played};
use keisei_play::policy_player::{EVALUATION_TEMPERATURE, PolicyPlayer};
use keisei_play::rating::Tally;
use keisei_play::search_player::SearchPlayer;
use serde_json::json;

use crate::argument::BadArgument;
use crate::durable::write_atomically;
use crate::run::MODEL;

/// Largest number of visits of a move: each game of a thread keeps a tree of up to this many nodes of about a kilobyte.
const MAX_VISITS: u32 = 10_000;

/// Interval between updates of the progress line.
const REFRESH: Duration = Duration::from_millis(200);

/// Name of the opponent that is the evaluated model itself.
const SELF: &str = "self";

/// Arguments of `evaluate`.
#[derive(clap::Args, Debug)]
pub struct EvaluateArgs {
    #[command(flatten)]
    subject: Subject,
    /// `random`, `greedy`, a model file, or `self` for the same model at other visits; may be given several times
    #[arg(long, value_name = "WHO", default_values = ["random", "greedy"])]
    opponent: Vec<String>,
    /// Visits of the model's search at every move; 0 plays by the policy alone
    #[arg(long, default_value_t = 0)]
    visits: u32,
    /// Visits of the opponents that are models; 0, unless given
    #[arg(long)]
    opponent_visits: Option<u32>,
    /// Games against each opponent, an even number: every opening is played with both colours
    #[arg(long, default_value_t = 400)]
    games: usize,
    /// Sharpness of the models' choices: 0 plays the best move, 1 the policy as it was trained, or as it was searched
    #[arg(long, default_value_t = EVALUATION_TEMPERATURE)]
    temperature: f64,
    /// Numbers that the networks compute in
    #[arg(long, value_enum, default_value_t)]
    arithmetic: Arithmetic,
    /// Seed of openings and choices: the same seed plays the same games
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads to play on; 0 for one per core
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// File to write the games to, for the Replay page
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Print one line of JSON for each opponent instead of tables
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
struct Subject {
    /// Model file to evaluate
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Folder of the training run whose model is evaluated
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
}

/// Plays against each opponent and passes the results to `print`, one text for each opponent.
///
/// # Errors
/// Names the invalid argument, the file that cannot be read or is not a model, or the file that cannot be written.
pub fn run(args: &EvaluateArgs, print: impl Fn(&str) -> Result<()>) -> Result<()> {
    check(args)?;
    let path = match (&args.subject.model, &args.subject.run) {
        (Some(model), _) => model.clone(),
        (None, run) => run.clone().unwrap_or_default().join(MODEL),
    };
    let temperature = args.temperature as f32;
    let subject = with_network(&path, args.visits, temperature, args.arithmetic)?;
    // All files are read before the first game is played.
    let opponents: Vec<Contender> =
        args.opponent.iter().map(|who| opponent(who, &path, args)).collect::<Result<_>>()?;

    let table = Match { pairs: args.games / 2, seed: args.seed, threads: threads(args.threads) };
    let mut games = Vec::new();
    for opponent in &opponents {
        let started = Instant::now();
        let progress = Progress::new(opponent.name(), args.games);
        let played = table.play(&subject, opponent, &|tally| progress.note(tally));
        progress.clear();
        let text = if args.json {
            line(&played, args, &path, opponent.visits())
        } else {
            tables(&played, args, started.elapsed())
        };
        print(&text)?;
        games.extend(played.games);
    }
    if let Some(path) = &args.record {
        write_atomically(path, &record::to_bytes(&games).context("the games cannot be recorded")?)?;
    }
    Ok(())
}

fn check(args: &EvaluateArgs) -> Result<(), BadArgument> {
    if args.games == 0 || !args.games.is_multiple_of(2) {
        let reason = "must be even and not 0: every opening is played with both colours";
        return Err(BadArgument::new("--games", &args.games.to_string(), reason));
    }
    if !(0.0..=1e6).contains(&args.temperature) {
        return Err(BadArgument::new("--temperature", &args.temperature.to_string(), "must be from 0 to 1000000"));
    }
    let opponent_visits = args.opponent_visits.unwrap_or(0);
    for (flag, visits) in [("--visits", args.visits), ("--opponent-visits", opponent_visits)] {
        if visits > MAX_VISITS {
            return Err(BadArgument::new(flag, &visits.to_string(), format!("must be from 0 to {MAX_VISITS}")));
        }
    }
    if args.opponent_visits.is_some() && args.opponent.iter().all(|who| matches!(&**who, "random" | "greedy")) {
        let reason = "no --opponent is a model: `random` and `greedy` do not search";
        return Err(BadArgument::new("--opponent-visits", &opponent_visits.to_string(), reason));
    }
    if args.visits == opponent_visits && args.opponent.iter().any(|who| who == SELF) {
        let reason = "the model would play itself at the same visits: --visits and --opponent-visits must differ";
        return Err(BadArgument::new("--opponent", SELF, reason));
    }
    Ok(())
}

fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        asked => asked,
    }
}

fn opponent(who: &str, subject: &Path, args: &EvaluateArgs) -> Result<Contender> {
    let visits = args.opponent_visits.unwrap_or(0);
    let with_network = |path| with_network(path, visits, args.temperature as f32, args.arithmetic);
    match who {
        "random" => Ok(Contender::Random),
        "greedy" => Ok(Contender::Greedy),
        SELF => with_network(subject),
        file => with_network(Path::new(file)).context("--opponent is `random`, `greedy`, `self` or a model file"),
    }
}

/// Player with the model in the file `path`, by a search of `visits`, or by its policy alone if that is 0.
fn with_network(path: &Path, visits: u32, temperature: f32, arithmetic: Arithmetic) -> Result<Contender> {
    let model = read_model(path)?;
    let network = ModelExecutor::new(&model, arithmetic).context("--arithmetic")?;
    let name = name(path, &model);
    if visits == 0 {
        return Ok(PolicyPlayer::new(&name, &model, network, temperature).into());
    }
    let name = format!("{name}, {visits} visit{}", if visits == 1 { "" } else { "s" });
    let settings = Settings { visits, ..Settings::default() };
    Ok(SearchPlayer::new(&name, &model, network, settings, temperature).into())
}

/// Name of a model: its run and iteration, or its file name if it has no run.
fn name(path: &Path, model: &Model) -> String {
    let last = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).display().to_string();
    match &*model.provenance.run {
        "" => last(path),
        run => format!("{} #{}", last(Path::new(run)), model.provenance.iteration),
    }
}

/// Progress line of a match on a terminal.
struct Progress<'a> {
    opponent: &'a str,
    games: usize,
    shown: bool,
    state: Mutex<(Tally, Instant)>,
}

impl<'a> Progress<'a> {
    fn new(opponent: &'a str, games: usize) -> Progress<'a> {
        let state = Mutex::new((Tally::default(), Instant::now()));
        Progress { opponent, games, shown: std::io::stderr().is_terminal(), state }
    }

    fn note(&self, tally: Tally) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += tally;
        if self.shown && state.1.elapsed() >= REFRESH {
            state.1 = Instant::now();
            let so_far = state.0;
            let (opponent, games) = (self.opponent, self.games);
            let (game, score) = (so_far.games(), so_far.score());
            show(&format!("\r\x1b[Kagainst {opponent}: game {game} of {games}, score {score:.3}"));
        }
    }

    fn clear(&self) {
        if self.shown {
            show("\r\x1b[K");
        }
    }
}

/// Writes to the terminal; what cannot be shown does not stop the match.
fn show(text: &str) {
    let mut terminal = std::io::stderr().lock();
    terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush()).ok();
}

/// Results as tables.
fn tables(played: &Played, args: &EvaluateArgs, took: Duration) -> String {
    let mut text = String::new();
    write_tables(&mut text, played, args, took).expect("a string takes everything");
    text
}

fn write_tables(text: &mut String, played: &Played, args: &EvaluateArgs, took: Duration) -> std::fmt::Result {
    let Played { first, second, .. } = played;
    let EvaluateArgs { games, seed, temperature, .. } = args;
    writeln!(text, "{first} against {second}: {games} games, seed {seed}, temperature {temperature}\n")?;
    writeln!(text, "| {:<16} | games |  won | drawn | lost | score |", "colour")?;
    writeln!(text, "|:-----------------|------:|-----:|------:|-----:|------:|")?;
    let [black, white] = played.by_color();
    for (color, tally) in [("black", black), ("white", white), ("both", played.tally())] {
        let Tally { wins, draws, losses } = tally;
        let (games, score) = (tally.games(), tally.score());
        writeln!(text, "| {color:<16} | {games:>5} | {wins:>4} | {draws:>5} | {losses:>4} | {score:>5.3} |")?;
    }
    writeln!(text, "\n| {:<16} | games |  won | drawn | lost |", "ended by")?;
    writeln!(text, "|:-----------------|------:|-----:|------:|-----:|")?;
    for (reason, tally) in played.by_reason() {
        let Tally { wins, draws, losses } = tally;
        writeln!(text, "| {reason:<16} | {:>5} | {wins:>4} | {draws:>5} | {losses:>4} |", tally.games())?;
    }
    let (low, high) = played.score_interval();
    writeln!(text, "\nscore {:.3}, 95 % interval {low:.3} to {high:.3} (Wilson)", played.tally().score())?;
    let (elo, (low, high)) = played.elo();
    let [n0, n1, n2, n3, n4] = played.pentanomial();
    writeln!(
        text,
        "Elo {elo:+.0}, 95 % interval {low:+.0} to {high:+.0} (pairs with 0, ½, 1, 1½, 2 points: {n0}, {n1}, {n2}, {n3}, {n4})"
    )?;
    let (quick, wins) = (played.quick_wins(), played.tally().wins);
    writeln!(
        text,
        "{quick} of {wins} wins within {CONVERSION_PLIES} plies; {:.1} plies a game; {:.1} s\n",
        played.mean_plies(),
        took.as_secs_f64()
    )
}

/// Results as one line of JSON, with null for an infinite bound of an interval and for the visits of an opponent without a
/// network.
fn line(played: &Played, args: &EvaluateArgs, path: &Path, opponent_visits: Option<u32>) -> String {
    let counts = |tally: Tally| json!({ "wins": tally.wins, "draws": tally.draws, "losses": tally.losses });
    let [black, white] = played.by_color().map(counts);
    let reasons: serde_json::Map<_, _> =
        played.by_reason().into_iter().map(|(reason, tally)| (reason, counts(tally))).collect();
    let (elo, elo_interval) = played.elo();
    let line = json!({
        "model": path.display().to_string(),
        "name": played.first,
        "visits": args.visits,
        "opponent": played.second,
        "opponent_visits": opponent_visits,
        "games": args.games,
        "seed": args.seed,
        "temperature": args.temperature,
        "arithmetic": args.arithmetic.to_string(),
        "score": played.tally().score(),
        "score_interval": played.score_interval(),
        "elo": elo,
        "elo_interval": elo_interval,
        "all": counts(played.tally()),
        "black": black,
        "white": white,
        "pentanomial": played.pentanomial(),
        "reasons": reasons,
        "mean_plies": played.mean_plies(),
        "wins_within_256_plies": played.quick_wins(),
    });
    format!("{line}\n")
}
