//! `trainer-native export`: model of a run, or an untrained one, to a file for players, the page or other programs; runs with their
//! games as a bundle for the page.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use keisei_core::format::{Dtype, Model, Provenance, record};
use keisei_core::net::Weights;
use keisei_play::files::{read, read_model};

use super::ship::{ShipArgs, ship};
use crate::argument::BadArgument;
use crate::bundle::{self, Contents, MOST_GAMES};
use crate::durable::write_atomically;
use crate::interop::{onnx, safetensors};
use crate::run::directory::behind_link;
use crate::run::model::model_at;
use crate::run::{GAMES, MODEL};
use crate::settings::Preset;

/// Arguments of `export`.
#[derive(clap::Args, Debug)]
pub struct ExportArgs {
    /// Record file of a tournament that goes into the bundle, such as that of `rate --record`
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "web", conflicts_with_all = ["run", "model", "init"])]
    tournaments: Vec<PathBuf>,
    /// Most games of a run or tournament in the bundle; of more it holds every second one, every fourth …
    #[arg(long, value_name = "GAMES", default_value_t = MOST_GAMES, requires = "web")]
    most_games: usize,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    target: Target,
    /// Iteration of the checkpoint whose model is exported [default: the run's last model]
    #[arg(long, value_name = "N", requires = "run", conflicts_with_all = ["model", "init"])]
    iteration: Option<u64>,
    /// Format of `--out`
    #[arg(long, value_enum, default_value_t = Format::Model)]
    to: Format,
    /// Store 16-bit numbers in a model: half the size, rounded to 11 bits
    #[arg(long)]
    f16: bool,
    /// Store 8-bit integers in a model, with a step for each output: a quarter of the size
    #[arg(long, conflicts_with = "f16")]
    int8: bool,
    #[command(flatten)]
    ship: ShipArgs,
}

/// Format of a model file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Keisei's own format, for players and the page
    Model,
    /// Weights as safetensors, with the architecture as JSON beside them
    Safetensors,
    /// Network as ONNX
    Onnx,
}

#[derive(clap::Args, Debug)]
#[group(required = true, multiple = true)]
struct Source {
    /// Folder of the training run whose model is exported
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Model file to export in place of the run's newest; its number format stays, unless another is asked for
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Export an untrained network with weights drawn from this seed
    #[arg(long, value_name = "SEED", conflicts_with_all = ["run", "model"])]
    init: Option<u64>,
    /// Folders of training runs that are written as a bundle for the page `run.html`; `--out` names its folder, such as
    /// `www/dist/runs`
    #[arg(long, value_name = "RUN", num_args = 1.., conflicts_with_all = ["run", "model", "init", "pages", "agents", "to", "f16", "int8"])]
    web: Vec<PathBuf>,
}

#[derive(clap::Args, Debug)]
#[group(required = true, multiple = true)]
struct Target {
    /// Model file to write, or with `--web` the folder of the bundle
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Folder of the pages' public files; the model and the run's games go into its folder `models`
    #[arg(long, value_name = "DIR")]
    pages: Option<PathBuf>,
    /// Folder of shipped agents: the model goes into it and into its manifest, with its provenance and ratings
    #[arg(long, value_name = "DIR", requires = "id")]
    agents: Option<PathBuf>,
}

/// Exports the model or the bundle; returns the lines to print, one for each file written.
///
/// # Errors
/// Names the arguments that exclude each other, or the file that cannot be read or written, or is not a model or a record.
pub fn run(args: &ExportArgs) -> Result<String> {
    if let (false, Some(folder)) = (args.source.web.is_empty(), &args.target.out) {
        let runs = args.source.web.iter().map(|run| behind_link(run)).collect();
        let contents = Contents { runs, tournaments: args.tournaments.clone(), most_games: args.most_games };
        return bundle::export(&contents, folder);
    }
    if args.to != Format::Model && (args.f16 || args.int8 || args.target.out.is_none()) {
        let reason = "is written to --out, with 32-bit numbers";
        let name = args.to.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        bail!(BadArgument::new("--to", &name, reason));
    }
    let model = match (&args.source, args.iteration) {
        (Source { model: Some(file), .. }, _) => read_model(file)?,
        (Source { run: Some(folder), .. }, Some(iteration)) => model_at(folder, iteration)?,
        (Source { run: Some(folder), .. }, None) => read_model(&folder.join(MODEL))?,
        (Source { init, .. }, _) => fresh(init.unwrap_or_default())?,
    };
    let dtype = match (args.f16, args.int8) {
        (true, _) => Dtype::F16,
        (_, true) => Dtype::I8,
        _ if args.source.model.is_some() => model.exact_dtype()?,
        _ => Dtype::F32,
    };
    let bytes = model.to_bytes(dtype).context("the model cannot be stored")?;

    let mut written = String::new();
    if let Some(folder) = &args.target.agents {
        for (path, bytes) in ship(&args.ship, folder, args.source.run.as_deref(), &bytes)? {
            writeln!(written, "{}: {bytes} bytes", path.display())?;
        }
    }
    let mut write = |path: &Path, bytes: &[u8]| -> Result<()> {
        write_atomically(path, bytes)?;
        writeln!(written, "{}: {} bytes", path.display(), bytes.len()).context("a string takes everything")
    };
    if let Some(path) = &args.target.out {
        match args.to {
            Format::Model => write(path, &bytes)?,
            Format::Onnx => write(path, &onnx::to_bytes(&model))?,
            Format::Safetensors => {
                write(path, &safetensors::to_bytes(&model))?;
                write(&path.with_extension("json"), format!("{:#}\n", safetensors::config(&model)).as_bytes())?;
            }
        }
    }
    if let Some(pages) = &args.target.pages {
        let folder = pages.join("models");
        std::fs::create_dir_all(&folder).with_context(|| format!("{}: cannot be created", folder.display()))?;
        write(&folder.join("default.model"), &bytes)?;
        // A run that was stopped early has no games yet.
        if let Some(games) = args.source.run.as_ref().map(|run| run.join(GAMES)).filter(|games| games.exists()) {
            let bytes = read(&games)?;
            record::from_bytes(&bytes).with_context(|| format!("{}", games.display()))?;
            write(&folder.join(GAMES), &bytes)?;
        }
    }
    Ok(written)
}

/// Untrained network of the default size.
fn fresh(seed: u64) -> Result<Model> {
    let config = Preset::Cpu.settings();
    let weights = Weights::init(&config.spec(), seed).context("the preset's network")?;
    let provenance = Provenance { notes: format!("untrained, seed {seed}"), ..Provenance::default() };
    Ok(Model { features: config.features(), actions: config.actions(), provenance, weights })
}
