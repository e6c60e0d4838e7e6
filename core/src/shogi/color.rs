//! The two sides.

use core::fmt;

use serde::{Deserialize, Serialize};

/// A side. Black (先手) moves first and plays towards rank a.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Color {
    /// Sente, the side that moves first.
    Black = 0,
    /// Gote, the other side.
    White = 1,
}

impl Color {
    /// Both sides, Black first.
    pub const ALL: [Color; 2] = [Color::Black, Color::White];

    /// The other side.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Color::Black.flip(), Color::White);
    /// ```
    #[inline]
    #[must_use]
    pub const fn flip(self) -> Color {
        match self {
            Color::Black => Color::White,
            Color::White => Color::Black,
        }
    }

    /// 0 for Black, 1 for White.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Color::ALL.map(Color::index), [0, 1]);
    /// ```
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Color::Black => "black",
            Color::White => "white",
        })
    }
}
