//! The formats by name.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::csa::{self, Version};
use super::kakinoki::{self, ki2, kif};
use super::lines::holds;
use super::moves::japanese::take_side;
use super::reading::Parsed;
use super::tree::GameTree;
use super::{jkf, usen, usi};

/// Format of game records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// KIF, and board diagrams.
    Kif,
    /// KI2.
    Ki2,
    /// CSA 2.2; every version is read.
    Csa2,
    /// CSA 3; every version is read.
    Csa3,
    /// JKF 1.0.
    Jkf,
    /// USI's `position` command, or SFEN.
    Usi,
    /// USEN.
    Usen,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 7] =
        [Format::Kif, Format::Ki2, Format::Csa2, Format::Csa3, Format::Jkf, Format::Usi, Format::Usen];

    /// Name: `kif`, `ki2`, `csa2`, `csa3`, `jkf`, `usi`, `usen`.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Kif => "kif",
            Format::Ki2 => "ki2",
            Format::Csa2 => "csa2",
            Format::Csa3 => "csa3",
            Format::Jkf => "jkf",
            Format::Usi => "usi",
            Format::Usen => "usen",
        }
    }

    /// Format with this name or file name extension, in lower case; `csa` is version 3.
    pub fn from_name(name: &str) -> Option<Format> {
        Some(match name {
            "kif" | "kifu" | "bod" => Format::Kif,
            "ki2" | "ki2u" => Format::Ki2,
            "csa2" => Format::Csa2,
            "csa" | "csa3" => Format::Csa3,
            "jkf" => Format::Jkf,
            "usi" | "sfen" => Format::Usi,
            "usen" => Format::Usen,
            _ => return None,
        })
    }

    /// Format of a text, guessed from how it begins.
    pub fn detect(text: &str) -> Option<Format> {
        let text = text.trim_start_matches(|found: char| found.is_whitespace() || found == '\u{feff}');
        text.lines().next()?;
        // Remarks come before KIF and before SFEN.
        let mut said = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let Some(line) = said.next() else { return Some(Format::Kif) };
        let first = line.chars().next()?;
        Some(match first {
            '{' => Format::Jkf,
            '~' => Format::Usen,
            '\'' | '$' | '+' | '-' | '%' => Format::Csa2,
            'N' if line.starts_with("N+") || line.starts_with("N-") => Format::Csa2,
            'V' if line.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => Format::Csa2,
            'P' if line.as_bytes().get(1).is_some_and(|next| b"I123456789+-".contains(next)) => Format::Csa2,
            _ if holds(line, "~") && holds(line, "_") => Format::Usen,
            _ if line.starts_with("position") || line.starts_with("sfen ") || line.starts_with("startpos") => {
                Format::Usi
            }
            _ if line.is_ascii() && line.matches('/').count() == 8 => Format::Usi,
            _ if line.split_ascii_whitespace().next()?.parse::<crate::shogi::Move>().is_ok() => Format::Usi,
            // Some servers write lines of their own before CSA.
            _ if text.lines().any(is_csa_board) => Format::Csa2,
            _ if text.lines().any(|line| take_side(line).is_some()) => Format::Ki2,
            _ => Format::Kif,
        })
    }

    /// Reads the first game of a text.
    ///
    /// ```
    /// use keisei_core::notation::Format;
    ///
    /// let text = "position startpos moves 7g7f 3c3d";
    /// let format = Format::detect(text).unwrap();
    /// assert_eq!(format, Format::Usi);
    /// let tree = format.read(text).strict().unwrap();
    /// assert!(Format::Ki2.write(&tree).contains("▲７六歩    △３四歩"));
    /// ```
    pub fn read(self, text: &str) -> Parsed {
        match self {
            Format::Kif => kif::read(text),
            Format::Ki2 => ki2::read(text),
            Format::Csa2 | Format::Csa3 => csa::read(text),
            Format::Jkf => jkf::read(text),
            Format::Usi => usi::read(text),
            Format::Usen => usen::read(text),
        }
    }

    /// Games of a text, each read when it is asked for. JKF and USEN hold one.
    pub fn games(self, text: &str) -> Box<dyn Iterator<Item = Parsed> + '_> {
        match self {
            Format::Kif | Format::Ki2 => Box::new(kakinoki::games(text)),
            Format::Csa2 | Format::Csa3 => Box::new(csa::games(text)),
            Format::Usi => Box::new(usi::games(text)),
            Format::Jkf | Format::Usen => Box::new(core::iter::once(self.read(text))),
        }
    }

    /// Reads every game of a text.
    pub fn read_all(self, text: &str) -> Vec<Parsed> {
        self.games(text).collect()
    }

    /// Text of a game, as far as the format can hold it.
    pub fn write(self, tree: &GameTree) -> String {
        match self {
            Format::Kif => kif::write(tree),
            Format::Ki2 => ki2::write(tree),
            Format::Csa2 => csa::write(tree, Version::V2),
            Format::Csa3 => csa::write(tree, Version::V3),
            Format::Jkf => jkf::write(tree),
            Format::Usi => usi::write(tree),
            Format::Usen => usen::write(tree),
        }
    }
}

/// Whether a line begins a start position of CSA.
fn is_csa_board(line: &str) -> bool {
    let rank = ["P1+", "P1-", "P1 *"].iter().any(|begin| line.starts_with(begin));
    rank || line.strip_prefix("PI").is_some_and(|rest| rest.bytes().next().is_none_or(|next| next.is_ascii_digit()))
}
