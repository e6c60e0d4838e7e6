//! `trainer-native convert`: game records from one format to another, files and whole folders.
//!
//! | name | extension | encoding |
//! |---|---|---|
//! | `kif` `ki2` `csa2` | `.kif` `.ki2` `.csa` | `Shift_JIS`, as older programs expect |
//! | `kifu` `ki2u` `csa` `jkf` `usi` `sfen` `usen` | the same | UTF-8 |
//! | `json` | `.json` | UTF-8: what was read, for whoever wants to check it |
//!
//! Games that this program has recorded (`.record`) can be read too, with the players' names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8};
use keisei_core::format;
use keisei_core::notation::{Format, GameTree, Node, NodeId, Parsed, csa, usen, usi};
use serde_json::{Value, json};

use crate::argument::BadArgument;
use crate::durable::write_atomically;
use crate::interop::dataset;

/// Arguments of `convert`.
#[derive(clap::Args, Debug)]
pub struct ConvertArgs {
    /// Record, or folder of records, to read; the encoding is found out
    input: PathBuf,
    /// File, or folder for a folder, to write; without it the text is printed
    output: Option<PathBuf>,
    /// Format to write: kif, kifu, ki2, ki2u, csa, csa2, jkf, usi, sfen, usen or json; else the output's extension tells
    #[arg(long, value_name = "FORMAT")]
    to: Option<String>,
}

/// What is written.
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

    /// Whether several games go into one text.
    fn holds_many(self) -> bool {
        matches!(self, Target::Json | Target::Record { format: Format::Csa2 | Format::Csa3 | Format::Usi, .. })
    }
}

/// A text that was read.
struct Source {
    name: String,
    encoding: &'static str,
    games: Vec<Parsed>,
}

/// Converts and returns what is to be printed; tells of each defect through `report`.
///
/// # Errors
/// Names the file that cannot be read or written, or is no record, and the argument that is wrong. In a folder the other
/// files are converted all the same.
pub fn run(args: &ConvertArgs, mut report: impl FnMut(&str)) -> Result<String> {
    let target = target(args)?;
    if args.input.is_dir() {
        return convert_folder(args, target, &mut report);
    }
    let source = read(&args.input, &mut report)?;
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

/// Every record in a folder and its folders, in the order of their names.
fn convert_folder(args: &ConvertArgs, target: Target, report: &mut dyn FnMut(&str)) -> Result<String> {
    if args.output.is_none() && !matches!(target, Target::Json) {
        bail!(BadArgument::new("OUTPUT", "", "a folder is printed as json only; name a folder to write to"));
    }
    let mut files = Vec::new();
    list(&args.input, &mut files)?;
    files.sort();
    let mut entries = Vec::new();
    let mut taken = BTreeSet::new();
    let mut failures = 0;
    for file in &files {
        let converted = read(file, report).and_then(|source| {
            let Some(output) = &args.output else {
                entries.extend(source.games.iter().map(|game| describe(&source, game)));
                return Ok(());
            };
            let path = output.join(file.strip_prefix(&args.input).unwrap_or(file));
            let plain = path.with_extension(target.extension());
            // Records that differ in their extension only would overwrite each other.
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

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("{}: cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("{}: cannot be read", folder.display()))?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if is_recorded(&path) || format_of_name(&path).is_some() {
            files.push(path);
        }
    }
    Ok(())
}

fn format_of_name(path: &Path) -> Option<Format> {
    Format::from_name(&path.extension()?.to_str()?.to_lowercase())
}

fn is_recorded(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "record")
}

/// Games of our own record format as notation.
fn recorded(path: &Path) -> Result<Source> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let games = dataset::read(path)?.iter().map(notation_of).collect::<Result<_>>()?;
    Ok(Source { name, encoding: "binary", games })
}

fn notation_of(game: &format::Record) -> Result<Parsed> {
    let mut record = GameTree::of_game(&game.replay().context("the game")?);
    record.set_header("先手", &game.black);
    record.set_header("後手", &game.white);
    Ok(Parsed { tree: record, defects: Vec::new() })
}

fn read(path: &Path, report: &mut dyn FnMut(&str)) -> Result<Source> {
    if is_recorded(path) {
        return recorded(path);
    }
    let bytes = fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let (text, encoding) = decode(&bytes);
    let format = format_of_name(path).or_else(|| Format::detect(&text));
    let format = format.with_context(|| format!("{}: is empty", path.display()))?;
    let games = match format {
        Format::Csa2 | Format::Csa3 => csa::read_all(&text),
        Format::Usi => usi::read_all(&text),
        format => vec![format.read(&text)],
    };
    for game in &games {
        for defect in &game.defects {
            report(&format!("{}: {defect}", path.display()));
        }
    }
    let nothing = |game: &Parsed| game.tree.len() == 1 && !game.defects.is_empty();
    if games.iter().all(nothing) {
        let first = games.iter().find_map(|game| game.defects.first());
        let reason = first.map_or_else(|| "there is no game in it".to_owned(), ToString::to_string);
        bail!("{}: is no record that can be read: {reason}", path.display());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Source { name, encoding, games })
}

/// Finds out the encoding of a text and decodes it: a byte order mark or valid UTF-8 tells at once, and of `Shift_JIS` and
/// EUC-JP that one is taken in which the bytes make sense. Returns the text and the encoding's name.
pub fn decode(bytes: &[u8]) -> (String, &'static str) {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return (encoding.decode(bytes).0.into_owned(), if encoding == UTF_8 { "UTF8" } else { "UTF16" });
    }
    if bytes.windows(2).any(|pair| pair == b"\x1b$") {
        return (ISO_2022_JP.decode(bytes).0.into_owned(), "JIS");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (text.to_owned(), if text.is_ascii() { "ASCII" } else { "UTF8" });
    }
    // Half-width katakana, private and unknown characters are what the wrong one of the two makes of kanji.
    let nonsense = |encoding: &'static Encoding| {
        let (text, _, _) = encoding.decode(bytes);
        let strange = |found: &char| matches!(found, '\u{ff61}'..='\u{ff9f}' | '\u{e000}'..='\u{f8ff}');
        let unknown = text.chars().filter(|&found| found == '\u{fffd}').count();
        10 * unknown + text.chars().filter(strange).count()
    };
    let encoding = if nonsense(EUC_JP) < nonsense(SHIFT_JIS) { EUC_JP } else { SHIFT_JIS };
    (encoding.decode(bytes).0.into_owned(), if encoding == EUC_JP { "EUCJP" } else { "SJIS" })
}

/// All games as one text.
fn text(source: &Source, target: Target) -> String {
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

/// Writes to `path`; further games that the format cannot hold in one file go to `name-2` and so on. Returns the paths.
fn write(source: &Source, target: Target, path: &Path) -> Result<Vec<PathBuf>> {
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

/// What was read, in the schema of the public conformance files: positions always have the move number 1.
fn describe(source: &Source, game: &Parsed) -> Value {
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

/// How the main line ends: `start` if there is nothing in it, nothing if it ends with a move.
fn end_name(record: &GameTree, nodes: usize) -> Option<&'static str> {
    match record.end() {
        Some(end) => Some(end.name()),
        None if nodes == 1 => Some("start"),
        None => None,
    }
}
