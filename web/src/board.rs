//! Board: a game on the page's thread.

use keisei_core::notation::typed::{self, TypedError};
use keisei_core::notation::{End, Handicap, western};
use keisei_core::shogi::{
    Color, Game, GameResult, Illegal, Move, Origin, Outcome, Piece, PieceType, Position, Reason, Setup, SetupFault,
    Square,
};
use wasm_bindgen::prelude::*;

use crate::js_error;

/// First origin after the squares: `DROP + kind` is a piece in hand.
const DROP: u8 = Square::COUNT as u8;

/// Game with its position, legal moves and outcome.
///
/// Squares are numbered `(file - 1) * 9 + (rank - 1)`, colours 0 (Black) and 1 (White). A piece code is 0 for an empty square,
/// `1 + kind` for Black's and `17 + kind` for White's piece, kinds in the order P L N S G B R K and then their promotions.
#[wasm_bindgen]
pub struct Board {
    game: Game,
}

/// Outcome of a game.
#[wasm_bindgen]
pub struct GameEnd {
    /// Colour of the winner; `undefined` for a draw or a game that was cut off.
    pub winner: Option<u8>,
    reason: Reason,
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Reason for the end of a game by the rules, a decision or the ply limit. */
export type EndReason =
  | "checkmate" | "no_legal_move" | "repetition" | "perpetual_check" | "declaration" | "resignation" | "max_plies"
  | "forfeit";
/** Reason why a move is against the rules; a move after the end of the game is `game_over`. */
export type IllegalReason =
  | "game_over" | "no_piece" | "not_yours" | "not_in_hand" | "movement" | "blocked" | "own_piece" | "occupied"
  | "two_pawns" | "dead_drop" | "drop_pawn_mate" | "into_check" | "in_check" | "pinned" | "must_promote" | "cannot_promote";
/** Reason why a typed text is no move to play; of an illegal one there is an `IllegalReason` too. */
export type TypedProblem = "unreadable" | "other_side" | "no_previous" | "no_such_move" | "ambiguous" | "illegal";
/** Defect of a start position that somebody put together. */
export type SetupProblem = "no_king" | "two_kings" | "too_many" | "two_pawns" | "dead_piece" | "opponent_in_check";
"#;

#[wasm_bindgen]
impl GameEnd {
    /// Reason.
    #[wasm_bindgen(getter, unchecked_return_type = "EndReason")]
    pub fn reason(&self) -> String {
        self.reason.id().into()
    }
}

impl From<Outcome> for GameEnd {
    fn from(outcome: Outcome) -> GameEnd {
        let winner = match outcome.result {
            GameResult::Win(color) => Some(color as u8),
            GameResult::Draw | GameResult::Truncated => None,
        };
        GameEnd { winner, reason: outcome.reason }
    }
}

/// Position from `startpos` or an SFEN.
pub(crate) fn position(sfen: &str) -> Result<Position, JsError> {
    if sfen == "startpos" { Ok(Position::startpos()) } else { Position::from_sfen(sfen).map_err(js_error) }
}

fn color(index: u8) -> Result<Color, JsError> {
    Color::ALL.get(usize::from(index)).copied().ok_or_else(|| JsError::new("a colour is 0 or 1"))
}

impl Board {
    /// Board of a game.
    pub(crate) const fn of(game: Game) -> Board {
        Board { game }
    }

    pub(crate) const fn game(&self) -> &Game {
        &self.game
    }

    fn illegal(&self, origin: u8, to: u8) -> Result<Option<Illegal>, JsError> {
        let square = |index: u8| Square::from_index(index.into());
        let to = square(to).ok_or_else(|| JsError::new("a square is 0 to 80"))?;
        let position = self.game.position();
        let Some(from) = square(origin) else {
            let kind = PieceType::HAND.get(usize::from(origin - DROP));
            let kind = kind.ok_or_else(|| JsError::new("an origin is 0 to 87"))?;
            return Ok(position.why_illegal(Move::drop(*kind, to)));
        };
        // The move with promotion is legal where the one without is not, never the other way round alone.
        let promotes = position.is_legal(Move::promoting(from, to));
        Ok(position.why_illegal(Move::normal(from, to)).filter(|_| !promotes))
    }
}

/// Id of the reason why no move can follow the end of a game.
const GAME_OVER: &str = "game_over";

/// Text that somebody typed, read as a move.
#[wasm_bindgen]
pub struct TypedMove {
    read: Result<Move, TypedError>,
    over: bool,
}

#[wasm_bindgen]
impl TypedMove {
    /// The move in USI, if the text means one legal move.
    #[wasm_bindgen(getter)]
    pub fn usi(&self) -> Option<String> {
        self.read.as_ref().ok().filter(|_| !self.over).map(Move::to_string)
    }

    /// Reason why it does not.
    #[wasm_bindgen(getter, unchecked_return_type = "TypedProblem | undefined")]
    pub fn problem(&self) -> Option<String> {
        match &self.read {
            Ok(_) => self.over.then(|| "illegal".into()),
            Err(error) => Some(error.id().into()),
        }
    }

    /// Reason why the move is illegal.
    #[wasm_bindgen(getter, unchecked_return_type = "IllegalReason | undefined")]
    pub fn illegal(&self) -> Option<String> {
        match &self.read {
            Err(TypedError::Illegal(_, why)) => Some(why.id().into()),
            _ => self.over.then(|| GAME_OVER.into()),
        }
    }

    /// Square of the piece to blame for an illegal move.
    #[wasm_bindgen(getter)]
    pub fn blamed(&self) -> Option<u8> {
        match &self.read {
            Err(TypedError::Illegal(_, why)) => why.blamed().map(|square| square.index() as u8),
            _ => None,
        }
    }

    /// Legal moves in USI that the text may mean, if it is ambiguous.
    pub fn candidates(&self) -> Vec<String> {
        match &self.read {
            Err(TypedError::Ambiguous(moves)) => moves.iter().map(Move::to_string).collect(),
            _ => Vec::new(),
        }
    }
}

/// Named start position.
#[wasm_bindgen]
pub struct NamedStart {
    handicap: Handicap,
}

#[wasm_bindgen]
impl NamedStart {
    /// Id: `even`, `lance`, `rook_lance`, `two_piece` …
    #[wasm_bindgen(getter)]
    pub fn id(&self) -> String {
        self.handicap.id().into()
    }

    /// Name in Japanese.
    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        self.handicap.name().into()
    }

    /// The position in SFEN.
    #[wasm_bindgen(getter)]
    pub fn sfen(&self) -> String {
        self.handicap.position().to_sfen()
    }
}

/// The named start positions, the even game first.
#[wasm_bindgen]
pub fn handicaps() -> Vec<NamedStart> {
    Handicap::all().map(|handicap| NamedStart { handicap }).collect()
}

/// Start position that somebody put together, checked.
#[wasm_bindgen]
pub struct CustomStart {
    checked: Result<Position, Vec<SetupFault>>,
}

#[wasm_bindgen]
impl CustomStart {
    /// The position in SFEN, if a game can start from it.
    #[wasm_bindgen(getter)]
    pub fn sfen(&self) -> Option<String> {
        self.checked.as_ref().ok().map(Position::to_sfen)
    }

    /// Everything that is wrong with it.
    #[wasm_bindgen(unchecked_return_type = "SetupProblem[]")]
    pub fn problems(&self) -> Vec<String> {
        self.faults().iter().map(|fault| fault.id().into()).collect()
    }

    /// Place of each problem: the square; the colour for kings, the kind for too many pieces.
    pub fn places(&self) -> Vec<u8> {
        let place = |fault: &SetupFault| match *fault {
            SetupFault::NoKing(color) | SetupFault::TwoKings(color) => color as u8,
            SetupFault::TooMany(kind) => kind.index() as u8,
            SetupFault::TwoPawns(square) | SetupFault::Dead(square) | SetupFault::OpponentInCheck(square) => {
                square.index() as u8
            }
        };
        self.faults().iter().map(place).collect()
    }
}

impl CustomStart {
    fn faults(&self) -> &[SetupFault] {
        self.checked.as_ref().err().map_or(&[], Vec::as_slice)
    }
}

/// Checks a start position of piece codes by square (see [`Board`]) and numbers in hand (P L N S G B R of Black, then of White).
///
/// # Errors
/// If there are not 81 codes of pieces and 14 numbers, or the side to move is no colour.
#[wasm_bindgen]
pub fn check_start(squares: &[u8], hands: &[u8], side_to_move: u8) -> Result<CustomStart, JsError> {
    let wrong = || JsError::new("a start position has 81 codes of pieces and 14 numbers of pieces in hand");
    let mut setup = Setup { board: [None; Square::COUNT], hands: [[0; 7]; 2], side_to_move: color(side_to_move)? };
    if squares.len() != setup.board.len() || hands.len() != 14 {
        return Err(wrong());
    }
    for (place, &code) in setup.board.iter_mut().zip(squares) {
        if let Some(index) = code.checked_sub(1) {
            let kind = PieceType::ALL.get(usize::from(index % 16)).ok_or_else(wrong)?;
            *place = Some(Piece::new(color(index / 16)?, *kind));
        }
    }
    for (hand, counts) in setup.hands.iter_mut().zip(hands.chunks_exact(7)) {
        hand.copy_from_slice(counts);
    }
    Ok(CustomStart { checked: setup.position() })
}

#[wasm_bindgen]
impl Board {
    /// A game from `startpos` or an SFEN, cut off after `max_plies` moves; 0 sets no limit.
    ///
    /// # Errors
    /// If the SFEN is wrong; the text names the place.
    #[wasm_bindgen(constructor)]
    pub fn new(sfen: &str, max_plies: u16) -> Result<Board, JsError> {
        Ok(Board { game: Game::new(position(sfen)?, max_plies) })
    }

    /// The position in SFEN.
    pub fn sfen(&self) -> String {
        self.game.position().to_sfen()
    }

    /// The position before the first move in SFEN.
    pub fn start(&self) -> String {
        self.game.start().to_sfen()
    }

    /// The 81 piece codes, by square.
    pub fn squares(&self) -> Vec<u8> {
        let position = self.game.position();
        Square::ALL
            .iter()
            .map(|&square| {
                position.piece_at(square).map_or(0, |piece| 1 + piece.kind().index() as u8 + 16 * piece.color() as u8)
            })
            .collect()
    }

    /// Numbers of pieces in hand, P L N S G B R of Black and then of White.
    pub fn hands(&self) -> Vec<u8> {
        let hands = Color::ALL.map(|color| self.game.position().hand(color));
        hands.iter().flat_map(|hand| PieceType::HAND.map(|kind| hand.count(kind))).collect()
    }

    /// The colour of the side to move.
    pub fn side_to_move(&self) -> u8 {
        self.game.position().side_to_move() as u8
    }

    /// The square of the king that is in check, if there is one.
    pub fn check(&self) -> Option<u8> {
        let position = self.game.position();
        let king = position.king(position.side_to_move())?;
        position.in_check().then_some(king.index() as u8)
    }

    /// Origins of the legal moves: squares, and `81 + kind` for pieces in hand; none once the game has ended.
    pub fn origins(&self) -> Vec<u8> {
        let mut origins = Vec::new();
        if self.game.outcome().is_none() {
            self.game.position().legal_targets(|set| {
                origins.push(match set.origin {
                    Origin::Square(square) => square.index() as u8,
                    Origin::Drop(kind) => DROP + kind.index() as u8,
                });
            });
        }
        origins
    }

    /// Destinations of the piece at `origin`, an entry for each square: 0 illegal, 1 unpromoted only, 2 promoted only, 3 both.
    pub fn targets(&self, origin: u8) -> Vec<u8> {
        let mut targets = vec![0; Square::COUNT];
        if self.game.outcome().is_none() {
            self.game.position().legal_targets(|set| {
                let same = match set.origin {
                    Origin::Square(square) => square.index() == usize::from(origin),
                    Origin::Drop(kind) => usize::from(DROP) + kind.index() == usize::from(origin),
                };
                if same {
                    set.to.into_iter().for_each(|square| targets[square.index()] |= 1);
                    set.promote.into_iter().for_each(|square| targets[square.index()] |= 2);
                }
            });
        }
        targets
    }

    /// Reason why no move leads from `origin` (a square, or `81 + kind` for a piece in hand) to the square `to`, with or without
    /// promotion; `undefined` if one does.
    ///
    /// # Errors
    /// If there is no such origin or square.
    #[wasm_bindgen(unchecked_return_type = "IllegalReason | undefined")]
    pub fn why_illegal(&self, origin: u8, to: u8) -> Result<Option<String>, JsError> {
        let why = self.illegal(origin, to)?;
        let over = || self.game.outcome().map(|_| GAME_OVER.into());
        Ok(over().or_else(|| why.map(|why| why.id().into())))
    }

    /// Square of the piece to blame for [`why_illegal`](Self::why_illegal): an attacker of the king, the piece in the way, or the
    /// other pawn on the file.
    ///
    /// # Errors
    /// If there is no such origin or square.
    pub fn blamed(&self, origin: u8, to: u8) -> Result<Option<u8>, JsError> {
        Ok(self.illegal(origin, to)?.and_then(Illegal::blamed).map(|square| square.index() as u8))
    }

    /// Reads a move as people type it: USI, Western, Japanese, CSA or digits.
    pub fn read_move(&self, text: &str) -> TypedMove {
        let previous = self.game.moves().last().map(|mv| mv.to());
        let read = typed::read(self.game.position(), text, previous);
        TypedMove { read, over: self.game.outcome().is_some() }
    }

    /// Plays a move in USI.
    ///
    /// # Errors
    /// If the text is not a move, or the move is not legal here.
    pub fn play(&mut self, usi: &str) -> Result<(), JsError> {
        let mv: Move = usi.parse().map_err(|error| js_error(format!("{usi}: {error}")))?;
        self.game.try_play(mv).map_err(js_error)
    }

    /// Takes the last move back; false at the start.
    pub fn undo(&mut self) -> bool {
        self.game.undo().is_some()
    }

    /// The number of moves played.
    pub fn plies(&self) -> usize {
        self.game.moves().len()
    }

    /// The moves in USI, separated by spaces.
    pub fn moves(&self) -> String {
        self.game.moves().iter().map(Move::to_string).collect::<Vec<_>>().join(" ")
    }

    /// The last move in USI.
    pub fn last(&self) -> Option<String> {
        self.game.moves().last().map(Move::to_string)
    }

    /// The moves in Western notation.
    pub fn texts(&self) -> Vec<String> {
        let mut position = self.game.start().clone();
        let text = |&mv: &Move| {
            let text = western::write(&position, mv);
            position.play_unchecked(mv);
            text
        };
        self.game.moves().iter().map(text).collect()
    }

    /// Outcome of the game, if it has ended.
    pub fn outcome(&self) -> Option<GameEnd> {
        self.game.outcome().map(GameEnd::from)
    }

    /// End of the game as that of a line, for [`Tree::close`](crate::Tree::close).
    #[wasm_bindgen(unchecked_return_type = "LineEnd | undefined")]
    pub fn end(&self) -> Option<String> {
        let outcome = self.game.outcome()?;
        Some(End::of_outcome(outcome, self.game.position().side_to_move()).id().into())
    }

    /// Ends the game: `loser` resigns.
    ///
    /// # Errors
    /// If `loser` is not a colour.
    pub fn resign(&mut self, loser: u8) -> Result<(), JsError> {
        self.game.resign(color(loser)?);
        Ok(())
    }

    /// Whether the side to move may declare a win by the 27-point rule.
    pub fn can_declare(&self) -> bool {
        self.game.outcome().is_none() && self.game.position().can_declare()
    }

    /// Ends the game: the side to move declares a win.
    ///
    /// # Errors
    /// If it may not; the text names the reason.
    pub fn declare(&mut self) -> Result<(), JsError> {
        self.game.declare().map(|_| ()).map_err(js_error)
    }
}
