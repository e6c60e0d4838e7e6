//! `trainer-native settings`: the settings that a run would have, with their meaning.

use crate::settings::{Sources, json_schema, markdown, text};
use anyhow::Result;

/// Arguments of `settings`.
#[derive(clap::Args, Debug)]
pub struct SettingsArgs {
    /// Sources of the values.
    #[command(flatten)]
    pub sources: Sources,
    /// Print the JSON schema of a file of settings instead
    #[arg(long, conflicts_with_all = ["preset", "config", "set"])]
    pub json_schema: bool,
    /// Print the settings as a page of the documentation instead
    #[arg(long, conflicts_with_all = ["preset", "config", "set", "json_schema"])]
    pub markdown: bool,
}

/// The listing as text.
///
/// # Errors
/// As for [`Sources::layers`].
pub fn run(args: &SettingsArgs) -> Result<String> {
    if args.json_schema {
        return Ok(format!("{:#}\n", json_schema()));
    }
    if args.markdown {
        return Ok(markdown());
    }
    let layers = args.sources.layers(std::env::vars_os())?;
    Ok(text(&layers.settings()?, |key| layers.source(key)))
}
