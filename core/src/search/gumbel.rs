//! Which move to follow from the root when the budget is small: sequential halving over Gumbel numbers.
//!
//! "Policy improvement by planning with Gumbel" (Danihelka, Guez, Schrittwieser and Silver, ICLR 2022): each move gets a
//! random number, so that the best sums of number and log policy are a sample without replacement; those are visited
//! equally often, and the worse half is dropped again and again. Below the root the search goes on by PUCT.

use alloc::{vec, vec::Vec};

use super::noise;
use super::settings::Gumbel;
use super::tree::{NodeId, Proof, Tree, worth};
use crate::random::SplitMix64;

/// How much a value weighs against the policy: `(VISITS + most visits of a move) · SCALE · value`, the value in [0, 1]; the
/// paper's constants.
const VISITS: f32 = 50.0;
const SCALE: f32 = 1.0;

/// The plan for one root.
#[derive(Clone, Debug)]
pub(super) struct Halving {
    /// Of each edge of the root: Gumbel number plus log policy.
    scores: Vec<f32>,
    /// How many visits the move must have that is visited next, by visits of the root's moves so far.
    plan: Vec<u32>,
}

impl Halving {
    /// A plan for `visits` visits of the moves of an open node.
    pub fn new(tree: &Tree, id: NodeId, gumbel: Gumbel, visits: u32, random: &mut SplitMix64) -> Halving {
        let edges = tree.edges(id);
        let score = |prior: f32| gumbel.scale * noise::gumbel(random) + libm::logf(prior.max(f32::MIN_POSITIVE));
        let considered = usize::from(gumbel.considered).min(edges.len());
        Halving { scores: edges.iter().map(|edge| edge.prior).map(score).collect(), plan: plan(considered, visits) }
    }

    /// The edge to follow next; nothing if every move is proven to lose.
    pub fn select(&self, tree: &Tree, id: NodeId, draw_value: f32) -> Option<usize> {
        let started = |child: Option<&super::tree::Node>| child.map_or(0, super::tree::Node::started);
        let so_far: u32 = tree.children(id).map(started).sum();
        let wanted = self.plan.get(so_far as usize).copied();
        let planned = self.best(tree, id, draw_value, |visits| Some(visits) == wanted);
        // Proofs can take moves out of the plan; then the best of the rest is as good as any.
        planned.or_else(|| self.best(tree, id, draw_value, |_| true))
    }

    /// The move to play: the best of those visited most.
    pub fn decide(&self, tree: &Tree, id: NodeId, draw_value: f32) -> Option<usize> {
        let survives = |child: Option<&super::tree::Node>| match child {
            Some(child) if matches!(child.proof, Some(Proof::Win(_))) => None,
            child => Some(child.map_or(0, |child| child.visits)),
        };
        let most = tree.children(id).filter_map(survives).max()?;
        self.best(tree, id, draw_value, |visits| visits == most)
    }

    /// The edge of highest score and value among those that are not proven to lose and whose visits `fit`.
    fn best(&self, tree: &Tree, id: NodeId, draw_value: f32, fit: impl Fn(u32) -> bool) -> Option<usize> {
        let most = tree.children(id).flatten().map(|child| child.visits).max().unwrap_or(0);
        let weight = (VISITS + most as f32) * SCALE;
        let unvisited = worth(tree.node(id).wdl(), draw_value);
        let mut best: Option<(usize, f32)> = None;
        for (i, child) in tree.children(id).enumerate() {
            if child.is_some_and(|child| matches!(child.proof, Some(Proof::Win(_))))
                || !fit(child.map_or(0, super::tree::Node::started))
            {
                continue;
            }
            let value = match child {
                Some(child) if child.visits > 0 => worth(child.wdl().flipped(), draw_value),
                _ => unvisited,
            };
            let score = self.scores[i] + weight * (value + 1.0) / 2.0;
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((i, score));
            }
        }
        best.map(|(i, _)| i)
    }
}

/// Sequential halving (Karnin, Koren and Somekh 2013) of `considered` moves over `visits` visits: of each visit, how often
/// its move was visited before.
fn plan(considered: usize, visits: u32) -> Vec<u32> {
    if considered <= 1 {
        return (0..visits).collect();
    }
    let visits = visits as usize;
    let rounds = considered.next_power_of_two().ilog2() as usize;
    let mut plan = Vec::with_capacity(visits);
    let mut times = vec![0; considered];
    let mut left = considered;
    while plan.len() < visits {
        for _ in 0..(visits / (rounds * left)).max(1) {
            plan.extend_from_slice(&times[..left]);
            for times in &mut times[..left] {
                *times += 1;
            }
        }
        left = (left / 2).max(2);
    }
    plan.truncate(visits);
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(considered: usize, visits: u32, expected: &[u32]) {
        assert_eq!(plan(considered, visits), expected, "{considered} moves, {visits} visits");
    }

    #[test]
    fn plans_by_hand() {
        check(1, 3, &[0, 1, 2]);
        // Eight visits over four moves: once each, then twice for the better two.
        check(4, 8, &[0, 0, 0, 0, 1, 1, 2, 2]);
        check(3, 7, &[0, 0, 0, 1, 1, 2, 2]);
        check(4, 2, &[0, 0]);
        check(2, 5, &[0, 0, 1, 1, 2]);
    }

    #[test]
    fn a_plan_visits_fewer_and_fewer_moves() {
        let plan = plan(16, 200);
        let of = |times: u32| plan.iter().filter(|&&found| found == times).count();
        assert_eq!((plan.len(), of(0), of(2)), (200, 16, 16));
        let counts: Vec<usize> = (0..=plan.iter().copied().max().unwrap_or(0)).map(of).collect();
        assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
    }
}
