//! No file imports itself by way of others: a circle of files can only be read as a whole.
//!
//! Names that a `mod.rs` only passes on count for the file that defines them. Uses in unit tests do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Imports of each file.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Every file below `folder` that ends with `extension`, with its text.
fn files(folder: &Path, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|end| end == extension) {
            let text = fs::read_to_string(&path).expect("a source");
            found.push((path, text));
        }
    }
    found
}

/// `a::{b, c::{self, d}}` as `a::b`, `a::c::self`, `a::c::d`.
fn paths(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut start, mut found) = (0_i32, 0, Vec::new());
    for (at, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = inner[start..at].trim();
                if !part.is_empty() {
                    found.extend(paths(&format!("{}{part}", prefix.trim())));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// Rust modules of a crate: its files, and the names that each passes on.
struct Crate {
    sources: BTreeMap<Vec<String>, String>,
    passed_on: BTreeMap<Vec<String>, Vec<String>>,
}

/// `use` declarations of a source: whether they are public, and the paths.
fn uses(source: &str) -> impl Iterator<Item = (bool, String)> + '_ {
    let starts = source.match_indices("use ").map(|(at, _)| at);
    starts.flat_map(move |at| {
        let line = source[..at].rsplit('\n').next().unwrap_or_default().trim();
        let is_public = line.starts_with("pub");
        let tree = if line.is_empty() || is_public { source[at + 4..].split(';').next() } else { None };
        tree.into_iter().flat_map(paths).map(move |path| (is_public, path)).collect::<Vec<_>>()
    })
}

/// A path of `module` from the crate's root.
fn absolute(module: &[String], parts: &[&str]) -> Vec<String> {
    let mut base = if parts[0] == "crate" { Vec::new() } else { module.to_vec() };
    for part in parts {
        match *part {
            "crate" | "self" => {}
            "super" => drop(base.pop()),
            name => base.push(name.to_owned()),
        }
    }
    base
}

impl Crate {
    fn read(folder: &Path) -> Self {
        let mut read = Self { sources: BTreeMap::new(), passed_on: BTreeMap::new() };
        for (path, text) in files(folder, "rs") {
            let path = path.strip_prefix(folder).expect("it was found there").with_extension("");
            let mut module: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
                module.pop();
            }
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code: Vec<&str> = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
            read.sources.insert(module, code.join("\n"));
        }
        for (module, source) in &read.sources {
            for (_, path) in uses(source).filter(|(is_public, _)| *is_public) {
                let (path, name) =
                    path.split_once(" as ").unwrap_or((&path, path.rsplit("::").next().unwrap_or_default()));
                let parts: Vec<&str> = path.split("::").collect();
                let child = [module.as_slice(), &[parts[0].to_owned()]].concat();
                // Any other path starts at a library.
                if ["crate", "self", "super"].contains(&parts[0]) || read.sources.contains_key(&child) {
                    let whole = absolute(module, &parts);
                    read.passed_on.insert([module.as_slice(), &[name.trim().to_owned()]].concat(), whole);
                }
            }
        }
        read
    }

    /// The file that defines what stands at a path from the root.
    fn file_of(&self, path: &[String]) -> Vec<String> {
        for length in 1..=path.len() {
            let (start, rest) = path.split_at(length);
            if let Some(target) = self.passed_on.get(start).filter(|_| !self.sources.contains_key(start)) {
                return self.file_of(&[target.as_slice(), rest].concat());
            }
        }
        let known =
            (1..=path.len()).rev().map(|length| &path[..length]).find(|start| self.sources.contains_key(*start));
        known.unwrap_or_default().to_vec()
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        for (module, source) in &self.sources {
            let imported = uses(source).filter(|(is_public, _)| !is_public).map(|(_, path)| path);
            let inline = source.match_indices("crate::").map(|(at, _)| {
                source[at..]
                    .split(|letter: char| !letter.is_alphanumeric() && !"_:".contains(letter))
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            });
            let own = graph.entry(module.join("::")).or_default();
            for path in imported.chain(inline) {
                let path = path.split(" as ").next().unwrap_or_default();
                let parts: Vec<&str> = path.split("::").map(str::trim).collect();
                if ["crate", "self", "super"].contains(&parts[0]) {
                    let file = self.file_of(&absolute(module, &parts));
                    if file != *module && !file.is_empty() {
                        own.insert(file.join("::"));
                    }
                }
            }
        }
        graph
    }
}

/// Graph of TypeScript files. Imports of types alone leave nothing in the program and do not count.
fn typescript(folder: &Path) -> Graph {
    let mut graph = Graph::new();
    for (path, text) in files(folder, "ts") {
        let own = graph.entry(path.to_string_lossy().into_owned()).or_default();
        for statement in text.split(';').map(str::trim_start) {
            let is_import = statement.lines().any(|line| line.starts_with("import ") || line.starts_with("export "));
            let from = statement.rsplit_once("from \"").and_then(|(_, rest)| rest.strip_suffix('"'));
            let Some(name) = from.filter(|name| is_import && name.starts_with('.')) else { continue };
            if !statement.contains("import type") && !statement.contains("export type") {
                let mut target = path.parent().expect("a file has a folder").to_path_buf();
                for part in Path::new(name.trim_end_matches(".ts")).components() {
                    match part {
                        Component::ParentDir => drop(target.pop()),
                        Component::Normal(part) => target.push(part),
                        _ => {}
                    }
                }
                own.insert(format!("{}.ts", target.display()));
            }
        }
    }
    graph
}

/// A circle of imports, if there is one.
fn circle(graph: &Graph) -> Option<Vec<&String>> {
    // What imports nothing, or only such files, is in no circle.
    let mut left: BTreeMap<&String, BTreeSet<&String>> =
        graph.iter().map(|(file, to)| (file, to.iter().filter(|to| graph.contains_key(*to)).collect())).collect();
    loop {
        let done: BTreeSet<&String> = left.iter().filter(|(_, to)| to.is_empty()).map(|(&file, _)| file).collect();
        if done.is_empty() {
            break;
        }
        left.retain(|file, to| {
            to.retain(|to| !done.contains(*to));
            !done.contains(*file)
        });
    }
    // Every file that is left imports one that is left: following them comes back.
    let mut walk = vec![*left.keys().next()?];
    loop {
        let next = *left[walk.last().expect("it has a start")].first().expect("it imports one that is left");
        if let Some(at) = walk.iter().position(|&file| file == next) {
            return Some(walk.split_off(at));
        }
        walk.push(next);
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (folder, least) in [("core", 100), ("play", 40), ("trainer-native", 100), ("web", 10)] {
        let graph = Crate::read(&root.join(folder).join("src")).graph();
        assert!(graph.len() > least && graph.values().map(BTreeSet::len).sum::<usize>() > least, "{folder}: {graph:?}");
        assert_eq!(circle(&graph), None, "{folder}");
    }
    let pages = typescript(&root.join("www/src"));
    assert!(pages.len() > 100 && pages.values().map(BTreeSet::len).sum::<usize>() > 300, "{} files", pages.len());
    assert_eq!(circle(&pages), None, "www");
}

#[test]
fn circles_are_found() {
    let code = |modules: &[(&str, &str)]| {
        let split = |path: &str| path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let sources = modules.iter().map(|&(path, source)| (split(path), source.to_owned())).collect();
        Crate { sources, passed_on: BTreeMap::from([(split("a::Name"), split("a::b::Name"))]) }
    };
    let straight = [("a", "pub use self::b::Name;"), ("a::b", ""), ("c", "use crate::a::{Name, b::{self}};")];
    assert_eq!(circle(&code(&straight).graph()), None);
    let round = [("a", ""), ("a::b", "use super::super::c;"), ("c", "fn x() -> crate::a::Name {}")];
    assert_eq!(circle(&code(&round).graph()), Some(vec![&"a::b".to_owned(), &"c".to_owned()]));
}
