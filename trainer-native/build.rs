//! Puts the revision of the sources and the compiler's version into the program, which stores both with every run.

use std::process::Command;

fn main() {
    let first_line = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
    };
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let toolchain = first_line(&compiler, &["--version"]).unwrap_or_default();
    // Outside a checkout, as in a package, there is none.
    let revision = first_line("git", &["rev-parse", "--short=12", "HEAD"]).unwrap_or_default();
    println!("cargo::rustc-env=KEISEI_TOOLCHAIN={toolchain}");
    println!("cargo::rustc-env=KEISEI_REVISION={revision}");
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(log) = first_line("git", &["rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
}
