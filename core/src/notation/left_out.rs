//! Parts of a game that a format cannot hold.

use alloc::vec;
use core::fmt;
use core::iter::Sum;
use core::ops::AddAssign;

use super::end::End;
use super::format::Format;
use super::kakinoki::is_header;
use super::tree::{Event, GameTree, Node};

/// Number of things that a game loses when it is written in a format.
///
/// ```
/// use keisei_core::notation::{Format, kif};
///
/// let tree = kif::read("   1 ７六歩(77)\n   2 ３四歩(33)\n変化：2手\n   2 ８四歩(83)\n").strict().unwrap();
/// assert_eq!(Format::Csa3.left_out(&tree).to_string(), "left out: 1 variation");
/// assert!(Format::Jkf.left_out(&tree).is_empty());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Variations.
    pub variations: usize,
    /// Nodes with comments, of the lines that are written.
    pub comments: usize,
    /// Evaluations.
    pub evaluations: usize,
    /// Bookmarks.
    pub bookmarks: usize,
    /// Times of moves.
    pub times: usize,
    /// Fractions of a second in the times of moves.
    pub fractions: usize,
    /// Headers.
    pub headers: usize,
    /// Ends of lines that are lost or become others.
    pub ends: usize,
    /// Moves against the rules.
    pub illegal_moves: usize,
}

impl AddAssign for LeftOut {
    fn add_assign(&mut self, other: LeftOut) {
        self.variations += other.variations;
        self.comments += other.comments;
        self.evaluations += other.evaluations;
        self.bookmarks += other.bookmarks;
        self.times += other.times;
        self.fractions += other.fractions;
        self.headers += other.headers;
        self.ends += other.ends;
        self.illegal_moves += other.illegal_moves;
    }
}

impl Sum for LeftOut {
    fn sum<I: Iterator<Item = LeftOut>>(all: I) -> LeftOut {
        let mut sum = LeftOut::default();
        for left_out in all {
            sum += left_out;
        }
        sum
    }
}

impl LeftOut {
    /// Whether nothing is lost.
    pub fn is_empty(&self) -> bool {
        *self == LeftOut::default()
    }

    fn of(format: Format, tree: &GameTree) -> LeftOut {
        let lines = match format {
            Format::Csa2 | Format::Csa3 | Format::Usi => vec![tree.main_line()],
            _ => tree.lines(),
        };
        let written = || lines.iter().flatten().map(|&id| tree.node(id));
        let count = |lost: &dyn Fn(&Node) -> bool| written().filter(|node| lost(node)).count();
        let silent = matches!(format, Format::Usi | Format::Usen);
        let timeless = silent || format == Format::Ki2;
        let whole_seconds = matches!(format, Format::Kif | Format::Csa2);
        let fraction = |node: &Node| node.spent.is_some_and(|spent| spent % 1000 != 0);
        let lost_end = |end: &End| match format {
            Format::Usi => true,
            Format::Usen => End::from_usen(end.usen()).as_ref() != Some(end),
            // Ends without a word in CSA and JKF travel as comments.
            _ => false,
        };
        LeftOut {
            variations: tree.lines().len() - lines.len(),
            comments: if silent { count(&|node| !node.comments.is_empty()) } else { 0 },
            evaluations: if silent { written().map(|node| node.evaluations().len()).sum() } else { 0 },
            bookmarks: if silent { count(&|node| node.bookmark.is_some()) } else { 0 },
            times: if timeless { count(&|node| node.spent.is_some()) } else { 0 },
            fractions: if whole_seconds { count(&fraction) } else { 0 },
            headers: match format {
                Format::Usi | Format::Usen => tree.headers.len(),
                Format::Kif | Format::Ki2 => tree.headers.iter().filter(|(key, _)| !is_header(key)).count(),
                Format::Csa2 | Format::Csa3 | Format::Jkf => 0,
            },
            ends: count(&|node| matches!(node.event(), Event::End(end) if lost_end(end))),
            illegal_moves: match format {
                Format::Usi => count(&|node| matches!(node.event(), Event::Illegal(_))),
                _ => 0,
            },
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("left out")?;
        let kinds = [
            (self.variations, "variation"),
            (self.comments, "comment"),
            (self.evaluations, "evaluation"),
            (self.bookmarks, "bookmark"),
            (self.times, "time of a move"),
            (self.fractions, "fraction of a second"),
            (self.headers, "header"),
            (self.ends, "end of a line"),
            (self.illegal_moves, "illegal move"),
        ];
        for (index, (count, name)) in kinds.into_iter().filter(|&(count, _)| count > 0).enumerate() {
            let separator = if index == 0 { ':' } else { ',' };
            // The first word takes the plural: times of a move.
            let (noun, rest) = name.split_once(' ').filter(|_| !name.starts_with("illegal")).unwrap_or((name, ""));
            let plural = if count == 1 { "" } else { "s" };
            let space = if rest.is_empty() { "" } else { " " };
            write!(f, "{separator} {count} {noun}{plural}{space}{rest}")?;
        }
        Ok(())
    }
}

impl Format {
    /// Parts of the game that this format cannot hold.
    pub fn left_out(self, tree: &GameTree) -> LeftOut {
        LeftOut::of(self, tree)
    }
}
