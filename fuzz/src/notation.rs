//! Fuzzing of game records as text.
//!
//! | selector | parser |
//! |---|---|
//! | 0–6 | a format of [`Format::ALL`] |
//! | 7 | bytes whose encoding and format are detected |
//! | 8, 9 | a link: the text; its content, with the right checksum |
//! | 10, 11 | a tree file: the whole file; the body, sealed here with the right digest |
//! | 12 | a typed move at the start of a game |

use keisei_core::format::{envelope, tree};
use keisei_core::notation::{Format, GameTree, Problem, csa, link, typed, usi};
use keisei_core::shogi::Position;
use keisei_tests::record::reduced;
use trainer_native::interop::games::decode;

/// Reads `data` with the parser that its first byte selects.
///
/// # Panics
/// If a tree is not equal after writing and reading it again in a format that can hold it.
pub fn check(data: &[u8]) {
    let Some((selector, input)) = data.split_first() else { return };
    let text = || str::from_utf8(input).unwrap_or_default();
    match selector % 13 {
        7 => {}
        8 => return a_link(text()),
        9 => return a_link(&link::encode(input.to_vec())),
        10 => return a_tree(input),
        11 => return a_tree(&envelope::seal(*b"KEISEI-T", tree::VERSION, &[], input)),
        12 => {
            let start = Position::startpos();
            return drop(typed::read(&start, text(), None).map(|mv| assert!(start.is_legal(mv))));
        }
        format => {
            let format = Format::ALL[usize::from(format)];
            if let Some(record) = format.read(text()).tree {
                round_trip(format, &record);
            }
            return;
        }
    }
    let (text, _) = decode(input);
    let games = csa::read_all(&text).into_iter().chain(usi::read_all(&text)).filter_map(|parsed| parsed.tree);
    games.for_each(|record| round_trip(Format::Csa3, &record));
    if let Some(record) = Format::detect(&text).and_then(|format| format.read(&text).tree) {
        for format in Format::ALL {
            round_trip(format, &record);
        }
    }
}

fn a_link(text: &str) {
    if let Ok(record) = link::read(text) {
        let root = record.id(0).expect("a tree has its root");
        assert_eq!(link::read(&link::write(&record, root)), Ok(record));
    }
}

fn a_tree(bytes: &[u8]) {
    if let Ok(record) = tree::from_bytes(bytes) {
        assert_eq!(tree::from_bytes(&tree::to_bytes(&record)).as_ref(), Ok(&record));
        // Whatever a stored tree holds, every format can write it.
        for format in Format::ALL {
            drop(format.read(&format.write(&record)));
        }
    }
}

fn round_trip(format: Format, record: &GameTree) {
    let text = format.write(record);
    let back = format.read(&text);
    for defect in &back.defects {
        assert!(matches!(defect.problem, Problem::Illegal(_)), "{}: {defect}\n{text}", format.name());
    }
    let back = back.tree.expect("what was written is a game");
    let kept = back.same_tree(&reduced(record, format)) && back.start().key() == record.start().key();
    assert!(kept, "{} does not keep the tree\n{text}\n{}", format.name(), format.write(&back));
    // A second round trip changes no node. Headers are not compared: the first one may rewrite them in the format's own words.
    let again = format.read(&format.write(&back)).tree.expect("what was written is a game");
    assert!(again.same_tree(&back), "{}\n{text}", format.name());
}

/// The fixtures, as they are and in every format.
///
/// # Panics
/// If a fixture is not text.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for name in ["tree.kif", "mate.ki2", "clocks.csa", "games.csa", "handicap.jkf"] {
        let text = String::from_utf8(super::fixture(&format!("kifu/{name}"))).expect("a fixture in UTF-8");
        seeds.push(super::seed(7, &text));
        let own = Format::from_name(name.rsplit_once('.').map_or("", |(_, extension)| extension));
        let record = own.expect("a known extension").read(&text).tree.expect("a fixture is a game");
        let bytes = tree::to_bytes(&record);
        let (_, body) = envelope::open(&bytes, *b"KEISEI-T", tree::VERSION).expect("a file");
        seeds.extend([super::seed(10, &bytes), super::seed(11, body)]);
        seeds.push(super::seed(8, link::write(&record, record.id(0).expect("a tree has its root"))));
        for (selector, format) in (0..).zip(Format::ALL) {
            if Some(format) == own {
                seeds.push(super::seed(selector, &text));
            }
            seeds.push(super::seed(selector, format.write(&record)));
        }
    }
    seeds.push(super::seed(9, [link::VERSION, 0, 0]));
    seeds.extend(["7g7f", "7776FU", "P-7f", "７六歩", "58金右"].map(|text| super::seed(12, text)));
    seeds
}
