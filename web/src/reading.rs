//! Reading: the games in a file of any format and encoding, in the worker.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use keisei_core::format::{Record, record, tree};
use keisei_core::notation::{Defect, End, Format, GameTree, TextEncoding, decode, link};
use keisei_core::shogi::{GameResult, Position};
use wasm_bindgen::prelude::*;

use crate::js_error;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Kind of a file of games: a format of text, our records, a stored tree, or a link. */
export type FileKind = RecordFormat | "record" | "tree" | "link";
"#;

/// Largest text, in bytes: thousands of games; what is made of a hostile one still fits into a page.
const MOST_TEXT: usize = 16 << 20;

/// Largest number of games of a text.
const MOST_GAMES: usize = 50_000;

/// Largest record file, in bytes: a hundred thousand games, which a phone can still hold.
const MOST_RECORDS: usize = 256 << 20;

/// Largest number of games that could not be read of which the reason is told.
const MOST_PROBLEMS: usize = 100;

#[wasm_bindgen]
extern "C" {
    /// Decoder of the browser.
    type TextDecoder;

    #[wasm_bindgen(constructor, catch)]
    fn new(label: &str) -> Result<TextDecoder, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn decode(this: &TextDecoder, bytes: &[u8]) -> Result<String, JsValue>;
}

/// Games of a file, numbered from 0. Trees are made when they are asked for: a file may hold many games.
#[wasm_bindgen]
pub struct GameFile {
    kind: &'static str,
    encoding: Option<TextEncoding>,
    games: Games,
    problems: Vec<String>,
}

enum Games {
    Records(Vec<Record>),
    /// Small bytes instead of large trees.
    Trees(Vec<ReadGame>),
}

/// Game of a text.
struct ReadGame {
    /// Bytes of a tree file.
    bytes: Vec<u8>,
    black: String,
    white: String,
    event: String,
    plies: usize,
    ending: Option<&'static str>,
    winner: Option<u8>,
    defects: Vec<String>,
}

impl ReadGame {
    fn new(tree: &GameTree, defects: &[Defect]) -> ReadGame {
        let header = |keys: &[&str]| keys.iter().find_map(|key| tree.header(key)).unwrap_or_default().to_owned();
        let line = tree.main_line();
        let side = tree.position(*line.last().expect("a line has its root")).side_to_move();
        let end = tree.end();
        ReadGame {
            bytes: tree::to_bytes(tree),
            black: header(&["先手"]),
            white: header(&["後手"]),
            event: header(&["棋戦", "表題", "$EVENT"]),
            plies: tree.main_moves().len(),
            ending: end.map(End::id),
            winner: end.and_then(|end| end.winner(side)).map(|color| color as u8),
            defects: defects.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Games in the bytes of a file, which may be a text of any format and encoding, our records, or a stored tree. The extension of
/// `name` counts for texts that could be several things.
///
/// # Errors
/// If there is no game in it; the text names the reason and its place.
#[wasm_bindgen]
pub fn read_games(bytes: &[u8], name: &str) -> Result<GameFile, JsError> {
    read(bytes, name, decoded).map_err(|reason| JsError::new(&reason))
}

fn decoded(encoding: TextEncoding, bytes: &[u8]) -> String {
    let text = TextDecoder::new(encoding.label()).and_then(|decoder| decoder.decode(bytes));
    // Every browser has these encodings; what cannot be decoded is shown as such.
    text.unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned())
}

fn read(bytes: &[u8], name: &str, decoded: impl FnMut(TextEncoding, &[u8]) -> String) -> Result<GameFile, String> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
    if record::is_record(bytes) || extension == "record" {
        check_size(bytes, MOST_RECORDS)?;
        let records = record::from_bytes(bytes).map_err(|error| error.to_string())?;
        return Ok(GameFile { kind: "record", encoding: None, games: Games::Records(records), problems: Vec::new() });
    }
    check_size(bytes, MOST_TEXT)?;
    if tree::is_tree(bytes) {
        let tree = tree::from_bytes(bytes).map_err(|error| error.to_string())?;
        return Ok(GameFile::of_trees("tree", None, vec![ReadGame::new(&tree, &[])]));
    }
    let (text, encoding) = decode(bytes, decoded);
    // A text of letters without spaces may be a link, which its checksum proves.
    if let Ok(tree) =
        link::read(text.rsplit_once("#g=").map_or(&*text, |(_, link)| link.split('&').next().unwrap_or(link)))
    {
        return Ok(GameFile::of_trees("link", Some(encoding), vec![ReadGame::new(&tree, &[])]));
    }
    let format = Format::from_name(&extension).or_else(|| Format::detect(&text));
    let format = format.ok_or("the file is empty")?;
    let mut file = GameFile::of_trees(format.name(), Some(encoding), Vec::new());
    let (mut games, mut unread, mut count) = (Vec::new(), Vec::new(), 0);
    for parsed in format.games(&text).take(MOST_GAMES) {
        count += 1;
        let tree = parsed.tree.filter(|tree| parsed.defects.is_empty() || tree.holds_something());
        if let Some(tree) = tree {
            games.push(ReadGame::new(&tree, &parsed.defects));
        } else if unread.len() < MOST_PROBLEMS {
            let reason = parsed.defects.first().map_or_else(|| "it is not understood".into(), ToString::to_string);
            unread.push((count, reason));
        }
    }
    let told = |(number, reason)| if count == 1 { reason } else { format!("game {number}: {reason}") };
    file.problems = unread.into_iter().map(told).collect();
    if count == MOST_GAMES {
        file.problems.push(format!("only the first {MOST_GAMES} games are read"));
    }
    if games.is_empty() {
        let reason = file.problems.into_iter().next();
        return Err(reason.unwrap_or_else(|| "there is no game in it".into()));
    }
    file.games = Games::Trees(games);
    Ok(file)
}

/// End of a recorded game, and the colour of its winner.
fn outcome_of(record: &Record) -> Option<(End, Option<u8>)> {
    let outcome = record.outcome?;
    let first = Position::from_sfen(&record.start_sfen).ok()?.side_to_move();
    let side = if record.moves.len().is_multiple_of(2) { first } else { first.flip() };
    let winner = if let GameResult::Win(color) = outcome.result { Some(color as u8) } else { None };
    Some((End::of_outcome(outcome, side), winner))
}

fn check_size(bytes: &[u8], most: usize) -> Result<(), String> {
    if bytes.len() <= most { Ok(()) } else { Err(format!("the file has {} bytes, more than {most}", bytes.len())) }
}

impl GameFile {
    const fn of_trees(kind: &'static str, encoding: Option<TextEncoding>, games: Vec<ReadGame>) -> GameFile {
        GameFile { kind, encoding, games: Games::Trees(games), problems: Vec::new() }
    }

    /// Facts about a game, as `of_record` or `of_tree` gives them.
    fn ask<'a, T>(
        &'a self,
        game: usize,
        of_record: impl FnOnce(&'a Record) -> T,
        of_tree: impl FnOnce(&'a ReadGame) -> T,
    ) -> Result<T, JsError> {
        let found = match &self.games {
            Games::Records(records) => records.get(game).map(of_record),
            Games::Trees(games) => games.get(game).map(of_tree),
        };
        found.ok_or_else(|| js_error(format!("no game {game} among {}", self.count())))
    }

    const fn count(&self) -> usize {
        match &self.games {
            Games::Records(records) => records.len(),
            Games::Trees(games) => games.len(),
        }
    }
}

#[wasm_bindgen]
impl GameFile {
    /// Number of games.
    #[wasm_bindgen(getter)]
    pub fn games(&self) -> usize {
        self.count()
    }

    /// Kind of the file.
    #[wasm_bindgen(getter, unchecked_return_type = "FileKind")]
    pub fn kind(&self) -> String {
        self.kind.into()
    }

    /// Encoding of the text, by its name in the Encoding Standard; `undefined` for a binary file.
    #[wasm_bindgen(getter)]
    pub fn encoding(&self) -> Option<String> {
        self.encoding.map(|encoding| encoding.label().into())
    }

    /// Games that could not be read, each with the reason and its place.
    pub fn problems(&self) -> Vec<String> {
        self.problems.clone()
    }

    /// Name of Black's player; empty if it is not known.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn black(&self, game: usize) -> Result<String, JsError> {
        self.ask(game, |record| record.black.clone(), |game| game.black.clone())
    }

    /// Name of White's player; empty if it is not known.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn white(&self, game: usize) -> Result<String, JsError> {
        self.ask(game, |record| record.white.clone(), |game| game.white.clone())
    }

    /// Name of the event; empty if it is not known.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn event(&self, game: usize) -> Result<String, JsError> {
        self.ask(game, |_| String::new(), |game| game.event.clone())
    }

    /// Number of moves of the main line.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn plies(&self, game: usize) -> Result<usize, JsError> {
        self.ask(game, |record| record.moves.len(), |game| game.plies)
    }

    /// End of the main line, if the game has one.
    ///
    /// # Errors
    /// If there is no such game.
    #[wasm_bindgen(unchecked_return_type = "LineEnd | undefined")]
    pub fn end(&self, game: usize) -> Result<Option<String>, JsError> {
        let of_record = |record: &Record| outcome_of(record).map(|(end, _)| end.id().into());
        self.ask(game, of_record, |game| game.ending.map(Into::into))
    }

    /// Colour of the winner; `undefined` if there is none, or the end does not tell.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn winner(&self, game: usize) -> Result<Option<u8>, JsError> {
        self.ask(game, |record| outcome_of(record).and_then(|(_, winner)| winner), |game| game.winner)
    }

    /// Places of the text that were not understood, each with the reason.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn defects(&self, game: usize) -> Result<Vec<String>, JsError> {
        self.ask(game, |_| Vec::new(), |game| game.defects.clone())
    }

    /// Bytes of the game for [`Tree::from_bytes`](crate::Tree::from_bytes).
    ///
    /// # Errors
    /// If there is no such game.
    pub fn bytes(&self, game: usize) -> Result<Vec<u8>, JsError> {
        self.ask(game, |record| tree::to_bytes(&record.to_tree()), |game| game.bytes.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use encoding_rs::{EUC_JP, ISO_2022_JP, SHIFT_JIS};
    use keisei_core::notation::MAX_ALTERNATIVES;
    use keisei_core::shogi::Game;

    use super::*;

    /// Decoder with the browser's tables.
    fn with_tables(encoding: TextEncoding, bytes: &[u8]) -> String {
        let table = match encoding {
            TextEncoding::EucJp => EUC_JP,
            TextEncoding::Iso2022Jp => ISO_2022_JP,
            _ => SHIFT_JIS,
        };
        table.decode(bytes).0.into_owned()
    }

    fn read_file(bytes: &[u8], name: &str) -> Result<GameFile, String> {
        read(bytes, name, with_tables)
    }

    fn trees(file: &GameFile) -> Vec<GameTree> {
        let game = |game| file.bytes(game).ok().and_then(|bytes| tree::from_bytes(&bytes).ok()).expect("a game");
        (0..file.games()).map(game).collect()
    }

    const KIF: &str = "先手：甲\n後手：乙\n棋戦：試験\n   1 ７六歩(77)\n*ひとこと\n   2 ３四歩(33)\n   3 投了\n変化：2手\n   2 ８四歩(83)\n";

    #[test]
    fn every_encoding_gives_the_same_game() {
        let expected = vec![Format::Kif.read(KIF).strict().expect("a game")];
        let utf16 =
            |unit: fn(u16) -> [u8; 2]| ["\u{feff}", KIF].concat().encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        for (bytes, encoding) in [
            (KIF.as_bytes().to_vec(), TextEncoding::Utf8),
            (["\u{feff}", KIF].concat().into_bytes(), TextEncoding::Utf8),
            (utf16(u16::to_le_bytes), TextEncoding::Utf16),
            (utf16(u16::to_be_bytes), TextEncoding::Utf16),
            (SHIFT_JIS.encode(KIF).0.into_owned(), TextEncoding::ShiftJis),
            (EUC_JP.encode(KIF).0.into_owned(), TextEncoding::EucJp),
        ] {
            let file = read_file(&bytes, "").expect("a file");
            assert_eq!((trees(&file), file.encoding), (expected.clone(), Some(encoding)));
        }
        let file = read_file(KIF.as_bytes(), "").expect("a file");
        let Games::Trees(games) = &file.games else { panic!("a text") };
        let game = &games[0];
        assert_eq!((&*game.black, &*game.white, &*game.event, game.plies), ("甲", "乙", "試験", 2));
        // Black resigned.
        assert_eq!((game.ending, game.winner, &*game.defects), (Some("resign"), Some(1), &[][..]));
    }

    #[test]
    fn every_kind_of_file_is_told_apart() {
        let tree = Format::Usi.read("startpos moves 7g7f 3c3d resign").strict().expect("a game");
        let only_moves = |file: &GameFile| trees(file).iter().map(GameTree::main_moves).collect::<Vec<_>>();
        for format in Format::ALL {
            let file = read_file(format.write(&tree).as_bytes(), "pasted").expect("a file");
            assert_eq!(only_moves(&file), [tree.main_moves()], "{}", format.name());
        }
        let root = tree.id(0).expect("the start");
        let link = format!("https://example.org/replay.html#g={}&p=2&o=w", link::write(&tree, root));
        let record = record::to_bytes(&[Record::of_tree(&tree).0]).expect("a record");
        for (bytes, kind) in [(link.into_bytes(), "link"), (tree::to_bytes(&tree), "tree"), (record, "record")] {
            let file = read_file(&bytes, "").expect(kind);
            assert_eq!(
                (file.kind, only_moves(&file), trees(&file)[0].end()),
                (kind, vec![tree.main_moves()], tree.end())
            );
        }
        let games = "PI\n+\n+7776FU\n/\nP1-KY\n/\nPI\n+\n+2726FU\n-3334KI\n";
        let file = read_file(games.as_bytes(), "a.csa").expect("a file");
        assert_eq!(
            (file.games(), &*file.problems.join(" ")),
            (2, "game 2: line 5, column 6: a piece such as +FU, or * was expected here")
        );
        let Games::Trees(read) = &file.games else { panic!("a text") };
        assert_eq!(read[1].defects, ["line 10, column 1: the move starts from a square without such a piece"]);
    }

    #[test]
    fn files_without_a_game_are_refused_with_a_reason() {
        #[track_caller]
        fn check(bytes: &[u8], name: &str, reason: &str) {
            assert_eq!(read_file(bytes, name).err().as_deref(), Some(reason));
        }
        check(b"", "", "the file is empty");
        check(b"hello\nworld\n", "", "line 1, column 1: the line is not understood; it is kept as a comment");
        check(b"", "a.record", "record file: the file has 0 bytes, but should have 56: it was cut off or added to");
        check(b"KEISEI-T", "", "tree file: the file has 8 bytes, but should have 56: it was cut off or added to");
        check(b"{\"moves\":[", "a.jkf", "line 1, column 11: value or end of sequence expected");
        let long = vec![b' '; MOST_TEXT + 1];
        check(&long, "a.kif", "the file has 16777217 bytes, more than 16777216");
    }

    #[test]
    fn all_conformance_files() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
        let entries = ["kifu/files", "cases"].map(|name| std::fs::read_dir(folder.join(name)));
        let [Ok(files), Ok(cases)] = entries else {
            println!("SKIPPED: the conformance files are not at {}", folder.display());
            return;
        };
        let mut seen = 0;
        for path in files.chain(cases).map(|entry| entry.expect("an entry").path()) {
            let bytes = std::fs::read(&path).expect("a file");
            let name = path.file_name().expect("a name").to_string_lossy();
            if name == "README.md" {
                continue;
            }
            seen += 1;
            let (text, _) = decode(&bytes, with_tables);
            let format = Format::from_name(name.rsplit_once('.').expect("an extension").1).expect("a format");
            let native: Vec<GameTree> = format.read_all(&text).into_iter().filter_map(|parsed| parsed.tree).collect();
            for name in [&*name, "pasted"] {
                match read_file(&bytes, name) {
                    Ok(file) => assert_eq!(trees(&file), native, "{name}"),
                    Err(reason) => assert!(native.is_empty(), "{name}: {reason}"),
                }
            }
            for tree in native {
                for node in (0..tree.len()).filter_map(|index| tree.id(index)).step_by(7) {
                    let back = link::read(&link::write(&tree, node)).unwrap_or_else(|error| panic!("{name}: {error}"));
                    let line = [tree.path(node), tree.line(node).split_off(1)].concat();
                    let moves: Vec<_> = line.iter().filter_map(|&id| tree.node(id).event().mv()).collect();
                    let found: Vec<_> = back.nodes().iter().filter_map(|node| node.event().mv()).collect();
                    assert_eq!((found, back.start()), (moves, tree.start()), "{name}");
                }
            }
        }
        println!("{seen} files");
    }

    #[test]
    fn hostile_texts_are_bounded() {
        // Ends in other words, each another one, and each a variation of the first move.
        let ends: Vec<String> = (0..200_000).map(|number| format!("1 終{number:05}局")).collect();
        let file = read_file(["手数----指手--", &ends.join("\n")].join("\n").as_bytes(), "a.kif").expect("a file");
        assert_eq!(trees(&file)[0].len(), 1 + MAX_ALTERNATIVES);
        let games = "startpos\n".repeat(MOST_GAMES + 1);
        let file = read_file(games.as_bytes(), "a.usi").expect("a file");
        assert_eq!((file.games(), &*file.problems[0]), (MOST_GAMES, "only the first 50000 games are read"));
        let broken = "sfen 9/9 b - 1\n".repeat(1000) + "startpos moves 7g7f\n";
        let file = read_file(broken.as_bytes(), "a.usi").expect("a file");
        assert_eq!((file.games(), file.problems.len()), (1, MOST_PROBLEMS));
    }

    #[test]
    fn ten_thousand_records_are_a_list_first() {
        let mut game = Game::startpos();
        for usi in ["7g7f", "3c3d", "8h2b+", "3a2b"] {
            game.play(usi.parse().expect("USI"));
        }
        let records: Vec<Record> =
            (0..10_000).map(|number| Record::of_game(&game, &format!("player {number}"), "", Vec::new())).collect();
        let file = read_file(&record::to_bytes(&records).expect("legal games"), "").expect("a file");
        assert_eq!((file.games(), file.black(9_999).ok()), (10_000, Some("player 9999".into())));
        assert_eq!(file.bytes(9_999).ok().map(|bytes| bytes.len() < 200), Some(true));
    }
}
