//! The search: a tree that grows by batches of leaves, which an [`Evaluator`] judges.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::mate::{self, Mate, MateSolver, MateStatus};
use super::puct;
use super::settings::{MateLimits, Settings};
use super::tree::{Edge, NodeId, Proof, ROOT, Stage, Tree, seen_by_other_side, with_rest_lost};
use crate::encoding::{Actions, PackedObservation};
use crate::evaluator::{Batch, Evaluator, EvaluatorError, Prediction};
use crate::net::Wdl;
use crate::shogi::{Game, GameResult, Move};

/// Visits that need no network which one call of [`Search::gather`] makes at most, for each leaf asked for: the caller
/// wants to look at its clock now and then.
const FREE_VISITS: usize = 64;

/// A search from one position of a game on.
///
/// Drive it by [`gather`](Self::gather) and [`deliver`](Self::deliver), or by [`step`](Self::step) which calls both, until
/// it [is finished](Self::is_finished) or you have had enough. The same game, settings, batches and network give the same tree.
#[derive(Clone, Debug)]
pub struct Search {
    settings: Settings,
    actions: Actions,
    /// The game at the root, whenever nobody is descending.
    pub(super) game: Game,
    pub(super) tree: Tree,
    pub(super) root_mate: Option<Mate>,
    /// Solver that [`seek_mate`](Search::seek_mate) has begun at the root.
    solver: Option<Box<MateSolver>>,
    /// Moves of the root that are searched; empty for all.
    only: Vec<Move>,
    /// Keys of positions that have occurred twice or more on the way to the current one.
    repeated: Vec<u64>,
    pending: Vec<Leaf>,
    /// Positions for the network with the actions of their edges, in the order of the `pending` leaves that are no
    /// collisions.
    batch: Batch,
    /// The nodes from the root to each pending leaf, one path after the other.
    paths: Vec<NodeId>,
}

/// Visit in flight.
#[derive(Clone, Copy, Debug)]
struct Leaf {
    /// Where its path ends in `paths`.
    path_end: usize,
    /// Whether it met a leaf that was already in flight, and so has no prediction of its own.
    collision: bool,
}

/// Result of one descent.
enum Descent {
    Leaf,
    Free,
    Collision,
}

impl Search {
    /// A search from the current position of `game` on.
    ///
    /// # Panics
    /// If a setting is out of its range; see [`Settings::validate`].
    pub fn new(game: Game, actions: Actions, settings: Settings) -> Search {
        if let Err(error) = settings.validate() {
            panic!("{error}");
        }
        let mut search = Search {
            settings,
            actions,
            game,
            tree: Tree::new(),
            root_mate: None,
            solver: None,
            only: Vec::new(),
            repeated: Vec::new(),
            pending: Vec::new(),
            batch: Batch::new(),
            paths: Vec::new(),
        };
        search.look_at_root();
        search
    }

    /// The game, at the position that is searched.
    pub fn game(&self) -> &Game {
        &self.game
    }

    /// The numbering in which policies are delivered.
    pub fn actions(&self) -> Actions {
        self.actions
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Sets how many visits of the root finish the search, at least 1.
    ///
    /// # Panics
    /// If `visits` is 0.
    pub fn set_visits(&mut self, visits: u32) {
        assert!(visits > 0, "a search makes at least one visit");
        self.settings.visits = visits;
    }

    /// Visits of the root so far, those kept from earlier moves included.
    pub fn visits(&self) -> u32 {
        self.tree.node(ROOT).visits
    }

    /// Nodes of the tree.
    pub fn nodes(&self) -> usize {
        self.tree.len()
    }

    /// Moves of the opened nodes, 12 bytes each: most of the tree's memory.
    pub fn edges(&self) -> usize {
        self.tree.edge_count()
    }

    /// Whether there is nothing more to do: the game is over, the result is proven, or a limit is reached.
    pub fn is_finished(&self) -> bool {
        let root = self.tree.node(ROOT);
        self.game.outcome().is_some()
            || root.proof.is_some()
            || root.visits >= self.settings.visits
            || self.tree.len() >= self.settings.max_nodes
    }

    /// Takes the search one batch of at most `batch` leaves further.
    ///
    /// # Errors
    /// If the evaluator fails; the leaves are then abandoned, and the search can go on.
    ///
    /// # Panics
    /// As [`gather`](Self::gather), or if the evaluator numbers moves otherwise.
    pub fn step<E: Evaluator + ?Sized>(&mut self, evaluator: &mut E, batch: usize) -> Result<(), EvaluatorError> {
        assert_eq!(evaluator.shape().actions, self.actions, "the evaluator has the search's actions");
        if self.gather(batch).is_empty() {
            return Ok(());
        }
        match evaluator.evaluate(&self.batch) {
            Ok(predictions) => self.deliver(predictions.iter()),
            Err(error) => {
                self.abandon();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Finds up to `batch` leaves for the network, with their legal actions; their number may be smaller, and 0 even before
    /// the search is finished. Everything must be [delivered](Self::deliver) or [abandoned](Self::abandon) before
    /// the next call.
    ///
    /// # Panics
    /// If `batch` is 0, or leaves have been neither delivered nor abandoned.
    pub fn gather(&mut self, batch: usize) -> &Batch {
        assert!(batch > 0, "a batch has at least one leaf");
        assert!(self.pending.is_empty(), "leaves are still to be delivered");
        let (mut collisions, mut free) = (0, 0);
        while self.batch.len() < batch && collisions < batch && free < batch * FREE_VISITS {
            // An untouched root is the only leaf there is.
            let root = self.tree.node(ROOT);
            if self.is_finished() || root.started() >= self.settings.visits || root.stage == Stage::Pending {
                break;
            }
            match self.descend() {
                Descent::Leaf => {}
                Descent::Free => free += 1,
                Descent::Collision => collisions += 1,
            }
        }
        if self.batch.is_empty() {
            self.abandon();
        }
        &self.batch
    }

    /// Leaves that were gathered and not yet delivered.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Takes the predictions for the gathered leaves, in their order, and no further ones.
    ///
    /// # Panics
    /// If there are fewer predictions than leaves, or one lacks a logit for each of its leaf's actions.
    pub fn deliver<'p>(&mut self, predictions: impl IntoIterator<Item = Prediction<'p>>) {
        let mut predictions = predictions.into_iter();
        let mut start = 0;
        for i in 0..self.pending.len() {
            let Leaf { path_end, collision } = self.pending[i];
            let path = start..path_end;
            start = path_end;
            for &id in &self.paths[path.clone()] {
                self.tree.node_mut(id).in_flight -= 1;
            }
            if collision {
                continue;
            }
            let Prediction { logits, wdl, .. } = predictions.next().expect("a prediction for each leaf");
            let id = self.paths[path_end - 1];
            set_priors(self.tree.edges_mut(id), logits, self.settings.policy_temperature);
            self.tree.sort_edges(id);
            self.tree.node_mut(id).stage = Stage::Open;
            self.back_up(path, finite(wdl.softmax()));
        }
        self.forget_pending();
    }

    /// Abandons the gathered leaves, as if they had not been asked for.
    pub fn abandon(&mut self) {
        let mut start = 0;
        for &Leaf { path_end, collision } in &self.pending {
            for &id in &self.paths[start..path_end] {
                self.tree.node_mut(id).in_flight -= 1;
            }
            if !collision {
                self.tree.node_mut(self.paths[path_end - 1]).stage = Stage::Fresh;
            }
            start = path_end;
        }
        self.forget_pending();
    }

    fn forget_pending(&mut self) {
        self.pending.clear();
        self.batch.clear();
        self.paths.clear();
    }

    /// Plays `mv` and keeps the subtree of the position after it. Leaves that are not delivered are abandoned.
    ///
    /// # Panics
    /// If `mv` is not legal, or the game is over.
    pub fn advance(&mut self, mv: Move) {
        self.abandon();
        self.reroot(mv);
        self.game.play(mv);
        self.look_at_root();
    }

    /// Makes the node behind `mv` the root.
    fn reroot(&mut self, mv: Move) {
        self.only.clear();
        let edge = self.tree.edges(ROOT).iter().find(|edge| edge.mv == mv);
        // Without moves its statistics are of no use at the root.
        match edge.and_then(Edge::child).filter(|&child| self.tree.node(child).stage == Stage::Open) {
            Some(child) => self.tree.keep(child, 0),
            None => self.tree = Tree::new(),
        }
    }

    /// Searches `game` from now on: its subtree is kept if `game` continues the one that was searched, else the tree starts
    /// empty.
    pub fn follow(&mut self, game: Game) {
        self.abandon();
        let same = self.game.start() == game.start() && self.game.max_plies() == game.max_plies();
        let rest = game.moves().strip_prefix(self.game.moves());
        match rest {
            Some([]) if same => self.game = game,
            Some(rest) if same => {
                for &mv in rest {
                    self.reroot(mv);
                }
                // It may also have been resigned or declared, or have gone on after its end.
                self.game = game;
                self.look_at_root();
            }
            _ => {
                self.game = game;
                self.only.clear();
                self.tree = Tree::new();
                self.look_at_root();
            }
        }
    }

    /// Searches only `moves` at the root, up to the next move that is played, or all again if there are none; the tree starts empty.
    ///
    /// # Panics
    /// If one of `moves` is not legal.
    pub fn restrict(&mut self, moves: &[Move]) {
        assert!(moves.iter().all(|&mv| self.game.position().is_legal(mv)), "only legal moves are searched");
        self.abandon();
        self.only = moves.to_vec();
        self.tree = Tree::new();
        self.look_at_root();
    }

    /// Forgets what lies below the least visited nodes, so that at most `most` nodes stay, or the root and its moves. The
    /// visits and values of all that stay are kept, and a visit opens a forgotten part again: a search in little memory
    /// can go on forever. Leaves that are not delivered are abandoned.
    pub fn trim(&mut self, most: usize) {
        self.abandon();
        if self.tree.len() > most {
            self.tree.keep(ROOT, self.tree.least_visits(most));
        }
    }

    /// Forgets the tree, and begins again at the same position.
    pub fn restart(&mut self) {
        self.abandon();
        self.tree = Tree::new();
        self.look_at_root();
    }

    /// Looks for a mate at the root in about `nodes` positions more, beyond the limits of the settings; returns whether there is still
    /// something to look at.
    pub fn seek_mate(&mut self, nodes: u64) -> bool {
        if self.game.outcome().is_some() || self.tree.node(ROOT).proof.is_some() || self.settings.root_mate.plies == 0 {
            return false;
        }
        let mut solver = self.solver.take().unwrap_or_else(|| Box::new(self.new_solver()));
        let status = solver.advance(nodes);
        self.settle(self.mate_within_limits(&solver));
        // One that is done stays, so that it does not begin again.
        self.solver = Some(solver);
        status == MateStatus::Open
    }

    fn new_solver(&self) -> MateSolver {
        MateSolver::among(&self.only, self.game.position(), &self.repeated, self.settings.mate_memory)
    }

    fn mate_within_limits(&self, solver: &MateSolver) -> Option<Mate> {
        let most = self.plies_to_mate(self.settings.root_mate.plies);
        solver.mate().filter(|mate| usize::from(mate.plies) <= most).cloned()
    }

    /// Takes a mate at the root as the result.
    fn settle(&mut self, mate: Option<Mate>) {
        if let Some(mate) = mate {
            self.tree.node_mut(ROOT).proof = Some(Proof::Win(mate.plies));
            self.root_mate = Some(mate);
        }
    }

    /// Settles the root where that needs no network: a declaration, a forced mate.
    fn look_at_root(&mut self) {
        self.repeated = self.game.repeated_keys().collect();
        self.root_mate = None;
        self.solver = None;
        if self.game.outcome().is_some() {
            return;
        }
        if self.declares() {
            self.tree.node_mut(ROOT).proof = Some(Proof::Win(1));
            return;
        }
        let root = self.tree.node_mut(ROOT);
        if root.stage == Stage::Fresh {
            // A leaf's proof has no move to play, so it is of no use at the root.
            root.proof = None;
        }
        self.settle(self.find_root_mate());
    }

    /// Whether the side to move at the root declares a win instead of moving.
    pub(super) fn declares(&self) -> bool {
        self.only.is_empty() && self.game.position().can_declare()
    }

    fn find_root_mate(&self) -> Option<Mate> {
        let MateLimits { plies, nodes } = self.settings.root_mate;
        // A mate in one is found whatever the limit.
        if self.only.is_empty()
            && let Some(line) = self.find_mate(MateLimits { plies: plies.min(1), nodes: 0 })
        {
            return Some(Mate { plies: line.len() as u16, line: line.to_vec() });
        }
        if plies <= 1 || nodes == 0 {
            return None;
        }
        let mut solver = self.new_solver();
        solver.advance(nodes.into());
        self.mate_within_limits(&solver)
    }

    /// Follows the tree from the root to a node where it ends.
    fn descend(&mut self) -> Descent {
        let start = self.paths.len();
        let repeated = self.repeated.len();
        self.paths.push(ROOT);
        let mut id = ROOT;
        let mut draw_value = self.settings.draw_value;
        while self.tree.node(id).stage == Stage::Open && self.tree.node(id).proof.is_none() {
            let edge = puct::select(&self.tree, id, &self.settings, draw_value);
            let edge = edge.expect("a node of which all moves lose is proven");
            self.game.play_unchecked(self.tree.edges(id)[edge].mv);
            if self.game.repetition_count() >= 2 {
                self.repeated.push(self.game.position().key());
            }
            id = self.tree.child(id, edge);
            self.paths.push(id);
            draw_value = -draw_value;
        }
        let depth = self.paths.len() - start - 1;
        let descent = self.arrive(id, start);
        for _ in 0..depth {
            self.game.undo();
        }
        self.repeated.truncate(repeated);
        descent
    }

    /// Turns a new node into a leaf for the network, or settles it at once.
    fn arrive(&mut self, id: NodeId, start: usize) -> Descent {
        let stage = self.tree.node(id).stage;
        // A proof without a move would be of no use at the root.
        if stage == Stage::Fresh && id != ROOT && self.tree.node(id).proof.is_none() {
            self.tree.node_mut(id).proof = self.prove_leaf();
        }
        if let Some(proof) = self.tree.node(id).proof {
            self.back_up(start..self.paths.len(), proof.wdl());
            self.paths.truncate(start);
            return Descent::Free;
        }
        for &id in &self.paths[start..] {
            self.tree.node_mut(id).in_flight += 1;
        }
        let collision = stage == Stage::Pending;
        self.pending.push(Leaf { path_end: self.paths.len(), collision });
        if collision {
            return Descent::Collision;
        }
        let position = self.game.position();
        let (side, mut moves) = (position.side_to_move(), position.legal_moves());
        if id == ROOT && !self.only.is_empty() {
            moves.retain(|mv| self.only.contains(mv));
        }
        self.tree.set_edges(id, moves.iter().map(|&mv| Edge::new(mv)));
        self.tree.node_mut(id).stage = Stage::Pending;
        let actions = moves.iter().map(|&mv| self.actions.index(side, mv));
        self.batch.push(PackedObservation::new(&self.game), actions);
        Descent::Leaf
    }

    /// Proof of the current position without the network, if there is one.
    fn prove_leaf(&self) -> Option<Proof> {
        let us = self.game.position().side_to_move();
        if let Some(outcome) = self.game.outcome() {
            return Some(match outcome.result {
                GameResult::Win(winner) if winner == us => Proof::Win(0),
                GameResult::Win(_) => Proof::Loss(0),
                // Nobody wins a game that is cut off.
                GameResult::Draw | GameResult::Truncated => Proof::Draw,
            });
        }
        if self.game.position().can_declare() {
            return Some(Proof::Win(1));
        }
        self.find_mate(self.settings.leaf_mate).map(|line| Proof::Win(line.len() as u16))
    }

    /// The shortest mate from the current position that comes before the ply limit.
    fn find_mate(&self, limits: MateLimits) -> Option<mate::Line> {
        mate::solve(self.game.position(), self.plies_to_mate(limits.plies), limits.nodes, &self.repeated)
    }

    /// Plies that a mate may take, at most `plies`, to come before the ply limit.
    fn plies_to_mate(&self, plies: usize) -> usize {
        match usize::from(self.game.max_plies()) {
            0 => plies,
            max => plies.min(max - self.game.moves().len()),
        }
    }

    /// Adds one visit to every node of a path, whose last node has these probabilities, and carries proofs upwards.
    fn back_up(&mut self, path: core::ops::Range<usize>, mut wdl: Wdl) {
        for &id in self.paths[path.clone()].iter().rev() {
            self.tree.node_mut(id).add(wdl);
            wdl = seen_by_other_side(wdl);
        }
        for pair in self.paths[path].windows(2).rev() {
            if self.tree.node(pair[1]).proof.is_none() || !self.tree.prove(pair[0]) {
                break;
            }
        }
    }
}

/// Priors of a node's edges: the softmax over the logits of their actions.
fn set_priors(edges: &mut [Edge], logits: &[f32], temperature: f32) {
    assert_eq!(logits.len(), edges.len(), "a logit for each legal action");
    let highest = logits.iter().map(|logit| logit / temperature).fold(f32::NEG_INFINITY, f32::max);
    for (edge, logit) in edges.iter_mut().zip(logits) {
        edge.prior = libm::expf(logit / temperature - highest);
    }
    let sum: f32 = edges.iter().map(|edge| edge.prior).sum();
    let uniform = 1.0 / edges.len() as f32;
    for edge in edges {
        // A network of wild weights may overflow: then no move is better than another.
        edge.prior = if sum.is_finite() { edge.prior / sum } else { uniform };
    }
}

/// The probabilities, or a draw where a network of wild weights gives none.
fn finite(wdl: Wdl) -> Wdl {
    if (wdl.win + wdl.draw + wdl.loss).is_finite() { with_rest_lost(wdl.win, wdl.draw) } else { Wdl::DRAW }
}

#[cfg(test)]
mod tests {
    use super::super::{Candidate, Decision};
    use super::*;
    use crate::encoding::Features;
    use crate::evaluator::HostEvaluator;
    use crate::net::{NetSpec, Weights, scalar::Scalar};
    use crate::shogi::Position;

    fn evaluator() -> HostEvaluator<Scalar> {
        let (features, actions) = (Features::Attack96, Actions::Dest2187);
        let spec = NetSpec { channels: 8, blocks: 0, ..NetSpec::for_encodings(features, actions) };
        HostEvaluator::new(Scalar::new(&Weights::init(&spec, 3).expect("the shape is valid")), features, actions)
    }

    fn searched(visits: u32) -> Search {
        let settings = Settings { visits, ..Settings::default() };
        let mut search = Search::new(Game::new(Position::startpos(), 0), Actions::Dest2187, settings);
        run(&mut search);
        search
    }

    fn run(search: &mut Search) {
        let mut evaluator = evaluator();
        while !search.is_finished() {
            search.step(&mut evaluator, 4).expect("a CPU does not fail");
        }
    }

    /// The statistics of the root's moves, without their lines.
    fn statistics(search: &Search) -> Vec<Candidate> {
        let candidates = search.candidates(usize::MAX).into_iter();
        candidates.map(|candidate| Candidate { line: Vec::new(), ..candidate }).collect()
    }

    #[test]
    fn a_trimmed_search_knows_what_it_knew_and_goes_on() {
        let whole = searched(200);
        for most in [1, 30, 150] {
            let mut search = whole.clone();
            search.trim(most);
            let opened = search.tree.edges(ROOT).iter().filter(|edge| edge.child().is_some()).count();
            assert!(search.nodes() <= most.max(1 + opened), "{most}: {} nodes", search.nodes());
            assert_eq!((search.visits(), search.wdl()), (whole.visits(), whole.wdl()));
            assert_eq!(statistics(&search), statistics(&whole));
            search.set_visits(400);
            run(&mut search);
            assert!(search.visits() >= 400);
            let of_moves: u32 = search.candidates(usize::MAX).iter().map(|candidate| candidate.visits).sum();
            // One visit was the root's own.
            assert_eq!(of_moves + 1, search.visits(), "{most}");
        }
        let mut search = whole.clone();
        search.trim(usize::MAX);
        assert_eq!(search.candidates(9), whole.candidates(9));
    }

    #[test]
    fn the_game_may_go_into_what_was_forgotten() {
        let mut search = searched(200);
        search.trim(1);
        let Decision::Play(mv) = search.decide() else { panic!("the game is not over") };
        search.advance(mv);
        assert_eq!((search.visits(), search.nodes()), (0, 1));
        search.set_visits(1);
        run(&mut search);
        assert!(matches!(search.decide(), Decision::Play(_)));
    }

    #[test]
    fn a_game_that_goes_on_after_its_end_is_followed() {
        let start = Position::from_sfen("r3k4/9/9/9/9/9/9/9/8K b - 1").expect("a position");
        let mut game = Game::new(start, 0);
        for mv in "1i2i 5a4a 2i1i 4a5a ".repeat(3).split_ascii_whitespace() {
            game.play(mv.parse().expect("a move"));
        }
        let mut search = Search::new(game.clone(), Actions::Dest2187, Settings { visits: 20, ..Settings::default() });
        assert!(matches!(search.decide(), Decision::Over(_)));
        game.play_unchecked("1i2i".parse().expect("a move"));
        game.play_unchecked("5a4b".parse().expect("a move"));
        search.follow(game);
        run(&mut search);
        assert!(matches!(search.decide(), Decision::Play(_)));
    }

    #[test]
    fn exploration_is_what_selection_adds() {
        let search = searched(200);
        let candidates = search.candidates(usize::MAX);
        let Settings { c_puct, c_base, .. } = *search.settings();
        let visits = search.visits() as f32;
        let at_root = (c_puct + libm::logf((visits + c_base + 1.0) / c_base)) * libm::sqrtf(visits);
        for candidate in &candidates {
            let expected = at_root * candidate.prior / (1.0 + candidate.visits as f32);
            assert!((candidate.exploration - expected).abs() < 1e-5);
        }
        let sum = |candidate: &&Candidate| {
            candidate.value().map_or(f32::NEG_INFINITY, |value| value.0 + candidate.exploration)
        };
        let visited = candidates.iter().filter(|candidate| candidate.visits > 0);
        let next = visited.max_by(|a, b| sum(a).total_cmp(&sum(b))).expect("moves were visited");
        let selected = puct::select(&search.tree, ROOT, search.settings(), 0.0).expect("nothing is proven");
        let selected = &search.tree.edges(ROOT)[selected];
        // An unvisited move may come before it.
        assert!(selected.mv == next.mv || selected.child().is_none());
    }

    #[test]
    fn a_restarted_search_is_a_new_one() {
        let mut search = searched(100);
        search.restart();
        run(&mut search);
        assert_eq!(search.candidates(9), searched(100).candidates(9));
    }
}
