//! `docs/keisei-map.md` has every row of the plan, and what it names exists.

use std::fs;
use std::path::{Path, PathBuf};

/// Rows of the plan, then the requirements that follow from it, in the order of the page.
const ROWS: &str = "1.1 1.2 1.3 1.4 1.5 1.6 2.1.1 2.1.2 2.1.3 2.1.4 2.2.1 2.2.2 2.2.3 2.3.1 2.3.2 2.3.3 3.1.1 3.1.2 3.2.1 \
                    3.2.2 3.2.3 3.3.1 4.1a 4.1b 4.1c 4.2a 4.2b 4.2c 4.3a 4.3b 4.3c R1 R2 R3 R4 R5 R6 R7 R8 R9 R10 R11 R12 \
                    R13 R14";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Cells of the rows of all tables, without their heads.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let is_rule = |line: &str| line.starts_with("|--");
    let pairs = page.lines().zip(page.lines().skip(1).chain([""]));
    let body = pairs.filter(|(line, next)| line.starts_with('|') && !is_rule(line) && !is_rule(next));
    body.map(|(line, _)| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Code spans of a cell.
fn spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Whether a code span is the path of a file; the others are names in it.
fn is_path(span: &str) -> bool {
    span.contains('/') || has_extension(span, &["md", "toml"])
}

fn has_extension(path: &str, extensions: &[&str]) -> bool {
    Path::new(path).extension().is_some_and(|found| extensions.iter().any(|extension| found == *extension))
}

/// Whether `source` has a test of this name: a function below `#[test]`, or the title of a test in JavaScript.
fn has_test(path: &str, source: &str, name: &str) -> bool {
    if !has_extension(path, &["rs"]) {
        return source.contains(&format!("test(\"{name}"));
    }
    let head = format!("fn {name}(");
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let place = lines.iter().position(|line| line.starts_with(&head));
    place.is_some_and(|place| {
        let mut attributes = lines[..place].iter().rev().take_while(|line| line.starts_with("#["));
        attributes.any(|line| *line == "#[test]")
    })
}

/// Whether `name` stands in `source` as a word.
fn has_word(source: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let bounds = |at: usize| {
        let (before, after) = (&source[..at], &source[at + name.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    };
    source.match_indices(name).any(|(at, _)| bounds(at))
}

/// Faults of the last two columns, where things live and which tests show them; `read` reads a file of the tree.
fn faults(page: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for row in rows(page) {
        let [.., place, test] = row[..] else { panic!("a row of one cell: {row:?}") };
        for (cell, is_test) in [(place, false), (test, true)] {
            let mut file: Option<(&str, String)> = None;
            for span in spans(cell) {
                if is_path(span) {
                    file = read(span).map(|source| (span, source));
                    if file.is_none() {
                        faults.push(format!("{}: no file {span}", row[0]));
                    }
                } else if let Some((path, source)) = &file {
                    let found = if is_test { has_test(path, source, span) } else { has_word(source, span) };
                    if !found {
                        faults.push(format!("{}: no {span} in {path}", row[0]));
                    }
                } else {
                    faults.push(format!("{}: {span} stands behind no file", row[0]));
                }
            }
        }
        let names_a_test = spans(test).any(|span| !is_path(span));
        if !names_a_test && !test.contains("No test") && !test.contains("its examples") {
            faults.push(format!("{}: names no test, and does not say so", row[0]));
        }
    }
    faults
}

#[test]
fn what_the_page_names_exists() {
    let page = fs::read_to_string(root().join("docs/keisei-map.md")).expect("the page");
    let is_id = |name: &&str| name.contains(|c: char| c.is_ascii_digit()) && !name.contains(' ');
    let ids: Vec<&str> = rows(&page).iter().map(|row| row[0]).filter(is_id).collect();
    assert_eq!(ids.join(" "), ROWS);
    let faults = faults(&page, |path| fs::read_to_string(root().join(path)).ok());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_does_not_exist_is_found() {
    let check = |place: &str, test: &str, expected: &[&str]| {
        let page = format!("| row | where | test |\n|---|---|---|\n| 9 | {place} | {test} |\n");
        let read = |path: &str| match path {
            "a/a.rs" => Some("struct Run;\n#[test]\n#[ignore]\nfn shows() {}\n\nfn hides() {}\n".to_owned()),
            "a/b.mjs" => Some("test(\"plays on\", () => {});".to_owned()),
            _ => None,
        };
        assert_eq!(faults(&page, read), expected, "{page}");
    };
    check("`a/a.rs`: `Run`", "`a/a.rs`: `shows`; `a/b.mjs`: `plays on`", &[]);
    check("", "No test", &[]);
    check("`a/c.rs`: `Run`", "`a/a.rs`: `shows`", &["9: no file a/c.rs", "9: Run stands behind no file"]);
    check("`a/a.rs`: `Ru`", "`a/a.rs`: `shows`", &["9: no Ru in a/a.rs"]);
    check("", "`a/a.rs`: `hides`", &["9: no hides in a/a.rs"]);
    check("", "`a/a.rs`: `show`", &["9: no show in a/a.rs"]);
    check("", "`a/b.mjs`: `stops`", &["9: no stops in a/b.mjs"]);
    check("", "`a/a.rs`", &["9: names no test, and does not say so"]);
}

/// Rust files below `folder`, without what was built.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (path, name) = (entry.path(), entry.file_name());
        let is_ours = !name.as_encoded_bytes().starts_with(b".") && name != "target" && name != "node_modules";
        if entry.file_type().expect("a type").is_dir() && is_ours {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_type_is_a_manager() {
    let mut found = Vec::new();
    sources(&root(), &mut found);
    assert!(found.len() > 200, "only {} sources", found.len());
    for path in found {
        for line in fs::read_to_string(&path).expect("a source").lines() {
            let is_type = ["struct", "enum", "trait", "type"].iter().any(|word| has_word(line, word));
            let is_comment = line.trim_start().starts_with("//");
            assert!(is_comment || !is_type || !line.contains("Manager"), "{}: {line}", path.display());
        }
    }
}
