//! Full-screen display of the run that this process trains, with keys that steer it.

use super::{Sink, line, read_run};
use crate::event::{Event, Stamped};
use crate::run::controls::Controls;
use crate::terminal::{self, Key, show};
use crate::view::{Activity, Meter, Role, Script, View};
use anyhow::{Context, Result, anyhow};
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time between two looks at the hardware.
const LOOK: Duration = Duration::from_secs(2);

/// Sink that keeps a view of the run, which a thread of its own draws.
///
/// A terminal that goes away is a failure of this sink and of nothing else: the run goes on, and the terminal is tried again as
/// any sink is.
pub struct Display {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<()>>>,
}

struct Shared {
    view: Mutex<View>,
    controls: Arc<Controls>,
    is_over: AtomicBool,
}

impl Shared {
    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Display {
    /// Display of a run that these controls steer. The terminal is taken with the first event.
    pub fn new(controls: Arc<Controls>) -> Self {
        let view = Mutex::new(View::new(Role::Trainer, terminal::theme(), Script::default()));
        Self { shared: Arc::new(Shared { view, controls, is_over: AtomicBool::new(false) }), thread: None }
    }

    /// Starts the thread that draws, or says why it has ended.
    fn keep_drawing(&mut self) -> Result<()> {
        if self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().map_err(|_| anyhow!("the display has panicked; the message is above"))??;
        }
        let shared = self.shared.clone();
        let draw = move || shared.draw();
        self.thread = Some(std::thread::Builder::new().name("display".into()).spawn(draw).context("display")?);
        Ok(())
    }
}

impl Sink for Display {
    fn name(&self) -> &'static str {
        "display"
    }

    fn receive(&mut self, event: &Stamped) -> Result<()> {
        if let Event::RunStarted(run) = &event.event
            && run.iteration > 0
        {
            // What the earlier parts of the run have told. It is read aside, so that drawing goes on meanwhile.
            let mut view = View::new(Role::Trainer, terminal::theme(), Script::default());
            for earlier in read_run(&run.directory)?.filter(|earlier| earlier.time < event.time) {
                view.note(&earlier);
            }
            *self.shared.view() = view;
        }
        self.shared.view().note(event);
        self.keep_drawing()
    }

    fn flush(&mut self) -> Result<()> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        // What must not go with the screen.
        let mut text = String::new();
        for alarm in self.shared.view().alarms() {
            text.extend(line(&Event::Alarm(alarm.clone())).map(|line| line + "\n"));
        }
        std::io::stderr().write_all(text.as_bytes()).context("standard error")?;
        ended.unwrap_or(Ok(Ok(()))).map_err(|_| anyhow!("the display has panicked; the message is above"))?
    }

    fn takes_games(&self) -> bool {
        false
    }
}

impl Shared {
    fn draw(&self) -> Result<()> {
        let mut meter = Meter::of_this_process();
        let mut looked: Option<Instant> = None;
        let update = |view: &mut View| {
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                view.set_hardware(meter.look());
                looked = Some(Instant::now());
            }
            view.set_activity(activity(view.activity(), &self.controls));
            if self.is_over.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        show(&self.view, update, |view, key| {
            press(view, key, &self.controls);
            ControlFlow::Continue(())
        })
    }
}

/// What the run does, with the user's wishes.
fn activity(told: Activity, controls: &Controls) -> Activity {
    match told {
        Activity::Ended | Activity::Stopped => told,
        _ if controls.is_stopping() => Activity::Stopping,
        Activity::Starting => told,
        _ if controls.is_paused() => Activity::Paused,
        _ => Activity::Training,
    }
}

/// Does what a key asks for.
fn press(view: &mut View, key: Key, controls: &Controls) {
    let mut say = |text| view.say(terminal::now(), text);
    match key {
        Key::Interrupt if controls.is_stopping() => {
            terminal::close();
            std::process::exit(130);
        }
        Key::Interrupt | Key::Char('q') => {
            controls.stop();
            say("stopping: the last whole iteration is saved; Ctrl-C ends at once");
        }
        Key::Char(' ') => {
            controls.toggle_pause();
            say(if controls.is_paused() { "paused after this iteration" } else { "goes on" });
        }
        Key::Char('e') => {
            controls.evaluate();
            say("an evaluation follows this iteration");
        }
        Key::Char('b') => {
            controls.show_next_game();
            say("another game follows with the next iteration");
        }
        Key::Char('l') => view.toggle_script(),
        Key::Char('?' | 'h') => view.toggle_help(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Theme;

    #[test]
    fn keys_steer_the_run() {
        let controls = Controls::default();
        let mut view = View::new(Role::Trainer, Theme::Plain, Script::Kanji);
        let mut type_in = |keys: &str| keys.chars().for_each(|key| press(&mut view, Key::Char(key), &controls));
        type_in(" e");
        assert!(controls.is_paused() && controls.take_evaluate() && !controls.is_stopping());
        type_in(" bbxl");
        assert!(!controls.is_paused() && controls.shown() == 2 && !controls.take_evaluate());
        type_in("q");
        assert!(controls.is_stopping());
    }

    #[test]
    fn the_activity_is_what_the_run_says_and_the_user_wishes() {
        let controls = Controls::default();
        assert_eq!(activity(Activity::Starting, &controls), Activity::Starting);
        assert_eq!(activity(Activity::Paused, &controls), Activity::Training);
        controls.toggle_pause();
        assert_eq!(activity(Activity::Training, &controls), Activity::Paused);
        controls.stop();
        assert_eq!(activity(Activity::Paused, &controls), Activity::Stopping);
        assert_eq!(activity(Activity::Stopped, &controls), Activity::Stopped);
    }
}
