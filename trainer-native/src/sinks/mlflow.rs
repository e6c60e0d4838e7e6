//! MLflow: parameters, metrics and tags of a run, by the REST interface of a tracking server.

use super::retry::{AttemptError, Retry};
use super::scalars::{Thinning, evaluation_scalars, scalars};
use super::{Sink, read};
use crate::durable::write_atomically;
use crate::event::{Event, RunStarted, Stamped, Verdict};
use crate::settings::{Settings, SinksSection};
use anyhow::{Context, Result, anyhow};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::VecDeque;
use std::fs::create_dir_all;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest time that metrics wait before they are sent.
const LATENCY: Duration = Duration::from_secs(5);

/// Largest numbers of metrics and of parameters in a request that MLflow takes.
const METRICS_AT_ONCE: usize = 1000;
const PARAMETERS_AT_ONCE: usize = 100;

/// Largest length of a tag that MLflow takes.
const TAG_LENGTH: usize = 5000;

/// Iterations and evaluations that wait in memory while the server is away. Those beyond are read from the files of the run later.
const WAITING: usize = 2000;

/// Sink that logs to a run of MLflow.
///
/// The id of that run and what it has been given are kept in `sinks/mlflow.json` of our run, so that a resumed run goes on with it,
/// and whatever the server missed is sent from `metrics.jsonl` and `events.jsonl`. Name and password or a token come from the
/// environment, from the variables of MLflow's own client. MLflow takes no point back: what a run does again after a return to a
/// checkpoint stands beside the first.
pub struct MlFlow {
    api: Api,
    experiment: String,
    run: PathBuf,
    file: PathBuf,
    /// Start of our run, until the server was told of it.
    started: Option<(f64, Box<RunStarted>)>,
    has_begun: bool,
    /// What the server was told; none until it has a run.
    told: Option<Told>,
    waiting: VecDeque<Waiting>,
    tags: Vec<(String, String)>,
    /// Whether events were missed, and are to be read from the files.
    has_gap: bool,
    /// Iteration of the newest event.
    seen: u64,
    /// The newest iteration, if it was left out.
    left_out: Option<Stamped>,
    thinning: Thinning,
    sent: Option<Instant>,
}

/// What the server was told of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Told {
    url: String,
    run_id: String,
    /// Last iteration and last evaluation that it has.
    iteration: u64,
    evaluation: u64,
    /// Settings of the run.
    settings: String,
    /// Whether it has the settings as parameters.
    has_parameters: bool,
}

/// Numbers of an iteration or an evaluation that are to be sent.
struct Waiting {
    iteration: u64,
    is_evaluation: bool,
    metrics: Vec<Json>,
}

impl MlFlow {
    /// Sink that logs the run in this directory.
    ///
    /// # Errors
    /// If what an earlier part of the run left there cannot be read.
    pub fn open(settings: &SinksSection, run: &Path) -> Result<Self> {
        let file = run.join("sinks/mlflow.json");
        let told = match std::fs::read(&file) {
            Ok(bytes) => {
                let told: Told = serde_json::from_slice(&bytes).with_context(|| file.display().to_string())?;
                // Another server knows nothing of it.
                Some(told).filter(|told| told.url == settings.mlflow)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| file.display().to_string()),
        };
        Ok(Self {
            api: Api::new(settings),
            experiment: settings.mlflow_experiment.clone(),
            run: run.to_owned(),
            file,
            started: None,
            has_begun: false,
            told,
            waiting: VecDeque::new(),
            tags: Vec::new(),
            has_gap: true,
            seen: 0,
            left_out: None,
            thinning: Thinning::default(),
            sent: None,
        })
    }

    /// Makes a run of MLflow, or goes on with the one that there is.
    fn begin(&mut self) -> Result<()> {
        let Some((time, run)) = self.started.take() else { return Ok(()) };
        let begun = if self.told.is_some() { self.resume(&run) } else { self.create(time, &run) };
        let begun = begun.and_then(|()| self.log_parameters(&run.settings));
        self.has_begun = begun.is_ok();
        if begun.is_err() {
            self.started = Some((time, run));
        }
        begun
    }

    fn create(&mut self, time: f64, run: &RunStarted) -> Result<()> {
        let experiment = self.api.experiment(&self.experiment)?;
        let machine = &run.machine;
        let tags = [
            ("mlflow.source.name", "trainer-native".to_owned()),
            ("mlflow.source.type", "LOCAL".to_owned()),
            ("mlflow.source.git.commit", machine.revision.clone()),
            ("directory", run.directory.display().to_string()),
            ("learner", run.learner.clone()),
            ("weights", run.weights.to_string()),
            ("version", machine.version.clone()),
            ("toolchain", machine.toolchain.clone()),
            ("system", format!("{}, {} cores", machine.system, machine.cores)),
        ];
        let tags: Vec<Json> = tags
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| json!({ "key": key, "value": shortened(value) }))
            .collect();
        let name = run.directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let body = json!({ "experiment_id": experiment, "run_name": name, "start_time": millis(time), "tags": tags });
        let created = self.api.post("runs/create", &body)?;
        let run_id = created["run"]["info"]["run_id"].as_str().context("runs/create: no run_id")?.to_owned();
        let settings = run.settings.to_toml();
        let url = self.api.url.clone();
        self.told = Some(Told { url, run_id, iteration: 0, evaluation: 0, settings, has_parameters: false });
        self.keep()
    }

    /// Logs the settings as parameters, if the server does not have them.
    fn log_parameters(&mut self, settings: &Settings) -> Result<()> {
        let Some(told) = self.told.as_mut().filter(|told| !told.has_parameters) else { return Ok(()) };
        let rows = settings.rows();
        let parameters: Vec<Json> = rows
            .iter()
            .map(|row| json!({ "key": row.setting.key, "value": shortened(&row.value.to_string()) }))
            .collect();
        for part in parameters.chunks(PARAMETERS_AT_ONCE) {
            self.api.post("runs/log-batch", &json!({ "run_id": told.run_id, "params": part }))?;
        }
        told.has_parameters = true;
        self.keep()
    }

    /// Goes on with a run. MLflow's parameters cannot be changed: what is set otherwise now becomes a tag.
    fn resume(&mut self, run: &RunStarted) -> Result<()> {
        let Some(told) = &mut self.told else { return Ok(()) };
        let body = json!({ "run_id": told.run_id, "status": "RUNNING" });
        self.api.post("runs/update", &body).with_context(|| {
            format!("run {} of MLflow; without the file {} another is made", told.run_id, self.file.display())
        })?;
        let settings = run.settings.to_toml();
        if told.settings != settings {
            // Iterations that are done again give other numbers now.
            told.iteration = told.iteration.min(run.iteration);
            told.evaluation = told.evaluation.min(run.iteration);
            let changes = Settings::from_toml(&told.settings).map(|old| changes(&old, &run.settings));
            self.tags.push((format!("changed_after_iteration_{}", run.iteration), changes.unwrap_or_default()));
            told.settings = settings;
            self.keep()?;
        }
        Ok(())
    }

    /// Writes down what the server was told.
    fn keep(&self) -> Result<()> {
        create_dir_all(self.file.parent().unwrap_or(Path::new(""))).context("folder of the sinks")?;
        write_atomically(&self.file, &serde_json::to_vec_pretty(&self.told).context("state of the sink")?)
    }

    /// Adds the numbers of an event to those that wait, unless the server has them.
    fn wait(&mut self, event: &Stamped) {
        let (iteration, is_evaluation) = match &event.event {
            Event::Iteration(metrics) => (metrics.iteration, false),
            Event::Evaluation(evaluation) => (evaluation.iteration, true),
            _ => return,
        };
        let has = self.told.as_ref().map_or(0, |told| if is_evaluation { told.evaluation } else { told.iteration });
        let waits = |waiting: &Waiting| (waiting.iteration, waiting.is_evaluation) == (iteration, is_evaluation);
        if iteration <= has || self.waiting.iter().any(waits) {
            return;
        }
        if !is_evaluation {
            if !self.thinning.allows(event.time) {
                self.left_out = Some(event.clone());
                return;
            }
            self.left_out = None;
        }
        self.push(event, iteration, is_evaluation);
    }

    fn push(&mut self, event: &Stamped, iteration: u64, is_evaluation: bool) {
        let (plies, numbers): (u64, Vec<(String, f64)>) = match &event.event {
            Event::Iteration(metrics) => {
                (metrics.plies, scalars(metrics).iter().map(|scalar| (scalar.tag(), scalar.value)).collect())
            }
            Event::Evaluation(evaluation) => (evaluation.plies, evaluation_scalars(evaluation)),
            _ => return,
        };
        let metric = |(key, value): (String, f64)| json!({ "key": key, "value": value, "timestamp": millis(event.time), "step": plies });
        self.waiting.push_back(Waiting {
            iteration,
            is_evaluation,
            metrics: numbers.into_iter().map(metric).collect(),
        });
    }

    /// Sends all that waits, and before that what the files have and the server has not.
    fn send(&mut self) -> Result<()> {
        self.begin()?;
        // Notices may come before the start.
        if !self.has_begun {
            return Ok(());
        }
        if self.has_gap {
            let (before, seen) = (std::mem::take(&mut self.waiting), self.seen);
            for name in ["metrics.jsonl", "events.jsonl"] {
                for event in read(&self.run.join(name))?.filter(|event| iteration_of(&event.event) <= seen) {
                    self.wait(&event);
                    if self.waiting.len() >= WAITING {
                        self.send_waiting()?;
                    }
                }
            }
            for waiting in before {
                let is_there = |other: &Waiting| {
                    (other.iteration, other.is_evaluation) == (waiting.iteration, waiting.is_evaluation)
                };
                if !self.waiting.iter().any(is_there) {
                    self.waiting.push_back(waiting);
                }
            }
            self.has_gap = false;
        }
        self.send_waiting()
    }

    fn send_waiting(&mut self) -> Result<()> {
        while let Some(told) = &mut self.told {
            let mut metrics = Vec::new();
            let (mut count, mut iteration, mut evaluation) = (0, told.iteration, told.evaluation);
            for waiting in &self.waiting {
                if count > 0 && metrics.len() + waiting.metrics.len() > METRICS_AT_ONCE {
                    break;
                }
                let last = if waiting.is_evaluation { &mut evaluation } else { &mut iteration };
                if waiting.iteration > *last {
                    metrics.extend_from_slice(&waiting.metrics);
                    *last = waiting.iteration;
                }
                count += 1;
            }
            if count == 0 {
                break;
            }
            if !metrics.is_empty() {
                self.api.post("runs/log-batch", &json!({ "run_id": told.run_id, "metrics": metrics }))?;
            }
            (told.iteration, told.evaluation) = (iteration, evaluation);
            self.waiting.drain(..count);
            self.keep()?;
        }
        while let (Some(told), Some((key, value))) = (&self.told, self.tags.first()) {
            self.api.post("runs/set-tag", &json!({ "run_id": told.run_id, "key": key, "value": shortened(value) }))?;
            self.tags.remove(0);
        }
        self.sent = Some(Instant::now());
        Ok(())
    }

    fn end(&mut self, time: f64, interrupted: bool) -> Result<()> {
        let Some(told) = &self.told else { return Ok(()) };
        let status = if interrupted { "KILLED" } else { "FINISHED" };
        let body = json!({ "run_id": told.run_id, "status": status, "end_time": millis(time) });
        self.api.post("runs/update", &body).map(drop)
    }
}

impl Sink for MlFlow {
    fn name(&self) -> &'static str {
        "mlflow"
    }

    fn receive(&mut self, event: &Stamped) -> Result<()> {
        let iteration = iteration_of(&event.event);
        match &event.event {
            Event::RunStarted(run) => {
                self.seen = run.iteration;
                self.started = Some((event.time, run.clone()));
                return self.send();
            }
            Event::Iteration(_) => self.has_gap |= iteration != self.seen + 1,
            Event::Alarm(alarm) => {
                self.tags.push((format!("alarm.{}", alarm.id), format!("iteration {iteration}: {}", alarm.text)));
            }
            Event::Gate(gate) if gate.verdict == Verdict::Promoted => {
                self.tags.push(("best".into(), format!("iteration {}", gate.challenger)));
            }
            Event::Restored(restored) => {
                self.waiting.retain(|waiting| waiting.iteration <= iteration);
                self.left_out = None;
                if let Some(told) = &mut self.told {
                    told.iteration = told.iteration.min(iteration);
                    told.evaluation = told.evaluation.min(iteration);
                }
                self.seen = iteration;
                self.tags.push((format!("restored_to_iteration_{iteration}"), restored.text.clone()));
            }
            Event::RunEnded(end) => {
                self.send()?;
                if let Some(event) = self.left_out.take() {
                    self.push(&event, iteration_of(&event.event), false);
                    self.send_waiting()?;
                }
                return self.end(event.time, end.interrupted);
            }
            _ => {}
        }
        self.seen = self.seen.max(iteration);
        self.wait(event);
        if self.waiting.len() > WAITING {
            self.waiting.clear();
            self.has_gap = true;
        }
        if self.sent.is_none_or(|sent| sent.elapsed() >= LATENCY) { self.send() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.send()
    }

    fn takes_games(&self) -> bool {
        false
    }

    fn follows_files(&self) -> bool {
        true
    }
}

/// Iteration of an event whose numbers or tags are logged; 0 of others.
fn iteration_of(event: &Event) -> u64 {
    match event {
        Event::Iteration(metrics) => metrics.iteration,
        Event::Evaluation(evaluation) => evaluation.iteration,
        Event::Gate(gate) => gate.iteration,
        Event::Alarm(alarm) => alarm.iteration,
        Event::Restored(restored) => restored.iteration,
        _ => 0,
    }
}

/// Settings that differ, as `key = value` lines.
fn changes(old: &Settings, new: &Settings) -> String {
    let pairs = old.rows().into_iter().zip(new.rows()).filter(|(old, new)| old.value != new.value);
    let lines: Vec<String> = pairs.map(|(_, new)| format!("{} = {}", new.setting.key, new.value)).collect();
    lines.join("\n")
}

fn millis(seconds: f64) -> i64 {
    (1000.0 * seconds) as i64
}

/// The text, cut off where MLflow would refuse it.
fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(TAG_LENGTH)]
}

/// REST interface of a server.
struct Api {
    url: String,
    agent: ureq::Agent,
    authorization: Option<String>,
    retry: Retry,
}

impl Api {
    fn new(settings: &SinksSection) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs_f64(settings.timeout)))
            .http_status_as_error(false)
            .build();
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let basic = || {
            let name = variable("MLFLOW_TRACKING_USERNAME")?;
            let password = variable("MLFLOW_TRACKING_PASSWORD").unwrap_or_default();
            Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}"))))
        };
        Self {
            url: settings.mlflow.clone(),
            agent: config.new_agent(),
            authorization: variable("MLFLOW_TRACKING_TOKEN").map(|token| format!("Bearer {token}")).or_else(basic),
            retry: Retry::of(settings),
        }
    }

    /// Id of the experiment of this name, which is created if there is none.
    fn experiment(&self, name: &str) -> Result<String> {
        let id = |answer: &Json| {
            let id = answer["experiment"]["experiment_id"].as_str().or(answer["experiment_id"].as_str());
            id.map(ToOwned::to_owned).context("no experiment_id in MLflow's answer")
        };
        match self.call("experiments/get-by-name", &Request::Get("experiment_name", name))? {
            Answer::Absent => id(&self.post("experiments/create", &json!({ "name": name }))?),
            Answer::Found(answer) => id(&answer),
        }
    }

    fn post(&self, path: &str, body: &Json) -> Result<Json> {
        match self.call(path, &Request::Post(body))? {
            Answer::Found(answer) => Ok(answer),
            Answer::Absent => Err(anyhow!("{}: {path}: MLflow has no such run", self.url)),
        }
    }

    fn call(&self, path: &str, request: &Request) -> Result<Answer> {
        let attempt = || self.attempt(path, request);
        self.retry.run(attempt, std::thread::sleep).with_context(|| format!("{}: {path}", self.url))
    }

    fn attempt(&self, path: &str, request: &Request) -> Result<Answer, AttemptError> {
        let url = format!("{}/api/2.0/mlflow/{path}", self.url.trim_end_matches('/'));
        let authorization = self.authorization.as_deref();
        let sent = match request {
            Request::Get(key, value) => {
                let request = self.agent.get(url).query(key, value);
                authorization.into_iter().fold(request, |request, text| request.header("Authorization", text)).call()
            }
            Request::Post(body) => {
                let request = self.agent.post(url);
                let request =
                    authorization.into_iter().fold(request, |request, text| request.header("Authorization", text));
                request.send_json(body)
            }
        };
        let mut response = sent.map_err(|error| AttemptError::ForNow(error.into()))?;
        let status = response.status();
        let text = response.body_mut().read_to_string().map_err(|error| AttemptError::ForNow(error.into()))?;
        let answer = || serde_json::from_str::<Json>(&text);
        if status.is_success() {
            return answer().map(Answer::Found).map_err(|error| AttemptError::ForGood(Into::into(error)));
        }
        let known = answer().unwrap_or_default();
        if known["error_code"] == "RESOURCE_DOES_NOT_EXIST" {
            return Ok(Answer::Absent);
        }
        let message = known["message"].as_str().unwrap_or(&text);
        let error = anyhow!("{status}: {}", &message[..message.floor_char_boundary(500)]);
        let may_pass = status.is_server_error() || [408, 429].contains(&status.as_u16());
        Err(if may_pass { AttemptError::ForNow(error) } else { AttemptError::ForGood(error) })
    }
}

enum Request<'a> {
    /// Key and value of the only argument.
    Get(&'a str, &'a str),
    Post(&'a Json),
}

enum Answer {
    Found(Json),
    /// There is no such thing.
    Absent,
}
