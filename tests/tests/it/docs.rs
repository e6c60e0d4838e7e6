//! Every public function of the rules has an example, which `cargo test --doc` runs.

use std::fs;
use std::path::Path;

/// The public functions in `source`, each with whether its doc comment has an example that runs.
fn public_functions(source: &str) -> Vec<(&str, bool)> {
    let mut functions = Vec::new();
    let mut has_example = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("///") {
            // A bare fence: `ignore`, `no_run` and `text` do not run.
            has_example |= line == "/// ```";
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            if line.starts_with("pub fn ") || line.starts_with("pub const fn ") {
                functions.push((line, has_example));
            }
            has_example = false;
        }
    }
    functions
}

#[test]
fn every_public_function_of_the_rules_has_an_example() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/shogi");
    let mut count = 0;
    for entry in fs::read_dir(directory).expect("the sources of the rules") {
        let path = entry.expect("an entry").path();
        let source = fs::read_to_string(&path).expect("a source");
        for (function, has_example) in public_functions(&source) {
            assert!(has_example, "{}: no example at `{function}`", path.display());
            count += 1;
        }
    }
    assert!(count > 80, "only {count} public functions were found");
}

#[test]
fn a_missing_example_is_found() {
    let source =
        "/// A.\n/// ```\n/// ```\n#[inline]\npub fn a() {}\n\n/// B.\n/// ```text\npub const fn b() {}\nfn c() {}";
    assert_eq!(public_functions(source), [("pub fn a() {}", true), ("pub const fn b() {}", false)]);
}
