//! [`Fault`]: why a checkpoint file cannot be resumed from.

use std::fmt;
use std::io;

/// Reason why a checkpoint file cannot be resumed from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The file cannot be read; it may be whole.
    Unreadable {
        /// Reason of the operating system.
        reason: String,
    },
    /// The bytes are not those that were written.
    Damaged {
        /// The first defect.
        reason: String,
    },
    /// The file is whole, but of a format that a later version of the program writes.
    Newer {
        /// Version of its format.
        version: u32,
    },
    /// The file is whole, but no run can go on from its numbers.
    Sick {
        /// The first defect.
        reason: String,
    },
}

impl Fault {
    /// Fault of a file that could not be read.
    pub(super) fn reading(error: &io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        Self::Unreadable { reason }
    }

    /// The fault in one word: `unreadable`, `damaged`, `newer` or `sick`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::Damaged { .. } => "damaged",
            Self::Newer { .. } => "newer",
            Self::Sick { .. } => "sick",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Unreadable { reason } | Self::Damaged { reason } | Self::Sick { reason } => f.write_str(reason),
            Self::Newer { version } => {
                let supported = super::VERSION;
                write!(f, "format version {version} is newer than {supported}, the newest that this program reads")
            }
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_permission_is_not_called_damaged() {
        let fault = |kind| Fault::reading(&io::Error::from(kind));
        let denied = fault(io::ErrorKind::PermissionDenied);
        assert_eq!((denied.word(), denied.to_string().as_str()), ("unreadable", "permission denied"));
        assert_eq!(fault(io::ErrorKind::IsADirectory).word(), "unreadable");
    }
}
