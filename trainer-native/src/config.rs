//! Every hyper-parameter: unit, range and default stand beside it.
//!
//! Later sources win: preset, then the TOML file, then the environment (`KEISEI_PPO__CLIP_COEF=0.1`), then `--set
//! ppo.clip_coef=0.1`. A key that is not in these structures is an error, never ignored.

use crate::learner::{Device, Learner, Precision};
use crate::ppo::Rates;
use crate::rollout::Estimation;
use anyhow::{Context, Result, bail};
use keisei_core::encoding::{Actions, Features};
use keisei_core::net::{NetOptions, NetSpec};
use serde::{Deserialize, Serialize};
use std::path::Path;
use toml::{Table, Value};

/// All settings of a run; written to `config.toml` in the run directory.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Seed of everything random.
    pub seed: u64,
    /// The network.
    pub net: NetConfig,
    /// Games against itself.
    pub selfplay: SelfPlayConfig,
    /// Advantages and value targets.
    pub estimation: EstimationConfig,
    /// The update.
    pub ppo: PpoConfig,
    /// When to save, evaluate and stop.
    pub run: RunConfig,
}

/// The network.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetConfig {
    /// Id of the input planes.
    pub features: String,
    /// Width of the trunk: 8–512, a multiple of 8.
    pub channels: u16,
    /// Residual blocks: 0–64.
    pub blocks: u16,
    /// Channels of the value head's convolution: 1–64.
    pub value_channels: u16,
    /// Width of the value head's hidden layer: 1–1024.
    pub value_hidden: u16,
    /// Squeeze and excitation in each block: the part of `channels` that its hidden layer has, 0 (none) to 1.
    #[serde(default)]
    pub se_ratio: f32,
    /// A bias from global pooling in each block: width of its hidden layer, 0 (none) to 512.
    #[serde(default)]
    pub pool_hidden: u16,
    /// A head that learns the material balance: width of its hidden layer, 0 (none) to 1024.
    #[serde(default)]
    pub score_hidden: u16,
}

/// The most plies of an iteration: at some 600 legal moves each, 32 bits number them all.
const ROLLOUT_PLIES: usize = 1 << 22;

/// Games against itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfPlayConfig {
    /// Games advanced together: 1–65536.
    pub envs: usize,
    /// Plies of each game an iteration: 1–4096; `envs * horizon` at most 4194304.
    pub horizon: usize,
    /// Ply limit of a game, 0 for none; reaching it is a truncation, not a draw.
    pub max_plies: u16,
    /// A game starts after a random number of random plies, at most so many: 0–200.
    pub opening_plies: usize,
    /// The same for the first game of each slot, so that games do not run in step: 0–200.
    pub first_opening_plies: usize,
    /// Games kept as records from each thread and iteration.
    pub records_per_thread: usize,
}

/// Advantages and value targets.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstimationConfig {
    /// Discount a ply: above 0, at most 1.
    pub gamma: f32,
    /// λ of the advantages: 0–1.
    pub gae_lambda: f32,
    /// λ of the value targets: 0–1.
    pub value_lambda: f32,
    /// Weight of the material prior in the values that advantages are taken from: 0–1 over the run.
    pub prior_weight: Schedule,
}

/// The update.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PpoConfig {
    /// Passes over each rollout: 1–20.
    pub epochs: usize,
    /// Samples of a gradient step: 1–1048576.
    pub minibatch: usize,
    /// ε of the clipped objective: above 0, below 1.
    pub clip_coef: f32,
    /// Weight of the value loss: 0 or more.
    pub vf_coef: f32,
    /// Weight of the score's loss, where the network has a head for it: 0 or more.
    #[serde(default = "score_coef")]
    pub score_coef: f32,
    /// Weight of the entropy bonus over the run: 0 or more.
    pub ent_coef: Schedule,
    /// Adam's step size over the run: above 0.
    pub learning_rate: Schedule,
    /// Longest gradient, by global norm: above 0.
    pub max_grad_norm: f32,
    /// The rest of an update is left out once its mean approximate KL exceeds this: above 0.
    pub target_kl: f32,
}

/// As the original Keisei was trained. Also that of checkpoints from before there was such a key.
fn score_coef() -> f32 {
    0.1
}

/// When to save, evaluate and stop.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Stop after so many minutes, 0 for no limit; schedules follow it.
    pub minutes: f64,
    /// Stop after so many iterations, 0 for no limit; schedules follow it.
    pub iterations: u64,
    /// A checkpoint every so many iterations: 1 or more.
    pub checkpoint_every: u64,
    /// Checkpoints kept: 1 or more.
    pub keep_checkpoints: usize,
    /// An evaluation against the greedy player every so many iterations, 0 for none.
    pub evaluate_every: u64,
    /// Games of an evaluation, even.
    pub evaluate_games: usize,
    /// Threads; 0 for one a core.
    pub threads: usize,
    /// Where to compute: `auto`, `cpu`, `cuda` or `wgpu`.
    #[serde(default)]
    pub device: Device,
    /// In what numbers the layers are computed: `f32`, `bf16x3`, `bf16` or `f16`.
    #[serde(default)]
    pub precision: Precision,
}

/// A number that moves over the run.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Value at the start.
    pub from: f32,
    /// Value at `until` and after.
    pub to: f32,
    /// Part of the run at which `to` is reached: above 0, at most 1.
    pub until: f32,
    /// How it moves.
    pub shape: Shape,
}

/// How a schedule moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// In proportion to progress.
    Linear,
    /// By half a cosine: slow, fast, slow.
    Cosine,
}

impl Schedule {
    /// The value at `progress` (0–1) of the run.
    pub fn at(&self, progress: f64) -> f32 {
        let done = (progress / f64::from(self.until)).clamp(0.0, 1.0) as f32;
        let done = match self.shape {
            Shape::Linear => done,
            Shape::Cosine => (1.0 - (std::f32::consts::PI * done).cos()) / 2.0,
        };
        self.from + (self.to - self.from) * done
    }
}

/// Named starting points.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Preset {
    /// A few seconds, for tests.
    Tiny,
    /// A small network for two to sixteen CPU cores.
    Cpu,
    /// A larger network and batches for one GPU.
    Gpu,
}

impl Preset {
    /// What suits this build and machine.
    pub fn for_this_machine() -> Self {
        if Device::of_this_build() == Device::Cpu { Self::Cpu } else { Self::Gpu }
    }

    /// The settings.
    pub fn config(self) -> Config {
        let linear = |from, to, until| Schedule { from, to, until, shape: Shape::Linear };
        let cosine = |from, to, until| Schedule { from, to, until, shape: Shape::Cosine };
        let cpu = Config {
            seed: 1,
            net: NetConfig {
                features: "attack96".into(),
                channels: 32,
                blocks: 4,
                value_channels: 8,
                value_hidden: 64,
                se_ratio: 0.0,
                pool_hidden: 0,
                score_hidden: 0,
            },
            selfplay: SelfPlayConfig {
                envs: 256,
                horizon: 16,
                max_plies: 400,
                opening_plies: 20,
                first_opening_plies: 160,
                records_per_thread: 1,
            },
            estimation: EstimationConfig {
                gamma: 0.998,
                gae_lambda: 0.85,
                value_lambda: 0.95,
                prior_weight: linear(0.9, 0.0, 0.8),
            },
            ppo: PpoConfig {
                epochs: 1,
                minibatch: 512,
                clip_coef: 0.2,
                vf_coef: 1.0,
                score_coef: score_coef(),
                ent_coef: cosine(0.03, 0.004, 1.0),
                learning_rate: linear(1.5e-3, 1e-4, 1.0),
                max_grad_norm: 1.0,
                target_kl: 0.03,
            },
            run: RunConfig {
                minutes: 0.0,
                iterations: 0,
                checkpoint_every: 10,
                keep_checkpoints: 3,
                evaluate_every: 50,
                evaluate_games: 64,
                threads: 0,
                device: Device::Auto,
                precision: Precision::F32,
            },
        };
        match self {
            Self::Cpu => cpu,
            Self::Tiny => Config {
                net: NetConfig { channels: 8, blocks: 1, value_channels: 2, value_hidden: 8, ..cpu.net },
                selfplay: SelfPlayConfig {
                    envs: 8,
                    horizon: 8,
                    max_plies: 60,
                    first_opening_plies: 40,
                    ..cpu.selfplay
                },
                ppo: PpoConfig { minibatch: 32, ..cpu.ppo },
                run: RunConfig { iterations: 4, checkpoint_every: 1, evaluate_every: 0, ..cpu.run },
                ..cpu
            },
            Self::Gpu => Config {
                net: NetConfig { channels: 128, blocks: 8, value_channels: 8, value_hidden: 128, ..cpu.net },
                selfplay: SelfPlayConfig { envs: 4096, horizon: 64, ..cpu.selfplay },
                ppo: PpoConfig { minibatch: 16384, learning_rate: cosine(5e-4, 4e-5, 1.0), ..cpu.ppo },
                ..cpu
            },
        }
    }
}

impl Config {
    /// The settings from all sources, checked.
    ///
    /// # Errors
    /// Names the source, the key and what is wrong with it.
    pub fn load(
        preset: Preset,
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        set: &[String],
    ) -> Result<Self> {
        let mut table = Table::try_from(preset.config()).context("preset")?;
        if let Some(path) = file {
            let name = path.display();
            let text =
                std::fs::read_to_string(path).with_context(|| format!("{name}: cannot read the configuration"))?;
            let values: Table = text.parse().with_context(|| format!("{name}: not TOML"))?;
            merge(&mut table, values, "").with_context(|| format!("{name}"))?;
        }
        for (name, text) in environment {
            let Some(key) = name.strip_prefix("KEISEI_") else { continue };
            let key = key.to_lowercase().replace("__", ".");
            assign(&mut table, &key, &text).with_context(|| format!("environment variable {name}"))?;
        }
        Self::finish(table, set)
    }

    /// These settings with others put over them.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub fn with(&self, set: &[String]) -> Result<Self> {
        Self::finish(Table::try_from(self).context("configuration")?, set)
    }

    fn finish(mut table: Table, set: &[String]) -> Result<Self> {
        for setting in set {
            let (key, text) =
                setting.split_once('=').with_context(|| format!("--set {setting}: expected key=value"))?;
            assign(&mut table, key, text).with_context(|| format!("--set {setting}"))?;
        }
        let config: Self = table.try_into().context("configuration")?;
        config.validate()?;
        Ok(config)
    }

    /// Parses what [`to_toml`](Self::to_toml) wrote.
    ///
    /// # Errors
    /// If it is not TOML, lacks a key, has one too many or a value out of its range.
    pub fn from_toml(text: &str) -> Result<Self> {
        let config: Self = toml::from_str(text).context("configuration")?;
        config.validate()?;
        Ok(config)
    }

    /// The settings as TOML.
    ///
    /// # Panics
    /// Never: every value has a place in TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("plain tables of numbers and strings")
    }

    /// Input planes of the network.
    ///
    /// # Panics
    /// If the configuration was not validated.
    pub fn features(&self) -> Features {
        Features::from_id(&self.net.features).expect("validated")
    }

    /// Numbering of the network's actions.
    pub fn actions(&self) -> Actions {
        Actions::Dest2187
    }

    /// What learns, where `run.device` says.
    ///
    /// # Errors
    /// If this build or this machine cannot compute there or in that precision.
    pub fn learner(&self) -> Result<Box<dyn Learner>> {
        self.run.device.learner(self.features(), self.actions(), self.run.precision, self.threads())
    }

    /// Shape of the network.
    pub fn spec(&self) -> NetSpec {
        NetSpec {
            channels: self.net.channels,
            blocks: self.net.blocks,
            value_channels: self.net.value_channels,
            value_hidden: self.net.value_hidden,
            options: NetOptions {
                se_hidden: self.se_hidden(),
                pool_hidden: self.net.pool_hidden,
                score_hidden: self.net.score_hidden,
            },
            ..NetSpec::for_encodings(self.features(), self.actions())
        }
    }

    /// At least 1 where there is a ratio at all.
    fn se_hidden(&self) -> u16 {
        let hidden = (f32::from(self.net.channels) * self.net.se_ratio).round() as u16;
        if self.net.se_ratio > 0.0 { hidden.max(1) } else { 0 }
    }

    /// Where the schedules stand after this part of the budget, 0–1.
    pub fn schedules(&self, progress: f64) -> (Rates, Estimation) {
        let Self { ppo, estimation, .. } = self;
        let rates = Rates { learning_rate: ppo.learning_rate.at(progress), ent_coef: ppo.ent_coef.at(progress) };
        let estimation = Estimation {
            gamma: estimation.gamma,
            gae_lambda: estimation.gae_lambda,
            value_lambda: estimation.value_lambda,
            prior_weight: estimation.prior_weight.at(progress),
        };
        (rates, estimation)
    }

    /// Threads to use.
    pub fn threads(&self) -> usize {
        match self.run.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }

    fn validate(&self) -> Result<()> {
        let Self { net, selfplay, estimation, ppo, run, .. } = self;
        if Features::from_id(&net.features).is_none() {
            bail!("net.features = {:?}: known are {}", net.features, Features::ALL.map(Features::id).join(", "));
        }
        in_range("net.se_ratio", net.se_ratio, 0.0, 1.0)?;
        self.spec().validate().context("net")?;
        in_range("selfplay.envs", selfplay.envs as f64, 1.0, 65536.0)?;
        in_range("selfplay.horizon", selfplay.horizon as f64, 1.0, 4096.0)?;
        let plies = selfplay.envs * selfplay.horizon;
        in_range("selfplay.envs * selfplay.horizon", plies as f64, 1.0, ROLLOUT_PLIES as f64)?;
        in_range("selfplay.opening_plies", selfplay.opening_plies as f64, 0.0, 200.0)?;
        in_range("selfplay.first_opening_plies", selfplay.first_opening_plies as f64, 0.0, 200.0)?;
        let longest = selfplay.opening_plies.max(selfplay.first_opening_plies);
        if selfplay.max_plies > 0 && usize::from(selfplay.max_plies) <= longest {
            bail!("selfplay.max_plies = {}: must be above the random opening of {longest} plies", selfplay.max_plies);
        }
        in_range("estimation.gamma", estimation.gamma, f32::MIN_POSITIVE, 1.0)?;
        in_range("estimation.gae_lambda", estimation.gae_lambda, 0.0, 1.0)?;
        in_range("estimation.value_lambda", estimation.value_lambda, 0.0, 1.0)?;
        scheduled("estimation.prior_weight", &estimation.prior_weight, 0.0, 1.0)?;
        in_range("ppo.epochs", ppo.epochs as f64, 1.0, 20.0)?;
        in_range("ppo.minibatch", ppo.minibatch as f64, 1.0, 1_048_576.0)?;
        in_range("ppo.clip_coef", ppo.clip_coef, f32::MIN_POSITIVE, 0.999_999)?;
        in_range("ppo.vf_coef", ppo.vf_coef, 0.0, 1e6)?;
        in_range("ppo.score_coef", ppo.score_coef, 0.0, 1e6)?;
        scheduled("ppo.ent_coef", &ppo.ent_coef, 0.0, 1e6)?;
        scheduled("ppo.learning_rate", &ppo.learning_rate, f32::MIN_POSITIVE, 1.0)?;
        in_range("ppo.max_grad_norm", ppo.max_grad_norm, f32::MIN_POSITIVE, 1e6)?;
        in_range("ppo.target_kl", ppo.target_kl, f32::MIN_POSITIVE, 1e6)?;
        in_range("run.minutes", run.minutes, 0.0, 1e7)?;
        in_range("run.checkpoint_every", run.checkpoint_every as f64, 1.0, 1e12)?;
        in_range("run.keep_checkpoints", run.keep_checkpoints as f64, 1.0, 1e6)?;
        in_range("run.evaluate_games", run.evaluate_games as f64, 2.0, 1e6)?;
        if !run.evaluate_games.is_multiple_of(2) {
            bail!("run.evaluate_games = {}: must be even, each opening is played twice", run.evaluate_games);
        }
        in_range("run.threads", run.threads as f64, 0.0, 4096.0)
    }
}

/// Errors unless `value` is a number from `low` to `high`.
fn in_range(key: &str, value: impl Into<f64>, low: impl Into<f64>, high: impl Into<f64>) -> Result<()> {
    let (value, low, high) = (value.into(), low.into(), high.into());
    if !(low..=high).contains(&value) {
        bail!("{key} = {value}: must be from {low} to {high}");
    }
    Ok(())
}

fn scheduled(key: &str, schedule: &Schedule, low: f32, high: f32) -> Result<()> {
    in_range(&format!("{key}.from"), schedule.from, low, high)?;
    in_range(&format!("{key}.to"), schedule.to, low, high)?;
    in_range(&format!("{key}.until"), schedule.until, f32::MIN_POSITIVE, 1.0)
}

/// Puts `values` over `table`; every key must be there already.
fn merge(table: &mut Table, values: Table, path: &str) -> Result<()> {
    for (key, value) in values {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (table.get_mut(&key), value) {
            (None, _) => bail!("{path}: no such setting"),
            (Some(Value::Table(inner)), Value::Table(values)) => merge(inner, values, &path)?,
            (Some(Value::Table(_)), _) => bail!("{path}: is a table of settings"),
            (Some(slot), value) => *slot = fit(slot, value),
        }
    }
    Ok(())
}

/// Sets one dotted key from text: a TOML value, or else a string.
fn assign(table: &mut Table, key: &str, text: &str) -> Result<()> {
    let value = format!("value = {text}").parse::<Table>().ok().and_then(|mut parsed| parsed.remove("value"));
    let mut value = value.unwrap_or_else(|| Value::String(text.to_owned()));
    for part in key.rsplit('.') {
        value = Value::Table(Table::from_iter([(part.to_owned(), value)]));
    }
    let Value::Table(values) = value else { bail!("{key}: expected key=value") };
    merge(table, values, "")
}

/// A whole number where a fraction stands is a fraction too: `gamma = 1`.
fn fit(slot: &Value, value: Value) -> Value {
    match (slot, value) {
        (Value::Float(_), Value::Integer(whole)) => Value::Float(whole as f64),
        (_, value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(set: &[&str]) -> Result<Config> {
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        Config::load(Preset::Cpu, None, std::iter::empty(), &set)
    }

    #[test]
    fn later_sources_win() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("c.toml");
        std::fs::write(&path, "seed = 5\n[ppo]\nepochs = 2\nclip_coef = 0.3\n").expect("write");
        let environment = [("KEISEI_PPO__CLIP_COEF".to_owned(), "0.4".to_owned()), ("HOME".to_owned(), "/".to_owned())];
        let set = ["ppo.clip_coef=0.5".to_owned()];
        let config = Config::load(Preset::Cpu, Some(&path), environment.into_iter(), &set).expect("valid");
        assert_eq!((config.seed, config.ppo.epochs, config.ppo.clip_coef), (5, 2, 0.5));
        assert_eq!(Config::from_toml(&config.to_toml()).expect("valid"), config);
    }

    #[test]
    fn bad_settings_name_their_key() {
        let check = |set: &str, reason: &str| {
            let error = format!("{:#}", load(&[set]).expect_err(set));
            assert!(error.contains(reason), "{set}: {error}");
        };
        check("ppo.clip=0.1", "ppo.clip: no such setting");
        check("clip_coef=0.1", "clip_coef: no such setting");
        check("ppo=1", "ppo: is a table");
        check("ppo.clip_coef", "expected key=value");
        check("ppo.clip_coef=many", "clip_coef");
        check("ppo.clip_coef=1.5", "ppo.clip_coef = 1.5: must be from");
        check("ppo.clip_coef=nan", "ppo.clip_coef = NaN: must be from");
        check("ppo.learning_rate.from=0", "ppo.learning_rate.from = 0: must be from");
        check("ppo.epochs=-1", "epochs");
        check("net.channels=33", "channels = 33");
        check("net.se_ratio=1.5", "net.se_ratio = 1.5: must be from");
        check("net.se_ratio=nan", "net.se_ratio = NaN: must be from");
        check("net.pool_hidden=513", "pool_hidden = 513");
        check("net.score_hidden=1025", "score_hidden = 1025");
        check("ppo.score_coef=-1", "ppo.score_coef = -1: must be from");
        check("net.features=core47", "known are attack96");
        check("selfplay.max_plies=100", "must be above the random opening");
        check("selfplay.envs=0", "selfplay.envs = 0: must be from");
        check("selfplay.horizon=0", "selfplay.horizon = 0: must be from");
        check("run.evaluate_games=7", "run.evaluate_games = 7: must be even");
        check("run.precision=f64", "unknown variant `f64`, expected one of `f32`, `bf16x3`, `bf16`, `f16`");
        check("run.device=tpu", "unknown variant `tpu`, expected one of `auto`, `cpu`, `cuda`, `wgpu`");
        check("run.minutes=nan", "run.minutes = NaN: must be from");
        check("run.minutes=-1", "run.minutes = -1: must be from");
        check("run.iterations=18446744073709551615", "iterations");
        check("seed=9223372036854775808", "seed");
    }

    #[test]
    fn optional_layers_are_as_wide_as_the_settings_say() {
        let check = |set: &[&str], expected: [u16; 3]| {
            let NetOptions { se_hidden, pool_hidden, score_hidden } = load(set).expect("valid").spec().options;
            assert_eq!([se_hidden, pool_hidden, score_hidden], expected, "{set:?}");
        };
        check(&[], [0, 0, 0]);
        check(&["net.channels=256", "net.se_ratio=0.25"], [64, 0, 0]);
        check(&["net.channels=8", "net.se_ratio=0.01"], [1, 0, 0]);
        check(&["net.pool_hidden=64", "net.score_hidden=32"], [0, 64, 32]);
    }

    #[test]
    fn settings_from_before_the_optional_layers_are_read() {
        let config = Preset::Cpu.config();
        let old: String = config
            .to_toml()
            .lines()
            .filter(|line| !["se_ratio", "pool_hidden", "score_"].iter().any(|key| line.starts_with(key)))
            .flat_map(|line| [line, "\n"])
            .collect();
        assert!(old.len() < config.to_toml().len());
        assert_eq!(Config::from_toml(&old).expect("valid"), config);
    }

    #[test]
    fn a_rollout_has_a_largest_size() {
        let error = load(&["selfplay.envs=65536", "selfplay.horizon=65"]).expect_err("too large");
        assert!(format!("{error:#}").contains("selfplay.envs * selfplay.horizon = 4259840: must be"), "{error:#}");
    }

    #[test]
    fn every_preset_is_valid_and_whole_numbers_fit_fractions() {
        for preset in [Preset::Tiny, Preset::Cpu, Preset::Gpu] {
            preset.config().validate().expect("valid preset");
        }
        assert_eq!(load(&["estimation.gamma=1"]).expect("valid").estimation.gamma, 1.0);
    }

    #[test]
    fn schedules_move_and_stay() {
        let check = |shape, progress, expected: f32| {
            let schedule = Schedule { from: 1.0, to: 0.0, until: 0.5, shape };
            assert!((schedule.at(progress) - expected).abs() < 1e-6, "{shape:?} at {progress}");
        };
        check(Shape::Linear, 0.0, 1.0);
        check(Shape::Linear, 0.125, 0.75);
        check(Shape::Linear, 0.9, 0.0);
        check(Shape::Cosine, 0.0, 1.0);
        check(Shape::Cosine, 0.25, 0.5);
        check(Shape::Cosine, 0.125, f32::midpoint(1.0, std::f32::consts::FRAC_1_SQRT_2));
        check(Shape::Cosine, 1.0, 0.0);
    }
}
