//! Matchmaking: whom the learner meets in a game of self-play, itself or a frozen opponent of a league.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::random::{Purpose, Stream};
use crate::shogi::Color;

/// Game of the learner against a frozen opponent, from its first move to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Meeting {
    /// Id of the opponent.
    pub opponent: u32,
    /// Side that the learner plays.
    pub learner: Color,
}

/// Chances of the opponents in games that begin; the default is that the learner always plays both sides.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Matchmaking {
    /// Share of the games that are against an opponent, 0–1.
    pub share: f32,
    /// Opponents by id, with their weights: the chance of one is its weight by the sum of all. A weight that is not above 0 is
    /// that of an opponent that is not met.
    pub weights: Vec<(u32, f32)>,
}

impl Matchmaking {
    /// Whom the learner meets in game `number` of `slot`, both counted from 0, and the side that it plays, either with the same
    /// chance; `None` if it plays both sides.
    ///
    /// It depends on the arguments only, not on other games, and is drawn from a stream of its own, so that no opening or move
    /// changes because of it.
    pub fn meet(&self, seed: u64, slot: usize, number: u64) -> Option<Meeting> {
        let mut stream = Stream::new(seed, Purpose::Matchmaking, slot as u64, number);
        if stream.uniform() >= self.share {
            return None;
        }
        let learner = Color::ALL[stream.below(2)];
        let opponent = self.opponent(stream.uniform())?;
        Some(Meeting { opponent, learner })
    }

    /// Opponent at the part `uniform` (0–1) of the sum of the weights.
    fn opponent(&self, uniform: f32) -> Option<u32> {
        let met = || self.weights.iter().filter(|&&(_, weight)| weight > 0.0);
        let mut rest = f64::from(uniform) * met().map(|&(_, weight)| f64::from(weight)).sum::<f64>();
        for &(opponent, weight) in met() {
            rest -= f64::from(weight);
            if rest < 0.0 {
                return Some(opponent);
            }
        }
        // Rounding may leave a trace of the sum.
        met().next_back().map(|&(opponent, _)| opponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec;

    fn matchmaking(share: f32) -> Matchmaking {
        Matchmaking { share, weights: vec![(4, 1.0), (7, 0.0), (2, 3.0), (9, -1.0), (3, f32::NAN)] }
    }

    #[test]
    fn opponents_are_met_by_their_weights_on_both_sides() {
        const GAMES: u32 = 40_000;
        let matchmaking = matchmaking(0.2);
        let mut met = BTreeMap::new();
        for game in 0..GAMES {
            if let Some(Meeting { opponent, learner }) = matchmaking.meet(5, game as usize % 256, u64::from(game / 256))
            {
                *met.entry((opponent, learner)).or_insert(0) += 1;
            }
        }
        let expected = [(2, 0.15), (4, 0.05)];
        let mut games = 0;
        for (opponent, share) in expected {
            for learner in Color::ALL {
                let (found, mean) = (met[&(opponent, learner)], f64::from(GAMES) * share / 2.0);
                // Four standard deviations of a binomial distribution.
                assert!(
                    (f64::from(found) - mean).abs() < 4.0 * mean.sqrt(),
                    "{opponent} {learner:?}: {found} of {mean}"
                );
                games += found;
            }
        }
        assert_eq!(games, met.values().sum::<u32>(), "others were met: {met:?}");
    }

    #[test]
    fn without_opponents_or_a_share_nobody_is_met() {
        let nobody = Matchmaking { share: 1.0, weights: vec![(7, 0.0)] };
        for game in 0..1000 {
            assert_eq!(matchmaking(0.0).meet(1, 3, game), None);
            assert_eq!(nobody.meet(1, 3, game), None);
            assert_eq!(Matchmaking::default().meet(1, 3, game), None);
            assert!(matchmaking(1.0).meet(1, 3, game).is_some());
        }
    }

    #[test]
    fn a_meeting_depends_on_the_seed_the_slot_and_the_number_of_the_game() {
        let matchmaking = matchmaking(1.0);
        let meetings = |seed, slot: usize, step: usize| -> Vec<Option<Meeting>> {
            (0..64).map(|i| matchmaking.meet(seed, slot + step * i, (i * (1 - step)) as u64)).collect()
        };
        assert_eq!(meetings(1, 2, 0), meetings(1, 2, 0));
        assert_ne!(meetings(1, 2, 0), meetings(2, 2, 0));
        assert_ne!(meetings(1, 2, 0), meetings(1, 3, 0));
        assert_ne!(meetings(1, 2, 0), meetings(1, 2, 1));
    }
}
