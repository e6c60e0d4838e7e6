//! Sources of the settings of a run. Later sources win: preset, TOML file, environment (`KEISEI_SET_PPO__CLIP_COEF=0.1`),
//! then `--set ppo.clip_coef=0.1`. A key that is not in the table is an error.
//!
//! figment merges the layers and remembers the source of each value. The file is parsed here, because figment's own reader
//! brings a second TOML parser, and so are the variables, because figment's errors do not name them.

use super::{Preset, Range, Settings};
use anyhow::{Context, Error, Result, anyhow};
use figment::error::Kind;
use figment::providers::Serialized;
use figment::value::{Dict, Map};
use figment::{Figment, Metadata, Profile, Provider};
use serde::Serialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Prefix of the environment variables that are settings; the project's other variables, such as `KEISEI_BIN`, are not.
pub const ENVIRONMENT_PREFIX: &str = "KEISEI_SET_";

/// Sources of settings on the command line.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Sources {
    /// Starting point of the settings; chosen for this machine if not given
    #[arg(long)]
    pub preset: Option<Preset>,
    /// TOML file of settings
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// One setting, such as `ppo.clip_coef=0.1`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl Sources {
    /// Layers of settings from these sources and the environment.
    ///
    /// # Errors
    /// Names the source, the key and its defect.
    pub fn layers(&self, environment: impl Iterator<Item = (OsString, OsString)>) -> Result<Layers> {
        let preset = self.preset.unwrap_or_else(Preset::for_this_machine);
        let mut layers = Layers::new(&format!("preset {preset}"), &preset.settings());
        if let Some(path) = &self.config {
            layers = layers.file(path)?;
        }
        layers.environment(environment)?.set(&self.set)
    }
}

/// Settings from several sources, the later ones over the earlier ones; the source of each value is known.
pub struct Layers(Figment);

impl Layers {
    /// Lowest layer, which has a value for every setting.
    pub fn new(source: &str, settings: &Settings) -> Self {
        Self(Figment::from(Layer { source: source.to_owned(), values: settings }))
    }

    /// Adds the settings in a TOML file as the topmost layer.
    ///
    /// # Errors
    /// If the file cannot be read or is not TOML, or as for [`set`](Self::set).
    pub fn file(self, path: &Path) -> Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{name}: cannot read the configuration"))?;
        let values: Table = text.parse().with_context(|| format!("{name}: not TOML"))?;
        self.over(&name.to_string(), values)
    }

    /// Adds the settings among the variables of an environment as the topmost layer.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub fn environment(self, environment: impl Iterator<Item = (OsString, OsString)>) -> Result<Self> {
        environment.into_iter().try_fold(self, |layers, (name, text)| {
            let name = name.to_string_lossy();
            let Some(key) = name.strip_prefix(ENVIRONMENT_PREFIX) else { return Ok(layers) };
            let key = key.to_lowercase().replace("__", ".");
            layers.put(&format!("environment variable {name}"), &key, &text.to_string_lossy())
        })
    }

    /// Adds settings given as `key=value` as the topmost layer.
    ///
    /// # Errors
    /// Names the setting, its key and its defect.
    pub fn set(self, settings: &[String]) -> Result<Self> {
        settings.iter().try_fold(self, |layers, setting| {
            let source = format!("--set {setting}");
            let (key, text) = setting.split_once('=').with_context(|| format!("{source}: expected key=value"))?;
            layers.put(&source, key, text)
        })
    }

    /// Adds one value, given as text, as the topmost layer.
    ///
    /// # Errors
    /// Names the source, the key and its defect.
    pub fn put(self, source: &str, key: &str, text: &str) -> Result<Self> {
        self.over(source, assignment(key, text))
    }

    /// Adds the topmost layer. It is checked at once, so that no later layer hides its defects.
    ///
    /// Of the two budgets the upper one counts: plies if the layer sets them, and else time, which clears the plies below it.
    fn over(self, source: &str, mut values: Table) -> Result<Self> {
        if let Some(Value::Table(run)) = values.get_mut("run")
            && run.contains_key("minutes")
            && !run.contains_key("plies")
        {
            run.insert("plies".to_owned(), 0.into());
        }
        for (section, key) in [("selfplay", "envs"), ("ppo", "minibatch")] {
            if let Some(number) = values.get_mut(section).and_then(|section| section.get_mut(key))
                && number.as_str() == Some("auto")
            {
                *number = 0.into();
            }
        }
        let layers = self.0.merge(Layer { source: source.to_owned(), values });
        match layers.extract::<Settings>() {
            Ok(_) => Ok(Self(layers)),
            Err(error) => Err(fault(&error).context(source.to_owned())),
        }
    }

    /// The settings in force, validated.
    ///
    /// # Errors
    /// Names the key, its value, the accepted values and, if a single value is at fault, its source.
    pub fn settings(&self) -> Result<Settings> {
        let settings: Settings = self.0.extract().map_err(|error| fault(&error))?;
        for row in settings.rows() {
            row.check().with_context(|| self.source(&row.setting.key))?;
        }
        settings.check_together()?;
        if let Some(refused) = crate::sinks::refused(&settings) {
            return Err(anyhow!(refused.reason).context(self.source(refused.key)));
        }
        Ok(settings)
    }

    /// Source of the value that is in force for a key.
    ///
    /// # Panics
    /// If there is no such key.
    pub fn source(&self, key: &str) -> String {
        self.0.find_metadata(key).expect("each key of the table has a value").name.to_string()
    }
}

/// One layer of settings.
struct Layer<T> {
    source: String,
    values: T,
}

impl<T: Serialize> Provider for Layer<T> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.source.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Serialized::defaults(&self.values).data()
    }
}

/// Table of one dotted key, with its value parsed from text: a TOML value, or else a string. Free text may look like a number or
/// a date, and stays text.
fn assignment(key: &str, text: &str) -> Table {
    let is = |range| Settings::default().rows().iter().any(|row| row.setting.key == key && row.setting.range == range);
    let is_text = || is(Range::Text);
    let value = match text.parse() {
        Ok(value @ Value::String(_)) => value,
        // As Python spells them, and so what agents of Weights & Biases pass.
        Err(_) if matches!(text, "True" | "False") && is(Range::Flag) => Value::Boolean(text == "True"),
        Ok(value) if !is_text() => value,
        _ => Value::String(text.to_owned()),
    };
    let mut parts = key.rsplit('.');
    let innermost = Table::from_iter(parts.next().map(|name| (name.to_owned(), value)));
    parts.fold(innermost, |inner, table| Table::from_iter([(table.to_owned(), Value::Table(inner))]))
}

/// Error with the key and its defect.
fn fault(error: &figment::Error) -> Error {
    let key = error.path.join(".");
    match &error.kind {
        Kind::UnknownField(..) => no_such_setting(&key),
        Kind::InvalidType(_, expected) if expected.starts_with("struct ") => anyhow!("{key}: is a table of settings"),
        Kind::UnknownVariant(found, known) => {
            anyhow!("{key}: unknown variant `{found}`, expected one of `{}`", known.join("`, `"))
        }
        kind => anyhow!("{key}: {kind}"),
    }
}

/// Least similarity, 0 to 1, at which a key may be the one that was meant.
const SIMILAR: f64 = 0.75;

/// Error about an unknown key, with the nearest one that there is.
pub fn no_such_setting(key: &str) -> Error {
    let rows = Settings::default().rows();
    let within: Vec<&str> =
        rows.iter().map(|row| &*row.setting.key).filter(|known| known.starts_with(&format!("{key}."))).collect();
    if !within.is_empty() {
        return anyhow!("{key}: is a table of settings: {}", within.join(", "));
    }
    // A key may also have been given without its section, or with another one.
    let last = |key: &str| key.split_once('.').map_or(key, |(_, last)| last).to_owned();
    let similarity = |known: &str| {
        let (last_known, last) = (last(known), last(key));
        let whole = strsim::jaro_winkler(known, key);
        whole.max(0.99 * strsim::jaro_winkler(&last_known, key)).max(0.98 * strsim::jaro_winkler(&last_known, &last))
    };
    let nearest = rows.iter().map(|row| (similarity(&row.setting.key), &row.setting.key));
    match nearest.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        Some((similarity, nearest)) if similarity >= SIMILAR => {
            anyhow!("{key}: no such setting; the nearest is {nearest}")
        }
        _ => anyhow!("{key}: no such setting; `trainer-native settings list` shows all"),
    }
}
