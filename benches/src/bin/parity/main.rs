//! Differences between the executors: one table of policy logits, values and gradients against the definition.
//!
//! `cargo xtask bench parity` builds what this needs. `cargo xtask bench --gpu parity` also builds the executors of GPUs, and runs them
//! on the CPU where there is no GPU. An executor that cannot run here has a row that says so. The program fails if a bar is missed.

mod network;

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use keisei_benches::executors::native;
use keisei_benches::inference::{NETS, NetSize, model, weights};
use keisei_benches::worker::{Worker, folder};
use keisei_core::encoding::{Actions, Features};
use keisei_core::format::model::Model;
use keisei_core::net::scalar::Scalar;
use keisei_core::net::simd::Calibration;
use keisei_core::net::{NetOptions, NetSpec};
use keisei_core::random::SplitMix64;
use network::{Differences, GRADIENT_BAR, LOGIT_BAR, NetworkCase};
use trainer_native::learner::{BurnLearner, Device, Precision};

const USAGE: &str = "usage: parity [--wasm MODULE] [--relaxed MODULE] [--webgpu FOLDER --browser PROGRAM] [--model FILE] \
    [--positions N]";

struct Options {
    /// Our executors as a WebAssembly module.
    wasm: Option<PathBuf>,
    /// Our executors as a WebAssembly module with relaxed-simd.
    relaxed: Option<PathBuf>,
    /// The folder of the page's module for WebGPU, and the Chromium that runs it on `SwiftShader`.
    webgpu: Option<PathBuf>,
    browser: Option<PathBuf>,
    /// A trained model.
    model: Option<PathBuf>,
    positions: usize,
}

/// An executor and its differences in each network; none if it was left out.
struct Row {
    name: String,
    /// Whether it computes in f32, and so has to meet the bars.
    exact: bool,
    cells: Vec<Differences>,
}

fn main() -> Result<()> {
    let options = parse(&env::args().skip(1).collect::<Vec<_>>())?;
    let networks = networks(&options)?;
    let folder = folder()?.join("parity");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut notes = Vec::new();
    let (mut workers, mut left_out) = (Vec::new(), Vec::new());
    for (name, worker) in [("wasm", node(&options, &folder)), ("webgpu", webgpu(&options, &folder))] {
        match worker {
            Ok(worker) => workers.push(worker),
            Err(error) => {
                notes.push(format!("{name}: {error:#}"));
                left_out.push(name);
            }
        }
    }
    let gpu = Device::Wgpu.learner(Features::Attack96, Actions::Dest2187, Precision::F32, 1).map(|gpu| gpu.name());
    notes.push(match &gpu {
        Ok(name) => format!("wgpu: {name}"),
        Err(error) if cfg!(feature = "wgpu") => format!("wgpu: {error:#}"),
        Err(_) => "wgpu: `cargo xtask bench --gpu parity` builds it; that takes a quarter of an hour".into(),
    });
    left_out.extend(gpu.is_err().then_some("wgpu"));

    let mut rows: Vec<Row> = Vec::new();
    for network in &networks {
        eprintln!("{}", network.name);
        let Model { features, actions, ref weights, .. } = network.model;
        let definition = network.run(&mut Scalar::new(weights));
        let slopes = network.slopes(&definition);
        let mut answers = vec![("scalar".to_owned(), true, definition.clone())];
        for mut native in native(weights, &Calibration::measure(weights, &network.planes)) {
            let mut output = network.run(native.executor.as_mut());
            if let Some(backprop) = native.backprop.filter(|_| network.learns()) {
                output.gradient = network.by_hand(&backprop, &slopes);
            }
            answers.push((native.name, native.exact, output));
        }
        for worker in &mut workers {
            answers.extend(network.by_worker(worker, &folder, &definition)?);
        }
        let burn = network.by_learner(&mut BurnLearner::new(features, actions, 1))?;
        answers.push(("burn-flex".to_owned(), true, burn.clone()));
        if gpu.is_ok() {
            let mut learner = Device::Wgpu.learner(features, actions, Precision::F32, 1)?;
            answers.push(("wgpu".to_owned(), true, network.by_learner(learner.as_mut())?));
        }
        for (name, exact, found) in answers {
            let cell = network.differences(&definition, &burn.gradient, &found);
            match rows.iter_mut().find(|row| row.name == name) {
                Some(row) => row.cells.push(cell),
                None => rows.push(Row { name, exact, cells: vec![cell] }),
            }
        }
    }
    rows.extend(left_out.into_iter().map(|name| Row { name: name.to_owned(), exact: false, cells: Vec::new() }));
    let met = print(&networks, &rows);
    println!(
        "\nOn {} positions of random games, the largest differences of a policy logit and of a value (win less loss) from the\n\
         definition in plain loops, and the largest relative error of a tensor's gradient of the PPO loss from burn-flex's.\n\
         Bars in f32: {LOGIT_BAR:.0e} for logits and values, {GRADIENT_BAR:.0e} for gradients. Integers are calibrated on the \
         same positions;\nwhat rounding does to moves is for `cargo xtask bench inference -- --model FILE` to say.",
        options.positions
    );
    for NetworkCase { name, passed_over, .. } in networks.iter().filter(|network| network.passed_over > 0) {
        println!(
            "{name}: {passed_over} positions passed over, where a unit on its rectifier's corner leaves the gradient to rounding."
        );
    }
    for note in notes {
        println!("{note}.");
    }
    if !met {
        bail!("a bar is missed");
    }
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options { wasm: None, relaxed: None, webgpu: None, browser: None, model: None, positions: 64 };
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--wasm" => options.wasm = Some(value.into()),
            [name, value] if name == "--relaxed" => options.relaxed = Some(value.into()),
            [name, value] if name == "--webgpu" => options.webgpu = Some(value.into()),
            [name, value] if name == "--browser" => options.browser = Some(value.into()),
            [name, value] if name == "--model" => options.model = Some(value.into()),
            [name, value] if name == "--positions" => options.positions = value.parse().context(USAGE)?,
            _ => bail!(USAGE),
        }
    }
    if options.positions == 0 {
        bail!(USAGE);
    }
    Ok(options)
}

fn node(options: &Options, folder: &Path) -> Result<Worker> {
    let wasm = options.wasm.as_deref().context("no module was given (--wasm)")?;
    // The second folder is the place of onnxruntime-web's packages, which parity does not use.
    let arguments: Vec<&Path> = [folder, folder].into_iter().chain(options.relaxed.as_deref()).collect();
    Worker::node(0, "inference.mjs", wasm, &arguments)
}

fn webgpu(options: &Options, folder: &Path) -> Result<Worker> {
    let (Some(module), Some(browser)) = (&options.webgpu, &options.browser) else {
        bail!("`cargo xtask bench --gpu parity` builds its module");
    };
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/browser");
    Worker::node(0, "webgpu.mjs", module, &[folder, &packages, browser])
}

/// All networks, the small ones first: their gradients are compared too.
fn networks(options: &Options) -> Result<Vec<NetworkCase>> {
    let small = NetSize { name: "C32N4", channels: 32, blocks: 4 };
    let every_option = NetOptions { se_hidden: 8, pool_hidden: 16, score_hidden: 32 };
    let mut models = vec![("C32N4-se-pool-score", NetSpec { options: every_option, ..small.spec() })];
    models.extend([&small].into_iter().chain(&NETS).map(|net| (net.name, net.spec())));
    let mut networks = Vec::new();
    for (name, spec) in models {
        let mut weights = weights(&spec);
        // Biases must not be zero, or they would not count.
        let mut random = SplitMix64(1);
        weights.data_mut().iter_mut().filter(|w| **w == 0.0).for_each(|w| *w = 0.05 * random.symmetric());
        networks.push(NetworkCase::new(name, model(weights), options.positions)?);
    }
    if let Some(file) = &options.model {
        let bytes = fs::read(file).with_context(|| file.display().to_string())?;
        let model = Model::from_bytes(&bytes).with_context(|| file.display().to_string())?;
        let name = format!("C{}N{}-trained", model.spec().channels, model.spec().blocks);
        networks.push(NetworkCase::new(&name, model, options.positions)?);
    }
    Ok(networks)
}

/// Prints the table; whether every bar is met.
fn print(networks: &[NetworkCase], rows: &[Row]) -> bool {
    let heads = networks.iter().map(|network| {
        let gradient = if network.learns() { ", gradient" } else { "" };
        format!("{}: policy, value{gradient}", network.name)
    });
    let mut lines = vec![[vec!["executor".to_owned()], heads.collect(), vec!["bars".to_owned()]].concat()];
    let mut all_met = true;
    for Row { name, exact, cells } in rows {
        let mut line = vec![name.clone()];
        let mut missed = Vec::new();
        for (network, &Differences { policy, value, gradient }) in networks.iter().zip(cells) {
            let shown = gradient.map_or(String::new(), |gradient| format!(", {gradient:.1e}"));
            line.push(format!("{policy:.1e}, {value:.1e}{shown}"));
            if policy.max(value) > LOGIT_BAR || gradient.is_some_and(|gradient| gradient > GRADIENT_BAR) {
                missed.push(network.name.as_str());
            }
        }
        let verdict = match (cells.is_empty(), exact, missed.is_empty()) {
            (true, ..) => "left out".to_owned(),
            (_, false, _) => "none".to_owned(),
            (_, _, true) => "met".to_owned(),
            _ => format!("missed: {}", missed.join(" ")),
        };
        all_met &= !exact || missed.is_empty();
        line.resize(networks.len() + 1, String::new());
        line.push(verdict);
        lines.push(line);
    }
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    lines.insert(1, widths.iter().map(|&width| "-".repeat(width)).collect());
    for line in lines {
        let cells = line.iter().zip(&widths).map(|(cell, &width)| format!("| {cell:width$} "));
        println!("{}|", cells.collect::<String>());
    }
    all_met
}
