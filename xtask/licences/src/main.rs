//! `licences`: the licence and the source of every dependency, Rust and npm, against the lists in `deny.toml`.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use spdx::{Expression, ParseMode};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Lock files of npm, from the repository's root.
const NPM_LOCKS: [&str; 3] =
    ["www/package-lock.json", "tests/browser/package-lock.json", "benches/node/package-lock.json"];

/// Checks the Rust packages of every feature and platform, and the npm packages of the lock files. The error lists each package
/// with a licence or a source that is not allowed.
fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("two folders below the root")?;
    let config: toml::Table = toml::from_str(&fs::read_to_string(root.join("deny.toml"))?).context("deny.toml")?;
    let list = |table: &str, key: &str| -> Result<Vec<String>> {
        let values = config.get(table).and_then(|table| table.get(key)).and_then(toml::Value::as_array);
        let values = values.with_context(|| format!("deny.toml has no list {table}.{key}"))?;
        Ok(values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect())
    };
    let (licences, registries) = (list("licenses", "allow")?, list("sources", "allow-registry")?);
    let mut wrong = Vec::new();
    let metadata = metadata(root)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    for package in packages {
        let (name, licence) = (text(&package["name"]), text(&package["license"]));
        if !is_allowed(licence, &licences) {
            wrong.push(format!("{name}: licence {licence:?}"));
        }
        let source = package["source"].as_str().and_then(|source| source.strip_prefix("registry+"));
        if !package["source"].is_null() && !registries.iter().any(|registry| Some(registry.as_str()) == source) {
            wrong.push(format!("{name}: source {}", package["source"]));
        }
    }
    let mut count = packages.len();
    for lock in NPM_LOCKS {
        let npm = npm_licences(&root.join(lock))?;
        count += npm.len();
        let refused = npm.into_iter().filter(|(_, licence)| !is_allowed(licence, &licences));
        wrong.extend(refused.map(|(name, licence)| format!("{name}: licence {licence:?}")));
    }
    if !wrong.is_empty() {
        bail!("not allowed by deny.toml:\n  {}", wrong.join("\n  "));
    }
    println!("licences and sources of {count} packages are allowed");
    Ok(())
}

/// Cargo's description of the workspace and everything it depends on. A new machine downloads many packages for it: cargo shows that.
fn metadata(root: &Path) -> Result<Value> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--all-features", "--locked", "--format-version", "1"]).current_dir(root);
    let output = cargo.stderr(Stdio::inherit()).output().context("cargo cannot be started")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", output.status);
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Name and licence of every package in an npm lock file, except the package that the file belongs to.
fn npm_licences(lock: &Path) -> Result<Vec<(String, String)>> {
    let file = fs::read(lock).with_context(|| format!("{}", lock.display()))?;
    let lock: Value = serde_json::from_slice(&file).with_context(|| format!("{}", lock.display()))?;
    let packages = lock["packages"].as_object().context("the lock file lists no packages")?;
    let others = packages.iter().filter(|(path, _)| !path.is_empty());
    Ok(others.map(|(path, package)| (path.clone(), text(&package["license"]).to_owned())).collect())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Whether these licences alone meet the SPDX expression.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    Expression::parse_mode(expression, ParseMode::LAX)
        .is_ok_and(|parsed| parsed.evaluate(|licence| allowed.contains(&licence.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_by_allowed_licences_alone() {
        let check = |expression: &str, expected: bool| {
            let allowed = ["MIT", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"].map(str::to_owned);
            assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
        };
        check("MIT", true);
        check("MIT/GPL-3.0", true);
        check("GPL-3.0-only OR MIT", true);
        check("MIT AND GPL-3.0-only", false);
        check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
        check("Apache-2.0", false);
        check("Apache-2.0 WITH LLVM-exception", true);
        check("", false);
        check("SEE LICENSE IN FILE", false);
    }
}
