//! Fuzzing of positions and single moves.
//!
//! | selector | parser |
//! |---|---|
//! | 0 | SFEN, and all functions of a position |
//! | 1 | a move in USI |
//! | 2 | a BOD diagram |
//! | 3 | a move in Japanese, Western or CSA text, in a position a few random moves from the start |

use keisei_core::notation::{bod, csa, japanese, western};
use keisei_core::shogi::{Game, MAX_MOVES, Move, Position};

/// Reads `data` with the parser that its first byte selects.
///
/// # Panics
/// If accepted input is not equal after writing and reading it again.
pub fn check(data: &[u8]) {
    let Some((selector, input)) = data.split_first() else { return };
    if selector % 4 == 3 {
        return move_text(input);
    }
    let Ok(text) = str::from_utf8(input) else { return };
    match selector % 4 {
        0 => drop(Position::from_sfen(text).map(|position| sfen(&position))),
        1 => drop(text.parse().map(|mv: Move| assert_eq!(mv.to_usi(), text))),
        _ => drop(bod::read(text).map(|position| assert_eq!(bod::read(&bod::write(&position)), Ok(position)))),
    }
}

fn sfen(position: &Position) {
    assert_eq!(Position::from_sfen(&position.to_sfen()).as_ref(), Ok(position));
    let moves = position.legal_moves();
    assert!(moves.len() <= MAX_MOVES);
    assert_eq!((moves.len(), !moves.is_empty()), (position.legal_count(), position.has_legal_move()));
    let mut game = Game::new(position.clone(), 0);
    assert_eq!(game.outcome().is_none(), position.has_legal_move());
    for mv in moves {
        assert!(position.is_legal(mv));
        game.play(mv);
        let after = game.position();
        assert_eq!(Position::from_sfen(&after.to_sfen()).as_ref(), Ok(after));
        game.undo();
        assert_eq!(game.position(), position);
    }
}

/// Checks move texts. The first byte is the number of moves to the position, the next ones select the moves.
fn move_text(input: &[u8]) {
    let Some((&plies, input)) = input.split_first() else { return };
    let plies = usize::from(plies % 64).min(input.len());
    let (choices, input) = input.split_at(plies);
    let Ok(input) = str::from_utf8(input) else { return };
    let mut position = Position::startpos();
    let mut previous = None;
    for &choice in choices {
        let moves = position.legal_moves();
        let Some(&mv) = moves.get(usize::from(choice) % moves.len().max(1)) else { return };
        position.play(mv);
        previous = Some(mv.to());
    }
    if let Ok(mv) = japanese::read(&position, input, previous)
        && position.is_legal(mv)
    {
        assert_eq!(japanese::read(&position, &japanese::write_marked(&position, mv, previous), previous), Ok(mv));
        assert_eq!(japanese::read(&position, &japanese::write_kif(&position, mv, previous), previous), Ok(mv));
    }
    if let Ok(mv) = western::read(&position, input) {
        assert_eq!(western::read(&position, &western::write(&position, mv)), Ok(mv));
    }
    if let Ok(mv) = csa::read_move(&position, input) {
        assert_eq!(csa::read_move(&position, &csa::write_move(&position, mv)), Ok(mv));
    }
}

/// Rows of the perft table as SFEN and as diagrams, and moves of each kind.
///
/// # Panics
/// If a row is not SFEN.
pub fn seeds() -> Vec<Vec<u8>> {
    let table = String::from_utf8(super::fixture("perft.tsv")).expect("a table of text");
    let mut rows: Vec<&str> = table.lines().filter_map(|row| row.split('\t').next()).collect();
    rows.dedup();
    let mut seeds = Vec::new();
    for sfen in rows {
        seeds.push(super::seed(0, sfen));
        seeds.push(super::seed(2, bod::write(&Position::from_sfen(sfen).expect("a row of the table"))));
    }
    seeds.extend(["7g7f", "8h2b+", "P*5e"].map(|usi| super::seed(1, usi)));
    let texts =
        ["▲７六歩", "同　銀", "５八金右", "４四角成", "７六歩(77)", "P-7f", "B4e*", "S7hx7g+", "+7776FU", "-0055KA"];
    seeds.extend(texts.map(|text| [&[3, 2, 4, 9], text.as_bytes()].concat()));
    seeds
}
