//! Spelling of players: one text names a player completely, on a command line and in a file.
//!
//! | spelling | player |
//! |---|---|
//! | `random` | any legal move |
//! | `greedy` | mate in one move, else the most material |
//! | `ab:2` | alpha-beta for material, depth 1 to 6 |
//! | `model:FILE` | the policy of a model |
//! | `model:FILE@100` | a search with 100 visits; 0 is the policy |
//! | `FILE` | as `model:FILE`, where the text is no other spelling; it is the file's name to its end |
//! | `usi:PROGRAM ARGUMENT…,nodes=1000` | an engine with a limit: `nodes`, `depth`, `movetime` or `byoyomi` (milliseconds) |
//! | `mix:0.5*random+0.5*ab:2` | one of several players in each game, in proportion to their weights; 1 where none is given |
//!
//! Settings follow after commas, as `key=value`:
//!
//! | setting | of | meaning |
//! |---|---|---|
//! | `name` | all | name in tables |
//! | `temperature` | models | sharpness: 0 plays the best move, 1 the policy as it was trained |
//! | `arithmetic` | models | `f32`, `integer` or `bf16` |
//! | `timeout` | engines | seconds for the answer to `go` |
//! | `start-timeout` | engines | seconds for the answers to `usi` and to `isready` |
//! | any other | engines | option of the engine: `Hash=16`, `"Skill Level"=-5`; a quoted key is always one |
//!
//! Quotes (`"…"`, within them `\"` and `\\`) take the meaning from blanks, commas and signs. In a mixture a player with settings
//! stands in parentheses: `mix:3*(model:FILE@100,temperature=0.3)+random`. Blanks after a comma do not count.

pub(crate) mod engine;
mod reader;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result};
use keisei_core::format::Model;
use keisei_core::search::Settings;

use self::engine::{SpelledEngine, quoted};
use crate::alpha_beta::AlphaBetaPlayer;
use crate::contender::Contender;
use crate::executor::{Arithmetic, ModelExecutor};
use crate::files::read_model;
use crate::policy_player::{EVALUATION_TEMPERATURE, PolicyPlayer};
use crate::search_player::SearchPlayer;
use crate::usi_player::Engine;

/// Spellings in a few words, for errors and help.
pub const SPELLINGS: &str = "`random`, `greedy`, `ab:DEPTH`, `model:FILE`, `model:FILE@VISITS`, `usi:PROGRAM,nodes=N`, `mix:PLAYER+PLAYER` or a model file";

/// Largest number of visits of a move: each game of a thread keeps a tree of up to this many nodes of about a kilobyte.
pub const MAX_VISITS: u32 = 10_000;

/// Largest temperature.
pub const MAX_TEMPERATURE: f64 = 1e6;

/// Player as its spelling describes it. Spelled out by [`Display`](fmt::Display), it is read again as the same.
///
/// ```
/// use keisei_play::spelling::Spelling;
///
/// let text = r#"usi:fairy-stockfish,nodes=1000,"Skill Level"=-5,name=skill-5"#;
/// let spelling: Spelling = text.parse()?;
/// assert_eq!(spelling.name.as_deref(), Some("skill-5"));
/// assert_eq!(spelling.to_string(), text);
/// # Ok::<(), keisei_play::spelling::SpellingError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spelling {
    /// Player.
    pub player: SpelledPlayer,
    /// Name in tables, if it is not to follow from the player.
    pub name: Option<String>,
}

/// Kind of player with its settings.
#[derive(Clone, Debug, PartialEq)]
pub enum SpelledPlayer {
    /// Any legal move.
    Random,
    /// Mate in one move, else the most material.
    Greedy,
    /// Alpha-beta for material.
    AlphaBeta(AlphaBetaPlayer),
    /// Model.
    Model(SpelledModel),
    /// Engine.
    Usi(Engine),
    /// Players with their weights.
    Mixture(Vec<(f64, Spelling)>),
}

/// Model file, with what its spelling says about the play; [`Defaults`] say the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct SpelledModel {
    /// Path of the file.
    pub file: String,
    /// Visits before each move, 0 for the policy alone.
    pub visits: Option<u32>,
    /// Temperature.
    pub temperature: Option<f64>,
    /// Arithmetic of the network.
    pub arithmetic: Option<Arithmetic>,
}

/// Play of models whose spelling does not say it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Defaults {
    /// Visits before each move, 0 for the policy alone.
    pub visits: u32,
    /// Temperature.
    pub temperature: f64,
    /// Arithmetic of the network.
    pub arithmetic: Arithmetic,
}

impl Default for Defaults {
    fn default() -> Defaults {
        Defaults { visits: 0, temperature: EVALUATION_TEMPERATURE, arithmetic: Arithmetic::default() }
    }
}

/// Part of a spelling that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpellingError {
    /// The whole spelling.
    pub spelling: String,
    /// Part of it that is wrong; empty if something is missing.
    pub part: String,
    /// Reason.
    pub problem: String,
}

impl fmt::Display for SpellingError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let SpellingError { spelling, part, problem } = self;
        match &**part {
            "" => write!(f, "player `{spelling}`: {problem}"),
            part if part == spelling => write!(f, "player `{part}`: {problem}"),
            part => write!(f, "player `{spelling}`: `{part}`: {problem}"),
        }
    }
}

impl std::error::Error for SpellingError {}

impl FromStr for Spelling {
    type Err = SpellingError;

    fn from_str(text: &str) -> Result<Spelling, SpellingError> {
        reader::read(text)
    }
}

impl From<SpelledPlayer> for Spelling {
    fn from(player: SpelledPlayer) -> Spelling {
        Spelling { player, name: None }
    }
}

impl Spelling {
    /// Player that is described: reads the files of models and starts each engine once, to see that its options exist.
    ///
    /// # Errors
    /// Names the file that cannot be read, the arithmetic that this CPU lacks, or what is wrong with the engine.
    pub fn contender(&self, defaults: &Defaults) -> Result<Contender> {
        let contender = match &self.player {
            SpelledPlayer::Random => Contender::Random,
            SpelledPlayer::Greedy => Contender::Greedy,
            SpelledPlayer::AlphaBeta(player) => Contender::AlphaBeta(*player),
            SpelledPlayer::Model(model) => model.contender(defaults)?,
            SpelledPlayer::Usi(engine) => {
                engine.check().map_err(|forfeit| anyhow::anyhow!("player `{self}`: {forfeit}"))?;
                Contender::from(engine.clone())
            }
            SpelledPlayer::Mixture(members) => {
                let contender = |(weight, member): &(f64, Spelling)| Ok((*weight, member.contender(defaults)?));
                let members = members.iter().map(contender).collect::<Result<_>>()?;
                Contender::Mixture { members, name: Spelling::from(self.player.clone()).to_string() }
            }
        };
        Ok(match &self.name {
            Some(name) => contender.named(name),
            None => contender,
        })
    }
}

impl SpelledModel {
    /// Model in a file, about whose play nothing is said.
    pub fn new(file: &str) -> SpelledModel {
        SpelledModel { file: file.to_owned(), visits: None, temperature: None, arithmetic: None }
    }

    /// Settings of the play as they are spelled, and the defaults of the others.
    pub fn play(&self, defaults: &Defaults) -> Defaults {
        Defaults {
            visits: self.visits.unwrap_or(defaults.visits),
            temperature: self.temperature.unwrap_or(defaults.temperature),
            arithmetic: self.arithmetic.unwrap_or(defaults.arithmetic),
        }
    }

    fn contender(&self, defaults: &Defaults) -> Result<Contender> {
        let play = self.play(defaults);
        let mut contender = model_contender(Path::new(&self.file), &play)?;
        // The tables must tell players apart that differ from what the others do.
        let differs = |differs: bool, text: String| if differs { text } else { String::new() };
        let temperature =
            differs(play.temperature != defaults.temperature, format!(", temperature {}", play.temperature));
        let arithmetic = differs(play.arithmetic != defaults.arithmetic, format!(", {}", play.arithmetic));
        if !(temperature.is_empty() && arithmetic.is_empty()) {
            let name = [contender.name(), &temperature, &arithmetic].concat();
            contender = contender.named(&name);
        }
        Ok(contender)
    }
}

/// Player with the model in the file `path`, by a search, or by its policy alone if the visits are 0.
///
/// # Errors
/// Names the file that cannot be read or is not a model, or the arithmetic that this CPU lacks.
pub fn model_contender(path: &Path, play: &Defaults) -> Result<Contender> {
    let Defaults { visits, temperature, arithmetic } = *play;
    let model = read_model(path)?;
    let network = ModelExecutor::new(&model, arithmetic).context("arithmetic")?;
    let name = model_name(path, &model);
    if visits == 0 {
        return Ok(PolicyPlayer::new(&name, &model, network, temperature as f32).into());
    }
    let name = format!("{name}, {visits} visit{}", if visits == 1 { "" } else { "s" });
    let settings = Settings { visits, ..Settings::default() };
    Ok(SearchPlayer::new(&name, &model, network, settings, temperature as f32).into())
}

/// Name of a model: its run and iteration, or its file name if it has no run.
fn model_name(path: &Path, model: &Model) -> String {
    let last = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).display().to_string();
    match &*model.provenance.run {
        "" => last(path),
        run => format!("{} #{}", last(Path::new(run)), model.provenance.iteration),
    }
}

impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.player {
            SpelledPlayer::Random => f.write_str("random")?,
            SpelledPlayer::Greedy => f.write_str("greedy")?,
            SpelledPlayer::AlphaBeta(player) => f.write_str(player.name())?,
            SpelledPlayer::Model(model) => write!(f, "{model}")?,
            SpelledPlayer::Usi(engine) => write!(f, "{}", SpelledEngine(engine))?,
            SpelledPlayer::Mixture(members) => {
                let mut before = "mix:";
                for (weight, member) in members {
                    let text = member.to_string();
                    let is_simple = !text.contains([',', '(', '+', '*', '"']);
                    f.write_str(before)?;
                    if is_simple {
                        write!(f, "{weight}*{text}")?;
                    } else {
                        write!(f, "{weight}*({text})")?;
                    }
                    before = "+";
                }
            }
        }
        self.name.iter().try_for_each(|name| write!(f, ",name={}", quoted(name)))
    }
}

impl fmt::Display for SpelledModel {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let SpelledModel { file, visits, temperature, arithmetic } = self;
        write!(f, "model:{}", quoted(file))?;
        visits.iter().try_for_each(|visits| write!(f, "@{visits}"))?;
        temperature.iter().try_for_each(|temperature| write!(f, ",temperature={temperature}"))?;
        arithmetic.iter().try_for_each(|arithmetic| write!(f, ",arithmetic={arithmetic}"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keisei_core::format::Dtype;
    use keisei_core::random::SplitMix64;

    use super::*;
    use crate::usi_player::Limits;

    /// The text is read as this player, and spelled out as `canonical`, which is read as the same.
    fn check_as(text: &str, canonical: &str, expected: &Spelling) {
        let found: Spelling = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(&found, expected, "{text}");
        assert_eq!(found.to_string(), canonical);
        assert_eq!(canonical.parse().as_ref(), Ok(expected), "{canonical}");
    }

    fn check(text: &str, expected: impl Into<Spelling>) {
        check_as(text, text, &expected.into());
    }

    fn model(file: &str, visits: Option<u32>) -> SpelledPlayer {
        SpelledPlayer::Model(SpelledModel { visits, ..SpelledModel::new(file) })
    }

    fn engine(command: &[&str], options: &[(&str, &str)], limits: Limits) -> SpelledPlayer {
        let options = options.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let command = command.iter().map(ToString::to_string).collect();
        SpelledPlayer::Usi(Engine { options, limits, ..Engine::new(command) })
    }

    fn nodes(nodes: u64) -> Limits {
        Limits { nodes: Some(nodes), ..Limits::default() }
    }

    #[test]
    fn simple_players() {
        check("random", SpelledPlayer::Random);
        check("greedy", SpelledPlayer::Greedy);
        check("ab:3", SpelledPlayer::AlphaBeta(AlphaBetaPlayer::new(3)));
        check(
            "ab:2,name=\"depth two\"",
            Spelling { player: SpelledPlayer::AlphaBeta(AlphaBetaPlayer::new(2)), name: Some("depth two".into()) },
        );
        check_as(
            "random, name=r",
            "random,name=r",
            &Spelling { player: SpelledPlayer::Random, name: Some("r".into()) },
        );
    }

    #[test]
    fn models() {
        check("model:runs/a/model.model", model("runs/a/model.model", None));
        check("model:a.model@100", model("a.model", Some(100)));
        check("model:a.model@0", model("a.model", Some(0)));
        check("model:\"a@1, b.model\"@7", model("a@1, b.model", Some(7)));
        let all = SpelledModel {
            visits: Some(100),
            temperature: Some(0.3),
            arithmetic: Some(Arithmetic::Integer),
            ..SpelledModel::new("a.model")
        };
        check("model:a.model@100,temperature=0.3,arithmetic=integer", SpelledPlayer::Model(all));
        // A bare file name is taken to its end.
        check_as("a.model", "model:a.model", &model("a.model", None).into());
        check_as("a, b@7.model", "model:\"a, b@7.model\"", &model("a, b@7.model", None).into());
        check_as(
            "C:\\models\\a.model",
            "model:\"C:\\\\models\\\\a.model\"",
            &model("C:\\models\\a.model", None).into(),
        );
        check_as("model:C:\\a.model", "model:\"C:\\\\a.model\"", &model("C:\\a.model", None).into());
        check_as("\"random\"", "model:random", &model("random", None).into());
    }

    #[test]
    fn engines() {
        check("usi:fairy-stockfish,nodes=1000", engine(&["fairy-stockfish"], &[], nodes(1000)));
        let skill = engine(&["fairy-stockfish"], &[("Skill Level", "0"), ("Hash", "16")], nodes(1000));
        let canonical = "usi:fairy-stockfish,nodes=1000,\"Skill Level\"=0,Hash=16";
        check_as("usi:\"fairy-stockfish\",nodes=1000,\"Skill Level\"=0,Hash=16", canonical, &skill.clone().into());
        check_as("usi:fairy-stockfish, Skill Level=0, Hash=16, nodes=1000", canonical, &skill.into());
        let with_arguments = engine(&["/opt/my engine/bin", "--book", "a,b.db", "-v"], &[], nodes(5));
        check("usi:\"/opt/my engine/bin\" --book \"a,b.db\" -v,nodes=5", with_arguments);
        // A quoted key is the engine's, and an option without a value is a button.
        check(
            "usi:e,depth=4,\"nodes\"=7",
            engine(&["e"], &[("nodes", "7")], Limits { depth: Some(4), ..Limits::default() }),
        );
        check_as(
            "usi:e,nodes=5,Clear Hash",
            "usi:e,nodes=5,\"Clear Hash\"=\"\"",
            &engine(&["e"], &[("Clear Hash", "")], nodes(5)).into(),
        );
        check("usi:e,nodes=5,File=\"a \\\"b\\\" \\\\c\"", engine(&["e"], &[("File", "a \"b\" \\c")], nodes(5)));
        let timed = Engine {
            limits: Limits { byoyomi: Some(100), ..Limits::default() },
            start_timeout: Duration::from_mins(10),
            timeout: Some(Duration::from_millis(1500)),
            ..Engine::new(vec!["e".to_owned()])
        };
        check("usi:e,byoyomi=100,timeout=1.5,start-timeout=600", SpelledPlayer::Usi(timed));
    }

    #[test]
    fn mixtures() {
        let random = || Spelling::from(SpelledPlayer::Random);
        let ab2 = || Spelling::from(SpelledPlayer::AlphaBeta(AlphaBetaPlayer::new(2)));
        let halves = || SpelledPlayer::Mixture(vec![(0.5, random()), (0.5, ab2())]);
        check("mix:0.5*random+0.5*ab:2", halves());
        check("mix:0.5*random+0.5*ab:2,name=half", Spelling { player: halves(), name: Some("half".into()) });
        let equal =
            SpelledPlayer::Mixture(vec![(1.0, random()), (1.0, ab2()), (1.0, model("a.model", Some(3)).into())]);
        check_as("mix:random+ab:2+model:a.model@3", "mix:1*random+1*ab:2+1*model:a.model@3", &equal.into());
        let soft = SpelledModel { temperature: Some(1.0), ..SpelledModel::new("a+b.model") };
        let nested = SpelledPlayer::Mixture(vec![
            (3.0, SpelledPlayer::Model(soft).into()),
            (1e-3, halves().into()),
            (2.0, Spelling { name: Some("a) b".into()), ..random() }),
        ]);
        check(
            "mix:3*(model:\"a+b.model\",temperature=1)+0.001*(mix:0.5*random+0.5*ab:2)+2*(random,name=\"a) b\")",
            nested,
        );
        let engines =
            SpelledPlayer::Mixture(vec![(1.0, engine(&["e"], &[], nodes(5)).into()), (1.0, model("b", None).into())]);
        check_as("mix:(usi:e,nodes=5)+b", "mix:1*(usi:e,nodes=5)+1*model:b", &engines.into());
    }

    /// Pieces of text that have, or seem to have, a meaning in spellings.
    const PIECES: [&str; 24] = [
        "random",
        "ab:2",
        "ab:",
        "model:",
        "usi:",
        "mix:",
        "a.model",
        "@",
        "100",
        "0.5",
        "*",
        "+",
        "(",
        ")",
        ",",
        "=",
        "\"",
        "\\",
        " ",
        "name",
        "nodes",
        "temperature",
        "駒",
        "=1",
    ];

    fn text(random: &mut SplitMix64, longest: usize) -> String {
        (0..random.below(longest)).map(|_| PIECES[random.below(PIECES.len())]).collect()
    }

    /// A name that is not empty.
    fn word(random: &mut SplitMix64) -> String {
        "x".to_owned() + &text(random, 4)
    }

    fn spelling(random: &mut SplitMix64, depth: usize) -> Spelling {
        let maybe = |random: &mut SplitMix64| random.below(2) == 0;
        let player = match random.below(if depth < 3 { 6 } else { 5 }) {
            0 => SpelledPlayer::Random,
            1 => SpelledPlayer::Greedy,
            2 => SpelledPlayer::AlphaBeta(AlphaBetaPlayer::new(1 + random.below(6) as u8)),
            3 => SpelledPlayer::Model(SpelledModel {
                file: text(random, 4) + "x",
                visits: maybe(random).then(|| random.below(10_001) as u32),
                temperature: maybe(random).then(|| f64::from(random.uniform())),
                arithmetic: maybe(random).then_some(Arithmetic::Bf16),
            }),
            4 => {
                let command = (0..=random.below(3)).map(|_| text(random, 4) + "x").collect();
                let options = (0..random.below(4)).map(|i| (format!("{i}{}", word(random)), text(random, 4)));
                SpelledPlayer::Usi(Engine {
                    options: options.collect(),
                    limits: Limits { depth: maybe(random).then_some(3), ..nodes(1 + random.below(1000) as u64) },
                    timeout: maybe(random).then(|| Duration::from_millis(1 + random.below(99_999) as u64)),
                    start_timeout: Duration::from_millis(1 + random.below(99_999) as u64),
                    ..Engine::new(command)
                })
            }
            _ => {
                let weight = |random: &mut SplitMix64| f64::from(random.uniform()) + 1e-9;
                let members = (0..=random.below(3)).map(|_| (weight(random), spelling(random, depth + 1)));
                SpelledPlayer::Mixture(members.collect())
            }
        };
        Spelling { player, name: maybe(random).then(|| word(random)) }
    }

    #[test]
    fn every_player_is_read_as_it_is_spelled() {
        let mut random = SplitMix64(7);
        for _ in 0..20_000 {
            let spelling = spelling(&mut random, 0);
            assert_eq!(spelling.to_string().parse().as_ref(), Ok(&spelling), "{spelling}");
        }
    }

    #[test]
    fn every_text_is_a_player_or_an_error() {
        let mut random = SplitMix64(8);
        let mut read = 0;
        for _ in 0..100_000 {
            let text = text(&mut random, 12);
            if let Ok(spelling) = text.parse::<Spelling>() {
                read += 1;
                assert_eq!(spelling.to_string().parse().as_ref(), Ok(&spelling), "{text}");
            }
        }
        assert!(read > 10_000, "{read}");
    }

    #[test]
    fn errors_name_the_part() {
        let check = |text: &str, part: &str, problem: &str| {
            let error = text.parse::<Spelling>().expect_err(text);
            assert_eq!((&*error.spelling, &*error.part), (text, part), "{error}");
            assert!(error.problem.contains(problem), "{error}");
        };
        check("", "", "is empty");
        check("ab:0", "0", "from 1 to 6");
        check("ab:two", "two", "from 1 to 6");
        check("ab:", "", "depth");
        check("ab:2,depth=3", "depth", "only `name`");
        check("random,temperature=1", "temperature", "only `name`");
        check("random,name", "name", "needs a value");
        check("random,name=a,name=b", "name", "twice");
        check("model:", "", "file");
        check("model:a.model@many", "many", "from 0 to 10000");
        check("model:a.model@10001", "10001", "from 0 to 10000");
        check("model:a.model@", "", "from 0 to 10000");
        check("model:a.model,temperature=-1", "-1", "from 0 to 1000000");
        check("model:a.model,temperature=NaN", "NaN", "from 0 to 1000000");
        check("model:a.model,arithmetic=int8", "int8", "f32, integer or bf16");
        check("model:a.model,visits=3", "visits", "`name`, `temperature`, `arithmetic`");
        check("model:\"a.model", "\"a.model", "no closing quote");
        check("model:\"a.model\"x", "x", "after the closing quote");
        check("usi:", "", "program");
        check("usi:,nodes=5", "", "program");
        check("usi:e", "", "limit");
        check("usi:e,nodes=0", "0", "from 1");
        check("usi:e,nodes=many", "many", "from 1");
        check("usi:e,nodes", "nodes", "needs a value");
        check("usi:e,movetime=5,byoyomi=6", "byoyomi", "movetime");
        check("usi:e,nodes=5,Hash=1,Hash=2", "Hash", "twice");
        check("usi:e,nodes=5,timeout=0", "0", "seconds");
        check("usi:e,nodes=5,timeout=soon", "soon", "seconds");
        check("usi:e,nodes=5,=3", "=3", "key");
        check("mix:", "", "is empty");
        check("mix:random+", "", "is empty");
        check("mix:0*random+ab:2", "0", "positive");
        check("mix:inf*random+ab:2", "inf", "positive");
        check("mix:half*random+ab:2", "half", "positive");
        check("mix:(random", "(random", "closing parenthesis");
        check("mix:(random))", ")", "unexpected");
        check("mix:(random)x", "x", "unexpected");
        check("mix:mix:random+ab:2", "mix:random+ab:2", "parentheses");
        check("mix:ab:9+random", "9", "from 1 to 6");
        let deep = format!("{}random{}", "mix:(".repeat(50), ")".repeat(50));
        assert!(deep.parse::<Spelling>().is_err_and(|error| error.problem.contains("deep")));
    }

    #[test]
    fn an_error_is_one_line() {
        let error = "usi:e,nodes=0".parse::<Spelling>().expect_err("no nodes");
        assert_eq!(error.to_string(), "player `usi:e,nodes=0`: `0`: nodes must be a whole number from 1");
        let error = "".parse::<Spelling>().expect_err("nothing");
        assert_eq!(error.to_string(), format!("player ``: is empty: a player is {SPELLINGS}"));
    }

    #[test]
    fn contenders_are_made_or_the_file_is_named() {
        let contender = |text: &str| text.parse::<Spelling>().expect(text).contender(&Defaults::default());
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("some.model");
        std::fs::write(&path, crate::samples::model().to_bytes(Dtype::F32).expect("it is sound"))
            .expect("it is written");
        let path = path.display().to_string();
        let name = |text: &str| contender(text).unwrap_or_else(|error| panic!("{error:#}")).name().to_owned();
        assert_eq!(name("ab:2"), "ab:2");
        assert_eq!(name("mix:random+2*ab:2"), "mix:1*random+2*ab:2");
        assert_eq!(name("mix:random+ab:2,name=m"), "m");
        assert_eq!(name(&path), "some.model");
        assert_eq!(name(&format!("model:\"{path}\"@8")), "some.model, 8 visits");
        assert_eq!(name(&format!("model:\"{path}\",temperature=1")), "some.model, temperature 1");
        assert_eq!(name(&format!("model:\"{path}\",arithmetic=integer,name=m")), "m");
        assert_eq!(contender(&format!("model:\"{path}\"@8")).expect("it is there").visits(), Some(8));
        let error = contender("mix:random+(model:no.model,temperature=1)").expect_err("there is no such file");
        assert!(format!("{error:#}").contains("no.model: cannot be read"), "{error:#}");
        let error = contender("usi:no-such-engine,nodes=1").expect_err("there is no such program").to_string();
        assert!(error.contains("player `usi:no-such-engine,nodes=1`: no-such-engine cannot be started"), "{error}");
    }
}
