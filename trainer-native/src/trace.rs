//! Tracing: how long each phase of training takes, as lines of a log and as a trace for Perfetto or Chrome.
//!
//! | span        | level | phase                                                                     |
//! |-------------|-------|---------------------------------------------------------------------------|
//! | `measure`   | info  | iterations beside the run, which tell how fast this machine is            |
//! | `iteration` | info  | an iteration, of which the next three are parts                           |
//! | `collect`   | debug | self-play                                                                 |
//! | `estimate`  | debug | advantages and targets                                                    |
//! | `update`    | debug | gradient steps                                                            |
//! | `evaluate`  | info  | match against a known player                                              |
//! | `save`      | info  | files of a checkpoint                                                     |
//!
//! Nothing listens unless [`TraceArgs::install`] is asked to: a span then costs the load of one atomic.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Environment variable that stands for `--log`.
const LOG: &str = "KEISEI_LOG";

/// What is listened to, and where it is written.
#[derive(clap::Args, Debug)]
pub struct TraceArgs {
    /// Log each phase of training as it ends, in plain lines: info, debug, or levels of modules, such as `trainer_native=debug`
    /// [default: the environment variable `KEISEI_LOG`, else no log]
    #[arg(long, value_name = "LEVEL", value_parser = filter)]
    pub log: Option<Targets>,
    /// Write when each phase of training began and ended, for <https://ui.perfetto.dev>
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

impl TraceArgs {
    /// Levels to log, if any.
    ///
    /// # Errors
    /// If the environment variable names no level.
    pub fn log(&self) -> Result<Option<Targets>> {
        if self.log.is_some() {
            return Ok(self.log.clone());
        }
        let text = std::env::var(LOG).unwrap_or_default();
        if text.is_empty() {
            return Ok(None);
        }
        let named = filter(&text).map_err(|error| anyhow::anyhow!("environment variable {LOG}={text}: {error}"))?;
        Ok(Some(named))
    }

    /// Listens from now on, in all threads of this process.
    ///
    /// # Errors
    /// If the trace cannot be created, the environment variable names no level, or something else listens already.
    pub fn install(&self) -> Result<Tracing> {
        let log = self.log()?.map(|levels| {
            let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_span_events(FmtSpan::CLOSE);
            // A line that nobody can read must not end the run.
            lines.log_internal_errors(false).with_filter(levels)
        });
        let file = self.trace.as_deref().map(TraceFile::create).transpose()?.map(|file| Arc::new(Mutex::new(file)));
        if log.is_some() || file.is_some() {
            let own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), LevelFilter::TRACE);
            let chrome = file.clone().map(|file| Chrome { file, begin: Instant::now() }.with_filter(own));
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(log).with(chrome))
                .context("logging")?;
        }
        Ok(Tracing { file })
    }
}

/// Levels of a log, by module or for all.
fn filter(text: &str) -> Result<Targets, String> {
    // A word that is no level would be taken for a module, and nothing for a level.
    let is_level = |part: &str| !part.is_empty() && part.parse::<LevelFilter>().is_ok();
    let is_word = |part: &&str| !part.contains('=') && !is_level(part.trim());
    match text.split(',').find(is_word) {
        Some(word) => Err(format!("no level {word:?}; there are off, error, warn, info, debug, trace")),
        None => text.parse().map_err(|error: tracing_subscriber::filter::ParseError| error.to_string()),
    }
}

/// Trace in progress, if one was asked for; it is complete once this is dropped.
pub struct Tracing {
    file: Option<Arc<Mutex<TraceFile>>>,
}

impl Tracing {
    /// Completes the trace; returns a line for the user that says where it is.
    pub fn finish(&self) -> String {
        self.file.as_ref().map_or(String::new(), |file| lock(file).finish())
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        self.finish();
    }
}

/// File of a trace: an array in JSON, which readers take without its end too, as a killed run leaves it.
struct TraceFile {
    path: PathBuf,
    /// None once it is complete or an error occurred.
    file: Option<File>,
    error: Option<io::Error>,
}

impl TraceFile {
    fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("{}: cannot create", path.display()))?;
        let mut trace = Self { path: path.to_owned(), file: Some(file), error: None };
        let process = json!({ "name": "process_name", "ph": "M", "pid": 1, "args": { "name": "trainer-native" } });
        trace.write(&format!("[\n{process}"));
        Ok(trace)
    }

    /// Writes `text`, whole at once; after an error nothing more.
    fn write(&mut self, text: &str) {
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(text.as_bytes())
        {
            self.file = None;
            self.error = Some(error);
        }
    }

    fn finish(&mut self) -> String {
        self.write("\n]\n");
        self.file = None;
        match &self.error {
            None => format!("trace {}\n", self.path.display()),
            Some(error) => format!("trace {}: could not be written: {error}\n", self.path.display()),
        }
    }
}

/// Lock of the file; each change to it is whole, so a panic elsewhere has not spoilt it.
fn lock(file: &Mutex<TraceFile>) -> std::sync::MutexGuard<'_, TraceFile> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Layer that writes each span once it has ended, as a complete event of Chrome's trace format.
struct Chrome {
    file: Arc<Mutex<TraceFile>>,
    begin: Instant,
}

/// What is kept of a span until it ends.
struct Begun {
    at: Instant,
    arguments: Arguments,
}

/// Fields of a span.
struct Arguments(Map<String, Value>);

impl Visit for Arguments {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Chrome {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut arguments = Arguments(Map::new());
        attributes.record(&mut arguments);
        span.extensions_mut().insert(Begun { at: Instant::now(), arguments });
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(Begun { at, arguments }) = span.extensions_mut().remove() else { return };
        let micros = |from: Instant, to: Instant| (to - from).as_nanos() as f64 / 1000.0;
        let (thread, is_new) = this_thread();
        let mut text = String::new();
        if is_new {
            let name = std::thread::current().name().unwrap_or("without a name").to_owned();
            let named = json!({ "name": "thread_name", "ph": "M", "pid": 1, "tid": thread, "args": { "name": name } });
            text = format!(",\n{named}");
        }
        let event = json!({
            "name": span.name(), "cat": span.metadata().target(), "ph": "X", "pid": 1, "tid": thread,
            "ts": micros(self.begin, at), "dur": micros(at, Instant::now()), "args": arguments.0,
        });
        lock(&self.file).write(&format!("{text},\n{event}"));
    }
}

/// Number of this thread in traces, and whether it gets it only now.
fn this_thread() -> (u64, bool) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! { static NUMBER: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) } }
    NUMBER.with(|number| {
        if let Some(known) = number.get() {
            return (known, false);
        }
        let new = NEXT.fetch_add(1, Ordering::Relaxed);
        number.set(Some(new));
        (new, true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_names_of_levels_or_told_why_not() {
        for text in ["info", "DEBUG", "warn,trainer_native=debug", "off"] {
            assert!(filter(text).is_ok(), "{text}");
        }
        for (text, part) in [("verbose", "\"verbose\""), ("info,trainer_native", "\"trainer_native\""), ("", "\"\"")] {
            let error = filter(text).expect_err(text);
            assert!(error.contains(part) && error.contains("off, error, warn, info, debug, trace"), "{error}");
        }
        assert!(filter("trainer_native=loud").is_err());
    }
}
