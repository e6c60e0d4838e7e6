//! `cargo xtask web | demo | test | bench | size | fuzz`: the only build script; finds or installs what it needs.

use clap::{Parser, Subcommand};
use std::process::ExitCode;

mod bench;
mod demo;
mod fuzz;
mod size;
mod test;
mod web;

mod install;
mod shell;
mod summary;
mod tools;
mod wasm;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Builds, tests and shows Keisei; installs what that needs")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the pages, with the core as wasm, into www/dist
    Web,
    /// Build the pages, train two minutes if there is no model yet, and serve the result on this machine
    Demo(demo::Options),
    /// Install what is missing and run every check
    Test(test::Options),
    /// Run one benchmark, or name them all
    Bench(bench::Options),
    /// Print what the parts of the core weigh as wasm
    Size,
    /// Feed the parsers random inputs for a while
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Web => web::run(),
        Command::Demo(options) => demo::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Size => size::run(),
        Command::Fuzz(options) => fuzz::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
