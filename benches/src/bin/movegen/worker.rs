//! A worker: engines that answer lines on standard input. Python and Node have workers that speak the same.
//!
//! | line | answer |
//! |---|---|
//! | `engines` | the engines that this worker has, separated by spaces |
//! | `run ENGINE WHAT ROW SECONDS` | `UNITS CPU_SECONDS`; WHAT is `counted` or `played` leaves, or plies of `playouts` |

use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use keisei_benches::measure::cpu_seconds;
use keisei_benches::movegen::{KeiseiMoves, MoveGenerator, PLAYOUTS, ROWS, Random, SEED};

use crate::peers;

/// Answers until standard input ends.
pub fn serve() -> Result<()> {
    let mut engines: Vec<Box<dyn MoveGenerator>> = Vec::new();
    // Ours does not depend on haitaka's sliders, so one of the two builds has it.
    if cfg!(feature = "qugiy") {
        engines.push(Box::new(KeiseiMoves));
    }
    engines.extend(peers::all());
    for line in io::stdin().lines() {
        let line = line?;
        let answer = match line.split(' ').collect::<Vec<_>>()[..] {
            ["engines"] => engines.iter().map(|engine| engine.name()).collect::<Vec<_>>().join(" "),
            ["run", name, what, row, seconds] => {
                let engine = engines.iter().find(|engine| engine.name() == name).context("no such engine")?;
                run(engine.as_ref(), what, row.parse()?, seconds.parse()?)?
            }
            _ => bail!("unknown line: {line}"),
        };
        println!("{answer}");
        io::stdout().flush()?;
    }
    Ok(())
}

fn run(engine: &dyn MoveGenerator, what: &str, row: usize, seconds: f64) -> Result<String> {
    let row = ROWS.get(row).context("no such row")?;
    let mut random = Random(SEED);
    let mut once = || {
        Ok(match what {
            "counted" => engine.perft(row.sfen, row.depth),
            "played" => engine.perft_played(row.sfen, row.depth),
            "playouts" => (0..PLAYOUTS).map(|_| engine.playout(row.sfen, &mut random)).sum(),
            _ => bail!("nothing is called {what}"),
        })
    };
    let start = cpu_seconds()?;
    let (mut units, mut spent) = (0, 0.0);
    while spent < seconds {
        let done = once()?;
        if what != "playouts" && done != row.nodes {
            bail!("{} counts {done} leaves of {}, not {}", engine.name(), row.name, row.nodes);
        }
        units += done;
        spent = cpu_seconds()? - start;
    }
    Ok(format!("{units} {spent:.6}"))
}
