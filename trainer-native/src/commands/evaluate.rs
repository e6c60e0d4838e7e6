//! `trainer-native evaluate`: strength of a model, from matches against players of known strength.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use keisei_core::format::record;
use keisei_play::contender::Contender;
use keisei_play::matches::{CONVERSION_PLIES, Forfeits, Played, PlayedGame, STREAK, Schedule, Tournament};
use keisei_play::rating::Tally;
use keisei_play::spelling::{Defaults, MAX_VISITS, SPELLINGS, SpelledPlayer, Spelling, model_contender};
use serde_json::json;

use super::conditions::Conditions;
use crate::argument::BadArgument;
use crate::durable::write_atomically;
use crate::run::MODEL;

/// Interval between updates of the progress line.
const REFRESH: Duration = Duration::from_millis(200);

/// Name of the opponent that is the evaluated model itself.
const SELF: &str = "self";

/// Arguments of `evaluate`.
#[derive(clap::Args, Debug)]
pub struct EvaluateArgs {
    #[command(flatten)]
    subject: Subject,
    /// `random`, `greedy`, `ab:2`, a model file, `self` for the same model at other visits, `usi:PROGRAM,nodes=1000`, or another
    /// spelling of a player; may be given several times
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
    #[command(flatten)]
    conditions: Conditions,
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
    let opponents: Vec<Opponent> = args.opponent.iter().map(|who| Opponent::read(who)).collect::<Result<_, _>>()?;
    check_opponents(args, &opponents, &path)?;
    let subject = model_contender(&path, &play(args, args.visits))?;
    // All files are read, and all engines seen to start, before the first game is played.
    let opponents: Vec<Contender> =
        opponents.iter().map(|opponent| opponent.contender(&path, args)).collect::<Result<_>>()?;

    let book = args.conditions.read_book()?;

    let players: Vec<Contender> = [vec![subject], opponents].concat();
    let tournament = Tournament {
        players: &players,
        book: book.as_ref(),
        seed: args.conditions.seed,
        max_plies: args.conditions.max_plies,
        threads: args.conditions.threads(),
    };
    let indices: Vec<usize> = (1..players.len()).collect();
    let schedule = Schedule::gauntlet(&[0], &indices, args.games)?;
    let mut plan = tournament.plan(&format!("{} of the first player against each other", args.games));
    if players.len() == 2 {
        // With several, one match follows another.
        plan = plan.extending();
    }
    let mut archive = args.conditions.archive(&plan)?;

    let started = Instant::now();
    let progress = Progress::new(&players, schedule.games().len());
    let results = tournament.play(&schedule, archive.as_mut(), &|game| progress.note(game));
    progress.clear();
    let results = results?;
    for &opponent in &indices {
        let played = results.pairing(0, opponent);
        let text =
            if args.json { line(&played, args, &path, players[opponent].visits()) } else { tables(&played, args) };
        print(&text)?;
    }
    if !args.json {
        print(&format!("{} games in {:.1} s\n", schedule.games().len(), started.elapsed().as_secs_f64()))?;
    }
    if let Some(path) = &args.conditions.record {
        let games = results.into_records();
        write_atomically(path, &record::to_bytes(&games).context("the games cannot be recorded")?)?;
    }
    Ok(())
}

fn check(args: &EvaluateArgs) -> Result<(), BadArgument> {
    args.conditions.check()?;
    if args.games == 0 || !args.games.is_multiple_of(2) {
        let reason = "must be even and not 0: every opening is played with both colours";
        return Err(BadArgument::new("--games", &args.games.to_string(), reason));
    }
    let opponent_visits = args.opponent_visits.unwrap_or(0);
    for (flag, visits) in [("--visits", args.visits), ("--opponent-visits", opponent_visits)] {
        if visits > MAX_VISITS {
            return Err(BadArgument::new(flag, &visits.to_string(), format!("must be from 0 to {MAX_VISITS}")));
        }
    }
    Ok(())
}

fn check_opponents(args: &EvaluateArgs, opponents: &[Opponent], subject: &Path) -> Result<(), BadArgument> {
    if let Some(visits) = args.opponent_visits
        && !opponents.iter().any(|opponent| opponent.plays_by(args).is_some())
    {
        let reason = "no --opponent is a model: the others do not search";
        return Err(BadArgument::new("--opponent-visits", &visits.to_string(), reason));
    }
    for (who, opponent) in args.opponent.iter().zip(opponents) {
        let is_subject = match opponent {
            Opponent::Subject => true,
            Opponent::Spelled(Spelling { player: SpelledPlayer::Model(model), .. }) => {
                let real = |path: &Path| path.canonicalize().ok();
                let file = real(Path::new(&model.file));
                file.is_some() && file == real(subject)
            }
            Opponent::Spelled(_) => false,
        };
        if is_subject && opponent.plays_by(args) == Some(play(args, args.visits)) {
            let reason = "the model would play itself at the same visits: --visits and --opponent-visits must differ";
            return Err(BadArgument::new("--opponent", who, reason));
        }
    }
    Ok(())
}

/// Play of models at these visits, as the arguments say.
fn play(args: &EvaluateArgs, visits: u32) -> Defaults {
    args.conditions.defaults(visits)
}

/// Opponent as its argument says.
enum Opponent {
    /// The evaluated model itself.
    Subject,
    /// Player by its spelling.
    Spelled(Spelling),
}

impl Opponent {
    fn read(who: &str) -> Result<Opponent, BadArgument> {
        if who == SELF {
            return Ok(Opponent::Subject);
        }
        let spelling = who.parse().map(Opponent::Spelled);
        spelling.map_err(|error| BadArgument::new("--opponent", who, error))
    }

    /// How the opponent plays, if it is a model.
    fn plays_by(&self, args: &EvaluateArgs) -> Option<Defaults> {
        let defaults = play(args, args.opponent_visits.unwrap_or(0));
        match self {
            Opponent::Subject => Some(defaults),
            Opponent::Spelled(spelling) => match &spelling.player {
                SpelledPlayer::Model(model) => Some(model.play(&defaults)),
                _ => None,
            },
        }
    }

    fn contender(&self, subject: &Path, args: &EvaluateArgs) -> Result<Contender> {
        let defaults = play(args, args.opponent_visits.unwrap_or(0));
        match self {
            Opponent::Subject => model_contender(subject, &defaults),
            Opponent::Spelled(spelling) => spelling.contender(&defaults).with_context(|| match spelling.player {
                SpelledPlayer::Model(_) => format!("--opponent is {SPELLINGS}; `self` is the model itself"),
                _ => "--opponent".to_owned(),
            }),
        }
    }
}

/// Progress line of the games on a terminal, and warnings.
struct Progress<'a> {
    players: &'a [Contender],
    games: usize,
    shown: bool,
    state: Mutex<Standing>,
}

/// Results so far, in the order in which the games ended.
struct Standing {
    subject: Tally,
    forfeits: Vec<Forfeits>,
    refreshed: Instant,
}

impl<'a> Progress<'a> {
    fn new(players: &'a [Contender], games: usize) -> Progress<'a> {
        let forfeits = vec![Forfeits::default(); players.len()];
        let standing = Standing { subject: Tally::default(), forfeits, refreshed: Instant::now() };
        Progress { players, games, shown: std::io::stderr().is_terminal(), state: Mutex::new(standing) }
    }

    fn note(&self, game: &PlayedGame) -> ControlFlow<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Standing { subject, forfeits, refreshed } = &mut *state;
        *subject += game.tally(0);
        if let Some(warning) = streak_warning(self.players, forfeits, game) {
            self.clear();
            show(&warning);
        }
        if self.shown && refreshed.elapsed() >= REFRESH {
            *refreshed = Instant::now();
            let (game, games, score) = (subject.games(), self.games, subject.score());
            show(&format!("\r\x1b[K{}: game {game} of {games}, score {score:.3}", self.players[0].name()));
        }
        ControlFlow::Continue(())
    }

    fn clear(&self) {
        if self.shown {
            show("\r\x1b[K");
        }
    }
}

/// Counts the forfeits of a finished game's players; a line about one that has just forfeited its [`STREAK`]th game in a row.
pub(super) fn streak_warning(players: &[Contender], forfeits: &mut [Forfeits], game: &PlayedGame) -> Option<String> {
    let forfeit = game.forfeit();
    let mut warning = None;
    for player in [game.fixture.black, game.fixture.white] {
        let own = forfeit.filter(|&(loser, _)| loser == player).map(|(_, text)| text);
        forfeits[player].note(own);
        if let Some(text) = own.filter(|_| forfeits[player].breaks()) {
            let name = players[player].name();
            warning = Some(format!("warning: {name} has forfeited {STREAK} games in a row, the last one so: {text}\n"));
        }
    }
    warning
}

/// Writes to the terminal; what cannot be shown does not stop the match.
pub(super) fn show(text: &str) {
    let mut terminal = std::io::stderr().lock();
    terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush()).ok();
}

/// Results as tables.
fn tables(played: &Played, args: &EvaluateArgs) -> String {
    let mut text = String::new();
    write_tables(&mut text, played, args).expect("a string takes everything");
    text
}

fn write_tables(text: &mut String, played: &Played, args: &EvaluateArgs) -> std::fmt::Result {
    let Played { first, second, .. } = played;
    let EvaluateArgs { games, conditions: Conditions { seed, temperature, .. }, .. } = args;
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
    for (name, forfeits) in [first, second].into_iter().zip(played.forfeits()) {
        if forfeits.count > 0 {
            writeln!(text, "\n{name}: {forfeits} (at most {} in a row)", forfeits.streak)?;
        }
    }
    let (low, high) = played.score_interval();
    writeln!(text, "\nscore {:.3}, 95 % interval {low:.3} to {high:.3}", played.tally().score())?;
    let (elo, (low, high)) = played.elo();
    let [n0, n1, n2, n3, n4] = played.pentanomial();
    writeln!(
        text,
        "Elo {elo:+.0}, 95 % interval {low:+.0} to {high:+.0} (pairs with 0, ½, 1, 1½, 2 points: {n0}, {n1}, {n2}, {n3}, {n4})"
    )?;
    let (quick, wins) = (played.quick_wins(), played.tally().wins);
    let plies = played.mean_plies();
    writeln!(text, "{quick} of {wins} wins within {CONVERSION_PLIES} plies; {plies:.1} plies a game\n")
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
        "seed": args.conditions.seed,
        "temperature": args.conditions.temperature,
        "max_plies": args.conditions.max_plies,
        "book": args.conditions.book,
        "arithmetic": args.conditions.arithmetic.to_string(),
        "score": played.tally().score(),
        "score_interval": played.score_interval(),
        "elo": elo,
        "elo_interval": elo_interval,
        "all": counts(played.tally()),
        "black": black,
        "white": white,
        "pentanomial": played.pentanomial(),
        "reasons": reasons,
        "forfeits": played.forfeits().map(|forfeits| json!({ "count": forfeits.count, "texts": forfeits.texts })),
        "mean_plies": played.mean_plies(),
        "wins_within_256_plies": played.quick_wins(),
    });
    format!("{line}\n")
}
