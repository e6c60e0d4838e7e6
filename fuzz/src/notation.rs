//! Fuzzing of game records as text.
//!
//! | selector | parser |
//! |---|---|
//! | 0–6 | a format of [`Format::ALL`] |
//! | 7 | bytes whose encoding and format are detected |

use keisei_core::notation::{Format, GameTree, Problem, csa, usi};
use keisei_tests::record::reduced;
use trainer_native::interop::games::decode;

/// Reads `data` with the parser that its first byte selects.
///
/// # Panics
/// If a tree is not equal after writing and reading it again in a format that can hold it.
pub fn check(data: &[u8]) {
    let Some((selector, input)) = data.split_first() else { return };
    if let Some(&format) = Format::ALL.get(usize::from(selector % 8)) {
        if let Some(record) = str::from_utf8(input).ok().and_then(|text| format.read(text).tree) {
            round_trip(format, &record);
        }
        return;
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
        for (selector, format) in (0..).zip(Format::ALL) {
            if Some(format) == own {
                seeds.push(super::seed(selector, &text));
            }
            seeds.push(super::seed(selector, format.write(&record)));
        }
    }
    seeds
}
