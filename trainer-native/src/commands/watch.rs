//! `trainer-native watch`: the display of a run that another process trains, or that has ended.

use crate::event::{Event, RunStarted, Stamped};
use crate::history::{History, is_run};
use crate::run::directory::{behind_link, holder, is_locked};
use crate::sinks::{Follower, line};
use crate::terminal::{self, Key, show};
use crate::view::{Activity, Meter, Role, Script, Theme, View, svg, text};
use anyhow::{Context, Result, bail};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Time between two looks at the files and the machine.
const LOOK: Duration = Duration::from_secs(1);

/// Seconds without an event after which the run is asked whether it is still alive.
const SILENCE: f64 = 10.0;

/// `trainer-native watch`
#[derive(clap::Args, Debug)]
pub struct WatchArgs {
    /// Directory of the run
    #[arg(default_value = crate::run::directory::LATEST)]
    pub run: PathBuf,
    /// Write the screen as it is now to this file instead: a picture if it ends in .svg, else text
    #[arg(long, value_name = "FILE")]
    pub picture: Option<PathBuf>,
    /// Columns and rows of the picture
    #[arg(long, value_name = "COLUMNSxROWS", default_value = "120x40", value_parser = size)]
    pub size: (u16, u16),
}

/// Largest picture, in columns and in rows.
const LARGEST: u16 = 1000;

fn size(text: &str) -> Result<(u16, u16), String> {
    let parts = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let fits = |&(width, height): &(u16, u16)| (1..=LARGEST).contains(&width) && (1..=LARGEST).contains(&height);
    parts.filter(fits).ok_or_else(|| format!("expected columns and rows from 1 to {LARGEST}, such as 120x40"))
}

/// Shows the run until the user leaves; `print` receives lines where standard error is no terminal, until the run ends.
///
/// # Errors
/// If there is no run, or its files or the terminal cannot be used.
pub fn run(args: &WatchArgs, print: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let directory = behind_link(&args.run);
    if !is_run(&directory) {
        bail!("{}: no run there to watch", args.run.display());
    }
    match &args.picture {
        Some(file) => picture(&directory, args.size, file),
        None if terminal::is_usable() => on_screen(&directory),
        None => as_lines(&directory, print),
    }
}

/// View that has taken all events so far.
fn whole_view(directory: &Path, theme: Theme) -> Result<(View, Follower)> {
    let mut view = View::new(Role::Watcher, theme, Script::default());
    let mut follower = Follower::open(directory)?;
    while let Some(event) = follower.next_event() {
        view.note(&under_its_name(event, directory));
    }
    Ok((view, follower))
}

/// The event, with the directory where the run lies now.
fn under_its_name(event: Stamped, directory: &Path) -> Stamped {
    let Stamped { time, event } = event;
    let event = match event {
        Event::RunStarted(run) => Event::RunStarted(Box::new(RunStarted { directory: directory.to_owned(), ..*run })),
        event => event,
    };
    Stamped { time, event }
}

fn picture(directory: &Path, (width, height): (u16, u16), file: &Path) -> Result<()> {
    let (mut view, _) = whole_view(directory, Theme::Colored)?;
    view.set_activity(History::glance(directory)?.activity);
    view.set_hardware(Meter::of(holder(directory)).look());
    let now = view.last_told();
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    view.draw(now + LOOK.as_secs_f64(), area, &mut buffer);
    let about = "The display of a run: its progress, a game of self-play, curves, endings, time and evaluations";
    let is_svg = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
    let content = if is_svg { svg(&buffer, about) } else { text(&buffer) };
    std::fs::write(file, content).with_context(|| file.display().to_string())
}

fn on_screen(directory: &Path) -> Result<()> {
    let _closing = terminal::Closing;
    let (view, mut follower) = whole_view(directory, terminal::theme())?;
    let view = Mutex::new(view);
    let mut meter = Meter::of(holder(directory));
    let mut looked: Option<Instant> = None;
    let update = |view: &mut View| {
        if looked.is_none_or(|at| at.elapsed() >= LOOK) {
            if follower.is_replaced()
                && let Ok((again, files)) = whole_view(directory, terminal::theme())
            {
                (*view, follower) = (again, files);
            }
            while let Some(event) = follower.next_event() {
                view.note(&under_its_name(event, directory));
            }
            if looked.is_none() || terminal::now() - view.last_told() > SILENCE {
                view.set_activity(activity(view.activity(), directory));
                meter = Meter::of(holder(directory));
            }
            view.set_hardware(meter.look());
            looked = Some(Instant::now());
        }
        ControlFlow::Continue(())
    };
    show(&view, update, |view, key| {
        match key {
            Key::Interrupt | Key::Char('q') => return ControlFlow::Break(()),
            Key::Char('l') => view.toggle_script(),
            Key::Char('?' | 'h') => view.toggle_help(),
            _ => {}
        }
        ControlFlow::Continue(())
    })
}

/// What a run does that has been silent for a while.
fn activity(told: Activity, directory: &Path) -> Activity {
    match told {
        Activity::Ended | Activity::Stopped => told,
        _ if !is_locked(directory) => Activity::Killed,
        Activity::Killed => Activity::Training,
        _ => told,
    }
}

/// Prints a line for each event, as `tail -f log.txt` would.
fn as_lines(directory: &Path, mut print: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let mut follower = Follower::open(directory)?;
    loop {
        let is_alive = is_locked(directory);
        while let Some(event) = follower.next_event() {
            if let Some(line) = line(&event.event) {
                print(&(line + "\n"))?;
            }
        }
        if !is_alive {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_columns_and_rows() {
        assert_eq!(size("80x24"), Ok((80, 24)));
        for bad in ["", "80", "80x", "x24", "0x24", "80x1001", "-1x4", "80x24x2"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_silent_run_is_killed_unless_somebody_holds_its_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(activity(Activity::Training, folder.path()), Activity::Killed);
        assert_eq!(activity(Activity::Ended, folder.path()), Activity::Ended);
        let lock = std::fs::File::create(folder.path().join("lock")).expect("created");
        lock.try_lock().expect("free");
        assert_eq!(activity(Activity::Training, folder.path()), Activity::Training);
        assert_eq!(activity(Activity::Killed, folder.path()), Activity::Training);
        if cfg!(target_os = "linux") {
            assert_eq!(holder(folder.path()), Some(std::process::id()));
        }
    }
}
