//! A game: a position with its history, and how it ends.

use alloc::vec::Vec;
use core::fmt;

use super::movegen::zone;
use super::{Color, GameResult, IllegalMove, Move, Outcome, Piece, PieceType, Position, Reason, TargetSet};

/// Ply limit of a game where none is given, in training as in matches. Random games have 400 plies in the median.
pub const DEFAULT_MAX_PLIES: u16 = 400;

/// Reason why the side to move may not declare a win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclarationError {
    /// The game has ended.
    GameOver(Outcome),
    /// The king is not on the three far ranks.
    KingOutsideCamp,
    /// The side to move is in check.
    InCheck,
    /// Fewer than ten pieces besides the king are on the three far ranks.
    TooFewPieces {
        /// Number of pieces there.
        found: u32,
    },
    /// Fewer points than Black's 28 or White's 27.
    TooFewPoints {
        /// Number of points.
        found: u32,
        /// Number of points required.
        needed: u32,
    },
}

impl fmt::Display for DeclarationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeclarationError::GameOver(outcome) => write!(f, "the game is over ({outcome})"),
            DeclarationError::KingOutsideCamp => f.write_str("the king is not on the three far ranks"),
            DeclarationError::InCheck => f.write_str("the king is in check"),
            DeclarationError::TooFewPieces { found } => {
                write!(f, "ten pieces besides the king must be on the three far ranks, not {found}")
            }
            DeclarationError::TooFewPoints { found, needed } => write!(f, "it takes {needed} points, not {found}"),
        }
    }
}

impl core::error::Error for DeclarationError {}

impl Position {
    /// Whether the side to move may declare a win by the 27-point rule.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::from_sfen("LNSGKGSNL/4BR3/9/9/9/9/9/9/4k4 b RB 1").unwrap();
    /// assert!(position.can_declare() && !Position::startpos().can_declare());
    /// ```
    pub fn can_declare(&self) -> bool {
        self.declaration().is_ok()
    }

    /// The 27-point rule (入玉宣言): the side to move wins if its king is on the three far ranks and not in check, ten other
    /// pieces of its own are there too, and these with its hand are worth 28 points for Black or 27 for White. Rook and
    /// bishop, promoted or not, count five points and every other piece one.
    fn declaration(&self) -> Result<(), DeclarationError> {
        let us = self.side_to_move();
        if !self.king(us).is_some_and(|king| zone(us).contains(king)) {
            return Err(DeclarationError::KingOutsideCamp);
        }
        if self.in_check() {
            return Err(DeclarationError::InCheck);
        }
        let camp = self.by_color(us) & zone(us);
        let pieces = camp.count() as u32 - 1;
        if pieces < 10 {
            return Err(DeclarationError::TooFewPieces { found: pieces });
        }
        let large = camp & (self.kind(PieceType::Bishop) | self.kind(PieceType::Rook));
        let in_hand: u32 = self.hand(us).iter().map(|(kind, count)| points(kind) * u32::from(count)).sum();
        let found = pieces + 4 * large.count() as u32 + in_hand;
        let needed = match us {
            Color::Black => 28,
            Color::White => 27,
        };
        if found < needed { Err(DeclarationError::TooFewPoints { found, needed }) } else { Ok(()) }
    }
}

const fn points(kind: PieceType) -> u32 {
    match kind {
        PieceType::Bishop | PieceType::Rook => 5,
        _ => 1,
    }
}

/// State before a move, as needed to undo it and to judge repetitions.
#[derive(Clone, Copy, Debug)]
struct Past {
    captured: Option<Piece>,
    /// Whether the side that made the move was in check before it.
    in_check: bool,
    /// The move number before the move.
    ply: u16,
    /// Occurrences of the position before the move.
    occurrences: u8,
}

/// A game from a start position on.
///
/// ```
/// use keisei_core::shogi::Game;
///
/// let mut game = Game::startpos();
/// for mv in ["2h3h", "8b7b", "3h2h", "7b8b"].repeat(3) {
///     game.play(mv.parse().unwrap());
/// }
/// assert_eq!(game.outcome().unwrap().to_string(), "draw: repetition");
/// ```
#[derive(Clone, Debug)]
pub struct Game {
    start: Position,
    position: Position,
    moves: Vec<Move>,
    /// The keys of the positions before the moves; not in `past`, because each move searches all of them.
    keys: Vec<u64>,
    past: Vec<Past>,
    max_plies: u16,
    occurrences: u8,
    in_check: bool,
    outcome: Option<Outcome>,
}

impl Game {
    /// A game from `start`, cut off after `max_plies` moves; 0 sets no limit.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::new(Position::startpos(), 1);
    /// game.play("7g7f".parse().unwrap());
    /// assert_eq!(game.outcome().unwrap().to_string(), "truncated: max plies");
    /// ```
    pub fn new(start: Position, max_plies: u16) -> Game {
        let mut game = Game {
            position: start.clone(),
            start,
            moves: Vec::new(),
            keys: Vec::new(),
            past: Vec::new(),
            max_plies,
            occurrences: 1,
            in_check: false,
            outcome: None,
        };
        game.judge_start();
        game
    }

    /// As [`new`](Self::new), with room for `max_plies` moves, so that playing them allocates nothing.
    pub(crate) fn with_capacity(start: Position, max_plies: u16) -> Game {
        let mut game = Game::new(start, max_plies);
        game.moves.reserve_exact(max_plies.into());
        game.keys.reserve_exact(max_plies.into());
        game.past.reserve_exact(max_plies.into());
        game
    }

    /// Restarts from `start` with the same ply limit, in the same memory.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// game.play("7g7f".parse()?);
    /// game.restart(&Position::startpos());
    /// assert!(game.moves().is_empty());
    /// # Ok::<(), MoveError>(())
    /// ```
    pub fn restart(&mut self, start: &Position) {
        self.start.clone_from(start);
        self.position.clone_from(start);
        self.moves.clear();
        self.keys.clear();
        self.past.clear();
        self.occurrences = 1;
        self.judge_start();
    }

    fn judge_start(&mut self) {
        let can_move;
        (self.in_check, can_move) = self.position.check_and_mobility();
        self.outcome = self.judge(can_move);
    }

    /// A game from the usual start position without a ply limit.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(*Game::startpos().position(), Position::startpos());
    /// ```
    pub fn startpos() -> Game {
        Game::new(Position::startpos(), 0)
    }

    /// The position after the moves so far.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// game.play("7g7f".parse().unwrap());
    /// assert_eq!(game.position().side_to_move(), Color::White);
    /// ```
    #[inline]
    pub const fn position(&self) -> &Position {
        &self.position
    }

    /// The position before the first move.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// game.play("7g7f".parse().unwrap());
    /// assert_eq!(*game.start(), Position::startpos());
    /// ```
    pub const fn start(&self) -> &Position {
        &self.start
    }

    /// The moves so far.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// game.play("7g7f".parse().unwrap());
    /// assert_eq!(game.moves(), ["7g7f".parse().unwrap()]);
    /// ```
    #[inline]
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// The ply limit, 0 for none.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Game::new(Position::startpos(), 256).max_plies(), 256);
    /// ```
    pub const fn max_plies(&self) -> u16 {
        self.max_plies
    }

    /// Occurrences of the current position in this game, the start position included; 1 at its first time.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// for mv in ["2h3h", "8b7b", "3h2h", "7b8b"] {
    ///     game.play(mv.parse().unwrap());
    /// }
    /// assert_eq!(game.repetition_count(), 2);
    /// ```
    #[inline]
    pub const fn repetition_count(&self) -> u8 {
        self.occurrences
    }

    /// Keys of the positions that have occurred at least twice, one for each time after the first.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// for mv in ["2h3h", "8b7b", "3h2h", "7b8b"] {
    ///     game.play(mv.parse().unwrap());
    /// }
    /// assert!(game.repeated_keys().eq([Position::startpos().key()]));
    /// ```
    pub fn repeated_keys(&self) -> impl Iterator<Item = u64> {
        let past = self.keys.iter().copied().zip(self.past.iter().map(|past| past.occurrences));
        past.chain([(self.position.key(), self.occurrences)]).filter(|&(_, count)| count >= 2).map(|(key, _)| key)
    }

    /// Whether the side to move is in check.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::from_sfen("4k4/9/9/9/4r4/9/9/9/4K4 b - 1").unwrap();
    /// assert!(Game::new(position, 0).in_check());
    /// ```
    #[inline]
    pub const fn in_check(&self) -> bool {
        self.in_check
    }

    /// Outcome of the game, `None` while it is in progress.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::new(Position::from_sfen("7nk/9/8P/9/9/9/9/9/K8 b G 1").unwrap(), 0);
    /// assert_eq!(game.outcome(), None);
    /// game.play("G*1b".parse().unwrap());
    /// assert_eq!(game.outcome().unwrap().to_string(), "black wins: checkmate");
    /// ```
    #[inline]
    pub const fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Plays `mv`.
    ///
    /// # Panics
    /// If `mv` is not legal here or the game has ended.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// game.play("7g7f".parse().unwrap());
    /// assert_eq!(game.moves().len(), 1);
    /// ```
    pub fn play(&mut self, mv: Move) {
        if let Err(error) = self.try_play(mv) {
            panic!("{error}");
        }
    }

    /// Plays `mv` if it is legal here and the game has not ended.
    ///
    /// # Errors
    /// If `mv` is not legal or the game has ended; the game is then unchanged.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mv = "7g7e".parse().unwrap();
    /// assert_eq!(Game::startpos().try_play(mv), Err(IllegalMove::AgainstTheRules(mv)));
    /// ```
    pub fn try_play(&mut self, mv: Move) -> Result<(), IllegalMove> {
        if let Some(outcome) = self.outcome {
            return Err(IllegalMove::GameOver(mv, outcome));
        }
        if !self.position.is_legal(mv) {
            return Err(IllegalMove::AgainstTheRules(mv));
        }
        self.play_unchecked(mv);
        Ok(())
    }

    /// Plays `mv`, which the caller knows to be legal here. A game that had ended goes on, as records of games do in which
    /// nobody saw the repetition.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// let mv = game.position().legal_moves()[0];
    /// game.play_unchecked(mv);
    /// assert_eq!(game.moves(), [mv]);
    /// ```
    pub fn play_unchecked(&mut self, mv: Move) {
        self.advance(mv);
        let can_move;
        (self.in_check, can_move) = self.position.check_and_mobility();
        self.settle(can_move);
    }

    /// Plays `mv` as [`play_unchecked`](Self::play_unchecked) does and visits the legal moves of the position after it, as
    /// [`Position::legal_targets`] does, in one pass.
    #[inline]
    pub(crate) fn play_visiting(&mut self, mv: Move, mut visit: impl FnMut(TargetSet)) {
        self.advance(mv);
        let mut can_move = false;
        self.in_check = self.position.check_and_targets(|set| {
            can_move = true;
            visit(set);
        });
        self.settle(can_move);
    }

    fn advance(&mut self, mv: Move) {
        self.keys.push(self.position.key());
        let (ply, in_check, occurrences) = (self.position.ply(), self.in_check, self.occurrences);
        let captured = self.position.advance(mv);
        self.moves.push(mv);
        self.past.push(Past { captured, in_check, ply, occurrences });
    }

    /// Updates occurrences and outcome after the last move; `in_check` is already that of the new position.
    fn settle(&mut self, can_move: bool) {
        self.occurrences = self.last_occurrence().map_or(1, |ply| self.past[ply].occurrences.saturating_add(1));
        self.outcome = self.judge(can_move);
    }

    /// Undoes the last move and returns it, `None` at the start position. A game that had ended is in progress again.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// game.play("7g7f".parse().unwrap());
    /// assert_eq!(game.undo(), "7g7f".parse().ok());
    /// assert_eq!(*game.position(), Position::startpos());
    /// ```
    pub fn undo(&mut self) -> Option<Move> {
        let mv = self.moves.pop()?;
        let past = self.past.pop()?;
        self.keys.pop();
        self.position.retract(mv, past.captured, past.ply);
        self.occurrences = past.occurrences;
        self.in_check = past.in_check;
        // A move was played here, so the game had not ended.
        self.outcome = None;
        Some(mv)
    }

    /// Ends the game as lost by `loser`, at its turn or not. A game that has ended keeps its outcome.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// game.resign(Color::Black);
    /// assert_eq!(game.outcome().unwrap().to_string(), "white wins: resignation");
    /// ```
    pub fn resign(&mut self, loser: Color) {
        self.outcome.get_or_insert(Outcome::win(loser.flip(), Reason::Resignation));
    }

    /// Ends the game as forfeited by `loser`, at its turn or not. A game that has ended keeps its outcome.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// game.forfeit(Color::White);
    /// assert_eq!(game.outcome().unwrap().to_string(), "black wins: forfeit");
    /// ```
    pub fn forfeit(&mut self, loser: Color) {
        self.outcome.get_or_insert(Outcome::win(loser.flip(), Reason::Forfeit));
    }

    /// Ends the game by a declaration of the side to move, which wins by the 27-point rule.
    ///
    /// # Errors
    /// If the rule does not allow it; the game is then unchanged.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::startpos();
    /// assert_eq!(game.declare(), Err(DeclarationError::KingOutsideCamp));
    /// ```
    pub fn declare(&mut self) -> Result<Outcome, DeclarationError> {
        if let Some(outcome) = self.outcome {
            return Err(DeclarationError::GameOver(outcome));
        }
        self.position.declaration()?;
        Ok(*self.outcome.insert(Outcome::win(self.position.side_to_move(), Reason::Declaration)))
    }

    /// Outcome of a game whose players declare a win as soon as they may: a game in progress ends here if the side to move
    /// may [`declare`](Self::declare).
    ///
    /// The one rule of self-play, of batched environments and of matches.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut game = Game::new(Position::from_sfen("LNSGKGSNL/4BR3/9/9/9/9/9/9/4k4 b RB 1").unwrap(), 0);
    /// assert_eq!(game.outcome(), None);
    /// assert_eq!(game.adjudicate().unwrap().to_string(), "black wins: declaration");
    /// assert_eq!(game.outcome(), game.adjudicate());
    /// ```
    pub fn adjudicate(&mut self) -> Option<Outcome> {
        self.outcome.or_else(|| self.declare().ok())
    }

    /// The index in `past` of the latest earlier occurrence of the current position.
    fn last_occurrence(&self) -> Option<usize> {
        // Pairs from the back: the same side was to move before the first move of each pair.
        let key = self.position.key();
        let pairs = self.keys.rchunks_exact(2).position(|pair| pair[0] == key)?;
        Some(self.keys.len() - 2 * (pairs + 1))
    }

    /// The outcome by the rules, checked in this order: no legal move, fourfold repetition, ply limit.
    fn judge(&self, can_move: bool) -> Option<Outcome> {
        let us = self.position.side_to_move();
        if !can_move {
            let reason = if self.in_check { Reason::Checkmate } else { Reason::NoLegalMove };
            return Some(Outcome::win(us.flip(), reason));
        }
        if self.occurrences >= 4 {
            return Some(self.judge_repetition());
        }
        if self.max_plies > 0 && self.moves.len() >= usize::from(self.max_plies) {
            return Some(Outcome { result: GameResult::Truncated, reason: Reason::MaxPlies });
        }
        None
    }

    /// The outcome at the fourth occurrence: a side whose every move since the first occurrence gave check loses
    /// (perpetual check, 連続王手の千日手). If that holds for both sides, it is a draw.
    fn judge_repetition(&self) -> Outcome {
        let key = self.position.key();
        let first = self.keys.iter().position(|&past| past == key).expect("this is a later occurrence");
        // Moves at even distance from `first` were played by the side that is to move now. The first and the current
        // position are the same, so whether `first` was in check tells whether the last move gave check.
        let always_in_check = |offset| self.past[first + offset..].iter().step_by(2).all(|past| past.in_check);
        let us = self.position.side_to_move();
        match (always_in_check(0), always_in_check(1)) {
            (true, false) => Outcome::win(us, Reason::PerpetualCheck),
            (false, true) => Outcome::win(us.flip(), Reason::PerpetualCheck),
            _ => Outcome { result: GameResult::Draw, reason: Reason::Repetition },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another order would change what the bytes of old records mean.
    #[test]
    fn reasons_keep_their_order() {
        let ids = "checkmate no_legal_move repetition perpetual_check declaration resignation max_plies forfeit";
        assert!(Reason::ALL.map(Reason::id).into_iter().eq(ids.split(' ')));
    }
}
