//! The mate solver on positions of which another solver says whether there is a mate: found and refuted within a time, one thread.
//!
//! Each line of the file is SFEN, `mate` or `none`, and the plies of a mating line, separated by tabs. Every line found is replayed by the
//! rules, and every answer on its way must again be a mate.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use keisei_benches::measure::cpu_seconds;
use keisei_core::search::mate::{Mate, MateSolver, MateStatus};
use keisei_core::shogi::Position;

const USAGE: &str = "usage: mate [--file FILE] [--seconds S] [--mib N] [--verify no]";

/// Positions between two looks at the clock.
const SLICE: u64 = 2_000;

/// Share of the positions without a mate that should be refuted.
const BAR: f64 = 0.9;

struct Options {
    file: String,
    seconds: f64,
    bytes: usize,
    verify: bool,
}

/// Counts over the positions of one class.
#[derive(Default)]
struct Row {
    count: u32,
    mate: u32,
    no_mate: u32,
    open: u32,
    seconds: f64,
    slowest: f64,
    nodes: u64,
}

fn main() -> Result<()> {
    let options = parse()?;
    let text = fs::read_to_string(&options.file).with_context(|| options.file.clone())?;
    let mut rows: BTreeMap<(&str, u32), Row> = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        let (Some(sfen), Some(expected)) = (fields.next(), fields.next()) else { bail!("{line}: too few fields") };
        let known: u32 = fields.next().unwrap_or("").parse().unwrap_or(0);
        let position = Position::from_sfen(sfen).with_context(|| sfen.to_owned())?;
        let (solver, seconds) = solve(&position, &options)?;
        let row = rows.entry((expected, known)).or_default();
        row.count += 1;
        row.seconds += seconds;
        row.slowest = row.slowest.max(seconds);
        row.nodes += solver.nodes();
        match solver.status() {
            MateStatus::Mate => row.mate += 1,
            MateStatus::NoMate => row.no_mate += 1,
            MateStatus::Open | MateStatus::Unknown => row.open += 1,
        }
        match (expected, solver.status()) {
            ("mate", MateStatus::NoMate) => bail!("{sfen}: there is a mate, but it was refuted"),
            ("mate", MateStatus::Open | MateStatus::Unknown) => eprintln!("missed in {known}: {sfen}"),
            ("none", MateStatus::Mate) => eprintln!("a mate that the other solver missed: {sfen}"),
            ("none", MateStatus::Open | MateStatus::Unknown) => eprintln!("not refuted: {sfen}"),
            _ => {}
        }
        if let Some(mate) = solver.mate() {
            verify(&position, mate, &options).with_context(|| sfen.to_owned())?;
        }
    }
    println!("{} s of CPU time each, {} MiB:\n", options.seconds, options.bytes >> 20);
    println!("| known | positions | mate | no mate | open | s | slowest | looked at |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for ((expected, plies), row) in &rows {
        let name = if *expected == "mate" { format!("mate in {plies}") } else { (*expected).to_owned() };
        let Row { count, mate, no_mate, open, seconds, slowest, nodes } = row;
        println!("| {name} | {count} | {mate} | {no_mate} | {open} | {seconds:.2} | {slowest:.2} | {nodes} |");
    }
    let sum = |expected: &str, count: &dyn Fn(&Row) -> u32| -> u32 {
        rows.iter().filter(|(key, _)| key.0 == expected).map(|(_, row)| count(row)).sum()
    };
    let (mates, found) = (sum("mate", &|row| row.count), sum("mate", &|row| row.mate));
    let (none, refuted) = (sum("none", &|row| row.count - row.mate), sum("none", &|row| row.no_mate));
    let met = |met| if met { "met" } else { "missed" };
    println!("\n{found} of {mates} mates found, bar all: {}", met(found == mates));
    println!(
        "{refuted} of {none} without a mate refuted, bar {BAR}: {}",
        met(f64::from(refuted) >= BAR * f64::from(none))
    );
    Ok(())
}

fn parse() -> Result<Options> {
    let mut options = Options { file: "tests/data/mates.tsv".to_owned(), seconds: 1.5, bytes: 64 << 20, verify: true };
    let arguments: Vec<String> = env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--file" => options.file.clone_from(value),
            [name, value] if name == "--seconds" => options.seconds = value.parse().context(USAGE)?,
            [name, value] if name == "--mib" => options.bytes = value.parse::<usize>().context(USAGE)? << 20,
            [name, value] if name == "--verify" => options.verify = value != "no",
            _ => bail!(USAGE),
        }
    }
    Ok(options)
}

/// A solver that has had its time, with the CPU time it took.
fn solve(position: &Position, options: &Options) -> Result<(MateSolver, f64)> {
    let start = cpu_seconds()?;
    let mut solver = MateSolver::new(position, &[], options.bytes);
    let mut seconds = 0.0;
    while seconds < options.seconds && solver.advance(SLICE) == MateStatus::Open {
        seconds = cpu_seconds()? - start;
    }
    Ok((solver, cpu_seconds()? - start))
}

/// Replays a line by the rules, and searches every answer on its way for a mate.
fn verify(position: &Position, mate: &Mate, options: &Options) -> Result<()> {
    let mut position = position.clone();
    for (i, &mv) in mate.line.iter().enumerate() {
        if i % 2 == 1 && options.verify {
            for &answer in &position.legal_moves() {
                let mut after = position.clone();
                after.play(answer);
                let mut solver = MateSolver::new(&after, &[], options.bytes);
                let end = Instant::now() + Duration::from_secs_f64(10.0 * options.seconds);
                while Instant::now() < end && solver.advance(SLICE) == MateStatus::Open {}
                ensure!(solver.status() == MateStatus::Mate, "after move {i}, {answer} is no mate");
            }
        }
        position.try_play(mv).with_context(|| format!("move {i} of the line"))?;
        ensure!(i % 2 == 1 || position.in_check(), "move {i} of the line, {mv}, is no check");
    }
    ensure!(mate.line.len() % 2 == 1 && !position.has_legal_move(), "the line ends without a mate");
    ensure!(usize::from(mate.plies) >= mate.line.len(), "the line is longer than {} plies", mate.plies);
    Ok(())
}
