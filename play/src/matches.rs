//! Match runner: two contenders play balanced random openings, each of them with both colours.
//!
//! Each game has random numbers of its own, so a match depends on its contenders and its seed, and not on the number of
//! threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use keisei_core::format::{PlyInfo, Record};
use keisei_core::shogi::{Color, Game, GameResult, Outcome, Position, Reason};

use crate::contender::Contender;
use crate::player::{self, Player, Turn};
use crate::rating::{Tally, elo, paired, wilson};
use keisei_core::random::{Purpose, Stream};
use keisei_core::shogi::material;

/// Plies, opening included, after which a game counts as a draw.
pub const MAX_PLIES: u16 = 512;

/// Uniformly random plies at the start of each game.
pub const OPENING_PLIES: usize = 6;

/// Largest material balance, in pawns, of either side after the opening.
pub const OPENING_BALANCE: f32 = 2.0;

/// Plies, opening included, within which a strong player is expected to turn an advantage into a win.
pub const CONVERSION_PLIES: usize = 256;

/// Games that a thread advances together.
const SLOTS: usize = 64;

/// Settings of a match.
#[derive(Clone, Copy, Debug)]
pub struct Match {
    /// Number of openings, each of which is played in two games.
    pub pairs: usize,
    /// Seed of openings and moves.
    pub seed: u64,
    /// Number of threads to play on; 0 counts as 1.
    pub threads: usize,
}

/// A played match.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// Name of the first contender.
    pub first: String,
    /// Name of the second.
    pub second: String,
    /// All games, the two of each opening one after the other; the first contender is Black in games 0, 2, 4 and so on.
    pub games: Vec<Record>,
}

impl Match {
    /// Plays the match. `progress` is called from any thread with each finished game's result for the first contender.
    ///
    /// # Panics
    /// If `progress` does. Players that panic forfeit.
    pub fn play(&self, first: &Contender, second: &Contender, progress: &(dyn Fn(Tally) + Sync)) -> Played {
        let games = 2 * self.pairs;
        let slots = games.div_ceil(self.threads.max(1)).min(SLOTS);
        let next = AtomicUsize::new(0);
        let worker = || {
            let players = [first.player(), second.player()];
            Worker { table: self, contenders: [first, second], players, next: &next, progress }.play(slots)
        };
        let mut played: Vec<(usize, Record)> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.threads.max(1)).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().flat_map(|worker| worker.join().expect("the progress panicked")).collect()
        });
        played.sort_unstable_by_key(|&(number, _)| number);
        let games = played.into_iter().map(|(_, record)| record).collect();
        Played { first: first.name().to_owned(), second: second.name().to_owned(), games }
    }
}

/// Game after the random opening of pair `pair`: it is not over, and no side is ahead by more than [`OPENING_BALANCE`].
pub fn opening(seed: u64, pair: usize) -> Game {
    let mut random = Stream::new(seed, Purpose::Evaluation, pair as u64, 0);
    loop {
        let mut game = Game::new(Position::startpos(), MAX_PLIES);
        while game.outcome().is_none() && game.moves().len() < OPENING_PLIES {
            let moves = game.position().legal_moves();
            game.play_unchecked(moves[random.below(moves.len())]);
        }
        if game.outcome().is_none() && material::balance(game.position(), Color::Black).abs() <= OPENING_BALANCE {
            return game;
        }
    }
}

/// One thread's part of a match.
struct Worker<'a> {
    table: &'a Match,
    contenders: [&'a Contender; 2],
    players: [Box<dyn Player + Send>; 2],
    /// Number of the next game, which no thread plays yet.
    next: &'a AtomicUsize,
    progress: &'a (dyn Fn(Tally) + Sync),
}

/// Game in progress, with the players' value and candidates before each move.
struct Seat {
    number: usize,
    game: Game,
    thoughts: Vec<PlyInfo>,
    /// What a player did that forfeits the game.
    note: String,
    random: Stream,
}

impl Worker<'_> {
    fn play(mut self, slots: usize) -> Vec<(usize, Record)> {
        let slots = self.players.iter().fold(slots, |slots, player| slots.min(player.capacity()));
        let mut finished = Vec::new();
        let mut seats: Vec<Seat> = Vec::new();
        loop {
            while seats.len() < slots
                && let Some(seat) = self.sit_down()
            {
                seats.push(seat);
            }
            if seats.is_empty() {
                return finished;
            }
            for contender in 0..2 {
                self.advance(contender, &mut seats);
            }
            for seat in seats.extract_if(.., |seat| seat.game.outcome().is_some()) {
                (self.progress)(tally(seat.game.outcome(), seat.number));
                self.players.iter_mut().for_each(|player| player.end(seat.number, seat.game.outcome()));
                let [black, white] = Color::ALL.map(|color| self.contenders[contender_of(seat.number, color)].name());
                let record = Record::of_game(&seat.game, black, white, seat.thoughts);
                finished.push((seat.number, Record { note: seat.note, ..record }));
            }
        }
    }

    fn sit_down(&self) -> Option<Seat> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let pair = number / 2;
        (pair < self.table.pairs).then(|| {
            let game = opening(self.table.seed, pair);
            let random = Stream::new(self.table.seed, Purpose::Evaluation, pair as u64, 1 + number as u64 % 2);
            let thoughts = vec![PlyInfo::default(); game.moves().len()];
            Seat { number, thoughts, note: String::new(), game, random }
        })
    }

    /// Plays one ply in every game in which `contender` is to move. A side that may declare a win does so; one that panics
    /// forfeits these games.
    fn advance(&mut self, contender: usize, seats: &mut [Seat]) {
        let mut moving: Vec<&mut Seat> = seats
            .iter_mut()
            .filter(|seat| contender_of(seat.number, seat.game.position().side_to_move()) == contender)
            .filter_map(|seat| seat.game.adjudicate().is_none().then_some(seat))
            .collect();
        if moving.is_empty() {
            return;
        }
        let mut turns: Vec<Turn> = moving
            .iter_mut()
            .map(|seat| Turn { number: seat.number, game: &seat.game, random: &mut seat.random })
            .collect();
        let fresh = || self.contenders[contender].player();
        let answers = player::answers(&mut self.players[contender], fresh, &mut turns);
        for (seat, answer) in moving.into_iter().zip(answers) {
            match answer.carry_out(&mut seat.game) {
                Ok(thought) => seat.thoughts.extend(thought),
                Err(forfeit) => seat.note = forfeit.to_string(),
            }
        }
    }
}

/// Contender (0 or 1) that has `color` in game `number`.
fn contender_of(number: usize, color: Color) -> usize {
    (number + color.index()) % 2
}

/// The first contender's result in game `number`. A game that was cut off counts as a draw.
fn tally(outcome: Option<Outcome>, number: usize) -> Tally {
    match outcome.map(|outcome| outcome.result) {
        Some(GameResult::Win(color)) if contender_of(number, color) == 0 => Tally { wins: 1, ..Tally::default() },
        Some(GameResult::Win(_)) => Tally { losses: 1, ..Tally::default() },
        _ => Tally { draws: 1, ..Tally::default() },
    }
}

impl Played {
    /// The first contender's results as Black and as White.
    pub fn by_color(&self) -> [Tally; 2] {
        let mut by_color = [Tally::default(); 2];
        for (number, tally) in self.tallies().enumerate() {
            by_color[number % 2] += tally;
        }
        by_color
    }

    /// The first contender's results.
    pub fn tally(&self) -> Tally {
        self.tallies().fold(Tally::default(), |sum, tally| sum + tally)
    }

    /// The first contender's results by the reason that ended the game.
    pub fn by_reason(&self) -> BTreeMap<String, Tally> {
        let mut by_reason = BTreeMap::new();
        for (record, tally) in self.games.iter().zip(self.tallies()) {
            let reason = record.outcome.map_or(Reason::MaxPlies, |outcome| outcome.reason);
            *by_reason.entry(reason.to_string()).or_insert_with(Tally::default) += tally;
        }
        by_reason
    }

    /// Points of the first contender in each pair of games, 0 to 2.
    pub fn pair_points(&self) -> Vec<f64> {
        let tallies: Vec<Tally> = self.tallies().collect();
        tallies.chunks(2).map(|pair| pair.iter().map(|tally| tally.score()).sum()).collect()
    }

    /// Numbers of pairs in which the first contender scored 0, ½, 1, 1½ and 2 points.
    pub fn pentanomial(&self) -> [usize; 5] {
        let mut counts = [0; 5];
        for points in self.pair_points() {
            counts[(2.0 * points) as usize] += 1;
        }
        counts
    }

    /// Wilson's 95 % interval of the first contender's score, which is from 0 to 1.
    pub fn score_interval(&self) -> (f64, f64) {
        wilson(self.tally().score(), self.games.len())
    }

    /// Elo difference of the first contender over the second, with a 95 % interval from the pairs; infinite where the games set
    /// no bound.
    pub fn elo(&self) -> (f64, (f64, f64)) {
        let (low, high) = paired(&self.pair_points());
        (elo(self.tally().score()), (elo(low), elo(high)))
    }

    /// Mean length of the games in plies, opening included.
    pub fn mean_plies(&self) -> f64 {
        let plies: usize = self.games.iter().map(|record| record.moves.len()).sum();
        plies as f64 / self.games.len() as f64
    }

    /// Number of the first contender's wins within [`CONVERSION_PLIES`].
    pub fn quick_wins(&self) -> usize {
        let quick = self.games.iter().map(|record| record.moves.len() <= CONVERSION_PLIES);
        quick.zip(self.tallies()).filter(|&(quick, tally)| quick && tally.wins == 1).count()
    }

    fn tallies(&self) -> impl Iterator<Item = Tally> {
        self.games.iter().enumerate().map(|(number, record)| tally(record.outcome, number))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use keisei_core::format::record;

    use super::*;

    fn agent() -> Contender {
        crate::samples::agent(0.15).into()
    }

    #[test]
    fn openings_are_balanced_and_differ() {
        let openings: Vec<Game> = (0..200).map(|pair| opening(1, pair)).collect();
        for game in &openings {
            assert_eq!((game.moves().len(), game.outcome()), (OPENING_PLIES, None));
            assert!(material::balance(game.position(), Color::Black).abs() <= 2.0);
        }
        let mut keys: Vec<u64> = openings.iter().map(|game| game.position().key()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert!(keys.len() > 195, "{} different openings of 200", keys.len());
        assert_eq!(opening(1, 7).moves(), openings[7].moves());
        assert_ne!(opening(2, 7).moves(), openings[7].moves());
    }

    #[test]
    fn a_match_does_not_depend_on_the_number_of_threads() {
        let play = |threads| Match { pairs: 3, seed: 5, threads }.play(&agent(), &Contender::Greedy, &|_| ());
        let alone = play(1);
        assert_eq!(alone.games.len(), 6);
        for threads in [2, 5, 9] {
            assert_eq!(play(threads), alone, "{threads} threads");
        }
    }

    #[test]
    fn each_opening_is_played_with_both_colors_and_records_can_be_read() {
        let seen = Mutex::new(Tally::default());
        let progress = |tally| *seen.lock().expect("no other test holds it") += tally;
        let played = Match { pairs: 4, seed: 1, threads: 2 }.play(&agent(), &Contender::Random, &progress);
        for (pair, games) in played.games.chunks(2).enumerate() {
            assert_eq!([&games[0].black[..], &games[0].white], ["agent", "random"]);
            assert_eq!([&games[1].black[..], &games[1].white], ["random", "agent"]);
            for game in games {
                assert_eq!(game.moves[..OPENING_PLIES], *opening(1, pair).moves());
                assert!(game.outcome.is_some());
                // The player with a network records its values, the random player records none.
                let thought = |ply: usize| game.plies[ply].value.is_some();
                let agents = usize::from(game.black != "agent");
                assert!((0..game.moves.len()).all(|ply| thought(ply) == (ply >= OPENING_PLIES && ply % 2 == agents)));
            }
        }
        let bytes = record::to_bytes(&played.games).expect("the games are legal");
        assert_eq!(record::from_bytes(&bytes), Ok(played.games.clone()));
        assert_eq!(*seen.lock().expect("the match is over"), played.tally());
    }

    #[test]
    fn greedy_beats_random() {
        let played = Match { pairs: 10, seed: 1, threads: 2 }.play(&Contender::Greedy, &Contender::Random, &|_| ());
        assert!(played.tally().score() > 0.9, "{:?}", played.tally());
    }

    #[test]
    fn results_are_counted_for_the_first_contender() {
        let game = |result, reason, plies| Record {
            outcome: Some(Outcome { result, reason }),
            moves: vec!["7g7f".parse().expect("it is USI"); plies],
            ..Record::default()
        };
        let (black, white) = (GameResult::Win(Color::Black), GameResult::Win(Color::White));
        let played = Played {
            first: "a".into(),
            second: "b".into(),
            games: vec![
                game(black, Reason::Checkmate, 100),                // won with Black
                game(white, Reason::Checkmate, 300),                // won with White, slowly
                game(GameResult::Draw, Reason::Repetition, 50),     // drawn with Black
                game(black, Reason::PerpetualCheck, 70),            // lost with White
                game(GameResult::Truncated, Reason::MaxPlies, 512), // drawn with Black
                game(white, Reason::Checkmate, 256),                // won with White
            ],
        };
        let tally = |wins, draws, losses| Tally { wins, draws, losses };
        assert_eq!(played.by_color(), [tally(1, 2, 0), tally(2, 0, 1)]);
        assert_eq!(played.tally(), tally(3, 2, 1));
        assert_eq!(played.pair_points(), [2.0, 0.5, 1.5]);
        assert_eq!(played.pentanomial(), [0, 1, 0, 1, 1]);
        assert_eq!(played.quick_wins(), 2);
        assert_eq!(played.mean_plies(), 1288.0 / 6.0);
        let reasons: Vec<_> = played.by_reason().into_iter().collect();
        let expected = [
            ("checkmate", tally(3, 0, 0)),
            ("max plies", tally(0, 1, 0)),
            ("perpetual check", tally(0, 0, 1)),
            ("repetition", tally(0, 1, 0)),
        ];
        assert_eq!(reasons, expected.map(|(reason, tally)| (reason.to_owned(), tally)));
        // A score of 2/3: 400 log10(2).
        assert!((played.elo().0 - 120.412).abs() < 1e-3);
    }
}
