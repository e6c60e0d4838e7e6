//! What is wrong with an argument: the program then ends with code 2, as for any other misuse of the command line.

use std::fmt;

/// A command-line argument that cannot be used, where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadArgument {
    /// The argument's name and place, as `SFEN` or `move 3`.
    pub argument: String,
    /// What was given.
    pub given: String,
    /// Why it cannot be used.
    pub reason: String,
}

impl BadArgument {
    /// `given` as `argument` cannot be used because of `reason`.
    pub fn new(argument: impl fmt::Display, given: &str, reason: impl fmt::Display) -> BadArgument {
        BadArgument { argument: argument.to_string(), given: given.to_owned(), reason: reason.to_string() }
    }
}

impl fmt::Display for BadArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}", self.argument, self.given, self.reason)
    }
}

impl std::error::Error for BadArgument {}
