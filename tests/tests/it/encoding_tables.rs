//! The encodings against a second, simple implementation of their tables: one test per square, one formula per move, no sets
//! and no lookup tables.

use keisei_core::encoding::{Action, Actions, Counters, Features, PackedObservation, SET_WORDS, SQUARES};
use keisei_core::shogi::{Color, Game, Move, PieceType, Position, Square, attacks};
use keisei_tests::random::{Choices, Random};
use std::collections::BTreeMap;

/// Calls `visit` with positions of random games, short and long, with full and empty hands.
pub fn random_games(seed: u64, games: usize, mut visit: impl FnMut(&Game)) {
    const STARTS: [&str; 3] = [
        "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1",
        "l6nl/5+P1gk/2np1S3/p1p4Pp/3P2Sp1/1PPb2P1P/P5GS1/R8/LN4bKL w RGgsn5p 1",
        "R8/2K1S1SSk/4B4/9/9/9/9/9/1L1L1L3 b RBGSNLP3g3n17p 1",
    ];
    let mut random = Random(seed);
    for number in 0..games {
        let start = Position::from_sfen(STARTS[number % STARTS.len()]).expect("test position");
        let mut game = Game::new(start, 160);
        visit(&game);
        while game.outcome().is_none() {
            game.play(random.pick(&game.position().legal_moves()));
            if random.below(5) == 0 {
                visit(&game);
            }
        }
        visit(&game);
    }
}

// ── Actions ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Row from the far edge and column from the left edge, as `side` sees a square.
fn seen(side: Color, square: Square) -> (i32, i32) {
    let (file, rank) = (i32::from(square.file()), i32::from(square.rank()));
    if side == Color::Black { (rank - 1, 9 - file) } else { (9 - rank, file - 1) }
}

/// The action of a move by the tables at [`Actions`].
fn action(actions: Actions, side: Color, mv: Move) -> i32 {
    let side = if actions == Actions::Flat13527Keisei2025 { Color::Black } else { side };
    let place = |order: &str| {
        let kind = mv.to_string().chars().next().expect("a letter");
        order.find(kind).expect("a kind that can be dropped") as i32
    };
    let (row, column) = seen(side, mv.to());
    let (to, promotes) = (9 * row + column, i32::from(mv.is_promotion()));
    let step = mv.from().map(|from| {
        let (from_row, from_column) = seen(side, from);
        (9 * from_row + from_column, row - from_row, column - from_column)
    });
    match (actions, step) {
        (Actions::Dest2187, None) => (20 + place("PLNSBRG")) * 81 + 9 * (8 - column) + row,
        (Actions::Dest2187, Some((_, down, right))) => {
            let plane = match (down.signum(), right.signum()) {
                (-1, -1) if down == -2 && right == -1 => 8,
                (-1, 1) if down == -2 && right == 1 => 9,
                (-1, 0) => 0,
                (-1, -1) => 1,
                (-1, 1) => 2,
                (0, -1) => 3,
                (0, 1) => 4,
                (1, 0) => 5,
                (1, -1) => 6,
                (1, 1) => 7,
                _ => panic!("{mv} goes nowhere"),
            };
            (plane + 10 * promotes) * 81 + 9 * (8 - column) + row
        }
        (Actions::Flat13527Keisei2025 | Actions::Flat13527Keisei2026, None) => 12960 + 7 * to + place("PLNSGBR"),
        (Actions::Flat13527Keisei2025 | Actions::Flat13527Keisei2026, Some((from, ..))) => {
            160 * from + 2 * (to - i32::from(to > from)) + promotes
        }
        (Actions::Spatial11259, None) => 139 * to + 132 + place("PLNSGBR"),
        (Actions::Spatial11259, Some((from, down, right))) => {
            const CLOCKWISE: [(i32, i32); 8] = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)];
            let slot = match (down, right) {
                (-2, -1) => 128 + promotes,
                (-2, 1) => 130 + promotes,
                _ => {
                    let direction = CLOCKWISE.iter().position(|&step| step == (down.signum(), right.signum()));
                    let distance = down.abs().max(right.abs());
                    64 * promotes + 8 * direction.expect("a line") as i32 + distance - 1
                }
            };
            139 * from + slot
        }
    }
}

#[test]
fn actions_masks_and_moves_follow_the_tables() {
    random_games(1, 12, |game| {
        let position = game.position();
        for actions in Actions::ALL {
            let side = position.side_to_move();
            let slow = |&mv: &Move| (Action(action(actions, side, mv) as u16), mv);
            let expected: BTreeMap<Action, Move> = position.legal_moves().iter().map(slow).collect();
            assert_eq!(
                expected.len(),
                position.legal_count(),
                "two moves share an action of {} in {position:?}",
                actions.id()
            );

            let legal = actions.legal(position);
            assert!(
                legal.actions().iter().copied().zip(legal.moves().iter().copied()).eq(expected.clone()),
                "{position:?}"
            );
            assert!(expected.iter().all(|(&index, &mv)| actions.index(side, mv) == index), "{position:?}");
            let mut mask = vec![true; actions.count()];
            actions.legal_mask(position, &mut mask);
            for index in (0..=actions.count() as u16).map(Action) {
                let mv = expected.get(&index).copied();
                assert_eq!(actions.to_move(position, index), mv, "{} {index} in {position:?}", actions.id());
                assert_eq!(mask.get(index.index()).copied().unwrap_or_default(), mv.is_some(), "{index} {position:?}");
            }
            assert_eq!(actions.to_move(position, Action(u16::MAX)), None);
        }
    });
}

// ── Planes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/// A position as the side to move sees it.
struct View<'a> {
    game: &'a Game,
    us: Color,
}

impl View<'_> {
    fn square(&self, seen: usize) -> Square {
        Square::ALL[if self.us == Color::Black { seen } else { 80 - seen }]
    }

    fn side(&self, own: bool) -> Color {
        if own { self.us } else { self.us.flip() }
    }

    fn stands(&self, own: bool, kind: usize, seen: usize) -> bool {
        let piece = self.game.position().piece_at(self.square(seen));
        piece.is_some_and(|piece| (piece.color(), piece.kind().index()) == (self.side(own), kind))
    }

    /// Number of pieces of one side and kind that attack a square.
    fn attackers(&self, own: bool, kind: usize, seen: usize) -> usize {
        let (color, occupied) = (self.side(own), self.game.position().occupied());
        let reaches = |from: usize| attacks(PieceType::ALL[kind], color, self.square(from), occupied);
        (0..81).filter(|&from| self.stands(own, kind, from) && reaches(from).contains(self.square(seen))).count()
    }

    fn all_attackers(&self, own: bool, seen: usize) -> usize {
        (0..14).map(|kind| self.attackers(own, kind, seen)).sum()
    }

    fn holds(&self, own: bool, kind: usize) -> f32 {
        self.game.position().hand(self.side(own)).count(PieceType::HAND[kind]).into()
    }
}

fn flag(is_set: bool) -> f32 {
    f32::from(u8::from(is_set))
}

/// One value of a plane by the table of `core46` and `katago50`.
fn keisei(features: Features, view: &View, counters: Counters, plane: usize, seen: usize) -> f32 {
    let is_2025 = features == Features::Core46Keisei2025;
    let is_katago = features == Features::Katago50;
    let scale = |kind: usize| if is_2025 { 18.0 } else { [18.0, 4.0, 4.0, 4.0, 4.0, 2.0, 2.0][kind] };
    let ratio = f32::from(counters.plies) / f32::from(counters.max_plies.max(1));
    match plane {
        0..=13 => flag(view.stands(true, plane, seen)),
        14..=27 => flag(view.stands(false, plane - 14, seen)),
        28..=34 => view.holds(true, plane - 28) / scale(plane - 28),
        35..=41 => view.holds(false, plane - 35) / scale(plane - 35),
        42 => flag(view.us == Color::Black),
        43 if counters.max_plies == 0 => 0.0,
        43 => {
            if is_2025 {
                ratio
            } else {
                ratio.min(1.0)
            }
        }
        44..=46 => flag(is_katago && usize::from(counters.repetition) == plane - 42),
        48 => flag(is_katago && view.game.position().in_check()),
        _ => 0.0,
    }
}

/// One value of a plane by the table `ATTACK96`.
fn attack96(view: &View, counters: Counters, plane: usize, seen: usize) -> f32 {
    let scaled = |own, kind: usize| (view.holds(own, kind) / [8.0, 4.0, 4.0, 4.0, 4.0, 2.0, 2.0][kind]).min(1.0);
    match plane {
        0..=13 => flag(view.stands(true, plane, seen)),
        14..=27 => flag(view.stands(false, plane - 14, seen)),
        28..=41 => flag(view.attackers(true, plane - 28, seen) > 0),
        42..=55 => flag(view.attackers(false, plane - 42, seen) > 0),
        56..=58 => flag(view.all_attackers(true, seen) >= plane - 55),
        59..=61 => flag(view.all_attackers(false, seen) >= plane - 58),
        62..=68 => scaled(true, plane - 62),
        69..=75 => scaled(false, plane - 69),
        76..=82 => flag(view.holds(true, plane - 76) > 0.0),
        83..=89 => flag(view.holds(false, plane - 83) > 0.0),
        90 | 91 => flag(usize::from(counters.repetition) >= plane - 88),
        92 => flag(view.game.position().in_check()),
        93 => (f32::from(counters.plies) / 512.0).min(1.0),
        94 => 1.0,
        95 => flag((0..9).any(|rank| view.stands(true, PieceType::Pawn.index(), seen / 9 * 9 + rank))),
        _ => panic!("there is no plane {plane}"),
    }
}

/// One value of a plane by the table `DLSHOGI119`.
fn dlshogi119(view: &View, plane: usize, seen: usize) -> f32 {
    const KINDS: [usize; 14] = [0, 1, 2, 3, 5, 6, 4, 7, 8, 9, 10, 11, 12, 13];
    match (plane, plane % 31) {
        (..62, kind @ ..14) => flag(view.stands(plane < 31, KINDS[kind], seen)),
        (..62, kind @ 14..28) => flag(view.attackers(plane < 31, KINDS[kind - 14], seen) > 0),
        (..62, count) => flag(view.all_attackers(plane < 31, seen) >= count - 27),
        (62..118, _) => {
            let mut place = (plane - 62) % 28;
            let mut kind = 0;
            for (next, most) in [8, 4, 4, 4, 4, 2].into_iter().enumerate() {
                if place < most {
                    break;
                }
                (place, kind) = (place - most, next + 1);
            }
            flag(view.holds(plane < 90, kind) > place as f32)
        }
        _ => flag(view.game.position().in_check()),
    }
}

#[test]
fn planes_of_every_type_follow_the_tables() {
    let mut random = Random(4);
    random_games(2, 6, |game| {
        let view = View { game, us: game.position().side_to_move() };
        // Counters that random games do not reach are tested as well.
        let drawn = Counters {
            repetition: 1 + random.below(4) as u8,
            plies: random.below(600) as u16,
            max_plies: random.pick(&[0, 200, 512]),
        };
        for counters in [Counters::of(game), drawn] {
            let observation = PackedObservation::of_position(game.position(), counters);
            assert_eq!(PackedObservation::from_bytes(*observation.as_bytes()), Ok(observation));
            for features in Features::ALL {
                let size = features.planes() * SQUARES;
                // The buffers are not zero before.
                let (mut wide, mut narrow, mut bytes) = (vec![7.0_f32; size], vec![7_u16; size], vec![7_i8; size]);
                features.expand(&observation, &mut wide);
                features.expand(&observation, &mut narrow);
                features.expand(&observation, &mut bytes);
                let (mut sets, mut values) = (vec![7; features.planes() * SET_WORDS], vec![7.0; features.planes()]);
                features.compress(&observation, &mut sets, &mut values);
                for at in 0..size {
                    let (plane, seen) = (at / SQUARES, at % SQUARES);
                    let expected = match features {
                        Features::Attack96 => attack96(&view, counters, plane, seen),
                        Features::Dlshogi119 => dlshogi119(&view, plane, seen),
                        _ => keisei(features, &view, counters, plane, seen),
                    };
                    let context = || format!("{} plane {plane}, square {seen} of {:?}", features.id(), game.position());
                    assert_eq!(wide[at], expected, "{}", context());
                    let bit = sets[SET_WORDS * plane + seen / 27] >> (seen % 27) & 1;
                    assert_eq!(bit as f32 * values[plane], expected, "{}", context());
                    // Eleven significant bits are kept.
                    assert!(
                        (half::f16::from_bits(narrow[at]).to_f32() - expected).abs() <= expected * 2f32.powi(-11),
                        "{}",
                        context()
                    );
                    assert_eq!(f32::from(bytes[at]), (expected * 127.0).round().min(127.0), "{}", context());
                }
            }
        }
    });
}
