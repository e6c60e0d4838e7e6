//! `cargo xtask reproduce`: trains a shipped agent again by the command in its manifest, and compares weights and rating.

use crate::shell::{cargo, command, json, json_shown, run as run_command, run_until, target_directory, www};
use anyhow::{Context as _, Result, bail, ensure};
use lexopt::{Arg, Parser, ValueExt as _};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Usage of the command.
pub const USAGE: &str = "\
reproduce [NAME] [--games GAMES]

Arguments:
  NAME  Agent of www/public/agents/manifest.json, trained again by the command there up to its own iteration; or `quick`, a quarter of an
        hour by the preset of this name, rated beside the agent that the pages open first, which learnt for as long [default: minute]

Options:
  --games GAMES  Games of each two players in the rating, an even number [default: 100]

The weights are compared first. Another CPU, or a program of another revision, may round differently; then the rating decides.
The run and its model stay in target/reproduce/NAME, where the next run of the same name replaces them.";

/// Name of the preset that is trained and rated without weights to compare.
const QUICK: &str = "quick";

/// Player whose rating is 0, and the others of the ladder that every machine has.
const ANCHOR: &str = "random";
const RUNGS: [&str; 2] = ["greedy", "ab:2"];

/// Ply limit of the games: that of the shipped ladder.
const MAX_PLIES: &str = "400";

/// Names of the two agents in the tournament.
const AGAIN: &str = "again";
const SHIPPED: &str = "shipped";

/// Options of the command.
#[derive(Debug, PartialEq)]
pub struct Options {
    /// Id of a shipped agent, or `quick`.
    pub name: String,
    /// Games of each two players.
    pub games: u32,
}

impl Options {
    /// Reads the options; `None` if they ask for help.
    pub fn parse(arguments: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
        let (mut name, mut games) = (None, 100);
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Long("games") => {
                    games = arguments.value()?.parse()?;
                    if games == 0 || games % 2 > 0 {
                        return Err(format!("--games {games}: must be even and not 0").into());
                    }
                }
                Arg::Value(value) if name.is_none() => name = Some(value.string()?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(Options { name: name.unwrap_or_else(|| "minute".to_owned()), games }))
    }
}

/// Trains the agent again, and prints its weights and its rating beside the shipped one's.
///
/// # Errors
/// There is no such agent, its entry lacks the command or the rating, a program fails, or the new agent is weaker than the shipped
/// interval says.
pub fn run(options: &Options) -> Result<()> {
    let agents = www().join("public/agents");
    let manifest = fs::read(agents.join("manifest.json")).context("www/public/agents/manifest.json")?;
    let manifest: Value = serde_json::from_slice(&manifest).context("www/public/agents/manifest.json")?;
    let shipped = Shipped::choose(&manifest, &options.name)?;
    let folder = target_directory()?.join("reproduce").join(&options.name);
    let plan = if options.name == QUICK { Plan::of_preset(QUICK) } else { Plan::of_command(&shipped.command)? };

    stage(1, "compile the trainer");
    run_command(cargo().args(["build", "--release", "--package", "trainer-native"]))?;
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{}: cannot be removed", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("{}: cannot be created", folder.display()))?;

    let model = folder.join(format!("{}.model", options.name));
    stage(2, &plan.about(&shipped));
    let began = Instant::now();
    plan.train(&folder.join("run"))?;
    eprintln!(
        "-- {:.0} s; the shipped agent took {:.0} s on {}",
        began.elapsed().as_secs_f64(),
        shipped.seconds,
        shipped.machine
    );
    run_command(trainer()?.args(&plan.export).arg("--run").arg(folder.join("run")).arg("--out").arg(&model))?;

    let original = agents.join(&shipped.file);
    stage(3, "compare the weights");
    println!("{}", compared(&weights_of(&model)?, &weights_of(&original)?, options.name == QUICK));

    let rungs = RUNGS.join(", ");
    stage(4, &format!("rate: both agents, {ANCHOR} and {rungs}, {} games of each two", options.games));
    let results = json_shown(&mut rate(options.games, &shipped, &model, &original)?)?;
    let (again, here) = (Row::read(&results, AGAIN)?, Row::read(&results, SHIPPED)?);
    println!("{}", report(&options.name, &again, &here, &shipped)?);
    Ok(())
}

fn stage(number: u32, about: &str) {
    eprintln!("\n== {number} of 4: {about}");
}

fn trainer() -> Result<Command> {
    Ok(command(target_directory()?.join("release/trainer-native"), &[]))
}

/// SHA-256 of a model's weights. That of the file is of its date and ratings as well.
fn weights_of(model: &Path) -> Result<String> {
    let facts = json(trainer()?.args(["inspect", "--json"]).arg(model))?;
    Ok(facts["weights_sha256"].as_str().context("`inspect` names no weights")?.to_owned())
}

/// Tournament that rates both agents by the policy alone.
fn rate(games: u32, shipped: &Shipped, again: &Path, original: &Path) -> Result<Command> {
    let player = |file: &Path, name: &str| {
        format!("model:\"{}\",temperature={},name={name}", file.display(), shipped.temperature)
    };
    let mut rate = trainer()?;
    rate.args(["rate", &player(again, AGAIN), &player(original, SHIPPED), ANCHOR]).args(RUNGS);
    rate.args(["--games", &games.to_string(), "--anchor", ANCHOR, "--max-plies", MAX_PLIES, "--json"]);
    Ok(rate)
}

/// Agent of the manifest, with its rating by the policy alone.
#[derive(Debug, PartialEq)]
struct Shipped {
    id: String,
    file: String,
    command: String,
    seconds: f64,
    machine: String,
    revision: String,
    /// Temperature at which its policy was rated.
    temperature: f64,
    row: Row,
}

impl Shipped {
    /// The agent `name`, or for `quick` the one that the pages open first.
    ///
    /// # Errors
    /// There is none, with the names that there are; or its entry lacks a field.
    fn choose(manifest: &Value, name: &str) -> Result<Shipped> {
        let agents = manifest["agents"].as_array().map(Vec::as_slice).unwrap_or_default();
        let id = if name == QUICK { manifest["default"].as_str().unwrap_or_default() } else { name };
        let Some(agent) = agents.iter().find(|agent| agent["id"] == id) else {
            let ids: Vec<&str> = agents.iter().filter_map(|agent| agent["id"].as_str()).collect();
            bail!(
                "no agent {name:?} is shipped; there are {}, and `{QUICK}` trains the preset of this name",
                ids.join(", ")
            );
        };
        Self::read(agent).with_context(|| format!("agent {}", agent["id"]))
    }

    fn read(agent: &Value) -> Result<Shipped> {
        let text = |key: &str| {
            Ok::<_, anyhow::Error>(agent[key].as_str().with_context(|| format!("has no {key}"))?.to_owned())
        };
        let ratings = agent["ratings"].as_array().map(Vec::as_slice).unwrap_or_default();
        let levels = agent["levels"].as_array().map(Vec::as_slice).unwrap_or_default();
        // The strongest of these levels: a beginner's before it may have no rating.
        let temperature =
            levels.iter().rfind(|level| level["visits"] == 0).and_then(|level| level["temperature"].as_f64());
        let temperature = temperature.context("has no level that plays by the policy alone")?;
        let play = format!("policy alone, temperature {temperature}, f32");
        let rating = ratings.iter().find(|rating| rating["play"] == play.as_str() && rating["anchor"] == ANCHOR);
        let rating = rating.with_context(|| format!("has no rating of \"{play}\" with {ANCHOR} = 0"))?;
        Ok(Shipped {
            id: text("id")?,
            file: text("file")?,
            command: text("command")?,
            seconds: agent["seconds"].as_f64().context("has no seconds")?,
            machine: text("machine")?,
            revision: text("revision")?,
            temperature,
            row: Row {
                elo: rating["elo"].as_f64().context("its rating has no elo")?,
                low: rating["low"].as_f64().unwrap_or(f64::NEG_INFINITY),
                high: rating["high"].as_f64().unwrap_or(f64::INFINITY),
                games: rating["games"].as_u64().context("its rating has no number of games")?,
            },
        })
    }
}

/// Way to the model: arguments of the trainer.
#[derive(Debug, PartialEq)]
struct Plan {
    /// Arguments that train, without the run's folder.
    train: Vec<String>,
    /// Arguments that export, without the run and the file.
    export: Vec<String>,
    /// Iteration of the agent; without one it is the last of the run.
    iteration: Option<u64>,
}

impl Plan {
    fn of_preset(preset: &str) -> Plan {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        Plan { train: words(&format!("train --preset {preset}")), export: words("export --int8"), iteration: None }
    }

    /// Plan of a command of the manifest: `trainer-native train … && trainer-native export …`.
    fn of_command(line: &str) -> Result<Plan> {
        let refused = || format!("the manifest's command is not one that trains and exports: {line}");
        ensure!(!line.contains(['"', '\'', '\\', '$', '`', ';', '|', '>', '<']), refused());
        let parts: Vec<Vec<&str>> = line.split("&&").map(|part| part.split_whitespace().collect()).collect();
        let (train, export) = match parts.as_slice() {
            [train, export]
                if train.starts_with(&["trainer-native", "train"])
                    && export.starts_with(&["trainer-native", "export"]) =>
            {
                (&train[1..], &export[1..])
            }
            _ => bail!(refused()),
        };
        let (train, _) = without(train, &["--out"])?;
        let (export, _) = without(export, &["--run", "--out"])?;
        let (_, iteration) = without(&export.iter().map(String::as_str).collect::<Vec<_>>(), &["--iteration"])?;
        let iteration = iteration.map(|iteration| iteration.parse().with_context(refused)).transpose()?;
        Ok(Plan { train, export, iteration })
    }

    fn about(&self, shipped: &Shipped) -> String {
        match self.iteration {
            Some(iteration) => format!(
                "train {} again up to iteration {iteration}; schedules follow the whole run, so the run begins as it did and is ended there",
                shipped.id
            ),
            None => format!("train as `trainer-native {}` does", self.train.join(" ")),
        }
    }

    /// Trains into the folder `run`, until the agent's checkpoint is there or the run ends.
    fn train(&self, run: &Path) -> Result<()> {
        let mut train = trainer()?;
        train.args(&self.train).arg("--plain").arg("--out").arg(run);
        // Settings of the user's own would train another agent.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KEISEI_SET_")) {
            eprintln!("{} is left out", name.to_string_lossy());
            train.env_remove(name);
        }
        let Some(iteration) = self.iteration else { return run_command(&mut train) };
        let checkpoint = checkpoint(run, iteration);
        run_until(&mut train, || checkpoint.is_file())?;
        ensure!(
            checkpoint.is_file(),
            "the run ended without a checkpoint of iteration {iteration}: {}",
            checkpoint.display()
        );
        Ok(())
    }
}

/// File of the checkpoint of an iteration; it appears whole or not at all.
fn checkpoint(run: &Path, iteration: u64) -> PathBuf {
    run.join("checkpoints").join(format!("{iteration:08}.checkpoint"))
}

/// The words without these options and their values, and the value of the last that was there.
fn without(words: &[&str], options: &[&str]) -> Result<(Vec<String>, Option<String>)> {
    let (mut kept, mut value) = (Vec::new(), None);
    let mut rest = words.iter();
    while let Some(&word) = rest.next() {
        if options.contains(&word) {
            value = Some((*rest.next().with_context(|| format!("{word}: a value is missing"))?).to_owned());
        } else {
            kept.push(word.to_owned());
        }
    }
    Ok((kept, value))
}

/// Row of the ladder.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    elo: f64,
    low: f64,
    high: f64,
    games: u64,
}

impl Row {
    /// Row of the player `name` in the JSON of `rate`.
    fn read(results: &Value, name: &str) -> Result<Row> {
        let players = results["players"].as_array().context("`rate` lists no players")?;
        let player = players.iter().find(|player| player["name"] == name);
        let player = player.with_context(|| format!("`rate` lists no player {name}"))?;
        Ok(Row {
            elo: player["elo"].as_f64().with_context(|| format!("no games link {name} to {ANCHOR}"))?,
            low: player["elo_interval"][0].as_f64().unwrap_or(f64::NEG_INFINITY),
            high: player["elo_interval"][1].as_f64().unwrap_or(f64::INFINITY),
            games: player["games"].as_u64().unwrap_or(0),
        })
    }

    fn interval(&self) -> String {
        let bound = |elo: f64| if elo.is_finite() { format!("{elo:+.0}") } else { "…".to_owned() };
        format!("{} to {}", bound(self.low), bound(self.high))
    }
}

/// Sentence that compares the digests of two agents' weights.
fn compared(again: &str, shipped: &str, is_preset: bool) -> String {
    if is_preset {
        format!("weights {again}: a run of its own, so there are none to compare")
    } else if again == shipped {
        format!("weights {again}: those of the shipped agent, bit for bit")
    } else {
        format!(
            "weights {again}; the shipped agent has {shipped}.\n\
             They differ: another CPU rounds differently, and another revision may compute differently. The rating decides."
        )
    }
}

/// Table of the rows, and whether the new agent lies within the shipped interval.
///
/// # Errors
/// It is weaker; the table is part of the error.
fn report(name: &str, again: &Row, here: &Row, shipped: &Shipped) -> Result<String> {
    let id = &shipped.id;
    let mut text = format!(
        "\n| agent, policy alone, temperature {} | Elo ({ANCHOR} = 0) | 95 % | games |\n|---|---:|---|---:|\n",
        shipped.temperature
    );
    let ladder = format!("{id}, in the manifest (revision {})", shipped.revision);
    for (label, row) in [
        (format!("{name}, trained again"), again),
        (format!("{id}, as shipped, in the same tournament"), here),
        (ladder, &shipped.row),
    ] {
        writeln!(text, "| {label} | {:+.0} | {} | {} |", row.elo, row.interval(), row.games)?;
    }
    let (elo, interval) = (again.elo, shipped.row.interval());
    if elo < shipped.row.low {
        bail!("{text}\nnot reproduced: {elo:+.0} lies below the shipped interval, {interval}");
    }
    let place = if elo > shipped.row.high { "stronger than" } else { "within" };
    writeln!(text, "\nreproduced: {elo:+.0} lies {place} the shipped interval, {interval}")?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::root;
    use serde_json::json;

    fn agent(id: &str, seconds: f64) -> Value {
        json!({
            "id": id, "file": format!("{id}.model"), "seconds": seconds, "machine": "a machine", "revision": "2848c65",
            "command": "trainer-native train --plies 8 && trainer-native export --run runs/latest --out x.model",
            "ratings": [
                { "play": "policy alone, temperature 2.5, f32", "elo": 1, "low": 0, "high": 2, "anchor": "random", "games": 4 },
                { "play": "policy alone, temperature 0.3, f32", "elo": 316, "low": 199, "high": null, "anchor": "random", "games": 340 },
            ],
            "levels": [{ "visits": 0, "temperature": 1.4 }, { "visits": 0, "temperature": 0.3 }, { "visits": 50, "temperature": 0.0 }],
        })
    }

    #[test]
    fn the_agent_of_the_name_or_the_default_is_chosen() {
        let agents = [agent("minute", 78.0), agent("hour", 3471.0), agent("minutes-17", 960.0)];
        let manifest = json!({ "default": "minutes-17", "agents": agents });
        for (name, id) in [("minute", "minute"), ("hour", "hour"), ("quick", "minutes-17")] {
            assert_eq!(Shipped::choose(&manifest, name).unwrap().id, id, "{name}");
        }
        let minute = Shipped::choose(&manifest, "minute").unwrap();
        assert_eq!((minute.temperature, minute.row.elo, minute.row.low), (0.3, 316.0, 199.0));
        assert_eq!(minute.row.interval(), "+199 to …");
        let error = Shipped::choose(&manifest, "minutes").unwrap_err().to_string();
        assert!(error.contains("\"minutes\"") && error.contains("minute, hour, minutes-17"), "{error}");
        for (key, part) in [
            ("command", "no command"),
            ("levels", "policy alone"),
            ("ratings", "no rating of"),
            ("seconds", "no seconds"),
        ] {
            let mut agent = agent("minute", 78.0);
            agent[key] = Value::Null;
            let error = format!("{:#}", Shipped::choose(&json!({ "agents": [agent] }), "minute").unwrap_err());
            assert!(error.contains("minute") && error.contains(part), "{error}");
        }
    }

    #[test]
    fn every_shipped_agent_can_be_planned() {
        let manifest = fs::read(root().join("www/public/agents/manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let agents = manifest["agents"].as_array().unwrap();
        assert!(!agents.is_empty());
        for agent in agents {
            let shipped = Shipped::choose(&manifest, agent["id"].as_str().unwrap()).unwrap();
            let plan = Plan::of_command(&shipped.command).unwrap();
            assert_eq!(plan.train[0], "train", "{}", shipped.id);
            assert!(plan.iteration.is_none_or(|iteration| agent["iteration"] == iteration), "{}", shipped.id);
        }
        Shipped::choose(&manifest, QUICK).unwrap();
    }

    #[test]
    fn commands_become_plans() {
        let line = "trainer-native train --plies 80 --set run.checkpoint_plies=8 && \
                    trainer-native export --run runs/latest --iteration 50 --int8 --out minute.model";
        let plan = Plan::of_command(line).unwrap();
        assert_eq!(plan.train, ["train", "--plies", "80", "--set", "run.checkpoint_plies=8"]);
        assert_eq!(plan.export, ["export", "--iteration", "50", "--int8"]);
        assert_eq!(plan.iteration, Some(50));
        assert_eq!(checkpoint(Path::new("run"), 50), Path::new("run/checkpoints/00000050.checkpoint"));
        let whole = Plan::of_command("trainer-native train --out a && trainer-native export --run a --out b").unwrap();
        assert_eq!(whole, Plan { train: vec!["train".into()], export: vec!["export".into()], iteration: None });
        for line in [
            "",
            "trainer-native train",
            "trainer-native train && rm -r runs",
            "trainer-native train; trainer-native export",
            "trainer-native train && trainer-native export --iteration $(id)",
            "trainer-native train && trainer-native export --iteration soon",
            "trainer-native train && trainer-native export --run",
            "trainer-native train && trainer-native export && trainer-native export",
        ] {
            assert!(Plan::of_command(line).is_err(), "{line}");
        }
    }

    #[test]
    fn rows_are_compared_with_the_shipped_interval() {
        let results = json!({ "players": [
            { "name": "again", "elo": 330.4, "elo_interval": [250.0, 400.0], "games": 400 },
            { "name": "shipped", "elo": null, "elo_interval": null, "games": 0 },
            { "name": "random", "elo": 0.0, "elo_interval": [null, null], "games": 400 },
        ]});
        let row = Row::read(&results, AGAIN).unwrap();
        assert_eq!(row, Row { elo: 330.4, low: 250.0, high: 400.0, games: 400 });
        assert!(Row::read(&results, SHIPPED).unwrap_err().to_string().contains("no games"));
        assert!(Row::read(&results, "hour").is_err());
        let mut shipped = Shipped::read(&agent("minute", 78.0)).unwrap();
        shipped.row.high = 450.0;
        let told = |elo| report("minute", &Row { elo, ..row.clone() }, &row, &shipped);
        for (elo, part) in [(330.4, "+330 lies within"), (199.0, "within"), (450.4, "stronger than")] {
            let text = told(elo).unwrap();
            assert!(
                text.contains(part)
                    && text.contains("| minute, in the manifest (revision 2848c65) | +316 | +199 to +450 | 340 |"),
                "{text}"
            );
        }
        let error = told(198.0).unwrap_err().to_string();
        assert!(
            error.contains("not reproduced: +198") && error.contains("| minute, trained again | +198 |"),
            "{error}"
        );
    }

    #[test]
    fn weights_are_told_in_plain_words() {
        assert!(compared("ab", "ab", false).contains("bit for bit"));
        let other = compared("ab", "cd", false);
        assert!(other.contains("shipped agent has cd") && other.contains("The rating decides"), "{other}");
        assert!(!compared("ab", "cd", true).contains("cd"));
    }
}
