//! A game: a position with its history, and how it ends.

use alloc::vec::Vec;
use core::fmt::{self, Write};

use super::movegen::zone;
use super::{Color, IllegalMove, Move, Piece, PieceType, Position, TargetSet};

/// Who has won, if anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GameResult {
    /// This side has won.
    Win(Color),
    /// Nobody has won.
    Draw,
    /// The game was cut off by the ply limit: no result, so no draw for a learner either.
    Truncated,
}

/// Why a game has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The loser is in check and has no legal move.
    Checkmate,
    /// The loser is not in check but has no legal move, which loses as well.
    NoLegalMove,
    /// The same position for the fourth time (sennichite, 千日手).
    Repetition,
    /// The same position for the fourth time, and every move of the loser since the first gave check.
    PerpetualCheck,
    /// The winner declared an entered king (入玉宣言) with enough points.
    Declaration,
    /// The loser resigned.
    Resignation,
    /// The ply limit was reached.
    MaxPlies,
}

impl Reason {
    /// Every reason, in the order of their bytes in a record.
    pub const ALL: [Reason; 7] = [
        Reason::Checkmate,
        Reason::NoLegalMove,
        Reason::Repetition,
        Reason::PerpetualCheck,
        Reason::Declaration,
        Reason::Resignation,
        Reason::MaxPlies,
    ];

    /// The name in metrics: the words of [`Display`](fmt::Display) joined by `_`.
    ///
    /// ```
    /// use keisei_core::shogi::Reason;
    ///
    /// assert_eq!(Reason::NoLegalMove.id(), "no_legal_move");
    /// assert_eq!(Reason::NoLegalMove.to_string(), "no legal move");
    /// ```
    pub const fn id(self) -> &'static str {
        match self {
            Reason::Checkmate => "checkmate",
            Reason::NoLegalMove => "no_legal_move",
            Reason::Repetition => "repetition",
            Reason::PerpetualCheck => "perpetual_check",
            Reason::Declaration => "declaration",
            Reason::Resignation => "resignation",
            Reason::MaxPlies => "max_plies",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id().chars().try_for_each(|letter| f.write_char(if letter == '_' { ' ' } else { letter }))
    }
}

/// How a game has ended; as text for example `black wins: checkmate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// Who has won.
    pub result: GameResult,
    /// Why.
    pub reason: Reason,
}

impl Outcome {
    const fn win(winner: Color, reason: Reason) -> Outcome {
        Outcome { result: GameResult::Win(winner), reason }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.result {
            GameResult::Win(color) => write!(f, "{color} wins: {}", self.reason),
            GameResult::Draw => write!(f, "draw: {}", self.reason),
            GameResult::Truncated => write!(f, "truncated: {}", self.reason),
        }
    }
}

/// Why the side to move may not declare.
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
        /// How many are.
        found: u32,
    },
    /// Fewer points than Black's 28 or White's 27.
    TooFewPoints {
        /// How many there are.
        found: u32,
        /// How many it takes.
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

/// What a move left behind, enough to take it back and to judge repetitions.
#[derive(Clone, Copy, Debug)]
struct Past {
    captured: Option<Piece>,
    /// Whether the side that made the move was in check before it.
    in_check: bool,
    /// The move number before the move.
    ply: u16,
    /// How often the position before the move had occurred.
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
    /// The keys of the positions before the moves, apart from `past`: all of them are searched at every move.
    keys: Vec<u64>,
    past: Vec<Past>,
    max_plies: u16,
    occurrences: u8,
    in_check: bool,
    outcome: Option<Outcome>,
}

impl Game {
    /// A game from `start`, cut off after `max_plies` moves; 0 sets no limit.
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

    /// Forgets the game and begins another from `start` with the same ply limit, in the same memory.
    pub(crate) fn restart(&mut self, start: &Position) {
        self.start.clone_from(start);
        self.position.clone_from(start);
        self.moves.clear();
        self.keys.clear();
        self.past.clear();
        self.occurrences = 1;
        self.judge_start();
    }

    fn judge_start(&mut self) {
        let (in_check, can_move) = self.position.check_and_mobility();
        self.in_check = in_check;
        self.outcome = self.judge(in_check, can_move);
    }

    /// A game from the usual start position without a ply limit.
    pub fn startpos() -> Game {
        Game::new(Position::startpos(), 0)
    }

    /// The position after the moves so far.
    #[inline]
    pub const fn position(&self) -> &Position {
        &self.position
    }

    /// The position before the first move.
    pub const fn start(&self) -> &Position {
        &self.start
    }

    /// The moves so far.
    #[inline]
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// The ply limit, 0 for none.
    pub const fn max_plies(&self) -> u16 {
        self.max_plies
    }

    /// How often the current position has occurred in this game, the start position included; 1 at its first time.
    #[inline]
    pub const fn repetition_count(&self) -> u8 {
        self.occurrences
    }

    /// The keys of the positions that have occurred at least twice, each as often as it came back.
    pub fn repeated_keys(&self) -> impl Iterator<Item = u64> {
        let past = self.keys.iter().copied().zip(self.past.iter().map(|past| past.occurrences));
        past.chain([(self.position.key(), self.occurrences)]).filter(|&(_, count)| count >= 2).map(|(key, _)| key)
    }

    /// Whether the side to move is in check.
    #[inline]
    pub const fn in_check(&self) -> bool {
        self.in_check
    }

    /// How the game has ended, if it has.
    #[inline]
    pub const fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Plays `mv`.
    ///
    /// # Panics
    /// If `mv` is not legal here or the game has ended.
    pub fn play(&mut self, mv: Move) {
        if let Err(error) = self.try_play(mv) {
            panic!("{error}");
        }
    }

    /// Plays `mv` if it is legal here and the game has not ended.
    ///
    /// # Errors
    /// If it is not, or has; the game is then unchanged.
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

    /// Plays `mv`, which the caller knows to be legal here in a game that has not ended.
    pub fn play_unchecked(&mut self, mv: Move) {
        self.advance(mv);
        let (in_check, can_move) = self.position.check_and_mobility();
        self.settle(in_check, can_move);
    }

    /// Plays `mv` as [`play_unchecked`](Self::play_unchecked) does and visits the legal moves of the position after it, as
    /// [`Position::legal_targets`] does, in one pass.
    #[inline]
    pub(crate) fn play_visiting(&mut self, mv: Move, mut visit: impl FnMut(TargetSet)) {
        self.advance(mv);
        let mut can_move = false;
        let in_check = self.position.check_and_targets(|set| {
            can_move = true;
            visit(set);
        });
        self.settle(in_check, can_move);
    }

    fn advance(&mut self, mv: Move) {
        self.keys.push(self.position.key());
        let (ply, in_check, occurrences) = (self.position.ply(), self.in_check, self.occurrences);
        let captured = self.position.advance(mv);
        self.moves.push(mv);
        self.past.push(Past { captured, in_check, ply, occurrences });
    }

    /// Judges the position that the last move led to.
    fn settle(&mut self, in_check: bool, can_move: bool) {
        self.in_check = in_check;
        self.occurrences = self.last_occurrence().map_or(1, |ply| self.past[ply].occurrences + 1);
        self.outcome = self.judge(in_check, can_move);
    }

    /// Takes the last move back and returns it. A game that has ended goes on.
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

    /// `loser` resigns, at its turn or not. A game that has ended keeps its outcome.
    pub fn resign(&mut self, loser: Color) {
        self.outcome.get_or_insert(Outcome::win(loser.flip(), Reason::Resignation));
    }

    /// The side to move declares a win by the 27-point rule.
    ///
    /// # Errors
    /// If it may not; the game then goes on.
    pub fn declare(&mut self) -> Result<Outcome, DeclarationError> {
        if let Some(outcome) = self.outcome {
            return Err(DeclarationError::GameOver(outcome));
        }
        self.position.declaration()?;
        Ok(*self.outcome.insert(Outcome::win(self.position.side_to_move(), Reason::Declaration)))
    }

    /// The outcome of the game as it stands, where a side that may declare a win does so: without an outcome but with a
    /// declaration allowed to the side to move, the declaration ends the game.
    ///
    /// The rule of self-play, of batched environments and of matches.
    ///
    /// ```
    /// use keisei_core::shogi::{Game, Position};
    ///
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

    /// The end of the game by the rules, in this order: no legal move, fourfold repetition, ply limit.
    fn judge(&self, in_check: bool, can_move: bool) -> Option<Outcome> {
        let us = self.position.side_to_move();
        if !can_move {
            let reason = if in_check { Reason::Checkmate } else { Reason::NoLegalMove };
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
        // Moves at even distance from `first` were played by the side that is to move now. The position before them is also
        // the one after the last move, so it stands for the check that this one gave.
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
        let ids = "checkmate no_legal_move repetition perpetual_check declaration resignation max_plies";
        assert!(Reason::ALL.map(Reason::id).into_iter().eq(ids.split(' ')));
    }
}
