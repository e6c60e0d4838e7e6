//! Board: a game on the page's thread.

use keisei_core::notation::western;
use keisei_core::shogi::{Color, Game, GameResult, Move, Origin, Outcome, PieceType, Position, Square};
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
    texts: Vec<String>,
}

/// Outcome of a game.
#[wasm_bindgen]
pub struct GameEnd {
    /// Colour of the winner; `undefined` for a draw or a game that was cut off.
    pub winner: Option<u8>,
    reason: String,
}

#[wasm_bindgen]
impl GameEnd {
    /// Reason in lower-case words, such as `checkmate`.
    #[wasm_bindgen(getter)]
    pub fn reason(&self) -> String {
        self.reason.clone()
    }
}

impl From<Outcome> for GameEnd {
    fn from(outcome: Outcome) -> GameEnd {
        let winner = match outcome.result {
            GameResult::Win(color) => Some(color as u8),
            GameResult::Draw | GameResult::Truncated => None,
        };
        GameEnd { winner, reason: outcome.reason.to_string() }
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
    pub(crate) fn game(&self) -> &Game {
        &self.game
    }
}

#[wasm_bindgen]
impl Board {
    /// A game from `startpos` or an SFEN, cut off after `max_plies` moves; 0 sets no limit.
    ///
    /// # Errors
    /// If the SFEN is wrong; the text names the place.
    #[wasm_bindgen(constructor)]
    pub fn new(sfen: &str, max_plies: u16) -> Result<Board, JsError> {
        Ok(Board { game: Game::new(position(sfen)?, max_plies), texts: Vec::new() })
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

    /// Plays a move in USI.
    ///
    /// # Errors
    /// If the text is not a move, or the move is not legal here.
    pub fn play(&mut self, usi: &str) -> Result<(), JsError> {
        let mv: Move = usi.parse().map_err(|error| js_error(format!("{usi}: {error}")))?;
        let before = self.game.position().clone();
        self.game.try_play(mv).map_err(js_error)?;
        self.texts.push(western::write(&before, mv));
        Ok(())
    }

    /// Takes the last move back; false at the start.
    pub fn undo(&mut self) -> bool {
        self.texts.pop();
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
        self.texts.clone()
    }

    /// Outcome of the game, if it has ended.
    pub fn outcome(&self) -> Option<GameEnd> {
        self.game.outcome().map(GameEnd::from)
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
