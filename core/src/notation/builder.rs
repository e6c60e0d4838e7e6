//! Moves played into a tree by the rules.

use alloc::vec;
use alloc::vec::Vec;

use super::end::End;
use super::problem::Problem;
use super::tree::{Event, GameTree, Node, NodeId};
use crate::shogi::{Color, Game, GameResult, Move, Outcome, Piece, Position, Reason, Square};

/// Plays moves and ends into a [`GameTree`], always by the rules.
///
/// ```
/// use keisei_core::notation::{Builder, End};
/// use keisei_core::shogi::Position;
///
/// let mut builder = Builder::new(Position::startpos());
/// builder.play("7g7f".parse().unwrap()).unwrap();
/// builder.play("3c3d".parse().unwrap()).unwrap();
/// builder.rewind(1).unwrap();
/// builder.play("8c8d".parse().unwrap()).unwrap();
/// builder.end(End::Interrupt).unwrap();
/// let tree = builder.finish();
/// assert_eq!((tree.len(), tree.lines().len()), (5, 2));
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    tree: GameTree,
    /// Nodes from the root to here, each with the position after it.
    path: Vec<(NodeId, Position)>,
}

impl Builder {
    /// Begins at the root.
    pub fn new(start: Position) -> Builder {
        let path = vec![(NodeId::ROOT, start.clone())];
        Builder { tree: GameTree::new(start), path }
    }

    fn here(&self) -> &(NodeId, Position) {
        self.path.last().expect("the path always holds the root")
    }

    /// Position after the last event.
    pub fn position(&self) -> &Position {
        &self.here().1
    }

    /// Node here.
    pub fn id(&self) -> NodeId {
        self.here().0
    }

    /// Plies from the root.
    pub fn ply(&self) -> usize {
        self.path.len() - 1
    }

    /// Node here.
    pub fn node(&self) -> &Node {
        self.tree.node(self.id())
    }

    /// Node here, to change what is said about it.
    pub fn node_mut(&mut self) -> &mut Node {
        let id = self.id();
        self.tree.node_mut(id)
    }

    /// Destination of the last move, for 同.
    pub fn previous(&self) -> Option<Square> {
        self.node().event().mv().map(Move::to)
    }

    /// Whether a move can follow: not after an end or a move against the rules.
    pub fn is_open(&self) -> bool {
        matches!(self.node().event(), Event::Start | Event::Move(_))
    }

    /// Whether the line here begins with a legal move.
    pub(super) fn begins_with_a_move(&self) -> bool {
        self.path.get(1).is_some_and(|(id, _)| self.tree.node(*id).event().legal().is_some())
    }

    /// Position before the last event; the start position at the root.
    #[cfg_attr(feature = "compact", allow(dead_code))]
    pub(super) fn position_before(&self) -> &Position {
        let (_, position) = self.path.iter().nth_back(1).unwrap_or_else(|| self.here());
        position
    }

    /// Plays a move and goes to its node; a move that is there already is not added again.
    ///
    /// # Errors
    /// If the line has ended, is too long, or the move is against the rules. A move of a piece that is there is then kept as
    /// [`Event::Illegal`], with which the line ends.
    pub fn play(&mut self, mv: Move) -> Result<(), Problem> {
        self.check_open()?;
        let mut position = self.position().clone();
        if position.try_play(mv).is_ok() {
            self.step(Event::Move(mv), position);
            return Ok(());
        }
        let mover = mv.from().and_then(|from| position.piece_at(from)).map(Piece::kind);
        let describable = mv.is_drop() || mover.is_some_and(|kind| !mv.is_promotion() || kind.promoted().is_some());
        if describable {
            self.step(Event::Illegal(mv), position);
        }
        Err(Problem::Illegal(mv))
    }

    /// Ends the line. To say it twice does no harm.
    ///
    /// # Errors
    /// If it has ended otherwise, or is too long.
    pub fn end(&mut self, end: End) -> Result<(), Problem> {
        match self.node().event() {
            Event::End(known) if *known == end => return Ok(()),
            Event::End(_) => return Err(Problem::AfterEnd),
            _ => {}
        }
        self.tree.check_room(self.id())?;
        let position = self.position().clone();
        self.step(Event::End(end), position);
        Ok(())
    }

    /// Changes the end of the line, which is reached, to another.
    pub(super) fn end_as(&mut self, end: End) {
        let id = self.id();
        self.tree.set_event(id, Event::End(end));
    }

    /// Goes back along the path to `ply` (0 is the root), to add an alternative there.
    ///
    /// # Errors
    /// If the path does not reach that far; it then stays.
    pub fn rewind(&mut self, ply: usize) -> Result<(), Problem> {
        if ply >= self.path.len() {
            return Err(Problem::NoSuchPly { found: ply + 1, last: self.path.len() });
        }
        self.path.truncate(ply + 1);
        Ok(())
    }

    /// Finished tree.
    pub fn finish(self) -> GameTree {
        self.tree
    }

    fn check_open(&self) -> Result<(), Problem> {
        if self.is_open() { self.tree.check_room(self.id()) } else { Err(Problem::AfterEnd) }
    }

    fn step(&mut self, event: Event, position: Position) {
        let id = self.tree.add(self.id(), event);
        self.path.push((id, position));
    }
}

impl GameTree {
    /// Moves of a played game and its end.
    pub fn of_game(game: &Game) -> GameTree {
        let mut builder = Builder::new(game.start().clone());
        for &mv in game.moves() {
            if builder.play(mv).is_err() {
                break;
            }
        }
        if let Some(outcome) = game.outcome() {
            // A line that was cut off for its length has no end.
            let _ = builder.end(End::of_outcome(outcome, game.position().side_to_move()));
        }
        builder.finish()
    }
}

impl End {
    /// End of a game with this outcome, after which `side_to_move` would move.
    pub fn of_outcome(outcome: Outcome, side_to_move: Color) -> End {
        match (outcome.reason, outcome.result) {
            (Reason::Checkmate | Reason::NoLegalMove, _) => End::Mate,
            (Reason::Repetition, _) => End::Repetition,
            (Reason::PerpetualCheck | Reason::Forfeit, GameResult::Win(winner)) if winner == side_to_move => {
                End::IllegalWin
            }
            (Reason::PerpetualCheck | Reason::Forfeit, _) => End::IllegalLoss,
            (Reason::Declaration, _) => End::Declaration,
            (Reason::Resignation, _) => End::Resign,
            (Reason::MaxPlies, _) => End::MaxMoves,
        }
    }
}
