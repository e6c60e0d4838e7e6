//! Settings of a run: one table of all hyper-parameters, and everything that is generated from it.
//!
//! The table below gives each hyper-parameter its name, default, range, unit and description, once. Structs, validation,
//! `trainer-native settings`, the JSON schema and `docs/settings.md` come from it. [`Sources`] lists the sources of values.

mod table;
mod preset;
mod sources;
mod listing;

pub use self::listing::{json_schema, markdown, text};
pub use self::preset::Preset;
pub use self::sources::{ENVIRONMENT_PREFIX, Layers, Sources, no_such_setting};
pub use self::table::{Range, Setting, SettingRow, SettingValue};

use self::table::{ABOVE_0, Field, settings};
use crate::league::matchmaking::Weighting;
use crate::learner::{Device, Precision};
use anyhow::{Context, Result, bail};
use keisei_core::encoding::{Actions, Features};
use keisei_core::learn::{AdaptationSettings, Estimation, Mates, PpoSettings, Rates, Schedule, SelfPlaySettings};
use keisei_core::net::{NetOptions, NetSpec};
use keisei_core::shogi::DEFAULT_MAX_PLIES;
use keisei_play::matches::OPENING_PLIES;
use serde::{Deserialize, Serialize};
use std::time::Duration;

settings! {
    /// All settings of a run; written to `config.toml` in the run directory. The defaults are those of the preset `cpu`.
    Settings {
        /// Seed of everything random.
        seed: u64 = 1, 0.., "";
    }
    sections {
        /// Network.
        net: NetSection;
        /// Self-play.
        selfplay: SelfPlaySection;
        /// Advantages and value targets.
        estimation: EstimationSection;
        /// Update by PPO.
        ppo: PpoSection;
        /// League: games against frozen snapshots of the agent.
        league: LeagueSection;
        /// Gate: matches that decide which agent is the best so far.
        gate: GateSection;
        /// Budget, checkpoints, evaluation and hardware.
        run: RunSection;
        /// Destinations of the events of the run, besides the display, `metrics.jsonl`, `events.jsonl` and `log.txt`.
        sinks: SinksSection;
    }
}

settings! {
    /// Network.
    NetSection {
        /// Id of the input planes.
        features: String = "attack96".to_owned(), Features::ALL.map(Features::id), "";
        /// Id of the numbering of actions, which sets the shape of the policy head.
        actions: String = "dest2187".to_owned(), Actions::ALL.map(Actions::id), "";
        /// Width of the trunk.
        channels: u16 = 32, Range::from(8..=512).step(8), "channels";
        /// Residual blocks.
        blocks: u16 = 4, 0..=64, "blocks";
        /// Width of the value head's convolution.
        value_channels: u16 = 8, 1..=64, "channels";
        /// Width of the value head's hidden layer.
        value_hidden: u16 = 64, 1..=1024, "units";
        /// Squeeze-and-excitation in each block: width of its hidden layer as a part of `channels`, 0 for none.
        se_ratio: f32 = 0.0, 0..=1, "ratio";
        /// Bias from global pooling in each block: width of its hidden layer, 0 for none.
        pool_hidden: u16 = 0, 0..=512, "units";
        /// Score head, which learns the material balance: width of its hidden layer, 0 for none.
        score_hidden: u16 = 0, 0..=1024, "units";
    }
}

settings! {
    /// Self-play.
    SelfPlaySection {
        /// Games advanced together; `envs * horizon` is at most 4194304. `auto` or 0: as many as are fastest here, by measuring.
        envs: usize = 64, 0..=65536, "games";
        /// Plies of each game in an iteration.
        horizon: usize = 32, 1..=4096, "plies";
        /// Ply limit of a game, 0 for none; reaching it is a truncation, not a draw. The evaluations of the run have it too.
        max_plies: u16 = DEFAULT_MAX_PLIES, 0..=65535, "plies";
        /// Longest random opening: a game starts after a random number of random plies.
        opening_plies: usize = 20, 0..=200, "plies";
        /// Longest random opening of the first game in each slot, so that games do not run in step.
        first_opening_plies: usize = 160, 0..=200, "plies";
        /// Games kept as records in an iteration: those that end first.
        records: usize = 2, 0.., "games";
        /// Longest mate that is looked for at every ply, an odd number, 0 for none; `mate_share` plays it, `ppo.mate_coef` teaches it.
        mate_plies: usize = 1, 0..=15, "plies";
        /// Share of the proved mates that are played in place of the move drawn from the policy.
        mate_share: f32 = 1.0, 0.0..=1.0, "ratio";
        /// Random legal moves of each ply behind which a mate in one is looked for; `ppo.mate_coef` teaches those that are found.
        mate_lessons: usize = 8, 0..=64, "moves";
        /// Share of the games that begin in a position of an earlier game, a middle game or an ending.
        start_share: f32 = 0.0, 0.0..=1.0, "ratio";
        /// Share of the games that begin with left and right exchanged.
        mirror_share: f32 = 0.0, 0.0..=1.0, "ratio";
        /// Positions of each finished game of which the value head learns the result, 0 for none.
        past_positions: usize = 0, 0..=256, "positions";
    }
}

settings! {
    /// Advantages and value targets.
    EstimationSection {
        /// Discount of each ply.
        gamma: f32 = 0.998, ABOVE_0..=1.0, "ratio";
        /// λ of the advantages.
        gae_lambda: f32 = 0.85, 0..=1, "ratio";
        /// λ of the value targets.
        value_lambda: f32 = 0.99, 0..=1, "ratio";
        /// Weight of the material prior, beside the value head, in the values behind the advantages.
        prior_weight: Schedule = Schedule::linear(0.9, 0.0, 0.8), 0..=1, "ratio";
        /// Explained variance at which the material prior has its last weight: with it, the prior leaves as the value head learns, and
        /// not by the clock; 0 for the clock.
        prior_explained: f32 = 0.0, 0.0..=1.0, "ratio";
    }
}

settings! {
    /// Update by PPO.
    PpoSection {
        /// Passes over each rollout.
        epochs: usize = 1, 1..=20, "passes";
        /// Samples of a gradient step. `auto` or 0: an eighth of an iteration.
        minibatch: usize = 512, 0..=1_048_576, "samples";
        /// ε of the clipped objective.
        clip_coef: f32 = 0.2, ABOVE_0..=0.999_999, "ratio";
        /// Weight of the value loss.
        vf_coef: f32 = 1.0, 0.0..=1e6, "";
        /// Weight of the value loss at positions of finished games, see `selfplay.past_positions`.
        past_coef: f32 = 1.0, 0.0..=1e6, "";
        /// Weight of the score loss, where the network has a score head.
        score_coef: f32 = 0.1, 0.0..=1e6, "";
        /// Weight of the entropy bonus.
        ent_coef: Schedule = Schedule::cosine(0.03, 0.004, 1.0), 0.0..=1e6, "";
        /// Normalised entropy of self-play below which the entropy bonus grows, by a twentieth an iteration, 0 for none.
        entropy_floor: f32 = 0.0, 0.0..=1.0, "ratio";
        /// Weight of the KL divergence from the policy that played.
        kl_coef: f32 = 0.0, 0.0..=1e6, "";
        /// Weight of the loss of proved mates, see `selfplay.mate_plies` and `selfplay.mate_lessons`.
        mate_coef: f32 = 1.0, 0.0..=1e6, "";
        /// Share of the plies that are learned from: those with the largest advantages.
        advantage_share: f32 = 1.0, ABOVE_0..=1.0, "ratio";
        /// Step size of Adam.
        learning_rate: Schedule = Schedule::linear(2.5e-3, 1e-4, 1.0), ABOVE_0..=1.0, "";
        /// Warm-up: plies over which the step size rises from 0 to its schedule, 0 for none.
        warmup_plies: u64 = 0, 0.., "plies";
        /// Approximate KL divergence that the last minibatch of an update is to have: the step size shrinks below its schedule until it
        /// has; 0 for the schedule alone.
        update_kl: f32 = 0.0, 0.0..=1e6, "nats";
        /// Greatest global norm of a gradient; a longer one is scaled down to it.
        max_grad_norm: f32 = 1.0, ABOVE_0..=1e6, "";
        /// Mean approximate KL divergence of a minibatch that ends the update.
        target_kl: f32 = 0.03, ABOVE_0..=1e6, "nats";
        /// Decay of the average of the weights for each update, 0 for none: with it, models, evaluations, gate and snapshots have the
        /// averaged weights. Self-play and learning do not change.
        ema: f32 = 0.0, 0.0..=0.999_999, "";
    }
}

settings! {
    /// League: games against frozen snapshots of the agent.
    LeagueSection {
        /// Share of the games of self-play that are against a snapshot instead of the agent itself, 0 for none.
        share: f32 = 0.0, 0.0..=0.5, "ratio";
        /// Choice of the snapshot: `pfsp` prefers those that the agent does badly against.
        weighting: Weighting = Weighting::Pfsp, ["uniform", "pfsp"], "";
        /// Snapshots in the pool, the newest of those taken after iterations 1, 2, 3, 4, 6, 8, 12, 16 and so on; the best agent is one more.
        snapshots: usize = 12, 1..=64, "snapshots";
    }
}

settings! {
    /// Gate: matches that decide which agent is the best so far.
    GateSection {
        /// Interval between matches of the newest agent against the best, which is saved as `best.model`; 0 for none.
        plies: u64 = 0, 0.., "plies";
        /// Games of a match at most; a sequential test ends it when the games tell which agent is stronger.
        games: usize = 200, Range::from(2..=100_000).step(2), "games";
    }
}

settings! {
    /// Budget, checkpoints, evaluation and hardware.
    RunSection {
        /// Budget in plies, which schedules follow; 0 to take `minutes`.
        plies: u64 = 0, 0.., "plies";
        /// Budget in time, if `plies` is 0: it is turned into plies when the run starts, by measuring. 0 for no end.
        minutes: f64 = 60.0, 0.0..=1e7, "minutes";
        /// Interval between checkpoints, 0 for none of these.
        checkpoint_plies: u64 = 0, 0.., "plies";
        /// Interval between checkpoints in time, 0 for none of these.
        checkpoint_minutes: f64 = 2.0, 0.0..=1e7, "minutes";
        /// Checkpoints kept, the newest. Beside them stay the best, some from early on (at doubling iterations), and pinned ones.
        keep_checkpoints: usize = 3, 1..=1_000_000, "checkpoints";
        /// Time of the run of which one checkpoint each stays, 0 for none of these.
        keep_hours: f64 = 2.0, 0.0..=1e6, "hours";
        /// Interval between evaluations against the greedy player, 0 for none.
        evaluate_plies: u64 = 204_800, 0.., "plies";
        /// Games of an evaluation; each opening is played twice, once from either side.
        evaluate_games: usize = 64, Range::from(2..=1_000_000).step(2), "games";
        /// Threads of the CPU, 0 for one on each core. Ranks in one process share them; each process of its own has as many.
        threads: usize = 0, 0..=4096, "threads";
        /// Ranks that share the games and learn together; under `mpirun` as many as it starts, else threads of one process.
        ranks: usize = 1, 1..=4096, "ranks";
        /// Time after which a rank that does not answer counts as lost, and the run ends with a checkpoint.
        rank_patience: f64 = 600.0, 0.1..=86_400.0, "s";
        /// Device that computes.
        device: Device = Device::Auto, ["auto", "cpu", "cuda", "wgpu"], "";
        /// Numbers that the layers are computed in.
        precision: Precision = Precision::F32, ["f32", "bf16x3", "bf16", "f16"], "";
    }
}

settings! {
    /// Destinations of the events of the run, besides the display, `metrics.jsonl`, `events.jsonl` and `log.txt`.
    ///
    /// Keys and passwords are never settings, because settings are stored with the run: they stand in the environment, in the
    /// variables that each tool's own clients read.
    SinksSection {
        /// Whether the learning curve is drawn into `curve.svg`.
        curve: bool = true, Range::Flag, "";
        /// Whether event files for TensorBoard are written into the folder `tensorboard` of the run.
        tensorboard: bool = cfg!(feature = "tensorboard"), Range::Flag, "";
        /// Address at which Prometheus may ask for the metrics, such as `127.0.0.1:9464`; empty for none.
        prometheus: String = String::new(), Range::Text, "";
        /// URL of the MLflow server, which listens at port 5000 unless told otherwise; empty for none.
        mlflow: String = String::new(), Range::Text, "";
        /// Experiment of MLflow that the run belongs to.
        mlflow_experiment: String = "keisei".to_owned(), Range::Text, "";
        /// Weights & Biases: `online` sends as the run goes on, `offline` keeps files for `wandb sync`.
        wandb: String = "off".to_owned(), ["off", "offline", "online"], "";
        /// Project of Weights & Biases that the run belongs to.
        wandb_project: String = "keisei".to_owned(), Range::Text, "";
        /// Command of a Python that has the package wandb.
        wandb_python: String = "python3".to_owned(), Range::Text, "";
        /// Folder for copies of checkpoints and models: a path or a URL such as `s3://bucket/folder`, `gs://…` or `az://…`; empty for none.
        store: String = String::new(), Range::Text, "";
        /// Attempts at a request before it counts as a failure.
        attempts: u64 = 5, 1..=100, "attempts";
        /// Delay before the second attempt; it doubles with each, less up to a half by chance.
        first_delay: f64 = 1.0, 0.0..=3600.0, "s";
        /// Longest delay between attempts.
        longest_delay: f64 = 30.0, 0.0..=3600.0, "s";
        /// Longest time of a request.
        timeout: f64 = 30.0, 0.001..=86_400.0, "s";
        /// Failures in a row after which a sink rests.
        failures: u64 = 5, 1..=1_000_000, "failures";
        /// Length of the rest of a sink that has failed.
        pause: f64 = 60.0, 0.0..=1e7, "s";
        /// Events that may wait for a sink; it misses those beyond.
        queue: usize = 8192, 1..=1_048_576, "events";
        /// Longest wait for the sinks at the end of a run; one that was stopped waits for three seconds at most.
        last_wait: f64 = 60.0, 0.0..=86_400.0, "s";
    }
}

/// Games and plies of an iteration that settings of the first version have, if they name none.
const FIRST_ENVS: i64 = 256;
const FIRST_HORIZON: i64 = 16;

/// Replaces the settings of earlier versions that are now called or counted otherwise, and adds what was not yet looked for.
fn rename_old(table: &mut toml::Table) {
    let number = |section: &str, key: &str| table.get(section).and_then(|table| table.get(key)?.as_integer());
    let envs = number("selfplay", "envs").unwrap_or(FIRST_ENVS);
    let plies = envs.saturating_mul(number("selfplay", "horizon").unwrap_or(FIRST_HORIZON));
    if let Some(toml::Value::Table(selfplay)) = table.get_mut("selfplay") {
        selfplay.entry("mate_plies").or_insert(0.into());
        selfplay.entry("mate_lessons").or_insert(0.into());
        // It was a number for each thread; how many there were is not known.
        selfplay.remove("records_per_thread").map(|records| selfplay.insert("records".to_owned(), records));
    }
    let Some(toml::Value::Table(run)) = table.get_mut("run") else { return };
    let mut is_old = false;
    for (old, new) in
        [("iterations", "plies"), ("checkpoint_every", "checkpoint_plies"), ("evaluate_every", "evaluate_plies")]
    {
        if let Some(count) = run.remove(old).and_then(|value| value.as_integer()) {
            is_old = true;
            run.insert(new.to_owned(), count.saturating_mul(plies).into());
        }
    }
    if is_old {
        run.insert("checkpoint_minutes".to_owned(), 0.0.into());
    }
}

/// The most plies of an iteration: at some 600 legal moves each, 32 bits number them all.
const ROLLOUT_PLIES: usize = 1 << 22;

impl Settings {
    /// Rows of the table, with the values in force.
    pub fn rows(&self) -> Vec<SettingRow> {
        self.rows_behind("")
    }

    /// Parses what [`to_toml`](Self::to_toml) wrote, now or in an earlier version: what is not there has its default, and
    /// budgets and intervals that were counted in iterations are counted in plies.
    ///
    /// # Errors
    /// If it is not TOML, has a key too many or a value out of its range.
    pub fn from_toml(text: &str) -> Result<Self> {
        let mut table: toml::Table = text.parse().context("settings")?;
        rename_old(&mut table);
        let settings: Self = table.try_into().context("settings")?;
        settings.validate()?;
        Ok(settings)
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
    /// If the settings were not validated.
    pub fn features(&self) -> Features {
        Features::from_id(&self.net.features).expect("validated")
    }

    /// Numbering of the network's actions.
    ///
    /// # Panics
    /// If the settings were not validated.
    pub fn actions(&self) -> Actions {
        Actions::from_id(&self.net.actions).expect("validated")
    }

    /// Shape of the network.
    pub fn spec(&self) -> NetSpec {
        let NetSection { channels, blocks, value_channels, value_hidden, pool_hidden, score_hidden, .. } = self.net;
        NetSpec {
            channels,
            blocks,
            value_channels,
            value_hidden,
            options: NetOptions { se_hidden: self.se_hidden(), pool_hidden, score_hidden },
            ..NetSpec::for_encodings(self.features(), self.actions())
        }
    }

    /// Width of squeeze-and-excitation's hidden layer: at least 1 if the ratio is above 0, else 0.
    fn se_hidden(&self) -> u16 {
        let hidden = (f32::from(self.net.channels) * self.net.se_ratio).round() as u16;
        if self.net.se_ratio > 0.0 { hidden.max(1) } else { 0 }
    }

    /// Settings of self-play, for the core.
    pub fn selfplay(&self) -> SelfPlaySettings {
        let SelfPlaySection { envs, horizon, max_plies, opening_plies, first_opening_plies, records, .. } =
            self.selfplay;
        let SelfPlaySection { mate_plies, mate_share, mate_lessons, .. } = self.selfplay;
        let SelfPlaySection { start_share, mirror_share, past_positions, .. } = self.selfplay;
        SelfPlaySettings {
            games: envs,
            horizon,
            max_plies,
            opening_plies,
            first_opening_plies,
            records,
            mates: Mates { plies: mate_plies, taken: mate_share, lessons: mate_lessons },
            starts: start_share,
            mirrored: mirror_share,
            past: past_positions,
        }
    }

    /// Settings of the update that stay the same over the run, for the core.
    pub fn ppo(&self) -> PpoSettings {
        let PpoSection { epochs, minibatch, clip_coef, vf_coef, past_coef, score_coef, kl_coef, .. } = self.ppo;
        let PpoSection { mate_coef, advantage_share: kept, max_grad_norm, target_kl, .. } = self.ppo;
        PpoSettings {
            epochs,
            minibatch,
            clip_coef,
            vf_coef,
            past_coef,
            score_coef,
            kl_coef,
            mate_coef,
            kept,
            max_grad_norm,
            target_kl,
        }
    }

    /// Aims of what adapts to the run, for the core.
    pub fn adaptation(&self) -> AdaptationSettings {
        let PpoSection { update_kl, entropy_floor, .. } = self.ppo;
        AdaptationSettings { prior_explained: self.estimation.prior_explained, update_kl, entropy_floor }
    }

    /// Factor of the learning rate after so many plies: below 1 only in the warm-up, of which the first iteration is a part.
    pub fn warmup(&self, plies: u64) -> f32 {
        let played = plies.saturating_add(self.iteration_plies());
        if played < self.ppo.warmup_plies { played as f32 / self.ppo.warmup_plies as f32 } else { 1.0 }
    }

    /// Values of the schedules after this part of the budget, 0–1.
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

    /// Whether `selfplay.envs` or `ppo.minibatch` is left to be found by measuring on the machine.
    pub fn is_open(&self) -> bool {
        self.selfplay.envs == 0 || self.ppo.minibatch == 0
    }

    /// Plies of an iteration.
    pub fn iteration_plies(&self) -> u64 {
        (self.selfplay.envs * self.selfplay.horizon) as u64
    }

    /// Threads of the CPU to use.
    pub fn threads(&self) -> usize {
        match self.run.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }

    /// Time after which a rank that does not answer counts as lost.
    pub fn rank_patience(&self) -> Duration {
        Duration::from_secs_f64(self.run.rank_patience)
    }

    /// Checks each setting against its range, then those that depend on each other.
    ///
    /// # Errors
    /// Names the key, its value and the accepted values.
    pub fn validate(&self) -> Result<()> {
        self.rows().iter().try_for_each(SettingRow::check)?;
        self.check_together()
    }

    /// Checks the settings that depend on each other; each alone is within its range.
    fn check_together(&self) -> Result<()> {
        self.spec().validate().context("net")?;
        let SelfPlaySection { envs, horizon, max_plies, opening_plies, first_opening_plies, mate_plies, .. } =
            self.selfplay;
        if mate_plies > 0 && mate_plies.is_multiple_of(2) {
            bail!("selfplay.mate_plies = {mate_plies}: must be odd, or 0");
        }
        let ranks = self.run.ranks;
        if ranks > 1 && envs > 0 && envs < ranks {
            bail!("selfplay.envs = {envs}: must be at least 1 for each of run.ranks = {ranks}");
        }
        if ranks > 1 && self.gate.plies > 0 {
            bail!(
                "gate.plies = {}: must be 0 with run.ranks = {ranks}, a gate needs a run of one rank",
                self.gate.plies
            );
        }
        let plies = envs * horizon;
        if plies > ROLLOUT_PLIES {
            bail!("selfplay.envs * selfplay.horizon = {plies}: must be at most {ROLLOUT_PLIES}");
        }
        // Evaluations, which a key can ask for at any time, begin with random plies as well.
        let longest = opening_plies.max(first_opening_plies).max(OPENING_PLIES);
        if max_plies > 0 && usize::from(max_plies) <= longest {
            bail!("selfplay.max_plies = {max_plies}: must be above the random opening of {longest} plies");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(set: &[&str]) -> Sources {
        let set = set.iter().map(ToString::to_string).collect();
        Sources { preset: Some(Preset::Cpu), config: None, set }
    }

    fn load(set: &[&str]) -> Result<Settings> {
        sources(set).layers(std::iter::empty())?.settings()
    }

    #[test]
    fn later_sources_win() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("c.toml");
        std::fs::write(&path, "seed = 5\n[ppo]\nepochs = 2\nclip_coef = 0.3\n").expect("write");
        let environment = [("KEISEI_SET_PPO__CLIP_COEF", "0.4"), ("KEISEI_SET_PPO__MINIBATCH", "64"), ("HOME", "/")];
        let environment = environment.map(|(name, text)| (name.into(), text.into())).into_iter();
        let sources = Sources { config: Some(path.clone()), ..sources(&["ppo.clip_coef=0.5"]) };
        let layers = sources.layers(environment).expect("valid");
        let config = layers.settings().expect("valid");
        assert_eq!((config.seed, config.ppo.epochs, config.ppo.clip_coef), (5, 2, 0.5));
        assert_eq!(config.ppo.minibatch, 64);
        assert_eq!(layers.source("ppo.clip_coef"), "--set ppo.clip_coef=0.5");
        assert_eq!(layers.source("ppo.minibatch"), "environment variable KEISEI_SET_PPO__MINIBATCH");
        assert_eq!(layers.source("ppo.epochs"), path.display().to_string());
        assert_eq!(layers.source("ppo.ent_coef.from"), "preset cpu");
        assert_eq!(Settings::from_toml(&config.to_toml()).expect("valid"), config);
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
        check("selfplay.envs=many", "envs");
        check("selfplay.mate_plies=2", "selfplay.mate_plies = 2: must be odd");
        check("selfplay.horizon=0", "selfplay.horizon = 0: must be from");
        check("run.evaluate_games=7", "run.evaluate_games = 7: must be even");
        check("run.precision=f64", "unknown variant `f64`, expected one of `f32`, `bf16x3`, `bf16`, `f16`");
        check("run.device=tpu", "unknown variant `tpu`, expected one of `auto`, `cpu`, `cuda`, `wgpu`");
        check("run.minutes=nan", "run.minutes = NaN: must be from");
        check("run.minutes=-1", "run.minutes = -1: must be from");
        check("run.plies=18446744073709551615", "plies");
        check("run.iterations=4", "run.iterations: no such setting");
        check("seed=9223372036854775808", "seed");
    }

    #[test]
    fn bad_settings_name_their_source() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let check = |file: &str, variable: (&str, &str), set: &[&str], reasons: &[&str]| {
            let path = directory.path().join("c.toml");
            std::fs::write(&path, file).expect("write");
            let environment = [variable].map(|(name, text)| (name.into(), text.into())).into_iter();
            let sources = Sources { config: Some(path), ..sources(set) };
            let settings = sources.layers(environment).and_then(|layers| layers.settings());
            let error = format!("{:#}", settings.expect_err(reasons[0]));
            assert!(reasons.iter().all(|reason| error.contains(reason)), "{reasons:?}: {error}");
        };
        let none = ("HOME", "/");
        check("ppo = ", none, &[], &["c.toml: not TOML"]);
        check("[ppo]\nclip = 1\n", none, &["ppo.clip_coef=0.1"], &["c.toml: ppo.clip: no such setting"]);
        check("ppo = 1\n", none, &["ppo.clip_coef=0.1"], &["c.toml: ppo: is a table of settings"]);
        check("run.device = 1\n", none, &[], &["c.toml: run.device: ", "`1`"]);
        check("ppo.epochs = 1.5\n", none, &[], &["c.toml: ppo.epochs: ", "`1.5`"]);
        check("ppo.epochs = \"2\"\n", none, &[], &["c.toml: ppo.epochs: ", "\"2\""]);
        check("ppo.epochs = true\n", none, &[], &["c.toml: ppo.epochs: ", "true"]);
        check("ppo.epochs = 1979-05-27\n", none, &[], &["c.toml: ppo.epochs: "]);
        check("ppo.epochs = 21\n", none, &[], &["c.toml: ppo.epochs = 21: must be from 1 to 20"]);
        check("ppo.ent_coef.from = -1\n", none, &[], &["c.toml: ppo.ent_coef.from = -1: must be from 0"]);
        check("", ("KEISEI_SET_PPO__CLIP", "1"), &[], &["variable KEISEI_SET_PPO__CLIP: ppo.clip: no such setting"]);
        check("", ("KEISEI_SET_SEED", "x"), &["seed=2"], &["environment variable KEISEI_SET_SEED: seed: "]);
        check(
            "",
            ("KEISEI_SET_NET__BLOCKS", "65"),
            &[],
            &["KEISEI_SET_NET__BLOCKS: net.blocks = 65: must be from 0 to 64"],
        );
        check("", none, &["ppo.clip_coef=2"], &["--set ppo.clip_coef=2: ppo.clip_coef = 2: must be from above 0 to"]);
        check("", none, &["net.value_hidden=70000"], &["--set net.value_hidden=70000: net.value_hidden: "]);
        check("", none, &["seed=1\nrun.threads=2"], &["seed: "]);
    }

    #[test]
    fn variables_that_are_no_settings_are_left_alone() {
        let environment = [("KEISEI_BIN", "target/debug"), ("KEISEI_WASM_TOOLCHAIN", "rustup"), ("KEISEI_PPO", "1")];
        let environment = environment.map(|(name, text)| (name.into(), text.into())).into_iter();
        let settings = sources(&[]).layers(environment).and_then(|layers| layers.settings());
        assert_eq!(settings.expect("valid"), Preset::Cpu.settings());
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
    fn auto_leaves_a_number_open() {
        let settings = load(&["selfplay.envs=auto", "ppo.minibatch=auto"]).expect("valid");
        assert_eq!((settings.selfplay.envs, settings.ppo.minibatch), (0, 0));
        assert!(load(&["ppo.epochs=auto"]).is_err());
    }

    #[test]
    fn settings_in_iterations_are_read_as_plies() {
        let old = "[selfplay]\nenvs = 8\nhorizon = 4\n[run]\nminutes = 0.0\niterations = 5\ncheckpoint_every = 2\n";
        let settings = Settings::from_toml(old).expect("valid");
        let SelfPlaySection { mate_plies, mate_lessons, .. } = settings.selfplay;
        assert_eq!((mate_plies, mate_lessons), (0, 0), "runs from before the settings looked for no mates");
        let run = settings.run;
        assert_eq!((run.plies, run.minutes, run.checkpoint_plies, run.checkpoint_minutes), (160, 0.0, 64, 0.0));
        let run = Settings::from_toml("[run]\niterations = 2\nevaluate_every = 3").expect("valid").run;
        assert_eq!((run.plies, run.evaluate_plies), (8192, 12_288));
        assert_eq!(Settings::from_toml("").expect("valid"), Settings::default());
    }

    #[test]
    fn a_budget_in_minutes_replaces_one_in_plies_below_it() {
        let check = |set: &[&str], plies, minutes| {
            let run = load(set).expect("valid").run;
            assert_eq!((run.plies, run.minutes), (plies, minutes), "{set:?}");
        };
        check(&[], 0, 60.0);
        check(&["run.plies=7"], 7, 60.0);
        check(&["run.plies=7", "run.minutes=2"], 0, 2.0);
        check(&["run.minutes=2", "run.plies=7"], 7, 2.0);
    }

    #[test]
    fn settings_from_before_the_optional_layers_are_read() {
        let config = Preset::Cpu.settings();
        let old: String = config
            .to_toml()
            .lines()
            .filter(|line| !["se_ratio", "pool_hidden", "score_"].iter().any(|key| line.starts_with(key)))
            .flat_map(|line| [line, "\n"])
            .collect();
        assert!(old.len() < config.to_toml().len());
        assert_eq!(Settings::from_toml(&old).expect("valid"), config);
    }

    #[test]
    fn free_text_may_look_like_anything() {
        let check = |text: &str, expected: &str| {
            let settings = load(&[&format!("sinks.mlflow_experiment={text}")]).expect("any text");
            assert_eq!(settings.sinks.mlflow_experiment, expected);
            assert_eq!(Settings::from_toml(&settings.to_toml()).expect("valid"), settings);
        };
        check("shogi", "shogi");
        check("2026-11-29", "2026-11-29");
        check("7", "7");
        check("true", "true");
        check("[1]", "[1]");
        check("a = \"b\"", "a = \"b\"");
        check("\"7\"", "7");
        check("", "");
    }

    #[test]
    fn sinks_that_cannot_be_had_are_refused_with_key_and_source() {
        let check = |set: &str, reason: &str| {
            let error = format!("{:#}", load(&[set]).expect_err(set));
            assert!(error.starts_with(&format!("--set {set}: sinks.")) && error.contains(reason), "{set}: {error}");
        };
        check("sinks.tensorboard=1", "sinks.tensorboard: ");
        check("sinks.prometheus=9464", "must be an address such as 127.0.0.1:9464");
        check("sinks.prometheus=localhost", "must be an address such as");
        check("sinks.mlflow=localhost:5000", if cfg!(feature = "mlflow") { "must be a URL" } else { "feature mlflow" });
        check("sinks.wandb=yes", "known are off, offline, online");
        check("sinks.store=ftp://host/folder", if cfg!(feature = "store") { "known are" } else { "feature store" });
        let lacking = [
            (cfg!(feature = "mlflow"), "sinks.mlflow=http://127.0.0.1:5000", "feature mlflow"),
            (cfg!(feature = "store"), "sinks.store=/backups", "feature store"),
            (cfg!(feature = "store-s3"), "sinks.store=s3://bucket/folder", "feature store-s3"),
            (cfg!(feature = "store-gcs"), "sinks.store=gs://bucket/folder", "feature store-gcs"),
            (cfg!(feature = "store-azure"), "sinks.store=az://container/folder", "feature store-azure"),
        ];
        for (is_built, set, reason) in lacking {
            if is_built {
                load(&[set]).expect(set);
            } else {
                check(set, reason);
            }
        }
        if cfg!(feature = "mlflow") {
            check("sinks.mlflow=http://me:secret@host", "name and password stand in the environment");
        }
    }

    #[test]
    fn a_rollout_has_a_largest_size() {
        let error = load(&["selfplay.envs=65536", "selfplay.horizon=65"]).expect_err("too large");
        assert!(format!("{error:#}").contains("selfplay.envs * selfplay.horizon = 4259840: must be"), "{error:#}");
    }

    #[test]
    fn every_preset_is_valid_and_whole_numbers_fit_fractions() {
        for preset in Preset::ALL {
            let settings = preset.settings();
            settings.validate().expect("valid preset");
            assert!(settings.run.plies > 0 || settings.run.minutes > 0.0, "{preset} has a budget");
        }
        assert_eq!(load(&["estimation.gamma=1"]).expect("valid").estimation.gamma, 1.0);
    }

    /// Keys of all numbers and names in a table, dotted.
    fn keys(table: &toml::Table, prefix: &str) -> Vec<String> {
        let keys = table.iter().flat_map(|(name, value)| match value {
            toml::Value::Table(table) => keys(table, &format!("{prefix}{name}.")),
            _ => vec![format!("{prefix}{name}")],
        });
        keys.collect()
    }

    #[test]
    fn every_key_of_the_file_is_a_row_of_the_table() {
        let file: toml::Table = Settings::default().to_toml().parse().expect("TOML");
        let mut rows: Vec<String> = Settings::default().rows().into_iter().map(|row| row.setting.key).collect();
        rows.sort();
        let mut keys = keys(&file, "");
        keys.sort();
        assert_eq!(rows, keys);
    }

    #[test]
    fn ranges_are_those_that_are_checked() {
        for SettingRow { setting: Setting { key, range, doc, .. }, default, .. } in Settings::default().rows() {
            assert!(doc.ends_with('.') && !doc.contains("  ") && !doc.contains('|'), "{key}: {doc}");
            let accepted = |text: String| {
                // Settings that depend on each other are set as well, so that only the range decides.
                let envs = if key == "run.ranks" { "selfplay.envs=4096" } else { "selfplay.envs=1" };
                let rest = [envs, "selfplay.horizon=1", "selfplay.max_plies=0"];
                load(&[&rest[..], &[&format!("{key}={text}")]].concat()).is_ok()
            };
            match range {
                Range::Numbers { low, high, step } => {
                    assert!(accepted(low.to_string()), "{key}: {low}");
                    assert!(!accepted((low - 1.0).to_string()) && !accepted("nan".into()), "{key}: below {low}");
                    if high.is_finite() {
                        assert!(accepted(high.to_string()), "{key}: {high}");
                        assert!(!accepted((high + step as f64).to_string()), "{key}: above {high}");
                    }
                    assert!(step == 1 || !accepted((low + 1.0).to_string()), "{key}: not a multiple of {step}");
                    assert!(!matches!(default, SettingValue::Name(_)), "{key}");
                }
                Range::Flag => {
                    // What a build lacks is refused for another reason.
                    assert!(accepted("false".into()) && !accepted("maybe".into()), "{key}");
                }
                Range::Text => assert!(accepted(String::new()) && matches!(default, SettingValue::Name(_)), "{key}"),
                Range::Names(names) => {
                    assert!(names.iter().all(|name| accepted((*name).to_owned())), "{key}");
                    let error = format!("{:#}", load(&[&format!("{key}=none")]).expect_err("no choice"));
                    let listed = error.rsplit(" one of ").next().and_then(|list| list.rsplit("known are ").next());
                    assert_eq!(listed.expect("a list").replace('`', ""), names.join(", "), "{key}");
                }
            }
        }
    }

    #[test]
    fn the_page_of_the_documentation_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/settings.md");
        let found = std::fs::read_to_string(path).expect("the page is there");
        assert!(found == markdown(), "write it again: cargo run -- settings list --markdown > docs/settings.md");
    }

    #[test]
    fn the_schema_knows_every_key_and_no_other() {
        let schema = json_schema();
        let mut leaves = 0;
        let mut objects = vec![&schema];
        while let Some(object) = objects.pop() {
            match object["properties"].as_object() {
                Some(properties) => {
                    assert_eq!(object["additionalProperties"], false);
                    objects.extend(properties.values());
                }
                None => leaves += 1,
            }
        }
        assert_eq!(leaves, Settings::default().rows().len());
        let property = |key: &str| key.split('.').fold(&schema, |object, part| &object["properties"][part]);
        let expected = serde_json::json!({
            "description": "Width of the trunk. Unit: channels.",
            "type": "integer", "default": 32, "minimum": 8, "maximum": 512, "multipleOf": 8,
        });
        assert_eq!(property("net.channels"), &expected);
        assert_eq!(property("ppo.clip_coef")["default"], 0.2);
        assert_eq!(property("run.device")["enum"], serde_json::json!(["auto", "cpu", "cuda", "wgpu"]));
        assert_eq!(property("estimation.prior_weight.shape")["type"], "string");
    }
}
