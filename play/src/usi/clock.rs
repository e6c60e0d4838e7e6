//! Time allotted to a move.

use std::time::Duration;

use keisei_core::shogi::Color;

use super::command::Go;

/// Number of moves that the main time is spread over.
const MOVES: u32 = 40;

/// Least time for a move: enough for the first batch.
const LEAST: Duration = Duration::from_millis(1);

/// Time for this move; `None` if the clock sets no limit.
///
/// The time is all of byoyomi and increment and a fortieth of the main time, less `overhead`, so that the answer arrives in
/// time. A clock that has run out still gives one millisecond.
pub fn allotment(go: &Go, side: Color, overhead: Duration) -> Option<Duration> {
    if let Some(time) = go.move_time {
        return Some(time.saturating_sub(overhead).max(LEAST));
    }
    let (main, byoyomi) = (go.time[side.index()], go.byoyomi);
    if main.is_none() && byoyomi.is_none() {
        return None;
    }
    let (main, byoyomi, increment) =
        (main.unwrap_or_default(), byoyomi.unwrap_or_default(), go.increment[side.index()]);
    // The increment is added to the clock only after the move.
    let wanted = main / MOVES + increment + byoyomi;
    let most = (main + byoyomi).saturating_sub(overhead);
    Some(wanted.saturating_sub(overhead).max(main / (2 * MOVES)).min(most).max(LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Main time, increment and byoyomi of White, all in milliseconds, with 100 of overhead.
    fn check(time: Option<u64>, increment: u64, byoyomi: Option<u64>, expected: Option<u64>) {
        let ms = Duration::from_millis;
        let go = Go {
            time: [Some(ms(7)), time.map(ms)],
            increment: [ms(7), ms(increment)],
            byoyomi: byoyomi.map(ms),
            ..Go::default()
        };
        let found = allotment(&go, Color::White, ms(100));
        assert_eq!(found, expected.map(ms), "{time:?}, {increment}, {byoyomi:?}");
    }

    #[test]
    fn no_more_than_there_is() {
        check(None, 0, None, None);
        check(Some(0), 0, Some(1000), Some(900));
        check(None, 0, Some(1000), Some(900));
        check(Some(40_000), 0, None, Some(900));
        check(Some(40_000), 1000, None, Some(1900));
        check(Some(40_000), 0, Some(5000), Some(5900));
        // The increment is not on the clock yet.
        check(Some(500), 2000, None, Some(400));
        // Little time is left: half of a fortieth rather than nothing.
        check(Some(2000), 0, None, Some(25));
        check(Some(0), 0, Some(0), Some(1));
        check(Some(50), 0, None, Some(1));
    }
}
