//! Tools that the commands look for on this machine: the oldest version of each that will do, and where to get it.
//!
//! One is missing: the Rust compiler in use. Cargo holds it against `rust-version` before it compiles this program.

use crate::shell::{command, find, output};
use crate::system::{debian_packages, installing, may_install, missing};
use anyhow::{Context, Result};
use std::fmt;
use std::path::PathBuf;

/// Program that some commands run.
pub struct Program {
    /// Name in messages.
    name: &'static str,
    /// Oldest version that will do.
    minimum: &'static str,
    /// Names to look for, the preferred one first; each answers to `--version`.
    commands: &'static [&'static str],
    /// Debian packages that bring it; empty where Debian's are too old.
    packages: &'static [&'static str],
}

/// Debian packages of one version, useful only together.
pub struct Packages {
    /// Name in messages.
    name: &'static str,
    /// Oldest version that will do.
    minimum: &'static str,
    /// Names of the packages.
    all: &'static [&'static str],
}

/// Node, of the version that `engines` in the `package.json` files asks for.
pub const NODE: Program = Program { name: "Node", minimum: "20.19", commands: &["node"], packages: &[] };
/// npm, the first that reads lock files of format 3.
pub const NPM: Program = Program { name: "npm", minimum: "7", commands: &["npm"], packages: &[] };
/// Python, the oldest that the packages in `tests/python/requirements.txt` support.
pub const PYTHON: Program = Program {
    name: "Python with its module venv",
    minimum: "3.11",
    commands: &["python3", "/usr/bin/python3"],
    packages: &["python3", "python3-venv"],
};
/// Chromium, the first with `light-dark()`, which the pages' colours use.
pub const CHROMIUM: Program = Program {
    name: "Chromium",
    minimum: "123",
    commands: &["chromium", "chromium-browser", "google-chrome"],
    packages: &["chromium"],
};
/// C++ compiler for libFuzzer: the first GCC with all of C++17; Clang of that version has it as well.
pub const CPP_COMPILER: Program =
    Program { name: "C++ compiler", minimum: "8", commands: &["c++", "clang++"], packages: &["g++"] };
/// cargo-fuzz, the first whose name for LLVM's coverage pass today's compiler knows.
pub const CARGO_FUZZ: Program =
    Program { name: "cargo-fuzz", minimum: "0.11", commands: &["cargo-fuzz"], packages: &[] };
/// cargo-nextest, of the releases whose closing line [`crate::summary`] reads.
pub const NEXTEST: Program =
    Program { name: "cargo-nextest", minimum: "0.9", commands: &["cargo-nextest"], packages: &[] };
/// Compiler for targets that rustup cannot add: it compiles our workspace, so it has to be as new as the one in use.
pub const CROSS_COMPILER: Packages = Packages {
    name: "Debian's Rust for other targets",
    minimum: env!("CARGO_PKG_RUST_VERSION"),
    all: &["rustc-web", "cargo-web", "rust-web-src"],
};
/// Mesa's drivers for Vulkan, of Debian 12 or later. One of them is lavapipe, with which the CPU plays a GPU.
pub const VULKAN_DRIVERS: Packages =
    Packages { name: "Mesa's Vulkan drivers", minimum: "22.3", all: &["mesa-vulkan-drivers"] };

/// Open MPI of Debian 11 or later, with headers and `mpirun`.
pub const OPEN_MPI: Packages = Packages { name: "Open MPI", minimum: "4.1", all: &["libopenmpi-dev", "openmpi-bin"] };
/// libclang, with which the bindings of MPI are generated: the first that bindgen 0.72 supports.
pub const LIBCLANG: Packages = Packages { name: "libclang", minimum: "9", all: &["libclang-dev"] };

impl Program {
    /// Path of the first command that is new enough.
    ///
    /// # Errors
    /// [`crate::system::Missing`] with the version needed and those found.
    pub fn find(&self) -> Result<PathBuf> {
        let mut paths: Vec<PathBuf> = self.commands.iter().filter_map(|name| find(name)).collect();
        paths.dedup();
        let found = paths.into_iter().map(|path| {
            let version = output(&mut command(&path, &["--version"])).ok();
            let version = version.and_then(|text| Version::read(&String::from_utf8_lossy(&text)));
            (path.display().to_string(), version)
        });
        let path = choose(self.name, self.minimum, found).map_err(|advice| missing(advice + &hint(self.packages)))?;
        Ok(path.into())
    }

    /// As [`Program::find`], after installing or updating its Debian packages if need be.
    ///
    /// # Errors
    /// As [`Program::find`] and [`debian_packages`].
    pub fn find_or_install(&self) -> Result<PathBuf> {
        let _alone = installing();
        self.find().or_else(|error| {
            if !may_install() {
                return Err(error);
            }
            eprintln!("{error}");
            self.install()?;
            self.find()
        })
    }

    /// Installs or updates its Debian packages.
    ///
    /// # Errors
    /// As [`debian_packages`].
    pub fn install(&self) -> Result<()> {
        debian_packages(self.packages).with_context(|| format!("{} {} or later", self.name, self.minimum))
    }
}

impl Packages {
    /// Installs or updates the packages, unless each of them is new enough.
    ///
    /// # Errors
    /// As [`debian_packages`]; [`crate::system::Missing`] if Debian has none that is new enough.
    pub fn find_or_install(&self) -> Result<()> {
        let _alone = installing();
        self.find().or_else(|error| {
            if !may_install() {
                return Err(error);
            }
            eprintln!("{error}");
            debian_packages(self.all).with_context(|| format!("{} {} or later", self.name, self.minimum))?;
            self.find()
        })
    }

    fn find(&self) -> Result<()> {
        for package in self.all {
            let query = output(&mut command("dpkg-query", &["-W", "-f", "${db:Status-Status} ${Version}", package]));
            let installed =
                query.ok().and_then(|text| Some(str::from_utf8(&text).ok()?.strip_prefix("installed ")?.to_owned()));
            let found = installed.map(|version| ((*package).to_owned(), Version::read(&version)));
            choose(self.name, self.minimum, found.into_iter()).map_err(|advice| missing(advice + &hint(self.all)))?;
        }
        Ok(())
    }
}

/// Where to get what is missing.
fn hint(packages: &[&str]) -> String {
    if packages.is_empty() {
        String::new()
    } else {
        format!("; on Debian, as root: apt-get install {}", packages.join(" "))
    }
}

/// The first of `found`, pairs of a place and the version there, that is at least `minimum`; or else what is wrong.
fn choose(
    name: &str,
    minimum: &str,
    found: impl Iterator<Item = (String, Option<Version>)>,
) -> std::result::Result<String, String> {
    let needed = Version::read(minimum);
    let mut refused = Vec::new();
    for (place, version) in found {
        match version {
            Some(_) if version >= needed => return Ok(place),
            Some(version) => refused.push(format!("{version} ({place})")),
            None => refused.push(format!("{place}, which names no version")),
        }
    }
    let found = if refused.is_empty() { "none".to_owned() } else { refused.join(", ") };
    Err(format!("{name} {minimum} or later; found {found}"))
}

/// Version of a program: major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version([u32; 3]);

impl Version {
    /// Reads what a program or `dpkg-query` prints: the first number with a point in it, or else the first number.
    fn read(text: &str) -> Option<Version> {
        let is_part = |c: char| c.is_ascii_digit() || c == '.';
        let numbers = || text.split(|c| !is_part(c)).map(|word| word.trim_matches('.')).filter(|word| !word.is_empty());
        let number = numbers().find(|word| word.contains('.')).or_else(|| numbers().next())?;
        let mut version = [0; 3];
        for (part, digits) in version.iter_mut().zip(number.split('.')) {
            *part = digits.parse().ok()?;
        }
        Some(Version(version))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Version([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::root;

    #[test]
    fn versions_are_read_from_what_programs_print() {
        let check =
            |text: &str, expected: Option<[u32; 3]>| assert_eq!(Version::read(text), expected.map(Version), "{text}");
        check("v20.20.2\n", Some([20, 20, 2]));
        check("10.8.2\n", Some([10, 8, 2]));
        check("Python 3.11.2\n", Some([3, 11, 2]));
        check("Python 3.15.0rc1+\n", Some([3, 15, 0]));
        check("rustc 1.95.0 (59807616e 2026-04-14)\n", Some([1, 95, 0]));
        check("rustc 1.63.0\n", Some([1, 63, 0]));
        check("rustc 1.97.0-nightly (2b1c8b7d4 2026-05-01)", Some([1, 97, 0]));
        check("Chromium 148.0.7778.167 built on Debian GNU/Linux 12 (bookworm)\n", Some([148, 0, 7778]));
        check("Google Chrome 131.0.6778.85 \n", Some([131, 0, 6778]));
        check("c++ (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright (C) 2022 Free Software", Some([12, 2, 0]));
        check("Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu", Some([14, 0, 6]));
        check("cargo-fuzz 0.13.1\n", Some([0, 13, 1]));
        check("cargo-nextest 0.9.115 (6a1d9f5c4 2026-01-12)", Some([0, 9, 115]));
        check("1.85.0+dfsg3-1~deb12u3", Some([1, 85, 0]));
        check("22.3.6-1+deb12u1", Some([22, 3, 6]));
        check("4.1.4-3+b1", Some([4, 1, 4]));
        check("1:14.0-55.7~deb12u1", Some([14, 0, 0]));
        check("4:12.2.0-3", Some([12, 2, 0]));
        check("12", Some([12, 0, 0]));
        check("no version here.", None);
        check("", None);
        check("99999999999.1", None);
    }

    #[test]
    fn the_first_that_is_new_enough_is_taken() {
        let check = |minimum: &str, found: &[(&str, &str)], expected: std::result::Result<&str, &str>| {
            let found = found.iter().map(|(place, text)| ((*place).to_owned(), Version::read(text)));
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(choose("Tool", minimum, found), expected);
        };
        check("20.19", &[("node", "v20.19.0")], Ok("node"));
        check("20.19", &[("node", "v22.0.1")], Ok("node"));
        check("20.19", &[("node", "v20.9.0")], Err("Tool 20.19 or later; found 20.9.0 (node)"));
        check("1.95", &[("rustc-web", "1.85.0+dfsg3-1")], Err("Tool 1.95 or later; found 1.85.0 (rustc-web)"));
        check("3.11", &[("python3", "Python 3.9.2"), ("/usr/bin/python3", "Python 3.11.2")], Ok("/usr/bin/python3"));
        check(
            "3.11",
            &[("python3", "Python 3.9.2"), ("/usr/bin/python3", "Python 3.10.0")],
            Err("Tool 3.11 or later; found 3.9.2 (python3), 3.10.0 (/usr/bin/python3)"),
        );
        check("8", &[("c++", "12")], Ok("c++"));
        check("8", &[("c++", "what?")], Err("Tool 8 or later; found c++, which names no version"));
        check("123", &[], Err("Tool 123 or later; found none"));
    }

    #[test]
    fn the_table_agrees_with_the_files_that_name_versions() {
        for file in ["www/package.json", "tests/browser/package.json"] {
            let text = std::fs::read(root().join(file)).unwrap();
            let package: serde_json::Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(package["engines"]["node"], format!(">={}", NODE.minimum), "{file}");
        }
        for minimum in [NODE, NPM, PYTHON, CHROMIUM, CPP_COMPILER, CARGO_FUZZ, NEXTEST].map(|program| program.minimum) {
            assert!(Version::read(minimum).is_some(), "{minimum}");
        }
        for minimum in [CROSS_COMPILER, VULKAN_DRIVERS, OPEN_MPI, LIBCLANG].map(|packages| packages.minimum) {
            assert!(Version::read(minimum).is_some(), "{minimum}");
        }
    }
}
