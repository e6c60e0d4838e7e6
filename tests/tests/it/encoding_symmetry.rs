//! Symmetry of the encodings: with the board turned and the colours exchanged, planes and legal actions stay the same; on the
//! mirrored board they are mirrored.

use keisei_core::encoding::{Actions, Counters, Features, PackedObservation, SQUARES};
use keisei_core::shogi::{Game, Position};

use crate::encoding_tables::random_games;
use crate::symmetry::{MIRRORED, TURNED, View};

const BLACK_TO_MOVE: usize = 42;

fn planes(features: Features, game: &Game, position: &Position) -> Vec<f32> {
    let mut planes = vec![0.0; features.planes() * SQUARES];
    features.expand(&PackedObservation::of_position(position, Counters::of(game)), &mut planes);
    planes
}

fn mask(actions: Actions, position: &Position) -> Vec<bool> {
    let mut mask = vec![false; actions.count()];
    actions.legal_mask(position, &mut mask);
    mask
}

/// Calls `visit` with positions of random games, each together with the same position in `view`.
fn seen_in(view: &View, seed: u64, mut visit: impl FnMut(&Game, &Position)) {
    random_games(seed, 12, |game| {
        let seen = (view.sfen)(&game.position().to_sfen());
        visit(game, &Position::from_sfen(&seen).expect("a view of a position is one"));
    });
}

#[test]
fn both_colours_see_and_choose_the_same() {
    seen_in(&TURNED, 5, |game, turned| {
        let position = game.position();
        let sides = [position.side_to_move(), turned.side_to_move()];
        assert_ne!(sides[0], sides[1]);
        for features in Features::ALL {
            let [mut a, mut b] = [position, turned].map(|position| planes(features, game, position));
            if !matches!(features, Features::Attack96 | Features::Dlshogi119) {
                for planes in [&mut a, &mut b] {
                    planes.drain(BLACK_TO_MOVE * SQUARES..(BLACK_TO_MOVE + 1) * SQUARES);
                }
            }
            assert!(a == b, "{} {position:?}", features.id());
        }
        for actions in Actions::ALL {
            // Keisei 2025 counts squares from the same corner for both colours.
            let is_absolute = actions == Actions::Flat13527Keisei2025;
            assert!(is_absolute || mask(actions, position) == mask(actions, turned), "{} {position:?}", actions.id());
            for mv in position.legal_moves() {
                let [a, b] = [actions.index(sides[0], mv), actions.index(sides[1], TURNED.of_move(mv))];
                assert_eq!(actions.to_move(turned, b), Some(TURNED.of_move(mv)), "{position:?} {mv}");
                assert!(is_absolute || a == b, "{} {position:?} {mv}", actions.id());
            }
        }
    });
}

/// The action of the mirrored move.
fn mirrored(actions: Actions, action: usize) -> usize {
    let by_row = |square: usize| square / 9 * 9 + 8 - square % 9;
    match actions {
        Actions::Dest2187 => {
            const PLANES: [usize; 27] =
                [0, 2, 1, 4, 3, 5, 7, 6, 9, 8, 10, 12, 11, 14, 13, 15, 17, 16, 19, 18, 20, 21, 22, 23, 24, 25, 26];
            let (plane, to) = (action / SQUARES, action % SQUARES);
            PLANES[plane] * SQUARES + 9 * (8 - to / 9) + to % 9
        }
        Actions::Flat13527Keisei2025 | Actions::Flat13527Keisei2026 if action >= 12960 => {
            let drop = action - 12960;
            12960 + 7 * by_row(drop / 7) + drop % 7
        }
        Actions::Flat13527Keisei2025 | Actions::Flat13527Keisei2026 => {
            let (from, rest) = (action / 160, action % 160 / 2);
            let to = by_row(rest + usize::from(rest >= from));
            let from = by_row(from);
            160 * from + 2 * (to - usize::from(to > from)) + action % 2
        }
        Actions::Spatial11259 => {
            let slot = match action % 139 {
                line @ 0..128 => line / 64 * 64 + (8 - line % 64 / 8) % 8 * 8 + line % 8,
                jump @ 128..132 => (jump - 128 + 2) % 4 + 128,
                drop => drop,
            };
            139 * by_row(action / 139) + slot
        }
    }
}

#[test]
fn the_mirror_shows_planes_and_actions_mirrored() {
    seen_in(&MIRRORED, 6, |game, seen| {
        let position = game.position();
        let side = position.side_to_move();
        for features in Features::ALL {
            let [a, b] = [position, seen].map(|position| planes(features, game, position));
            let in_mirror = |at: usize| at / SQUARES * SQUARES + 9 * (8 - at % SQUARES / 9) + at % 9;
            assert!((0..a.len()).all(|at| a[at] == b[in_mirror(at)]), "{} {position:?}", features.id());
        }
        for actions in Actions::ALL {
            let [a, b] = [position, seen].map(|position| mask(actions, position));
            for (action, &is_legal) in a.iter().enumerate().filter(|&(_, &is_legal)| is_legal) {
                assert_eq!(is_legal, b[mirrored(actions, action)], "{} {action} {position:?}", actions.id());
            }
            assert_eq!(a.iter().filter(|&&is_legal| is_legal).count(), b.iter().filter(|&&is_legal| is_legal).count());
            for mv in position.legal_moves() {
                let [a, b] = [mv, MIRRORED.of_move(mv)].map(|mv| actions.index(side, mv).index());
                assert_eq!(mirrored(actions, a), b, "{} {mv} {position:?}", actions.id());
            }
        }
    });
}
