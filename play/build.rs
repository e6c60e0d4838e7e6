//! Chooses the model that `keisei-usi` has in it: the file that `KEISEI_MODEL` names, none if it is empty, and if it is not set
//! the agent that the pages open first, where their folder lies beside this crate.

use std::error::Error;
use std::path::{Path, PathBuf};

/// Folder of the pages' agents.
const AGENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../www/public/agents");

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rustc-check-cfg=cfg(built_in_model)");
    println!("cargo::rerun-if-env-changed=KEISEI_MODEL");
    let model = match std::env::var_os("KEISEI_MODEL") {
        Some(path) if path.is_empty() => None,
        Some(path) => Some(std::path::absolute(path)?),
        None => first_agent(Path::new(AGENTS))?,
    };
    if let Some(path) = model {
        let path = path.to_str().ok_or_else(|| format!("{}: not UTF-8", path.display()))?;
        println!("cargo::rerun-if-changed={path}");
        println!("cargo::rustc-env=KEISEI_MODEL={path}");
        println!("cargo::rustc-cfg=built_in_model");
    }
    Ok(())
}

/// File of the agent that the manifest in `folder` calls its default; `None` without a manifest.
fn first_agent(folder: &Path) -> Result<Option<PathBuf>, Box<dyn Error>> {
    let path = folder.join("manifest.json");
    println!("cargo::rerun-if-changed={}", path.display());
    if !path.is_file() {
        return Ok(None);
    }
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let agents = manifest["agents"].as_array().into_iter().flatten();
    let file = agents.filter(|agent| agent["id"] == manifest["default"]).find_map(|agent| agent["file"].as_str());
    let file = file.ok_or_else(|| format!("{}: no agent is the default", path.display()))?;
    Ok(Some(folder.join(file)))
}
