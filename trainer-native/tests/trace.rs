//! Logs and traces of a run: each phase is there, and what cannot be written does not end the run.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

/// Runs `train --plain` in `directory`; returns exit code, standard output and standard error.
fn train(directory: &Path, args: &str, log: Option<&str>) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer-native"));
    command.current_dir(directory).args(["train", "--plain", "--preset", "tiny"]).args(args.split_whitespace());
    command.env_remove("KEISEI_LOG");
    command.envs(log.map(|log| ("KEISEI_LOG", log)));
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// Begin and end of a span in nanoseconds, and its iteration.
type Span = (u64, u64, Option<u64>);

#[test]
fn a_trace_has_each_phase_once_an_iteration() {
    let directory = tempfile::tempdir().unwrap();
    let every = "--set run.checkpoint_plies=64 --set run.evaluate_plies=64 --set run.evaluate_games=2";
    let args = format!("--iterations 5 {every} --out run --trace trace.json");
    let (code, said, error) = train(directory.path(), &args, None);
    assert_eq!(code, Some(0), "{error}");
    assert!(said.ends_with("trace trace.json\n"), "{said}");
    let text = std::fs::read_to_string(directory.path().join("trace.json")).unwrap();
    let events: Vec<Value> = serde_json::from_str(&text).unwrap();

    let mut spans: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["ph"] == "X") {
        // Times are in microseconds, to the nanosecond.
        let [begin, long] = ["ts", "dur"].map(|key| (1000.0 * event[key].as_f64().unwrap()).round() as u64);
        assert!(event["cat"].as_str().unwrap().starts_with("trainer_native"), "{event}");
        let span = (begin, begin + long, event["args"]["iteration"].as_u64());
        spans.entry(event["name"].as_str().unwrap()).or_default().push(span);
    }
    let names = ["collect", "estimate", "evaluate", "iteration", "save", "update"];
    assert_eq!(spans.keys().copied().collect::<Vec<_>>(), names);
    let iterations = |name: &str| spans[name].iter().map(|span| span.2.unwrap()).collect::<Vec<u64>>();
    assert_eq!((iterations("iteration"), iterations("evaluate")), (vec![1, 2, 3, 4, 5], vec![1, 2, 3, 4, 5]));
    // Before the first iteration and after each; the best one is saved as such too.
    let mut saved = iterations("save");
    assert!(saved.is_sorted(), "{saved:?}");
    saved.dedup();
    assert_eq!(saved, [0, 1, 2, 3, 4, 5]);
    for (place, whole) in spans["iteration"].iter().enumerate() {
        let parts = ["collect", "estimate", "update"].map(|name| {
            assert_eq!(spans[name].len(), 5, "{name}");
            spans[name][place]
        });
        let times: Vec<u64> = parts.iter().flat_map(|part| [part.0, part.1]).collect();
        assert!(times.is_sorted() && whole.0 <= times[0] && times[5] <= whole.1, "{whole:?}: {parts:?}");
    }
    let threads = events.iter().filter(|event| event["name"] == "thread_name");
    let threads: Vec<&str> = threads.map(|event| event["args"]["name"].as_str().unwrap()).collect();
    assert_eq!(threads, ["main", "trainer"]);
}

#[test]
fn a_log_has_the_phases_of_its_level_and_a_run_without_one_has_none() {
    let directory = tempfile::tempdir().unwrap();
    let check = |name: &str, args: &str, log: Option<&str>, present: &[&str], absent: &[&str]| {
        let (code, said, error) = train(directory.path(), &format!("--iterations 2 --out {name} {args}"), log);
        assert_eq!(code, Some(0), "{error}");
        assert!(!said.contains("trace"), "{said}");
        let count =
            |part: &str| error.lines().filter(|line| line.contains(part) && line.contains("time.busy=")).count();
        for part in present {
            assert_eq!(count(part), 2, "{part}:\n{error}");
        }
        for part in absent {
            assert_eq!(count(part), 0, "{part}:\n{error}");
        }
    };
    let (whole, parts) = ("trainer_native::trainer: close", ["}:collect:", "}:estimate:", "}:update:"]);
    check("none", "", None, &[], &[whole, "close"]);
    check("info", "--log info --set run.checkpoint_plies=0", None, &[whole, " INFO save{"], &parts);
    check("debug", "--log trainer_native=debug", None, &parts, &[]);
    check("variable", "", Some("debug"), &parts, &[]);
    check("both", "--log off", Some("debug"), &[], &[whole, "close"]);
}

#[test]
fn what_cannot_be_logged_is_refused_and_what_cannot_be_written_ends_no_run() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |args: &str, log: Option<&str>, expected: i32, parts: &[&str]| {
        let (code, _, error) = train(directory.path(), &format!("--iterations 1 --out run {args}"), log);
        assert_eq!(code, Some(expected), "{error}");
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!directory.path().join("run").exists());
    };
    refused("--log loud", None, 2, &["--log", "no level \"loud\"", "debug"]);
    refused("", Some("loud"), 1, &["KEISEI_LOG=loud", "no level \"loud\""]);
    refused("--trace nowhere/trace.json", None, 1, &["nowhere/trace.json: cannot create"]);
    #[cfg(target_os = "linux")]
    {
        let (code, said, error) = train(directory.path(), "--iterations 1 --out run --trace /dev/full", None);
        assert_eq!(code, Some(0), "{error}");
        assert!(said.contains("trace /dev/full: could not be written: No space left on device"), "{said}");
    }
}
