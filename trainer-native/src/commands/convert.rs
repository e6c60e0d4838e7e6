//! `trainer-native convert`: game records from one notation to another, files or whole folders.
//!
//! | name | extension | encoding |
//! |---|---|---|
//! | `kif` `ki2` `csa2` | `.kif` `.ki2` `.csa` | `Shift_JIS`, as older programs expect |
//! | `kifu` `ki2u` `csa` `jkf` `usi` `sfen` `usen` | the same | UTF-8 |
//! | `record` | `.record` | our record file, of all games of a file |
//! | `json` | `.json` | UTF-8; a description of each game, for checks |
//!
//! The extension of the output decides over the name: `.kif` and `.ki2` are `Shift_JIS`, `.kifu` and `.ki2u` UTF-8. What is printed is
//! UTF-8. The formats that can be read are listed in [`games`].
//!
//! On standard error stand, after the name of the file, each place that was not understood, each game that is therefore left out, what the
//! format cannot hold, and the characters that the encoding lacks. The exit code is 1 if a file or a game could not be read or written, or was read in part only: what
//! was understood is written all the same.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};
use keisei_core::format::{self, record};
use keisei_core::notation::{Format, GameTree, LeftOut, Node, NodeId, usen};
use serde_json::{Value, json};

use crate::argument::BadArgument;
use crate::durable::write_whole;
use crate::interop::games::{self, GameFile, ReadGame, STANDARD_INPUT};

/// Arguments of `convert`.
#[derive(clap::Args, Debug)]
pub struct ConvertArgs {
    /// Record, folder of records, or `-` for standard input; the encoding is detected
    input: PathBuf,
    /// File to write, or folder if the input is one; without it, or with `-`, the text is printed
    output: Option<PathBuf>,
    /// Format to write: kif, kifu, ki2, ki2u, csa, csa2, jkf, usi, sfen, usen, record or json [default: the output's extension]
    #[arg(long, value_name = "FORMAT")]
    to: Option<String>,
}

/// Format to write.
#[derive(Clone, Copy)]
enum Target {
    Notation { format: Format, extension: &'static str, encoding: Charset },
    Record,
    Json,
}

/// Content of a file.
enum Content {
    Text(String),
    Bytes(Vec<u8>),
}

/// Encoding to write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Charset {
    Utf8,
    ShiftJis,
}

impl Target {
    fn from_name(name: &str) -> Option<Target> {
        let (extension, encoding) = match name {
            "json" => return Some(Target::Json),
            "record" => return Some(Target::Record),
            "kif" => ("kif", Charset::ShiftJis),
            "kifu" => ("kifu", Charset::Utf8),
            "ki2" => ("ki2", Charset::ShiftJis),
            "ki2u" => ("ki2u", Charset::Utf8),
            "csa" | "csa3" => ("csa", Charset::Utf8),
            "csa2" => ("csa", Charset::ShiftJis),
            "jkf" => ("jkf", Charset::Utf8),
            "usi" => ("usi", Charset::Utf8),
            "sfen" => ("sfen", Charset::Utf8),
            "usen" => ("usen", Charset::Utf8),
            _ => return None,
        };
        Some(Target::Notation { format: Format::from_name(name)?, extension, encoding })
    }

    fn extension(self) -> &'static str {
        match self {
            Target::Notation { extension, .. } => extension,
            Target::Record => "record",
            Target::Json => "json",
        }
    }

    /// Encoding of a file with this name.
    fn charset(self, path: &Path) -> Charset {
        let Target::Notation { format, encoding, .. } = self else { return Charset::Utf8 };
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
        match extension.as_deref().filter(|_| matches!(format, Format::Kif | Format::Ki2)) {
            Some("kif" | "ki2") => Charset::ShiftJis,
            Some("kifu" | "ki2u") => Charset::Utf8,
            _ => encoding,
        }
    }

    /// Separator between the games of a file; `None` if a file holds one game.
    fn separator(self) -> Option<&'static str> {
        match self {
            Target::Notation { format: Format::Csa2 | Format::Csa3, .. } => Some("/\n"),
            Target::Notation { format: Format::Usi, .. } => Some(""),
            _ => None,
        }
    }
}

/// Files that are converted together before they are written: what they hold is in memory at once.
const CHUNK: usize = 256;

/// Converts the input; `print` receives the text to print, `report` each message on the way.
///
/// # Errors
/// Names the invalid argument, or the file that cannot be read or written or is not a record. The other files of a folder, and the
/// other games of a file, are converted nevertheless.
pub fn run(args: &ConvertArgs, print: impl Fn(&str) -> Result<()>, mut report: impl FnMut(&str)) -> Result<()> {
    let target = target(args)?;
    let output = args.output.as_deref().filter(|output| output.as_os_str() != STANDARD_INPUT);
    if args.input.is_dir() {
        return convert_folder(&args.input, output, target, &print, &mut report);
    }
    let source = games::read(&args.input, &mut report)?;
    let (contents, left_out) = contents(&source, target, cores())?;
    if !left_out.is_empty() {
        report(&format!("{}: {left_out}", args.input.display()));
    }
    let mut taken = BTreeSet::new();
    for (number, content) in (1..).zip(&contents) {
        match (output, content) {
            (None, Content::Text(text)) => print(text)?,
            (None, Content::Bytes(_)) => {
                bail!(BadArgument::new("OUTPUT", "", "records are binary; name a file to write to"))
            }
            (Some(output), content) => {
                let path = path_of(output, number, &mut taken);
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
                }
                write_content(content, target, &path, &mut report)?;
                print(&format!("{}\n", path.display()))?;
            }
        }
    }
    let missed = Missed { unreadable: source.unreadable, partial: source.partial() };
    if missed.any() {
        let all = source.unreadable + source.games.len();
        bail!("{}: of {all} games {missed}", args.input.display());
    }
    Ok(())
}

/// Numbers of games of which something is lost.
#[derive(Clone, Copy, Default)]
struct Missed {
    unreadable: usize,
    partial: usize,
}

impl Missed {
    fn any(self) -> bool {
        self.unreadable + self.partial > 0
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.unreadable, "could not be read"), (self.partial, "could be read in part only")];
        let parts = parts.iter().filter(|&&(count, _)| count > 0);
        let text: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
        f.write_str(&text.join(", "))
    }
}

fn target(args: &ConvertArgs) -> Result<Target> {
    let extension = args.output.as_deref().and_then(Path::extension).and_then(|extension| extension.to_str());
    let name = args.to.as_deref().or(extension).map(str::to_lowercase).unwrap_or_default();
    let reason = "the formats are kif, kifu, ki2, ki2u, csa, csa2, jkf, usi, sfen, usen, record and json";
    Target::from_name(&name).ok_or_else(|| BadArgument::new("--to", &name, reason).into())
}

/// Result of converting a file: its messages, contents and descriptions, and its games of which something is lost.
#[derive(Default)]
struct Converted {
    messages: Vec<String>,
    contents: Vec<Content>,
    descriptions: Vec<Value>,
    missed: Missed,
    failed: bool,
}

/// Converts every record in a folder and its subfolders. Files are converted on all cores, and written in the order of their paths.
fn convert_folder(
    input: &Path,
    output: Option<&Path>,
    target: Target,
    print: &impl Fn(&str) -> Result<()>,
    report: &mut dyn FnMut(&str),
) -> Result<()> {
    if output.is_none() && !matches!(target, Target::Json) {
        bail!(BadArgument::new("OUTPUT", "", "a folder is printed as json only; name a folder to write to"));
    }
    let files = games::files(input)?;
    let (mut descriptions, mut taken, mut folders) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let (mut failures, mut missed) = (0, Missed::default());
    for chunk in files.chunks(CHUNK) {
        let all = in_parallel(chunk, cores(), |file| convert(file, output.map(|_| target)));
        for (file, mut converted) in chunk.iter().zip(all) {
            converted.messages.iter().for_each(|message| report(message));
            descriptions.append(&mut converted.descriptions);
            if let Some(output) = output {
                let plain = output.join(file.strip_prefix(input).unwrap_or(file)).with_extension(target.extension());
                let written = write_all(file, &converted.contents, target, &plain, &mut taken, &mut folders, report);
                if let Err(error) = written {
                    report(&format!("{error:#}"));
                    converted.failed = true;
                }
            }
            missed.unreadable += converted.missed.unreadable;
            missed.partial += converted.missed.partial;
            failures += usize::from(converted.failed);
        }
    }
    match output {
        None => print(&pretty(&Value::Array(descriptions)))?,
        Some(output) => print(&format!("{} files written to {}\n", taken.len(), output.display()))?,
    }
    match failures {
        0 if missed.any() => bail!("of the games {missed}"),
        0 => Ok(()),
        _ => bail!("{failures} of {} files could not be converted", files.len()),
    }
}

/// Number of cores that this program may use.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Results of `work` for each item, in their order; `workers` threads share the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], workers: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = workers.min(items.len());
    if workers <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let share = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return done };
            done.push((index, work(item)));
        }
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(share)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker does not panic")).collect()
    });
    done.sort_by_key(|&(index, _)| index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Reads a file and makes its contents, or descriptions if there is no `target`.
fn convert(file: &Path, target: Option<Target>) -> Converted {
    let mut converted = Converted::default();
    let made = games::read(file, &mut |message| converted.messages.push(message.to_owned())).and_then(|source| {
        let made = target.map(|target| contents(&source, target, 1)).transpose()?;
        Ok((source, made))
    });
    match made {
        Err(error) => {
            converted.messages.push(format!("{error:#}"));
            converted.failed = true;
        }
        Ok((source, None)) => {
            converted.missed = Missed { unreadable: source.unreadable, partial: source.partial() };
            let games = (0..source.games.len()).map(|index| describe(&source, &source.games.get(index)));
            converted.descriptions.extend(games);
        }
        Ok((source, Some((contents, left_out)))) => {
            converted.missed = Missed { unreadable: source.unreadable, partial: source.partial() };
            converted.contents = contents;
            if !left_out.is_empty() {
                converted.messages.push(format!("{}: {left_out}", file.display()));
            }
        }
    }
    converted
}

/// Contents of as many files as are needed for all games, and what they leave out.
///
/// # Errors
/// A game that a record cannot hold.
fn contents(source: &GameFile, target: Target, workers: usize) -> Result<(Vec<Content>, LeftOut)> {
    let games: Vec<usize> = (0..source.games.len()).collect();
    let mut left_out = LeftOut::default();
    let contents = match target {
        Target::Json => {
            let entries = in_parallel(&games, workers, |&index| describe(source, &source.games.get(index)));
            vec![Content::Text(match <[Value; 1]>::try_from(entries) {
                Ok([only]) => pretty(&only),
                Err(entries) => pretty(&Value::Array(entries)),
            })]
        }
        Target::Record => {
            let made = in_parallel(&games, workers, |&index| format::Record::of_tree(&source.games.get(index).tree));
            let (records, lost): (Vec<_>, Vec<_>) = made.into_iter().unzip();
            left_out = lost.into_iter().sum();
            vec![Content::Bytes(record::to_bytes(&records).with_context(|| source.name.clone())?)]
        }
        Target::Notation { format, .. } => {
            let made = in_parallel(&games, workers, |&index| {
                let game = source.games.get(index);
                (format.write(&game.tree), format.left_out(&game.tree))
            });
            let (texts, lost): (Vec<_>, Vec<_>) = made.into_iter().unzip();
            left_out = lost.into_iter().sum();
            match target.separator() {
                Some(separator) => vec![Content::Text(texts.join(separator))],
                None => texts.into_iter().map(Content::Text).collect(),
            }
        }
    };
    Ok((contents, left_out))
}

/// Writes the contents of `file` to `plain`, or to other names where records that differ only in their extension would overwrite each
/// other.
fn write_all(
    file: &Path,
    contents: &[Content],
    target: Target,
    plain: &Path,
    taken: &mut BTreeSet<PathBuf>,
    folders: &mut BTreeSet<PathBuf>,
    report: &mut dyn FnMut(&str),
) -> Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let longer = plain.with_file_name(format!("{name}.{}", target.extension()));
    let path = if taken.contains(plain) { &longer } else { plain };
    for (number, content) in (1..).zip(contents) {
        let path = path_of(path, number, taken);
        if let Some(folder) = path.parent().filter(|&folder| folders.insert(folder.to_owned())) {
            fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
        }
        write_content(content, target, &path, report)?;
    }
    Ok(())
}

/// Path of content `number` of a file: the first is `path`, the others `NAME-2` and so on; numbers that are taken are passed over.
fn path_of(path: &Path, number: usize, taken: &mut BTreeSet<PathBuf>) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    let mut number = number;
    loop {
        let path = match number {
            1 => path.to_owned(),
            _ => path.with_file_name(format!("{stem}-{number}{extension}")),
        };
        if taken.insert(path.clone()) {
            return path;
        }
        number += 1;
    }
}

fn write_content(content: &Content, target: Target, path: &Path, report: &mut dyn FnMut(&str)) -> Result<()> {
    let bytes = match (content, target.charset(path)) {
        (Content::Bytes(bytes), _) => Cow::Borrowed(&bytes[..]),
        (Content::Text(text), Charset::Utf8) => Cow::Borrowed(text.as_bytes()),
        (Content::Text(text), Charset::ShiftJis) => {
            let (bytes, numbered) = games::shift_jis(&text.replacen("encoding=UTF-8", "encoding=Shift_JIS", 1));
            if let Some(&first) = numbered.first() {
                let (count, number) = (numbered.len(), u32::from(first));
                report(&format!(
                    "{}: Shift_JIS lacks {count} of the characters, which are written as numbers, {first:?} as &#x{number:X};",
                    path.display()
                ));
            }
            Cow::Owned(bytes)
        }
    };
    write_whole(path, &bytes)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("plain data") + "\n"
}

/// Description of a game in the schema of the public conformance files, where every position has the move number 1.
fn describe(source: &GameFile, game: &ReadGame) -> Value {
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
        "evaluations": record.nodes().iter().map(|node| node.evaluations().len()).sum::<usize>(),
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
