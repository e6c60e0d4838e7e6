//! Errors in command-line arguments: the program then ends with code 2, as for any other misuse of the command line.

use std::fmt;

/// Command-line argument that cannot be used, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadArgument {
    /// Name of the argument, such as `SFEN` or `move 3`.
    pub argument: String,
    /// Text that was given.
    pub given: String,
    /// Reason why it cannot be used.
    pub reason: String,
}

impl BadArgument {
    /// Error: `given` cannot be used as `argument`, because of `reason`.
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
