//! The same environment on a published move generator, haitaka, as a user of it would write it.
//!
//! This environment keeps the moves beside their actions, so it need not decode and check the chosen action as `VecGame` does.

use haitaka::{Board, Color, Move, Piece, Square};
use keisei_core::encoding::Action;

use super::{Environment, State, Want};

const SQUARES: usize = 81;
const PACKED: usize = 101;
const MASK: usize = 27 * SQUARES;
const PLANES: usize = 46 * SQUARES;

pub struct Haitaka {
    start: Board,
    max_plies: usize,
    games: Vec<Game>,
    observations: Vec<[u8; PACKED]>,
    legal: Vec<Vec<(Action, Move)>>,
    masks: Vec<bool>,
    planes: Vec<f32>,
    is_over: Vec<bool>,
}

struct Game {
    board: Board,
    keys: Vec<u64>,
    repetition: u8,
}

impl Haitaka {
    pub fn new(games: usize, max_plies: u16, sfen: &str) -> Self {
        let start = Board::from_sfen(sfen).expect("the benchmark's positions are correct");
        let game = || Game { board: start.clone(), keys: Vec::with_capacity(max_plies.into()), repetition: 1 };
        let mut environment = Self {
            games: (0..games).map(|_| game()).collect(),
            start,
            max_plies: max_plies.into(),
            observations: vec![[0; PACKED]; games],
            legal: vec![Vec::with_capacity(600); games],
            masks: vec![false; games * MASK],
            planes: vec![0.0; games * PLANES],
            is_over: vec![false; games],
        };
        for game in 0..games {
            environment.generate(game);
            environment.describe(game, Want::Everything);
        }
        environment
    }

    /// Lists the legal moves; returns whether there is one.
    fn generate(&mut self, game: usize) -> bool {
        let board = &self.games[game].board;
        let view = board.side_to_move();
        let legal = &mut self.legal[game];
        legal.clear();
        board.generate_moves(|set| {
            legal.extend(set.into_iter().map(|mv| (action(view, mv), mv)));
            false
        });
        !legal.is_empty()
    }

    fn describe(&mut self, game: usize, want: Want) {
        let Game { board, keys, repetition } = &self.games[game];
        pack(board, *repetition, keys.len() as u16, self.max_plies as u16, &mut self.observations[game]);
        if want == Want::Everything {
            let mask = &mut self.masks[game * MASK..][..MASK];
            mask.fill(false);
            for &(action, _) in &self.legal[game] {
                mask[action.index()] = true;
            }
            expand(&self.observations[game], &mut self.planes[game * PLANES..][..PLANES]);
        }
    }
}

impl Environment for Haitaka {
    fn name(&self) -> &'static str {
        "haitaka 0.3.2 qugiy"
    }

    fn legal_count(&self, game: usize) -> usize {
        self.legal[game].len()
    }

    fn legal(&self, game: usize, choice: usize) -> Action {
        self.legal[game][choice].0
    }

    fn step(&mut self, actions: &[Action], want: Want) {
        for (index, &action) in actions.iter().enumerate() {
            let chosen = self.legal[index].iter().find(|&&(legal, _)| legal == action);
            let mv = chosen.expect("the action is legal").1;
            let game = &mut self.games[index];
            game.keys.push(game.board.hash());
            game.board.play_unchecked(mv);
            let key = game.board.hash();
            game.repetition = 1 + game.keys.iter().rev().skip(1).step_by(2).filter(|&&past| past == key).count() as u8;
            let over = game.repetition >= 4 || game.keys.len() >= self.max_plies || can_declare(&game.board);
            let can_move = self.generate(index);
            self.is_over[index] = over || !can_move;
            if self.is_over[index] {
                let game = &mut self.games[index];
                game.board.clone_from(&self.start);
                game.keys.clear();
                game.repetition = 1;
                self.generate(index);
            }
            self.describe(index, want);
        }
    }

    fn state(&self, game: usize) -> State<'_> {
        State {
            packed: &self.observations[game],
            mask: &self.masks[game * MASK..][..MASK],
            planes: &self.planes[game * PLANES..][..PLANES],
            is_over: self.is_over[game],
        }
    }
}

fn seen_from(view: Color, square: Square) -> usize {
    if view == Color::Black { square as usize } else { SQUARES - 1 - square as usize }
}

/// The action of a move in the numbering `dest2187`.
fn action(view: Color, mv: Move) -> Action {
    let action = match mv {
        Move::Drop { piece, to } => (20 + piece as usize) * SQUARES + seen_from(view, to),
        Move::BoardMove { from, to, promotion } => {
            let (from, to) = (seen_from(view, from), seen_from(view, to));
            let left = (to / 9) as isize - (from / 9) as isize;
            let down = (to % 9) as isize - (from % 9) as isize;
            let direction = match (left.signum(), down.signum()) {
                (1, -1) if down == -2 && left == 1 => 8,
                (-1, -1) if down == -2 && left == -1 => 9,
                (1, -1) => 1,
                (-1, -1) => 2,
                (0, -1) => 0,
                (1, 0) => 3,
                (-1, 0) => 4,
                (0, _) => 5,
                (1, _) => 6,
                _ => 7,
            };
            (direction + if promotion { 10 } else { 0 }) * SQUARES + to
        }
    };
    Action(action as u16)
}

/// Kinds in the order of our packed observation, by haitaka's.
const KIND: [u8; 14] = [0, 1, 2, 3, 5, 6, 4, 7, 8, 9, 10, 11, 12, 13];
const HAND: [Piece; 7] =
    [Piece::Pawn, Piece::Lance, Piece::Knight, Piece::Silver, Piece::Gold, Piece::Bishop, Piece::Rook];

fn pack(board: &Board, repetition: u8, plies: u16, max_plies: u16, out: &mut [u8; PACKED]) {
    let us = board.side_to_move();
    let them = if us == Color::Black { Color::White } else { Color::Black };
    out.fill(0);
    for (color, first) in [(us, 1), (them, 17)] {
        for square in board.colors(color) {
            let kind = board.piece_on(square).map_or(0, |piece| KIND[piece as usize]);
            out[seen_from(us, square)] = kind + first;
        }
    }
    for (i, kind) in HAND.into_iter().enumerate() {
        out[81 + i] = board.num_in_hand(us, kind);
        out[88 + i] = board.num_in_hand(them, kind);
    }
    out[95] = repetition;
    out[96] = u8::from(!board.checkers().is_empty()) | if us == Color::White { 2 } else { 0 };
    out[97..99].copy_from_slice(&plies.to_le_bytes());
    out[99..].copy_from_slice(&max_plies.to_le_bytes());
}

/// The planes `core46-2026`.
fn expand(packed: &[u8; PACKED], out: &mut [f32]) {
    out.fill(0.0);
    for (square, &code) in packed[..SQUARES].iter().enumerate().filter(|&(_, &code)| code != 0) {
        let plane = if code > 16 { code - 3 } else { code - 1 };
        out[usize::from(plane) * SQUARES + square] = 1.0;
    }
    let mut fill = |plane: usize, value: f32| out[plane * SQUARES..][..SQUARES].fill(value);
    for (i, &count) in packed[81..95].iter().enumerate().filter(|&(_, &count)| count > 0) {
        fill(28 + i, f32::from(count) / [18.0, 4.0, 4.0, 4.0, 4.0, 2.0, 2.0][i % 7]);
    }
    if packed[96] & 2 == 0 {
        fill(42, 1.0);
    }
    let [plies, max_plies] = [97, 99].map(|at| f32::from(u16::from_le_bytes([packed[at], packed[at + 1]])));
    fill(43, (plies / max_plies).min(1.0));
}

/// The 27-point rule for the side to move.
fn can_declare(board: &Board) -> bool {
    let us = board.side_to_move();
    let far = |square: Square| seen_from(us, square) % 9 < 3;
    if !far(board.king(us)) || !board.checkers().is_empty() {
        return false;
    }
    let points = |piece: Piece| match piece {
        Piece::Bishop | Piece::Rook | Piece::PBishop | Piece::PRook => 5,
        _ => 1,
    };
    let mut pieces = 0;
    let mut found = 0;
    for piece in board.colors(us).into_iter().filter(|&square| far(square)).filter_map(|square| board.piece_on(square))
    {
        if piece != Piece::King {
            pieces += 1;
            found += points(piece);
        }
    }
    found += HAND.into_iter().map(|kind| points(kind) * u32::from(board.num_in_hand(us, kind))).sum::<u32>();
    pieces >= 10 && found >= if us == Color::Black { 28 } else { 27 }
}
