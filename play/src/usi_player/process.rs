//! Process of an engine: lines to it and from it, never waiting longer than until a deadline.
//!
//! Threads of its own write to the process and read from it, so that neither a full pipe nor silence can hold the player up.
//! They end with the process; nothing waits for them, because a grandchild may keep the pipes open.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::player::Forfeit;

/// Bytes of a line that are kept; the rest of a longer one is skipped.
const LONGEST_LINE: usize = 16 * 1024;

/// Lines that wait to be read; the process waits as well once there are more.
const WAITING_LINES: usize = 128;

/// Bytes of standard error that are kept: the last ones.
const LAST_WORDS: usize = 2048;

/// Lines of standard error that a text quotes.
const QUOTED_LINES: usize = 3;

/// Interval at which a silent process is looked at, whether it still runs.
const LOOK: Duration = Duration::from_millis(200);

/// Time for a process to end after its output did, or after `quit`.
const PARTING: Duration = Duration::from_secs(1);

/// Folders of games that are not in the `PATH` of every user: Debian's engines are there.
const GAMES: [&str; 2] = ["/usr/games", "/usr/local/games"];

/// Running engine. Dropped, it is asked to quit, and killed if it does not.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// To the thread that writes; `None` once the process is to end.
    input: Option<Sender<String>>,
    output: Receiver<String>,
    last_words: Arc<Mutex<VecDeque<u8>>>,
    /// Disconnected as soon as standard error has been read to its end.
    errors_read: Receiver<()>,
}

impl Process {
    /// Starts a program with arguments.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(command: &[String]) -> Result<Process, Forfeit> {
        let mut child = spawn(command)?;
        let (input, lines) = channel();
        let (sender, output) = sync_channel(WAITING_LINES);
        let (reading, errors_read) = channel();
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let heard = Arc::clone(&last_words);
        std::thread::spawn(move || stdin.map(|stdin| write_lines(stdin, &lines)));
        std::thread::spawn(move || stdout.map(|stdout| read_lines(BufReader::new(stdout), &sender)));
        std::thread::spawn(move || {
            if let Some(stderr) = stderr {
                read_errors(stderr, &heard);
            }
            drop(reading);
        });
        Ok(Process { child, input: Some(input), output, last_words, errors_read })
    }

    /// Sends a line. If the process has ended, the next [`receive`](Self::receive) says so.
    pub fn send(&self, line: &str) {
        if let Some(input) = &self.input {
            input.send(format!("{line}\n")).ok();
        }
    }

    /// Skips the lines that the process has written without being asked.
    pub fn skip(&self) {
        // No more than can have been waiting: the process may write as fast as it is read.
        let _ = self.output.try_iter().take(WAITING_LINES).count();
    }

    /// Next line, without the blanks around it, that comes before `deadline`; `None` if none does.
    ///
    /// # Errors
    /// If the process has ended, or closed its output.
    pub fn receive(&mut self, deadline: Instant) -> Result<Option<String>, Forfeit> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left.min(LOOK)) {
                // Lines that wait are not read past the deadline either: there may always be more.
                Ok(line) => return Ok((!left.is_zero()).then_some(line)),
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
                Err(RecvTimeoutError::Timeout) => {
                    if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                        // Its last lines may have come since.
                        return self.output.try_recv().map(Some).map_err(|_| self.ended());
                    }
                    if left.is_zero() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// How the process ended, with its last words.
    fn ended(&mut self) -> Forfeit {
        let how = match self.wait(PARTING) {
            Some(status) => format!("the engine's process ended ({status})"),
            None => "the engine closed its output".to_owned(),
        };
        self.errors_read.recv_timeout(PARTING).ok();
        Forfeit::Failed(how + &self.last_words())
    }

    /// Last lines of standard error, for the end of a text; empty if there are none.
    pub fn last_words(&self) -> String {
        let words: Vec<u8> = self.last_words.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        let text = String::from_utf8_lossy(&words);
        let lines: Vec<String> = text.lines().map(plain).filter(|line| !line.is_empty()).collect();
        match &lines[lines.len().saturating_sub(QUOTED_LINES)..] {
            [] => String::new(),
            last => format!("; its last words: {}", last.join(" / ")),
        }
    }

    /// Exit status, if the process ends within `time`.
    fn wait(&mut self, time: Duration) -> Option<std::process::ExitStatus> {
        let deadline = Instant::now() + time;
        let mut pause = Duration::from_micros(200);
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(pause),
                _ => return None,
            }
            pause = (2 * pause).min(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.send("quit");
        // Its input ends as well, after the lines that were sent.
        self.input = None;
        if self.wait(PARTING).is_none() {
            // It may have ended by itself in between.
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// Text on one line, without characters that control a terminal, and not long.
pub fn plain(text: &str) -> String {
    let clean: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    clean.trim().to_owned()
}

fn spawn(command: &[String]) -> Result<Child, Forfeit> {
    let [program, arguments @ ..] = command else { return Err(Forfeit::Failed("no program is named".into())) };
    let is_name = !program.contains(std::path::is_separator);
    let elsewhere = GAMES.iter().filter(|_| is_name).map(|folder| format!("{folder}/{program}"));
    for candidate in [program.clone()].into_iter().chain(elsewhere) {
        let mut command = Command::new(&candidate);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // An interrupt from the terminal is for the match, which ends its games before it ends its engines.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        match command.spawn() {
            Ok(child) => return Ok(child),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Forfeit::Failed(format!("{candidate} cannot be started: {error}"))),
        }
    }
    let place = if is_name { "; it is not in PATH, and its folder is not given" } else { "" };
    Err(Forfeit::Failed(format!("{program} cannot be started: there is no such program{place}")))
}

fn write_lines(mut stdin: ChildStdin, lines: &Receiver<String>) {
    for line in lines {
        // Whoever reads from the process notices its end.
        if stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn read_lines(mut stdout: impl BufRead, lines: &SyncSender<String>) {
    let mut line = Vec::new();
    loop {
        let (taken, is_whole) = match stdout.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Ok([]) | Err(_) => break,
            Ok(bytes) => {
                let end = bytes.iter().position(|&byte| byte == b'\n');
                let part = &bytes[..end.unwrap_or(bytes.len())];
                line.extend_from_slice(&part[..part.len().min(LONGEST_LINE - line.len())]);
                (part.len() + usize::from(end.is_some()), end.is_some())
            }
        };
        stdout.consume(taken);
        if is_whole && !send(&mut line, lines) {
            return;
        }
    }
    if !line.is_empty() {
        send(&mut line, lines);
    }
}

/// Sends a line and empties it; false if nobody receives.
fn send(line: &mut Vec<u8>, lines: &SyncSender<String>) -> bool {
    let text = String::from_utf8_lossy(line).trim_start_matches('\u{feff}').trim().to_owned();
    line.clear();
    lines.send(text).is_ok()
}

fn read_errors(mut stderr: impl Read, last_words: &Mutex<VecDeque<u8>>) {
    let mut bytes = [0; 1024];
    loop {
        match stderr.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
            Ok(count) => {
                let mut words = last_words.lock().unwrap_or_else(PoisonError::into_inner);
                words.extend(&bytes[..count]);
                let excess = words.len().saturating_sub(LAST_WORDS);
                words.drain(..excess);
            }
        }
    }
}
