//! Squares of the board, named as in USI: file 1–9 from Black's right, rank a–i from White's side.

use core::fmt::{self, Write as _};
use core::str::FromStr;

use super::Color;

/// One of the 81 squares; index = (file − 1) · 9 + (rank − 1), so 1a = 0, 1i = 8, 2a = 9, 9i = 80.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Square(u8);

impl Square {
    /// Number of squares of the board.
    pub const COUNT: usize = 81;

    /// Every square, ascending by index.
    pub const ALL: [Square; Self::COUNT] = {
        let mut all = [Square(0); Self::COUNT];
        let mut i = 0;
        while i < Self::COUNT {
            all[i] = Square(i as u8);
            i += 1;
        }
        all
    };

    /// The square at `file` 1..=9 and `rank` 1..=9, `None` off the board.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Square::new(7, 6).unwrap().to_string(), "7f");
    /// assert_eq!(Square::new(10, 1), None);
    /// ```
    #[inline]
    pub const fn new(file: u8, rank: u8) -> Option<Square> {
        if file >= 1 && file <= 9 && rank >= 1 && rank <= 9 { Some(Square((file - 1) * 9 + rank - 1)) } else { None }
    }

    /// The square with this index, `None` from 81 on.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Square::from_index(80), Square::new(9, 9));
    /// assert_eq!(Square::from_index(81), None);
    /// ```
    #[inline]
    pub const fn from_index(index: usize) -> Option<Square> {
        if index < Self::COUNT { Some(Square(index as u8)) } else { None }
    }

    /// The square with an index that the caller knows to be below 81.
    #[inline]
    pub(crate) const fn at(index: usize) -> Square {
        debug_assert!(index < Self::COUNT);
        Square(index as u8)
    }

    /// Index in 0..81.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Square::new(2, 1).unwrap().index(), 9);
    /// ```
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// File 1..=9, counted from Black's right.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!("7f".parse::<Square>().unwrap().file(), 7);
    /// ```
    #[inline]
    pub const fn file(self) -> u8 {
        self.0 / 9 + 1
    }

    /// Rank 1..=9, counted from White's side (rank a).
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!("7f".parse::<Square>().unwrap().rank(), 6);
    /// ```
    #[inline]
    pub const fn rank(self) -> u8 {
        self.0 % 9 + 1
    }

    /// The square after a rotation of the board by 180°: 1a ↔ 9i.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Square::new(1, 1).unwrap().flip(), Square::new(9, 9).unwrap());
    /// ```
    #[inline]
    #[must_use]
    pub const fn flip(self) -> Square {
        Square(80 - self.0)
    }

    /// The square after an exchange of left and right: 1a ↔ 9a.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Square::new(1, 1).unwrap().mirror(), Square::new(9, 1).unwrap());
    /// ```
    #[inline]
    #[must_use]
    pub const fn mirror(self) -> Square {
        Square((8 - self.0 / 9) * 9 + self.0 % 9)
    }

    /// Rank as `color` counts it: 1 is the far rank, 9 its own back rank.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let square: Square = "5c".parse().unwrap();
    /// assert_eq!(Color::ALL.map(|color| square.relative_rank(color)), [3, 7]);
    /// ```
    #[inline]
    pub const fn relative_rank(self, color: Color) -> u8 {
        match color {
            Color::Black => self.rank(),
            Color::White => 10 - self.rank(),
        }
    }
}

impl Square {
    /// File and rank of USI: `7`, `g`.
    pub(crate) const fn letters(self) -> [char; 2] {
        [(b'0' + self.file()) as char, (b'a' + self.rank() - 1) as char]
    }
}

impl fmt::Display for Square {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [file, rank] = self.letters();
        f.write_char(file)?;
        f.write_char(rank)
    }
}

impl fmt::Debug for Square {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a square such as `7g`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SquareError;

impl fmt::Display for SquareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a square is a file 1-9 and a rank a-i, such as 7g")
    }
}

impl core::error::Error for SquareError {}

impl FromStr for Square {
    type Err = SquareError;

    fn from_str(text: &str) -> Result<Square, SquareError> {
        match *text.as_bytes() {
            [file @ b'1'..=b'9', rank @ b'a'..=b'i'] => Ok(Square((file - b'1') * 9 + rank - b'a')),
            _ => Err(SquareError),
        }
    }
}
