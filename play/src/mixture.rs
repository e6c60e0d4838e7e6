//! Player that is one of several others in each game.

use std::collections::BTreeMap;

use keisei_core::random::Stream;
use keisei_core::shogi::Outcome;

use crate::player::{Answer, Forfeit, Player, Turn};

/// Player that draws one of its members for each game, from the game's own random numbers: who plays a game does not depend on
/// the other games.
pub struct MixturePlayer {
    /// Members with their weights.
    members: Vec<(f64, Box<dyn Player + Send>)>,
    /// Place of the member that plays each game in progress, by the game's number.
    drawn: BTreeMap<usize, usize>,
}

impl MixturePlayer {
    /// Player with these members and their weights: each plays in proportion to its own.
    ///
    /// # Panics
    /// If there is no member, or a weight is not a positive number.
    pub fn new(members: Vec<(f64, Box<dyn Player + Send>)>) -> MixturePlayer {
        assert!(!members.is_empty(), "a mixture has members");
        assert!(members.iter().all(|&(weight, _)| weight > 0.0 && weight.is_finite()), "weights are positive");
        MixturePlayer { members, drawn: BTreeMap::new() }
    }

    fn draw(members: &[(f64, Box<dyn Player + Send>)], random: &mut Stream) -> usize {
        let total: f64 = members.iter().map(|&(weight, _)| weight).sum();
        let mut left = total * f64::from(random.uniform());
        for (place, &(weight, _)) in members.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return place;
            }
        }
        // Rounding can leave a rest after the last weight.
        members.len() - 1
    }
}

impl Player for MixturePlayer {
    fn start(&mut self) -> Result<(), Forfeit> {
        self.members.iter_mut().try_for_each(|(_, member)| member.start())
    }

    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Answer> {
        let MixturePlayer { members, drawn } = self;
        let mut parts: Vec<(Vec<usize>, Vec<Turn>)> = members.iter().map(|_| (Vec::new(), Vec::new())).collect();
        for (place, turn) in turns.iter_mut().enumerate() {
            let member = *drawn.entry(turn.number).or_insert_with(|| MixturePlayer::draw(members, turn.random));
            parts[member].0.push(place);
            parts[member].1.push(Turn { number: turn.number, game: turn.game, random: turn.random });
        }
        let mut answers: Vec<(usize, Answer)> = Vec::new();
        for ((places, mut turns), (_, member)) in parts.into_iter().zip(members) {
            if !turns.is_empty() {
                answers.extend(places.into_iter().zip(member.choose(&mut turns)));
            }
        }
        answers.sort_unstable_by_key(|&(place, _)| place);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    fn end(&mut self, number: usize, outcome: Option<Outcome>) {
        if let Some(member) = self.drawn.remove(&number) {
            self.members[member].1.end(number, outcome);
        }
    }

    fn capacity(&self) -> usize {
        self.members.iter().map(|(_, member)| member.capacity()).min().unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use keisei_core::random::Purpose;
    use keisei_core::shogi::{Game, Move};

    use super::*;
    use crate::player::Choice;
    use crate::samples::played;

    /// Player that always plays one move, and notes which games have ended.
    struct One(Move, Vec<usize>);

    impl Player for One {
        fn choose(&mut self, turns: &mut [Turn]) -> Vec<Answer> {
            turns.iter().map(|_| Choice::without_thought(self.0).into()).collect()
        }

        fn end(&mut self, number: usize, _: Option<Outcome>) {
            self.1.push(number);
        }

        fn capacity(&self) -> usize {
            if self.0.to_string() == "7g7f" { 3 } else { usize::MAX }
        }
    }

    fn mixture() -> MixturePlayer {
        let member = |weight, usi: &str| {
            let one: Box<dyn Player + Send> = Box::new(One(usi.parse().expect("it is USI"), Vec::new()));
            (weight, one)
        };
        MixturePlayer::new(vec![member(1.0, "7g7f"), member(3.0, "2g2f")])
    }

    /// Moves of the mixture in these games, all in one batch.
    fn moves(player: &mut MixturePlayer, numbers: &[usize], ply: u64) -> Vec<String> {
        let game = Game::startpos();
        let stream = |&number: &usize| Stream::new(1, Purpose::Evaluation, number as u64, ply);
        let mut streams: Vec<Stream> = numbers.iter().map(stream).collect();
        let turn = |(&number, random)| Turn { number, game: &game, random };
        let mut turns: Vec<Turn> = numbers.iter().zip(&mut streams).map(turn).collect();
        player.choose(&mut turns).iter().map(|answer| played(answer).mv.to_string()).collect()
    }

    #[test]
    fn members_play_in_proportion_and_keep_their_games() {
        let numbers: Vec<usize> = (0..2000).collect();
        let mut player = mixture();
        let drawn = moves(&mut player, &numbers, 0);
        let first = drawn.iter().filter(|mv| *mv == "7g7f").count();
        assert!((430..570).contains(&first), "{first} of 2000 games are for a quarter");
        assert_eq!(moves(&mut player, &numbers, 1), drawn, "a game keeps its player");
        // The batch, its order and the player object make no difference.
        for &number in &[1999, 3, 700] {
            assert_eq!(moves(&mut mixture(), &[number], 0), [drawn[number].clone()], "game {number}");
        }
        // A number that begins again is another game.
        for number in numbers.clone() {
            player.end(number, None);
        }
        assert!(player.drawn.is_empty());
        assert_ne!(moves(&mut player, &numbers, 1), drawn);
    }

    #[test]
    fn a_mixture_has_room_for_what_its_members_have() {
        assert_eq!(mixture().capacity(), 3);
    }
}
