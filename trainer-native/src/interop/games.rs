//! Games of other programs in any notation and text encoding, and our own records.
//!
//! | extension | format |
//! |---|---|
//! | `.kif` `.kifu` `.ki2` `.ki2u` `.csa` `.jkf` `.usi` `.sfen` `.usen` | that notation, whatever the text's encoding |
//! | any other, or none | our record file, or the notation that is detected from the text |
//!
//! A game whose start position is not understood is not read, and neither is a text of which nothing is. [`Record::of_tree`] makes a
//! record of ours from the main line of a game.

use std::borrow::Cow;
use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use encoding_rs::{EUC_JP, ISO_2022_JP, SHIFT_JIS};
use keisei_core::format::{Record, record};
use keisei_core::notation::{self, Defect, Format, GameTree, Parsed, TextEncoding};

use keisei_play::files::read as read_bytes;

/// Name of standard input among the paths.
pub const STANDARD_INPUT: &str = "-";

/// Games of one file.
pub struct GameFile {
    /// Name of the file, without its folders.
    pub name: String,
    /// Encoding of the text: `ASCII`, `UTF8`, `UTF16`, `SJIS`, `EUCJP` or `JIS`; `binary` for our records.
    pub encoding: &'static str,
    /// Games that were read, in the order of the file; at least one but for an empty record file.
    pub games: Games,
    /// Number of games that could not be read.
    pub unreadable: usize,
}

impl GameFile {
    /// Number of games of which a part is lost, because it was not understood.
    pub fn partial(&self) -> usize {
        let is_partial = |game: &&ReadGame| game.defects.iter().any(|defect| !defect.problem.loses_nothing());
        match &self.games {
            Games::Text(games) => games.iter().filter(is_partial).count(),
            Games::Records(_) => 0,
        }
    }
}

/// Games of a file, as they are in memory.
pub enum Games {
    /// Games of a text.
    Text(Vec<ReadGame>),
    /// Our records, of which trees are made one by one: they are many in a file, and their trees large.
    Records(Vec<Record>),
}

impl Games {
    /// Number of games.
    pub fn len(&self) -> usize {
        match self {
            Games::Text(games) => games.len(),
            Games::Records(records) => records.len(),
        }
    }

    /// Whether there is no game.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Game number `index`, from 0.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn get(&self, index: usize) -> Cow<'_, ReadGame> {
        match self {
            Games::Text(games) => Cow::Borrowed(&games[index]),
            Games::Records(records) => Cow::Owned(ReadGame { tree: records[index].to_tree(), defects: Vec::new() }),
        }
    }
}

/// Game of a file.
#[derive(Clone)]
pub struct ReadGame {
    /// The game, as far as it was understood.
    pub tree: GameTree,
    /// Places that were not.
    pub defects: Vec<Defect>,
}

/// Games of a file, or of standard input if the path is [`STANDARD_INPUT`]; `report` receives each defect of its text.
///
/// # Errors
/// Names the file that cannot be read or holds no game.
pub fn read(path: &Path, report: &mut dyn FnMut(&str)) -> Result<GameFile> {
    if path.as_os_str() == STANDARD_INPUT {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("standard input: cannot be read")?;
        return parse("standard input", Path::new("standard input"), &bytes, report);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    parse(&name, path, &read_bytes(path)?, report)
}

/// Games in the bytes of the file `path`, which need not exist.
///
/// # Errors
/// As for [`read`].
pub fn parse(name: &str, path: &Path, bytes: &[u8], report: &mut dyn FnMut(&str)) -> Result<GameFile> {
    let name = name.to_owned();
    if record::is_record(bytes) || is_record(path) {
        let records = record::from_bytes(bytes).with_context(|| path.display().to_string())?;
        return Ok(GameFile { name, encoding: "binary", games: Games::Records(records), unreadable: 0 });
    }
    let (text, encoding) = decode(bytes);
    let detected = Format::detect(&text).with_context(|| format!("{}: is empty", path.display()))?;
    let parsed = format_of_name(path).unwrap_or(detected).read_all(&text);
    let (mut games, mut reasons) = (Vec::new(), Vec::new());
    let count = parsed.len();
    for (number, game) in (1..).zip(parsed) {
        let place = if count == 1 { String::new() } else { format!(", game {number}") };
        for defect in &game.defects {
            report(&format!("{}{place}: {defect}", path.display()));
        }
        let reason = game.defects.first().map(ToString::to_string);
        match game {
            Parsed { tree: Some(tree), defects } if defects.is_empty() || tree.holds_something() => {
                games.push(ReadGame { tree, defects });
            }
            _ => {
                report(&format!("{}{place}: is left out, because it is not understood", path.display()));
                reasons.extend(reason);
            }
        }
    }
    if games.is_empty() {
        let reason = reasons.into_iter().next().unwrap_or_else(|| "there is no game in it".to_owned());
        bail!("{}: is no record that can be read: {reason}", path.display());
    }
    Ok(GameFile { name, encoding, unreadable: count - games.len(), games: Games::Text(games) })
}

/// Files in a folder and its subfolders that have the extension of a record, sorted by path.
///
/// # Errors
/// Names the folder that cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let cannot = || format!("{}: cannot be read", folder.display());
        for entry in fs::read_dir(&folder).with_context(cannot)? {
            let path = entry.with_context(cannot)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if is_record(&path) || format_of_name(&path).is_some() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Text of a file, and the name of its encoding.
pub fn decode(bytes: &[u8]) -> (String, &'static str) {
    let (text, encoding) = notation::decode(bytes, |encoding, bytes| {
        let table = match encoding {
            TextEncoding::EucJp => EUC_JP,
            TextEncoding::Iso2022Jp => ISO_2022_JP,
            _ => SHIFT_JIS,
        };
        table.decode(bytes).0.into_owned()
    });
    let name = match encoding {
        TextEncoding::Ascii => "ASCII",
        TextEncoding::Utf8 => "UTF8",
        TextEncoding::Utf16 => "UTF16",
        TextEncoding::ShiftJis => "SJIS",
        TextEncoding::EucJp => "EUCJP",
        TextEncoding::Iso2022Jp => "JIS",
    };
    (text, name)
}

/// Whether `Shift_JIS` has no such character.
fn is_foreign(character: char) -> bool {
    SHIFT_JIS.encode(character.encode_utf8(&mut [0; 4])).2
}

/// Characters that `Shift_JIS` lacks, and those that mean the same in a game record.
const SUBSTITUTES: [(char, char); 12] = [
    ('☗', '▲'),
    ('☖', '△'),
    ('⛊', '▼'),
    ('⛉', '▽'),
    ('\u{301c}', '～'),
    ('\u{2016}', '∥'),
    ('\u{2014}', '―'),
    ('\u{a2}', '￠'),
    ('\u{a3}', '￡'),
    ('\u{ac}', '￢'),
    ('\u{a0}', ' '),
    ('\u{2003}', '　'),
];

/// Bytes of a text in `Shift_JIS`. A character that it lacks is written as one that means the same, or as its number (`&#x2665;`);
/// the latter are returned.
pub fn shift_jis(text: &str) -> (Vec<u8>, Vec<char>) {
    let (bytes, _, lacks) = SHIFT_JIS.encode(text);
    if !lacks {
        return (bytes.into_owned(), Vec::new());
    }
    let (mut known, mut numbered) = (String::new(), Vec::new());
    for character in text.chars() {
        if let Some(&(_, same)) = SUBSTITUTES.iter().find(|row| row.0 == character) {
            known.push(same);
        } else if !character.is_ascii() && is_foreign(character) {
            write!(known, "&#x{:X};", u32::from(character)).expect("a string takes everything");
            numbered.push(character);
        } else {
            known.push(character);
        }
    }
    (SHIFT_JIS.encode(&known).0.into_owned(), numbered)
}

fn format_of_name(path: &Path) -> Option<Format> {
    Format::from_name(&path.extension()?.to_str()?.to_lowercase())
}

fn is_record(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "record")
}
