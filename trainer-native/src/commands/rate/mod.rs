//! `trainer-native rate`: how strong players are, from a tournament between them and one joint fit.

mod progress;
mod table;
mod json;
mod provenance;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use keisei_core::format::record;
use keisei_play::contender::Contender;
use keisei_play::matches::{
    Book, Fixture, Ladder, OPENING_PLIES, PlayedGame, Results, Schedule, Sequential, Tournament,
};
use keisei_play::rating::{Pairs, Sprt, Standings, Verdict};
use keisei_play::spelling::{MAX_VISITS, SPELLINGS, SpelledPlayer, Spelling};

use self::progress::Progress;
pub(super) use self::provenance::line as rating_line;
use super::conditions::Conditions;
use crate::argument::BadArgument;
use crate::durable::write_atomically;
use crate::report::ratings::{self, Bar};
use crate::run::MODEL;

/// Games of a pairing, if nothing else is said.
const GAMES: usize = 100;

/// Most games of a sequential test, if nothing else is said.
const TEST_GAMES: usize = 40_000;

/// Largest number of players: their table and their fit grow with its square and cube.
const MAX_PLAYERS: usize = 64;

const EXAMPLES: &str = "\
Players:
  random, greedy             any legal move; mate in one move, else the most material
  ab:2                       alpha-beta for material, here of depth 2
  runs/latest                the model of a run, by its policy alone
  model:FILE@100             a model with a search of 100 visits
  usi:PROGRAM,nodes=1000     a USI engine with a limit and options: \"usi:fairy-stockfish,nodes=1000,Skill Level=0\"
  mix:0.5*random+0.5*ab:2    in each game one of several players

Examples:
  Where does my model stand?
    trainer-native rate random greedy ab:2 runs/latest
  Does the search help, and against whom? Keeps its games, and goes on after Ctrl-C.
    trainer-native rate runs/latest model:runs/latest/model.model@100 random greedy ab:2 \\
        --schedule gauntlet --subjects 2 --resume games --svg ratings.svg
  Is the new model better? Plays until it is clear.
    trainer-native rate new.model old.model --sprt 0,20
  Write the rating into the model's file.
    trainer-native rate random greedy ab:2 runs/latest --write-rating";

/// Arguments of `rate`.
#[derive(clap::Args, Debug)]
#[command(arg_required_else_help = true, after_help = EXAMPLES)]
pub struct RateArgs {
    /// Players, two or more: spellings as below, model files, folders of runs
    #[arg(required = true, value_name = "PLAYER")]
    players: Vec<String>,
    /// Games of each two players that meet, an even number: every opening is played with both colours [default: 100, and at
    /// most 40000 with --sprt]
    #[arg(long)]
    games: Option<usize>,
    /// Who meets whom
    #[arg(long, value_enum, default_value_t)]
    schedule: Meetings,
    /// Players, the first of the list, that a gauntlet or ladder is about; the others are their opponents
    #[arg(long, default_value_t = 1)]
    subjects: usize,
    /// Rungs around its rating that a subject plays in full, with --schedule ladder
    #[arg(long, default_value_t = 4)]
    nearest: usize,
    /// Player whose rating is 0 [default: random, and without it the first]
    #[arg(long, value_name = "PLAYER")]
    anchor: Option<String>,
    /// Play two players until a test tells whether the first is stronger by ELO0 or by ELO1
    #[arg(long, value_name = "ELO0,ELO1", allow_hyphen_values = true, conflicts_with = "schedule")]
    sprt: Option<String>,
    /// Probability that the test accepts ELO1 though ELO0 is true
    #[arg(long, default_value_t = 0.05, requires = "sprt")]
    alpha: f64,
    /// Probability that the test accepts ELO0 though ELO1 is true
    #[arg(long, default_value_t = 0.05, requires = "sprt")]
    beta: f64,
    /// Visits of models whose spelling has none; 0 plays by the policy alone
    #[arg(long, default_value_t = 0)]
    visits: u32,
    #[command(flatten)]
    conditions: Conditions,
    /// Print one line of JSON instead of tables
    #[arg(long)]
    json: bool,
    /// File to draw the ratings into
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write the ratings of the models into their files; the weights stay as they are
    #[arg(long)]
    write_rating: bool,
}

/// Who meets whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Meetings {
    /// Everybody meets everybody
    #[default]
    RoundRobin,
    /// The subjects meet all others
    Gauntlet,
    /// The others, given from the weakest to the strongest, meet their neighbours; the subjects meet those nearest to them
    Ladder,
}

/// Tournament as the arguments describe it.
struct Rating<'a> {
    args: &'a RateArgs,
    spellings: Vec<Spelling>,
    players: Vec<Contender>,
    book: Option<Book>,
    games: usize,
    anchor: usize,
    sprt: Option<Sprt>,
}

/// Results of the tournament, and the ratings that they give.
struct Outcome {
    results: Results,
    standings: Standings,
    /// Decision of the sequential test, if there is one.
    verdict: Option<Verdict>,
    /// Whether games are missing because the user broke the tournament off.
    is_broken_off: bool,
}

/// Plays the tournament and passes its tables, or JSON, to `print`.
///
/// # Errors
/// Names the invalid argument, the player that cannot be read or started, or the file that cannot be written; or says that the
/// tournament was broken off, after the results so far.
pub fn run(args: &RateArgs, print: impl Fn(&str) -> Result<()>) -> Result<()> {
    let rating = Rating::new(args)?;
    let outcome = rating.play()?;
    print(&if args.json { json::line(&rating, &outcome) } else { table::tables(&rating, &outcome) })?;
    if let Some(path) = &args.svg {
        write_atomically(path, rating.svg(&outcome.standings)?.as_bytes())?;
    }
    if let Some(path) = &args.conditions.record {
        let records = outcome.results.games.iter().map(|game| game.record.clone()).collect::<Vec<_>>();
        write_atomically(path, &record::to_bytes(&records).context("the games cannot be recorded")?)?;
    }
    if outcome.is_broken_off {
        let games = outcome.results.games.len();
        let hint = match &args.conditions.resume {
            Some(_) => "the same command goes on from there",
            None => "with --resume DIR a tournament can go on later",
        };
        return Err(anyhow!("broken off after {games} games: {hint}"));
    }
    if args.write_rating {
        let written = provenance::write_ratings(&rating, &outcome)?;
        if !args.json {
            print(&written)?;
        }
    }
    Ok(())
}

impl Rating<'_> {
    fn new(args: &RateArgs) -> Result<Rating<'_>> {
        let sprt = check(args)?;
        let spellings: Vec<Spelling> = args.players.iter().map(|player| spelling(player)).collect::<Result<_, _>>()?;
        let defaults = args.conditions.defaults(args.visits);
        // All files are read, and all engines seen to start, before the first game is played.
        let players = spellings.iter().map(|spelling| {
            spelling.contender(&defaults).with_context(|| match spelling.player {
                SpelledPlayer::Model(_) => format!("a PLAYER is {SPELLINGS}, or the folder of a run"),
                _ => "PLAYER".to_owned(),
            })
        });
        let players = players.collect::<Result<Vec<_>>>()?;
        check_models(args, &players)?;
        let players = distinct(players);
        let anchor = anchor(args, &players)?;
        let book = args.conditions.read_book()?;
        let games = args.games.unwrap_or(if sprt.is_some() { TEST_GAMES } else { GAMES });
        Ok(Rating { args, spellings, players, book, games, anchor, sprt })
    }

    fn tournament(&self) -> Tournament<'_> {
        let conditions = &self.args.conditions;
        let Conditions { seed, max_plies, .. } = *conditions;
        Tournament { players: &self.players, book: self.book.as_ref(), seed, max_plies, threads: conditions.threads() }
    }

    /// Description of who meets whom.
    fn meetings(&self) -> String {
        let (games, subjects) = (self.games, self.args.subjects);
        match (self.sprt, self.args.schedule) {
            (Some(_), _) => format!("a sequential test of at most {games} games"),
            (None, Meetings::RoundRobin) => format!("a round robin, {games} games of each two players"),
            (None, Meetings::Gauntlet) => {
                format!("a gauntlet of the first {subjects}, {games} games against each other player")
            }
            (None, Meetings::Ladder) => {
                let nearest = self.args.nearest;
                format!("a ladder for the first {subjects}, {games} games against the {nearest} nearest rungs")
            }
        }
    }

    fn play(&self) -> Result<Outcome> {
        let tournament = self.tournament();
        let (subjects, others) = self.sides();
        // Who meets whom is known beforehand, but for tests and ladders.
        let schedule = match (self.sprt, self.args.schedule) {
            (Some(_), _) | (None, Meetings::Ladder) => None,
            (None, Meetings::RoundRobin) => Some(Schedule::round_robin(self.players.len(), self.games)?),
            (None, Meetings::Gauntlet) => Some(Schedule::gauntlet(&subjects, &others, self.games)?),
        };
        let games = schedule.as_ref().map(|schedule| schedule.games().len());
        let mut plan = tournament.plan(&self.meetings());
        if self.sprt.is_none() && self.args.schedule == Meetings::RoundRobin {
            // Round by round: more games are further rounds.
            plan = plan.extending();
        }
        let mut archive = self.args.conditions.archive(&plan)?;
        let progress = Progress::new(&self.players, games, self.sprt);
        let watch = |game: &PlayedGame| progress.note(game);
        let played = match (self.sprt, schedule) {
            (Some(sprt), _) => {
                let sequential = Sequential { tournament, most_pairs: self.games / 2 };
                let test = |&complete: &[usize; 5]| {
                    let pairs = Pairs { complete, ..Pairs::default() };
                    progress.note_pairs(&pairs);
                    sprt.verdict(&pairs)
                };
                sequential.play(test, archive.as_mut(), &watch).map(|(played, verdict)| {
                    let names = self.players.iter().map(|player| player.name().to_owned()).collect();
                    let games = played.games.into_iter().enumerate().map(|(number, record)| {
                        let (black, white) = (number % 2, 1 - number % 2);
                        PlayedGame { fixture: Fixture { number, black, white, opening: number / 2 }, record }
                    });
                    (Results { players: names, games: games.collect() }, verdict)
                })
            }
            (None, None) => {
                let ladder = Ladder { rungs: others, subjects, games: self.games, nearest: self.args.nearest };
                let rate = |results: &Results| -> Result<Vec<f64>> {
                    let ratings = Standings::new(results, self.anchor).ratings;
                    let of = |player| ratings.of(player).map(|rated| rated.elo).context("a player without games");
                    (0..self.players.len()).map(of).collect()
                };
                ladder.play(&tournament, archive.as_mut(), &rate, &watch).map(|results| (results, None))
            }
            (None, Some(schedule)) => {
                tournament.play(&schedule, archive.as_mut(), &watch).map(|results| (results, None))
            }
        };
        progress.clear();
        let (results, verdict) = played?;
        let standings = Standings::new(&results, self.anchor);
        let is_broken_off = progress.is_broken_off() && verdict.is_none();
        Ok(Outcome { results, standings, verdict, is_broken_off })
    }

    /// Indices of the subjects and of the other players.
    fn sides(&self) -> (Vec<usize>, Vec<usize>) {
        let subjects = self.args.subjects.min(self.players.len());
        ((0..subjects).collect(), (subjects..self.players.len()).collect())
    }

    fn anchor_name(&self) -> &str {
        self.players[self.anchor].name()
    }

    fn openings(&self) -> String {
        match &self.book {
            Some(book) => format!("openings of {}", book.name()),
            None => format!("openings of {OPENING_PLIES} random plies"),
        }
    }

    fn svg(&self, standings: &Standings) -> Result<String> {
        let bars = standings.ratings.ranking().into_iter().filter_map(|player| {
            let rated = standings.ratings.of(player)?;
            Some(Bar { name: standings.names[player].clone(), elo: rated.elo, interval: rated.interval })
        });
        let bars: Vec<Bar> = bars.collect();
        let axis = format!("Elo, {} = 0; bars are 95 % intervals", self.anchor_name());
        ratings::svg(&bars, &format!("Ratings of {} players with 95 % intervals", bars.len()), &axis)
    }
}

fn check(args: &RateArgs) -> Result<Option<Sprt>, BadArgument> {
    let RateArgs { players, subjects, .. } = args;
    let count = players.len();
    if !(2..=MAX_PLAYERS).contains(&count) {
        let reason = format!("a tournament has from 2 to {MAX_PLAYERS} players");
        return Err(BadArgument::new("PLAYER", &players.join(" "), reason));
    }
    if let Some(games) = args.games.filter(|&games| games == 0 || !games.is_multiple_of(2)) {
        let reason = "must be even and not 0: every opening is played with both colours";
        return Err(BadArgument::new("--games", &games.to_string(), reason));
    }
    args.conditions.check()?;
    if args.visits > MAX_VISITS {
        let reason = format!("must be from 0 to {MAX_VISITS}");
        return Err(BadArgument::new("--visits", &args.visits.to_string(), reason));
    }
    let least_others = match args.schedule {
        Meetings::RoundRobin => None,
        Meetings::Gauntlet => Some(1),
        Meetings::Ladder => Some(2),
    };
    if let Some(others) = least_others.filter(|others| *subjects == 0 || subjects + others > count) {
        let reason = format!("of the {count} players, at least one must be a subject and {others} must not");
        return Err(BadArgument::new("--subjects", &subjects.to_string(), reason));
    }
    if args.nearest == 0 {
        return Err(BadArgument::new("--nearest", "0", "must be at least 1"));
    }
    let Some(text) = &args.sprt else { return Ok(None) };
    if count != 2 {
        return Err(BadArgument::new("--sprt", text, format!("a test is between two players, and there are {count}")));
    }
    let elos = text.split_once(',').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    let (elo0, elo1) = elos.ok_or_else(|| BadArgument::new("--sprt", text, "must be two numbers, such as 0,20"))?;
    Sprt::new(elo0, elo1, args.alpha, args.beta).map(Some).map_err(|error| BadArgument::new("--sprt", text, error))
}

/// Player as it is spelled; the folder of a run stands for its model.
fn spelling(text: &str) -> Result<Spelling, BadArgument> {
    let mut spelling: Spelling = text.parse().map_err(|error| BadArgument::new("PLAYER", text, error))?;
    if let SpelledPlayer::Model(model) = &mut spelling.player
        && Path::new(&model.file).is_dir()
    {
        model.file = Path::new(&model.file).join(MODEL).display().to_string();
    }
    Ok(spelling)
}

/// Checks that no model is there twice: its games against itself tell nothing, and a mistaken path is more likely.
fn check_models(args: &RateArgs, players: &[Contender]) -> Result<(), BadArgument> {
    // What its games depend on, but for its name: a copy of a file may have another.
    let play = |player: &Contender| {
        let identity = player.identity();
        identity.strip_prefix(player.name()).unwrap_or(&identity).to_owned()
    };
    for (number, player) in players.iter().enumerate() {
        let is_same = |other: &Contender| play(other) == play(player);
        if player.visits().is_some() && players[..number].iter().any(is_same) {
            let reason = "the model would play itself: visits, temperature or arithmetic must differ";
            return Err(BadArgument::new("PLAYER", &args.players[number], reason));
        }
    }
    Ok(())
}

/// Players with different names: the second of a name gets a number.
fn distinct(players: Vec<Contender>) -> Vec<Contender> {
    let mut distinct: Vec<Contender> = Vec::new();
    for player in players {
        let is_taken = |name: &str| distinct.iter().any(|other| other.name() == name);
        let name = player.name().to_owned();
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !is_taken(name));
        let free = free.expect("there are more numbers than players");
        distinct.push(if free == name { player } else { player.named(&free) });
    }
    distinct
}

/// Index of the player whose rating is 0.
fn anchor(args: &RateArgs, players: &[Contender]) -> Result<usize, BadArgument> {
    let named = |name: &str| players.iter().position(|player| player.name() == name);
    let Some(text) = &args.anchor else { return Ok(named("random").unwrap_or(0)) };
    let index = args.players.iter().position(|player| player == text).or_else(|| named(text));
    index.ok_or_else(|| {
        let names: Vec<&str> = players.iter().map(Contender::name).collect();
        BadArgument::new("--anchor", text, format!("is none of the players {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: RateArgs,
    }

    fn args(line: &[&str]) -> RateArgs {
        Cli::try_parse_from([&["rate"], line].concat()).expect("the line is a command line").args
    }

    /// The line is refused for this argument.
    fn check_refused(line: &[&str], argument: &str, reason: &str) {
        let args = args(line);
        let error = Rating::new(&args).err().expect("it is refused");
        let bad = error.downcast_ref::<BadArgument>().unwrap_or_else(|| panic!("{line:?}: {error:#}"));
        assert!(bad.argument == argument && bad.reason.contains(reason), "{line:?}: {error:#}");
    }

    #[test]
    fn bad_arguments_are_named() {
        check_refused(&["random"], "PLAYER", "from 2");
        check_refused(&["random", "ab:99"], "PLAYER", "");
        check_refused(&["random", "greedy", "--games", "5"], "--games", "even");
        check_refused(&["random", "greedy", "--games", "0"], "--games", "even");
        check_refused(&["random", "greedy", "--max-plies", "6"], "--max-plies", "above");
        check_refused(&["random", "greedy", "--temperature", "NaN"], "--temperature", "from 0");
        check_refused(&["random", "greedy", "--anchor", "ab:2"], "--anchor", "none of the players random, greedy");
        check_refused(&["random", "greedy", "--schedule", "gauntlet", "--subjects", "2"], "--subjects", "at least one");
        check_refused(&["random", "greedy", "--schedule", "ladder"], "--subjects", "2 must not");
        check_refused(&["random", "greedy", "--sprt", "5"], "--sprt", "two numbers");
        check_refused(&["random", "greedy", "--sprt", "20,0"], "--sprt", "below");
        check_refused(&["random", "greedy", "ab:2", "--sprt", "0,20"], "--sprt", "between two");
        check_refused(&["random", "greedy", "--sprt", "0,20", "--alpha", "0.5"], "--sprt", "error rates");
    }

    #[test]
    fn help_is_shown_without_players_and_has_examples() {
        let error = Cli::try_parse_from(["rate"]).err().expect("no player");
        let help = error.to_string();
        assert!(help.contains("rate random greedy ab:2 runs/latest") && help.contains("--sprt 0,20"), "{help}");
    }

    #[test]
    fn equal_players_get_different_names_and_random_is_the_anchor() {
        let args = args(&["greedy", "random", "greedy", "random", "--anchor", "greedy (2)"]);
        let rating = Rating::new(&args).expect("all can play");
        let names: Vec<&str> = rating.players.iter().map(Contender::name).collect();
        assert_eq!((names, rating.anchor), (vec!["greedy", "random", "greedy (2)", "random (2)"], 2));
        let players = rating.players;
        assert_eq!(anchor(&RateArgs { anchor: None, ..args }, &players), Ok(1));
    }
}
