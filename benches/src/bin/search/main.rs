//! The search: visits a second beside the raw forward rate, natively and in WebAssembly, and what visits are worth.
//!
//! Speed: the trainer's network of the inference benchmark, one thread, CPU time, rounds in turns. The last column counts the
//! positions, of random games, in which a hundred visits lead to the same move as natively. Strength, with
//! `--model FILE`: the raw policy, then each number of visits against the one before, in pairs of games from the arena's
//! openings.
//!
//! The workers answer lines:
//!
//! | line | answer |
//! |---|---|
//! | `engines` | `forward search` |
//! | `run ENGINE SECONDS` | positions, or visits, a second of CPU time |
//! | `decide NUMBER` | the move of a search from a position of this number |

mod strength;

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, io};

use anyhow::{Context, Result, bail};
use keisei_benches::measure::{cpu_seconds, median};
use keisei_benches::search::{BATCH, Runner};
use keisei_benches::worker::Worker;

const USAGE: &str = "usage: search [--wasm MODULE] [--relaxed MODULE] [--rounds N] [--seconds S] [--cpu N] [--model FILE] [--games N] [--visits N,N,…] [--threads N]";

/// Bar: share of the raw forward rate that the search should reach.
const BAR: f64 = 0.85;

/// Positions in which moves are compared, and the share in which they should be the same.
const POSITIONS: usize = 300;
const SAME: f64 = 0.99;

/// Arguments of the command line.
struct Options {
    /// Modules with the names of their rows.
    modules: Vec<(&'static str, PathBuf)>,
    rounds: usize,
    seconds: f64,
    cpu: usize,
    model: Option<PathBuf>,
    games: usize,
    visits: Vec<u32>,
    threads: usize,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments == ["worker"] {
        return serve();
    }
    let options = parse(&arguments)?;
    println!("Network C64N4, batches of {BATCH}, one thread, positions and visits a second of CPU time, medians:\n");
    println!("| | forward | search | ratio | same move |\n|---|---:|---:|---:|---:|");
    let mut native = Worker::native(options.cpu, &env::current_exe()?)?;
    let moves = decide(&mut native)?;
    compare("native", native, &moves, &options)?;
    for (name, module) in &options.modules {
        match Worker::node(options.cpu, "search.mjs", module, &[]) {
            Ok(worker) => compare(name, worker, &moves, &options)?,
            Err(error) => eprintln!("{name}: left out: {error:#}"),
        }
    }
    match &options.model {
        Some(model) => strength::measure(model, &options.visits, options.games, options.threads),
        None => Ok(()),
    }
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        modules: Vec::new(),
        rounds: 7,
        seconds: 1.0,
        cpu: 0,
        model: None,
        games: 400,
        visits: vec![1, 100, 800],
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--wasm" => options.modules.push(("wasm simd128", value.into())),
            [name, value] if name == "--relaxed" => options.modules.push(("wasm relaxed-simd", value.into())),
            [name, value] if name == "--rounds" => options.rounds = value.parse().context(USAGE)?,
            [name, value] if name == "--seconds" => options.seconds = value.parse().context(USAGE)?,
            [name, value] if name == "--cpu" => options.cpu = value.parse().context(USAGE)?,
            [name, value] if name == "--model" => options.model = Some(value.into()),
            [name, value] if name == "--games" => options.games = value.parse().context(USAGE)?,
            [name, value] if name == "--threads" => options.threads = value.parse().context(USAGE)?,
            [name, value] if name == "--visits" => {
                options.visits = value.split(',').map(str::parse).collect::<Result<_, _>>().context(USAGE)?;
            }
            _ => bail!(USAGE),
        }
    }
    Ok(options)
}

/// Answers until standard input ends.
fn serve() -> Result<()> {
    let mut runner = Runner::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let answer = match line.split(' ').collect::<Vec<_>>()[..] {
            ["engines"] => "forward search".to_owned(),
            ["run", engine, seconds] => {
                let time = Duration::from_secs_f64(seconds.parse()?);
                match engine {
                    "forward" => speed(time, || runner.forward())?.to_string(),
                    _ => speed(time, || runner.search())?.to_string(),
                }
            }
            ["decide", number] => runner.decide(number.parse()?).to_string(),
            _ => bail!("unknown line: {line}"),
        };
        println!("{answer}");
        io::stdout().flush()?;
    }
    Ok(())
}

fn speed(time: Duration, mut step: impl FnMut() -> u32) -> Result<f64> {
    let (start, cpu) = (Instant::now(), cpu_seconds()?);
    let mut count = 0;
    while start.elapsed() < time {
        count += step();
    }
    Ok(f64::from(count) / (cpu_seconds()? - cpu))
}

/// The moves of searches from all positions.
fn decide(worker: &mut Worker) -> Result<Vec<String>> {
    (0..POSITIONS).map(|number| worker.ask(&format!("decide {number}"))).collect()
}

/// Measures by turns and prints the medians, and how often the moves are those of another worker.
fn compare(what: &str, mut worker: Worker, moves: &[String], options: &Options) -> Result<()> {
    let mut columns = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..options.rounds {
        let mut run = |engine: &str| -> Result<f64> {
            let answer = worker.ask(&format!("run {engine} {}", options.seconds))?;
            answer.parse().with_context(|| answer.clone())
        };
        let (forward, search) = (run("forward")?, run("search")?);
        for (column, value) in columns.iter_mut().zip([forward, search, search / forward]) {
            column.push(value);
        }
    }
    let [forward, search, ratio] = columns.map(|column| median(column).unwrap_or(f64::NAN));
    let same = decide(&mut worker)?.iter().zip(moves).filter(|(a, b)| a == b).count();
    println!("| {what} | {forward:.0} | {search:.0} | {ratio:.3} | {same} of {POSITIONS} |");
    let met = |met| if met { "met" } else { "missed" };
    eprintln!("{what}: the bar of {BAR} is {}", met(ratio >= BAR));
    eprintln!("{what}: the bar of {SAME} for the same move is {}", met(same as f64 >= SAME * POSITIONS as f64));
    Ok(())
}
