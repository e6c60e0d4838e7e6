//! Games played in three views at once: as they are, with the board turned and the colours exchanged, and mirrored. Legal
//! moves, checks, repetitions, declarations and outcomes must correspond at every ply; and taking every move back must lead
//! through the same positions.

use std::collections::BTreeSet;

use keisei_core::shogi::{
    Bitboard, Color, DeclarationError, Game, GameResult, Move, Outcome, PieceType, Position, Reason, Square, attacks,
};
use keisei_tests::adversarial;
use keisei_tests::random::{Choices, Random};

fn position(sfen: &str) -> Position {
    Position::from_sfen(sfen).unwrap_or_else(|error| panic!("{sfen}: {error}"))
}

fn swap_case(text: &str) -> String {
    let swap = |c: char| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
    text.chars().map(swap).collect()
}

/// The cells of a board's text in reverse order; read from the right, the `+` of a promoted piece comes after its letter.
fn reversed(text: &str) -> String {
    let mut board = String::new();
    let mut letters = text.chars().rev().peekable();
    while let Some(letter) = letters.next() {
        board.extend(letters.next_if_eq(&'+'));
        board.push(letter);
    }
    board
}

/// Another view of the same game.
pub struct View {
    name: &'static str,
    pub sfen: fn(&str) -> String,
    square: fn(Square) -> Square,
    color: fn(Color) -> Color,
}

/// The board turned by 180° with the colours exchanged.
pub const TURNED: View = View {
    name: "turned",
    sfen: |sfen| {
        let fields: Vec<&str> = sfen.split(' ').collect();
        let side = if fields[1] == "b" { "w" } else { "b" };
        format!("{} {side} {} {}", swap_case(&reversed(fields[0])), swap_case(fields[2]), fields[3])
    },
    square: Square::flip,
    color: Color::flip,
};

/// Left and right exchanged.
pub const MIRRORED: View = View {
    name: "mirrored",
    sfen: |sfen| {
        let (board, rest) = sfen.split_once(' ').expect("SFEN has fields");
        format!("{} {rest}", board.split('/').map(reversed).collect::<Vec<_>>().join("/"))
    },
    square: Square::mirror,
    color: |color| color,
};

const VIEWS: [View; 2] = [TURNED, MIRRORED];

impl View {
    pub fn of_move(&self, mv: Move) -> Move {
        let to = (self.square)(mv.to());
        match (mv.from().map(self.square), mv.dropped()) {
            (Some(from), _) if mv.is_promotion() => Move::promoting(from, to),
            (Some(from), _) => Move::normal(from, to),
            (None, kind) => Move::drop(kind.expect("no origin, so a drop"), to),
        }
    }

    fn of_outcome(&self, outcome: Outcome) -> Outcome {
        match outcome.result {
            GameResult::Win(color) => Outcome { result: GameResult::Win((self.color)(color)), ..outcome },
            _ => outcome,
        }
    }

    /// Checks that all properties of `game` are the same in its view `seen`.
    fn check(&self, game: &Game, seen: &Game) {
        let context = || format!("{} {:?} {:?}", self.name, game.position(), seen.position());
        let (a, b) = (game.position(), seen.position());
        let moves: BTreeSet<Move> = a.legal_moves().into_iter().map(|mv| self.of_move(mv)).collect();
        assert_eq!(moves, b.legal_moves().into_iter().collect(), "{}", context());
        let checkers: BTreeSet<Square> = a.checkers().into_iter().map(self.square).collect();
        assert_eq!(checkers, b.checkers().into_iter().collect(), "{}", context());
        assert_eq!(game.repetition_count(), seen.repetition_count(), "{}", context());
        assert_eq!(game.outcome().map(|outcome| self.of_outcome(outcome)), seen.outcome(), "{}", context());
        match (game.clone().declare(), seen.clone().declare()) {
            (Ok(ours), Ok(theirs)) => assert_eq!(self.of_outcome(ours), theirs, "{}", context()),
            // Black needs a point more.
            (Err(DeclarationError::TooFewPoints { found: 27, .. }), Ok(_))
            | (Ok(_), Err(DeclarationError::TooFewPoints { found: 27, .. })) => {
                assert_ne!(a.side_to_move(), b.side_to_move(), "{}", context());
            }
            (Err(ours), Err(theirs)) => {
                let ours = match ours {
                    DeclarationError::GameOver(outcome) => DeclarationError::GameOver(self.of_outcome(outcome)),
                    error => error,
                };
                let points = |error| match error {
                    DeclarationError::TooFewPoints { found, .. } => DeclarationError::TooFewPoints { found, needed: 0 },
                    error => error,
                };
                assert_eq!(points(ours), points(theirs), "{}", context());
            }
            other => panic!("{other:?} {}", context()),
        }
    }
}

/// Preference among the moves of a random game.
#[derive(Clone, Copy)]
enum Urge {
    /// No preference.
    Any,
    /// Moves that lead back to an earlier position.
    Repeat,
    /// Checks by one side, and moves that lead back.
    CheckAndRepeat(Color),
}

fn choose(game: &Game, seen: &BTreeSet<u64>, urge: Urge, random: &mut Random) -> Move {
    let moves = game.position().legal_moves();
    if matches!(urge, Urge::Any) || random.below(12) == 0 {
        return random.pick(&moves);
    }
    let score = |mv: Move| {
        let mut after = game.position().clone();
        after.play_unchecked(mv);
        let checks = matches!(urge, Urge::CheckAndRepeat(side) if side != after.side_to_move()) && after.in_check();
        2 * u8::from(checks) + u8::from(seen.contains(&after.key()))
    };
    let best = moves.iter().map(|&mv| score(mv)).max().expect("the game goes on, so there is a move");
    let candidates: Vec<Move> = moves.into_iter().filter(|&mv| score(mv) == best).collect();
    random.pick(&candidates)
}

/// Plays one game in all views and takes it back; returns the reason of its end, and whether a declaration was possible.
fn play(start: &Position, plies: usize, urge: Urge, random: &mut Random) -> (Option<Reason>, bool) {
    let sfen = start.to_sfen();
    let mut game = Game::new(start.clone(), plies as u16);
    let mut views = VIEWS.map(|view| (Game::new(position(&(view.sfen)(&sfen)), plies as u16), view));
    let mut line = Vec::new();
    let mut seen = BTreeSet::new();
    let mut declared = false;
    loop {
        for (other, view) in &views {
            view.check(&game, other);
        }
        let position = game.position();
        assert_eq!(*position, self::position(&position.to_sfen()), "what is kept is what is recomputed");
        declared |= position.can_declare();
        if game.outcome().is_some() {
            break;
        }
        seen.insert(position.key());
        let mv = choose(&game, &seen, urge, random);
        line.push((position.clone(), game.repetition_count(), mv));
        game.play(mv);
        for (other, view) in &mut views {
            other.play(view.of_move(mv));
        }
    }
    let reason = game.outcome().map(|outcome| outcome.reason);
    while let Some((position, count, mv)) = line.pop() {
        assert_eq!(game.undo(), Some(mv));
        assert_eq!((game.position(), game.repetition_count(), game.outcome()), (&position, count, None));
    }
    (reason, declared)
}

#[test]
fn every_view_of_a_game_is_the_same_game() {
    /// Plays `games` games from `start` and expects `ends` among their ends, and a possible declaration if `declares`.
    fn check(seed: u64, games: usize, start: &str, urge: Urge, ends: &[Reason], declares: bool) {
        let mut random = Random(seed);
        let played: Vec<_> = (0..games).map(|_| play(&position(start), 120, urge, &mut random)).collect();
        for end in ends {
            assert!(played.iter().any(|(reason, _)| reason.as_ref() == Some(end)), "no {end} from {start}: {played:?}");
        }
        assert_eq!(played.iter().any(|&(_, declared)| declared), declares, "{start}");
    }
    let startpos = Position::startpos().to_sfen();
    check(1, 10, &startpos, Urge::Any, &[Reason::MaxPlies], false);
    check(2, 10, &startpos, Urge::Repeat, &[Reason::Repetition], false);
    let rook = "4k4/9/9/9/9/9/9/9/4K2R1 b - 1";
    check(3, 20, rook, Urge::CheckAndRepeat(Color::Black), &[Reason::PerpetualCheck], false);
    check(4, 20, "4k2r1/9/9/9/9/9/9/9/4K4 w - 1", Urge::CheckAndRepeat(Color::White), &[Reason::PerpetualCheck], false);
    check(5, 20, "k8/1p7/2G6/9/9/9/9/9/K8 b 2G 1", Urge::CheckAndRepeat(Color::Black), &[Reason::Checkmate], false);
    check(6, 10, "LNSGKGSNL/4BR3/9/9/9/9/9/9/4k4 b RB 1", Urge::Repeat, &[Reason::Repetition], true);
    // A point too few for Black, and so enough for White in the turned view.
    check(7, 10, "LNSGKGSNL/4BR3/9/9/9/9/9/9/4k4 b R4P 1", Urge::Repeat, &[Reason::Repetition], false);
    check(8, 10, "4K4/9/9/9/9/9/9/4br3/lnsgkgsnl w r4p 1", Urge::Any, &[], true);
}

#[test]
fn hard_positions_look_the_same_in_every_view() {
    let mut random = Random(9);
    for _ in 0..400 {
        play(&adversarial::position(&mut random), 12, Urge::Any, &mut random);
    }
}

#[test]
fn attacks_look_the_same_in_every_view() {
    let mut random = Random(5);
    for _ in 0..100 {
        let occupied: Bitboard = Square::ALL.into_iter().filter(|_| random.below(4) == 0).collect();
        for View { name, square, color, .. } in VIEWS {
            let seen = occupied.into_iter().map(square).collect();
            for kind in PieceType::ALL {
                for from in Square::ALL {
                    let ours = attacks(kind, Color::Black, from, occupied).into_iter().map(square).collect();
                    assert_eq!(attacks(kind, color(Color::Black), square(from), seen), ours, "{name} {kind:?} {from}");
                }
            }
        }
    }
}
