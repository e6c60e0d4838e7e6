//! Selection of the move to follow from a node: PUCT (Rosin 2011), as `AlphaZero` has it (Silver and others 2018).

use super::Settings;
use super::tree::{Edge, Node, NodeId, Proof, Tree, worth};

/// The edge of an open node to follow next: the highest value plus exploration. Moves that are proven to lose are left out;
/// nothing if all are. `draw_value` is what a draw is worth to the side to move at the node.
///
/// A visit in flight counts as a loss (virtual loss), so that the leaves of a batch differ.
pub(super) fn select(tree: &Tree, id: NodeId, settings: &Settings, draw_value: f32) -> Option<usize> {
    let node = tree.node(id);
    let exploration = exploration(node, settings);

    let edges = tree.edges(id);
    let visited: f32 = edges.iter().filter(|edge| edge.child().is_some()).map(|edge| edge.prior).sum();
    let unvisited_value = worth(node.wdl(), draw_value) - settings.fpu_reduction * libm::sqrtf(visited);

    let mut best = None;
    let mut best_score = f32::NEG_INFINITY;
    let mut seen_unvisited = false;
    for (i, edge) in edges.iter().enumerate() {
        let score = match edge.child().map(|child| tree.node(child)) {
            // They differ in their prior alone, and it falls: the first is the best of them.
            None if seen_unvisited => continue,
            None => {
                seen_unvisited = true;
                unvisited_value + urge(exploration, edge, None)
            }
            Some(child) => {
                let value = match child.proof {
                    Some(Proof::Win(_)) => continue,
                    Some(proof) => worth(proof.wdl().flipped(), draw_value),
                    None if child.visits == 0 => -1.0,
                    None => {
                        let (visits, in_flight) = (child.visits as f32, child.in_flight as f32);
                        (worth(child.wdl().flipped(), draw_value) * visits - in_flight) / (visits + in_flight)
                    }
                };
                value + urge(exploration, edge, Some(child))
            }
        };
        if score > best_score {
            (best, best_score) = (Some(i), score);
        }
    }
    best
}

/// Exploration at a node, which its edges share in by their priors.
pub(super) fn exploration(node: &Node, settings: &Settings) -> f32 {
    let started = node.started() as f32;
    let c = settings.c_puct + libm::logf((started + settings.c_base + 1.0) / settings.c_base);
    c * libm::sqrtf(started)
}

/// Exploration term U of an edge, which is added to its value: `exploration` is that of its node, `child` the node behind it.
pub(super) fn urge(exploration: f32, edge: &Edge, child: Option<&Node>) -> f32 {
    exploration * edge.prior / (1.0 + child.map_or(0, Node::started) as f32)
}

#[cfg(test)]
mod tests {
    use super::super::tree::{ROOT, Stage, with_rest_lost};
    use super::*;
    use crate::shogi::Position;

    /// A root with these priors, and for each visited child its visits, wins of the side to move at the root, and proof.
    fn tree(priors: &[f32], children: &[(usize, u32, f32, Option<Proof>)]) -> Tree {
        let moves = Position::startpos().legal_moves();
        let mut tree = Tree::new();
        tree.set_edges(ROOT, moves.iter().take(priors.len()).map(|&mv| Edge::new(mv)));
        for (edge, &prior) in tree.edges_mut(ROOT).iter_mut().zip(priors) {
            edge.prior = prior;
        }
        tree.node_mut(ROOT).stage = Stage::Open;
        tree.node_mut(ROOT).add(with_rest_lost(0.5, 0.0));
        for &(edge, visits, win, proof) in children {
            let child = tree.child(ROOT, edge);
            tree.node_mut(child).proof = proof;
            for _ in 0..visits {
                tree.node_mut(child).add(with_rest_lost(1.0 - win, 0.0));
                tree.node_mut(ROOT).add(with_rest_lost(win, 0.0));
            }
        }
        tree
    }

    fn check(priors: &[f32], children: &[(usize, u32, f32, Option<Proof>)], expected: Option<usize>) {
        let found = select(&tree(priors, children), ROOT, &Settings::default(), 0.0);
        assert_eq!(found, expected, "{priors:?}, {children:?}");
    }

    #[test]
    fn the_formula_by_hand() {
        check(&[0.6, 0.4], &[], Some(0));
        // Two visits: 0 + 1.25 √2 · 0.6 / 2 = 0.53 against −0.2 √0.6 + 1.25 √2 · 0.4 = 0.55.
        check(&[0.6, 0.4], &[(0, 1, 0.5, None)], Some(1));
        // At prior 0.61: 0.54 against −0.156 + 0.69 = 0.53.
        check(&[0.61, 0.39], &[(0, 1, 0.5, None)], Some(0));
        // A win is followed again.
        check(&[0.6, 0.4], &[(0, 1, 1.0, None)], Some(0));
    }

    #[test]
    fn proofs_are_exact() {
        check(&[0.9, 0.1], &[(0, 1, 0.0, Some(Proof::Win(1)))], Some(1));
        check(&[0.9, 0.1], &[(0, 1, 0.0, Some(Proof::Win(1))), (1, 1, 0.0, Some(Proof::Win(1)))], None);
        check(&[0.5, 0.5], &[(0, 9, 0.9, Some(Proof::Draw)), (1, 9, 0.6, None)], Some(1));
    }

    #[test]
    fn visits_on_their_way_spread_a_batch() {
        let mut tree = tree(&[0.5, 0.3, 0.2], &[]);
        let mut order = alloc::vec::Vec::new();
        for _ in 0..4 {
            let edge = select(&tree, ROOT, &Settings::default(), 0.0).expect("nothing is proven");
            let child = tree.child(ROOT, edge);
            tree.node_mut(child).in_flight += 1;
            tree.node_mut(ROOT).in_flight += 1;
            order.push(edge);
        }
        assert_eq!(order[..3], [0, 1, 2]);
    }
}
