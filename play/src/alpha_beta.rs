//! Player by a plain alpha-beta search for material, a yardstick between greedy and engines.

use std::ops::RangeInclusive;

use keisei_core::format::PlyInfo;
use keisei_core::net::Value;
use keisei_core::shogi::{Move, Origin, Piece, PieceType, Position, TargetSet, material};

use crate::player::{Answer, Choice, Player, SHOWN, Turn};
use crate::rating::value_of;

/// Player by a full-width search of a fixed depth, without quiescence, that looks for material and mate alone.
///
/// The score of a line is the [material](material::balance) after its last move, which is not looked at further: a mate counts, a
/// nearer one more, if the mated side is to move within the depth. Repetitions and declarations do not count. One of the best
/// moves is drawn at random, each with the same probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlphaBetaPlayer {
    depth: u8,
}

impl AlphaBetaPlayer {
    /// Depths that a player may have, in plies.
    pub const DEPTHS: RangeInclusive<u8> = 1..=6;

    /// Player of this depth, in plies.
    ///
    /// # Panics
    /// If it is not one of [`DEPTHS`](Self::DEPTHS).
    pub fn new(depth: u8) -> AlphaBetaPlayer {
        assert!(Self::DEPTHS.contains(&depth), "a depth in plies from {:?}, not {depth}", Self::DEPTHS);
        AlphaBetaPlayer { depth }
    }

    /// Depth of the search in plies.
    pub const fn depth(self) -> u8 {
        self.depth
    }

    /// Name in tables and records, which is also its spelling: `ab:2`.
    pub const fn name(&self) -> &'static str {
        ["ab:1", "ab:2", "ab:3", "ab:4", "ab:5", "ab:6"][self.depth as usize - 1]
    }

    fn answer(self, turn: &mut Turn) -> Answer {
        let (best, score) = best_moves(turn.game.position(), self.depth);
        let mv = best[turn.random.below(best.len())];
        let share = 1.0 / best.len() as f32;
        let top = best.into_iter().take(SHOWN).map(|mv| (mv, share)).collect();
        Choice { mv, thought: PlyInfo { value: Some(value(score)), top, line: Vec::new() } }.into()
    }
}

impl Player for AlphaBetaPlayer {
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Answer> {
        turns.iter_mut().map(|turn| self.answer(turn)).collect()
    }
}

/// Score for the side to move in tenths of a pawn, which express every piece without rounding; of a mate [`MATE`] less its plies.
type Score = i32;

/// Score of a side that has mated, if it took no ply.
const MATE: Score = 1_000_000;

/// Plies of the longest mate that a search can find, with room.
const LONGEST_MATE: Score = 1_000;

/// Tenths of a pawn in this number of pawns.
const fn tenths(pawns: f32) -> Score {
    (10.0 * pawns + if pawns < 0.0 { -0.5 } else { 0.5 }) as Score
}

/// Value of a score: one pawn is a hundred centipawns, a mate ±1.
fn value(score: Score) -> Value {
    match score.abs() {
        mate if mate > MATE - LONGEST_MATE => Value(score.signum() as f32),
        _ => value_of(10 * score),
    }
}

/// Best moves in a position where there is one, and their score.
fn best_moves(position: &Position, depth: u8) -> (Vec<Move>, Score) {
    let balance = tenths(material::balance(position, position.side_to_move()));
    let (mut best, mut most) = (Vec::new(), -MATE);
    for (gain, mv) in ordered(position) {
        let mut after = position.clone();
        after.play_unchecked(mv);
        let reply = -(balance + gain);
        let score = match depth - 1 {
            0 => -reply,
            // The window admits scores as good as the best so far, so that the moves that share it are all known.
            depth => -search(&after, reply, depth, 1, -MATE, 1 - most),
        };
        if score > most {
            most = score;
            best.clear();
        }
        if score == most {
            best.push(mv);
        }
    }
    (best, most)
}

/// Score of a position at `ply` of the search, with `depth` more plies, at least 1, to search; `balance` is its material. It is exact
/// between `alpha` and `beta`, else a bound.
fn search(position: &Position, balance: Score, depth: u8, ply: Score, mut alpha: Score, beta: Score) -> Score {
    if depth == 1 {
        return last_ply(position, balance, ply);
    }
    let mut most = ply - MATE;
    for (gain, mv) in ordered(position) {
        let mut after = position.clone();
        after.play_unchecked(mv);
        let score = -search(&after, -(balance + gain), depth - 1, ply + 1, -beta, -alpha);
        most = most.max(score);
        alpha = alpha.max(score);
        if alpha >= beta {
            break;
        }
    }
    most
}

/// Score with one ply to search: the greatest gain, for which no move is played.
fn last_ply(position: &Position, balance: Score, ply: Score) -> Score {
    let mut most = None;
    position.legal_targets(|set| most = most.max(Some(best_gain(position, &set))));
    most.map_or(ply - MATE, |gain| balance + gain)
}

/// Legal moves with their gains: captures first, the greatest gain first.
fn ordered(position: &Position) -> Vec<(Score, Move)> {
    let mut moves = Vec::with_capacity(128);
    position.legal_targets(|set| {
        let kind = kind(position, &set);
        moves.extend(set.moves().map(|mv| (gain(position, kind, mv), mv)));
    });
    moves.sort_by_key(|&(gain, mv)| (position.piece_at(mv.to()).is_none(), -gain));
    moves
}

/// Kind of the piece whose moves these are.
fn kind(position: &Position, set: &TargetSet) -> PieceType {
    match set.origin {
        Origin::Drop(kind) => kind,
        Origin::Square(from) => position.piece_at(from).map(Piece::kind).expect("a legal move starts from a piece"),
    }
}

/// Change of the material of the side to move by a move of a piece of this kind.
fn gain(position: &Position, kind: PieceType, mv: Move) -> Score {
    if mv.is_drop() {
        return ON_BOARD[kind.index()] - IN_HAND[kind.index()];
    }
    let captured = position.piece_at(mv.to()).map_or(0, |piece| CAPTURED[piece.kind().index()]);
    captured + if mv.is_promotion() { PROMOTED[kind.index()] } else { 0 }
}

/// Greatest change of the material of the side to move by one of these moves.
fn best_gain(position: &Position, set: &TargetSet) -> Score {
    let kind = kind(position, set);
    if matches!(set.origin, Origin::Drop(_)) {
        return ON_BOARD[kind.index()] - IN_HAND[kind.index()];
    }
    let enemies = position.by_color(position.side_to_move().flip());
    let captures = |targets| {
        let worth = |square| position.piece_at(square).map_or(0, |piece| CAPTURED[piece.kind().index()]);
        (enemies & targets).into_iter().map(worth).max()
    };
    // Every capture gains; a piece that can promote does so for more, wherever it goes.
    let plain = (!set.to.is_empty()).then(|| captures(set.to).unwrap_or(0));
    let promoting = (!set.promote.is_empty()).then(|| captures(set.promote).unwrap_or(0) + PROMOTED[kind.index()]);
    plain.max(promoting).expect("a set has a move")
}

/// Scores by kind, in the order of `PieceType::ALL`.
type Scores = [Score; PieceType::COUNT];

/// Score of a piece on the board.
const ON_BOARD: Scores = scores(0);
/// Score of a piece in hand.
const IN_HAND: Scores = scores(1);
/// Gain of a capture: the piece is no longer the opponent's and is in hand.
const CAPTURED: Scores = scores(2);
/// Gain of a promotion, 0 for kinds that have none.
const PROMOTED: Scores = scores(3);

const fn scores(column: usize) -> Scores {
    let mut scores = [0; PieceType::COUNT];
    let mut i = 0;
    while i < PieceType::COUNT {
        let kind = PieceType::ALL[i];
        let (on_board, in_hand) = (tenths(material::on_board(kind)), tenths(material::in_hand(kind)));
        let promoted = match kind.promoted() {
            Some(promoted) => tenths(material::on_board(promoted)) - on_board,
            None => 0,
        };
        scores[i] = [on_board, in_hand, on_board + in_hand, promoted][column];
        i += 1;
    }
    scores
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Instant;

    use keisei_core::random::{Purpose, SplitMix64, Stream};
    use keisei_core::shogi::{Color, Game};

    use super::*;
    use crate::baseline::{GreedyPlayer, RandomPlayer};
    use crate::samples::{game, played, tries};

    /// Score by definition: full width, the board counted anew at every leaf.
    fn by_definition(position: &Position, depth: u8, ply: Score) -> Score {
        if depth == 0 {
            return (10.0 * material::balance(position, position.side_to_move())).round() as Score;
        }
        let replies = position.legal_moves();
        replies.iter().map(|&mv| -by_definition(&after(position, mv), depth - 1, ply + 1)).max().unwrap_or(ply - MATE)
    }

    fn after(position: &Position, mv: Move) -> Position {
        let mut after = position.clone();
        after.play_unchecked(mv);
        after
    }

    /// Best moves by definition, and their score.
    fn best_by_definition(position: &Position, depth: u8) -> (BTreeSet<u16>, Score) {
        let score = |&mv: &Move| -by_definition(&after(position, mv), depth - 1, 1);
        let scored: Vec<(u16, Score)> = position.legal_moves().iter().map(|mv| (mv.to_u16(), score(mv))).collect();
        let most = scored.iter().map(|&(_, score)| score).max().expect("there are moves");
        (scored.into_iter().filter(|&(_, score)| score == most).map(|(mv, _)| mv).collect(), most)
    }

    fn check(position: &Position, depth: u8) {
        let (moves, score) = best_moves(position, depth);
        let count = moves.len();
        let moves: BTreeSet<u16> = moves.into_iter().map(Move::to_u16).collect();
        assert_eq!(count, moves.len(), "a move twice");
        let sfen = position.to_sfen();
        assert_eq!((moves, score), best_by_definition(position, depth), "depth {depth}: {sfen}");
    }

    /// Positions from games in which captures and promotions are more frequent than in random play.
    fn positions(count: usize, seed: u64) -> Vec<Position> {
        let mut random = SplitMix64(seed);
        let mut positions = Vec::new();
        let mut game = Game::startpos();
        while positions.len() < count {
            if game.outcome().is_some() || game.moves().len() > 250 {
                game = Game::startpos();
            }
            if random.below(9) == 0 {
                positions.push(game.position().clone());
            }
            let moves = ordered(game.position());
            let among = if random.below(2) == 0 { moves.len() } else { moves.len().min(4) };
            game.play(moves[random.below(among)].1);
        }
        positions
    }

    #[test]
    fn the_search_is_the_definition() {
        for position in positions(400, 1) {
            check(&position, 1);
        }
        for position in positions(150, 2) {
            check(&position, 2);
        }
    }

    #[test]
    fn the_deeper_search_is_the_definition() {
        // Of some positions near the start, where the tree of the definition is small, and of endings with few pieces.
        for position in positions(300, 3).into_iter().filter(|position| position.legal_count() < 34).take(12) {
            check(&position, 3);
        }
        for sfen in [
            "8k/9/8P/9/9/9/9/9/K8 b G 1",
            "4k4/9/4P4/9/9/9/9/r8/L3K4 b G 1",
            "7nk/9/6G1P/9/9/9/9/9/K8 b - 1",
            "k8/9/P8/9/9/9/9/9/L3K4 b G 1",
            "4k4/9/9/3r1p3/4G4/9/9/9/4K4 w - 1",
        ] {
            for depth in 1..=3 {
                check(game(sfen).position(), depth);
            }
        }
        check(game("8k/9/8P/9/9/9/9/9/K8 b - 1").position(), 4);
    }

    #[test]
    fn gains_are_differences_of_material() {
        for position in positions(300, 4) {
            let us = position.side_to_move();
            let before = material::balance(&position, us);
            for (gain, mv) in ordered(&position) {
                let exact = material::balance(&after(&position, mv), us) - before;
                assert!((exact * 10.0 - gain as f32).abs() < 0.01, "{mv} gains {exact}, not {gain} tenths");
            }
        }
    }

    #[test]
    fn it_mates_as_fast_as_it_can_and_sees_what_is_guarded() {
        let play = |sfen: &str, depth| tries(&mut AlphaBetaPlayer::new(depth), sfen).into_iter().collect::<Vec<_>>();
        for depth in 2..=4 {
            assert_eq!(play("7nk/9/8P/9/9/9/9/9/K8 b G 1", depth), ["G*1b"], "depth {depth}");
        }
        // A side without a move has lost, in check or not.
        assert_eq!(play("8k/9/8P/9/9/9/9/9/K8 b G 1", 2), ["G*1b", "G*3b"]);
        // The last ply is not looked at further.
        assert_eq!(play("7nk/9/8P/9/9/9/9/9/K8 b G 1", 1), ["1c1b+"]);
        // The pawn hangs, but it is guarded: only one ply does not see that.
        let guarded = "4k4/9/9/4g4/4p4/4R4/9/9/4K4 b - 1";
        assert_eq!(play(guarded, 1), ["5f5e"]);
        assert!(!play(guarded, 2).contains(&"5f5e".to_owned()));
    }

    #[test]
    fn depth_one_is_greedy_where_there_is_no_mate() {
        for sfen in ["4k4/9/9/3r1p3/4G4/9/9/9/4K4 b - 1", "4k4/9/9/9/R7p/9/9/9/4K4 b - 1", Position::STARTPOS_SFEN] {
            assert_eq!(tries(&mut AlphaBetaPlayer::new(1), sfen), tries(&mut GreedyPlayer, sfen), "{sfen}");
        }
    }

    #[test]
    fn equal_moves_are_drawn_equally_often() {
        let game = Game::startpos();
        let (best, _) = best_moves(game.position(), 2);
        assert_eq!(best.len(), 30, "two plies from the start gain nothing");
        let mut counts = [0; 30];
        for i in 0..3000 {
            let mut random = Stream::new(1, Purpose::Evaluation, i, 0);
            let turn = Turn { number: 0, game: &game, random: &mut random };
            let answer = AlphaBetaPlayer::new(2).choose(&mut [turn]).remove(0);
            let place = best.iter().position(|&mv| mv == played(&answer).mv).expect("it is one of the best");
            counts[place] += 1;
        }
        // A hundred each; 42 are as rare as one in 10⁷.
        assert!(counts.into_iter().all(|count| (50..165).contains(&count)), "{counts:?}");
    }

    /// `cargo test --release -p keisei-play --lib speed_against_random -- --ignored --nocapture`
    #[test]
    #[ignore = "prints a speed"]
    fn speed_against_random() {
        for depth in [2, 3] {
            let begin = Instant::now();
            for number in 0..100 {
                let mut random = Stream::new(1, Purpose::Evaluation, number, 0);
                let (mut game, mut searcher) = (Game::startpos(), AlphaBetaPlayer::new(depth));
                while game.outcome().is_none() {
                    let is_random = game.moves().len() as u64 % 2 == number % 2;
                    let mut turn = [Turn { number: 0, game: &game, random: &mut random }];
                    let mut answers =
                        if is_random { RandomPlayer.choose(&mut turn) } else { searcher.choose(&mut turn) };
                    answers.remove(0).carry_out(&mut game).expect("both play legal moves");
                }
            }
            let minutes = begin.elapsed().as_secs_f64() / 60.0;
            println!("ab:{depth} against random: {:.0} games a minute on one thread", 100.0 / minutes);
        }
    }

    #[test]
    fn thoughts_say_what_was_found() {
        let thought = |sfen: &str| {
            let game = game(sfen);
            let mut random = Stream::new(1, Purpose::Evaluation, 0, 0);
            let answer = AlphaBetaPlayer::new(2).answer(&mut Turn { number: 0, game: &game, random: &mut random });
            played(&answer).thought.clone()
        };
        assert_eq!(thought("8k/9/8P/9/9/9/9/9/K8 b G 1").value, Some(Value(1.0)));
        let position = game("4k4/9/9/9/9/9/9/9/4K4 b R 1");
        assert_eq!(tenths(material::balance(position.position(), Color::Black)), 100);
        // A rook is ten pawns, a thousand centipawns.
        assert_eq!(thought("4k4/9/9/9/9/9/9/9/4K4 b R 1").value, Some(value_of(1000)));
        assert_eq!(thought(Position::STARTPOS_SFEN).top.len(), SHOWN);
    }
}
