//! Sinks: receivers of the [events](crate::event) of a run, each on its own thread behind a bounded queue.
//!
//! No sink slows training or stops it. A sink that fails or panics is reported to the others and counted; after
//! [`Patience::failures`] failures in a row it rests for [`Patience::pause`], then it is tried again. A sink that hangs lets its
//! queue fill up; further events for it are dropped and counted.
//!
//! | sink | receives | goes to | feature |
//! |---|---|---|---|
//! | [`Journal`] | everything but games | `metrics.jsonl`, `events.jsonl` | |
//! | [`LogFile`] | everything but games | `log.txt` | |
//! | [`CurveFile`] | iterations, evaluations, alarms | `curve.svg` | |
//! | [`Plain`] | everything but games | standard error | |
//! | [`Display`] | everything but games | the terminal, in full-screen mode | |
//! | `TensorBoard` | iterations, evaluations, alarms, settings | `tensorboard/` | `tensorboard` |
//! | `Prometheus` | everything but games | whoever asks over HTTP | `prometheus` |
//! | `MlFlow` | iterations, evaluations, alarms, settings | a server | `mlflow` |
//! | `Wandb` | the files of `Journal` | wandb.ai, by a side process | `wandb` |
//! | `Uploads` | checkpoints, and the files of the others | a folder or a cloud's store | `store`, `store-s3`, … |
//!
//! The settings `[sinks]` say which of them a run has, see [`from_settings`]. A program that uses the library can add its own: ten
//! lines in `examples/own_sink.rs`.

mod curve;
mod jsonl;
mod plain;
mod display;
mod selection;
mod scalars;
mod retry;

#[cfg(feature = "tensorboard")]
mod tensorboard;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(feature = "mlflow")]
mod mlflow;
#[cfg(feature = "wandb")]
mod wandb;
#[cfg(feature = "store")]
mod store;

pub use self::curve::CurveFile;
pub use self::display::Display;
pub use self::jsonl::{Digests, Follower, Journal, read, read_run};
pub use self::plain::{LogFile, Plain, line};
pub use self::retry::{AttemptError, Retry};
pub use self::scalars::{TaggedNumber, Thinning, evaluation_scalars, scalars};
pub use self::selection::{Refused, StoreAddress, StoreKind, from_settings, refused};

#[cfg(feature = "mlflow")]
pub use self::mlflow::MlFlow;
#[cfg(feature = "prometheus")]
pub use self::prometheus::Prometheus;
#[cfg(feature = "store")]
pub use self::store::Uploads;
#[cfg(feature = "tensorboard")]
pub use self::tensorboard::TensorBoard;
#[cfg(feature = "wandb")]
pub use self::wandb::Wandb;

use crate::event::{Event, Notice, SinkFailure, Stamped};
use anyhow::{Result, anyhow};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Receiver of the events of a run.
pub trait Sink: Send {
    /// Name in messages and counters, such as `tensorboard`.
    fn name(&self) -> &str;

    /// Takes one event. Events come in the order in which they happened.
    ///
    /// # Errors
    /// If the sink cannot take it. The event is not offered again.
    fn receive(&mut self, event: &Stamped) -> Result<()>;

    /// Writes out what the sink holds back. Called once, when the run ends, and before each checkpoint if the sink
    /// [must keep up with checkpoints](Self::keeps_up).
    ///
    /// # Errors
    /// If it cannot be written.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    /// Whether what the sink writes must be on the disk before a checkpoint that follows it, so that a killed run resumes
    /// with both.
    fn keeps_up(&self) -> bool {
        false
    }

    /// Whether the sink receives the games that end, thousands a second on a GPU; the other events are a few an iteration.
    fn takes_games(&self) -> bool {
        true
    }

    /// Whether the sink reads the files that other sinks write, and therefore ends after them.
    fn follows_files(&self) -> bool {
        false
    }
}

/// Limits on a sink that fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// Failures in a row after which the sink rests.
    pub failures: u32,
    /// Length of the rest.
    pub pause: Duration,
    /// Events that may wait for the sink.
    pub queue: usize,
    /// Longest wait for a sink to keep up with a checkpoint.
    pub flush: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_mins(1), queue: 8192, flush: Duration::from_secs(3) }
    }
}

/// The sinks of a run.
pub struct Sinks {
    lanes: Vec<Lane>,
    failures: Failures,
    patience: Patience,
}

/// Failures that the threads of sinks have met and the other sinks are yet to be told of.
type Failures = Arc<Mutex<Vec<SinkFailure>>>;

/// Counters of one sink.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SinkCounters {
    /// Name of the sink.
    pub name: String,
    /// Events that it took.
    pub taken: u64,
    /// Events at which it failed.
    pub failures: u64,
    /// Events that it was not offered, because it rested or its queue was full.
    pub dropped: u64,
}

/// One sink with its queue and its thread.
struct Lane {
    name: String,
    keeps_up: bool,
    takes_games: bool,
    follows_files: bool,
    queue: SyncSender<Message>,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    taken: AtomicU64,
    failures: AtomicU64,
    dropped: AtomicU64,
    /// Whether the queue was full at the last event, or a wait for the sink ran out.
    stuck: AtomicBool,
}

enum Message {
    Event(Arc<Stamped>),
    /// Write out everything; the sender is dropped when that is done.
    Flush(#[expect(dead_code, reason = "it tells by being dropped")] SyncSender<()>),
}

impl Sinks {
    /// Starts a thread for each sink.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn start(sinks: Vec<Box<dyn Sink>>, patience: Patience) -> Result<Self> {
        let failures = Failures::default();
        let lane = |sink: Box<dyn Sink>| {
            let (name, keeps_up) = (sink.name().to_owned(), sink.keeps_up());
            let (takes_games, follows_files) = (sink.takes_games(), sink.follows_files());
            let (queue, messages) = sync_channel(patience.queue);
            let shared = Arc::new(Shared::default());
            let worker = Worker {
                name: name.clone(),
                sink,
                shared: shared.clone(),
                reports: failures.clone(),
                patience,
                in_row: 0,
                rests_until: None,
            };
            let thread =
                std::thread::Builder::new().name(format!("sink {name}")).spawn(move || worker.run(&messages))?;
            Ok(Lane { name, keeps_up, takes_games, follows_files, queue, shared, thread })
        };
        let lanes = sinks.into_iter().map(lane).collect::<Result<_>>()?;
        Ok(Self { lanes, failures, patience })
    }

    /// Gives an event to every sink, without waiting for any.
    pub fn send(&self, event: Event) {
        self.report_failures();
        self.offer(event);
    }

    fn offer(&self, event: Event) {
        let is_game = matches!(event, Event::GameEnded(_));
        let event = Arc::new(Stamped::now(event));
        for lane in self.lanes.iter().filter(|lane| lane.takes_games || !is_game) {
            lane.offer(&event, &self.failures);
        }
    }

    /// Tells the sinks of each other's failures.
    fn report_failures(&self) {
        let failures = std::mem::take(&mut *lock(&self.failures));
        for failure in failures {
            self.offer(Event::SinkFailed(failure));
        }
    }

    /// Waits until the sinks that [keep up](Sink::keeps_up) with checkpoints have written all events so far; a sink that hangs
    /// is waited for once.
    pub fn flush(&self) {
        self.report_failures();
        let deadline = Instant::now() + self.patience.flush;
        for lane in self.lanes.iter().filter(|lane| lane.keeps_up) {
            let (done, waits) = sync_channel(1);
            if lane.shared.stuck.load(Ordering::Relaxed) || lane.queue.try_send(Message::Flush(done)).is_err() {
                continue;
            }
            let ended = waits.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let is_late = matches!(ended, Err(std::sync::mpsc::RecvTimeoutError::Timeout));
            lane.shared.stuck.store(is_late, Ordering::Relaxed);
        }
    }

    /// Number of failures and drops of all sinks.
    pub fn failures(&self) -> u64 {
        self.counters().iter().map(|counters| counters.failures + counters.dropped).sum()
    }

    /// Counters of all sinks, in their order.
    pub fn counters(&self) -> Vec<SinkCounters> {
        self.lanes.iter().map(Lane::counters).collect()
    }

    /// Ends the sinks: waits until they have taken all events and written them out, `longest` for those that
    /// [follow files](Sink::follows_files) and as long as for a checkpoint for the others. One that hangs is left behind. The first
    /// sink, which should be the display, ends last, so that it can tell what is waited for.
    pub fn finish(self, longest: Duration) -> Vec<SinkCounters> {
        self.report_failures();
        let Self { lanes, failures, patience } = self;
        let (mut ends, mut display) = (Vec::new(), None);
        for (place, lane) in lanes.into_iter().enumerate() {
            let Lane { name, follows_files, queue, shared, thread, .. } = lane;
            let end = End { place, follows_files, queue: Some(queue), shared, thread, name };
            if place == 0 { display = Some(end) } else { ends.push(end) }
        }
        let tell = |display: &Option<End>, event: Event| {
            if let Some(End { queue: Some(queue), shared, .. }) = display
                && queue.try_send(Message::Event(Arc::new(Stamped::now(event)))).is_err()
            {
                shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
        };
        // A wait of zero is none: an interrupted run does not wait for servers.
        end_all(ends.iter_mut().filter(|end| !end.follows_files), Instant::now() + patience.flush);
        let begin = Instant::now();
        end_all(ends.iter_mut().filter(|end| end.follows_files), begin + longest.min(patience.flush));
        let unfinished = |end: &&End| end.follows_files && !end.thread.is_finished();
        let slow: Vec<&str> = ends.iter().filter(unfinished).map(|end| end.name.as_str()).collect();
        if !slow.is_empty() && longest > patience.flush {
            let (names, seconds) = (slow.join(", "), longest.saturating_sub(patience.flush).as_secs());
            tell(&display, Event::Notice(Notice { text: format!("waiting for {names}, {seconds} s at most") }));
            end_all(ends.iter_mut().filter(|end| end.follows_files), begin + longest);
        }
        for failure in std::mem::take(&mut *lock(&failures)) {
            tell(&display, Event::SinkFailed(failure));
        }
        end_all(display.iter_mut(), Instant::now() + patience.flush);
        ends.extend(display);
        ends.sort_by_key(|end| end.place);
        ends.into_iter().map(End::counters).collect()
    }
}

/// Sink that is to end.
struct End {
    place: usize,
    name: String,
    follows_files: bool,
    /// Its queue, until it is closed.
    queue: Option<SyncSender<Message>>,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

/// Closes the queues of some sinks, and waits for their threads until the deadline.
fn end_all<'a>(ends: impl Iterator<Item = &'a mut End>, deadline: Instant) {
    let ends: Vec<&mut End> = ends.collect();
    let threads: Vec<&JoinHandle<()>> = ends
        .into_iter()
        .map(|end| {
            end.queue = None;
            &end.thread
        })
        .collect();
    while threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl End {
    /// Its counters; one that has not ended has missed something.
    fn counters(self) -> SinkCounters {
        if !self.thread.is_finished() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.shared.counters(self.name)
    }
}

impl Lane {
    fn offer(&self, event: &Arc<Stamped>, reports: &Failures) {
        let sent = self.queue.try_send(Message::Event(event.clone()));
        let is_full = sent.is_err();
        if is_full {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        let was_full = self.shared.stuck.swap(is_full, Ordering::Relaxed);
        if is_full && !was_full {
            let error = match sent {
                Err(TrySendError::Full(_)) => "its queue is full: events are dropped until it takes one",
                _ => "its thread has ended",
            };
            let failures = self.shared.failures.load(Ordering::Relaxed);
            lock(reports).push(SinkFailure { sink: self.name.clone(), error: error.into(), failures, resting: false });
        }
    }

    fn counters(&self) -> SinkCounters {
        self.shared.counters(self.name.clone())
    }
}

impl Shared {
    fn counters(&self, name: String) -> SinkCounters {
        let [taken, failures, dropped] =
            [&self.taken, &self.failures, &self.dropped].map(|counter| counter.load(Ordering::Relaxed));
        SinkCounters { name, taken, failures, dropped }
    }
}

/// The side of a lane that runs on its thread.
struct Worker {
    name: String,
    sink: Box<dyn Sink>,
    shared: Arc<Shared>,
    reports: Failures,
    patience: Patience,
    /// Failures since the last event that was taken.
    in_row: u32,
    rests_until: Option<Instant>,
}

impl Worker {
    fn run(mut self, messages: &Receiver<Message>) {
        for message in messages {
            if self.rests_until.is_some_and(|until| Instant::now() < until) {
                if matches!(message, Message::Event(_)) {
                    self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                }
                continue;
            }
            self.rests_until = None;
            match &message {
                Message::Event(event) => self.attempt(|sink| sink.receive(event)),
                Message::Flush(_) => self.attempt(|sink| sink.flush()),
            }
        }
        if self.rests_until.is_none() {
            self.attempt(|sink| sink.flush());
        }
    }

    /// Runs `action`, with its errors and panics kept in and counted.
    fn attempt(&mut self, action: impl FnOnce(&mut dyn Sink) -> Result<()>) {
        let sink = self.sink.as_mut();
        let result = catch_unwind(AssertUnwindSafe(|| action(sink)))
            .unwrap_or_else(|panic| Err(anyhow!("it panicked: {}", text_of(panic.as_ref()))));
        let Err(error) = result else {
            self.shared.taken.fetch_add(1, Ordering::Relaxed);
            self.in_row = 0;
            return;
        };
        let failures = self.shared.failures.fetch_add(1, Ordering::Relaxed) + 1;
        self.in_row += 1;
        let resting = self.in_row >= self.patience.failures;
        if resting {
            // One failure after the rest is enough for the next one.
            self.in_row = self.patience.failures - 1;
            self.rests_until = Some(Instant::now() + self.patience.pause);
        }
        let sink = self.name.clone();
        lock(&self.reports).push(SinkFailure { sink, error: format!("{error:#}"), failures, resting });
    }
}

/// Message of a panic.
fn text_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

/// Lock of the failures; each change to them is whole, so a panic elsewhere has not spoilt them.
fn lock(failures: &Failures) -> std::sync::MutexGuard<'_, Vec<SinkFailure>> {
    failures.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::GameEnded;

    /// Sink that hands each event to a function.
    struct Each<F>(&'static str, F);

    impl<F: FnMut(&Event) -> Result<()> + Send> Sink for Each<F> {
        fn name(&self) -> &str {
            self.0
        }

        fn receive(&mut self, event: &Stamped) -> Result<()> {
            self.1(&event.event)
        }
    }

    /// Sink that keeps all events.
    fn keeper() -> (Arc<Mutex<Vec<Event>>>, Box<dyn Sink>) {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let all = kept.clone();
        let keep = move |event: &Event| {
            all.lock().expect("no sink panics here").push(event.clone());
            Ok(())
        };
        (kept, Box::new(Each("keeper", keep)))
    }

    fn notice(number: usize) -> Event {
        Event::Notice(Notice { text: number.to_string() })
    }

    fn wait_until(done: impl Fn() -> bool) {
        let begin = Instant::now();
        while !done() {
            assert!(begin.elapsed() < Duration::from_mins(1), "waited a minute");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Sends numbered notices until the counters are as wanted.
    fn send_until(sinks: &Sinks, number: &mut usize, done: impl Fn(&[SinkCounters]) -> bool) {
        let begin = Instant::now();
        while !done(&sinks.counters()) {
            assert!(begin.elapsed() < Duration::from_mins(1), "{:?}", sinks.counters());
            sinks.send(notice(*number));
            *number += 1;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn patience(queue: usize) -> Patience {
        Patience { failures: 3, pause: Duration::from_millis(40), queue, flush: Duration::from_millis(200) }
    }

    #[test]
    fn a_clean_run_delivers_everything_in_order_and_counts_no_failure() {
        let (kept, sink) = keeper();
        let sinks = Sinks::start(vec![sink], patience(1000)).expect("threads");
        (0..500).for_each(|number| sinks.send(notice(number)));
        assert_eq!(sinks.failures(), 0);
        let counters = sinks.finish(Duration::from_secs(1));
        // The last one is the flush at the end.
        assert_eq!(counters, [SinkCounters { name: "keeper".into(), taken: 501, failures: 0, dropped: 0 }]);
        assert_eq!(*kept.lock().expect("kept"), (0..500).map(notice).collect::<Vec<_>>());
    }

    #[test]
    fn sinks_that_fail_or_panic_are_reported_rest_and_are_tried_again() {
        let (kept, sink) = keeper();
        let mut tries = 0;
        let fails = Each("fails", move |_: &Event| {
            tries += 1;
            if tries <= 3 { Err(anyhow!("no network")) } else { Ok(()) }
        });
        let panics = Each("panics", |_: &Event| panic!("a defect"));
        let sinks = Sinks::start(vec![sink, Box::new(fails), Box::new(panics)], patience(1000)).expect("threads");
        let mut number = 0;
        send_until(&sinks, &mut number, |counters| counters[1].taken > 0 && counters[2].failures > 3);
        let counters = sinks.finish(Duration::from_secs(1));
        assert_eq!((counters[0].failures, counters[0].dropped), (0, 0));
        assert_eq!(counters[1].failures, 3, "it works after the rest");
        assert!(counters[1].dropped > 0 && counters[2].dropped > 0, "they rested: {counters:?}");
        let kept = kept.lock().expect("kept");
        let told = |name: &str, text: &str, rests: bool| {
            kept.iter().any(|event| {
                matches!(event, Event::SinkFailed(SinkFailure { sink, error, resting, .. })
                    if sink == name && error.contains(text) && *resting == rests)
            })
        };
        assert!(told("fails", "no network", false) && told("fails", "no network", true), "{kept:?}");
        assert!(told("panics", "it panicked: a defect", true));
        assert!((0..number).all(|number| kept.contains(&notice(number))), "the other sink got everything");
    }

    #[test]
    fn a_sink_that_hangs_holds_nobody_up() {
        let (kept, sink) = keeper();
        let (release, released) = sync_channel::<()>(0);
        let (enter, entered) = sync_channel::<()>(1);
        let hangs = Each("hangs", move |_: &Event| {
            enter.send(()).ok();
            released.recv().ok();
            Ok(())
        });
        let sinks = Sinks::start(vec![sink, Box::new(hangs)], patience(8)).expect("threads");
        for number in 1..=100 {
            sinks.send(notice(number));
            sinks.flush();
            if number == 1 {
                // A thread that starts late would take one event from a full queue, which would then be full twice.
                entered.recv().expect("it hangs with the first event");
            }
            wait_until(|| sinks.counters()[0].taken >= number as u64);
        }
        let begin = Instant::now();
        let counters = sinks.finish(Duration::from_secs(1));
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        assert!(counters[1].dropped > 80 && counters[1].taken == 0, "{counters:?}");
        let kept = kept.lock().expect("kept");
        assert!((1..=100).all(|number| kept.contains(&notice(number))));
        let reports = kept.iter().filter(|event| matches!(event, Event::SinkFailed(_))).count();
        assert_eq!(reports, 1, "the queue is full once");
        drop(release);
    }

    #[test]
    fn games_go_only_to_those_who_take_them() {
        struct Others(Arc<AtomicU64>);
        impl Sink for Others {
            fn name(&self) -> &'static str {
                "others"
            }

            fn receive(&mut self, _: &Stamped) -> Result<()> {
                self.0.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }

            fn takes_games(&self) -> bool {
                false
            }
        }
        let (kept, sink) = keeper();
        let count = Arc::new(AtomicU64::new(0));
        let sinks = Sinks::start(vec![sink, Box::new(Others(count.clone()))], patience(1000)).expect("threads");
        sinks.send(Event::GameEnded(GameEnded { iteration: 1, plies: 9, winner: None, reason: "repetition".into() }));
        sinks.send(notice(1));
        sinks.finish(Duration::ZERO);
        assert_eq!((kept.lock().expect("kept").len(), count.load(Ordering::Relaxed)), (2, 1));
    }

    #[test]
    fn sinks_that_follow_files_end_after_the_others_and_are_waited_for() {
        struct Slow(&'static str, bool, Duration, Arc<Mutex<Vec<&'static str>>>);
        impl Sink for Slow {
            fn name(&self) -> &str {
                self.0
            }

            fn receive(&mut self, _: &Stamped) -> Result<()> {
                Ok(())
            }

            fn flush(&mut self) -> Result<()> {
                std::thread::sleep(self.2);
                self.3.lock().expect("no panic").push(self.0);
                if self.0 == "uploads" { Err(anyhow!("half of it")) } else { Ok(()) }
            }

            fn follows_files(&self) -> bool {
                self.1
            }
        }
        let order = Arc::new(Mutex::new(Vec::new()));
        let slow = |name, follows, millis| -> Box<dyn Sink> {
            Box::new(Slow(name, follows, Duration::from_millis(millis), order.clone()))
        };
        let (kept, display) = keeper();
        let all = vec![display, slow("uploads", true, 300), slow("hangs", true, 60_000), slow("writes", false, 100)];
        let sinks = Sinks::start(all, patience(1000)).expect("threads");
        let begin = Instant::now();
        let counters = sinks.finish(Duration::from_millis(1500));
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
        assert_eq!(*order.lock().expect("no panic"), ["writes", "uploads"]);
        let found: Vec<(&str, u64, u64)> =
            counters.iter().map(|counters| (counters.name.as_str(), counters.failures, counters.dropped)).collect();
        assert_eq!(found, [("keeper", 0, 0), ("uploads", 1, 0), ("hangs", 0, 1), ("writes", 0, 0)]);
        let kept = format!("{:?}", kept.lock().expect("kept"));
        assert!(kept.contains("waiting for uploads, hangs, 1 s at most") && kept.contains("half of it"), "{kept}");
    }
}
