//! `cargo xtask demo`: from nothing to a game against a trained agent.

use crate::shell::{cargo, root, run as run_command, www};
use crate::tools::NPM;
use crate::wasm::{self, GpuModule};
use crate::web;
use anyhow::{Result, anyhow};
use lexopt::{Arg, Parser, ValueExt as _};
use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Usage of the command.
pub const USAGE: &str = "\
demo [--port PORT] [--minutes MINUTES] [--gpu]

Options:
  --port PORT        Port on 127.0.0.1; 0 takes a free one [default: 8080]
  --minutes MINUTES  Minutes of training if there is no model yet [default: 2]
  --gpu              Build the module for browsers' GPUs as well; only networks larger than the demo's use it";

/// Options of the command.
#[derive(Debug, PartialEq)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Minutes of training if there is no model yet.
    pub minutes: f64,
    /// Whether the module for GPUs is built.
    pub gpu: GpuModule,
}

impl Options {
    /// Reads the options; `None` if they ask for help.
    pub fn parse(arguments: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
        let mut options = Options { port: 8080, minutes: 2.0, gpu: GpuModule::LeftOut };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Long("port") => options.port = arguments.value()?.parse()?,
                Arg::Long("minutes") => options.minutes = arguments.value()?.parse()?,
                Arg::Long("gpu") => options.gpu = GpuModule::Built,
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(options))
    }
}

/// Run directory of the latest training run.
const RUN: &str = "runs/latest";

/// Stage of the demo.
struct Stage<'a> {
    name: &'static str,
    about: String,
    run: Box<dyn Fn() -> Result<()> + 'a>,
}

impl<'a> Stage<'a> {
    fn new(name: &'static str, about: impl Into<String>, run: impl Fn() -> Result<()> + 'a) -> Self {
        Self { name, about: about.into(), run: Box::new(run) }
    }
}

/// Trains if neither the latest run nor the pages have a model, exports the latest run's, and serves the pages until Ctrl-C.
pub fn run(options: &Options) -> Result<()> {
    // Held until the server takes it: minutes later another program might have it.
    let reserved = reserve(options.port)?;
    let stages = stages(options);
    let names = stages.iter().map(|stage| stage.name).collect::<Vec<_>>().join(", ");
    eprintln!("stages: {names}; then the pages are served at {}", address(options.port));
    let start = Instant::now();
    let mut times = Vec::new();
    for (index, Stage { name, about, run }) in stages.iter().enumerate() {
        eprintln!("\n== {} of {}: {name}: {about}", index + 1, stages.len());
        let began = Instant::now();
        run()?;
        times.push(format!("{name} {}", clock(began.elapsed())));
        eprintln!("-- {name}: {}, {} in all", clock(began.elapsed()), clock(start.elapsed()));
    }
    eprintln!("\nready after {}: {}", clock(start.elapsed()), times.join(", "));
    eprintln!("Open the address below in a browser; Ctrl-C ends the server.");
    drop(reserved);
    run_command(trainer("run").args(["serve", "--port", &options.port.to_string()]).arg(served()?))
}

/// Stages that lead to pages with an agent; what is there already is not made again.
fn stages(options: &Options) -> Vec<Stage<'_>> {
    let has_trained = || root().join(RUN).join("model.model").is_file();
    let trains = !has_trained() && !www().join("public/models/default.model").is_file();
    let mut stages = vec![
        Stage::new("tools", "find Node, npm and a compiler for WebAssembly", || {
            NPM.find()?;
            wasm::find_toolchain()
        }),
        Stage::new("trainer", "compile it", || run_command(&mut trainer("build"))),
    ];
    if trains {
        let minutes = options.minutes;
        stages.push(Stage::new("agent", format!("train one by self-play for {minutes} minutes"), move || {
            run_command(trainer("run").args(["train", "--minutes", &minutes.to_string()]))?;
            explain_alarms();
            Ok(())
        }));
    }
    if trains || has_trained() {
        stages.push(Stage::new("export", format!("take the agent of {RUN} over to the pages"), || {
            run_command(trainer("run").args(["export", "--run", RUN, "--pages"]).arg(www().join("public")))
        }));
    }
    let gpu = options.gpu;
    stages.push(Stage::new("modules", "compile the rules and the network to WebAssembly", move || wasm::build(gpu)));
    stages.push(Stage::new("pages", "check and bundle them", web::pages));
    if trains || has_trained() {
        // Into the built pages, which a build replaces: a run page of an earlier run would not stay.
        stages.push(Stage::new("run page", format!("write the curves and games of {RUN}"), || {
            run_command(trainer("run").args(["export", "--web", RUN, "--out"]).arg(served()?.join("runs")))
        }));
    }
    stages
}

/// Folder of the built pages, from the root.
fn served() -> Result<PathBuf> {
    Ok(www().join("dist").strip_prefix(root())?.to_owned())
}

/// Takes the port; nothing for port 0, of which the system chooses a free one later.
fn reserve(port: u16) -> Result<Option<TcpListener>> {
    if port == 0 {
        return Ok(None);
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(Some).map_err(|error| {
        let other = if port == u16::MAX { port - 1 } else { port + 1 };
        let why = match error.kind() {
            ErrorKind::AddrInUse => "in use by another program, perhaps an earlier demo".to_owned(),
            ErrorKind::PermissionDenied => "only for the system's administrator".to_owned(),
            _ => error.to_string(),
        };
        anyhow!(
            "port {port} on 127.0.0.1 is {why}; look at {}, end that program, or take another port: \
             `cargo xtask demo --port {other}`, or `--port 0` for a free one",
            address(port)
        )
    })
}

fn address(port: u16) -> String {
    if port == 0 { "a free port of 127.0.0.1".into() } else { format!("http://127.0.0.1:{port}/") }
}

/// Minutes and seconds.
fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

/// Says what the alarms of the latest run mean for somebody who sees them for the first time.
fn explain_alarms() {
    // Without that file there is nothing to explain; the run itself has told of whatever failed.
    if let Ok(events) = fs::read_to_string(root().join(RUN).join("events.jsonl")) {
        eprint!("{}", explanation(&events));
    }
}

/// Explanation of the alarms among these events, each a line of JSON; empty if there are none.
fn explanation(events: &str) -> String {
    let events = events.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let alarms = events.filter(|event| event["event"] == "alarm").map(|alarm| {
        let word = |key: &str| alarm[key].as_str().unwrap_or_default().to_owned();
        format!("  {}, iteration {}: {}.\n    {}\n", word("id"), alarm["iteration"], word("text"), word("advice"))
    });
    let alarms = alarms.collect::<Vec<_>>();
    if alarms.is_empty() {
        return String::new();
    }
    format!(
        "\nAlarms were raised while it trained:\n{}\
         An alarm is no error. It is a sign that a long run may learn less than it could, with the setting to change. A run\n\
         of minutes has hardly begun to learn, and its alarms are common and harmless: the agent plays all the same.\n",
        alarms.concat()
    )
}

fn trainer(what: &str) -> Command {
    let mut cargo = cargo();
    cargo.args([what, "--release", "--package", "trainer-native"]);
    if what == "run" {
        cargo.arg("--");
    }
    cargo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_is_told_at_once_with_what_to_do() {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = other.local_addr().unwrap().port();
        let began = Instant::now();
        let error = run(&Options { port, minutes: 2.0, gpu: GpuModule::LeftOut }).unwrap_err().to_string();
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        for part in [format!("port {port}"), "--port 0".into(), format!("http://127.0.0.1:{port}/")] {
            assert!(error.contains(&part), "{error}");
        }
        drop(other);
        assert!(reserve(port).unwrap().is_some());
        assert!(reserve(0).unwrap().is_none());
    }

    #[test]
    fn alarms_are_explained_with_their_advice() {
        let events = r#"{"time":1.0,"event":"notice","text":"hello"}
{"time":2.0,"event":"alarm","iteration":7,"id":"draws","text":"more than 60 % of the last games are drawn","advice":"Raise it."}
no json"#;
        let text = explanation(events);
        assert!(
            text.contains("draws, iteration 7: more than 60 % of the last games are drawn.\n    Raise it.\n"),
            "{text}"
        );
        assert!(text.contains("An alarm is no error."), "{text}");
        assert_eq!(explanation("{\"event\":\"notice\"}\n"), "");
    }

    #[test]
    fn what_is_missing_is_found_before_anything_long_begins() {
        let options = Options { port: 0, minutes: 2.0, gpu: GpuModule::LeftOut };
        let names = stages(&options).iter().map(|stage| stage.name).collect::<Vec<_>>();
        assert_eq!((names[0], names[1]), ("tools", "trainer"), "{names:?}");
        // Where there was no run before, the demo trains; only shipped pages with a model of their own have none.
        let has_run = names.contains(&"export");
        let last: &[&str] = if has_run { &["modules", "pages", "run page"] } else { &["modules", "pages"] };
        assert!(names.ends_with(last), "{names:?}");
    }

    #[test]
    fn times_are_minutes_and_seconds() {
        assert_eq!(clock(Duration::from_secs(5)), "0:05");
        assert_eq!(clock(Duration::from_secs(361)), "6:01");
    }
}
