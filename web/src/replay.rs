//! Recorded games: reading a record file, and writing the page's own game.

use keisei_core::format::record::{self, PlyInfo, Record};
use keisei_core::net::Value;
use keisei_core::shogi::Move;
use wasm_bindgen::prelude::*;

use crate::board::Board;
use crate::engine::Candidates;
use crate::js_error;

/// Games of a record file, numbered from 0.
#[wasm_bindgen]
pub struct Replay {
    records: Vec<Record>,
}

#[wasm_bindgen]
impl Replay {
    /// The games in the bytes of a record file, all of them played through by the rules.
    ///
    /// # Errors
    /// If they are not records of this version, or a game is not legal; the text names the defect and its place.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8]) -> Result<Replay, JsError> {
        Ok(Replay { records: record::from_bytes(bytes).map_err(js_error)? })
    }

    fn record(&self, game: usize) -> Result<&Record, JsError> {
        self.records.get(game).ok_or_else(|| js_error(format!("no game {game} among {}", self.records.len())))
    }

    /// The number of games.
    #[wasm_bindgen(getter)]
    pub fn games(&self) -> usize {
        self.records.len()
    }

    /// The name of the player of the black pieces.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn black(&self, game: usize) -> Result<String, JsError> {
        Ok(self.record(game)?.black.clone())
    }

    /// The name of the player of the white pieces.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn white(&self, game: usize) -> Result<String, JsError> {
        Ok(self.record(game)?.white.clone())
    }

    /// Outcome of the game, in words such as `black wins: checkmate`.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn outcome(&self, game: usize) -> Result<String, JsError> {
        Ok(self.record(game)?.outcome.map_or_else(|| "unfinished".into(), |outcome| outcome.to_string()))
    }

    /// The position before the first move in SFEN.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn start(&self, game: usize) -> Result<String, JsError> {
        Ok(self.record(game)?.start_sfen.clone())
    }

    /// The moves in USI, separated by spaces.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn moves(&self, game: usize) -> Result<String, JsError> {
        Ok(self.record(game)?.moves.iter().map(Move::to_string).collect::<Vec<_>>().join(" "))
    }

    /// The value before each move, in [-1, 1] for the side to move; NaN where none is recorded.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn values(&self, game: usize) -> Result<Vec<f32>, JsError> {
        Ok(self.record(game)?.plies.iter().map(|ply| ply.value.map_or(f32::NAN, |Value(value)| value)).collect())
    }

    /// Recorded candidates in the position after `ply` moves; empty if none are recorded.
    ///
    /// # Errors
    /// If there is no such game.
    pub fn candidates(&self, game: usize, ply: usize) -> Result<Candidates, JsError> {
        let record = self.record(game)?;
        let Some(info) = record.plies.get(ply).filter(|info| !info.top.is_empty()) else {
            return Ok(Candidates::default());
        };
        let mut position = crate::board::position(&record.start_sfen)?;
        for &mv in &record.moves[..ply] {
            position.try_play(mv).map_err(js_error)?;
        }
        Ok(Candidates::new(&position, info.top.iter().copied()))
    }
}

/// Recorder of the page's own game.
#[wasm_bindgen]
pub struct Recorder {
    record: Record,
}

#[wasm_bindgen]
impl Recorder {
    /// A record of the game on `board` between two named players.
    #[wasm_bindgen(constructor)]
    pub fn new(board: &Board, black: &str, white: &str) -> Recorder {
        Recorder { record: Record::of_game(board.game(), black, white, Vec::new()) }
    }

    /// Adds an evaluation of the position after `ply` moves: a value in [-1, 1] for the side to move, and candidates (USI,
    /// separated by spaces) with their probabilities. A record has no place for one after the last move.
    ///
    /// # Errors
    /// If a candidate is not a move.
    pub fn note(&mut self, ply: usize, value: f32, moves: &str, probabilities: &[f32]) -> Result<(), JsError> {
        if ply >= self.record.moves.len() {
            return Ok(());
        }
        let moves: Vec<Move> = moves
            .split_ascii_whitespace()
            .map(|text| text.parse().map_err(|error| js_error(format!("{text}: {error}"))))
            .collect::<Result<_, _>>()?;
        if self.record.plies.len() <= ply {
            self.record.plies.resize(ply + 1, PlyInfo::default());
        }
        let top = moves.into_iter().zip(probabilities.iter().copied()).collect();
        self.record.plies[ply] = PlyInfo { value: Some(Value(value)), top, line: Vec::new() };
        Ok(())
    }

    /// The bytes of a record file with this one game.
    ///
    /// # Errors
    /// If a value or a probability is out of range.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JsError> {
        record::to_bytes(std::slice::from_ref(&self.record)).map_err(js_error)
    }
}
