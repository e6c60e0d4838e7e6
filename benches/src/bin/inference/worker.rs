//! A worker: executors that answer lines on standard input. Python and Node have workers that speak the same.
//!
//! | line | answer |
//! |---|---|
//! | `engines` | the executors that this worker has, separated by spaces |
//! | `check EXECUTOR NET` | the largest difference of its logits from the scalar executor's |
//! | `run EXECUTOR NET BATCH SECONDS` | `POSITIONS CPU_SECONDS`, after a warm-up |

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, io};

use anyhow::{Context, Result, bail};
use burn::backend::{Flex, flex::FlexDevice};
use keisei_benches::inference::{self, NETS, calibration, input, model};
use keisei_benches::measure::cpu_seconds;
use keisei_core::format::model::Dtype;
use keisei_core::net::burn::Net;
use keisei_core::net::scalar::Scalar;
use keisei_core::net::simd::{Bf16, Dot, Level, Quantized, Simd};
use keisei_core::net::{Executor, OUTCOMES};

/// Positions of an output check.
const CHECKED: usize = 8;

/// Answers until standard input ends.
pub fn serve() -> Result<()> {
    let mut built = HashMap::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let answer = match line.split(' ').collect::<Vec<_>>()[..] {
            ["engines"] => executors().join(" "),
            ["check", name, net] => {
                let net = find(net)?;
                let (found, expected) = (logits(build(name, net)?.as_mut()), logits(&mut Scalar::new(&net.weights())));
                let difference =
                    |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).map(|(a, b)| (a - b).abs()).reduce(f32::max);
                format!("{:.2e}", found.iter().zip(&expected).filter_map(difference).fold(0.0, f32::max))
            }
            ["run", name, net, batch, seconds] => {
                let net = find(net)?;
                let executor = match built.entry((name.to_owned(), net.name)) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => entry.insert(build(name, net)?),
                };
                run(executor.as_mut(), batch.parse()?, Duration::from_secs_f64(seconds.parse()?))?
            }
            _ => bail!("unknown line: {line}"),
        };
        println!("{answer}");
        io::stdout().flush()?;
    }
    Ok(())
}

fn find(net: &str) -> Result<&'static inference::NetSize> {
    NETS.iter().find(|known| known.name == net).with_context(|| format!("no network {net}"))
}

fn executors() -> Vec<String> {
    let levels = Level::ALL.into_iter().filter(|level| level.is_available());
    let mut names: Vec<_> = levels.map(|level| format!("simd-{level}")).collect();
    names.extend(Dot::available().map(|dot| format!("int-{dot}")));
    if Bf16::is_available() {
        names.extend(["bf16x3".into(), "bf16".into()]);
    }
    names.push("scalar".into());
    names.push("burn-flex".into());
    names
}

fn build(name: &str, net: &inference::NetSize) -> Result<Box<dyn Executor>> {
    let weights = net.weights();
    Ok(match name {
        "scalar" => Box::new(Scalar::new(&weights)),
        "burn-flex" => Box::new(Net::<Flex>::from_weights(&weights, &FlexDevice)),
        "bf16x3" => Box::new(Bf16::x3(&weights).context("no matrix unit here")?),
        "bf16" => Box::new(Bf16::new(&weights).context("no matrix unit here")?),
        _ if name.starts_with("int-") => {
            let dot = Dot::available().find(|dot| name == format!("int-{dot}"));
            let quantized = dot.and_then(|dot| Quantized::with_dot(&weights, &calibration(&weights), dot));
            Box::new(quantized.with_context(|| format!("no executor {name} here"))?)
        }
        _ => {
            let level = Level::ALL.into_iter().find(|level| name == format!("simd-{level}"));
            let simd = level.and_then(|level| Simd::with_level(&weights, level));
            Box::new(simd.with_context(|| format!("no executor {name} here"))?)
        }
    })
}

fn run(executor: &mut dyn Executor, batch: usize, time: Duration) -> Result<String> {
    let input = input(executor.spec(), batch);
    let mut policy = vec![0.0; batch * executor.spec().actions()];
    let mut wdl = vec![0.0; batch * OUTCOMES];
    executor.forward(batch, &input, &mut policy, &mut wdl);

    let (start, cpu) = (Instant::now(), cpu_seconds()?);
    let mut positions = 0;
    while positions == 0 || start.elapsed() < time {
        executor.forward(batch, &input, &mut policy, &mut wdl);
        positions += batch;
    }
    Ok(format!("{positions} {:.6}", cpu_seconds()? - cpu))
}

/// Policy and outcome logits of the positions that outputs are checked on.
fn logits(executor: &mut dyn Executor) -> [Vec<f32>; 2] {
    let input = input(executor.spec(), CHECKED);
    let mut logits = [vec![0.0; CHECKED * executor.spec().actions()], vec![0.0; CHECKED * OUTCOMES]];
    let [policy, wdl] = &mut logits;
    executor.forward(CHECKED, &input, policy, wdl);
    logits
}

/// Writes each network for the other workers: its model, raw f32 of its weights, of an input and of the scalar executor's
/// logits, and a table of the tensors' names, places and shapes.
pub fn dump(folder: &Path) -> Result<()> {
    let write = |name: String, numbers: &[f32]| {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        fs::write(folder.join(&name), bytes).with_context(|| format!("{}/{name}", folder.display()))
    };
    let mut table = Vec::new();
    for inference::NetSize { name, .. } in &NETS {
        let weights = find(name)?.weights();
        let [policy, wdl] = logits(&mut Scalar::new(&weights));
        write(format!("{name}.weights"), weights.data())?;
        write(format!("{name}.input"), &input(weights.spec(), CHECKED))?;
        write(format!("{name}.policy"), &policy)?;
        write(format!("{name}.wdl"), &wdl)?;
        for tensor in weights.spec().tensors() {
            let shape: Vec<_> = tensor.shape.iter().map(ToString::to_string).collect();
            writeln!(table, "{name} {} {} {}", tensor.name, tensor.range.start, shape.join("x"))?;
        }
        fs::write(folder.join(format!("{name}.model")), model(weights).to_bytes(Dtype::F32)?)?;
    }
    fs::write(folder.join("tensors.txt"), table)?;
    Ok(())
}
