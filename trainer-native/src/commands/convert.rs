//! `trainer-native convert`: game records from one notation to another, files or whole folders.
//!
//! | name | extension | encoding |
//! |---|---|---|
//! | `kif` `ki2` `csa2` | `.kif` `.ki2` `.csa` | `Shift_JIS`, as older programs expect |
//! | `kifu` `ki2u` `csa` `jkf` `usi` `sfen` `usen` | the same | UTF-8 |
//! | `json` | `.json` | UTF-8; a description of each game, for checks |
//!
//! The formats that can be read are listed in [`games`].

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};
use keisei_core::notation::{Format, GameTree, Node, NodeId, Parsed, usen};
use serde_json::{Value, json};

use crate::argument::BadArgument;
use crate::durable::write_atomically;
use crate::interop::games::{self, GameFile};

/// Arguments of `convert`.
#[derive(clap::Args, Debug)]
pub struct ConvertArgs {
    /// Record, or folder of records, to read; its encoding is detected
    input: PathBuf,
    /// File to write, or folder if the input is one; without it the text is printed
    output: Option<PathBuf>,
    /// Format to write: kif, kifu, ki2, ki2u, csa, csa2, jkf, usi, sfen, usen or json [default: the output's extension]
    #[arg(long, value_name = "FORMAT")]
    to: Option<String>,
}

/// Format to write.
#[derive(Clone, Copy)]
enum Target {
    Record { format: Format, extension: &'static str, encoding: &'static Encoding },
    Json,
}

impl Target {
    fn from_name(name: &str) -> Option<Target> {
        let (extension, encoding) = match name {
            "json" => return Some(Target::Json),
            "kif" => ("kif", SHIFT_JIS),
            "kifu" => ("kifu", UTF_8),
            "ki2" => ("ki2", SHIFT_JIS),
            "ki2u" => ("ki2u", UTF_8),
            "csa" | "csa3" => ("csa", UTF_8),
            "csa2" => ("csa", SHIFT_JIS),
            "jkf" => ("jkf", UTF_8),
            "usi" => ("usi", UTF_8),
            "sfen" => ("sfen", UTF_8),
            "usen" => ("usen", UTF_8),
            _ => return None,
        };
        Some(Target::Record { format: Format::from_name(name)?, extension, encoding })
    }

    fn extension(self) -> &'static str {
        match self {
            Target::Record { extension, .. } => extension,
            Target::Json => "json",
        }
    }

    /// Whether one text holds several games.
    fn holds_many(self) -> bool {
        matches!(self, Target::Json | Target::Record { format: Format::Csa2 | Format::Csa3 | Format::Usi, .. })
    }
}

/// Converts the input; returns the text to print. `report` receives each defect of a record.
///
/// # Errors
/// Names the invalid argument, or the file that cannot be read or written or is not a record. The other files of a folder
/// are converted nevertheless.
pub fn run(args: &ConvertArgs, mut report: impl FnMut(&str)) -> Result<String> {
    let target = target(args)?;
    if args.input.is_dir() {
        return convert_folder(args, target, &mut report);
    }
    let source = games::read(&args.input, &mut report)?;
    let Some(output) = &args.output else { return Ok(text(&source, target)) };
    let written = write(&source, target, output)?;
    let lines: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    Ok(lines.join("\n") + "\n")
}

fn target(args: &ConvertArgs) -> Result<Target> {
    let extension = args.output.as_deref().and_then(Path::extension).and_then(|extension| extension.to_str());
    let name = args.to.as_deref().or(extension).map(str::to_lowercase).unwrap_or_default();
    let reason = "the formats are kif, kifu, ki2, ki2u, csa, csa2, jkf, usi, sfen, usen and json";
    Target::from_name(&name).ok_or_else(|| BadArgument::new("--to", &name, reason).into())
}

/// Converts every record in a folder and its subfolders, in the order of their paths.
fn convert_folder(args: &ConvertArgs, target: Target, report: &mut dyn FnMut(&str)) -> Result<String> {
    if args.output.is_none() && !matches!(target, Target::Json) {
        bail!(BadArgument::new("OUTPUT", "", "a folder is printed as json only; name a folder to write to"));
    }
    let files = games::files(&args.input)?;
    let mut entries = Vec::new();
    let mut taken = BTreeSet::new();
    let mut failures = 0;
    for file in &files {
        let converted = games::read(file, report).and_then(|source| {
            let Some(output) = &args.output else {
                entries.extend(source.games.iter().map(|game| describe(&source, game)));
                return Ok(());
            };
            let path = output.join(file.strip_prefix(&args.input).unwrap_or(file));
            let plain = path.with_extension(target.extension());
            // Otherwise records that differ only in their extension would overwrite each other.
            let longer = || path.with_file_name(format!("{}.{}", source.name, target.extension()));
            let path = if taken.contains(&plain) { longer() } else { plain };
            taken.extend(write(&source, target, &path)?);
            Ok(())
        });
        if let Err(error) = converted {
            report(&format!("{error:#}"));
            failures += 1;
        }
    }
    if failures > 0 {
        bail!("{failures} of {} files could not be converted", files.len());
    }
    match &args.output {
        None => Ok(pretty(&Value::Array(entries))),
        Some(output) => Ok(format!("{} files written to {}\n", taken.len(), output.display())),
    }
}

/// All games as one text.
fn text(source: &GameFile, target: Target) -> String {
    match target {
        Target::Json => {
            let entries: Vec<Value> = source.games.iter().map(|game| describe(source, game)).collect();
            match <[Value; 1]>::try_from(entries) {
                Ok([only]) => pretty(&only),
                Err(entries) => pretty(&Value::Array(entries)),
            }
        }
        Target::Record { format, .. } => {
            let separator = if matches!(format, Format::Csa2 | Format::Csa3) { "/\n" } else { "" };
            let texts: Vec<String> = source.games.iter().map(|game| format.write(&game.tree)).collect();
            texts.join(separator)
        }
    }
}

/// Writes to `path`; if one file cannot hold all games, the others go to `NAME-2` and so on. Returns the paths.
fn write(source: &GameFile, target: Target, path: &Path) -> Result<Vec<PathBuf>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    }
    if target.holds_many() || source.games.len() == 1 {
        write_text(&text(source, target), target, path)?;
        return Ok(vec![path.to_owned()]);
    }
    let mut paths = Vec::new();
    for (number, game) in (1..).zip(&source.games) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{stem}-{number}.{}", target.extension());
        let path = if number == 1 { path.to_owned() } else { path.with_file_name(name) };
        if let Target::Record { format, .. } = target {
            write_text(&format.write(&game.tree), target, &path)?;
        }
        paths.push(path);
    }
    Ok(paths)
}

fn write_text(text: &str, target: Target, path: &Path) -> Result<()> {
    let encoding = match target {
        Target::Record { encoding, .. } => encoding,
        Target::Json => UTF_8,
    };
    if encoding == UTF_8 {
        return write_atomically(path, text.as_bytes());
    }
    let text = text.replacen("encoding=UTF-8", "encoding=Shift_JIS", 1);
    for (number, line) in (1..).zip(text.lines()) {
        let foreign = line.chars().find(|found| encoding.encode(found.encode_utf8(&mut [0; 4])).2);
        if let Some(found) = foreign {
            bail!(
                "{}: line {number} holds {found:?}, which Shift_JIS has not; write kifu, ki2u or csa instead",
                path.display()
            );
        }
    }
    write_atomically(path, &encoding.encode(&text).0)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("plain data") + "\n"
}

/// Description of a game in the schema of the public conformance files, where every position has the move number 1.
fn describe(source: &GameFile, game: &Parsed) -> Value {
    let record = &game.tree;
    let line = record.main_line();
    let last = line.last().copied().unwrap_or(NodeId::ROOT);
    let usual = |sfen: String| sfen.rsplit_once(' ').map_or(sfen.clone(), |(fields, _)| format!("{fields} 1"));
    let count = |keep: fn(&Node) -> bool| record.nodes().iter().filter(|node| keep(node)).count();
    json!({
        "file": source.name,
        "encoding": source.encoding,
        "initial_sfen": usual(record.start().to_sfen()),
        "main_usi": record.main_moves().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "final_sfen": usual(record.position(last).to_sfen()),
        "end": end_name(record, line.len()),
        "nodes": record.len(),
        "branches": record.lines().len() - 1,
        "comments": count(Node::has_comment),
        "bookmarks": count(|node| node.bookmark.is_some()),
        "usen": usen::write(record),
        "defects": game.defects.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// End of the main line: `start` if it is empty, `None` if it ends with a move.
fn end_name(record: &GameTree, nodes: usize) -> Option<&'static str> {
    match record.end() {
        Some(end) => Some(end.name()),
        None if nodes == 1 => Some("start"),
        None => None,
    }
}
