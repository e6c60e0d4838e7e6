//! Speed of the network: our executors beside ONNX Runtime, native and in WebAssembly, in positions a second.
//!
//! Every engine runs the same weights on the same planes in one thread on one CPU; they take turns, round by round, and
//! CPU time is counted, so that whatever else the machine does meets all of them alike. `cargo xtask bench inference`
//! builds everything that this needs; without Python, Node or the module their rows are left out, with a message.

mod trained;
mod worker;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use keisei_benches::inference::{BATCHES, NETS};
use keisei_benches::measure::median;
use keisei_benches::worker::{Worker, folder, node_packages};

const USAGE: &str =
    "usage: inference [--wasm MODULE] [--relaxed MODULE] [--model FILE] [--rounds N] [--seconds S] [--cpu N]";

/// Bars: an executor, its peer, and the ratio of their speeds at each of the [`BATCHES`].
const BARS: [(&str, &str, [f64; BATCHES.len()]); 6] = [
    ("simd-", "onnxruntime", [2.6, 2.4, 2.4]),
    ("int-", "onnxruntime", [3.5; BATCHES.len()]),
    ("wasm-simd128", "onnxruntime-web", [4.5; BATCHES.len()]),
    ("wasm-relaxed", "onnxruntime-web", [5.0; BATCHES.len()]),
    ("wasm-relaxed", "onnxruntime", [1.0; BATCHES.len()]),
    ("wasm-int", "onnxruntime-web", [7.0; BATCHES.len()]),
];

/// Largest accepted difference of a logit, in f32 and after rounding to integers or bfloat16.
const TOLERANCES: [f64; 2] = [1e-3, 2e-2];

struct Options {
    /// Our executors as a WebAssembly module.
    wasm: Option<PathBuf>,
    /// Our executors as a WebAssembly module with relaxed-simd.
    relaxed: Option<PathBuf>,
    /// A trained model to compare the executors on.
    model: Option<PathBuf>,
    rounds: usize,
    /// Length of one measurement.
    seconds: f64,
    cpu: usize,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments == ["worker"] {
        return worker::serve();
    }
    compare(&parse(&arguments)?)
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options { wasm: None, relaxed: None, model: None, rounds: 7, seconds: 0.4, cpu: 0 };
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--wasm" => options.wasm = Some(value.into()),
            [name, value] if name == "--relaxed" => options.relaxed = Some(value.into()),
            [name, value] if name == "--model" => options.model = Some(value.into()),
            [name, value] if name == "--rounds" => options.rounds = value.parse().context(USAGE)?,
            [name, value] if name == "--seconds" => options.seconds = value.parse().context(USAGE)?,
            [name, value] if name == "--cpu" => options.cpu = value.parse().context(USAGE)?,
            _ => bail!(USAGE),
        }
    }
    Ok(options)
}

/// Positions a second, by executor and by column of the table; `None` where not measured.
type Speeds = Vec<(String, Vec<Option<f64>>)>;

fn compare(options: &Options) -> Result<()> {
    let folder = folder()?;
    worker::dump(&folder)?;
    let mut workers = Vec::new();
    for (what, started) in [
        ("native executors", Worker::native(options.cpu, &env::current_exe()?)),
        ("onnxruntime", python(options.cpu, &folder)),
        ("WebAssembly", node(options.cpu, &folder, options.wasm.as_deref(), options.relaxed.as_deref())),
    ] {
        match started {
            Ok(worker) => workers.push(worker),
            Err(error) => eprintln!("{what}: left out: {error:#}"),
        }
    }

    let mut engines = Vec::new(); // (worker, executor)
    for (index, worker) in workers.iter_mut().enumerate() {
        for executor in worker.ask("engines")?.split(' ') {
            engines.push((index, executor.to_owned()));
        }
    }
    for (index, executor) in &engines {
        for net in &NETS {
            let difference = workers[*index].ask(&format!("check {executor} {}", net.name))?;
            let difference: f64 = difference.parse().context("a difference")?;
            let [exact, rounded] = TOLERANCES;
            let rounds = executor.contains("int") || executor == "bf16";
            if difference.is_nan() || difference > if rounds { rounded } else { exact } {
                bail!("{executor} does not compute {}: logits differ by {difference}", net.name);
            }
            eprintln!("{executor}, {}: logits within {difference:.1e} of the scalar executor", net.name);
        }
    }

    let columns: Vec<_> = NETS.iter().flat_map(|net| BATCHES.map(|batch| (net.name, batch))).collect();
    let mut speeds: Speeds = engines.iter().map(|(_, name)| (name.clone(), vec![None; columns.len()])).collect();
    for (column, (net, batch)) in columns.iter().enumerate() {
        eprintln!("{net}, batch {batch}: {} rounds", options.rounds);
        let mut samples = vec![Vec::new(); engines.len()];
        for _ in 0..options.rounds {
            for ((index, executor), samples) in engines.iter().zip(&mut samples) {
                // The definition takes its positions one by one: larger batches would show the same, slowly.
                if executor == "scalar" && *batch > 1 {
                    continue;
                }
                let answer = workers[*index].ask(&format!("run {executor} {net} {batch} {}", options.seconds))?;
                let (positions, seconds) = answer.split_once(' ').with_context(|| answer.clone())?;
                samples.push(positions.parse::<f64>()? / seconds.parse::<f64>()?);
            }
        }
        for ((_, speeds), samples) in speeds.iter_mut().zip(samples) {
            speeds[column] = median(samples);
        }
    }
    print(&columns, &speeds);
    options.model.as_deref().map_or(Ok(()), trained::compare)
}

/// ONNX Runtime; it writes the networks as ONNX.
fn python(cpu: usize, folder: &Path) -> Result<Worker> {
    Worker::python(cpu, folder, "inference_ort.py", "inference.txt", &[folder.display().to_string()])
}

/// Our modules and onnxruntime-web, which needs the networks that the Python worker wrote.
fn node(cpu: usize, folder: &Path, wasm: Option<&Path>, relaxed: Option<&Path>) -> Result<Worker> {
    let wasm = wasm.context("no module was given (--wasm)")?;
    if !folder.join("C64N4.onnx").is_file() {
        bail!("no network in ONNX, which the worker for onnxruntime writes");
    }
    let packages = node_packages(folder)?;
    let arguments: Vec<&Path> = [folder, &packages].into_iter().chain(relaxed).collect();
    Worker::node(cpu, "inference.mjs", wasm, &arguments)
}

fn print(columns: &[(&str, usize)], speeds: &Speeds) {
    println!(
        "Positions a second of CPU time, one thread; in brackets, times as fast as ONNX Runtime on the same machine code."
    );
    print!("| executor |");
    for (net, batch) in columns {
        print!(" {net} B={batch} |");
    }
    println!("\n|---|{}", "---:|".repeat(columns.len()));
    let find = |name: &str| speeds.iter().find(|(found, _)| found == name).map(|(_, speeds)| speeds);
    for (executor, row) in speeds {
        let web = executor.starts_with("wasm-") || executor.ends_with("-web");
        let peer = find(if web { "onnxruntime-web" } else { "onnxruntime" });
        print!("| {executor} |");
        for (column, speed) in row.iter().enumerate() {
            match (speed, peer.and_then(|peer| peer[column])) {
                (None, _) => print!(" |"),
                (Some(speed), None) => print!(" {speed:.0} |"),
                (Some(speed), Some(peer)) => print!(" {speed:.0} ({:.2}×) |", speed / peer),
            }
        }
        println!();
    }
    println!("\nBars, in times the other's speed:\n");
    for (ours, peer, bars) in BARS {
        // The first executor of a name is the fastest that the CPU has.
        let ours = speeds.iter().find(|(name, _)| name.starts_with(ours));
        let (Some((name, speeds)), Some(peers)) = (ours, find(peer)) else { continue };
        print!("| {name} beside {peer} |");
        for ((speed, peer), bar) in speeds.iter().zip(peers).zip(bars.into_iter().cycle()) {
            match speed.zip(*peer).map(|(speed, peer)| speed / peer) {
                Some(ratio) if ratio >= bar => print!(" {ratio:.2} ≥ {bar} |"),
                Some(ratio) => print!(" {ratio:.2} < {bar}, missed |"),
                None => print!(" |"),
            }
        }
        println!();
    }
}
