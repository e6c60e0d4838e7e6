//! `cargo xtask web`: the pages as plain static files in `www/dist`.

use crate::install::npm_packages;
use crate::publish::{self, Compressed};
use crate::shell::{command, run_silent, www};
use crate::tools::NPM;
use crate::wasm::{self, GpuModule};
use anyhow::Result;
use lexopt::{Arg, Parser, ValueExt as _};
use std::path::PathBuf;

/// Usage of the command.
pub const USAGE: &str = "\
web [--publish DIR [--path PATH] [--compressed] [--built]] [--no-gpu]

Options:
  --publish DIR  Write a folder that a static host serves, with the files that hosts read: docs/publish.md
  --path PATH    Path of the folder on its host, such as /keisei/ on GitHub Pages [default: /]
  --compressed   Add FILE.br and FILE.gz, for servers that send such files
  --built        Take www/dist as it is, without another build
  --no-gpu       Leave out the module for browsers' GPUs, which only large networks use";

/// Options of the command.
#[derive(Debug, PartialEq)]
pub struct Options {
    /// Folder for a host; none if the pages are only built.
    pub publish: Option<PathBuf>,
    /// Path of that folder on its host; begins and ends with a slash.
    pub path: String,
    /// Whether that folder has compressed files beside the others.
    pub compressed: Compressed,
    /// Pages that are published.
    pub pages: Pages,
    /// Whether the module for GPUs is built.
    pub gpu: GpuModule,
}

/// Pages that a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Those of a new build.
    New,
    /// Those that `www/dist` holds.
    Built,
}

impl Options {
    /// Reads the options; `None` if they ask for help.
    pub fn parse(arguments: &mut Parser) -> Result<Option<Options>, lexopt::Error> {
        let (compressed, pages, gpu) = (Compressed::No, Pages::New, GpuModule::Built);
        let mut options = Options { publish: None, path: "/".into(), compressed, pages, gpu };
        let mut needs_publish = None;
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Long("publish") => options.publish = Some(arguments.value()?.into()),
                Arg::Long("path") => {
                    options.path = publish::path(&arguments.value()?.string()?)?;
                    needs_publish = Some("--path");
                }
                Arg::Long("compressed") => {
                    options.compressed = Compressed::Yes;
                    needs_publish = Some("--compressed");
                }
                Arg::Long("built") => {
                    options.pages = Pages::Built;
                    needs_publish = Some("--built");
                }
                Arg::Long("no-gpu") => options.gpu = GpuModule::LeftOut,
                other => return Err(other.unexpected()),
            }
        }
        if options.pages == Pages::Built && options.gpu == GpuModule::LeftOut {
            return Err("--no-gpu is about a build, and --built makes none".into());
        }
        match needs_publish {
            Some(option) if options.publish.is_none() => Err(format!("{option} needs --publish DIR").into()),
            _ => Ok(Some(options)),
        }
    }
}

/// Builds the modules, their bindings and the pages, and publishes them if asked to.
///
/// # Errors
/// As [`wasm::build`], [`pages`] and [`publish::publish`].
pub fn run(options: &Options) -> Result<()> {
    if let Some(folder) = &options.publish {
        // Known before the build rather than after it.
        publish::check(folder)?;
    }
    if options.pages == Pages::New {
        wasm::build(options.gpu)?;
        pages()?;
    }
    let Some(folder) = &options.publish else { return Ok(()) };
    let published = publish::publish(&www().join("dist"), folder, &options.path, options.compressed)?;
    eprintln!("{}: {published}; docs/publish.md says how to bring it to a host", folder.display());
    Ok(())
}

/// Checks the types of the pages' sources and bundles them; the modules must have been built.
///
/// # Errors
/// Node or npm is missing, or the sources have errors.
pub fn pages() -> Result<()> {
    npm_packages(&www())?;
    run_silent(command(NPM.find()?, &["run", "build"]).current_dir(www()))
}
