//! `cargo xtask demo`: from nothing to a game against a trained agent.

use crate::install::www;
use crate::shell::{cargo, root, run as run_command};
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
    #[arg(long, default_value_t = 2)]
    minutes: u32,
}

/// The run directory of the demo's own agent.
const RUN: &str = "runs/demo";

/// Trains if there is no model in `www/public/models`, builds the pages with it, and serves them until Ctrl-C.
pub fn run(options: &Options) -> Result<()> {
    if !www().join("public/models/default.model").is_file() {
        let minutes = options.minutes.to_string();
        run_command(trainer().args(["train", "--minutes", &minutes, "--out", RUN]))?;
        run_command(trainer().args(["export", "--run", RUN, "--web"]).arg(www().join("public")))?;
    }
    web::run()?;
    let dist = www().join("dist");
    run_command(trainer().args(["serve", "--port", &options.port.to_string()]).arg(dist.strip_prefix(root())?))
}

fn trainer() -> Command {
    let mut cargo = cargo();
    cargo.args(["run", "--quiet", "--release", "--package", "trainer-native", "--"]);
    cargo
}
