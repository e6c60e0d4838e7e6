//! What a reader makes of a text.

use alloc::string::String;
use alloc::vec::Vec;

use super::builder::Builder;
use super::comment::add_comment;
use super::placement::Placement;
use super::problem::{Defect, Defects, Problem};
use super::tree::GameTree;
use crate::shogi::Position;

/// Result of a reader: always a tree, and the places that it had to leave out.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// Game up to the last good node of each line.
    pub tree: GameTree,
    /// Everything that was wrong, in the order of the text; empty if nothing was.
    pub defects: Vec<Defect>,
}

impl Parsed {
    /// Tree, if nothing was wrong.
    ///
    /// # Errors
    /// The first defect.
    pub fn strict(self) -> Result<GameTree, Defect> {
        match self.defects.into_iter().next() {
            None => Ok(self.tree),
            Some(defect) => Err(defect),
        }
    }
}

/// State of a line of moves that is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Course {
    #[default]
    Followed,
    /// Some move could not be followed: what comes after it on its line has no place.
    Lost,
    /// No start position was found: nothing has a place.
    Nowhere,
}

/// Game that is read line by line: first its start position, then its moves.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) headers: Vec<(String, String)>,
    pub(super) placement: Placement,
    /// Comments before the start position is complete.
    early: Vec<String>,
    pub(super) builder: Option<Builder>,
    pub(super) course: Course,
    pub(super) defects: Defects,
}

impl Reading {
    /// Adds a comment to the node that was read last.
    pub(super) fn comment(&mut self, comment: &str) {
        match &mut self.builder {
            None => self.early.push(comment.into()),
            Some(builder) if self.course == Course::Followed => add_comment(builder, comment),
            Some(_) => {}
        }
    }

    /// Completes the start position before line `number`, if it is not complete yet.
    pub(super) fn begin(&mut self, number: usize) {
        if self.builder.is_some() {
            return;
        }
        let start = self.placement.position().unwrap_or_else(|error| {
            self.defects.at(number, "", "", Problem::Start(error));
            self.course = Course::Nowhere;
            Position::startpos()
        });
        let builder = self.builder.insert(Builder::new(start));
        for comment in core::mem::take(&mut self.early) {
            add_comment(builder, &comment);
        }
    }

    /// Builder, if the line can be followed here.
    pub(super) fn following(&mut self) -> Option<&mut Builder> {
        self.builder.as_mut().filter(|_| self.course == Course::Followed)
    }

    /// Everything that was read.
    pub(super) fn finish(mut self) -> Parsed {
        self.begin(1);
        let mut tree = self.builder.map_or_else(|| GameTree::new(Position::startpos()), Builder::finish);
        tree.headers = self.headers;
        Parsed { tree, defects: self.defects.0 }
    }
}
