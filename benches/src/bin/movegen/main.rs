//! Move generation: perft with counted and with played leaves, and random playouts, beside other programs.
//!
//! `cargo run --release -p keisei-benches --bin movegen` times our own rules; `--features peers` adds the others.
//! Every number is a median of several runs in CPU time of one thread; all programs run in turn on each position, so
//! that a slow minute of the machine hits all of them.

mod keisei;
#[cfg(feature = "peers")]
mod peers;

use std::time::Instant;

/// A program that generates shogi moves.
trait Engine {
    /// Its name in the table.
    fn name(&self) -> &'static str;
    /// Counts the leaves at `depth` without playing them.
    fn perft(&self, sfen: &str, depth: u8) -> u64;
    /// Counts the leaves at `depth`, playing each of them.
    fn perft_played(&self, sfen: &str, depth: u8) -> u64;
    /// Plays random legal moves until there is none or 512 are played; returns how many were.
    fn playout(&self, sfen: &str, random: &mut Random) -> u64;
}

/// Pseudo-random numbers, the same for every engine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (((self.0 >> 32) * n as u64) >> 32) as usize
    }
}

const PLAYOUT_PLIES: u64 = 512;
const RUNS: usize = 5;

struct Row {
    name: &'static str,
    sfen: &'static str,
    depth: u8,
    nodes: u64,
}

const ROWS: [Row; 3] = [
    Row {
        name: "start",
        sfen: "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1",
        depth: 5,
        nodes: 19_861_490,
    },
    Row {
        name: "midgame",
        sfen: "l6nl/5+P1gk/2np1S3/p1p4Pp/3P2Sp1/1PPb2P1P/P5GS1/R8/LN4bKL w RGgsn5p 1",
        depth: 3,
        nodes: 4_809_015,
    },
    Row {
        name: "593 moves",
        sfen: "R8/2K1S1SSk/4B4/9/9/9/9/9/1L1L1L3 b RBGSNLP3g3n17p 1",
        depth: 3,
        nodes: 53_393_368,
    },
];

/// CPU seconds of this thread, or wall-clock seconds where the system does not tell.
fn seconds(start: Instant) -> f64 {
    let cpu = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let cpu = cpu.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    cpu.map_or_else(|| start.elapsed().as_secs_f64(), |nanoseconds| nanoseconds * 1e-9)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Million units a second of each engine: the median of `RUNS` runs, the engines taking turns.
fn measure(engines: &[Box<dyn Engine>], mut run: impl FnMut(&dyn Engine) -> u64) -> Vec<f64> {
    let start = Instant::now();
    let mut speeds = vec![Vec::new(); engines.len()];
    for _ in 0..RUNS {
        for (engine, speeds) in engines.iter().zip(&mut speeds) {
            let before = seconds(start);
            let (mut units, mut spent) = (0, 0.0);
            while spent < 0.1 {
                units += run(engine.as_ref());
                spent = seconds(start) - before;
            }
            speeds.push(units as f64 / spent * 1e-6);
        }
    }
    speeds.into_iter().map(median).collect()
}

fn main() {
    #[allow(unused_mut, reason = "without the peers there is one engine")]
    let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(keisei::Keisei)];
    #[cfg(feature = "peers")]
    engines.extend(peers::all());

    let line = |title: &str, cells: Vec<String>| println!("| {title} | {} |", cells.join(" | "));
    line("million a second", engines.iter().map(|engine| engine.name().to_owned()).collect());
    line("---", vec!["---:".to_owned(); engines.len()]);
    let print = |title: &str, speeds: Vec<f64>| {
        line(title, speeds.iter().map(|speed| format!("{speed:.2}")).collect());
    };
    for row in &ROWS {
        let check = |engine: &dyn Engine, nodes: u64| {
            assert_eq!(nodes, row.nodes, "{} counts the {} position wrongly", engine.name(), row.name);
            nodes
        };
        let counted = measure(&engines, |engine| check(engine, engine.perft(row.sfen, row.depth)));
        print(&format!("perft {}, depth {}, leaves counted", row.name, row.depth), counted);
        let played = measure(&engines, |engine| check(engine, engine.perft_played(row.sfen, row.depth)));
        print(&format!("perft {}, depth {}, leaves played", row.name, row.depth), played);
    }
    for row in &ROWS {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let plies = measure(&engines, |engine| (0..100).map(|_| engine.playout(row.sfen, &mut random)).sum());
        print(&format!("playouts {}, plies", row.name), plies);
    }
}
