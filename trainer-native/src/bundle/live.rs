//! Live bundle: runs that go on, as a bundle in memory that a browser follows by server-sent events.
//!
//! | address | answer |
//! |---|---|
//! | `/runs/run.json` | the manifest, which names `events` |
//! | `/runs/events` | event stream: each new manifest as an event `manifest`, the current one first |
//! | `/runs/CHUNK` | a chunk of one of the last few manifests |
//!
//! A thread reads the runs' files; it needs nothing of the processes that train, and outlives them: a run that is resumed or
//! begins anew in its directory is read again.

use super::chunk::json;
use super::format::{MANIFEST, Manifest};
use super::games::{GameFile, Games, files_of};
use super::{MOST_GAMES, Teller, distinguish};
use crate::sinks::Follower;
use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path as PathOf, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// Time between two looks at the files.
const LOOK: Duration = Duration::from_millis(500);

/// Longest time that a look spends on games: the curves are to go on.
const MOST_ON_GAMES: Duration = Duration::from_millis(400);

/// Manifests whose chunks are still served: a browser may be fetching those of an older one.
const REMEMBERED: usize = 8;

/// Time after which a browser that lost the stream asks for it again.
const RETRY: Duration = Duration::from_secs(1);

/// Header that keeps the files of a run that goes on out of caches, which would fill with those of every second.
const NOT_KEPT: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

/// The bundle at one moment.
struct Moment {
    /// Number of the moment, counted from 1.
    number: u64,
    manifest: String,
    chunks: HashMap<String, Arc<[u8]>>,
}

type Moments = Arc<Mutex<VecDeque<Arc<Moment>>>>;

/// Bundle of runs that go on, and the thread that reads them. It ends when this is dropped, and so do the streams.
pub struct Live {
    moments: Moments,
    newest: watch::Receiver<Arc<Moment>>,
    is_over: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Live {
    /// Begins to read the runs in these directories.
    ///
    /// # Errors
    /// If there is no run in one of them, or its files cannot be read.
    pub fn start(directories: &[PathBuf]) -> Result<Self> {
        let mut runs: Vec<Followed> = directories.iter().map(|path| Followed::open(path)).collect::<Result<_>>()?;
        for run in &mut runs {
            run.look(Instant::now());
        }
        let first = Arc::new(moment(&runs, 1)?);
        let moments = Moments::new(Mutex::new([first.clone()].into()));
        let (sender, newest) = watch::channel(first);
        let is_over = Arc::new(AtomicBool::new(false));
        let (kept, over) = (moments.clone(), is_over.clone());
        let reader = std::thread::Builder::new().name("runs".into()).spawn(move || {
            let mut number = 1;
            while !over.load(Ordering::Relaxed) {
                std::thread::park_timeout(LOOK);
                let until = Instant::now() + MOST_ON_GAMES;
                let mut has_news = false;
                for run in &mut runs {
                    has_news |= run.look(until);
                }
                if !has_news {
                    continue;
                }
                match moment(&runs, number + 1) {
                    Ok(moment) => {
                        number += 1;
                        let moment = Arc::new(moment);
                        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                        kept.push_front(moment.clone());
                        kept.truncate(REMEMBERED);
                        drop(kept);
                        sender.send_replace(moment);
                    }
                    Err(error) => tracing::warn!("the page of the runs is not brought up to date: {error:#}"),
                }
            }
        });
        Ok(Self { moments, newest, is_over, reader: Some(reader.context("thread that reads the runs")?) })
    }

    /// Router for the addresses above.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/runs/events", get(events))
            .route("/runs/{file}", get(file))
            .with_state((self.moments.clone(), self.newest.clone()))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            reader.thread().unpark();
            // A panic of the thread has been reported by itself.
            drop(reader.join());
        }
    }
}

type Shared = State<(Moments, watch::Receiver<Arc<Moment>>)>;

async fn events(State((_, newest)): Shared) -> impl IntoResponse {
    Sse::new(manifests(newest)).keep_alive(KeepAlive::default())
}

/// The current manifest, then each new one; ends with the reader.
fn manifests(newest: watch::Receiver<Arc<Moment>>) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((newest, true), |(mut newest, is_first)| async move {
        if !is_first {
            newest.changed().await.ok()?;
        }
        let moment = newest.borrow_and_update().clone();
        let event =
            Event::default().event("manifest").id(moment.number.to_string()).retry(RETRY).data(&moment.manifest);
        Some((Ok(event), (newest, false)))
    })
}

async fn file(PathOf(name): PathOf<String>, State((moments, _)): Shared) -> Response {
    let moments = moments.lock().unwrap_or_else(PoisonError::into_inner);
    if name == MANIFEST {
        let manifest = moments.front().map(|moment| moment.manifest.clone()).unwrap_or_default();
        return ([(CONTENT_TYPE, "application/json"), NOT_KEPT], manifest).into_response();
    }
    let kind = if Path::new(&name).extension().is_some_and(|extension| extension == "json") {
        "application/json"
    } else {
        "application/octet-stream"
    };
    match moments.iter().find_map(|moment| moment.chunks.get(&name)) {
        Some(bytes) => ([(CONTENT_TYPE, kind), NOT_KEPT], bytes.to_vec()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn moment(runs: &[Followed], number: u64) -> Result<Moment> {
    let mut chunks = HashMap::new();
    let mut put = |name: &str, bytes: Arc<[u8]>| {
        chunks.insert(name.to_owned(), bytes);
        Ok(())
    };
    let mut entries = runs.iter().map(|run| run.teller.entry(&run.games, &mut put)).collect::<Result<Vec<_>>>()?;
    distinguish(&mut entries);
    let manifest = Manifest { events: Some("events".into()), runs: entries, ..Manifest::now() };
    let manifest = String::from_utf8(json(&manifest)?).context("JSON is UTF-8")?;
    Ok(Moment { number, manifest, chunks })
}

/// A run whose files are read while it goes on.
struct Followed {
    directory: PathBuf,
    teller: Teller,
    follower: Follower,
    games: Games,
    /// Record files that `games` holds, as they were.
    read: Vec<(GameFile, Option<SystemTime>)>,
}

impl Followed {
    fn open(directory: &Path) -> Result<Self> {
        let teller = Teller::of(directory)?;
        let follower = Follower::open(directory)?;
        Ok(Self { directory: directory.to_owned(), teller, follower, games: Games::new(MOST_GAMES), read: Vec::new() })
    }

    /// Reads what is new; after the time `until` no more games. Whether anything was.
    fn look(&mut self, until: Instant) -> bool {
        let mut has_news = false;
        if self.follower.is_replaced() {
            // Between two lives of a run there may be none in its directory: the next look tries again.
            let Ok(again) = Self::open(&self.directory) else { return false };
            *self = again;
            has_news = true;
        }
        while let Some(event) = self.follower.next_event() {
            self.teller.note(event);
            has_news = true;
        }
        has_news |= self.teller.conclude();
        has_news | self.look_at_games(until)
    }

    fn look_at_games(&mut self, until: Instant) -> bool {
        let Ok(files) = files_of(&self.directory) else { return false };
        let found: Vec<_> = files
            .into_iter()
            .map(|file| {
                let changed = file.path.metadata().and_then(|metadata| metadata.modified()).ok();
                (file, changed)
            })
            .collect();
        let mut has_news = false;
        if !found.starts_with(&self.read) {
            (self.games, self.read) = (Games::new(MOST_GAMES), Vec::new());
            has_news = true;
        }
        for (file, changed) in &found[self.read.len()..] {
            if let Err(error) = self.games.add_file(file) {
                tracing::warn!("its games are not shown: {error:#}");
            }
            self.read.push((file.clone(), *changed));
            has_news = true;
            if Instant::now() >= until {
                break;
            }
        }
        has_news
    }
}
