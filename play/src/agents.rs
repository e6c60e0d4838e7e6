//! Agents that a site ships: a folder of model files with a manifest, which the pages read, and every program that wants the
//! strongest of them.
//!
//! The folder holds [`FILE`] and the model files that it names. The manifest is a JSON object:
//!
//! | field | type | content |
//! |---|---|---|
//! | `format` | string | [`FORMAT`] |
//! | `version` | integer | [`VERSION`]; a reader refuses any other |
//! | `default` | string or null | `id` of the agent that a page opens first; without one, the page's `models/default.model` |
//! | `agents` | list | at most [`MOST_AGENTS`] objects, from the weakest to the strongest |
//!
//! Each agent, of which every field from `name_ja` on may be missing:
//!
//! | field | type | content |
//! |---|---|---|
//! | `id` | string | 1 to 40 of `a`–`z`, `0`–`9` and `-`; no two agents have the same |
//! | `file` | string | name of the model file in the folder: letters, digits, `.`, `_`, `-`, at most 100; never a path |
//! | `bytes` | integer | size of the file, at most [`LARGEST`] |
//! | `sha256` | string | SHA-256 of the file in 64 lower-case hexadecimal digits |
//! | `name` | string | name for users, 1 to 80 characters |
//! | `network` | object | `channels`, `blocks`, `weights` (counts), `features`, `actions` (ids), `dtype` (`f32`, `f16` or `int8`) |
//! | `name_ja` | string | the name in Japanese |
//! | `strength` | string | strength in a plain word: one of [`Strength`] |
//! | `run`, `created`, `notes` | strings | [`Provenance`] of the model |
//! | `iteration`, `plies` | integers | iterations of training, plies of self-play that the model learned from |
//! | `seconds` | number | wall time of the training |
//! | `settings` | string | SHA-256 of the run's `config.toml` |
//! | `seed` | integer | seed of the run |
//! | `revision` | string | revision of the program that trained |
//! | `machine` | string | operating system, architecture and number of cores |
//! | `command` | string | command that trains the same agent again |
//! | `ratings` | list | measured strength: `play`, `elo`, `low`, `high`, `anchor`, `games`, `seed`, `conditions` of [`MeasuredRating`] |
//! | `levels` | list | levels to play at, from the weakest to the strongest: objects of [`Level`] |
//!
//! Fields that a reader does not know it ignores; an object that lacks a field, or whose field is of another type, it leaves out and
//! says so. A file is never trusted: size and SHA-256 are checked before it is used.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use keisei_core::format::{Dtype, MeasuredRating, Model, Provenance};
use serde::{Deserialize, Serialize};

use crate::files::read;

/// File name of the manifest.
pub const FILE: &str = "manifest.json";

/// Text that tells a manifest from other JSON.
pub const FORMAT: &str = "keisei-agents";

/// Version of the format.
pub const VERSION: u32 = 1;

/// Most agents in a manifest.
pub const MOST_AGENTS: usize = 64;

/// Largest model file in bytes: more does not fit a page's memory.
pub const LARGEST: u64 = 128 << 20;

/// Agents of a folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Id of the agent that a page opens first.
    pub default: Option<String>,
    /// The agents, from the weakest to the strongest.
    pub agents: Vec<Agent>,
}

/// Agent of a manifest; the fields are described at the [module](self).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the table of the module describes every field once")]
pub struct Agent {
    pub id: String,
    pub file: String,
    pub bytes: u64,
    pub sha256: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_ja: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<Strength>,
    pub network: Network,
    #[serde(default)]
    pub run: String,
    #[serde(default)]
    pub iteration: u64,
    #[serde(default)]
    pub plies: u64,
    #[serde(default)]
    pub created: String,
    #[serde(default)]
    pub notes: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(default)]
    pub ratings: Vec<AgentRating>,
    #[serde(default)]
    pub levels: Vec<Level>,
}

/// Size and encodings of an agent's network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Channels.
    pub channels: u16,
    /// Residual blocks.
    pub blocks: u16,
    /// Number of weights.
    pub weights: u64,
    /// Id of the input planes.
    pub features: String,
    /// Id of the actions.
    pub actions: String,
    /// Number format of the file: `f32`, `f16` or `int8`.
    pub dtype: String,
}

/// [`MeasuredRating`] in a manifest, without the digest of the weights, which are known to be the measured ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of MeasuredRating")]
pub struct AgentRating {
    pub play: String,
    pub elo: i32,
    pub low: Option<i32>,
    pub high: Option<i32>,
    pub anchor: String,
    pub games: u32,
    pub seed: u64,
    pub conditions: String,
}

/// Strength in a word, from the weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// For people who play their first games.
    // As the manifest spells it, besides the spelling of arguments.
    #[cfg_attr(feature = "clap", value(alias = "first_games"))]
    FirstGames,
    /// For beginners.
    Beginner,
    /// For people who play now and then.
    Casual,
    /// For club players.
    Club,
    /// Strong for a program of its size.
    Strong,
}

/// Name of a level, from the weakest; the pages have words for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is its own name")]
pub enum LevelName {
    FirstGames,
    Gentle,
    Casual,
    Even,
    Sharp,
    Strong,
    Full,
}

/// Way to play at a level: by the policy alone at a temperature (no visits), or by a search with visits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Name.
    pub name: LevelName,
    /// Visits of the search, at most 100,000; 0 asks the policy alone.
    pub visits: u32,
    /// Temperature of the policy alone, 0 to 100.
    pub temperature: f32,
    /// Longest search in milliseconds, at most 60,000; slower devices reach fewer visits.
    pub milliseconds: u32,
}

impl Level {
    /// Levels that suit an agent of which nothing is known.
    pub const STANDARD: [Level; 7] = [
        Level { name: LevelName::FirstGames, visits: 0, temperature: 2.5, milliseconds: 0 },
        Level { name: LevelName::Gentle, visits: 0, temperature: 1.4, milliseconds: 0 },
        Level { name: LevelName::Casual, visits: 0, temperature: 0.8, milliseconds: 0 },
        Level { name: LevelName::Even, visits: 0, temperature: 0.3, milliseconds: 0 },
        Level { name: LevelName::Sharp, visits: 50, temperature: 0.0, milliseconds: 2000 },
        Level { name: LevelName::Strong, visits: 200, temperature: 0.0, milliseconds: 3000 },
        Level { name: LevelName::Full, visits: 800, temperature: 0.0, milliseconds: 5000 },
    ];
}

impl Default for Manifest {
    fn default() -> Self {
        Self { format: FORMAT.into(), version: VERSION, default: None, agents: Vec::new() }
    }
}

impl Manifest {
    /// Manifest of a folder; an empty one if the folder has none.
    ///
    /// # Errors
    /// Names the file, and what is wrong with it.
    pub fn of_folder(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let manifest: Self = serde_json::from_slice(&read(&path)?)
            .with_context(|| format!("{}: no manifest of agents", path.display()))?;
        manifest.check().with_context(|| path.display().to_string())?;
        Ok(manifest)
    }

    /// Text of the file.
    ///
    /// # Errors
    /// If the manifest is not [sound](Self::check).
    pub fn to_json(&self) -> Result<String> {
        self.check()?;
        Ok(format!("{}\n", serde_json::to_string_pretty(self)?))
    }

    /// Puts an agent in the place of the one with its id, or at the end.
    pub fn put(&mut self, agent: Agent) {
        match self.agents.iter_mut().find(|other| other.id == agent.id) {
            Some(other) => *other = agent,
            None => self.agents.push(agent),
        }
    }

    /// Checks everything that needs no file.
    ///
    /// # Errors
    /// Names the first field that is out of its range.
    pub fn check(&self) -> Result<()> {
        ensure!(self.format == FORMAT, "format {:?} is not {FORMAT:?}", self.format);
        ensure!(self.version == VERSION, "version {} is not {VERSION}", self.version);
        ensure!(self.agents.len() <= MOST_AGENTS, "{} agents, more than {MOST_AGENTS}", self.agents.len());
        for (place, agent) in self.agents.iter().enumerate() {
            agent.check().with_context(|| format!("agent {:?}", agent.id))?;
            if self.agents[..place].iter().any(|other| other.id == agent.id) {
                bail!("two agents have the id {:?}", agent.id);
            }
        }
        if let Some(default) = &self.default {
            ensure!(
                self.agents.iter().any(|agent| agent.id == *default),
                "the default {default:?} is none of the agents"
            );
        }
        Ok(())
    }
}

impl Agent {
    /// Agent with the model of a file, whose bytes and SHA-256 these are.
    ///
    /// # Errors
    /// If the bytes are not a model.
    pub fn of_model(id: &str, name: &str, bytes: &[u8], sha256: &str) -> Result<Self> {
        let model = Model::from_bytes(bytes)?;
        let Provenance { run, iteration, plies, created, notes, ratings } = model.provenance.clone();
        let dtype = match model.exact_dtype()? {
            Dtype::F32 => "f32",
            Dtype::F16 => "f16",
            Dtype::I8 => "int8",
        };
        let spec = model.spec();
        let measured = model.weights_digest();
        let ratings = ratings.into_iter().filter(|rating| rating.weights == measured);
        Ok(Self {
            id: id.into(),
            file: format!("{id}-{}.model", sha256.get(..12).context("a SHA-256 has 64 digits")?),
            bytes: bytes.len() as u64,
            sha256: sha256.into(),
            name: name.into(),
            network: Network {
                channels: spec.channels,
                blocks: spec.blocks,
                weights: model.weights.data().len() as u64,
                features: model.features.id().into(),
                actions: model.actions.id().into(),
                dtype: dtype.into(),
            },
            // A trainer may name a run by the path of its folder; only the last part is published.
            run: run.rsplit(['/', '\\']).next().unwrap_or_default().into(),
            iteration,
            plies,
            created,
            notes,
            ratings: ratings.map(AgentRating::from).collect(),
            levels: Level::STANDARD.to_vec(),
            ..Self::default()
        })
    }

    fn check(&self) -> Result<()> {
        let is_of = |text: &str, allowed: &[u8]| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || allowed.contains(&byte))
        };
        let id_fits =
            (1..=40).contains(&self.id.len()) && is_of(&self.id, b"-") && self.id == self.id.to_ascii_lowercase();
        ensure!(id_fits, "id: 1 to 40 lower-case letters, digits and hyphens");
        let file_fits =
            (1..=100).contains(&self.file.len()) && is_of(&self.file, b"._-") && !self.file.starts_with('.');
        ensure!(file_fits, "file: {:?} is no plain file name", self.file);
        ensure!((1..=LARGEST).contains(&self.bytes), "bytes: {} is not in 1..={LARGEST}", self.bytes);
        let digits =
            |text: &str| text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        ensure!(digits(&self.sha256), "sha256: 64 lower-case hexadecimal digits");
        ensure!((1..=80).contains(&self.name.chars().count()), "name: 1 to 80 characters");
        for level in &self.levels {
            ensure!(level.visits <= 100_000, "levels: {} visits", level.visits);
            ensure!((0.0..=100.0).contains(&level.temperature), "levels: temperature {}", level.temperature);
            ensure!(level.milliseconds <= 60_000, "levels: {} milliseconds", level.milliseconds);
        }
        Ok(())
    }
}

impl From<MeasuredRating> for AgentRating {
    fn from(rating: MeasuredRating) -> Self {
        let MeasuredRating { play, elo, low, high, anchor, games, seed, conditions, weights: _ } = rating;
        Self { play, elo, low, high, anchor, games, seed, conditions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::model;

    fn agent() -> Agent {
        let mut model = model();
        let weights = model.weights_digest();
        let rating = MeasuredRating { play: "policy alone".into(), elo: 12, weights, ..MeasuredRating::default() };
        // Measured with other weights: of these nothing is known.
        let stale = MeasuredRating { play: "8 visits".into(), weights: [0; 32], ..rating.clone() };
        model.provenance =
            Provenance { run: "runs/first".into(), ratings: vec![rating, stale], ..Provenance::default() };
        let bytes = model.to_bytes(Dtype::F32).expect("the model is sound");
        Agent::of_model("first", "First", &bytes, &"0a".repeat(32)).expect("the file is sound")
    }

    #[cfg(feature = "clap")]
    #[test]
    fn a_strength_is_read_as_the_manifest_spells_it() {
        for &one in <Strength as clap::ValueEnum>::value_variants() {
            let spelt = serde_json::to_value(one).expect("it is a word");
            let read = <Strength as clap::ValueEnum>::from_str(spelt.as_str().expect("it is a word"), false);
            assert_eq!(read, Ok(one), "{spelt}");
        }
    }

    #[test]
    fn an_agent_has_the_provenance_of_its_model() {
        let agent = agent();
        assert_eq!((&*agent.file, &*agent.run, &*agent.network.dtype), ("first-0a0a0a0a0a0a.model", "first", "f32"));
        assert_eq!((agent.network.channels, agent.network.blocks), (8, 1));
        let plays: Vec<&str> = agent.ratings.iter().map(|rating| &*rating.play).collect();
        assert_eq!(plays, ["policy alone"]);
        let mut manifest = Manifest { default: Some("first".into()), ..Manifest::default() };
        manifest.put(agent.clone());
        manifest.put(Agent { name: "Again".into(), ..agent });
        let text = manifest.to_json().expect("it is sound");
        let read: Manifest = serde_json::from_str(&text).expect("it was written");
        assert_eq!((read.agents.len(), &*read.agents[0].name), (1, "Again"));
        assert_eq!(read, manifest);
    }

    #[test]
    fn unknown_fields_are_ignored_and_missing_ones_are_not() {
        let mut value = serde_json::to_value(agent()).expect("plain data");
        value["colour"] = "red".into();
        assert!(serde_json::from_value::<Agent>(value.clone()).is_ok());
        value.as_object_mut().expect("an object").remove("sha256");
        assert!(serde_json::from_value::<Agent>(value).is_err());
    }

    #[test]
    fn every_field_is_held_to_its_range() {
        let check = |change: &dyn Fn(&mut Manifest), expected: &str| {
            let mut manifest = Manifest { default: None, ..Manifest::default() };
            manifest.put(agent());
            change(&mut manifest);
            let error = manifest.check().map_or_else(|error| format!("{error:#}"), |()| String::new());
            assert!(error.contains(expected), "{error:?} does not tell {expected:?}");
        };
        check(&|_| (), "");
        check(&|m| m.version = 2, "version 2");
        check(&|m| m.format = "other".into(), "format");
        check(&|m| m.agents = vec![agent(); MOST_AGENTS + 1], "more than 64");
        check(&|m| m.agents.push(agent()), "two agents");
        check(&|m| m.default = Some("none".into()), "none of the agents");
        check(&|m| m.agents[0].id = "A b".into(), "id");
        check(&|m| m.agents[0].file = "../secret.model".into(), "plain file name");
        check(&|m| m.agents[0].file = ".hidden".into(), "plain file name");
        check(&|m| m.agents[0].bytes = 0, "bytes");
        check(&|m| m.agents[0].bytes = LARGEST + 1, "bytes");
        check(&|m| m.agents[0].sha256 = "0A".repeat(32), "sha256");
        check(&|m| m.agents[0].name.clear(), "name");
        check(&|m| m.agents[0].levels[0].temperature = f32::NAN, "temperature");
    }
}
