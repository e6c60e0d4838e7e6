//! `export` and `evaluate` from the view of their user: files, tables, messages and exit codes.

use std::path::Path;
use std::process::{Command, Output};

use keisei_core::format::{Dtype, Model, record};
use keisei_play::agents::{Manifest, Strength};
use serde_json::{Value, json};
use trainer_native::interop::games::shift_jis;

fn trainer(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trainer-native")).current_dir(folder).args(args).output().unwrap()
}

fn run(folder: &Path, args: &[&str]) -> String {
    let Output { status, stdout, stderr } = trainer(folder, args);
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), &*stderr), (Some(0), ""), "{args:?}");
    String::from_utf8(stdout).unwrap()
}

/// Checks that the program ends with `code`, is silent on standard output, and names each of `parts` on standard error.
fn check_refused(folder: &Path, args: &[&str], code: i32, parts: &[&str]) {
    let Output { status, stdout, stderr } = trainer(folder, args);
    let message = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), &stdout[..]), (Some(code), &b""[..]), "{args:?}\n{message}");
    assert!(!message.contains("panicked"), "{args:?}\n{message}");
    for part in parts {
        assert!(message.contains(part), "{args:?}: no {part:?} in\n{message}");
    }
}

fn model(path: &Path) -> Model {
    Model::from_bytes(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_fresh_model_is_exported_evaluated_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let told = run(folder, &["export", "--init", "7", "--out", "fresh.model"]);
    let bytes = std::fs::metadata(folder.join("fresh.model")).unwrap().len();
    assert_eq!(told, format!("fresh.model: {bytes} bytes\n"));
    let spec = model(&folder.join("fresh.model")).spec().clone();
    assert_eq!((spec.planes, spec.policy_planes, spec.channels, spec.blocks), (96, 27, 32, 4));

    let evaluate = ["evaluate", "--model", "fresh.model", "--games", "8", "--opponent", "random"];
    let text = run(folder, &[&evaluate[..], &["--record", "games.record"]].concat());
    for part in ["fresh.model against random: 8 games, seed 1", "| both ", "| ended by", "95 % interval", "Elo "] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    let games = record::from_bytes(&std::fs::read(folder.join("games.record")).unwrap()).unwrap();
    assert_eq!(games.len(), 8);
    assert_eq!((&*games[0].black, &*games[0].white), ("fresh.model", "random"));
    assert_eq!((&*games[7].black, &*games[7].white), ("random", "fresh.model"));

    // The same seed plays the same games on any number of threads.
    let json = |threads| run(folder, &[&evaluate[..], &["--json", "--threads", threads]].concat());
    let line = json("1");
    assert_eq!(line, json("3"));
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&value["games"], &value["opponent"]), (&8.into(), &"random".into()));
    let count = |of: &str, what: &str| value[of][what].as_u64().unwrap();
    let sum = |of: &str| count(of, "wins") + count(of, "draws") + count(of, "losses");
    assert_eq!((sum("all"), sum("black"), sum("white")), (8, 4, 4));
    let score = (count("all", "wins") as f64 + 0.5 * count("all", "draws") as f64) / 8.0;
    assert_eq!(value["score"].as_f64(), Some(score));
}

#[test]
fn the_opponents_are_random_and_greedy_unless_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, &["export", "--init", "1", "--out", "a.model"]);
    run(folder, &["export", "--init", "2", "--out", "b.model"]);
    let opponents = |args: &[&str]| -> Vec<String> {
        let lines = run(folder, &[&["evaluate", "--model", "a.model", "--games", "2", "--json"], args].concat());
        let opponent =
            |line: &str| serde_json::from_str::<Value>(line).unwrap()["opponent"].as_str().map(str::to_owned);
        lines.lines().map(|line| opponent(line).unwrap()).collect()
    };
    assert_eq!(opponents(&[]), ["random", "greedy"]);
    assert_eq!(opponents(&["--opponent", "b.model"]), ["b.model"]);
    let spelled = ["ab:1,name=one", "model:b.model@2", "model:a.model,temperature=1", "mix:random+3*(greedy,name=g)"];
    let told = ["one", "b.model, 2 visits", "a.model, temperature 1", "mix:1*random+3*(greedy,name=g)"];
    let spelled: Vec<&str> = spelled.iter().flat_map(|who| ["--opponent", who]).collect();
    assert_eq!(opponents(&spelled), told);
}

#[test]
fn a_model_searches_and_plays_against_itself() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, &["export", "--init", "1", "--out", "a.model"]);
    let evaluate = ["evaluate", "--model", "a.model", "--visits", "6", "--games", "2", "--record", "games.record"];
    let evaluate = [&evaluate[..], &["--opponent", "self", "--opponent", "greedy"]].concat();
    let lines = |more: &[&str]| run(folder, &[&evaluate[..], &["--json"], more].concat());
    let text = lines(&["--threads", "1"]);
    assert_eq!(text, lines(&["--threads", "2", "--opponent-visits", "0"]));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |line: &Value| json!(["name", "visits", "opponent", "opponent_visits"].map(|key| &line[key]));
    assert_eq!(told(&lines[0]), json!(["a.model, 6 visits", 6, "a.model", 0]));
    assert_eq!(told(&lines[1]), json!(["a.model, 6 visits", 6, "greedy", null]));
    let games = record::from_bytes(&std::fs::read(folder.join("games.record")).unwrap()).unwrap();
    assert_eq!((&*games[1].black, &*games[1].white), ("a.model", "a.model, 6 visits"));

    // The policy alone plays other games than the search does.
    let policy =
        ["evaluate", "--model", "a.model", "--games", "2", "--opponent", "greedy", "--record", "policy.record"];
    run(folder, &policy);
    let policy = record::from_bytes(&std::fs::read(folder.join("policy.record")).unwrap()).unwrap();
    assert_ne!(policy[0].moves, games[2].moves);

    let one = ["evaluate", "--model", "a.model", "--games", "2", "--opponent", "a.model", "--opponent-visits", "1"];
    assert!(run(folder, &one).starts_with("a.model against a.model, 1 visit: 2 games"));
}

#[test]
fn openings_may_come_from_a_book_and_games_are_cut_off_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, &["export", "--init", "1", "--out", "a.model"]);
    std::fs::write(folder.join("book"), "# two\nstartpos moves 7g7f 3c3d\nstartpos moves 2g2f\n").unwrap();
    let book = ["evaluate", "--model", "a.model", "--opponent", "random", "--games", "4", "--book", "book"];
    let short = [&book[..], &["--max-plies", "9", "--record", "games.record"]].concat();
    let text = run(folder, &short);
    assert!(text.contains("| max plies        |     4 |    0 |     4 |    0 |"), "{text}");
    let games = record::from_bytes(&std::fs::read(folder.join("games.record")).unwrap()).unwrap();
    assert!(games.iter().all(|game| game.moves.len() == 9 && game.max_plies == 9));
    let mut firsts: Vec<String> = games.iter().map(|game| game.moves[0].to_string()).collect();
    assert_eq!((&firsts[0], &firsts[2]), (&firsts[1], &firsts[3]));
    firsts.sort();
    assert_eq!(firsts, ["2g2f", "2g2f", "7g7f", "7g7f"]);
    let line: Value = serde_json::from_str(&run(folder, &[&short[..], &["--json"]].concat())).unwrap();
    assert_eq!(json!([line["max_plies"], line["book"], line["reasons"]["max plies"]["draws"]]), json!([9, "book", 4]));

    // Written as KIF in Shift_JIS, with a variation.
    let kif = "手合割：平手\r\n1 ７六歩(77)\r\n2 ３四歩(33)\r\n\r\n変化：1手\r\n1 ２六歩(27)\r\n";
    std::fs::write(folder.join("book"), shift_jis(kif).0).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&run(folder, &[&short[..], &["--json"]].concat())).unwrap(), line);

    let refused = |text: &str, parts: &[&str]| {
        std::fs::write(folder.join("book"), text).unwrap();
        check_refused(folder, &book, 1, &[&["--book", "book: "], parts].concat());
    };
    refused("", &["is empty"]);
    refused("startpos\n\n7g7f\nposition startpos moves 7g7f\n", &["line 4: leads to the same position as line 3"]);
    refused("startpos\n8k/8G/8P/9/9/9/9/9/K8 w - 1\n", &["line 2: the game is over there (black wins: checkmate)"]);
    std::fs::write(folder.join("book"), "startpos\n").unwrap();
    check_refused(folder, &book, 1, &["the book has 1 openings, but 2 are needed"]);
    check_refused(folder, &[&book[..5], &["--book", "none"]].concat(), 1, &["none: cannot be read"]);
}

#[test]
fn an_evaluation_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, &["export", "--init", "1", "--out", "a.model"]);
    let evaluate = ["evaluate", "--model", "a.model", "--games", "6", "--json", "--max-plies", "60"];
    let whole = run(folder, &evaluate);
    let resume = [&evaluate[..], &["--resume", "kept"]].concat();
    assert_eq!(run(folder, &resume), whole);
    // As a kill leaves it: a part of the last game, or nothing but the first.
    let file = folder.join("kept/tournament.games");
    let bytes = std::fs::read(&file).unwrap();
    for length in [bytes.len() - 1, bytes.len() / 2, bytes.len() / 5, 10, 0] {
        std::fs::write(&file, &bytes[..length]).unwrap();
        assert_eq!(run(folder, &[&resume[..], &["--threads", "2"]].concat()), whole, "{length} bytes");
    }
    let check = |more: &[&str], part: &str| {
        check_refused(folder, &[&resume[..], more].concat(), 1, &["tournament.games", "another tournament", part]);
    };
    check(&["--seed", "2"], "`seed: 1` where this one has `seed: 2`");
    check(&["--temperature", "0.2"], "temperature 0.15");
    check(&["--opponent", "random"], "player 2: greedy");
    run(folder, &["export", "--init", "2", "--out", "a.model"]);
    check(&[], "player 0: a.model, network");

    // Against one opponent also with more games, of which the first are those that are there, and not with fewer.
    let evaluate = ["evaluate", "--model", "a.model", "--opponent", "random", "--json", "--max-plies", "60", "--games"];
    let longer = ["--resume", "longer"];
    for games in ["4", "8"] {
        let whole = run(folder, &[&evaluate[..], &[games]].concat());
        assert_eq!(run(folder, &[&evaluate[..], &[games], &longer].concat()), whole);
    }
    check_refused(folder, &[&evaluate[..], &["6"], &longer].concat(), 1, &["the archive has game 7"]);
}

#[test]
fn a_run_is_exported_for_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("run")).unwrap();
    run(folder, &["export", "--init", "3", "--out", "run/model.model"]);
    run(folder, &["export", "--run", "run", "--pages", "public", "--f16"]);
    let (full, half) = (model(&folder.join("run/model.model")), model(&folder.join("public/models/default.model")));
    assert_eq!(half.to_bytes(Dtype::F16), full.to_bytes(Dtype::F16));
    assert!(!folder.join("public/models/games.record").exists());
    run(folder, &["export", "--run", "run", "--out", "integers.model", "--int8"]);
    assert_eq!(model(&folder.join("integers.model")).to_bytes(Dtype::I8), full.to_bytes(Dtype::I8));
    check_refused(
        folder,
        &["export", "--run", "run", "--out", "both.model", "--int8", "--f16"],
        2,
        &["--int8", "--f16"],
    );

    run(folder, &["evaluate", "--run", "run", "--games", "2", "--opponent", "greedy", "--record", "run/games.record"]);
    let told = run(folder, &["export", "--run", "run", "--pages", "public", "--out", "best.model"]);
    assert_eq!(told.lines().count(), 3, "{told}");
    let read = |path| std::fs::read(folder.join(path)).unwrap();
    assert_eq!(read("public/models/games.record"), read("run/games.record"));
    assert_eq!(read("public/models/default.model"), read("best.model"));
    assert_eq!(read("best.model"), read("run/model.model"));

    // A damaged record is reported and not exported.
    let mut damaged = read("run/games.record");
    damaged[40] ^= 1;
    std::fs::write(folder.join("run/games.record"), damaged).unwrap();
    check_refused(folder, &["export", "--run", "run", "--pages", "public"], 1, &["run/games.record", "SHA-256"]);
}

#[test]
fn models_are_shipped_with_a_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("run")).unwrap();
    run(folder, &["export", "--init", "3", "--out", "run/model.model"]);
    let manifest = || Manifest::of_folder(&folder.join("agents")).unwrap();

    let ship = ["export", "--run", "run", "--int8", "--agents", "agents", "--id", "first"];
    let told = run(folder, &[&ship[..], &["--name", "First", "--name-ja", "最初", "--default"]].concat());
    assert_eq!(told.lines().count(), 2, "{told}");
    let first = manifest().agents[0].clone();
    let bytes = std::fs::read(folder.join("agents").join(&first.file)).unwrap();
    assert_eq!((bytes.len() as u64, &*first.network.dtype, &*first.name), (first.bytes, "int8", "First"));
    assert_eq!(Model::from_bytes(&bytes).unwrap().spec().channels, first.network.channels);
    assert_eq!((manifest().default.as_deref(), first.levels.len()), (Some("first"), 7));

    // Shipped again from another file, whose format stays: names and levels stay too, and the old file goes.
    run(folder, &["export", "--init", "4", "--f16", "--out", "other.model"]);
    run(folder, &["export", "--model", "other.model", "--agents", "agents", "--id", "first", "--strength", "club"]);
    let again = manifest().agents[0].clone();
    assert_eq!(
        std::fs::read(folder.join("agents").join(&again.file)).unwrap(),
        std::fs::read(folder.join("other.model")).unwrap()
    );
    assert_eq!((&*again.name, again.name_ja.as_deref(), &*again.network.dtype), ("First", Some("最初"), "f16"));
    assert_eq!((again.strength, manifest().agents.len()), (Some(Strength::Club), 1));
    assert!(!folder.join("agents").join(&first.file).exists());

    let check = |args: &[&str], code, parts: &[&str]| check_refused(folder, args, code, parts);
    check(&["export", "--init", "3", "--agents", "agents"], 2, &["--id"]);
    check(&["export", "--init", "3", "--agents", "agents", "--id", "../a"], 1, &["id: 1 to 40"]);
    std::fs::write(folder.join("agents/manifest.json"), "{\"format\": 3}").unwrap();
    check(&["export", "--init", "3", "--agents", "agents", "--id", "a"], 1, &["agents/manifest.json", "no manifest"]);
}

#[test]
fn bad_files_and_arguments_are_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, &["export", "--init", "1", "--out", "good.model"]);
    let good = std::fs::read(folder.join("good.model")).unwrap();
    std::fs::write(folder.join("short.model"), &good[..1000]).unwrap();
    let mut flipped = good;
    flipped[5000] ^= 4;
    std::fs::write(folder.join("flipped.model"), flipped).unwrap();
    std::fs::write(folder.join("text.model"), "not a model, but long enough to have a preamble and a digest").unwrap();

    let check = |args: &[&str], code, parts: &[&str]| check_refused(folder, args, code, parts);
    check(&["evaluate", "--model", "none.model"], 1, &["none.model: cannot be read", "No such file"]);
    check(&["evaluate", "--run", "norun"], 1, &["norun/model.model: cannot be read"]);
    check(&["evaluate", "--model", "short.model"], 1, &["short.model: model file: the file has 1000 bytes"]);
    check(&["evaluate", "--model", "flipped.model"], 1, &["flipped.model: model file: the SHA-256"]);
    check(&["evaluate", "--model", "text.model"], 1, &["text.model: model file: the first 8 bytes"]);
    let opponent = ["evaluate", "--model", "good.model", "--opponent", "greedi"];
    check(&opponent, 1, &["`random`, `greedy`, `ab:DEPTH`", "or a model file", "`self`", "greedi: cannot be read"]);
    let opponent =
        |who: &str, code, parts| check(&["evaluate", "--model", "good.model", "--opponent", who], code, parts);
    opponent("ab:9", 2, &["--opponent \"ab:9\"", "`9`: the depth must be a whole number from 1 to 6"]);
    opponent("model:good.model@1,heat=3", 2, &["`heat`: a model has no such setting"]);
    opponent("usi:fairy-stockfish", 2, &["needs a limit"]);
    opponent(
        "usi:no-such-engine,nodes=1",
        1,
        &["player `usi:no-such-engine,nodes=1`: no-such-engine cannot be started"],
    );
    opponent("mix:random+none.model", 1, &["none.model: cannot be read"]);
    opponent("good.model", 2, &["--opponent \"good.model\"", "play itself"]);
    opponent("model:./good.model,name=other", 2, &["play itself"]);
    check(&["evaluate", "--model", "good.model", "--games", "7"], 2, &["--games \"7\"", "even"]);
    check(&["evaluate", "--model", "good.model", "--games", "0"], 2, &["--games \"0\""]);
    check(&["evaluate", "--model", "good.model", "--max-plies", "6"], 2, &["--max-plies \"6\"", "above the 6 plies"]);
    check(&["evaluate", "--model", "good.model", "--max-plies", "10001"], 2, &["--max-plies \"10001\"", "10000"]);
    check(&["evaluate", "--model", "good.model", "--temperature=-1"], 2, &["--temperature \"-1\"", "from 0"]);
    check(&["evaluate", "--model", "good.model", "--temperature", "nan"], 2, &["--temperature \"NaN\""]);
    let visits = |args: &[&str], parts| check(&[&["evaluate", "--model", "good.model"], args].concat(), 2, parts);
    visits(&["--visits", "10001"], &["--visits \"10001\"", "from 0 to 10000"]);
    visits(&["--visits", "many"], &["--visits", "many"]);
    visits(&["--opponent", "self", "--opponent-visits", "99999"], &["--opponent-visits \"99999\"", "from 0"]);
    visits(&["--opponent-visits", "8"], &["--opponent-visits \"8\"", "no --opponent is a model"]);
    visits(&["--opponent", "self"], &["--opponent \"self\"", "must differ"]);
    visits(&["--opponent", "self", "--visits", "8", "--opponent-visits", "8"], &["--opponent \"self\""]);
    check(&["evaluate", "--games", "8"], 2, &["--model", "--run"]);
    check(&["export", "--run", "norun", "--out", "a.model"], 1, &["norun/model.model: cannot be read"]);
    check(&["export", "--init", "1", "--out", "no/where.model"], 1, &["no/", "cannot be created"]);
    check(&["export", "--init", "1"], 2, &["--out", "--pages"]);
    check(&["export", "--init", "1", "--run", "norun", "--out", "a.model"], 2, &["cannot be used with"]);
    assert!(!folder.join("a.model").exists());
}
