//! Nodes and edges in two vectors, with their proofs.
//!
//! There are no transpositions: a node stands for one path from the root, so repetition, declaration and ply limit are
//! exact. All numbers of a node are from the side to move there.

use alloc::{collections::BinaryHeap, vec, vec::Vec};
use core::cmp::Reverse;

use super::policy::falling;
use crate::net::Wdl;
use crate::shogi::Move;

/// Index of a node in [`Tree::nodes`].
pub(super) type NodeId = u32;

/// The root's index.
pub(super) const ROOT: NodeId = 0;

/// A child that has no node yet.
const UNVISITED: NodeId = NodeId::MAX;

/// Proven result of a position, from the side to move there. Plies count to the end of the game; declaring counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A win within this many plies.
    Win(u16),
    /// A draw, better than which neither side can do.
    Draw,
    /// A loss after at most this many plies.
    Loss(u16),
}

impl Proof {
    /// The proof one ply earlier, from the other side's view.
    pub(super) fn before(self) -> Proof {
        match self {
            Proof::Win(plies) => Proof::Loss(plies + 1),
            Proof::Draw => Proof::Draw,
            Proof::Loss(plies) => Proof::Win(plies + 1),
        }
    }

    /// Order of proofs: a quick win is greatest, a quick loss least.
    pub(super) fn rank(self) -> (i8, Reverse<u16>, u16) {
        match self {
            Proof::Win(plies) => (1, Reverse(plies), 0),
            Proof::Draw => (0, Reverse(0), 0),
            Proof::Loss(plies) => (-1, Reverse(0), plies),
        }
    }

    pub(super) fn wdl(self) -> Wdl {
        match self {
            Proof::Win(_) => Wdl::WIN,
            Proof::Draw => Wdl::DRAW,
            Proof::Loss(_) => Wdl::LOSS,
        }
    }
}

/// Probabilities of which the remainder after win and draw is loss.
pub(super) fn with_rest_lost(win: f32, draw: f32) -> Wdl {
    Wdl { win, draw, loss: 1.0 - win - draw }
}

/// The same outcome from the other side's view, where loss is again the remainder.
pub(super) fn seen_by_other_side(wdl: Wdl) -> Wdl {
    with_rest_lost(wdl.loss, wdl.draw)
}

/// Win less loss, with a draw worth `draw_value` to the side to move.
pub(super) fn worth(wdl: Wdl, draw_value: f32) -> f32 {
    2.0 * wdl.win + wdl.draw - 1.0 + draw_value * wdl.draw
}

/// Stage of a node's evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not yet reached.
    Fresh,
    /// Gathered, waiting for the network.
    Pending,
    /// Evaluated: its edges have priors.
    Open,
}

/// Node: a position, reached by one path.
#[derive(Clone, Debug)]
pub(super) struct Node {
    first_edge: u32,
    edges: u16,
    pub stage: Stage,
    pub proof: Option<Proof>,
    pub visits: u32,
    /// Visits gathered and not yet delivered: each counts as a loss for the side that moved here (virtual loss).
    pub in_flight: u32,
    wins: f64,
    draws: f64,
}

impl Node {
    const fn fresh() -> Node {
        Node {
            first_edge: 0,
            edges: 0,
            stage: Stage::Fresh,
            proof: None,
            visits: 0,
            in_flight: 0,
            wins: 0.0,
            draws: 0.0,
        }
    }

    /// Forgets the node's edges, and so its children.
    fn close(&mut self) {
        (self.first_edge, self.edges, self.stage) = (0, 0, Stage::Fresh);
    }

    pub fn add(&mut self, wdl: Wdl) {
        self.visits += 1;
        self.wins += f64::from(wdl.win);
        self.draws += f64::from(wdl.draw);
    }

    /// Probabilities of the position: of its proof, or else the mean over its visits, of which there must be one.
    pub fn wdl(&self) -> Wdl {
        if let Some(proof) = self.proof {
            return proof.wdl();
        }
        let visits = f64::from(self.visits);
        with_rest_lost((self.wins / visits) as f32, (self.draws / visits) as f32)
    }

    /// Visits, those on their way included.
    pub fn started(&self) -> u32 {
        self.visits + self.in_flight
    }
}

/// Edge: a legal move of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub mv: Move,
    /// Policy of the move, in [0, 1].
    pub prior: f32,
    child: NodeId,
}

const _: () = assert!(size_of::<Edge>() == 12, "`Search::edges` tells the size");

impl Edge {
    pub fn new(mv: Move) -> Edge {
        Edge { mv, prior: 0.0, child: UNVISITED }
    }

    /// The node behind it, if there is one.
    pub fn child(&self) -> Option<NodeId> {
        (self.child != UNVISITED).then_some(self.child)
    }
}

/// All nodes below one root.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

impl Tree {
    pub fn new() -> Tree {
        Tree { nodes: vec![Node::fresh()], edges: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    /// The edges of an open node, by falling prior.
    pub fn edges(&self, id: NodeId) -> &[Edge] {
        let node = self.node(id);
        &self.edges[node.first_edge as usize..][..usize::from(node.edges)]
    }

    pub fn edges_mut(&mut self, id: NodeId) -> &mut [Edge] {
        let node = &self.nodes[id as usize];
        &mut self.edges[node.first_edge as usize..][..usize::from(node.edges)]
    }

    /// The nodes behind the edges of an open node.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = Option<&Node>> {
        self.edges(id).iter().map(|edge| edge.child().map(|child| self.node(child)))
    }

    /// Gives a fresh node its edges.
    pub fn set_edges(&mut self, id: NodeId, edges: impl Iterator<Item = Edge>) {
        let first = self.edges.len();
        self.edges.extend(edges);
        let count = self.edges.len() - first;
        let node = self.node_mut(id);
        node.first_edge = first as u32;
        node.edges = count as u16;
    }

    /// The node behind an edge, made if there is none.
    pub fn child(&mut self, id: NodeId, edge: usize) -> NodeId {
        let next = self.nodes.len() as NodeId;
        let edge = &mut self.edges_mut(id)[edge];
        if let Some(child) = edge.child() {
            return child;
        }
        edge.child = next;
        self.nodes.push(Node::fresh());
        next
    }

    /// Sorts the edges of a node by falling prior.
    pub fn sort_edges(&mut self, id: NodeId) {
        let edges = self.edges_mut(id);
        let unsorted = edges.to_vec();
        let order = falling(unsorted.iter().map(|edge| edge.prior));
        for (edge, at) in edges.iter_mut().zip(order) {
            *edge = unsorted[at];
        }
    }

    /// Proves an open node from the proofs of its children, if these suffice, and tells whether they did (Winands, Björnsson and Saito 2008).
    pub fn prove(&mut self, id: NodeId) -> bool {
        let mut best: Option<Proof> = None;
        let mut all = true;
        for child in self.children(id) {
            match child.and_then(|child| child.proof) {
                Some(proof) => best = best.into_iter().chain([proof.before()]).max_by_key(|proof| proof.rank()),
                None => all = false,
            }
        }
        let proof = best.filter(|best| all || matches!(best, Proof::Win(_)));
        let node = self.node_mut(id);
        let news = proof != node.proof;
        node.proof = proof.or(node.proof);
        news && proof.is_some()
    }

    /// Keeps the part of the tree below `root`, which becomes the root, in the memory that it has. Of nodes with fewer than
    /// `least_visits` visits only their own statistics stay: they are as if never opened, and a visit opens them again.
    pub fn keep(&mut self, root: NodeId, least_visits: u32) {
        // A child has a higher number than its parent, before and after: one pass in this order finds all that stay.
        let mut renumbered = vec![UNVISITED; self.nodes.len()];
        let mut stays = vec![false; self.nodes.len()];
        stays[root as usize] = true;
        let mut count = 0;
        for id in root..self.nodes.len() as NodeId {
            if !stays[id as usize] {
                continue;
            }
            let node = self.node_mut(id);
            if id != root && node.visits < least_visits {
                node.close();
            }
            for edge in self.edges(id) {
                if let Some(child) = edge.child() {
                    stays[child as usize] = true;
                }
            }
            renumbered[id as usize] = count;
            self.nodes[count as usize] = self.nodes[id as usize].clone();
            count += 1;
        }
        self.nodes.truncate(count as usize);
        // Edges lie in the order in which their nodes were opened: in it each range moves to the front or stays. A heap gives that
        // order with less code than a sort, which every page downloads.
        let opened = (0..count).filter(|&id| self.node(id).edges > 0);
        let mut opened: BinaryHeap<_> = opened.map(|id| Reverse((self.node(id).first_edge, id))).collect();
        let mut end = 0;
        while let Some(Reverse((first_edge, id))) = opened.pop() {
            let node = self.node_mut(id);
            node.first_edge = end as u32;
            let from = first_edge as usize..first_edge as usize + usize::from(node.edges);
            end += from.len();
            let to = end - from.len();
            self.edges.copy_within(from, to);
        }
        self.edges.truncate(end);
        for edge in &mut self.edges {
            if let Some(child) = edge.child() {
                edge.child = renumbered[child as usize];
            }
        }
    }

    /// The fewest visits, a power of two, of the nodes that [keep](Self::keep) their children for at most `most` nodes to stay.
    pub fn least_visits(&self, most: usize) -> u32 {
        let children = |least: u32| -> usize {
            let kept = (0..self.nodes.len() as NodeId).filter(|&id| id == ROOT || self.node(id).visits >= least);
            kept.map(|id| self.children(id).flatten().count()).sum()
        };
        let mut powers = (0..u32::BITS).map(|power| 1 << power);
        powers.find(|&least| children(least) < most).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shogi::Position;

    /// Tree in which node `parent` has a child behind its edge `edge`, one for each entry, and the visits of each child.
    fn tree(children: &[(NodeId, usize, u32)]) -> Tree {
        let moves = Position::startpos().legal_moves();
        let mut tree = Tree::new();
        for &(parent, edge, visits) in children {
            if tree.node(parent).stage == Stage::Fresh {
                // Nodes have different numbers of edges, so that a wrong range is seen.
                let count = 3 + parent as usize;
                tree.set_edges(parent, moves.iter().take(count).map(|&mv| Edge::new(mv)));
                tree.node_mut(parent).stage = Stage::Open;
            }
            let child = tree.child(parent, edge);
            tree.node_mut(child).visits = visits;
        }
        tree
    }

    /// Visits of each node and, in brackets, those of its children at their edges, from `id` down.
    fn shown(tree: &Tree, id: NodeId) -> alloc::string::String {
        let children = tree.edges(id).iter().enumerate();
        let children: Vec<_> =
            children.filter_map(|(at, edge)| Some(alloc::format!("{at}:{}", shown(tree, edge.child()?)))).collect();
        alloc::format!("{}/{}[{}]", tree.node(id).visits, tree.edges(id).len(), children.join(" "))
    }

    /// A root with the children 1 and 2; 2 was opened before 1.
    const CHILDREN: [(NodeId, usize, u32); 7] =
        [(0, 0, 9), (0, 2, 20), (2, 1, 12), (1, 0, 4), (2, 0, 7), (1, 3, 1), (3, 5, 3)];

    #[test]
    fn a_subtree_stays_as_it_was() {
        for root in 0..8 {
            let whole = tree(&CHILDREN);
            let mut kept = whole.clone();
            kept.keep(root, 0);
            assert_eq!(shown(&kept, ROOT), shown(&whole, root));
        }
    }

    #[test]
    fn nodes_of_few_visits_are_closed_and_keep_their_own() {
        let check = |most: usize, least: u32, nodes: usize, expected: &str| {
            let mut tree = tree(&CHILDREN);
            assert_eq!(tree.least_visits(most), least, "{most}");
            tree.keep(ROOT, least);
            assert_eq!((tree.len(), &shown(&tree, ROOT)[..]), (nodes, expected));
            let (open, fresh) = (tree.edges(ROOT).len(), tree.nodes.iter().filter(|node| node.edges == 0).count());
            assert!(open == 3 && tree.nodes.iter().filter(|node| node.stage == Stage::Fresh).count() == fresh);
        };
        check(8, 1, 8, "0/3[0:9/4[0:4/0[] 3:1/0[]] 2:20/5[0:7/0[] 1:12/6[5:3/0[]]]]");
        check(7, 16, 5, "0/3[0:9/0[] 2:20/5[0:7/0[] 1:12/0[]]]");
        check(3, 32, 3, "0/3[0:9/0[] 2:20/0[]]");
    }
}
