//! Games of other programs in any notation and text encoding, and our own records.
//!
//! | extension | format |
//! |---|---|
//! | `.kif` `.kifu` `.ki2` `.ki2u` `.csa` `.jkf` `.usi` `.sfen` `.usen` | that notation, whatever the text's encoding |
//! | any other, or none | our record file, or the notation that is detected from the text |
//!
//! A game whose start position is not understood is not read, and neither is a text of which nothing is. [`record_of`] makes a record of
//! ours from the main line of a game.

use std::borrow::Cow;
use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8};
use keisei_core::format::{PlyInfo, Record, record};
use keisei_core::notation::{
    Builder, Centipawns, Defect, End, Evaluation, EvaluationSource, Event, Format, GameTree, LeftOut, Parsed, csa, usi,
};
use keisei_core::shogi::{Color, Game, Move, Position};

use keisei_play::files::read as read_bytes;
use keisei_play::rating::{centipawns, value_of};

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
            Games::Records(records) => Cow::Owned(ReadGame { tree: tree_of(&records[index]), defects: Vec::new() }),
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
    let parsed = match format_of_name(path).unwrap_or(detected) {
        Format::Csa2 | Format::Csa3 => csa::read_all(&text),
        Format::Usi => usi::read_all(&text),
        format => vec![format.read(&text)],
    };
    let (mut games, mut reasons) = (Vec::new(), Vec::new());
    let count = parsed.len();
    for (number, game) in (1..).zip(parsed) {
        let place = if count == 1 { String::new() } else { format!(", game {number}") };
        for defect in &game.defects {
            report(&format!("{}{place}: {defect}", path.display()));
        }
        let reason = game.defects.first().map(ToString::to_string);
        match game {
            Parsed { tree: Some(tree), defects } if defects.is_empty() || holds_something(&tree) => {
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

/// Whether a text with defects is a game all the same: something was played, or it begins from a position of its own.
fn holds_something(tree: &GameTree) -> bool {
    tree.len() > 1 || *tree.start() != Position::startpos()
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
    let nonsense = |text: &str| {
        let strange = |found: &char| matches!(found, '\u{ff61}'..='\u{ff9f}' | '\u{e000}'..='\u{f8ff}');
        let unknown = text.chars().filter(|&found| found == '\u{fffd}').count();
        10 * unknown + text.chars().filter(strange).count()
    };
    let shift_jis = SHIFT_JIS.decode(bytes).0;
    let doubts = nonsense(&shift_jis);
    if doubts > 0 {
        let euc_jp = EUC_JP.decode(bytes).0;
        if nonsense(&euc_jp) < doubts {
            return (euc_jp.into_owned(), "EUCJP");
        }
    }
    (named_characters(&shift_jis), "SJIS")
}

/// Text with the characters that [`shift_jis`] wrote as numbers.
fn named_characters(text: &str) -> String {
    let mut named = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("&#x") {
        named.push_str(before);
        let number = after.split_once(';').and_then(|(digits, after)| {
            let number = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
            Some((char::from_u32(number).filter(|&character| is_foreign(character))?, after))
        });
        if let Some((character, after)) = number {
            named.push(character);
            rest = after;
        } else {
            named.push_str("&#x");
            rest = after;
        }
    }
    named + rest
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

/// Game of one of our records, with the players' values and candidates as evaluations: a legal game, since it was read.
fn tree_of(game: &Record) -> GameTree {
    let start = Position::from_sfen(&game.start_sfen).expect("a record that was read has a start position");
    let mut builder = Builder::new(start);
    for (index, &mv) in game.moves.iter().enumerate() {
        let mover = builder.position().side_to_move();
        builder.play(mv).expect("a record that was read holds legal moves");
        let Some(info) = game.plies.get(index).filter(|&info| *info != PlyInfo::default()) else { continue };
        let evaluation = builder.node_mut().evaluation_mut(EvaluationSource::Player);
        evaluation.score = info.value.map(|value| Centipawns::from_view(mover, centipawns(value)));
        evaluation.value = info.value.map(|value| -value);
        evaluation.policy.clone_from(&info.top);
        // The line begins before the move; what follows another move than the one that was played has no place.
        if let Some((_, line)) = info.line.split_first().filter(|&(&first, _)| first == mv) {
            evaluation.line = line.to_vec();
        }
    }
    if let Some(outcome) = game.outcome {
        // The longest record fills the longest line, where an end has no place.
        let _ = builder.end(End::of_outcome(outcome, builder.position().side_to_move()));
    }
    if !game.note.is_empty() {
        builder.node_mut().comments.push(game.note.clone());
    }
    let mut tree = builder.finish();
    tree.set_header("先手", &game.black);
    tree.set_header("後手", &game.white);
    if game.max_plies > 0 {
        tree.set_header("最大手数", &game.max_plies.to_string());
    }
    tree
}

/// Record of a game's main line, and what it leaves out. The game ends where the rules end it, or with its end; the player's evaluations
/// become values, candidates and lines.
pub fn record_of(tree: &GameTree) -> (Record, LeftOut) {
    let line = tree.main_line();
    let length = tree.main_moves().len();
    let max_plies = tree.header("最大手数").and_then(|plies| plies.parse().ok());
    let max_plies: u16 = max_plies.filter(|&plies| usize::from(plies) >= length).unwrap_or(0);
    let mut game = Game::new(tree.start().clone(), max_plies);
    let (mut plies, mut note, mut left_out) = (Vec::new(), String::new(), LeftOut::default());
    for node in line.iter().map(|&id| tree.node(id)) {
        if matches!(node.event(), Event::End(_)) {
            note = node.comments.join("\n");
        } else {
            left_out.comments += usize::from(!node.comments.is_empty());
        }
        left_out.bookmarks += usize::from(node.bookmark.is_some());
        left_out.times += usize::from(node.spent.is_some());
        let mut info = PlyInfo::default();
        for evaluation in node.evaluations() {
            match node.event() {
                Event::Move(mv) if evaluation.source == EvaluationSource::Player => {
                    info = info_of(evaluation, *mv, game.position().side_to_move());
                }
                _ => left_out.evaluations += 1,
            }
        }
        match node.event() {
            Event::Start => {}
            Event::Move(mv) if game.try_play(*mv).is_ok() => plies.push(info),
            Event::Move(_) | Event::Illegal(_) => left_out.illegal_moves += 1,
            Event::End(end) => {
                let decided = game.outcome().is_some();
                match end {
                    End::Resign if !decided => game.resign(game.position().side_to_move()),
                    End::IllegalLoss if !decided => game.forfeit(game.position().side_to_move()),
                    End::IllegalWin if !decided => game.forfeit(game.position().side_to_move().flip()),
                    // A record of a game that goes on has no outcome.
                    End::Interrupt if !decided => {}
                    End::Declaration if !decided => left_out.ends += usize::from(game.declare().is_err()),
                    end => {
                        let by_rule =
                            game.outcome().map(|outcome| End::of_outcome(outcome, game.position().side_to_move()));
                        left_out.ends += usize::from(by_rule.as_ref() != Some(end));
                    }
                }
            }
        }
    }
    while plies.last().is_some_and(|last| *last == PlyInfo::default()) {
        plies.pop();
    }
    left_out.variations = tree.lines().len() - 1;
    let kept = ["先手", "後手", "最大手数"];
    left_out.headers = tree.headers.iter().filter(|(key, _)| !kept.contains(&key.as_str())).count();
    let name = |key| tree.header(key).unwrap_or_default();
    (Record { note, ..Record::of_game(&game, name("先手"), name("後手"), plies) }, left_out)
}

/// What a player thought before its move `mv`, from its evaluation after it.
fn info_of(evaluation: &Evaluation, mv: Move, mover: Color) -> PlyInfo {
    let of_score = || evaluation.score.map(|score| value_of(score.seen_from(mover)));
    let line = if evaluation.line.is_empty() { Vec::new() } else { [&[mv][..], &evaluation.line].concat() };
    PlyInfo { value: evaluation.value.map(|value| -value).or_else(of_score), top: evaluation.policy.clone(), line }
}
