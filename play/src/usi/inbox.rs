//! Lines of the GUI, with the time at which each came.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Line of the GUI.
#[derive(Clone, Debug)]
pub struct Line {
    /// Text without line break.
    pub text: String,
    /// Time at which it was read: clocks run from there.
    pub received: Instant,
}

/// Lines that have not been answered.
#[derive(Debug)]
pub struct Inbox {
    lines: Receiver<Line>,
    /// Lines that come before those of the channel.
    first: VecDeque<Line>,
}

/// Reason why there is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLine {
    /// None has come yet.
    Yet,
    /// The input has ended.
    Ended,
}

impl Inbox {
    /// An inbox for the lines of a channel.
    pub fn new(lines: Receiver<Line>) -> Inbox {
        Inbox { lines, first: VecDeque::new() }
    }

    /// The next line, waited for as long as it takes; `None` if the input has ended.
    pub fn next(&mut self) -> Option<Line> {
        self.first.pop_front().or_else(|| self.lines.recv().ok())
    }

    /// The next line if it comes within `time`.
    pub fn next_within(&mut self, time: Duration) -> Result<Line, NoLine> {
        match self.first.pop_front() {
            Some(line) => Ok(line),
            None => self.lines.recv_timeout(time).map_err(|error| match error {
                RecvTimeoutError::Timeout => NoLine::Yet,
                RecvTimeoutError::Disconnected => NoLine::Ended,
            }),
        }
    }

    /// Puts lines back, to be the next ones.
    pub fn put_back(&mut self, lines: Vec<Line>) {
        for line in lines.into_iter().rev() {
            self.first.push_front(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn lines_that_were_put_back_come_first() {
        let (sender, lines) = channel();
        let line = |text: &str| Line { text: text.to_owned(), received: Instant::now() };
        let mut inbox = Inbox::new(lines);
        sender.send(line("c")).unwrap();
        inbox.put_back(vec![line("a"), line("b")]);
        let text = |line: Option<Line>| line.map(|line| line.text);
        assert_eq!([text(inbox.next()), text(inbox.next())], ["a", "b"].map(|text| Some(text.to_owned())));
        assert_eq!(text(inbox.next_within(Duration::ZERO).ok()), Some("c".to_owned()));
        assert_eq!(inbox.next_within(Duration::ZERO).map(|line| line.text), Err(NoLine::Yet));
        drop(sender);
        assert_eq!(inbox.next_within(Duration::ZERO).map(|line| line.text), Err(NoLine::Ended));
        assert!(inbox.next().is_none());
    }
}
