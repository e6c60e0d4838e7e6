//! Board: a game on the page's thread.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use keisei_core::notation::{End, Handicap, link};
use keisei_core::shogi::{
    Color, Game, GameResult, Illegal, IllegalMove, Move, Origin, Outcome, PieceType, Position, Reason, Square,
    TargetSet,
};
use wasm_bindgen::prelude::*;

use crate::js_error;
use crate::style::Style;

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
/** End of a line; "win" and "loss" are those of the side to move. `other` is one in words, which `Tree.text` gives. */
export type LineEnd =
  | "resign" | "interrupt" | "impasse" | "draw" | "repetition" | "mate" | "no_mate" | "time_up" | "illegal_win"
  | "illegal_loss" | "declaration" | "win_by_default" | "loss_by_default" | "max_moves" | "taken_back" | "error" | "other";
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

pub(crate) fn color(index: u8) -> Result<Color, JsError> {
    Color::ALL.get(usize::from(index)).copied().ok_or_else(|| JsError::new("a colour is 0 or 1"))
}

fn parse(usi: &str) -> Result<Move, JsError> {
    usi.parse().map_err(|error| js_error(format!("{usi}: {error}")))
}

impl Board {
    /// Board of a game.
    #[cfg(feature = "records")]
    pub(crate) const fn of(game: Game) -> Board {
        Board { game }
    }

    #[cfg(feature = "records")]
    pub(crate) const fn game(&self) -> &Game {
        &self.game
    }

    /// Legal moves by origin, which is a square or `DROP + kind`; none once the game has ended.
    fn legal(&self) -> Vec<(u8, TargetSet)> {
        let mut sets = Vec::new();
        if self.game.outcome().is_none() {
            self.game.position().legal_targets(|set| {
                let origin = match set.origin {
                    Origin::Square(square) => square.index() as u8,
                    Origin::Drop(kind) => DROP + kind.index() as u8,
                };
                sets.push((origin, set));
            });
        }
        sets
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
pub(crate) const GAME_OVER: &str = "game_over";

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
        self.legal().iter().map(|&(origin, _)| origin).collect()
    }

    /// Destinations of the piece at `origin`, an entry for each square: 0 illegal, 1 unpromoted only, 2 promoted only, 3 both.
    pub fn targets(&self, origin: u8) -> Vec<u8> {
        let mut targets = vec![0; Square::COUNT];
        for (_, set) in self.legal().into_iter().filter(|&(from, _)| from == origin) {
            set.to.into_iter().for_each(|square| targets[square.index()] |= 1);
            set.promote.into_iter().for_each(|square| targets[square.index()] |= 2);
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

    /// Plays a move in USI.
    ///
    /// # Errors
    /// If the text is not a move, or the move is not legal here.
    pub fn play(&mut self, usi: &str) -> Result<(), JsError> {
        self.game.try_play(parse(usi)?).map_err(js_error)
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

    /// Texts of the moves.
    ///
    /// # Errors
    /// If there is no such language.
    pub fn texts(
        &self,
        #[wasm_bindgen(unchecked_param_type = "MoveStyle")] style: &str,
    ) -> Result<Vec<String>, JsError> {
        let style = Style::named(style)?;
        let (mut position, mut previous) = (self.game.start().clone(), None);
        let text = |&mv: &Move| {
            let text = style.write(&position, mv, previous);
            position.play_unchecked(mv);
            previous = Some(mv.to());
            text
        };
        Ok(self.game.moves().iter().map(text).collect())
    }

    /// Text of a move in USI that is legal here.
    ///
    /// # Errors
    /// If the move is not legal, or there is no such language.
    pub fn text(
        &self,
        usi: &str,
        #[wasm_bindgen(unchecked_param_type = "MoveStyle")] style: &str,
    ) -> Result<String, JsError> {
        let (style, mv) = (Style::named(style)?, parse(usi)?);
        if !self.game.position().is_legal(mv) {
            return Err(js_error(IllegalMove::AgainstTheRules(mv)));
        }
        Ok(style.write(self.game.position(), mv, self.game.moves().last().map(|mv| mv.to())))
    }

    /// The game as text for the fragment of an address: start position, two bytes a move, and its end or else `end`.
    ///
    /// # Errors
    /// If there is no such end.
    pub fn link(
        &self,
        #[wasm_bindgen(unchecked_param_type = "LineEnd | undefined")] end: Option<String>,
    ) -> Result<String, JsError> {
        let known =
            |id: String| End::from_id(&id).ok_or_else(|| js_error(format!("there is no end \"{id}\" of a line")));
        Ok(link::write_game(&self.game, end.map(known).transpose()?))
    }

    /// Outcome of the game, if it has ended.
    pub fn outcome(&self) -> Option<GameEnd> {
        self.game.outcome().map(GameEnd::from)
    }

    /// End of the game as that of a line, for `Tree.close`.
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

/// Game that the fragment of an address holds.
#[wasm_bindgen]
pub struct LinkedGame {
    start: String,
    moves: String,
    end: Option<&'static str>,
    winner: Option<Color>,
}

#[wasm_bindgen]
impl LinkedGame {
    /// The game in the text of an address.
    ///
    /// # Errors
    /// If the text is no link or was cut off, or a move is not legal; the text names the defect and its place.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str) -> Result<LinkedGame, JsError> {
        let tree = link::read(text).map_err(js_error)?;
        let moves = tree.main_moves();
        let side = if moves.len().is_multiple_of(2) {
            tree.start().side_to_move()
        } else {
            tree.start().side_to_move().flip()
        };
        let end = tree.end();
        Ok(LinkedGame {
            start: tree.start().to_sfen(),
            moves: moves.iter().map(Move::to_string).collect::<Vec<_>>().join(" "),
            end: end.map(End::id),
            winner: end.and_then(|end| end.winner(side)),
        })
    }

    /// Start position in SFEN.
    #[wasm_bindgen(getter)]
    pub fn start(&self) -> String {
        self.start.clone()
    }

    /// The moves in USI, separated by spaces.
    #[wasm_bindgen(getter)]
    pub fn moves(&self) -> String {
        self.moves.clone()
    }

    /// End of the line, if it has one.
    #[wasm_bindgen(getter, unchecked_return_type = "LineEnd | undefined")]
    pub fn end(&self) -> Option<String> {
        self.end.map(Into::into)
    }

    /// Colour that wins by the end.
    #[wasm_bindgen(getter)]
    pub fn winner(&self) -> Option<u8> {
        self.winner.map(|color| color as u8)
    }
}
