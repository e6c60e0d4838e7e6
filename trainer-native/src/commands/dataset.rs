//! `trainer-native dataset`: positions of recorded games, for other trainers.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::argument::BadArgument;
use crate::durable::write_atomically;
use crate::interop::dataset::{Dataset, entries};
use keisei_play::files::read_records;

/// Arguments of `dataset`.
#[derive(clap::Args, Debug)]
pub struct DatasetArgs {
    /// Record files of self-play or matches
    #[arg(required = true)]
    records: Vec<PathBuf>,
    /// File to write, ending in `.hcpe` or `.psv`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Writes the positions of all games; returns the line to print, with the number of positions.
///
/// # Errors
/// Names the invalid argument, or the file that cannot be read, is not a record, holds a game that the format cannot
/// hold, or cannot be written.
pub fn run(args: &DatasetArgs) -> Result<String> {
    let dataset = match args.out.extension().and_then(|extension| extension.to_str()) {
        Some("hcpe") => Dataset::Hcpe,
        Some("psv") => Dataset::Psv,
        _ => bail!(BadArgument::new("--out", &args.out.display().to_string(), "must end in .hcpe or .psv")),
    };
    let (mut bytes, mut games, mut moves) = (Vec::new(), 0, 0);
    for path in &args.records {
        for (number, game) in (1..).zip(read_records(path)?) {
            let entries = entries(&game, dataset);
            bytes.extend(entries.with_context(|| format!("{}, game {number}", path.display()))?);
            games += 1;
            moves += game.moves.len();
        }
    }
    write_atomically(&args.out, &bytes)?;
    let positions = bytes.len() / dataset.size();
    Ok(format!("{}: {positions} of {moves} positions, of {games} games\n", args.out.display()))
}
