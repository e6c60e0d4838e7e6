//! What a reader makes of a text.

use alloc::string::String;
use alloc::vec::Vec;

use super::builder::Builder;
use super::comment::add_comment;
use super::placement::Placement;
use super::problem::{Defect, Defects, Place, Problem};
use super::tree::GameTree;
use crate::shogi::Position;

/// Result of a reader: the game, as far as it was understood, and the places that were not.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// Game up to the last good node of each line; `None` if its start position was not understood: then there is no game.
    pub tree: Option<GameTree>,
    /// Everything that was wrong, in the order of the text; empty if nothing was, and never empty without a tree.
    pub defects: Vec<Defect>,
}

impl Parsed {
    /// Tree, if nothing was wrong.
    ///
    /// # Errors
    /// The first defect.
    pub fn strict(self) -> Result<GameTree, Defect> {
        let nothing = Defect { place: Place::Ply(0), problem: Problem::Expected("a game") };
        self.defects.into_iter().next().map_or_else(|| self.tree.ok_or(nothing), Err)
    }

    /// Result without a game: the reason and its place in line `number`.
    pub(super) fn no_game(number: usize, line: &str, place: &str, problem: Problem) -> Parsed {
        let mut defects = Defects::default();
        defects.at(number, line, place, problem);
        Parsed { tree: None, defects: defects.0 }
    }
}

/// State of a line of moves that is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Course {
    #[default]
    Followed,
    /// Some move could not be followed: what comes after it on its line has no place.
    Lost,
    /// The start position was not understood: nothing has a place.
    Nowhere,
}

/// Game that is read line by line: first its start position, then its moves.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) headers: Vec<(String, String)>,
    pub(super) placement: Placement,
    /// Whether something about the start position was not understood; the reason is among the defects.
    pub(super) unclear: bool,
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
        let start = match self.placement.position() {
            Ok(start) if !self.unclear => start,
            Ok(_) => self.nowhere(),
            Err(problem) => {
                if !self.unclear {
                    self.defects.at(number, "", "", problem);
                }
                self.nowhere()
            }
        };
        let builder = self.builder.insert(Builder::new(start));
        for comment in core::mem::take(&mut self.early) {
            add_comment(builder, &comment);
        }
    }

    /// Gives the game up. Returns a position to go on reading with.
    fn nowhere(&mut self) -> Position {
        self.course = Course::Nowhere;
        Position::startpos()
    }

    /// Takes note that a part of the start position is told here.
    ///
    /// # Errors
    /// If the start position was needed before. There is then no game, unless a whole board was printed before, or so many moves have
    /// followed that this is a diagram of a later position.
    pub(super) fn starts_here(&mut self) -> Result<(), Problem> {
        const LATER: usize = 6;
        let Some(builder) = &self.builder else { return Ok(()) };
        if !self.placement.is_printed() && builder.ply() < LATER {
            self.course = Course::Nowhere;
        }
        Err(Problem::LateStart)
    }

    /// Builder, if the line can be followed here.
    pub(super) fn following(&mut self) -> Option<&mut Builder> {
        self.builder.as_mut().filter(|_| self.course == Course::Followed)
    }

    /// Everything that was read.
    pub(super) fn finish(mut self) -> Parsed {
        self.begin(1);
        let mut tree = self.builder.filter(|_| self.course != Course::Nowhere).map(Builder::finish);
        if let Some(tree) = &mut tree {
            tree.headers = self.headers;
        }
        Parsed { tree, defects: self.defects.0 }
    }
}
