//! The full-screen display of a run, on a real pseudo-terminal.

#![cfg(target_os = "linux")]

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A terminal with a run in it.
struct Session {
    master: Option<File>,
    terminal: File,
    before: Termios,
    child: Child,
    seen: Arc<Mutex<Vec<u8>>>,
    hangs_up: Arc<AtomicBool>,
    reading: Option<JoinHandle<()>>,
}

impl Session {
    fn open(columns: u16, rows: u16, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pseudo-terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("a name").into_string().expect("ASCII");
        let terminal = OpenOptions::new().read(true).write(true).open(name).expect("opened");
        tcsetwinsize(&terminal, Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 }).expect("sized");
        let before = tcgetattr(&terminal).expect("modes");
        let end = || terminal.try_clone().expect("another handle");
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainer-native"));
        command.args(arguments).env("TERM", "xterm-256color").env_remove("NO_COLOR").envs(variables.iter().copied());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("started");
        let master = File::from(master);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, sink) = (master.try_clone().expect("another handle"), seen.clone());
        let hangs_up = Arc::new(AtomicBool::new(false));
        let stop = hangs_up.clone();
        let reading = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while !stop.load(Ordering::Relaxed) {
                let mut polled = [PollFd::new(&reader, PollFlags::IN)];
                let moment = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
                if poll(&mut polled, Some(&moment)).expect("polled") == 0 {
                    continue;
                }
                let Ok(count @ 1..) = reader.read(&mut bytes) else { return };
                sink.lock().expect("no panic").extend(&bytes[..count]);
            }
        });
        Self { master: Some(master), terminal, before, child, seen, hangs_up, reading: Some(reading) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("no panic")).into_owned()
    }

    fn wait_for(&self, word: &str) {
        let begin = Instant::now();
        while !self.text().contains(word) {
            assert!(begin.elapsed() < Duration::from_mins(1), "no {word:?} in {:?}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        self.master.as_mut().expect("open").write_all(keys.as_bytes()).expect("typed");
    }

    /// Takes the terminal away, as a window that is closed does.
    fn hang_up(&mut self) {
        self.hangs_up.store(true, Ordering::Relaxed);
        self.reading.take().expect("once").join().expect("no panic");
        self.master = None;
    }

    fn wait(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            if begin.elapsed() > Duration::from_mins(1) {
                self.child.kill().expect("killed");
                panic!("it does not end: {:?}", self.text());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Checks that the terminal is as it was before.
    fn check_restored(&self) {
        let text = self.text();
        let (entered, left) = (text.matches("\u{1b}[?1049h").count(), text.matches("\u{1b}[?1049l").count());
        assert!(entered > 0 && entered == left, "{entered} entries, {left} exits");
        let after = tcgetattr(&self.terminal).expect("modes");
        assert_eq!(after.local_modes, self.before.local_modes);
        assert_eq!(after.input_modes, self.before.input_modes);
    }
}

/// Arguments of a run that saves only at its start and its end.
fn run_of<'a>(plies: &'a str, directory: &'a Path) -> Vec<&'a str> {
    let directory = directory.to_str().expect("UTF-8");
    vec!["train", "--preset", "tiny", "--set", "run.checkpoint_plies=0", "--plies", plies, "--out", directory]
}

fn endless(directory: &Path) -> Vec<&str> {
    run_of("1000000000", directory)
}

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

#[test]
fn a_run_is_drawn_steered_by_keys_and_the_terminal_is_given_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().join("run");
    let mut session = Session::open(80, 24, &endless(&directory), &[]);
    session.wait_for(ENTER);
    session.wait_for("value_loss");
    session.press("?");
    session.wait_for("kanji or letters");
    session.press("? ");
    session.wait_for("paused");
    session.press(" e");
    session.wait_for("vs greedy");
    session.press("q");
    assert_eq!(session.wait().code(), Some(0));
    session.wait_for("go on with:");
    session.check_restored();
    let text = session.text();
    let (_, after) = text.rsplit_once(LEAVE).expect("left");
    assert!(after.contains("everything is saved") && after.contains("failures of sinks 0"), "{after}");
    assert!(text.contains("\u{1b}[38;5;"), "there are colours");
}

#[test]
fn without_colours_no_colour_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().join("run");
    let mut session = Session::open(120, 40, &endless(&directory), &[("NO_COLOR", "1")]);
    session.wait_for("inference");
    session.press("\u{3}");
    assert_eq!(session.wait().code(), Some(0));
    session.wait_for("go on with:");
    session.check_restored();
    let text = session.text();
    assert!(!text.contains("38;5;") && !text.contains("48;5;"), "{text:?}");
}

#[test]
fn an_error_is_printed_after_the_terminal_was_given_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().join("run");
    let rescue = ["--rescue", folder.path().to_str().expect("UTF-8")];
    let mut session = Session::open(80, 24, &[&endless(&directory)[..], &rescue].concat(), &[]);
    session.wait_for("value_loss");
    std::fs::rename(&directory, folder.path().join("away")).expect("renamed");
    session.press("q");
    assert_eq!(session.wait().code(), Some(1));
    session.wait_for("error: ");
    session.check_restored();
    let text = session.text();
    assert!(text.rfind(LEAVE) < text.rfind("error: "), "{text:?}");
}

#[test]
fn a_terminal_that_goes_away_does_not_end_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().join("run");
    let mut session = Session::open(80, 24, &run_of("16000", &directory), &[]);
    session.wait_for("value_loss");
    session.hang_up();
    session.wait();
    let events = std::fs::read_to_string(directory.join("events.jsonl")).expect("written");
    assert!(events.contains("\"event\":\"run_ended\"") && events.contains("\"interrupted\":false"), "{events}");
    assert!(events.contains("\"sink\":\"display\""), "{events}");
}
