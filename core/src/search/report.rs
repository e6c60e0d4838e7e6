//! Results of a search: candidates, principal variations, the decision.

use alloc::{vec, vec::Vec};
use core::cmp::Ordering;

use super::policy;
use super::puct;
use super::tree::{Edge, NodeId, Proof, ROOT, Stage, seen_by_other_side, worth};
use super::{Search, mate::Mate};
use crate::net::{Value, Wdl};
use crate::shogi::{Move, Outcome};

/// Decision of a search at its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A move to play.
    Play(Move),
    /// A declaration of a win by the 27-point rule.
    Declare,
    /// Nothing to do, since the game is over.
    Over(Outcome),
}

/// Move of the root with its statistics, from the view of the side to move there.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The move.
    pub mv: Move,
    /// Policy of the move, in [0, 1], at the temperature of the settings; 0 if the network was not asked.
    pub prior: f32,
    /// Visits of the move.
    pub visits: u32,
    /// Exploration term U of PUCT: the search follows the move of the greatest sum of value and U.
    pub exploration: f32,
    /// Probabilities of win, draw and loss after it, or `None` if it was never visited.
    pub wdl: Option<Wdl>,
    /// Proven result, if there is one; plies count this move.
    pub proof: Option<Proof>,
    /// The principal variation, this move first.
    pub line: Vec<Move>,
}

impl Candidate {
    /// Value of the move, or `None` if it was never visited.
    pub fn value(&self) -> Option<Value> {
        self.wdl.map(Wdl::value)
    }
}

impl Search {
    /// Proven result of the position that is searched, if there is one.
    pub fn proof(&self) -> Option<Proof> {
        self.tree.node(ROOT).proof
    }

    /// Probabilities of win, draw and loss for the side to move at the root, or `None` before the first visit of a
    /// position without a proof.
    pub fn wdl(&self) -> Option<Wdl> {
        let root = self.tree.node(ROOT);
        (root.visits > 0 || root.proof.is_some()).then(|| root.wdl())
    }

    /// The moves of the root with their priors, by falling prior; none before the network was asked.
    pub fn priors(&self) -> impl Iterator<Item = (Move, f32)> {
        let root = self.tree.node(ROOT);
        let edges = if root.stage == Stage::Open { self.tree.edges(ROOT) } else { &[] };
        edges.iter().map(|edge| (edge.mv, edge.prior))
    }

    /// The best moves so far, at most `count`, the best first: proven wins, then by visits, proven losses last.
    pub fn candidates(&self, count: usize) -> Vec<Candidate> {
        if let Some(mate) = &self.root_mate {
            return vec![mating(mate)];
        }
        let edges = self.tree.edges(ROOT);
        self.ranked().into_iter().take(count).map(|i| self.candidate(&edges[i])).collect()
    }

    /// The decision without randomness: the best candidate, or a declaration.
    ///
    /// # Panics
    /// If the search is not finished and the root was never visited.
    pub fn decide(&self) -> Decision {
        if let Some(outcome) = self.game.outcome() {
            return Decision::Over(outcome);
        }
        if let Some(mate) = &self.root_mate {
            return Decision::Play(mate.line[0]);
        }
        if self.declares() {
            return Decision::Declare;
        }
        let best = self.ranked().first().copied();
        Decision::Play(self.tree.edges(ROOT)[best.expect("the root was visited")].mv)
    }

    /// The decision with a move drawn in proportion to `visits^(1 / temperature)`, or to the priors if the root's visit is
    /// the only one. `uniform` in `[0, 1)` is the randomness. A proven win is always played, a
    /// proven loss never.
    ///
    /// # Panics
    /// As [`decide`](Self::decide); and if `temperature` is negative or not a number.
    pub fn decide_at(&self, temperature: f32, uniform: f32) -> Decision {
        assert!(temperature >= 0.0, "temperature {temperature} is not in 0..");
        let best = self.decide();
        if temperature == 0.0 || self.proof().is_some() || !matches!(best, Decision::Play(_)) {
            return best;
        }
        let edges = self.tree.edges(ROOT);
        let visits = |edge: &Edge| edge.child().map_or(0, |child| self.tree.node(child).visits);
        let visited = edges.iter().any(|edge| visits(edge) > 0);
        let weight = |edge: &Edge| match self.proof_of(edge) {
            Some(Proof::Loss(_)) => 0.0,
            _ if visited => visits(edge) as f32,
            _ => edge.prior,
        };
        let most = edges.iter().map(weight).fold(0.0, f32::max);
        let mut drawn: Vec<f32> = edges.iter().map(|edge| libm::powf(weight(edge) / most, 1.0 / temperature)).collect();
        let sum: f32 = drawn.iter().sum();
        if !sum.is_finite() || sum <= 0.0 {
            return best;
        }
        for weight in &mut drawn {
            *weight /= sum;
        }
        Decision::Play(edges[policy::draw(&drawn, uniform)].mv)
    }

    /// The root's edges, the best first.
    fn ranked(&self) -> Vec<usize> {
        let edges = self.tree.edges(ROOT);
        let mut ranked = Vec::with_capacity(edges.len());
        for (at, edge) in edges.iter().enumerate() {
            // Seldom asked, of some hundred edges: less code than a sort by this order.
            let place = ranked.partition_point(|&better: &usize| self.compare(&edges[better], edge) != Ordering::Less);
            ranked.insert(place, at);
        }
        ranked
    }

    /// Order of two edges of one node, the better one greater.
    fn compare(&self, a: &Edge, b: &Edge) -> Ordering {
        let class = |edge: &Edge| match self.proof_of(edge) {
            Some(Proof::Win(_)) => 1,
            Some(Proof::Loss(_)) => -1,
            _ => 0,
        };
        let decided = |edge: &Edge| self.proof_of(edge).filter(|proof| *proof != Proof::Draw).map(Proof::rank);
        let node = |edge: &Edge| edge.child().map(|child| self.tree.node(child));
        let visits = |edge: &Edge| node(edge).map_or(0, |node| node.visits);
        let value =
            |edge: &Edge| node(edge).filter(|node| node.visits > 0).map(|node| worth(node.wdl().flipped(), 0.0));
        class(a)
            .cmp(&class(b))
            .then_with(|| decided(a).cmp(&decided(b)))
            .then_with(|| visits(a).cmp(&visits(b)))
            .then_with(|| value(a).partial_cmp(&value(b)).unwrap_or(Ordering::Equal))
            .then_with(|| a.prior.total_cmp(&b.prior))
    }

    fn candidate(&self, edge: &Edge) -> Candidate {
        let node = edge.child().map(|child| self.tree.node(child));
        let seen = node.filter(|node| node.visits > 0);
        Candidate {
            mv: edge.mv,
            prior: edge.prior,
            visits: node.map_or(0, |node| node.visits),
            exploration: puct::urge(puct::exploration(self.tree.node(ROOT), self.settings()), edge, node),
            wdl: seen.map(|node| seen_by_other_side(node.wdl())),
            proof: self.proof_of(edge),
            line: self.line(edge),
        }
    }

    /// Proven result after an edge, for the side that plays it.
    fn proof_of(&self, edge: &Edge) -> Option<Proof> {
        self.tree.node(edge.child()?).proof.map(Proof::before)
    }

    /// The line of most visits from an edge on.
    fn line(&self, edge: &Edge) -> Vec<Move> {
        let mut line = vec![edge.mv];
        let mut next = edge.child();
        while let Some(edge) = next.and_then(|id| self.best_visited(id)) {
            line.push(edge.mv);
            next = edge.child();
        }
        line
    }

    fn best_visited(&self, id: NodeId) -> Option<&Edge> {
        let visited = |edge: &&Edge| edge.child().is_some_and(|child| self.tree.node(child).visits > 0);
        // Of equal ones the first has the higher prior.
        self.tree.edges(id).iter().rev().filter(visited).max_by(|a, b| self.compare(a, b))
    }
}

fn mating(mate: &Mate) -> Candidate {
    Candidate {
        mv: mate.line[0],
        prior: 0.0,
        visits: 0,
        exploration: 0.0,
        wdl: Some(Wdl::WIN),
        proof: Some(Proof::Win(mate.plies)),
        line: mate.line.clone(),
    }
}
