//! Endpoint of a run for Prometheus: the newest numbers as text, over HTTP.

use super::Sink;
use super::scalars::scalars;
use crate::durable::write_atomically;
use crate::event::{EvaluationMatch, Event, Metrics, RunStarted, SinkFailure, Stamped};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::create_dir_all;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest time for a request and its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Largest request in bytes.
const REQUEST: usize = 8192;

/// Sink that answers `GET /metrics` with the newest numbers of a run, in Prometheus' text format.
///
/// Each metric of the [table](crate::metrics::METRICS) is a gauge `keisei_GROUP_KEY`, each evaluation `keisei_evaluation_score`;
/// events, alarms and failures of sinks are counters. The address at which it listens stands in the file `sinks/prometheus.txt`
/// of the run, for whoever asked for port 0. An address that is taken is a failure of the sink and is tried again.
pub struct Prometheus {
    address: SocketAddr,
    told: PathBuf,
    page: Arc<Mutex<Page>>,
    server: Option<Server>,
}

impl Prometheus {
    /// Sink of the run in this directory. It listens from the first event on.
    pub fn new(address: SocketAddr, run: &Path) -> Self {
        Self { address, told: run.join("sinks/prometheus.txt"), page: Arc::default(), server: None }
    }

    /// Listens, if it does not yet.
    fn listen(&mut self) -> Result<()> {
        if self.server.as_ref().is_some_and(|server| !server.thread.is_finished()) {
            return Ok(());
        }
        let server = Server::start(self.address, self.page.clone())?;
        create_dir_all(self.told.parent().unwrap_or(Path::new(""))).context("folder of the sinks")?;
        write_atomically(&self.told, format!("{}\n", server.address).as_bytes())?;
        self.server = Some(server);
        Ok(())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Nobody listens there any more. If the file cannot be deleted, the next part of the run replaces it.
        std::fs::remove_file(&self.told).ok();
    }
}

impl Sink for Prometheus {
    fn name(&self) -> &'static str {
        "prometheus"
    }

    fn receive(&mut self, event: &Stamped) -> Result<()> {
        lock(&self.page).note(event);
        self.listen()
    }

    fn takes_games(&self) -> bool {
        false
    }
}

/// The page that is answered.
#[derive(Default)]
struct Page {
    families: BTreeMap<String, Family>,
}

/// Samples of one name.
struct Family {
    kind: Kind,
    help: String,
    /// Values by labels, such as `{reason="checkmate"}`.
    samples: BTreeMap<String, f64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gauge,
    Counter,
}

impl Page {
    fn sample(&mut self, kind: Kind, name: &str, help: &str, labels: &[(&str, &str)]) -> &mut f64 {
        let family = self.families.entry(format!("keisei_{name}")).or_insert_with(|| Family {
            kind,
            help: help.to_owned(),
            samples: BTreeMap::new(),
        });
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> = labels.iter().map(|(name, text)| format!("{name}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        family.samples.entry(labels).or_insert(0.0)
    }

    fn set(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        *self.sample(Kind::Gauge, name, help, labels) = value;
    }

    fn note(&mut self, event: &Stamped) {
        self.set("last_event_timestamp_seconds", "Time of the newest event, since 1970.", &[], event.time);
        let kind = match &event.event {
            Event::RunStarted(run) => {
                self.start(run);
                "run_started"
            }
            Event::Iteration(metrics) => {
                self.iteration(metrics);
                "iteration"
            }
            Event::GameEnded(_) => "game_ended",
            Event::Evaluation(evaluation) => {
                self.evaluation(evaluation);
                "evaluation"
            }
            Event::Gate(gate) => {
                self.set(
                    "gate_score",
                    "Points per game of the newest challenger against the best agent.",
                    &[],
                    gate.score,
                );
                "gate"
            }
            Event::Checkpoint(checkpoint) => {
                let help = "Iteration of the newest checkpoint.";
                self.set("checkpoint_iteration", help, &[], checkpoint.iteration as f64);
                "checkpoint"
            }
            Event::Alarm(alarm) => {
                *self.sample(Kind::Counter, "alarms_total", "Alarms raised, by id.", &[("id", &alarm.id)]) += 1.0;
                "alarm"
            }
            Event::Restored(_) => "restored",
            Event::Notice(_) => "notice",
            Event::SinkFailed(SinkFailure { sink, failures, .. }) => {
                let help = "Failures of each sink since the process started.";
                *self.sample(Kind::Counter, "sink_failures_total", help, &[("sink", sink)]) = *failures as f64;
                "sink_failed"
            }
            Event::RunEnded(_) => {
                self.set("running", "Whether the run goes on.", &[], 0.0);
                "run_ended"
            }
        };
        *self.sample(
            Kind::Counter,
            "events_total",
            "Events since the process started, by kind.",
            &[("event", kind)],
        ) += 1.0;
    }

    fn start(&mut self, run: &RunStarted) {
        let name = run.directory.file_name().unwrap_or_default().to_string_lossy();
        let labels = [
            ("run", &*name),
            ("learner", &run.learner),
            ("version", &run.machine.version),
            ("revision", &run.machine.revision),
        ];
        self.set("run_info", "The run and the program.", &labels, 1.0);
        self.set("running", "Whether the run goes on.", &[], 1.0);
        self.set("budget_plies", "Plies at which the run is to end, 0 for never.", &[], run.budget_plies as f64);
        self.set("weights", "Number of weights of the network.", &[], run.weights as f64);
    }

    fn iteration(&mut self, metrics: &Metrics) {
        // A snapshot that has left the pool has no score.
        if let Some(family) = self.families.get_mut("keisei_league_pool_scores") {
            family.samples.clear();
        }
        for scalar in scalars(metrics) {
            let metric = scalar.metric;
            let name = format!("{}_{}", metric.group, metric.key);
            let unit = if metric.unit.is_empty() { String::new() } else { format!(" Unit: {}.", metric.unit) };
            let label = metric.key.trim_end_matches('s');
            let labels = [(label, scalar.part.as_str())];
            let labels = if scalar.part.is_empty() { &[][..] } else { &labels };
            self.set(&name, &format!("{}{unit}", metric.doc), labels, scalar.value);
        }
        let help = "Whether the alarm is in force.";
        if let Some(family) = self.families.get_mut("keisei_alarm") {
            family.samples.values_mut().for_each(|value| *value = 0.0);
        }
        for id in &metrics.alarms {
            self.set("alarm", help, &[("id", id)], 1.0);
        }
    }

    fn evaluation(&mut self, evaluation: &EvaluationMatch) {
        let EvaluationMatch { opponent, score, interval: (low, high), iteration, games, probes, .. } = evaluation;
        let mut set = |name: &str, help: &str, value: f64| self.set(name, help, &[("opponent", opponent)], value);
        set("evaluation_score", "Points per game against the opponent, 0–1.", *score);
        set("evaluation_score_low", "Lower bound of the score's 95 % interval.", *low);
        set("evaluation_score_high", "Upper bound of the score's 95 % interval.", *high);
        set("evaluation_games", "Games of the newest match.", *games as f64);
        set("evaluation_iteration", "Iteration after which the newest match was played.", *iteration as f64);
        for (task, score) in probes {
            self.set("probes_solved", "Share of the probes that the policy solves.", &[("task", task)], score.solved);
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, Family { kind, help, samples }) in &self.families {
            let kind = if *kind == Kind::Gauge { "gauge" } else { "counter" };
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        }
        text
    }
}

fn lock(page: &Mutex<Page>) -> MutexGuard<'_, Page> {
    // A sample that is half updated after a panic is replaced by the next event.
    page.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Thread that answers requests, one at a time.
struct Server {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Server {
    fn start(address: SocketAddr, page: Arc<Mutex<Page>>) -> Result<Self> {
        let listener = TcpListener::bind(address).with_context(|| format!("cannot listen at {address}"))?;
        let address = listener.local_addr().context("address")?;
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let serve = move || {
            for connection in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                match connection {
                    // What goes wrong with a client concerns that client alone.
                    Ok(mut client) => answer(&mut client, &page).unwrap_or(()),
                    // As when the process has no file descriptor left: not to be asked again at once.
                    Err(_) => std::thread::sleep(Duration::from_millis(100)),
                }
            }
        };
        let thread = std::thread::Builder::new().name("prometheus".into()).spawn(serve).context("a thread")?;
        Ok(Self { address, is_over, thread })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            });
        }
        // A connection wakes the thread, which then ends.
        TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
    }
}

fn answer(client: &mut TcpStream, page: &Mutex<Page>) -> std::io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || request.len() > REQUEST {
            return Ok(());
        }
        client.set_read_timeout(Some(left))?;
        let mut part = [0; 1024];
        match client.read(&mut part)? {
            0 => return Ok(()),
            length => request.extend_from_slice(&part[..length]),
        }
    }
    let line = String::from_utf8_lossy(&request);
    let mut words = line.split([' ', '\r', '?']);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, text) = match (method, path) {
        ("GET" | "HEAD", "/metrics") => ("200 OK", lock(page).text()),
        ("GET" | "HEAD", _) => ("404 Not Found", "the metrics are at /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "only GET is answered\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    client.write_all(head.as_bytes())?;
    if method == "HEAD" { Ok(()) } else { client.write_all(text.as_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Alarm, Notice};
    use std::net::Shutdown;

    fn send(sink: &mut Prometheus, event: Event) -> Result<()> {
        sink.receive(&Stamped { time: 1e9, event })
    }

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut client = TcpStream::connect(address).expect("it listens");
        client.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("answered");
        answer
    }

    #[test]
    fn the_page_has_the_newest_numbers_and_counters() {
        let run = tempfile::tempdir().expect("temporary directory");
        let mut sink = Prometheus::new("127.0.0.1:0".parse().expect("an address"), run.path());
        let alarm = Alarm { iteration: 1, id: "a \"b\"".into(), text: "t".into(), advice: "d".into() };
        send(&mut sink, Event::Alarm(alarm)).expect("taken");
        let failure = SinkFailure { sink: "mlflow".into(), error: "e".into(), failures: 3, resting: false };
        send(&mut sink, Event::SinkFailed(failure)).expect("taken");
        let mut metrics = Metrics { iteration: 2, alarms: vec!["draws".into()], ..Metrics::default() };
        metrics.ended.reasons.insert("checkmate".into(), 9);
        metrics.league.pool_scores = [("00000002".to_owned(), 0.6)].into();
        send(&mut sink, Event::Iteration(Box::new(metrics.clone()))).expect("taken");
        metrics.alarms.clear();
        metrics.league.pool_scores = [("00000003".to_owned(), 0.7)].into();
        send(&mut sink, Event::Iteration(Box::new(metrics))).expect("taken");

        let told = std::fs::read_to_string(run.path().join("sinks/prometheus.txt")).expect("the address");
        let address: SocketAddr = told.trim().parse().expect("an address");
        let page = ask(address, "GET /metrics HTTP/1.1\r\n\r\n");
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
        for line in [
            "keisei_alarms_total{id=\"a \\\"b\\\"\"} 1",
            "keisei_sink_failures_total{sink=\"mlflow\"} 3",
            "keisei_events_total{event=\"iteration\"} 2",
            "keisei_games_reasons{reason=\"checkmate\"} 9",
            "keisei_games_results{result=\"black\"} 0",
            "keisei_league_pool_scores{pool_score=\"00000003\"} 0.7",
            "keisei_run_iteration 2",
            "keisei_alarm{id=\"draws\"} 0",
            "# TYPE keisei_alarms_total counter",
        ] {
            assert!(page.lines().any(|found| found == line), "no {line} in\n{page}");
        }
        assert!(!page.contains("00000002"), "a snapshot that has left the pool has no score: {page}");
        let check = |request: &str, start: &str| {
            let answer = ask(address, request);
            assert!(answer.starts_with(start), "{request:?}: {answer}");
        };
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404");
        check("GET /metrics?a=b HTTP/1.1\r\n\r\n", "HTTP/1.1 200");
        check("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405");
        assert!(!ask(address, "HEAD /metrics HTTP/1.1\r\n\r\n").contains("keisei"));
        drop(sink);
        assert!(!run.path().join("sinks/prometheus.txt").exists());
    }

    #[test]
    fn clients_that_misbehave_do_not_stop_it() {
        let run = tempfile::tempdir().expect("temporary directory");
        let mut sink = Prometheus::new("127.0.0.1:0".parse().expect("an address"), run.path());
        send(&mut sink, Event::Notice(Notice { text: String::new() })).expect("taken");
        let address = sink.server.as_ref().expect("it listens").address;
        drop(TcpStream::connect(address).expect("connected"));
        let mut half = TcpStream::connect(address).expect("connected");
        half.write_all(b"GET /met").expect("sent");
        half.shutdown(Shutdown::Both).expect("closed");
        let mut large = TcpStream::connect(address).expect("connected");
        // It may close before it has read all.
        large.write_all(&vec![b'a'; 4 * REQUEST]).ok();
        drop(large);
        assert!(ask(address, "GET /metrics HTTP/1.1\r\n\r\n").contains("keisei_events_total"));
    }

    #[test]
    fn an_address_that_is_taken_is_tried_again() {
        let run = tempfile::tempdir().expect("temporary directory");
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let mut sink = Prometheus::new(taken.local_addr().expect("an address"), run.path());
        let notice = || Event::Notice(Notice { text: String::new() });
        let error = send(&mut sink, notice()).expect_err("it is taken").to_string();
        assert!(error.contains("cannot listen at 127.0.0.1:"), "{error}");
        drop(taken);
        send(&mut sink, notice()).expect("it is free");
    }
}
