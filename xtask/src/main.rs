//! `cargo xtask web | demo | test | bench | size | fuzz | reproduce`: the only build script; finds or installs what it needs.

use lexopt::{Arg, Parser, ValueExt as _};
use std::process::ExitCode;

mod bench;
mod demo;
mod fuzz;
mod reproduce;
mod size;
mod test;
mod web;
mod publish;

mod install;
mod shell;
mod summary;
mod system;
mod tools;
mod wasm;
mod platforms;

/// Commands: name, and what the command does.
const COMMANDS: [(&str, &str); 7] = [
    ("web", "Build the pages, with the core as WebAssembly, into www/dist, and from there into a folder for a host"),
    ("demo", "Train two minutes if there is no model yet, build the pages, and serve them on this machine"),
    ("test", "Install what is missing and run every check"),
    ("bench", "Run one benchmark, or list them"),
    ("size", "Print the sizes of the core's parts as WebAssembly"),
    ("fuzz", "Feed the parsers random inputs for a while"),
    ("reproduce", "Train a shipped agent again, and compare its weights and its rating with the shipped one's"),
];

/// Command with its options.
#[derive(Debug, PartialEq)]
enum Command {
    Web(web::Options),
    Demo(demo::Options),
    Test(test::Options),
    Bench(bench::Options),
    Size,
    Fuzz(fuzz::Options),
    Reproduce(reproduce::Options),
}

/// What the arguments ask for.
#[derive(Debug, PartialEq)]
enum Request {
    /// To print this help.
    Help(String),
    /// To run the command of this name.
    Run(&'static str, Command),
}

fn main() -> ExitCode {
    let (name, command) = match parse(&mut Parser::from_env()) {
        Ok(Request::Run(name, command)) => (name, command),
        Ok(Request::Help(help)) => {
            println!("{help}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}; `cargo xtask --help` and `cargo xtask COMMAND --help` list what there is");
            return ExitCode::from(2);
        }
    };
    eprintln!("cargo xtask {name}: {}", about(name));
    let result = match command {
        Command::Web(options) => web::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Size => size::run(),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Reproduce(options) => reproduce::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &mut Parser) -> Result<Request, lexopt::Error> {
    let given = match arguments.next()? {
        None | Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Request::Help(help())),
        Some(Arg::Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected()),
    };
    let Some((name, _)) = COMMANDS.into_iter().find(|(name, _)| *name == given) else {
        return Err(format!("no command {given:?}").into());
    };
    let (usage, command) = match name {
        "web" => (web::USAGE.to_owned(), web::Options::parse(arguments)?.map(Command::Web)),
        "demo" => (demo::USAGE.to_owned(), demo::Options::parse(arguments)?.map(Command::Demo)),
        "test" => (test::usage(), test::Options::parse(arguments)?.map(Command::Test)),
        "bench" => (bench::USAGE.to_owned(), bench::Options::parse(arguments)?.map(Command::Bench)),
        "size" => ("size".to_owned(), no_options(arguments)?.map(|()| Command::Size)),
        "fuzz" => (fuzz::USAGE.to_owned(), fuzz::Options::parse(arguments)?.map(Command::Fuzz)),
        "reproduce" => (reproduce::USAGE.to_owned(), reproduce::Options::parse(arguments)?.map(Command::Reproduce)),
        _ => unreachable!("every name in COMMANDS has its row here"),
    };
    Ok(match command {
        Some(command) => Request::Run(name, command),
        None => Request::Help(format!("{}\n\nUsage: cargo xtask {usage}", about(name))),
    })
}

/// Reads the end of the arguments; `None` if they ask for help.
fn no_options(arguments: &mut Parser) -> Result<Option<()>, lexopt::Error> {
    match arguments.next()? {
        None => Ok(Some(())),
        Some(Arg::Long("help") | Arg::Short('h')) => Ok(None),
        Some(other) => Err(other.unexpected()),
    }
}

fn about(command: &str) -> &'static str {
    COMMANDS.into_iter().find(|(name, _)| *name == command).map_or("", |(_, about)| about)
}

fn help() -> String {
    let commands = COMMANDS.map(|(name, about)| format!("  {name:<11}{about}\n"));
    format!(
        "Builds, tests and shows Keisei; finds or installs what that needs\n\n\
         Usage: cargo xtask COMMAND [OPTIONS]\n\n\
         Commands:\n{}\n\
         `cargo xtask COMMAND --help` lists the options of a command.",
        commands.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasm::GpuModule;

    fn read(line: &str) -> Result<Request, String> {
        parse(&mut Parser::from_args(line.split_whitespace())).map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_become_commands() {
        let check = |line: &str, command: Command| {
            let name = COMMANDS.into_iter().map(|(name, _)| name).find(|name| line.starts_with(name)).unwrap();
            assert_eq!(read(line), Ok(Request::Run(name, command)), "{line}");
        };
        let web = |publish: Option<&str>, path: &str, gpu| {
            let (compressed, pages) = (publish::Compressed::No, web::Pages::New);
            Command::Web(web::Options { publish: publish.map(Into::into), path: path.into(), compressed, pages, gpu })
        };
        check("web", web(None, "/", GpuModule::Built));
        check("web --publish site", web(Some("site"), "/", GpuModule::Built));
        check("web --publish site --path keisei --no-gpu", web(Some("site"), "/keisei/", GpuModule::LeftOut));
        check("size", Command::Size);
        let demo = |port, minutes, gpu| Command::Demo(demo::Options { port, minutes, gpu });
        check("demo", demo(8080, 2.0, GpuModule::LeftOut));
        check("demo --minutes 0.5 --port=0 --gpu", demo(0, 0.5, GpuModule::Built));
        let test = |fast, only: &[&'static str]| Command::Test(test::Options { fast, only: only.to_vec() });
        check("test", test(false, &[]));
        check("test --fast", test(true, &[]));
        check("test --only rust --only=format", test(false, &["rust", "format"]));
        let fuzz =
            |target: Option<&str>, minutes| Command::Fuzz(fuzz::Options { target: target.map(Into::into), minutes });
        check("fuzz", fuzz(None, 5.0));
        check("fuzz files --minutes 31", fuzz(Some("files"), 31.0));
        check("fuzz --minutes 1 files", fuzz(Some("files"), 1.0));
        let reproduce = |name: &str, games| Command::Reproduce(reproduce::Options { name: name.into(), games });
        check("reproduce", reproduce("minute", 100));
        check("reproduce quick --games 20", reproduce("quick", 20));
        let bench = |name: Option<&str>, gpu, arguments: &[&str]| {
            let arguments = arguments.iter().map(Into::into).collect();
            Command::Bench(bench::Options { name: name.map(Into::into), gpu, arguments })
        };
        check("bench", bench(None, false, &[]));
        check("bench env", bench(Some("env"), false, &[]));
        check("bench movegen --rounds 3", bench(Some("movegen"), false, &["--rounds", "3"]));
        check("bench movegen -- --rounds 3", bench(Some("movegen"), false, &["--rounds", "3"]));
        check("bench --gpu parity -- --help", bench(Some("parity"), true, &["--help"]));
        check("bench parity --gpu --positions 8", bench(Some("parity"), true, &["--positions", "8"]));
    }

    #[test]
    fn help_is_everywhere() {
        let check = |line: &str, part: &str| match read(line) {
            Ok(Request::Help(help)) => assert!(help.contains(part), "{line}: {help}"),
            other => panic!("{line}: {other:?}"),
        };
        for line in ["", "--help", "-h"] {
            check(line, "Usage: cargo xtask COMMAND");
        }
        for (name, about) in COMMANDS {
            check("--help", about);
            check(&format!("{name} --help"), about);
            check(&format!("{name} -h"), &format!("Usage: cargo xtask {name}"));
        }
        check("test --help", "browser");
        check("test --fast -h", "--only STAGE");
    }

    #[test]
    fn errors_name_the_argument() {
        let check = |line: &str, part: &str| {
            let error = read(line).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
        };
        check("tests", "no command \"tests\"");
        check("--fast", "--fast");
        check("web now", "now");
        check("size --fast", "--fast");
        check("test --slow", "--slow");
        check("test rust", "rust");
        check("test --only", "--only");
        check("test --only rusty", "no stage \"rusty\"; there are format, licences");
        check("web --publish site --path \"a b\"", "--path");
        check("web --path keisei", "--publish");
        check("web --built", "--publish");
        check("web --publish site --built --no-gpu", "--no-gpu");
        check("demo --port http", "http");
        check("fuzz files notation", "notation");
        check("fuzz --minutes soon", "soon");
        check("bench --cpu", "--cpu");
        check("reproduce minute hour", "hour");
        check("reproduce --games 3", "must be even");
    }
}
