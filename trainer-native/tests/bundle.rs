//! Bundles of runs: exported by the program, and served while a run goes on in another process.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// SHA-256 in hexadecimal.
fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn trainer(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer-native"));
    command.current_dir(folder).args(args);
    command
}

fn run(folder: &Path, args: &[&str]) -> String {
    let Output { status, stdout, stderr } = trainer(folder, args).output().unwrap();
    assert!(status.success(), "{args:?}\n{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// Settings with which games end within a few iterations, against a pool too.
const SETTINGS: [&str; 12] = [
    "--set",
    "selfplay.envs=16",
    "--set",
    "selfplay.horizon=8",
    "--set",
    "selfplay.max_plies=30",
    "--set",
    "selfplay.first_opening_plies=28",
    "--set",
    "selfplay.records=6",
    "--set",
    "league.share=0.5",
];

fn train(folder: &Path, out: &str, plies: &str, more: &[&str]) -> Command {
    let mut command = trainer(folder, &["train", "--preset", "tiny", "--plies", plies, "--out", out]);
    command.args(SETTINGS).args(more).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The content of a chunk, which is what its description says.
fn chunk(folder: &Path, chunk: &Value) -> Vec<u8> {
    let name = chunk["file"].as_str().unwrap();
    let bytes = std::fs::read(folder.join(name)).unwrap();
    let digest = hexadecimal(&bytes);
    assert_eq!(
        (chunk["sha256"].as_str(), chunk["bytes"].as_u64()),
        (Some(&*digest), Some(bytes.len() as u64)),
        "{name}"
    );
    assert!(name.contains(&digest[..16]), "{name}");
    bytes
}

fn names(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_export_tells_what_the_run_told_and_another_leaves_nothing_stale() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let evaluated = ["--set", "run.evaluate_plies=512", "--set", "run.evaluate_games=2"];
    assert!(train(folder, "a", "1024", &evaluated).status().unwrap().success());
    assert!(train(folder, "b", "512", &["--set", "seed=2"]).status().unwrap().success());
    run(folder, &["rate", "random", "greedy", "--games", "4", "--record", "cup.record"]);
    let told = run(folder, &["export", "--web", "a", "b", "--tournaments", "cup.record", "--out", "out"]);
    let out = folder.join("out");
    let manifest = json(&out.join("run.json"));
    assert_eq!((manifest["format"].as_str(), manifest["version"].as_u64()), (Some("keisei-run-bundle"), Some(1)));
    assert!(manifest["events"].is_null() && told.starts_with("out: 2 runs, "), "{told}");

    let of_run = &manifest["runs"][0];
    assert_eq!(
        (of_run["name"].as_str(), of_run["state"].as_str(), of_run["iteration"].as_u64()),
        (Some("a"), Some("ended"), Some(8))
    );
    let curves: Value = serde_json::from_slice(&chunk(&out, &of_run["curves"]["losses"])).unwrap();
    let told: Vec<Value> = std::fs::read_to_string(folder.join("a/metrics.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let loss = curves["curves"].as_array().unwrap().iter().find(|curve| curve["key"] == "value_loss").unwrap();
    for (at, metrics) in told.iter().enumerate() {
        let (found, expected) = (loss["mean"][at].as_f64().unwrap(), metrics["value_loss"].as_f64().unwrap());
        assert!((found - expected).abs() <= 1e-4 * expected.abs(), "iteration {at}: {found}, {expected}");
        assert_eq!(curves["plies"][at], metrics["plies"]);
    }
    assert_eq!(curves["iteration"].as_array().unwrap().len(), told.len());
    let story: Value = serde_json::from_slice(&chunk(&out, &of_run["story"])).unwrap();
    assert_eq!((story["evaluations"].as_array().unwrap().len(), story["ratings"].as_array().unwrap().len()), (2, 2));

    let mut files = BTreeSet::from(["run.json".to_owned()]);
    let mut note = |chunk: &Value| files.insert(chunk["file"].as_str().unwrap().to_owned());
    let mut games = 0;
    let sets = manifest["runs"].as_array().unwrap().iter().chain(manifest["tournaments"].as_array().unwrap());
    for entry in sets {
        entry["curves"].as_object().into_iter().flat_map(|curves| curves.values()).for_each(|chunk| {
            note(chunk);
        });
        entry.get("story").map(&mut note);
        let set = &entry["games"];
        note(&set["index"]);
        let index: Value = serde_json::from_slice(&chunk(&out, &set["index"])).unwrap();
        let mut read = 0;
        for of_games in index["chunks"].as_array().unwrap() {
            note(of_games);
            let records = keisei_core::format::record::from_bytes(&chunk(&out, of_games)).unwrap();
            for record in &records {
                let name = |color: &str| index["players"][index[color][read].as_u64().unwrap() as usize].as_str();
                assert_eq!((name("black"), name("white")), (Some(&*record.black), Some(&*record.white)));
                assert_eq!(index["plies"][read].as_u64(), Some(record.moves.len() as u64));
                read += 1;
            }
        }
        assert_eq!(set["count"].as_u64(), Some(read as u64));
        games += read;
    }
    assert!(games > 12, "{games}");
    assert_eq!(names(&out), files);

    // Other contents: what the first export wrote alone is gone, and a stranger's file stays.
    std::fs::write(out.join("photo.json"), "mine").unwrap();
    run(folder, &["export", "--web", "b", "--most-games", "4", "--out", "out"]);
    let manifest = json(&out.join("run.json"));
    let set = &manifest["runs"][0]["games"];
    assert!(set["count"].as_u64().unwrap() <= 4 && set["stride"].as_u64().unwrap() > 1, "{set}");
    let left = names(&out);
    assert!(left.contains("photo.json") && left.len() < files.len(), "{left:?}");
    assert_eq!(left.iter().filter(|name| name.starts_with("index-")).count(), 1);
}

#[test]
fn what_is_no_run_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    for (args, parts) in [
        (&["export", "--web", "nowhere", "--out", "out"][..], &["nowhere: no run there"][..]),
        (&["export", "--web", "nowhere"], &["--out"]),
        (&["export", "--web", "nowhere", "--f16", "--out", "out"], &["--f16"]),
        (&["export", "--init", "1", "--tournaments", "a.record", "--out", "out"], &["--tournaments"]),
        (&["serve", "nowhere"], &["nowhere: no index.html there, and no run"]),
    ] {
        let Output { status, stderr, .. } = trainer(temporary.path(), args).output().unwrap();
        let message = String::from_utf8(stderr).unwrap();
        assert!(!status.success() && parts.iter().all(|part| message.contains(part)), "{args:?}\n{message}");
    }
}

/// A process that ends with the test.
struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Body of the answer to `GET path`.
fn get(port: u16, path: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec())
}

/// Manifests of the event stream, as they come.
struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(port: u16) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        write!(stream, "GET /runs/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        Self(BufReader::new(stream))
    }

    /// The next manifest; the stream is kept alive meanwhile by lines without one.
    fn next(&mut self, what: &str) -> Value {
        let begin = Instant::now();
        loop {
            assert!(begin.elapsed() < Duration::from_mins(1), "{what} does not come");
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream has ended");
            if let Some(data) = line.strip_prefix("data: ") {
                return serde_json::from_str(data).unwrap();
            }
        }
    }

    /// The next manifest in which the first run `is` so.
    fn until(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        loop {
            let manifest = self.next(what);
            if is(&manifest["runs"][0]) {
                return manifest;
            }
            assert!(begin.elapsed() < Duration::from_mins(2), "{what} does not come: {manifest}");
        }
    }
}

#[test]
fn a_run_is_followed_through_its_kill_and_its_restart() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    std::fs::create_dir(folder.join("pages")).unwrap();
    std::fs::write(folder.join("pages/index.html"), "<p>board").unwrap();
    let more = ["--set", "run.checkpoint_plies=512"];
    let mut training = Background(train(folder, "run", "1000000", &more).spawn().unwrap());
    let begin = Instant::now();
    while !folder.join("run/metrics.jsonl").is_file() && begin.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut server = trainer(folder, &["serve", "--port", "0", "--pages", "pages", "run"]);
    let mut server = Background(server.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let address = lines.next().unwrap().unwrap();
    let port: u16 = address.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), format!("runs at http://127.0.0.1:{port}/run.html"));
    assert!(get(port, "/").0.starts_with("HTTP/1.1 200"));

    let mut stream = Stream::open(port);
    let first = stream.until("training", |run| run["state"] == "training" && run["iteration"].as_u64() > Some(0));
    assert_eq!(first["events"], "events");
    let before = first["runs"][0]["iteration"].as_u64();
    let manifest =
        stream.until("a game", |run| run["iteration"].as_u64() > before && run["games"]["count"].as_u64() > Some(0));
    // The chunks of the manifest are there, and are what it says.
    let of_run = &manifest["runs"][0];
    for described in [&of_run["curves"]["losses"], &of_run["story"], &of_run["games"]["index"]] {
        let (head, body) = get(port, &format!("/runs/{}", described["file"].as_str().unwrap()));
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("default-src 'self'"), "{head}");
        let digest = hexadecimal(&body);
        assert_eq!(described["sha256"].as_str(), Some(&*digest));
    }
    assert!(get(port, "/runs/curves-0123456789abcdef.json").0.starts_with("HTTP/1.1 404"));
    let (head, body) = get(port, "/runs/run.json");
    assert!(head.contains("content-type: application/json") && head.contains("cache-control: no-store"), "{head}");
    assert!(
        serde_json::from_slice::<Value>(&body).unwrap()["runs"][0]["iteration"].as_u64()
            >= of_run["iteration"].as_u64()
    );

    training.0.kill().unwrap();
    training.0.wait().unwrap();
    let killed = stream.until("the kill", |run| run["state"] == "killed");
    let reached = killed["runs"][0]["iteration"].as_u64();
    let mut again = trainer(folder, &["train", "--resume", "run"]);
    training.0 = again.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    stream.until("the restart", |run| run["state"] == "training" && run["iteration"].as_u64() > reached);

    // A run that begins anew under the same name is read from its start.
    training.0.kill().unwrap();
    training.0.wait().unwrap();
    std::fs::remove_dir_all(folder.join("run")).unwrap();
    let began = first["runs"][0]["began"].as_f64();
    training.0 = train(folder, "run", "1000000", &more).spawn().unwrap();
    stream.until("the new run", |run| run["state"] == "training" && run["began"].as_f64() > began);
}
