//! `rate` and `inspect` as programs: tables, JSON, diagrams, records, resumption, tests, ratings in model files; and the games
//! judged again by another program.
//!
//! The referee runs only if `INTEROP_PYTHON` names a Python that has cshogi; see `tests/python/referee.py`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use keisei_core::format::{Dtype, Model, Provenance};
use serde_json::Value;

fn trainer(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trainer-native")).current_dir(folder).args(args).output().unwrap()
}

fn run(folder: &Path, args: &[&str]) -> String {
    let Output { status, stdout, stderr } = trainer(folder, args);
    assert!(status.success(), "{args:?}\n{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn check_refused(folder: &Path, args: &[&str], code: i32, part: &str) {
    let Output { status, stderr, .. } = trainer(folder, args);
    let error = String::from_utf8_lossy(&stderr);
    assert!(status.code() == Some(code) && error.contains(part), "{args:?}: {status}\n{error}");
}

fn json(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_tournament_gives_tables_json_a_diagram_and_a_record_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rate = ["rate", "greedy", "random", "random", "--games", "4", "--max-plies", "80"];
    let text = run(folder, &[&rate[..], &["--svg", "ratings.svg", "--record", "games.record"]].concat());
    let parts =
        ["12 games: a round robin, 4 games", "random = 0", "random (2)", "won-drawn-lost", "anchor", "| 1 greedy"];
    for part in parts {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let svg = fs::read_to_string(folder.join("ratings.svg")).unwrap();
    assert!(svg.contains("random (2)") && svg.matches("<circle").count() == 3, "{svg}");

    let with_json = [&rate[..], &["--json", "--resume", "kept"]].concat();
    let first = run(folder, &with_json);
    let rating = json(&first);
    assert_eq!(
        (&rating["games"], &rating["anchor"], &rating["finished"]),
        (&12.into(), &"random".into(), &true.into())
    );
    let players = rating["players"].as_array().unwrap();
    assert_eq!(players.len(), 3);
    let anchor = players.iter().find(|player| player["name"] == "random").unwrap();
    assert_eq!((&anchor["elo"], &anchor["elo_interval"][1]), (&0.0.into(), &0.0.into()));
    assert!(players.iter().all(|player| player["games"] == 8));
    // Every game is already there: the same result, on any number of threads.
    assert_eq!(run(folder, &[&with_json[..], &["--threads", "3"]].concat()), first);
    check_refused(folder, &[&with_json[..], &["--seed", "2"]].concat(), 1, "seed");

    check_refused(folder, &["rate"], 2, "Examples:");
    check_refused(folder, &["rate", "random", "no such file"], 1, "no such file");
    check_refused(folder, &["rate", "random", "greedy", "--games", "3"], 2, "--games");
}

#[test]
fn gauntlets_ladders_and_tests_play_who_they_should() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rate = |args: &[&str]| json(&run(folder, &[&["rate", "--json", "--max-plies", "60"], args].concat()));
    let met = |rating: &Value| -> Vec<(String, String)> {
        let name = |pairing: &Value, key: &str| pairing[key].as_str().unwrap().to_owned();
        let pairings = rating["pairings"].as_array().unwrap().iter();
        let mut met: Vec<_> = pairings.map(|pairing| (name(pairing, "first"), name(pairing, "second"))).collect();
        met.sort();
        met
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let gauntlet = rate(&["greedy", "random", "random", "--games", "2", "--schedule", "gauntlet"]);
    assert_eq!(met(&gauntlet), [pair("greedy", "random"), pair("greedy", "random (2)")]);
    let ladder = ["greedy", "random", "random", "greedy", "--games", "4", "--schedule", "ladder", "--nearest", "2"];
    let ladder = met(&rate(&ladder));
    assert!(
        ladder.contains(&pair("random", "random (2)")) && !ladder.contains(&pair("random", "greedy (2)")),
        "{ladder:?}"
    );
    let test = rate(&["greedy", "random", "--sprt", "-20,100", "--games", "2000"]);
    assert_eq!(
        (&test["sprt"]["accepted"], &test["sprt"]["expected_games_left"]),
        (&100.0.into(), &0.0.into()),
        "{test}"
    );
    assert!(test["games"].as_u64().unwrap() < 400, "{test}");
    let open = rate(&["random", "random", "--sprt", "0,5", "--games", "2"]);
    assert!(
        open["sprt"]["accepted"].is_null() && open["sprt"]["expected_games_left"].as_f64().unwrap() > 10.0,
        "{open}"
    );
}

#[test]
fn a_rating_is_written_into_the_model_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let path = folder.join("a.model");
    run(folder, &["export", "--init", "7", "--out", "a.model"]);
    let before = Model::from_bytes(&fs::read(&path).unwrap()).unwrap();
    assert!(!run(folder, &["inspect", "a.model"]).contains("rating"));
    let rate = ["rate", "a.model", "random", "model:a.model@2", "--games", "2", "--max-plies", "20", "--write-rating"];
    let text = run(folder, &rate);
    assert!(text.contains("a.model: ") && text.contains("policy alone"), "{text}");
    let after = Model::from_bytes(&fs::read(&path).unwrap()).unwrap();
    let ratings = &after.provenance.ratings;
    let plays: Vec<&str> = ratings.iter().map(|rating| &rating.play[..]).collect();
    assert!(
        matches!(plays[..], [policy, search] if policy.starts_with("policy") && search.starts_with("2 visits")),
        "{plays:?}"
    );
    assert!(ratings.iter().all(|rating| rating.weights == before.weights_digest() && rating.games == 4));
    // Nothing else has changed, and another measurement replaces the first.
    let without = Provenance { ratings: Vec::new(), ..after.provenance.clone() };
    assert_eq!(Model { provenance: without, ..after.clone() }, before);
    // The same model in the same way, by whatever path, is one player.
    fs::copy(&path, folder.join("copy.model")).unwrap();
    check_refused(folder, &["rate", "a.model", "random", "./a.model"], 2, "would play itself");
    check_refused(folder, &["rate", "model:a.model@2", "a.model", "model:copy.model@2"], 2, "would play itself");
    run(folder, &[&rate[..], &["--seed", "5"]].concat());
    let again = Model::from_bytes(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(again.provenance.ratings.iter().map(|rating| rating.seed).collect::<Vec<_>>(), [5, 5]);
    let shown = run(folder, &["inspect", "a.model"]);
    assert!(shown.contains("random = 0, 4 games, seed 5, 2 visits") && !shown.contains("other weights"), "{shown}");
    let shown = json(&run(folder, &["inspect", "a.model", "--json"]));
    assert_eq!((&shown["ratings"][1]["seed"], &shown["ratings"][1]["of_these_weights"]), (&5.into(), &true.into()));
    // Half precision has other weights.
    fs::write(folder.join("b.model"), again.to_bytes(Dtype::F16).unwrap()).unwrap();
    assert!(run(folder, &["inspect", "b.model"]).contains("other weights"));
}

#[test]
fn another_program_judges_the_games_alike() {
    let Ok(python) = std::env::var("INTEROP_PYTHON") else {
        return println!("not judged, without INTEROP_PYTHON");
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rate = ["rate", "random", "greedy", "random", "ab:2", "--games", "10", "--json", "--record", "games.record"];
    fs::write(folder.join("rating.json"), run(folder, &rate)).unwrap();
    run(folder, &["convert", "games.record", "games.csa"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python/referee.py");
    let judge = |games: &str| {
        let args = [games, "--max-plies", "400", "--rating", "rating.json"];
        Command::new(&python).current_dir(folder).arg(&script).args(args).output().unwrap()
    };
    let Output { status, stdout, stderr } = judge("games.csa");
    let told = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{told}\n{}", String::from_utf8_lossy(&stderr));
    println!("{told}");
    // It is no yes-man: a mate that is a repetition, and a game that ends early.
    let games = fs::read_to_string(folder.join("games.csa")).unwrap();
    let mated = games.find("%TSUMI").expect("some game ends in mate");
    let cut = games[..mated].trim_end().rfind('\n').unwrap();
    for tampered in [games.replacen("%TSUMI", "%SENNICHITE", 1), games[..cut].to_owned() + "\n" + &games[mated..]] {
        fs::write(folder.join("tampered.csa"), tampered).unwrap();
        assert!(!judge("tampered.csa").status.success());
    }
}
