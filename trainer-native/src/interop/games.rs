//! Games of other programs in any notation and text encoding, and our own records.
//!
//! | extension | format |
//! |---|---|
//! | `.kif` `.kifu` `.ki2` `.ki2u` `.csa` `.jkf` `.usi` `.sfen` `.usen` | that notation, whatever the text's encoding |
//! | `.record` | our record file; its games have the players' names |
//! | any other | the notation that is detected from the text |

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8};
use keisei_core::format;
use keisei_core::notation::{Format, GameTree, Parsed, csa, usi};

use keisei_play::files::{read as read_bytes, read_records};

/// Games of one file.
pub struct GameFile {
    /// Name of the file, without its folders.
    pub name: String,
    /// Encoding of the text: `ASCII`, `UTF8`, `UTF16`, `SJIS`, `EUCJP` or `JIS`; `binary` for our records.
    pub encoding: &'static str,
    /// Games, in the order of the file, each with its defects.
    pub games: Vec<Parsed>,
}

/// Games of a file; `report` receives each defect of its text.
///
/// # Errors
/// Names the file that cannot be read or holds no game.
pub fn read(path: &Path, report: &mut dyn FnMut(&str)) -> Result<GameFile> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if is_record(path) {
        let games = read_records(path)?.iter().map(notation_of).collect::<Result<_>>()?;
        return Ok(GameFile { name, encoding: "binary", games });
    }
    let (text, encoding) = decode(&read_bytes(path)?);
    let format = format_of_name(path).or_else(|| Format::detect(&text));
    let games = match format.with_context(|| format!("{}: is empty", path.display()))? {
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
    Ok(GameFile { name, encoding, games })
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

/// Text of a file, and the name of its encoding. A byte order mark or valid UTF-8 decides at once; between `Shift_JIS` and
/// EUC-JP the one with fewer implausible characters is taken.
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
    // Kanji decoded by the wrong one of the two encodings become half-width katakana, private and unknown characters.
    let nonsense = |encoding: &'static Encoding| {
        let (text, _, _) = encoding.decode(bytes);
        let strange = |found: &char| matches!(found, '\u{ff61}'..='\u{ff9f}' | '\u{e000}'..='\u{f8ff}');
        let unknown = text.chars().filter(|&found| found == '\u{fffd}').count();
        10 * unknown + text.chars().filter(strange).count()
    };
    let encoding = if nonsense(EUC_JP) < nonsense(SHIFT_JIS) { EUC_JP } else { SHIFT_JIS };
    (encoding.decode(bytes).0.into_owned(), if encoding == EUC_JP { "EUCJP" } else { "SJIS" })
}

fn format_of_name(path: &Path) -> Option<Format> {
    Format::from_name(&path.extension()?.to_str()?.to_lowercase())
}

fn is_record(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "record")
}

fn notation_of(game: &format::Record) -> Result<Parsed> {
    let mut record = GameTree::of_game(&game.replay().context("the game")?);
    record.set_header("先手", &game.black);
    record.set_header("後手", &game.white);
    Ok(Parsed { tree: record, defects: Vec::new() })
}
