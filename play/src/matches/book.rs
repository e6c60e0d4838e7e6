//! Book: openings from a file.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::successors;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use keisei_core::format::record;
use keisei_core::notation::{Defect, End, Event, Format, GameTree, NodeId, Parsed, csa, usi};
use keisei_core::random::mix;
use keisei_core::shogi::{Game, Move, Position};

use crate::files::read;

/// Openings of a file, in its order.
///
/// The file is a text that [`notation`](keisei_core::notation) reads. In USI's notation each line is an opening: an SFEN, or
/// `startpos moves …`; empty lines and those that begin with `#` are left out. Every game of a CSA file is one, and in a format
/// with variations (KIF, KI2, JKF, USEN) every line of the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Book {
    name: String,
    openings: Vec<Opening>,
}

/// Opening of a book.
#[derive(Clone, Debug, PartialEq)]
struct Opening {
    start: Position,
    moves: Vec<Move>,
    /// End that the text tells, if any: then nothing can follow.
    end: Option<End>,
    place: Place,
}

/// Place of an opening in its file; all numbers count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Line(usize),
    Game(usize),
    /// Line of play of a tree.
    Variation(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Place::Line(line) => write!(f, "line {line}"),
            Place::Game(game) => write!(f, "game {game}"),
            Place::Variation(variation) => write!(f, "variation {variation}"),
        }
    }
}

impl Book {
    /// Book in the file at `path`, a text in UTF-8.
    ///
    /// # Errors
    /// Names the file, and the line of the first defect: what is not understood, a position in which the game is over, an
    /// opening that leads to the same position as another.
    pub fn open(path: &Path) -> Result<Book> {
        let name = path.display().to_string();
        let bytes = read(path)?;
        let text = std::str::from_utf8(&bytes).with_context(|| format!("{name}: is not a text in UTF-8"))?;
        Book::from_text(&name, text)
    }

    /// Book of this name in a text.
    ///
    /// # Errors
    /// As for [`open`](Book::open).
    pub fn from_text(name: &str, text: &str) -> Result<Book> {
        let openings = openings(text).and_then(|openings| check(&openings).map(|()| openings));
        Ok(Book { name: name.to_owned(), openings: openings.with_context(|| name.to_owned())? })
    }

    /// Name of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of openings.
    pub fn len(&self) -> usize {
        self.openings.len()
    }

    /// Whether there is no opening; a book has one at least.
    pub fn is_empty(&self) -> bool {
        self.openings.is_empty()
    }

    /// Hash of all openings in their order: equal for books with the same openings, whatever their files.
    pub fn hash(&self) -> u64 {
        let of_opening = |hash: u64, opening: &Opening| {
            let moves = opening.moves.iter().map(|mv| u64::from(mv.to_u16()));
            let parts = [opening.start.key(), opening.moves.len() as u64].into_iter().chain(moves);
            parts.fold(hash, |hash, part| mix(hash ^ mix(part)))
        };
        self.openings.iter().fold(0, of_opening)
    }

    /// Checks that no game with this ply limit ends within its opening.
    pub(super) fn check(&self, max_plies: usize) -> Result<()> {
        for Opening { moves, place, .. } in &self.openings {
            let plies = moves.len();
            ensure!(plies < max_plies, "{}: {place}: its {plies} plies reach the ply limit of {max_plies}", self.name);
        }
        Ok(())
    }

    /// Game after the opening at `index`.
    pub(super) fn game(&self, index: usize, max_plies: u16) -> Game {
        let Opening { start, moves, .. } = &self.openings[index];
        let mut game = Game::new(start.clone(), max_plies);
        for &mv in moves {
            game.play(mv);
        }
        game
    }
}

/// Openings in a text, in their order.
fn openings(text: &str) -> Result<Vec<Opening>> {
    let format = Format::detect(text).context("is empty")?;
    match format {
        Format::Usi => text.lines().enumerate().filter_map(|(index, line)| of_line(index + 1, line)).collect(),
        Format::Csa2 | Format::Csa3 => {
            let games = (1..).zip(csa::read_all(text));
            games.map(|(number, game)| Ok(of_tree(&strict(game)?).remove(0).at(Place::Game(number)))).collect()
        }
        format => {
            let lines = of_tree(&strict(format.read(text))?);
            Ok((1..).zip(lines).map(|(number, opening)| opening.at(Place::Variation(number))).collect())
        }
    }
}

/// Opening in a line in USI's notation; `None` without one.
fn of_line(number: usize, line: &str) -> Option<Result<Opening>> {
    let line = line.trim_start_matches('\u{feff}').trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let read = || -> Result<Opening> {
        let tree = usi::read(line).strict().map_err(|Defect { problem, .. }| problem)?;
        Ok(of_tree(&tree).remove(0).at(Place::Line(number)))
    };
    Some(read().with_context(|| format!("line {number}")))
}

fn strict(parsed: Parsed) -> Result<GameTree> {
    Ok(parsed.strict()?)
}

/// Openings of a tree: its lines of play, the main line first.
fn of_tree(tree: &GameTree) -> Vec<Opening> {
    let opening = |line: &Vec<NodeId>| {
        let mut whole: Vec<NodeId> = successors(tree.node(line[0]).parent(), |&id| tree.node(id).parent()).collect();
        whole.reverse();
        whole.extend(line);
        let events = || whole.iter().map(|&id| tree.node(id).event());
        let end = events().find_map(|event| if let Event::End(end) = event { Some(end.clone()) } else { None });
        let moves = events().filter_map(Event::mv).collect();
        Opening { start: tree.start().clone(), moves, end, place: Place::Game(1) }
    };
    tree.lines().iter().map(opening).collect()
}

impl Opening {
    fn at(self, place: Place) -> Opening {
        Opening { place, ..self }
    }
}

/// Checks that a game goes on after each opening, and that no two lead to the same position.
fn check(openings: &[Opening]) -> Result<()> {
    ensure!(!openings.is_empty(), "has no opening");
    let mut seen = BTreeMap::new();
    for Opening { start, moves, end, place } in openings {
        ensure!(moves.len() <= record::MAX_MOVES, "{place}: {} plies are no opening", moves.len());
        let mut game = Game::new(start.clone(), 0);
        for &mv in moves {
            if let Err(error) = game.try_play(mv) {
                bail!("{place}: {error}");
            }
        }
        if let Some(outcome) = game.adjudicate() {
            bail!("{place}: the game is over there ({outcome})");
        }
        if let Some(end) = end.as_ref().filter(|&end| *end != End::Interrupt) {
            bail!("{place}: the game is over there ({})", end.name());
        }
        // The position without the number of its move: what is on the board, in hand, and who is to move.
        let sfen = game.position().to_sfen();
        let position = sfen.rsplit_once(' ').map_or(&*sfen, |(position, _)| position).to_owned();
        if let Some(first) = seen.insert(position, place) {
            bail!("{place}: leads to the same position as {first}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use keisei_core::notation::{Format, kif};

    /// Each opening of a book as a line in USI's notation.
    fn lines(text: &str) -> Vec<String> {
        let book = Book::from_text("book", text).expect(text);
        let line = |index| {
            let game = book.game(index, 400);
            let moves: Vec<String> = game.moves().iter().map(ToString::to_string).collect();
            format!("{} {}", game.start().to_sfen(), moves.join(" "))
        };
        (0..book.len()).map(line).collect()
    }

    fn check_refused(text: &str, expected: &str) {
        let error = Book::from_text("some.book", text).expect_err(expected);
        assert_eq!(format!("{error:#}"), format!("some.book: {expected}"));
    }

    const START: &str = "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1";

    #[test]
    fn each_line_is_an_opening() {
        let text = "# Two openings and a position.\n\nposition startpos moves 7g7f 3c3d\r\nstartpos moves 2g2f\n\
                    4k4/9/9/9/9/9/PPPPPPPPP/9/4K4 w 2R 1\n7g7f 8c8d\n";
        let position = "4k4/9/9/9/9/9/PPPPPPPPP/9/4K4 w 2R 1 ";
        let moves = |moves: &str| format!("{START} {moves}");
        assert_eq!(lines(text), [moves("7g7f 3c3d"), moves("2g2f"), position.into(), moves("7g7f 8c8d")]);
    }

    #[test]
    fn every_line_of_a_tree_is_an_opening() {
        let kif = "手合割：平手\n1 ７六歩(77)\n2 ３四歩(33)\n\n変化：2手\n2 ８四歩(83)\n3 ２六歩(27)\n";
        let expected = ["7g7f 3c3d", "7g7f 8c8d 2g2f"].map(|moves| format!("{START} {moves}"));
        assert_eq!(lines(kif), expected);
        let tree = kif::read(kif).strict().expect("it is KIF");
        for format in [Format::Jkf, Format::Usen, Format::Ki2] {
            assert_eq!(lines(&format.write(&tree)), expected, "{}", format.name());
        }
    }

    #[test]
    fn every_game_of_a_csa_file_is_an_opening() {
        let csa = "V2.2\nPI\n+\n+7776FU\n-3334FU\n/\nPI\n+\n+2726FU\n";
        assert_eq!(lines(csa), ["7g7f 3c3d", "2g2f"].map(|moves| format!("{START} {moves}")));
    }

    #[test]
    fn what_is_no_opening_is_named_with_its_line() {
        check_refused("", "is empty");
        check_refused("startpos moves 7g7f\n\nstartpos moves 7g7e\n", "line 3: 7g7e is against the rules here");
        check_refused(
            "startpos\nsfen 9/9 b - 1\n",
            "line 2: the start position is wrong (SFEN board: nine ranks are separated by /, not 2)",
        );
        check_refused("startpos\nhello\n", "line 2: startpos, an SFEN or a move was expected here");
        check_refused("7g7f 3c3d 2g2f\n# a remark\n2g2f 3c3d 7g7f\n", "line 3: leads to the same position as line 1");
        check_refused("startpos\nstartpos\n", "line 2: leads to the same position as line 1");
        check_refused(
            "startpos\n8k/9/8P/9/9/9/9/9/K8 b G 1 moves G*1b\n",
            "line 2: the game is over there (black wins: checkmate)",
        );
        let shuffle = ["2h3h", "8b7b", "3h2h", "7b8b"].repeat(3).join(" ");
        check_refused(&format!("startpos moves {shuffle}\n"), "line 1: the game is over there (draw: repetition)");
        let declared = "4K4/PPPPPPPPP/PPPPPPPPP/9/9/9/9/9/4k4 b 2R2B 1";
        check_refused(declared, "line 1: the game is over there (black wins: declaration)");
        check_refused("startpos moves 7g7f resign", "line 1: the game is over there (resign)");
        check_refused(
            "手合割：平手\n1 ７六歩(77)\n2 ３四歩(34)\n",
            "line 3, column 3: the move starts from a square without such a piece",
        );
    }
}
