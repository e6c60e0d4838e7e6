//! Memory that a run will need, estimated before it starts.

use crate::settings::Settings;
use anyhow::{Result, bail};
use keisei_core::encoding::{Action, PackedObservation};
use keisei_core::learn::Step;
use keisei_core::shogi::{MAX_MOVES, Move};
use std::path::Path;

/// Legal moves of a position, on average over self-play; a middle game has about this many.
pub(super) const LEGAL_MOVES: usize = 110;

/// Plies of a game in progress, on average.
const GAME_PLIES: usize = 200;

/// Bytes of a ply of a game in progress, with what the network thought of it: in the game, and in the state that is saved.
const BYTES_A_PLY: usize = 96;

/// Copies of the weights: the network, two moments of Adam, those before the update, the gradient and its parts, the state that
/// is saved, and that of a checkpoint being written.
const COPIES: usize = 12;

/// Amount of memory above which a run says what it will need.
const WORTH_SAYING: u64 = 1 << 30;

/// Bytes of memory that a run with these settings will need, to about a quarter.
pub fn needed(settings: &Settings) -> u64 {
    let plies = settings.iteration_plies() as usize;
    let games = settings.selfplay.envs;
    // A ply's legal actions are in the part of a thread, then in the whole; advantage and target follow the step.
    let rollout = plies * (size_of::<Step>() + 2 * LEGAL_MOVES * size_of::<Action>() + 16);
    let longest = match settings.selfplay.max_plies {
        0 => GAME_PLIES,
        plies => usize::from(plies),
    };
    let in_progress = games * (longest * 16 + longest.min(GAME_PLIES) * BYTES_A_PLY);
    let buffers = games
        * (MAX_MOVES * (size_of::<Action>() + size_of::<Move>())
            + 2 * size_of::<PackedObservation>()
            + 2 * LEGAL_MOVES * (size_of::<Action>() + size_of::<Move>() + size_of::<f32>()));
    // The pool, and its networks ready to play on each thread.
    let league = if settings.league.share > 0.0 { settings.league.snapshots * (1 + settings.threads()) } else { 0 };
    let weights = settings.spec().parameters() * size_of::<f32>() * (COPIES + league);
    (rollout + in_progress + buffers + weights) as u64
}

/// Bytes of memory that this process may still take, where the system tells.
pub fn available() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let free = line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024;
    // A container may have less than its machine.
    let number = |name: &str| {
        let text = std::fs::read_to_string(Path::new("/sys/fs/cgroup").join(name)).ok()?;
        text.trim().parse::<u64>().ok()
    };
    let limit = number("memory.max").map(|limit| limit.saturating_sub(number("memory.current").unwrap_or(0)));
    Some(limit.map_or(free, |limit| limit.min(free)))
}

/// What there is to say about the memory that a run needs.
///
/// # Errors
/// If it needs more than there is.
pub fn check(settings: &Settings, available: Option<u64>) -> Result<Option<String>> {
    let needed = needed(settings);
    let [needs, has] = [needed, available.unwrap_or(0)].map(|bytes| format!("{:.1} GB", bytes as f64 / 1e9));
    let what = "selfplay.envs × selfplay.horizon, selfplay.max_plies and the network decide";
    if available.is_some_and(|available| needed > available) {
        bail!("the run would need about {needs} of memory, and {has} are free; {what}");
    }
    Ok((needed > WORTH_SAYING).then(|| format!("the run will need about {needs} of memory; {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Preset;

    #[test]
    fn a_small_run_says_nothing_a_large_one_does_and_one_too_large_is_refused() {
        let mut settings = Preset::Cpu.settings();
        let check = |settings: &Settings, available| super::check(settings, available);
        assert_eq!(check(&settings, Some(1 << 30)).expect("it fits"), None);
        (settings.selfplay.envs, settings.selfplay.horizon) = (65_536, 64);
        let said = check(&settings, None).expect("nobody knows").expect("it is large");
        assert!(said.contains("GB of memory; selfplay.envs"), "{said}");
        let error = check(&settings, Some(1 << 31)).expect_err("too large").to_string();
        assert!(error.contains("and 2.1 GB are free"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_how_much_is_free() {
        assert!(available().expect("it tells") > 1 << 20);
    }
}
