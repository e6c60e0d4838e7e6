//! `cargo xtask demo`: from nothing to a game against a trained agent.

use crate::shell::{cargo, root, run as run_command, www};
use crate::web;
use anyhow::Result;
use std::process::Command;

/// What the demo may be told.
#[derive(clap::Args)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Minutes of training if there is no model yet
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
}

/// The run that was trained last.
const RUN: &str = "runs/latest";

/// Trains if no run has a model and the pages have none, takes the latest run's, and serves the pages until Ctrl-C.
pub fn run(options: &Options) -> Result<()> {
    let has_trained = || root().join(RUN).join("model.model").is_file();
    if !has_trained() && !www().join("public/models/default.model").is_file() {
        run_command(trainer().args(["train", "--minutes", &options.minutes.to_string()]))?;
    }
    if has_trained() {
        run_command(trainer().args(["export", "--run", RUN, "--web"]).arg(www().join("public")))?;
    }
    web::run()?;
    let dist = www().join("dist");
    run_command(trainer().args(["serve", "--port", &options.port.to_string()]).arg(dist.strip_prefix(root())?))
}

fn trainer() -> Command {
    let mut cargo = cargo();
    cargo.args(["run", "--release", "--package", "trainer-native", "--"]);
    cargo
}
