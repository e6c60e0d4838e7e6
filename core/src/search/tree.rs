//! Nodes and edges in two vectors, with their proofs.
//!
//! There are no transpositions: a node stands for one path from the root, so repetition, declaration and ply limit are
//! exact. All numbers of a node are from the side to move there.

use alloc::{vec, vec::Vec};
use core::cmp::Reverse;

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
        self.edges_mut(id).sort_by(|a, b| b.prior.total_cmp(&a.prior));
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

    /// The part of the tree below `root`, as a tree of its own.
    pub fn subtree(&self, root: NodeId) -> Tree {
        let mut tree = Tree { nodes: vec![self.node(root).clone()], edges: Vec::new() };
        // Node `i` of the new tree was node `old[i]`; its edges are copied when its turn comes.
        let mut old = vec![root];
        let mut next = 0;
        while let Some(&from) = old.get(next) {
            tree.nodes[next].first_edge = tree.edges.len() as u32;
            for edge in self.edges(from) {
                let mut edge = *edge;
                if let Some(child) = edge.child() {
                    edge.child = old.len() as NodeId;
                    old.push(child);
                    tree.nodes.push(self.node(child).clone());
                }
                tree.edges.push(edge);
            }
            next += 1;
        }
        tree
    }
}
