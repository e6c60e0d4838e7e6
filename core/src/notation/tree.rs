//! A game record as a tree.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::evaluation::{Evaluation, EvaluationSource};
use super::{End, Handicap, Problem};
use crate::shogi::{Color, Game, GameResult, Move, Piece, Position, Reason, Square};

/// A line that is longer than this is cut off: no game comes near it, and a hostile file stays cheap.
pub const MAX_PLIES: usize = 10_000;

/// A node of one [`GameTree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// The node of the start position.
    pub const ROOT: NodeId = NodeId(0);

    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What happened at a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing yet: the start position.
    Start,
    /// A legal move.
    Move(Move),
    /// A move against the rules, on which a game may end. Only an [`Event::End`] follows, and the position stays as before.
    Illegal(Move),
    /// The end of the line.
    End(End),
}

impl Event {
    /// The move, legal or not.
    pub const fn mv(&self) -> Option<Move> {
        match self {
            Event::Move(mv) | Event::Illegal(mv) => Some(*mv),
            Event::Start | Event::End(_) => None,
        }
    }
}

/// A node: an event, what was said about it and what followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    parent: Option<NodeId>,
    children: Vec<NodeId>,
    ply: u16,
    event: Event,
    /// Comment lines, without the marks of a format.
    pub comments: Vec<String>,
    /// A name for this node (しおり).
    pub bookmark: Option<String>,
    /// Milliseconds that the mover took.
    pub spent: Option<u64>,
    evaluations: Vec<Evaluation>,
}

impl Node {
    const fn new(parent: Option<NodeId>, ply: u16, event: Event) -> Node {
        Node {
            parent,
            children: Vec::new(),
            ply,
            event,
            comments: Vec::new(),
            bookmark: None,
            spent: None,
            evaluations: Vec::new(),
        }
    }

    /// The node before; nothing for the root.
    pub const fn parent(&self) -> Option<NodeId> {
        self.parent
    }

    /// What followed: the main continuation first, then its alternatives.
    pub fn children(&self) -> &[NodeId] {
        &self.children
    }

    /// 0 for the root; the end of a line counts as a ply, as in KIF.
    pub const fn ply(&self) -> u16 {
        self.ply
    }

    /// What happened.
    pub const fn event(&self) -> &Event {
        &self.event
    }

    /// What engines thought of the position after this node: at most one for each [`EvaluationSource`], the player's first.
    pub fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    /// The evaluation from `source`, which is made if there is none yet.
    pub fn evaluation_mut(&mut self, source: EvaluationSource) -> &mut Evaluation {
        let place = self.evaluations.partition_point(|evaluation| evaluation.source < source);
        if self.evaluations.get(place).is_none_or(|evaluation| evaluation.source != source) {
            self.evaluations.insert(place, Evaluation::new(source));
        }
        &mut self.evaluations[place]
    }

    /// Whether anything is said here, by a person or by an engine.
    pub fn has_comment(&self) -> bool {
        !self.comments.is_empty() || !self.evaluations.is_empty()
    }
}

/// A game with its variations.
///
/// Two records are equal if start, headers and all nodes are, whatever format they came from.
#[derive(Clone, Debug)]
pub struct GameTree {
    start: Position,
    /// Header keys, in the words of KIF (先手, 後手, 棋戦, 開始日時 …), with their values, in order.
    pub headers: Vec<(String, String)>,
    nodes: Vec<Node>,
}

impl GameTree {
    /// A record of no move.
    pub fn new(start: Position) -> GameTree {
        GameTree { start, headers: Vec::new(), nodes: vec![Node::new(None, 0, Event::Start)] }
    }

    /// The moves of a played game and its end.
    pub fn of_game(game: &Game) -> GameTree {
        let mut builder = Builder::new(game.start().clone());
        for &mv in game.moves() {
            if builder.play(mv).is_err() {
                break;
            }
        }
        if let Some(outcome) = game.outcome() {
            let side_to_move = game.position().side_to_move();
            let end = match (outcome.reason, outcome.result) {
                (Reason::Checkmate | Reason::NoLegalMove, _) => End::Mate,
                (Reason::Repetition, _) => End::Repetition,
                (Reason::PerpetualCheck, GameResult::Win(winner)) if winner == side_to_move => End::IllegalWin,
                (Reason::PerpetualCheck, _) => End::IllegalLoss,
                (Reason::Declaration, _) => End::Declaration,
                (Reason::Resignation, _) => End::Resign,
                (Reason::MaxPlies, _) => End::MaxMoves,
            };
            // A line that was cut off for its length has no end.
            let _ = builder.end(end);
        }
        builder.finish()
    }

    /// The position before the first move.
    pub const fn start(&self) -> &Position {
        &self.start
    }

    /// The name of the start position, if it has one.
    pub fn handicap(&self) -> Option<Handicap> {
        Handicap::of(&self.start)
    }

    /// A node.
    ///
    /// # Panics
    /// If `id` comes from another record with more nodes.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// A node, to change what is said about it.
    ///
    /// # Panics
    /// If `id` comes from another record with more nodes.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    /// The number of nodes: the root, all moves and ends.
    // A record always has its root.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// All nodes, parents before children.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The value of a header.
    pub fn header(&self, key: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Sets a header, in place if it is there already.
    pub fn set_header(&mut self, key: &str, value: &str) {
        match self.headers.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value.into(),
            None => self.headers.push((key.into(), value.into())),
        }
    }

    /// The nodes from the root along first children.
    pub fn main_line(&self) -> Vec<NodeId> {
        self.line(NodeId::ROOT)
    }

    /// `head` and the nodes after it along first children.
    pub fn line(&self, head: NodeId) -> Vec<NodeId> {
        let mut line = vec![head];
        let mut last = head;
        while let Some(&next) = self.node(last).children.first() {
            line.push(next);
            last = next;
        }
        line
    }

    /// The legal moves of the main line.
    pub fn main_moves(&self) -> Vec<Move> {
        let moves = self.main_line().into_iter().map(|id| self.node(id).event.clone());
        moves.filter_map(|event| if let Event::Move(mv) = event { Some(mv) } else { None }).collect()
    }

    /// How the main line ends, if the record says so.
    pub fn end(&self) -> Option<&End> {
        let mut last = NodeId::ROOT;
        while let Some(&next) = self.node(last).children.first() {
            last = next;
        }
        if let Event::End(end) = &self.node(last).event { Some(end) } else { None }
    }

    /// Every line once: the main line, then each variation from its first own node on.
    ///
    /// Variations of a line come deepest first, each followed by its own: the order in which KIF, KI2 and USEN list them.
    pub fn lines(&self) -> Vec<Vec<NodeId>> {
        let mut heads = vec![NodeId::ROOT];
        let mut lines = Vec::new();
        while let Some(head) = heads.pop() {
            let line = self.line(head);
            for &id in &line {
                // What is pushed last is listed first.
                heads.extend(self.node(id).children.iter().skip(1).rev());
            }
            lines.push(line);
        }
        lines
    }

    /// The position after a node.
    pub fn position(&self, id: NodeId) -> Position {
        let mut moves = Vec::new();
        let mut here = Some(id);
        while let Some(id) = here {
            let node = self.node(id);
            if let Event::Move(mv) = node.event {
                moves.push(mv);
            }
            here = node.parent;
        }
        let mut position = self.start.clone();
        for mv in moves.into_iter().rev() {
            position.play_unchecked(mv);
        }
        position
    }

    /// The last move's destination before `id`, for 同.
    pub(super) fn previous(&self, id: NodeId) -> Option<Square> {
        let parent = self.node(id).parent?;
        self.node(parent).event.mv().map(Move::to)
    }

    /// Whether `id` has an alternative that is listed after it.
    pub(super) fn has_later_sibling(&self, id: NodeId) -> bool {
        let siblings = self.node(id).parent.map(|parent| self.node(parent).children.as_slice());
        siblings.is_some_and(|siblings| siblings.last() != Some(&id))
    }

    fn add(&mut self, parent: NodeId, event: Event) -> NodeId {
        let same = |&&child: &&NodeId| self.node(child).event == event;
        if let Some(&known) = self.node(parent).children.iter().find(same) {
            return known;
        }
        let id = NodeId(self.nodes.len() as u32);
        let ply = self.node(parent).ply + 1;
        self.nodes.push(Node::new(Some(parent), ply, event));
        self.node_mut(parent).children.push(id);
        id
    }

    /// Walks a line with the position before each node, for writers.
    pub(super) fn walk(&self, line: &[NodeId], mut visit: impl FnMut(NodeId, &Node, &Position)) {
        let Some(&head) = line.first() else { return };
        let mut position = match self.node(head).parent {
            Some(parent) => self.position(parent),
            None => self.start.clone(),
        };
        for &id in line {
            let node = self.node(id);
            visit(id, node, &position);
            if let Event::Move(mv) = node.event {
                position.play_unchecked(mv);
            }
        }
    }

    /// Milliseconds that `color` took on the way to `id`, this node included; nothing known counts as nothing.
    pub(super) fn total_spent(&self, id: NodeId, color: Color) -> u64 {
        let first = self.start.side_to_move();
        let mut total = 0u64;
        let mut here = Some(id);
        while let Some(id) = here {
            let node = self.node(id);
            let mover = if node.ply % 2 == 1 { first } else { first.flip() };
            if mover == color && node.ply > 0 {
                total = total.saturating_add(node.spent.unwrap_or(0));
            }
            here = node.parent;
        }
        total
    }
}

impl PartialEq for GameTree {
    fn eq(&self, other: &GameTree) -> bool {
        self.start == other.start && self.headers == other.headers && self.same_tree(other)
    }
}

impl Eq for GameTree {}

impl GameTree {
    /// Whether both have the same nodes with the same children in the same order, whatever the start and the headers.
    pub fn same_tree(&self, other: &GameTree) -> bool {
        let mut pairs = vec![(NodeId::ROOT, NodeId::ROOT)];
        while let Some((ours, theirs)) = pairs.pop() {
            let (a, b) = (self.node(ours), other.node(theirs));
            let equal = a.event == b.event
                && a.comments == b.comments
                && a.bookmark == b.bookmark
                && a.spent == b.spent
                && a.evaluations == b.evaluations
                && a.children.len() == b.children.len();
            if !equal {
                return false;
            }
            pairs.extend(a.children.iter().copied().zip(b.children.iter().copied()));
        }
        true
    }
}

/// Plays moves and ends into a record, always by the rules.
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
/// let record = builder.finish();
/// assert_eq!((record.len(), record.lines().len()), (5, 2));
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    record: GameTree,
    /// The nodes from the root to here, each with the position after it.
    path: Vec<(NodeId, Position)>,
}

impl Builder {
    /// Begins at the root.
    pub fn new(start: Position) -> Builder {
        let path = vec![(NodeId::ROOT, start.clone())];
        Builder { record: GameTree::new(start), path }
    }

    fn here(&self) -> &(NodeId, Position) {
        self.path.last().expect("the path always holds the root")
    }

    /// The position here.
    pub fn position(&self) -> &Position {
        &self.here().1
    }

    /// The node here.
    pub fn id(&self) -> NodeId {
        self.here().0
    }

    /// Plies from the root.
    pub fn ply(&self) -> usize {
        self.path.len() - 1
    }

    /// The node here.
    pub fn node(&self) -> &Node {
        self.record.node(self.id())
    }

    /// The node here, to change what is said about it.
    pub fn node_mut(&mut self) -> &mut Node {
        let id = self.id();
        self.record.node_mut(id)
    }

    /// The record so far.
    pub const fn record(&self) -> &GameTree {
        &self.record
    }

    /// The record so far, to change its headers.
    pub const fn record_mut(&mut self) -> &mut GameTree {
        &mut self.record
    }

    /// The destination of the last move, for 同.
    pub fn previous(&self) -> Option<Square> {
        self.node().event.mv().map(Move::to)
    }

    /// Whether a move can follow: not after an end or a move against the rules.
    pub fn is_open(&self) -> bool {
        matches!(self.node().event, Event::Start | Event::Move(_))
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
        match &self.node().event {
            Event::End(known) if *known == end => return Ok(()),
            Event::End(_) => return Err(Problem::AfterEnd),
            _ => {}
        }
        self.check_length()?;
        let position = self.position().clone();
        self.step(Event::End(end), position);
        Ok(())
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

    /// Goes back to `ply`, at most to where the path ends, for `visit`, and returns to here.
    pub(super) fn aside(&mut self, ply: usize, visit: impl FnOnce(&mut Builder)) {
        let ply = ply.min(self.ply());
        let ahead = self.path.split_off(ply + 1);
        visit(self);
        self.path.truncate(ply + 1);
        self.path.extend(ahead);
    }

    /// The finished record.
    pub fn finish(self) -> GameTree {
        self.record
    }

    fn check_open(&self) -> Result<(), Problem> {
        if self.is_open() { self.check_length() } else { Err(Problem::AfterEnd) }
    }

    fn check_length(&self) -> Result<(), Problem> {
        if self.ply() < MAX_PLIES { Ok(()) } else { Err(Problem::TooLong) }
    }

    fn step(&mut self, event: Event, position: Position) {
        let id = self.record.add(self.id(), event);
        self.path.push((id, position));
    }
}
