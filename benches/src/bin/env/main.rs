//! The environment step beside another program's, and the expansion of planes beside a plain copy of the same bytes.
//!
//! `cargo xtask bench env`. Every number is a median of several rounds in CPU time of one thread; in a round all programs
//! run in turn, so that a slow minute of the machine hits all of them. Actions are drawn at random from the legal ones.

mod expansion;
mod keisei;
mod peers;

use anyhow::{Context, Result};
use keisei_benches::measure::{cpu_seconds, median};
use keisei_benches::movegen::{Random, SEED};
use keisei_core::encoding::Action;

const START: &str = "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1";
const MAX_PLIES: u16 = 512;
const ROUNDS: usize = 7;

/// Outputs of a step, besides playing the action and finding the end of the game.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    /// The legal actions and the packed observation.
    Packed,
    /// Also the dense mask of `dest2187` and the planes `core46-2026` as f32.
    Everything,
}

/// Games stepped together, all from the start position.
trait Environment {
    /// Name in the table.
    fn name(&self) -> &'static str;
    /// Number of legal actions in a game.
    fn legal_count(&self, game: usize) -> usize;
    /// One of the legal actions.
    fn legal(&self, game: usize, choice: usize) -> Action;
    /// Plays an action in every game; games that end begin anew.
    fn step(&mut self, actions: &[Action], want: Want);
    /// Output of the last step, of [`Want::Everything`], for a game.
    fn state(&self, game: usize) -> State<'_>;
}

/// Output of a step for one game.
#[derive(PartialEq)]
struct State<'a> {
    packed: &'a [u8],
    mask: &'a [bool],
    planes: &'a [f32],
    is_over: bool,
}

/// Units a second of each contender: medians of rounds in which all take turns. `run(i)` returns the units that it did.
fn measure(contenders: usize, mut run: impl FnMut(usize) -> u64) -> Result<Vec<f64>> {
    let mut speeds = vec![Vec::new(); contenders];
    for _ in 0..ROUNDS {
        for (contender, speeds) in speeds.iter_mut().enumerate() {
            let start = cpu_seconds()?;
            let (mut units, mut spent) = (0, 0.0);
            while spent < 0.2 {
                units += run(contender);
                spent = cpu_seconds()? - start;
            }
            speeds.push(units as f64 / spent);
        }
    }
    speeds.into_iter().map(|speeds| median(speeds).context("there are rounds")).collect()
}

fn main() -> Result<()> {
    for games in [64, 1024] {
        let mut environments: [Box<dyn Environment>; 2] = [
            Box::new(keisei::KeiseiGames::new(games, MAX_PLIES, START)),
            Box::new(peers::Haitaka::new(games, MAX_PLIES, START)),
        ];
        compare(&mut environments, games);
        println!(
            "| {games} games, thousand steps a second | {} | {} | ratio |",
            environments[0].name(),
            environments[1].name()
        );
        println!("|---|---:|---:|---:|");
        for (want, title) in [
            (Want::Packed, "step, end, legal actions, packed observation"),
            (Want::Everything, "the same with dense mask and 46 f32 planes"),
        ] {
            let speeds = steps(&mut environments, games, want)?;
            let [ours, theirs] = [speeds[0] * 1e-3, speeds[1] * 1e-3];
            println!("| {title} | {ours:.0} | {theirs:.0} | {:.2} |", ours / theirs);
        }
        println!();
    }
    expansion::print()
}

/// Steps of all environments through random games.
fn steps(environments: &mut [Box<dyn Environment>], games: usize, want: Want) -> Result<Vec<f64>> {
    let mut random: Vec<Random> = environments.iter().map(|_| Random(SEED)).collect();
    let mut actions = vec![Action(0); games];
    measure(environments.len(), |contender| {
        let (environment, random) = (&mut environments[contender], &mut random[contender]);
        for _ in 0..16 {
            for (game, action) in actions.iter_mut().enumerate() {
                *action = environment.legal(game, random.below(environment.legal_count(game)));
            }
            environment.step(&actions, want);
        }
        16 * games as u64
    })
}

/// Plays the same random games in all environments and stops if their outputs differ.
///
/// haitaka misjudges some drop-pawn mates (`differential` in `tests/` lists them), so masks may differ now and then.
fn compare(environments: &mut [Box<dyn Environment>; 2], games: usize) {
    const STEPS: usize = 300;
    let [ours, theirs] = environments;
    let mut random = Random(SEED);
    let mut actions = vec![Action(0); games];
    let mut other_masks = 0;
    for _ in 0..STEPS {
        for (game, action) in actions.iter_mut().enumerate() {
            *action = ours.legal(game, random.below(ours.legal_count(game)));
            while !theirs.state(game).mask[action.index()] {
                *action = ours.legal(game, random.below(ours.legal_count(game)));
            }
        }
        ours.step(&actions, Want::Everything);
        theirs.step(&actions, Want::Everything);
        for game in 0..games {
            let (ours, theirs) = (ours.state(game), theirs.state(game));
            other_masks += usize::from(ours.mask != theirs.mask);
            assert!(State { mask: &[], ..ours } == State { mask: &[], ..theirs }, "the programs do different work");
        }
    }
    assert!(other_masks * 100 < STEPS * games, "{other_masks} of {} masks differ", STEPS * games);
}
