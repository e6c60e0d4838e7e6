//! Runner: plays the games of a schedule, many at a time, on several threads.
//!
//! A thread has up to [`SLOTS`] games in progress and advances them together: all turns of a player in them, whoever the
//! opponents are, are one batch of its network. A game with a player that can only play one at a time, such as a process, is
//! played alone by a thread that has no other games, so no batch waits for an engine, and at most as many engines think as there
//! are threads.

use std::collections::btree_map::{BTreeMap, Entry};
use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Result, anyhow, ensure};
use keisei_core::format::{PlyInfo, Record};
use keisei_core::random::{Purpose, Stream};
use keisei_core::shogi::{Color, Game, Outcome};

use super::archive::{Archive, Plan};
use super::book::Book;
use super::opening::{OPENING_PLIES, Openings};
use super::played::{PlayedGame, Results};
use super::schedule::{Fixture, Schedule};
use crate::contender::Contender;
use crate::player::{self, Answer, Player, Turn};

/// Largest number of games that a thread advances together.
const SLOTS: usize = 64;

/// Games that a thread advances together for each player in them. It is then a player's turn in as many, on average, and a batch of
/// 8 costs a CPU no more per position than one of 64 (`benches/results`). More would only lose more games to a kill.
const SLOTS_OF_PLAYER: usize = 8;

/// Players and conditions of a tournament: with a schedule, all that its games depend on.
#[derive(Clone, Copy, Debug)]
pub struct Tournament<'a> {
    /// Players, by whose indices a schedule names them.
    pub players: &'a [Contender],
    /// Openings; random ones without a book.
    pub book: Option<&'a Book>,
    /// Seed of openings and moves.
    pub seed: u64,
    /// Plies, opening included, at which a game is cut off, which counts as a draw; 0 for the longest that a record holds.
    pub max_plies: u16,
    /// Number of threads to play on; 0 counts as 1. The games do not depend on it.
    pub threads: usize,
}

/// Observer of a tournament, called from any thread with each game that has ended; it may break the tournament off.
pub type Watch<'a> = &'a (dyn Fn(&PlayedGame) -> ControlFlow<()> + Sync);

impl Tournament<'_> {
    /// Plays the games of `schedule` that `archive` does not have, and adds them to it. `watch` sees all games, first those of
    /// the archive.
    ///
    /// If `watch` breaks the tournament off, the results are those of the games that have ended.
    ///
    /// # Errors
    /// Before the first game, if a player cannot be started, an opening is missing, or the archive has a game that is not in the
    /// schedule. Later, if the archive cannot be written.
    ///
    /// # Panics
    /// If the schedule names a player that there is not.
    pub fn play(&self, schedule: &Schedule, archive: Option<&mut Archive>, watch: Watch) -> Result<Results> {
        if let Some((&number, record)) = archive.as_ref().and_then(|archive| archive.games().last_key_value()) {
            let games = schedule.games().len();
            ensure!(number < games, "{} of which there are {games} in this tournament", archived(number, record));
        }
        let mut results = self.no_results();
        // Broken off or not, the results are those of the games that have ended.
        let _ = self.extend(&mut results, schedule, archive, watch)?;
        Ok(results)
    }

    /// Results without games.
    pub(super) fn no_results(&self) -> Results {
        Results { players: self.players.iter().map(|player| player.name().to_owned()).collect(), games: Vec::new() }
    }

    /// Plays the games of `schedule` that are neither among the results nor in the archive.
    ///
    /// # Errors
    /// As for [`play`](Tournament::play).
    pub(super) fn extend(
        &self,
        results: &mut Results,
        schedule: &Schedule,
        mut archive: Option<&mut Archive>,
        watch: Watch,
    ) -> Result<ControlFlow<()>> {
        let openings = Openings::new(self.book, self.seed, self.max_plies, schedule.openings())?;
        let is_known = |results: &Results, number| results.games.binary_search_by_key(&number, number_of).is_ok();
        let mut restored = Vec::new();
        for (&number, record) in archive.iter().flat_map(|archive| archive.games()) {
            if !is_known(results, number)
                && let Some(&fixture) = schedule.games().get(number)
            {
                restored.push(self.restored(fixture, &openings, record)?);
            }
        }
        let mut flow = ControlFlow::Continue(());
        for game in restored {
            if watch(&game).is_break() {
                flow = ControlFlow::Break(());
            }
            results.games.push(game);
        }
        results.games.sort_unstable_by_key(number_of);
        if flow.is_continue() {
            let is_pending = |fixture: &&Fixture| !is_known(results, fixture.number);
            let pending: Vec<Fixture> = schedule.games().iter().filter(is_pending).copied().collect();
            let started = self.start_players(&pending)?;
            let hall = Hall::open(self, &openings, pending, started, archive.as_deref_mut(), watch);
            let (finished, stopped) = hall.play()?;
            flow = stopped;
            results.games.extend(finished);
            results.games.sort_unstable_by_key(number_of);
        }
        if let Some(archive) = archive {
            archive.sync()?;
        }
        Ok(flow)
    }

    /// Plan of this tournament with `games`, the description of its schedule, for an [`Archive`].
    pub fn plan(&self, games: &str) -> Plan {
        let mut plan = Plan::default();
        plan.add(Plan::GAMES, games);
        plan.add("seed", self.seed.to_string());
        plan.add("ply limit", self.max_plies.to_string());
        let openings = match self.book {
            None => format!("{OPENING_PLIES} random plies"),
            Some(book) => format!("{} of a book with hash {:016x}", book.len(), book.hash()),
        };
        plan.add("openings", openings);
        for (index, player) in self.players.iter().enumerate() {
            plan.add(format!("player {index}"), player.identity());
        }
        plan
    }

    /// A player for each index in these games, started.
    fn start_players(&self, pending: &[Fixture]) -> Result<BTreeMap<usize, Own>> {
        let mut started: BTreeMap<usize, Own> = BTreeMap::new();
        for player in pending.iter().flat_map(|fixture| [fixture.black, fixture.white]) {
            if let Entry::Vacant(vacant) = started.entry(player) {
                let contender = &self.players[player];
                let mut own = contender.player();
                own.start().map_err(|forfeit| anyhow!("{}: cannot be started: {forfeit}", contender.name()))?;
                vacant.insert(own);
            }
        }
        Ok(started)
    }

    /// Game of the archive, if it is that of the schedule.
    fn restored(&self, fixture: Fixture, openings: &Openings, record: &Record) -> Result<PlayedGame> {
        let archived = || archived(fixture.number, record);
        let [black, white] = [fixture.black, fixture.white].map(|player| self.players[player].name());
        let is_same = record.black == black && record.white == white;
        ensure!(is_same, "{} which is {black} against {white} in this tournament", archived());
        let opening = openings.game(fixture.opening);
        let is_same = record.start_sfen == opening.start().to_sfen() && record.moves.starts_with(opening.moves());
        ensure!(is_same, "{} from another opening than in this tournament", archived());
        Ok(PlayedGame { fixture, record: record.clone() })
    }
}

/// Beginning of an error about a game of the archive.
fn archived(number: usize, Record { black, white, .. }: &Record) -> String {
    format!("the archive has game {number}, {black} against {white},")
}

fn number_of(game: &PlayedGame) -> usize {
    game.fixture.number
}

/// Player of a thread.
type Own = Box<dyn Player + Send>;

/// Games that are played, and what the threads share.
struct Hall<'a> {
    tournament: &'a Tournament<'a>,
    openings: &'a Openings<'a>,
    /// Games that a thread plays alone, those of the same players one after the other: they keep their processes.
    alone: Mutex<VecDeque<Fixture>>,
    /// Games that a thread advances together.
    together: Mutex<VecDeque<Fixture>>,
    /// Games that a thread has in progress.
    slots: usize,
    /// Players that were started before the first game, until a thread takes them.
    started: Mutex<BTreeMap<usize, Own>>,
    desk: Mutex<Desk<'a>>,
    watch: Watch<'a>,
    is_broken_off: AtomicBool,
}

/// Where finished games go.
struct Desk<'a> {
    archive: Option<&'a mut Archive>,
    finished: Vec<PlayedGame>,
    error: Option<anyhow::Error>,
}

impl<'a> Hall<'a> {
    fn open(
        tournament: &'a Tournament<'a>,
        openings: &'a Openings<'a>,
        pending: Vec<Fixture>,
        started: BTreeMap<usize, Own>,
        archive: Option<&'a mut Archive>,
        watch: Watch<'a>,
    ) -> Hall<'a> {
        let plays_alone =
            |fixture: &Fixture| [fixture.black, fixture.white].iter().any(|player| started[player].capacity() < SLOTS);
        let (mut alone, together): (Vec<Fixture>, Vec<Fixture>) = pending.into_iter().partition(plays_alone);
        alone.sort_by_key(|fixture| (fixture.black.min(fixture.white), fixture.black.max(fixture.white)));
        let players: BTreeSet<usize> = together.iter().flat_map(|game| [game.black, game.white]).collect();
        let most = SLOTS.min(SLOTS_OF_PLAYER * players.len());
        Hall {
            tournament,
            openings,
            slots: together.len().div_ceil(tournament.threads.max(1)).min(most).max(1),
            alone: Mutex::new(alone.into()),
            together: Mutex::new(together.into()),
            started: Mutex::new(started),
            desk: Mutex::new(Desk { archive, finished: Vec::new(), error: None }),
            watch,
            is_broken_off: AtomicBool::new(false),
        }
    }

    /// Plays all games and returns them in the order in which they ended, and whether they were broken off.
    fn play(self) -> Result<(Vec<PlayedGame>, ControlFlow<()>)> {
        let games = lock(&self.alone).len() + lock(&self.together).len();
        let threads = self.tournament.threads.clamp(1, games.max(1));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| Worker { hall: &self, players: BTreeMap::new() }.play());
            }
        });
        let desk = self.desk.into_inner().unwrap_or_else(PoisonError::into_inner);
        let is_broken_off = self.is_broken_off.into_inner();
        let flow = if is_broken_off { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        desk.error.map_or(Ok((desk.finished, flow)), Err)
    }

    /// Takes a finished game in.
    fn finish(&self, game: PlayedGame) {
        let mut desk = lock(&self.desk);
        if let Some(Err(error)) = desk.archive.as_mut().map(|archive| archive.append(game.fixture.number, &game.record))
        {
            desk.error.get_or_insert(error);
            self.is_broken_off.store(true, Ordering::Relaxed);
        }
        if (self.watch)(&game).is_break() {
            self.is_broken_off.store(true, Ordering::Relaxed);
        }
        desk.finished.push(game);
    }

    fn next(&self, games: &Mutex<VecDeque<Fixture>>) -> Option<Fixture> {
        if self.is_broken_off.load(Ordering::Relaxed) { None } else { lock(games).pop_front() }
    }
}

/// Lock whose holder may have panicked: every change under it is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One thread of a tournament, with players of its own.
struct Worker<'a, 'hall> {
    hall: &'hall Hall<'a>,
    players: BTreeMap<usize, Own>,
}

/// Game in progress, with the players' value and candidates before each move.
struct Seat {
    fixture: Fixture,
    game: Game,
    /// Index of the player to move; `None` once the game is over.
    turn: Option<usize>,
    thoughts: Vec<PlyInfo>,
    /// Fault of a player that forfeits the game.
    note: String,
    random: Stream,
}

impl Seat {
    /// Carries out what the player to move answers.
    fn take(&mut self, answer: Answer) {
        match answer.carry_out(&mut self.game) {
            Ok(thought) => self.thoughts.extend(thought),
            Err(forfeit) => self.note = forfeit.to_string(),
        }
        self.pass_the_turn();
    }

    /// Finds out whose turn it is. A side that may declare a win does so.
    fn pass_the_turn(&mut self) {
        self.turn = match (self.game.adjudicate(), self.game.position().side_to_move()) {
            (Some(_), _) => None,
            (None, Color::Black) => Some(self.fixture.black),
            (None, Color::White) => Some(self.fixture.white),
        };
    }
}

impl Worker<'_, '_> {
    /// Plays until no game is left.
    fn play(mut self) {
        while let Some(fixture) = self.hall.next(&self.hall.alone) {
            // Processes of other players would only take memory.
            self.players.retain(|&player, _| player == fixture.black || player == fixture.white);
            let mut game = Some(fixture);
            self.play_from(|_| game.take(), 1);
        }
        self.players.clear();
        self.play_from(|hall| hall.next(&hall.together), self.hall.slots);
    }

    /// Plays the games that `next` gives, up to `slots` of them together.
    fn play_from(&mut self, mut next: impl FnMut(&Hall) -> Option<Fixture>, slots: usize) {
        let mut seats: Vec<Seat> = Vec::new();
        while !self.hall.is_broken_off.load(Ordering::Relaxed) {
            while seats.len() < slots
                && let Some(fixture) = next(self.hall)
            {
                seats.push(self.sit_down(fixture));
            }
            if seats.is_empty() {
                return;
            }
            let players: BTreeSet<usize> =
                seats.iter().flat_map(|seat| [seat.fixture.black, seat.fixture.white]).collect();
            for player in players {
                self.advance(player, &mut seats);
            }
            for seat in seats.extract_if(.., |seat| seat.turn.is_none()) {
                self.leave(&seat.fixture, seat.game.outcome());
                let [black, white] = [seat.fixture.black, seat.fixture.white];
                let [black, white] = [black, white].map(|player| self.hall.tournament.players[player].name());
                let record = Record::of_game(&seat.game, black, white, seat.thoughts);
                self.hall.finish(PlayedGame { fixture: seat.fixture, record: Record { note: seat.note, ..record } });
            }
        }
        for seat in &seats {
            self.leave(&seat.fixture, None);
        }
    }

    fn sit_down(&self, fixture: Fixture) -> Seat {
        let game = self.hall.openings.game(fixture.opening);
        let side = 1 + fixture.number as u64 % 2;
        let random = Stream::new(self.hall.tournament.seed, Purpose::Evaluation, fixture.opening as u64, side);
        let thoughts = vec![PlyInfo::default(); game.moves().len()];
        let mut seat = Seat { fixture, game, turn: None, thoughts, note: String::new(), random };
        seat.pass_the_turn();
        seat
    }

    /// Tells both players that their game is over; without an outcome it was broken off.
    fn leave(&mut self, fixture: &Fixture, outcome: Option<Outcome>) {
        for player in [fixture.black, fixture.white] {
            if let Some(player) = self.players.get_mut(&player) {
                player.end(fixture.number, outcome);
            }
        }
    }

    /// Plays one ply in every game in which it is `player`'s turn.
    fn advance(&mut self, player: usize, seats: &mut [Seat]) {
        let mut moving: Vec<&mut Seat> = seats.iter_mut().filter(|seat| seat.turn == Some(player)).collect();
        if moving.is_empty() {
            return;
        }
        let turn = |seat| {
            let Seat { fixture, game, random, .. }: &mut Seat = seat;
            Turn { number: fixture.number, game, random }
        };
        let mut turns: Vec<Turn> = moving.iter_mut().map(|seat| turn(seat)).collect();
        let answers = self.answers(player, &mut turns);
        moving.into_iter().zip(answers).for_each(|(seat, answer)| seat.take(answer));
    }

    /// Answers of `player`; if it cannot be started, or panics, it forfeits these games.
    fn answers(&mut self, player: usize, turns: &mut [Turn]) -> Vec<Answer> {
        let contender = &self.hall.tournament.players[player];
        let own = self.players.entry(player).or_insert_with(|| {
            let started = lock(&self.hall.started).remove(&player);
            started.unwrap_or_else(|| contender.player())
        });
        player::answers(own, || contender.player(), turns)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::baseline::RandomPlayer;

    /// Random player that notes the numbers of the games in each of its batches.
    struct Spy {
        batches: Arc<Mutex<Vec<Vec<usize>>>>,
        capacity: usize,
    }

    impl Player for Spy {
        fn choose(&mut self, turns: &mut [Turn]) -> Vec<Answer> {
            lock(&self.batches).push(turns.iter().map(|turn| turn.number).collect());
            RandomPlayer.choose(turns)
        }

        fn capacity(&self) -> usize {
            self.capacity
        }
    }

    /// Batches of player 0, who can play as many games at a time, in a round robin of random players on one thread; and its games.
    fn batches(capacity: usize) -> (Vec<Vec<usize>>, Vec<PlayedGame>) {
        let players = [Contender::Random, Contender::Random, Contender::Random];
        let tournament = Tournament { players: &players, book: None, seed: 1, max_plies: 30, threads: 1 };
        let schedule = Schedule::round_robin(3, 4).expect("it is sound");
        let openings = Openings::new(None, 1, 30, schedule.openings()).expect("they are long enough");
        let watch: Watch = &|_| ControlFlow::Continue(());
        let batches = Arc::new(Mutex::new(Vec::new()));
        let mut started = tournament.start_players(schedule.games()).expect("all can start");
        started.insert(0, Box::new(Spy { batches: batches.clone(), capacity }));
        let hall = Hall::open(&tournament, &openings, schedule.games().to_vec(), started, None, watch);
        let (mut games, _) = hall.play().expect("nothing is written");
        games.sort_unstable_by_key(number_of);
        (lock(&batches).clone(), games)
    }

    #[test]
    fn turns_against_all_opponents_are_one_batch() {
        let (batches, games) = batches(usize::MAX);
        // Player 0 is Black in half of its eight games, two of them against each opponent; six random plies were played. Then it
        // is its turn in all of them.
        assert_eq!(batches[..2], [vec![0, 2, 6, 8], vec![0, 1, 2, 3, 6, 7, 8, 9]]);
        assert_eq!(games.len(), 12);
    }

    #[test]
    fn a_player_of_one_game_at_a_time_plays_alone() {
        let (batches, games) = batches(1);
        assert!(batches.iter().all(|batch| batch.len() == 1));
        let order: Vec<usize> = batches.chunk_by(|a, b| a == b).map(|game| game[0][0]).collect();
        assert_eq!(order, [0, 1, 6, 7, 2, 3, 8, 9], "games in another order, or mixed");
        // The games are the same.
        assert_eq!(games, super::tests::batches(usize::MAX).1);
    }
}
