//! Terminal: full-screen mode with keys, which is always left again: at the end, before an exit, when a thread panics, and when
//! the process is stopped.

use crate::view::{Theme, View};
use anyhow::{Context, Result};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use std::cell::Cell;
use std::io::{BufWriter, IsTerminal, Stderr, stderr};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Shortest time between two drawings.
const REDRAW: Duration = Duration::from_millis(200);

/// Longest time between two drawings, which moves clocks on.
const REST: Duration = Duration::from_secs(1);

/// Longest wait for a thread that writes to the terminal, before the terminal is left without it.
const PATIENCE: Duration = Duration::from_millis(500);

/// Mode of the terminal, one of the constants below.
static MODE: AtomicU8 = AtomicU8::new(LINES);

/// As other programs know it.
const LINES: u8 = 0;
/// Full screen, with every key read at once.
const FULL: u8 = 1;
/// Not to be drawn on any more.
const CLOSED: u8 = 2;

/// Held while the terminal is written to.
static WRITING: Mutex<()> = Mutex::new(());

thread_local! {
    /// Whether this thread draws: then it is not stuck if it leaves the screen while it holds [`WRITING`], but panics.
    static IS_WRITER: Cell<bool> = const { Cell::new(false) };
}

/// A key that was pressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// A letter or another character.
    Char(char),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-Z.
    Suspend,
}

/// Whether standard error is a terminal that can be drawn on, with this process in its foreground.
pub fn is_usable() -> bool {
    stderr().is_terminal() && std::env::var("TERM").is_ok_and(|term| term != "dumb") && is_foreground()
}

/// Theme for this terminal.
pub fn theme() -> Theme {
    Theme::of_environment(|name| std::env::var(name).ok())
}

/// Whether the terminal is in full-screen mode.
pub fn is_full() -> bool {
    MODE.load(Ordering::Relaxed) == FULL
}

/// Leaves full-screen mode for the rest of the process.
pub fn close() {
    leave(CLOSED);
}

/// Leaves full-screen mode for the rest of the process when it is dropped.
pub struct Closing;

impl Drop for Closing {
    fn drop(&mut self) {
        close();
    }
}

/// Leaves full-screen mode. A terminal that has gone away cannot be left, which nobody needs to know.
///
/// Where another thread is stuck in writing, as to a terminal that was stopped with Ctrl-S, nothing is written: that would wait
/// as well.
fn leave(next: u8) {
    let guard = writing_soon();
    if MODE.swap(next, Ordering::Relaxed) == FULL {
        if guard.is_some() || IS_WRITER.get() {
            let _ = execute!(stderr(), LeaveAlternateScreen, Show);
        }
        let _ = disable_raw_mode();
    }
}

/// The lock for writing, or none if another thread, or this one before it panicked, does not give it back.
fn writing_soon() -> Option<MutexGuard<'static, ()>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match WRITING.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(guard)) => return Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Full screen of this process.
struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stderr>>>,
}

impl Screen {
    fn open() -> Result<Self> {
        leave_when_a_thread_panics();
        IS_WRITER.set(true);
        let backend = CrosstermBackend::new(BufWriter::with_capacity(1 << 16, stderr()));
        Ok(Self { terminal: Terminal::new(backend).context("terminal")? })
    }

    /// Draws the view, unless the terminal belongs to another program just now.
    fn draw(&mut self, view: &Mutex<View>) -> Result<()> {
        let _guard = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_foreground() {
            // A shell has taken the terminal over, and has set its modes itself.
            let _ = MODE.compare_exchange(FULL, LINES, Ordering::Relaxed, Ordering::Relaxed);
            return Ok(());
        }
        match MODE.load(Ordering::Relaxed) {
            CLOSED => return Ok(()),
            LINES => {
                enable_raw_mode().context("terminal")?;
                MODE.store(FULL, Ordering::Relaxed);
                execute!(stderr(), EnterAlternateScreen, Hide).context("terminal")?;
                // Not `clear`, which asks the terminal where its cursor is and fails where there is no answer.
                let size = self.terminal.size().context("terminal")?;
                self.terminal.resize(size.into()).context("terminal")?;
            }
            _ => {}
        }
        let draw = |frame: &mut ratatui::Frame| lock(view).draw(now(), frame.area(), frame.buffer_mut());
        self.terminal.draw(draw).context("terminal")?;
        Ok(())
    }
}

/// Leaves full-screen mode before the message of a panic is printed; the next drawing enters it again if the process goes on.
fn leave_when_a_thread_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if is_full() {
                leave(LINES);
            }
            before(panic);
        }));
    });
}

/// Draws the view at most five times a second and reads keys between, until `update` or `on_key` breaks.
///
/// Both get the view. `update` is called before each drawing that is due. A run of this function ends in line mode.
///
/// # Errors
/// If the terminal has gone away or cannot be drawn on.
pub fn show(
    view: &Mutex<View>,
    mut update: impl FnMut(&mut View) -> ControlFlow<()>,
    mut on_key: impl FnMut(&mut View, Key) -> ControlFlow<()>,
) -> Result<()> {
    let mut keyboard = Keyboard::open()?;
    let mut screen = Screen::open()?;
    let _end = Ending;
    let mut drawn: Option<(Instant, u64)> = None;
    loop {
        let begin = Instant::now();
        let (flow, changes, is_moving) = {
            let mut view = lock(view);
            (update(&mut view), view.changes(), view.is_moving(now()))
        };
        if flow.is_break() {
            return Ok(());
        }
        if is_moving || drawn.is_none_or(|(at, seen)| seen != changes || at.elapsed() >= REST) {
            screen.draw(view)?;
            drawn = Some((begin, changes));
        }
        while let Some(wait) = REDRAW.checked_sub(begin.elapsed()) {
            let Some(key) = keyboard.wait(wait)? else { continue };
            if key == Key::Suspend {
                keyboard.suspend();
                drawn = None;
            } else if on_key(&mut lock(view), key).is_break() {
                return Ok(());
            }
        }
        if keyboard.is_suspended() {
            keyboard.suspend();
            drawn = None;
        }
    }
}

/// Goes back to line mode when it is dropped.
struct Ending;

impl Drop for Ending {
    fn drop(&mut self) {
        if is_full() {
            leave(LINES);
        }
    }
}

/// The view's lock. A panic while drawing leaves the view as it was: drawing does not change it.
fn lock(view: &Mutex<View>) -> MutexGuard<'_, View> {
    view.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The key of an event, if it is one that matters.
fn key_of(event: &Event) -> Option<Key> {
    let Event::Key(KeyEvent { code: KeyCode::Char(letter), modifiers, kind: KeyEventKind::Press, .. }) = event else {
        return None;
    };
    match (modifiers.contains(KeyModifiers::CONTROL), letter.to_ascii_lowercase()) {
        (true, 'c') => Some(Key::Interrupt),
        (true, 'z') => Some(Key::Suspend),
        (true, _) => None,
        (false, letter) => Some(Key::Char(letter)),
    }
}

#[cfg(unix)]
use self::unix::{Keyboard, is_foreground};

#[cfg(unix)]
mod unix {
    use super::{Key, LINES, event, is_full, key_of, leave};
    use anyhow::{Context, Result, bail};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use signal_hook::consts::SIGTSTP;
    use std::fs::File;
    use std::io::{IsTerminal, stderr, stdin};
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    /// Whether this process may write to its terminal and change its modes; a process in the background that tries is stopped.
    pub fn is_foreground() -> bool {
        match rustix::termios::tcgetpgrp(stderr()) {
            Ok(group) => group == rustix::process::getpgrp(),
            // Not the terminal that steers this process, so nobody stops it.
            Err(_) => true,
        }
    }

    /// Keys of the terminal, and the wish to stop the process (SIGTSTP).
    pub struct Keyboard {
        /// The terminal that keys come from; none if there is none.
        source: Option<OwnedFd>,
        is_suspended: Arc<AtomicBool>,
        signal: signal_hook::SigId,
    }

    impl Keyboard {
        pub fn open() -> Result<Self> {
            let source = if stdin().is_terminal() {
                Some(stdin().as_fd().try_clone_to_owned().context("standard input")?)
            } else {
                File::open("/dev/tty").ok().map(OwnedFd::from)
            };
            let is_suspended = Arc::new(AtomicBool::new(false));
            let signal = signal_hook::flag::register(SIGTSTP, is_suspended.clone()).context("SIGTSTP")?;
            Ok(Self { source, is_suspended, signal })
        }

        /// The next key, if one comes in time.
        ///
        /// # Errors
        /// If the terminal has gone away.
        pub fn wait(&mut self, time: Duration) -> Result<Option<Key>> {
            let Some(source) = self.source.as_ref().filter(|_| is_full()) else {
                std::thread::sleep(time);
                return Ok(None);
            };
            // What crossterm has read already.
            if event::poll(Duration::ZERO).context("terminal")? {
                return Ok(key_of(&event::read().context("terminal")?));
            }
            // crossterm would read on and on from a terminal that has gone away, so it is asked only while one is there.
            let ready = ready(source.as_fd(), time)?;
            if ready.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                bail!("the terminal has gone away");
            }
            if ready.contains(PollFlags::IN) && !event::poll(Duration::ZERO).context("terminal")? {
                // Half a key: its rest is to come.
                std::thread::sleep(Duration::from_millis(5).min(time));
            }
            Ok(None)
        }

        pub fn is_suspended(&self) -> bool {
            self.is_suspended.load(Ordering::Relaxed)
        }

        /// Leaves full-screen mode and stops the process, until it is told to go on.
        pub fn suspend(&mut self) {
            leave(LINES);
            self.is_suspended.store(false, Ordering::Relaxed);
            // Without job control nothing happens, and the next drawing enters full-screen mode again.
            let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
        }
    }

    impl Drop for Keyboard {
        fn drop(&mut self) {
            signal_hook::low_level::unregister(self.signal);
        }
    }

    /// What there is to be read.
    fn ready(source: BorrowedFd, time: Duration) -> Result<PollFlags> {
        let mut polled = [PollFd::from_borrowed_fd(source, PollFlags::IN)];
        let time = Timespec::try_from(time).context("a fifth of a second")?;
        match poll(&mut polled, Some(&time)) {
            Ok(_) => Ok(polled[0].revents()),
            // A signal, such as that of a new size.
            Err(rustix::io::Errno::INTR) => Ok(PollFlags::empty()),
            Err(error) => Err(error).context("terminal"),
        }
    }
}

#[cfg(not(unix))]
use self::elsewhere::{Keyboard, is_foreground};

#[cfg(not(unix))]
mod elsewhere {
    use super::{Key, event, is_full, key_of};
    use anyhow::{Context, Result};
    use std::time::Duration;

    pub fn is_foreground() -> bool {
        true
    }

    /// Keys of the terminal.
    pub struct Keyboard;

    #[expect(clippy::unused_self, reason = "on Unix it holds the terminal")]
    impl Keyboard {
        #[expect(clippy::unnecessary_wraps, reason = "it can fail on Unix")]
        pub fn open() -> Result<Self> {
            Ok(Self)
        }

        pub fn wait(&mut self, time: Duration) -> Result<Option<Key>> {
            if !is_full() {
                std::thread::sleep(time);
                return Ok(None);
            }
            let is_there = event::poll(time).context("terminal")?;
            Ok(if is_there { key_of(&event::read().context("terminal")?) } else { None })
        }

        pub fn is_suspended(&self) -> bool {
            false
        }

        pub fn suspend(&mut self) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_other_events() {
        let press = |letter, modifiers| Event::Key(KeyEvent::new(KeyCode::Char(letter), modifiers));
        let check = |event, expected| assert_eq!(key_of(&event), expected, "{event:?}");
        check(press('q', KeyModifiers::NONE), Some(Key::Char('q')));
        check(press('Q', KeyModifiers::SHIFT), Some(Key::Char('q')));
        check(press('?', KeyModifiers::SHIFT), Some(Key::Char('?')));
        check(press('c', KeyModifiers::CONTROL), Some(Key::Interrupt));
        check(press('z', KeyModifiers::CONTROL), Some(Key::Suspend));
        check(press('q', KeyModifiers::CONTROL), None);
        check(Event::Key(KeyEvent::new(KeyCode::Up, KeyModifiers::NONE)), None);
        check(Event::Resize(80, 24), None);
        let release = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        check(Event::Key(release), None);
    }
}
