//! A game with its variations as a tree.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::iter::successors;

use super::end::End;
use super::evaluation::{Evaluation, EvaluationSource};
use super::handicap::Handicap;
use super::problem::{MAX_ALTERNATIVES, MAX_PLIES, Problem};
use crate::shogi::{Color, Move, Position, Square};

/// Number of a node in its [`GameTree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// Node of the start position.
    pub const ROOT: NodeId = NodeId(0);

    /// Place of the node in [`GameTree::nodes`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Event at a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Start position, before anything happened.
    Start,
    /// Legal move.
    Move(Move),
    /// Illegal move, on which a game may end. Only an [`Event::End`] follows, and the position stays as before.
    Illegal(Move),
    /// End of the line.
    End(End),
}

impl Event {
    /// Move of the event, legal or not.
    pub const fn mv(&self) -> Option<Move> {
        match self {
            Event::Move(mv) | Event::Illegal(mv) => Some(*mv),
            Event::Start | Event::End(_) => None,
        }
    }

    /// Move of the event, if it is legal.
    pub(super) const fn legal(&self) -> Option<Move> {
        if let Event::Move(mv) = self { Some(*mv) } else { None }
    }
}

/// Node of a [`GameTree`]: an event, what was said about it and what followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    parent: Option<NodeId>,
    children: Vec<NodeId>,
    ply: u16,
    event: Event,
    /// Comment lines, without the marks of a format.
    pub comments: Vec<String>,
    /// Name for this node (しおり).
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

    /// Node before this one; `None` for the root.
    pub const fn parent(&self) -> Option<NodeId> {
        self.parent
    }

    /// Nodes after this one: the main continuation first, then its alternatives.
    pub fn children(&self) -> &[NodeId] {
        &self.children
    }

    /// Ply, 0 for the root; the end of a line counts as a ply, as in KIF.
    pub const fn ply(&self) -> u16 {
        self.ply
    }

    /// Event at this node.
    pub const fn event(&self) -> &Event {
        &self.event
    }

    /// Evaluations of the position after this node: at most one of each source, the player's first.
    pub fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    /// Evaluation from `source`, to change; it is made if there is none yet.
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

/// Game with its variations: start position, headers, and a tree of nodes.
///
/// Two trees are equal if start, headers and all nodes are, whatever format they came from.
///
/// ```
/// use keisei_core::notation::{Event, csa, kif};
///
/// let text = "先手：甲\n   1 ７六歩(77)   ( 0:12/00:00:12)\n*飛車先\n   2 ３四歩(33)\n変化：2手\n   2 ８四歩(83)\n";
/// let tree = kif::read(text).strict().unwrap();
/// assert_eq!(tree.header("先手"), Some("甲"));
/// for id in tree.main_line() {
///     let node = tree.node(id);
///     match node.event() {
///         Event::Start => assert_eq!(node.ply(), 0),
///         Event::Move(mv) => println!("{} {mv} {:?}", node.ply(), node.comments),
///         Event::Illegal(_) | Event::End(_) => unreachable!("not in this game"),
///     }
/// }
/// assert_eq!(tree.lines().len(), 2); // the main line and one variation
/// let csa = csa::write(&tree, csa::Version::V2);
/// assert_eq!(csa, "V2.2\nN+甲\nPI\n+\n+7776FU\nT12\n'*飛車先\n-3334FU\n");
/// ```
#[derive(Clone, Debug)]
pub struct GameTree {
    start: Position,
    /// Header keys, in the words of KIF (先手, 後手, 棋戦, 開始日時 …), with their values, in order.
    pub headers: Vec<(String, String)>,
    nodes: Vec<Node>,
}

impl GameTree {
    /// Tree without moves.
    pub fn new(start: Position) -> GameTree {
        GameTree { start, headers: Vec::new(), nodes: vec![Node::new(None, 0, Event::Start)] }
    }

    /// Position before the first move.
    pub const fn start(&self) -> &Position {
        &self.start
    }

    /// Handicap, if the start position is one of the named ones.
    pub fn handicap(&self) -> Option<Handicap> {
        Handicap::of(&self.start)
    }

    /// Node with this number.
    ///
    /// # Panics
    /// If `id` comes from another tree with more nodes.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Node with this number, to change what is said about it.
    ///
    /// # Panics
    /// If `id` comes from another tree with more nodes.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    /// Number of the node at this place in [`nodes`](Self::nodes), or `None`.
    pub fn id(&self, index: usize) -> Option<NodeId> {
        (index < self.nodes.len()).then_some(NodeId(index as u32))
    }

    /// Number of nodes: the root, all moves and ends.
    // A tree always has its root.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// All nodes, parents before children.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Value of a header.
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

    /// Nodes from the root along first children.
    pub fn main_line(&self) -> Vec<NodeId> {
        self.line(NodeId::ROOT)
    }

    /// `head` and the nodes after it along first children.
    pub fn line(&self, head: NodeId) -> Vec<NodeId> {
        successors(Some(head), |&id| self.node(id).children.first().copied()).collect()
    }

    /// Nodes from the root to `id`.
    pub fn path(&self, id: NodeId) -> Vec<NodeId> {
        let mut path: Vec<NodeId> = successors(Some(id), |&id| self.node(id).parent).collect();
        path.reverse();
        path
    }

    /// Legal moves from the root to `id`.
    pub fn moves_to(&self, id: NodeId) -> Vec<Move> {
        let mut moves: Vec<Move> = self.back_from(id).filter_map(|node| node.event.legal()).collect();
        moves.reverse();
        moves
    }

    /// Legal moves of the main line.
    pub fn main_moves(&self) -> Vec<Move> {
        self.main_line().into_iter().filter_map(|id| self.node(id).event.legal()).collect()
    }

    /// Whether a text with defects is a game all the same: something was played, or it begins from a position of its own.
    pub fn holds_something(&self) -> bool {
        self.len() > 1 || self.start != Position::startpos()
    }

    /// End of the main line, if the game has one.
    pub fn end(&self) -> Option<&End> {
        let last = *self.main_line().last()?;
        if let Event::End(end) = &self.node(last).event { Some(end) } else { None }
    }

    /// Lines, each once: the main line, then each variation from its first own node on.
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

    /// Position after a node.
    pub fn position(&self, id: NodeId) -> Position {
        let mut position = self.start.clone();
        for mv in self.moves_to(id) {
            position.play_unchecked(mv);
        }
        position
    }

    /// Node and all before it, the root last.
    fn back_from(&self, id: NodeId) -> impl Iterator<Item = &Node> {
        successors(Some(self.node(id)), |node| node.parent.map(|parent| self.node(parent)))
    }

    /// Last move's destination before `id`, for 同.
    pub fn previous(&self, id: NodeId) -> Option<Square> {
        let parent = self.node(id).parent?;
        self.node(parent).event.mv().map(Move::to)
    }

    /// Whether `id` has an alternative that is listed after it.
    pub(super) fn has_later_sibling(&self, id: NodeId) -> bool {
        let siblings = self.node(id).parent.map(|parent| self.node(parent).children.as_slice());
        siblings.is_some_and(|siblings| siblings.last() != Some(&id))
    }

    /// Plays a move after `parent`: goes to the child that has it, or adds one as the last alternative.
    ///
    /// ```
    /// use keisei_core::notation::{GameTree, NodeId};
    /// use keisei_core::shogi::Position;
    ///
    /// let mut tree = GameTree::new(Position::startpos());
    /// let first = tree.play(NodeId::ROOT, "7g7f".parse().unwrap()).unwrap();
    /// let other = tree.play(NodeId::ROOT, "2g2f".parse().unwrap()).unwrap();
    /// assert_eq!(tree.play(NodeId::ROOT, "7g7f".parse().unwrap()), Ok(first));
    /// assert_eq!(tree.node(NodeId::ROOT).children(), [first, other]);
    /// tree.promote(other);
    /// assert_eq!(tree.main_moves(), ["2g2f".parse().unwrap()]);
    /// ```
    ///
    /// # Errors
    /// If the move is against the rules, the line has ended, or it is too long. The tree is then as before.
    pub fn play(&mut self, parent: NodeId, mv: Move) -> Result<NodeId, Problem> {
        if matches!(self.node(parent).event, Event::End(_) | Event::Illegal(_)) {
            return Err(Problem::AfterEnd);
        }
        self.check_room(parent)?;
        if !self.position(parent).is_legal(mv) {
            return Err(Problem::Illegal(mv));
        }
        Ok(self.add(parent, Event::Move(mv)))
    }

    /// Ends the line after `parent`: goes to the child with this end, or adds one as the last alternative.
    ///
    /// # Errors
    /// If the line has ended already, or it is too long.
    pub fn close(&mut self, parent: NodeId, end: End) -> Result<NodeId, Problem> {
        if matches!(self.node(parent).event, Event::End(_)) {
            return Err(Problem::AfterEnd);
        }
        self.check_room(parent)?;
        Ok(self.add(parent, Event::End(end)))
    }

    /// Checks that something may be added after `parent`, as far as numbers go.
    pub(super) fn check_room(&self, parent: NodeId) -> Result<(), Problem> {
        let parent = self.node(parent);
        if usize::from(parent.ply) >= MAX_PLIES {
            Err(Problem::TooLong)
        } else if parent.children.len() >= MAX_ALTERNATIVES {
            Err(Problem::TooMany)
        } else {
            Ok(())
        }
    }

    /// Removes `id` with all that follows it, and returns the node before it; nothing is removed at the root, which has none.
    ///
    /// Nodes that were added later than `id` get new numbers, in the same order.
    pub fn remove(&mut self, id: NodeId) -> Option<NodeId> {
        let parent = self.node(id).parent?;
        self.node_mut(parent).children.retain(|&child| child != id);
        // A node comes after its parent, so that one pass finds the whole subtree. Its nodes have no number afterwards.
        let mut numbers: Vec<Option<NodeId>> = Vec::with_capacity(self.nodes.len());
        let mut kept = 0;
        for (index, node) in self.nodes.iter().enumerate() {
            let gone = index == id.index() || node.parent.is_some_and(|parent| numbers[parent.index()].is_none());
            numbers.push((!gone).then(|| {
                kept += 1;
                NodeId(kept - 1)
            }));
        }
        let mut index = 0;
        self.nodes.retain_mut(|node| {
            index += 1;
            node.parent = node.parent.and_then(|parent| numbers[parent.index()]);
            node.children.iter_mut().for_each(|child| *child = numbers[child.index()].unwrap_or(*child));
            numbers[index - 1].is_some()
        });
        Some(parent)
    }

    /// Makes the line through `id` the main line: each node on the way to it becomes the first alternative.
    pub fn promote(&mut self, id: NodeId) {
        for pair in self.path(id).windows(2) {
            let siblings = &mut self.node_mut(pair[0]).children;
            if let Some(place) = siblings.iter().position(|&child| child == pair[1]) {
                siblings[..=place].rotate_right(1);
            }
        }
    }

    /// Arranges the children of a node, which are these already, in another order.
    pub(crate) fn arrange(&mut self, id: NodeId, children: Vec<NodeId>) {
        debug_assert_eq!(children.len(), self.node(id).children.len());
        self.node_mut(id).children = children;
    }

    /// Adds a child that no other child is equal to, of an event that the caller has checked.
    pub(crate) fn push(&mut self, parent: NodeId, event: Event) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        let ply = self.node(parent).ply + 1;
        self.nodes.push(Node::new(Some(parent), ply, event));
        self.node_mut(parent).children.push(id);
        id
    }

    /// Changes what happened at a node.
    pub(super) fn set_event(&mut self, id: NodeId, event: Event) {
        self.node_mut(id).event = event;
    }

    /// Adds a child, or finds the one that has happened already.
    pub(super) fn add(&mut self, parent: NodeId, event: Event) -> NodeId {
        let same = |&&child: &&NodeId| self.node(child).event == event;
        if let Some(&known) = self.node(parent).children.iter().find(same) {
            return known;
        }
        self.push(parent, event)
    }

    /// Walks a line, for writers.
    pub(super) fn walk(&self, line: Vec<NodeId>) -> Walk<'_> {
        let parent = line.first().and_then(|&head| self.node(head).parent);
        Walk {
            tree: self,
            position: parent.map_or_else(|| self.start.clone(), |parent| self.position(parent)),
            totals: Color::ALL.map(|color| parent.map_or(0, |parent| self.total_spent(parent, color))),
            nodes: line.into_iter(),
        }
    }

    /// Milliseconds that `color` took on the way to `id`, this node included; nothing known counts as nothing.
    fn total_spent(&self, id: NodeId, color: Color) -> u64 {
        let first = self.start.side_to_move();
        let mover = |node: &Node| if node.ply % 2 == 1 { first } else { first.flip() };
        let nodes = self.back_from(id).filter(|node| node.ply > 0 && mover(node) == color);
        nodes.fold(0, |total, node| total.saturating_add(node.spent.unwrap_or(0)))
    }
}

/// Walk along a line: its nodes, with everything that a writer asks about them.
pub(super) struct Walk<'a> {
    tree: &'a GameTree,
    nodes: vec::IntoIter<NodeId>,
    /// Position before the next node.
    position: Position,
    /// Milliseconds that each side took up to here.
    totals: [u64; 2],
}

impl<'a> Walk<'a> {
    /// Walk along the line of an alternative to the node of `visit`, which this walk visited last.
    pub(super) fn fork(&self, visit: &Visit, head: NodeId) -> Walk<'a> {
        let mut totals = self.totals;
        if let Some(clock) = &visit.clock {
            totals[visit.before.side_to_move().index()] = clock.total - clock.spent;
        }
        Walk { tree: self.tree, nodes: self.tree.line(head).into_iter(), position: visit.before.clone(), totals }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Visit<'a>;

    fn next(&mut self) -> Option<Visit<'a>> {
        let id = self.nodes.next()?;
        let node = self.tree.node(id);
        let before = self.position.clone();
        if let Some(mv) = node.event.legal() {
            self.position.play_unchecked(mv);
        }
        let total = &mut self.totals[before.side_to_move().index()];
        // Nobody took time for the start position.
        let spent = node.spent.filter(|_| node.event != Event::Start);
        *total = total.saturating_add(spent.unwrap_or(0));
        let clock = spent.map(|spent| Clock { spent, total: *total });
        Some(Visit { id, node, before, after: self.position.clone(), previous: self.tree.previous(id), clock })
    }
}

/// Node on a line that is walked.
pub(super) struct Visit<'a> {
    pub(super) id: NodeId,
    pub(super) node: &'a Node,
    /// Position before the node.
    pub(super) before: Position,
    /// Position after the node: the same if no legal move is made there.
    pub(super) after: Position,
    /// Destination of the move before, for 同.
    pub(super) previous: Option<Square>,
    /// Time of the mover, if it is known.
    pub(super) clock: Option<Clock>,
}

/// Milliseconds of a mover.
pub(super) struct Clock {
    /// For this move.
    pub(super) spent: u64,
    /// For this and all moves before.
    pub(super) total: u64,
}

impl PartialEq for GameTree {
    fn eq(&self, other: &GameTree) -> bool {
        self.start == other.start && self.headers == other.headers && self.same_tree(other)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::{Format, kif};

    fn tree(moves: &[&str]) -> GameTree {
        let mut tree = GameTree::new(Position::startpos());
        for line in moves {
            let mut here = NodeId::ROOT;
            for usi in line.split(' ') {
                here = tree.play(here, usi.parse().expect("USI")).expect("a legal move");
            }
        }
        tree
    }

    /// Lines in USI, as [`GameTree::lines`] lists them.
    fn lines(tree: &GameTree) -> Vec<String> {
        let text = |line: Vec<NodeId>| {
            let moves: Vec<String> =
                line.into_iter().filter_map(|id| tree.node(id).event.mv()).map(Move::to_usi).collect();
            moves.join(" ")
        };
        tree.lines().into_iter().map(text).collect()
    }

    const LINES: [&str; 4] = ["7g7f 3c3d 2g2f", "7g7f 8c8d", "2g2f 8c8d 2f2e", "7g7f 3c3d 6g6f"];

    #[test]
    fn moves_are_added_once_and_by_the_rules() {
        let mut tree = tree(&LINES);
        assert_eq!(lines(&tree), ["7g7f 3c3d 2g2f", "6g6f", "8c8d", "2g2f 8c8d 2f2e"]);
        assert_eq!(tree.len(), 9);
        let illegal = "7g7e".parse().expect("USI");
        assert_eq!(tree.play(NodeId::ROOT, illegal), Err(Problem::Illegal(illegal)));
        let end = tree.close(NodeId::ROOT, End::Resign).expect("an open line");
        assert_eq!(tree.close(NodeId::ROOT, End::Resign), Ok(end));
        assert_eq!(tree.play(end, "7g7f".parse().expect("USI")), Err(Problem::AfterEnd));
        assert_eq!(tree.close(end, End::Mate), Err(Problem::AfterEnd));
        assert_eq!(tree.len(), 10);
    }

    #[test]
    fn lines_are_as_long_as_a_reader_allows() {
        let mut tree = GameTree::new(Position::startpos());
        let shuffle = ["2h3h", "8b7b", "3h2h", "7b8b"].map(|usi| usi.parse().expect("USI"));
        let mut here = NodeId::ROOT;
        for &mv in shuffle.iter().cycle().take(MAX_PLIES) {
            // Not `play`, which finds the position from the start each time.
            here = tree.add(here, Event::Move(mv));
        }
        assert_eq!(tree.play(here, shuffle[0]), Err(Problem::TooLong));
        assert_eq!(tree.close(here, End::Resign), Err(Problem::TooLong));
        assert_eq!(tree.path(here).len(), MAX_PLIES + 1);
    }

    #[test]
    fn removal_leaves_the_other_lines() {
        // Every node of the tree, removed alone: the others stay in their order, and all links agree.
        let whole = tree(&LINES);
        assert_eq!(whole.clone().remove(NodeId::ROOT), None);
        for index in 1..whole.len() {
            let id = whole.id(index).expect("a node");
            let mut cut = whole.clone();
            let parent = cut.remove(id).expect("not the root");
            assert_eq!(cut.node(parent).event, whole.node(whole.node(id).parent.expect("not the root")).event);
            let below = |at: NodeId| whole.path(at).contains(&id);
            let kept: Vec<Vec<Move>> = (0..whole.len())
                .map(|at| NodeId(at as u32))
                .filter(|&at| !below(at))
                .map(|at| whole.moves_to(at))
                .collect();
            let found: Vec<Vec<Move>> = (0..cut.len()).map(|at| cut.moves_to(NodeId(at as u32))).collect();
            assert_eq!(found, kept, "without node {index}");
            for (at, node) in cut.nodes.iter().enumerate() {
                let child_of = |&child: &NodeId| cut.node(child).parent == Some(NodeId(at as u32));
                assert!(node.children.iter().all(child_of), "without node {index}");
            }
            assert_eq!(Format::Kif.read(&kif::write(&cut)).tree.as_ref(), Some(&cut));
        }
    }

    #[test]
    fn promotion_reorders_every_fork_on_the_way() {
        let mut tree = tree(&LINES);
        let last = tree.id(tree.len() - 1).expect("a node");
        tree.promote(last);
        assert_eq!(lines(&tree), ["7g7f 3c3d 6g6f", "2g2f", "8c8d", "2g2f 8c8d 2f2e"]);
        let other = tree.play(NodeId::ROOT, "2g2f".parse().expect("USI")).expect("a legal move");
        tree.promote(other);
        assert_eq!(lines(&tree), ["2g2f 8c8d 2f2e", "7g7f 3c3d 6g6f", "2g2f", "8c8d"]);
        tree.promote(NodeId::ROOT);
        assert_eq!(lines(&tree)[0], "2g2f 8c8d 2f2e");
    }
}
