//! Openings: where the games of a match begin, each of them twice, with both colours.

use anyhow::{Result, ensure};
use keisei_core::format::record;
use keisei_core::random::{Purpose, Stream};
use keisei_core::shogi::{Color, Game, Position, material};

use super::book::Book;

/// Uniformly random plies at the start of each game without a book.
pub const OPENING_PLIES: usize = 6;

/// Largest material balance, in pawns, of either side after a random opening.
pub const OPENING_BALANCE: f32 = 2.0;

/// Game after the random opening number `index`: it is not over, and no side is ahead by more than [`OPENING_BALANCE`].
///
/// # Panics
/// If `max_plies` is neither 0 nor above [`OPENING_PLIES`].
pub fn opening(seed: u64, index: usize, max_plies: u16) -> Game {
    assert!(max_plies == 0 || usize::from(max_plies) > OPENING_PLIES, "a game outlasts its opening");
    let mut random = Stream::new(seed, Purpose::Evaluation, index as u64, 0);
    loop {
        let mut game = Game::new(Position::startpos(), max_plies);
        while game.outcome().is_none() && game.moves().len() < OPENING_PLIES {
            let moves = game.position().legal_moves();
            game.play_unchecked(moves[random.below(moves.len())]);
        }
        if game.outcome().is_none() && material::balance(game.position(), Color::Black).abs() <= OPENING_BALANCE {
            return game;
        }
    }
}

/// Openings of a tournament, numbered from 0.
pub(super) enum Openings<'a> {
    /// Random plies.
    Random { seed: u64, max_plies: u16 },
    /// Openings of a book in an order that the seed draws.
    Book { book: &'a Book, order: Vec<usize>, max_plies: u16 },
}

impl<'a> Openings<'a> {
    /// Openings of games with this ply limit, 0 for the longest games that a record holds; the first `count` are wanted.
    ///
    /// # Errors
    /// If the book has fewer, or a game would end within its opening.
    pub(super) fn new(book: Option<&'a Book>, seed: u64, max_plies: u16, count: usize) -> Result<Openings<'a>> {
        let max_plies = if max_plies == 0 { record::MAX_MOVES as u16 } else { max_plies };
        let limit = usize::from(max_plies);
        ensure!(limit <= record::MAX_MOVES, "a ply limit of {limit}: a record holds {} moves", record::MAX_MOVES);
        let Some(book) = book else {
            ensure!(limit > OPENING_PLIES, "a ply limit of {limit}: it must be above the {OPENING_PLIES} random plies");
            return Ok(Openings::Random { seed, max_plies });
        };
        book.check(limit)?;
        let openings = book.len();
        ensure!(
            count <= openings,
            "the book has {openings} openings, but {count} are needed: each of a pairing's openings is played once with \
             each colour; take a longer book or fewer games"
        );
        let mut order: Vec<usize> = (0..openings).collect();
        Stream::new(seed, Purpose::Evaluation, 0, 3).shuffle(&mut order);
        Ok(Openings::Book { book, order, max_plies })
    }

    /// Game after opening `index`.
    pub(super) fn game(&self, index: usize) -> Game {
        match self {
            Openings::Random { seed, max_plies } => opening(*seed, index, *max_plies),
            Openings::Book { book, order, max_plies } => book.game(order[index], *max_plies),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_are_balanced_and_differ() {
        let openings: Vec<Game> = (0..200).map(|pair| opening(1, pair, 400)).collect();
        for game in &openings {
            assert_eq!((game.moves().len(), game.outcome()), (OPENING_PLIES, None));
            assert!(material::balance(game.position(), Color::Black).abs() <= 2.0);
        }
        let mut keys: Vec<u64> = openings.iter().map(|game| game.position().key()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert!(keys.len() > 195, "{} different openings of 200", keys.len());
        assert_eq!(opening(1, 7, 0).moves(), openings[7].moves());
        assert_ne!(opening(2, 7, 400).moves(), openings[7].moves());
    }

    #[test]
    fn a_limit_within_the_opening_is_refused() {
        let check = |max_plies, expected: Result<(), &str>| {
            let found = Openings::new(None, 1, max_plies, 1).map(|_| ()).map_err(|error| error.to_string());
            assert_eq!(
                found.as_ref().map_err(|text| &text[..]),
                expected.as_ref().map(|&()| &()).map_err(|&text| text)
            );
        };
        check(0, Ok(()));
        check(7, Ok(()));
        check(10_000, Ok(()));
        check(6, Err("a ply limit of 6: it must be above the 6 random plies"));
        check(10_001, Err("a ply limit of 10001: a record holds 10000 moves"));
    }

    #[test]
    fn the_seed_draws_the_order_of_a_book() {
        let text = "startpos moves 7g7f\nstartpos moves 2g2f\nstartpos moves 5g5f\nstartpos moves 9g9f\n";
        let book = Book::from_text("book", text).expect("it is sound");
        let order = |seed| {
            let openings = Openings::new(Some(&book), seed, 400, 4).expect("there are four");
            (0..4).map(|index| openings.game(index).moves()[0].to_string()).collect::<Vec<_>>()
        };
        let mut sorted = order(1);
        assert_eq!(sorted, order(1));
        assert!((2..10).any(|seed| order(seed) != sorted));
        sorted.sort();
        assert_eq!(sorted, ["2g2f", "5g5f", "7g7f", "9g9f"]);
        let short = Openings::new(Some(&book), 1, 400, 5).map(|_| ()).expect_err("there are four");
        assert!(short.to_string().contains("has 4 openings, but 5 are needed"), "{short}");
        let early = Openings::new(Some(&book), 1, 1, 1).map(|_| ()).expect_err("the game ends with the opening");
        assert!(early.to_string().contains("line 1: its 1 plies reach the ply limit of 1"), "{early}");
    }
}
