//! `trainer-native export`: model of a run, or an untrained one, to a file for players, the page or other programs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use keisei_core::format::{Dtype, Model, Provenance, record};
use keisei_core::net::Weights;
use keisei_play::files::{read, read_model};

use crate::argument::BadArgument;
use crate::durable::write_atomically;
use crate::interop::{onnx, safetensors};
use crate::run::{GAMES, MODEL};
use crate::settings::Preset;

/// Arguments of `export`.
#[derive(clap::Args, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    target: Target,
    /// Format of `--out`
    #[arg(long, value_enum, default_value_t = Format::Model)]
    to: Format,
    /// Store 16-bit numbers in a model: half the size, rounded to 11 bits
    #[arg(long)]
    f16: bool,
    /// Store 8-bit integers in a model, with a step for each output: a quarter of the size
    #[arg(long, conflicts_with = "f16")]
    int8: bool,
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
#[group(required = true, multiple = false)]
struct Source {
    /// Folder of the training run whose model is exported
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Export an untrained network with weights drawn from this seed
    #[arg(long, value_name = "SEED")]
    init: Option<u64>,
}

#[derive(clap::Args, Debug)]
#[group(required = true, multiple = true)]
struct Target {
    /// Model file to write
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Folder of the page's public files; the model and the run's games go into its folder `models`
    #[arg(long, value_name = "DIR")]
    web: Option<PathBuf>,
}

/// Exports the model; returns the lines to print, one for each file written.
///
/// # Errors
/// Names the arguments that exclude each other, or the file that cannot be read or written, or is not a model or a record.
pub fn run(args: &ExportArgs) -> Result<String> {
    if args.to != Format::Model && (args.f16 || args.int8 || args.target.out.is_none()) {
        let reason = "is written to --out, with 32-bit numbers";
        let name = args.to.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        bail!(BadArgument::new("--to", &name, reason));
    }
    let model = match (&args.source.run, args.source.init) {
        (Some(folder), _) => read_model(&folder.join(MODEL))?,
        (None, seed) => fresh(seed.unwrap_or_default())?,
    };
    let dtype = match (args.f16, args.int8) {
        (true, _) => Dtype::F16,
        (_, true) => Dtype::I8,
        _ => Dtype::F32,
    };
    let bytes = model.to_bytes(dtype).context("the model cannot be stored")?;

    let mut written = String::new();
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
    if let Some(web) = &args.target.web {
        let folder = web.join("models");
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
