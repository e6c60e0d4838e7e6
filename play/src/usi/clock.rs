//! Time allotted to a move.

use std::time::Duration;

use keisei_core::shogi::Color;

/// Moves that the main time is spread over at the start of a game, and the least number later; in between each move that was made
/// takes three quarters of one away. So half of the time is used after 20 moves, seven tenths after 30, five sixths after 40.
const MOVES: u32 = 34;
const LEAST_MOVES: u32 = 20;

/// Moves whose delay is kept in reserve where the clock gets nothing back.
const RESERVED_MOVES: u32 = 40;

/// Least time for a move: enough for the first batch.
const LEAST: Duration = Duration::from_millis(1);

/// Longest time that is counted, so that no sum of times overflows.
const MOST: Duration = Duration::from_hours(1000);

/// Delays that are remembered.
const DELAYS: usize = 8;

/// Added to the longest of them.
const MARGIN: Duration = Duration::from_millis(20);

/// Clocks of a `go` or a `ponderhit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Time left to Black and to White.
    pub time: [Option<Duration>; 2],
    /// Increment of Black and of White after each move.
    pub increment: [Duration; 2],
    /// Byoyomi: time for each move once the main time is used up.
    pub byoyomi: Option<Duration>,
    /// Time for this move, to be used in full.
    pub move_time: Option<Duration>,
}

impl Clock {
    /// Whether it limits the move of `side`.
    pub fn limits(&self, side: Color) -> bool {
        let increment = !self.increment[side.index()].is_zero();
        self.move_time.is_some() || self.time[side.index()].is_some() || self.byoyomi.is_some() || increment
    }

    /// A time from a number of milliseconds; a clock that has run out may be sent as a negative number.
    pub fn milliseconds(number: i64) -> Duration {
        Duration::from_millis(number.max(0) as u64).min(MOST)
    }

    /// Time for the move of `side`, which has made `moves` moves; `None` if the clock sets no limit.
    ///
    /// The time is all of byoyomi, most of the increment and a share of the main time. `overhead` is kept in reserve, so that the answer
    /// arrives in time; `delay` is what each move is expected to take beyond its time of thinking.
    pub fn allotment(&self, side: Color, moves: u32, overhead: Duration, delay: Duration) -> Option<Duration> {
        if let Some(time) = self.move_time {
            return Some(time.max(LEAST));
        }
        if !self.limits(side) {
            return None;
        }
        let (main, byoyomi) = (self.time[side.index()].unwrap_or_default(), self.byoyomi.unwrap_or_default());
        let increment = self.increment[side.index()];
        let left = MOVES.saturating_sub(moves.min(1000) * 3 / 4).max(LEAST_MOVES);
        let reserve = if increment + byoyomi == Duration::ZERO { delay * RESERVED_MOVES } else { Duration::ZERO };
        let share = main.saturating_sub(reserve.min(main / 2)) / left;
        let wanted = (share + increment * 9 / 10).saturating_sub(delay) + byoyomi;
        // The increment is added to the clock only after the move.
        let most = (main + byoyomi).saturating_sub(overhead);
        Some(wanted.min(most).max(LEAST))
    }
}

/// Delays between engine and clock, measured from one move to the next.
#[derive(Clone, Debug, Default)]
pub struct Delays {
    last: Vec<Duration>,
    /// Main time at the last move, and the time that it took by the engine's own clock.
    before: Option<(Duration, Duration)>,
    /// Longest of late from the time at which an answer was due to its sending, where other programs take the processor.
    lateness: Duration,
}

impl Delays {
    /// Takes the clocks of a new move of `side`.
    pub fn see(&mut self, clock: &Clock, side: Color) {
        let now = clock.time[side.index()].filter(|time| !time.is_zero());
        if let (Some((main, own)), Some(now)) = (self.before.take(), now) {
            if self.last.len() == DELAYS {
                self.last.remove(0);
            }
            let used = (main + clock.increment[side.index()]).saturating_sub(now);
            self.last.push(used.saturating_sub(own));
        }
    }

    /// Remembers the time that a move of `side` took.
    pub fn remember(&mut self, clock: &Clock, side: Color, took: Duration) {
        self.before = clock.time[side.index()].filter(|time| !time.is_zero()).map(|main| (main, took));
    }

    /// Takes how long after its time an answer was sent; older ones count less from move to move.
    pub fn see_lateness(&mut self, lateness: Duration) {
        self.lateness = lateness.max(self.lateness * 7 / 8);
    }

    /// Begins a new game: its clocks have nothing to do with the last one's, but the machine is as busy as it was.
    pub fn begin_game(&mut self) {
        *self = Delays { lateness: self.lateness, ..Delays::default() };
    }

    /// Time kept in reserve at the end of the clock: `overhead` for the way of the answer, and up to as much again for answers that
    /// are sent late.
    pub fn reserve(&self, overhead: Duration) -> Duration {
        overhead + self.lateness.min(overhead)
    }

    /// The delay to expect: the longest of the last ones and a little more, or `overhead` before any was measured.
    pub fn expected(&self, overhead: Duration) -> Duration {
        self.last.iter().max().map_or(overhead, |&delay| delay + MARGIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    /// White's clock: main time, increment and byoyomi.
    fn clock(time: Option<u64>, increment: u64, byoyomi: Option<u64>) -> Clock {
        Clock {
            time: [Some(ms(7)), time.map(ms)],
            increment: [ms(7), ms(increment)],
            byoyomi: byoyomi.map(ms),
            move_time: None,
        }
    }

    /// All in milliseconds, with 100 of overhead and delay.
    fn check(time: Option<u64>, increment: u64, byoyomi: Option<u64>, moves: u32, expected: Option<u64>) {
        let found = clock(time, increment, byoyomi).allotment(Color::White, moves, ms(100), ms(100));
        assert_eq!(found, expected.map(ms), "{time:?}, {increment}, {byoyomi:?}, {moves} moves");
    }

    #[test]
    fn no_more_than_there_is() {
        check(None, 0, None, 0, None);
        check(Some(0), 0, Some(1000), 0, Some(900));
        check(None, 0, Some(1000), 0, Some(900));
        check(Some(38_000), 0, None, 0, Some(900));
        check(Some(34_000), 1000, None, 0, Some(1800));
        check(Some(34_000), 0, Some(5000), 0, Some(5900));
        // Later in the game a larger share.
        check(Some(44_000), 0, None, 20, Some(1900));
        check(Some(44_000), 0, None, 200, Some(1900));
        // The increment is not on the clock yet.
        check(Some(500), 2000, None, 0, Some(400));
        check(Some(0), 2000, None, 0, Some(1));
        // What is left is needed for the delay of the moves to come.
        check(Some(2000), 0, None, 0, Some(1));
        check(Some(0), 0, Some(0), 0, Some(1));
        check(Some(50), 0, None, 0, Some(1));
        // A time for the move is used in full.
        let clock = Clock { move_time: Some(ms(500)), ..clock(Some(10), 0, None) };
        assert_eq!(clock.allotment(Color::White, 0, ms(100), ms(100)), Some(ms(500)));
        assert_eq!(Clock::milliseconds(-5), Duration::ZERO);
        assert_eq!(Clock::milliseconds(i64::MAX), MOST);
    }

    /// A game in which every move takes `delay` more than it was thought about: the moves until the clock has run out, at most 400, and
    /// the share of the main time used after 60.
    fn play(main: u64, increment: u64, byoyomi: u64, delay: u64) -> (u32, f64) {
        let (mut left, mut delays, mut used) = (ms(main), Delays::default(), Duration::ZERO);
        let (side, overhead, byoyomi) = (Color::Black, ms(200), ms(byoyomi));
        let mut share = 0.0;
        for moves in 0..400 {
            let clock = Clock {
                time: [Some(left); 2],
                increment: [ms(increment); 2],
                byoyomi: (!byoyomi.is_zero()).then_some(byoyomi),
                move_time: None,
            };
            delays.see(&clock, side);
            let own = clock.allotment(side, moves, overhead, delays.expected(overhead)).expect("the clock limits it");
            delays.remember(&clock, side, own);
            let spent = own + ms(delay);
            if spent > left + byoyomi {
                return (moves, share);
            }
            used += spent;
            left = left.saturating_sub(spent) + ms(increment);
            if moves == 60 {
                share =
                    used.as_secs_f64() / (Duration::from_millis(main) + (ms(increment) + byoyomi) * 60).as_secs_f64();
            }
        }
        (400, share)
    }

    #[test]
    fn a_busy_processor_is_reckoned_with() {
        let mut delays = Delays::default();
        let mut check = |lateness: u64, expected: u64| {
            delays.see_lateness(ms(lateness));
            assert_eq!(delays.reserve(ms(200)), ms(expected), "{lateness} ms late");
        };
        check(0, 200);
        check(64, 264);
        check(0, 256);
        check(10, 249);
        check(1000, 400);
        delays.begin_game();
        assert_eq!(delays.reserve(ms(200)), ms(400), "the next game has the same machine");
    }

    #[test]
    fn the_clock_is_used_and_never_runs_out() {
        for (main, increment, byoyomi, delay, least) in [
            (600_000, 0, 0, 5, 0.9),
            (10_000, 0, 0, 5, 0.8),
            (0, 0, 1000, 5, 0.75),
            (0, 0, 1000, 150, 0.75),
            (60_000, 1000, 0, 5, 0.8),
            (60_000, 0, 1000, 5, 0.65),
            (180_000, 2000, 0, 5, 0.8),
            (180_000, 2000, 0, 200, 0.8),
        ] {
            let (moves, share) = play(main, increment, byoyomi, delay);
            let text = format!("{main}+{increment}, byoyomi {byoyomi}, delay {delay}: {moves} moves, {share:.2}");
            assert!(moves >= 256 && (least..=1.0).contains(&share), "{text}");
        }
        // A delay of 200 ms alone takes a minute in 300 moves.
        for (main, least) in [(600_000, 150), (180_000, 120), (60_000, 90), (10_000, 45)] {
            let (moves, share) = play(main, 0, 0, 200);
            assert!(moves >= least && (share > 0.7 || moves < 60), "{main}: {moves} moves, {share:.2}");
        }
    }
}
