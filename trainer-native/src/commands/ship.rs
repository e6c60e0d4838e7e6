//! `trainer-native export --agents`: model into a folder of agents that pages and players find, with its provenance.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use keisei_play::agents::{self, Agent, Manifest, Strength};
use keisei_play::files::read;

use crate::durable::{remove, write_atomically};
use crate::event::Metrics;
use crate::history::{History, is_run};
use crate::run::checkpoint::sha256;

/// Arguments about the agent in the manifest.
#[derive(clap::Args, Debug)]
pub struct ShipArgs {
    /// Id of the agent in the manifest: lower-case letters, digits and hyphens; an agent with this id is replaced
    #[arg(long, requires = "agents", value_name = "ID")]
    id: Option<String>,
    /// Name of the agent for users; its id without one
    #[arg(long, requires = "agents", value_name = "NAME")]
    name: Option<String>,
    /// Name of the agent in Japanese
    #[arg(long, requires = "agents", value_name = "NAME")]
    name_ja: Option<String>,
    /// Strength of the agent in a word
    #[arg(long, requires = "agents", value_enum, value_name = "WORD")]
    strength: Option<Strength>,
    /// Command that trains this agent again
    #[arg(long = "made-by", requires = "agents", value_name = "COMMAND")]
    command: Option<String>,
    /// Let pages open this agent first
    #[arg(long, requires = "agents")]
    default: bool,
}

/// Puts the model in `bytes` into a folder of agents; returns the files written. What the agent in its place has beyond the model and
/// the run (levels, names, strength) stays unless the arguments say otherwise.
///
/// # Errors
/// Names the file that cannot be read or written, or the argument that is out of its range.
pub fn ship(args: &ShipArgs, folder: &Path, run: Option<&Path>, bytes: &[u8]) -> Result<Vec<(PathBuf, usize)>> {
    let id = args.id.as_deref().context("--agents needs an --id")?;
    let mut manifest = Manifest::of_folder(folder)?;
    let old = manifest.agents.iter().find(|agent| agent.id == id).cloned();
    let name = args.name.clone().or_else(|| Some(old.as_ref()?.name.clone())).unwrap_or_else(|| id.to_owned());
    let mut agent = Agent::of_model(id, &name, bytes, &sha256(bytes))?;
    if let Some(run) = run.filter(|run| is_run(run)) {
        add_run(&mut agent, run)?;
    }
    let kept = old.clone().unwrap_or_default();
    agent.name_ja = args.name_ja.clone().or(kept.name_ja);
    agent.strength = args.strength.or(kept.strength);
    agent.command = args.command.clone().or(kept.command);
    if old.is_some() {
        agent.levels = kept.levels;
    }
    let file = agent.file.clone();
    manifest.put(agent);
    if args.default {
        manifest.default = Some(id.to_owned());
    }
    let text = manifest.to_json()?;

    std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot be created", folder.display()))?;
    let written = [(folder.join(&file), bytes), (folder.join(agents::FILE), text.as_bytes())];
    // The model first: a manifest must not name a file that is not there.
    for (path, bytes) in &written {
        write_atomically(path, bytes)?;
    }
    let stale = old.map(|old| old.file).filter(|old| *old != file && folder.join(old).is_file());
    if let Some(stale) = stale.filter(|stale| manifest.agents.iter().all(|agent| agent.file != *stale)) {
        remove(&folder.join(stale))?;
    }
    Ok(written.map(|(path, bytes)| (path, bytes.len())).into())
}

/// Adds the facts that the files of a run tell about its agent.
fn add_run(agent: &mut Agent, run: &Path) -> Result<()> {
    let mut seconds = None;
    let iteration = agent.iteration;
    let note = |metrics: &Metrics| {
        if metrics.iteration == iteration {
            seconds = Some(metrics.seconds);
        }
    };
    let history = History::read(run, note)?;
    agent.seconds = seconds.map(f64::round);
    let config = run.join("config.toml");
    if config.is_file() {
        agent.settings = Some(sha256(&read(&config)?));
    }
    if let Some(started) = history.started {
        agent.seed = Some(started.settings.seed);
        let machine = started.machine;
        agent.revision = Some(machine.revision).filter(|revision| !revision.is_empty());
        agent.machine = Some(format!("{}, {} cores, {}", machine.system, machine.cores, started.learner));
    }
    Ok(())
}
