//! `cargo xtask demo`: from nothing to a game against a trained agent.

use crate::shell::{cargo, root, run as run_command, www};
use crate::web;
use anyhow::Result;
use lexopt::{Arg, Parser, ValueExt as _};
use std::process::Command;

/// Usage of the command.
pub const USAGE: &str = "\
demo [--port PORT] [--minutes MINUTES]

Options:
  --port PORT        Port on 127.0.0.1; 0 takes a free one [default: 8080]
  --minutes MINUTES  Minutes of training if there is no model yet [default: 2]";

/// Options of the command.
#[derive(Debug, PartialEq)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Minutes of training if there is no model yet.
    pub minutes: f64,
}

impl Options {
    /// Reads the options; `None` if they ask for help.
    pub fn parse(arguments: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
        let mut options = Options { port: 8080, minutes: 2.0 };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Long("port") => options.port = arguments.value()?.parse()?,
                Arg::Long("minutes") => options.minutes = arguments.value()?.parse()?,
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(options))
    }
}

/// Run directory of the latest training run.
const RUN: &str = "runs/latest";

/// Trains if neither the latest run nor the pages have a model, exports the latest run's, and serves the pages until Ctrl-C.
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
