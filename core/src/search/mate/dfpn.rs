//! Depth-first proof-number search (df-pn, Nagai 2002) for mates of any length.
//!
//! A node's proof number says how many positions must still be proven to prove the mate, its disproof number how many to refute
//! it; the search always goes where the smaller number leads, and comes back when that is no longer so. Where all children must be
//! overcome, their numbers are not added up, since sums count positions that several lines share again and again: the largest
//! counts, one for each further child (weak proof numbers, Ueda and others 2008), and [`SHARE`] of the others' numbers.
//!
//! Repetition. A line that comes back to a board of its own without more in hand has brought the attacker nothing: the shortest mate from
//! the earlier position contains no such line, so it counts as refuted. Such a refutation holds only below the position that
//! comes back. It carries the depths of all positions it rests on, and becomes unconditional when it reaches the first of them;
//! until then it is kept apart, in [`Loops`]. Proofs never rest on the way that led to them.

use alloc::vec::Vec;

use super::position_key;
use super::table::{Entry, INFINITE, Known, Loops, Table};
use crate::random::mix;
use crate::shogi::{Bitboard, Color, Hand, Move, PieceType, Position};

/// Longest line that is searched; what lies behind counts as refuted, but then nothing is refuted for good.
const MAX_DEPTH: usize = 1000;

/// Part of a node's smaller numbers that counts beside the largest: one in so many.
const SHARE: u32 = 4;

/// Marks a refutation that rests on [`MAX_DEPTH`]. The other depths have the bits above it, all from 126 on the last one.
const CUT_OFF: u128 = 1;

/// Bit of a depth.
fn bit(depth: usize) -> u128 {
    1 << (depth + 1).min(127)
}

/// Result so far of the search below a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judgement {
    /// Proof number.
    pub proof: u32,
    /// Disproof number.
    pub disproof: u32,
    /// If proven, a hand of the attacker that suffices; if refuted, one that does not.
    pub hand: Hand,
    /// If refuted, the depths of the positions whose repetition it rests on.
    pub depths: u128,
    /// If proven, the plies to the end.
    pub plies: u16,
}

impl Judgement {
    fn open(proof: u32, disproof: u32) -> Judgement {
        Judgement { proof, disproof, hand: Hand::EMPTY, depths: 0, plies: 0 }
    }

    fn proven(hand: Hand, plies: u16) -> Judgement {
        Judgement { proof: 0, disproof: INFINITE, hand, depths: 0, plies }
    }

    fn refuted(hand: Hand, depths: u128) -> Judgement {
        Judgement { proof: INFINITE, disproof: 0, hand, depths, plies: 0 }
    }
}

/// Move from a node on the line that is searched.
#[derive(Clone, Copy, Debug)]
struct Child {
    mv: Move,
    board: u64,
    /// The attacker's hand after the move.
    hand: Hand,
    judgement: Judgement,
}

/// Node on the line that is searched.
#[derive(Clone, Debug)]
struct Node {
    position: Position,
    board: u64,
    /// The attacker's hand.
    hand: Hand,
    /// Key of the line from the root to here.
    path: u64,
    /// Where its children begin in [`Dfpn::children`].
    children: usize,
    /// The child that is searched, counted from there.
    searched: usize,
    /// Proof and disproof number at which the search leaves the node.
    limits: [u32; 2],
    /// Whether some child was met at a smaller depth: then numbers may grow in a circle, and each visit must look deeper.
    has_old_child: bool,
    /// Whether this visit has already looked deeper.
    has_looked: bool,
    /// Positions looked at before this visit.
    before: u64,
}

/// Numbers of a node and the child to search next.
struct Choice {
    proof: u32,
    disproof: u32,
    /// The child, counted from the node's first, and its limits.
    next: Option<(usize, [u32; 2])>,
}

/// Search for a mate from one position, which can be interrupted everywhere.
#[derive(Clone, Debug)]
pub(super) struct Dfpn {
    attacker: Color,
    /// Moves of the root that are searched; empty for all.
    only: Vec<Move>,
    /// Keys of positions that the attacker must not enter, since the game may end by repetition there.
    forbidden: Vec<u64>,
    pub table: Table,
    loops: Loops,
    line: Vec<Node>,
    children: Vec<Child>,
    moves: Vec<Move>,
    pub nodes: u64,
    pub root: Judgement,
}

impl Dfpn {
    pub fn new(position: &Position, only: &[Move], forbidden: &[u64], bytes: usize) -> Dfpn {
        let mut search = Dfpn {
            attacker: position.side_to_move(),
            only: only.to_vec(),
            forbidden: forbidden.to_vec(),
            table: Table::new(bytes / 8 * 7, !forbidden.is_empty()),
            loops: Loops::new(bytes / 8),
            line: Vec::new(),
            children: Vec::new(),
            moves: Vec::new(),
            nodes: 0,
            root: Judgement::open(1, 1),
        };
        search.begin(position);
        search
    }

    /// Searches all moves of a later position from now on.
    pub fn restart(&mut self, position: &Position) {
        self.only.clear();
        self.begin(position);
    }

    /// Whether all moves of the root are searched.
    pub fn is_whole(&self) -> bool {
        self.only.is_empty()
    }

    /// Plies of the line that is searched.
    pub fn depth(&self) -> usize {
        self.line.len().saturating_sub(1)
    }

    fn begin(&mut self, position: &Position) {
        self.line.clear();
        self.children.clear();
        self.root = Judgement::open(1, 1);
        let (board, hand) = (position.board_key(), position.hand(self.attacker));
        self.enter(position.clone(), board, hand, [INFINITE; 2]);
    }

    /// Looks at some `nodes` positions more; returns whether the search is over.
    pub fn advance(&mut self, nodes: u64) -> bool {
        let end = self.nodes.saturating_add(nodes);
        while let Some(node) = self.line.last() {
            let choice = self.choose(node);
            let settled = choice.proof == 0 || choice.disproof == 0;
            let [proof_limit, disproof_limit] = node.limits;
            let mut leaves = settled || choice.proof >= proof_limit || choice.disproof >= disproof_limit;
            if leaves && !settled && node.has_old_child && !node.has_looked {
                leaves = false;
            }
            match choice.next {
                Some((child, limits)) if !leaves => {
                    if self.nodes >= end {
                        return false;
                    }
                    self.descend(child, limits);
                }
                _ => self.leave(choice.proof, choice.disproof),
            }
        }
        true
    }

    fn attacks(&self, position: &Position) -> bool {
        position.side_to_move() == self.attacker
    }

    fn children(&self, node: &Node) -> &[Child] {
        // Only the last node of the line chooses, and its children are the last.
        &self.children[node.children..]
    }

    /// Numbers of the last node of the line from those of its children.
    fn choose(&self, node: &Node) -> Choice {
        let attacks = self.attacks(&node.position);
        // For the side to move a child is as good as its `own` number is small; all `other` numbers have to be overcome.
        let numbers = |child: &Child| {
            let Judgement { proof, disproof, .. } = child.judgement;
            if attacks { (proof, disproof) } else { (disproof, proof) }
        };
        let (mut least, mut second, mut next) = (INFINITE, INFINITE, 0);
        let (mut greatest, mut sum, mut open) = (0, 0u32, 0u32);
        let mut interposed = Bitboard::EMPTY;
        for (i, child) in self.children(node).iter().enumerate() {
            let (own, other) = numbers(child);
            if other == 0 {
                continue;
            }
            // Pieces dropped on one square are mated alike: one after the other is tried.
            if !attacks && own > 0 && child.mv.is_drop() {
                if interposed.contains(child.mv.to()) {
                    continue;
                }
                interposed.insert(child.mv.to());
            }
            open += 1;
            greatest = greatest.max(other);
            sum = sum.saturating_add(other);
            if own < least {
                (least, second, next) = (own, least, i);
            } else if own < second {
                second = own;
            }
        }
        let [proof_limit, disproof_limit] = node.limits;
        let (own_limit, other_limit) =
            if attacks { (proof_limit, disproof_limit) } else { (disproof_limit, proof_limit) };
        let of_side = |own, other| if attacks { [own, other] } else { [other, own] };
        let finite = |number: u32| number.min(INFINITE - 1);
        // What the other children add to the greatest number.
        let others = ((sum - greatest) / SHARE).saturating_add(open.saturating_sub(1));
        let [proof, disproof] = match (open, least) {
            (0, _) => of_side(INFINITE, 0),
            (_, 0) => of_side(0, INFINITE),
            _ => of_side(finite(least), finite(greatest.saturating_add(others))),
        };
        // A little more than the second best avoids going to and fro between two children.
        let own = own_limit.min(second.saturating_add(1).saturating_add(second / 8)).max(least.saturating_add(1));
        let next = (open > 0).then(|| {
            let other = if other_limit == INFINITE { INFINITE } else { other_limit.saturating_sub(others) };
            let reached = numbers(&self.children(node)[next]).1;
            (next, of_side(own, other.max(reached.saturating_add(1))))
        });
        Choice { proof, disproof, next }
    }

    /// Goes down to a child of the last node.
    fn descend(&mut self, child: usize, limits: [u32; 2]) {
        let node = self.line.last_mut().expect("the line has a node");
        node.searched = child;
        node.has_looked = true;
        let Child { mv, board, hand, .. } = self.children[node.children + child];
        let mut position = node.position.clone();
        position.play_unchecked(mv);
        self.enter(position, board, hand, limits);
    }

    /// Appends a node to the line and judges its children.
    fn enter(&mut self, position: Position, board: u64, hand: Hand, limits: [u32; 2]) {
        let attacks = self.attacks(&position);
        self.moves.clear();
        if attacks {
            position.legal_checks(|set| self.moves.extend(set.moves()));
        } else {
            position.legal_targets(|set| self.moves.extend(set.moves()));
        }
        if self.line.is_empty() && !self.only.is_empty() {
            self.moves.retain(|mv| self.only.contains(mv));
        }
        let before = self.nodes;
        self.nodes += 1;
        let depth = self.line.len();
        let path = self.line.last().map_or(0, |node| mix(node.path)) ^ position_key(board, hand);
        self.line.push(Node {
            position,
            board,
            hand,
            path,
            children: self.children.len(),
            searched: 0,
            limits,
            has_old_child: false,
            has_looked: false,
            before,
        });
        for i in 0..self.moves.len() {
            let mv = self.moves[i];
            let mut after = self.line[depth].position.clone();
            after.play_unchecked(mv);
            let (board, hand) = (after.board_key(), after.hand(self.attacker));
            let judgement = self.judge(&after, board, hand);
            self.children.push(Child { mv, board, hand, judgement });
            // One that decides is enough.
            let Judgement { proof, disproof, depths, .. } = judgement;
            if attacks && proof == 0 || !attacks && disproof == 0 && depths == 0 {
                break;
            }
        }
    }

    /// First judgement of a position after the last node of the line.
    fn judge(&mut self, position: &Position, board: u64, hand: Hand) -> Judgement {
        let exact = self.exact();
        if exact && self.forbidden.contains(&position.key()) {
            return Judgement::refuted(hand, 0);
        }
        let known = self.table.look_up(board, hand);
        if let Known::Settled(entry) = known {
            return if entry.proof == 0 {
                Judgement::proven(entry.hand, entry.plies)
            } else {
                Judgement::refuted(entry.hand, 0)
            };
        }
        let comes_back =
            |node: &Node| node.board == board && if exact { node.hand == hand } else { node.hand.covers(hand) };
        if let Some(depth) = self.line.iter().position(comes_back) {
            return Judgement::refuted(hand, bit(depth));
        }
        if self.line.len() >= MAX_DEPTH {
            return Judgement::refuted(hand, CUT_OFF);
        }
        if let Some((depths, path)) = self.loops.look_up(board, hand) {
            let deepest = depths.ilog2() as usize - 1;
            if self.line.get(deepest).is_some_and(|node| node.path == path) {
                return Judgement::refuted(hand, depths);
            }
        }
        match known {
            Known::Open { proof, disproof, depth } => {
                let is_old = usize::from(depth) < self.line.len();
                self.line.last_mut().expect("the line has a node").has_old_child |= is_old;
                Judgement::open(proof, disproof)
            }
            Known::New { proof, disproof } => {
                let mut judgement = self.look(position, hand);
                if judgement.proof > 0 && judgement.disproof > 0 {
                    judgement.proof = judgement.proof.max(proof);
                    judgement.disproof = judgement.disproof.max(disproof);
                }
                judgement
            }
            Known::Settled(_) => unreachable!("it was returned above"),
        }
    }

    /// Judgement of a new position by its moves alone.
    fn look(&mut self, position: &Position, hand: Hand) -> Judgement {
        self.nodes += 1;
        let mut count = 0;
        if self.attacks(position) {
            position.legal_checks(|set| count += set.count() as u32);
            return if count == 0 { self.no_check(position, hand) } else { Judgement::open(1, count) };
        }
        let mut interpositions = Bitboard::EMPTY;
        position.legal_targets(|set| match set.origin {
            crate::shogi::Origin::Drop(_) => interpositions |= set.to,
            crate::shogi::Origin::Square(_) => count += set.count() as u32,
        });
        match count + interpositions.count() as u32 {
            0 => Judgement::proven(self.least_hand(Hand::EMPTY, position, hand), 0),
            count => Judgement::open(count, 1),
        }
    }

    /// Whether hands must be equal, since what the attacker must not enter depends on them.
    fn exact(&self) -> bool {
        !self.forbidden.is_empty()
    }

    /// Refutation of a position without a check: more of what is in hand would not help, only other pieces.
    fn no_check(&self, position: &Position, hand: Hand) -> Judgement {
        Judgement::refuted(if self.exact() { hand } else { most_hand(position, hand) }, 0)
    }

    /// The hand that a proof needs in a position where the attacker gives check: `needed` by its lines, and all pieces of the kinds that
    /// the defender would otherwise have to interpose.
    fn least_hand(&self, needed: Hand, position: &Position, hand: Hand) -> Hand {
        if self.exact() {
            return hand;
        }
        if position.interpositions().is_empty() {
            return needed;
        }
        let defender = position.hand(self.attacker.flip());
        hand.iter()
            .fold(needed, |needed, (kind, count)| if defender.has(kind) { needed } else { needed.with(kind, count) })
    }

    /// Leaves the last node of the line with these numbers, and tells the node before.
    fn leave(&mut self, proof: u32, disproof: u32) {
        let node = self.line.pop().expect("the line has a node");
        let depth = self.line.len();
        let (judgement, mv) = self.conclude(&node, depth, proof, disproof);
        let settled = judgement.proof == 0 || judgement.disproof == 0;
        if judgement.depths == 0 {
            self.table.store(
                Entry {
                    board: node.board,
                    hand: if settled { judgement.hand } else { node.hand },
                    proof: judgement.proof,
                    disproof: judgement.disproof,
                    work: u32::try_from(self.nodes - node.before).unwrap_or(u32::MAX),
                    plies: judgement.plies,
                    depth: depth as u16,
                    mv,
                },
                node.hand,
            );
        } else {
            let deepest = judgement.depths.ilog2() as usize;
            if judgement.depths & CUT_OFF == 0 && deepest < 127 {
                self.loops.store(node.board, node.hand, judgement.depths, self.line[deepest - 1].path);
            }
        }
        self.children.truncate(node.children);
        match self.line.last() {
            Some(parent) => self.children[parent.children + parent.searched].judgement = judgement,
            None => self.root = judgement,
        }
    }

    /// Judgement of a node from its children, with the attacker's move if it is proven.
    fn conclude(&self, node: &Node, depth: usize, proof: u32, disproof: u32) -> (Judgement, Option<Move>) {
        let children = &self.children[node.children..];
        let judgements = || children.iter().map(|child| (child, child.judgement));
        let attacks = self.attacks(&node.position);
        // A refutation no longer rests on a repetition of the node itself; nodes that share a bit are dropped together.
        let without_self = |depths: u128| if depth <= 126 { depths & !bit(depth) } else { depths };
        let exact = |hand: Hand| if self.exact() { node.hand } else { hand };
        if proof == 0 && attacks {
            let best = judgements().filter(|(_, judgement)| judgement.proof == 0);
            let (child, best) = best.min_by_key(|(_, judgement)| judgement.plies).expect("a child is proven");
            let hand = exact(hand_before(child.mv, node, best.hand));
            (Judgement::proven(hand, best.plies.saturating_add(1)), Some(child.mv))
        } else if proof == 0 {
            let all = judgements().fold(Hand::EMPTY, |all, (_, judgement)| each_kind(all, judgement.hand, u8::max));
            let plies = judgements().map(|(_, judgement)| judgement.plies).max().unwrap_or(0);
            (Judgement::proven(self.least_hand(all, &node.position, node.hand), plies.saturating_add(1)), None)
        } else if disproof == 0 && attacks {
            let most = most_hand(&node.position, node.hand);
            let all = judgements().fold(most, |all, (child, judgement)| {
                each_kind(all, hand_before(child.mv, node, judgement.hand), u8::min)
            });
            let depths = judgements().fold(0, |depths, (_, judgement)| depths | judgement.depths);
            (Judgement::refuted(exact(all), without_self(depths)), None)
        } else if disproof == 0 {
            let refuted = judgements().filter(|(_, judgement)| judgement.disproof == 0);
            // The best rests on nothing, or else on what is nearest to the root.
            let rests = |depths: u128| (depths & CUT_OFF, depths);
            let best = refuted.min_by_key(|(_, judgement)| rests(judgement.depths));
            let (child, best) = best.expect("a child is refuted");
            let mut hand = best.hand;
            if let Some(kind) = child.mv.dropped() {
                // The defender must keep one to drop.
                let all = node.hand.count(kind) + node.position.hand(self.attacker.flip()).count(kind);
                hand = hand.with(kind, hand.count(kind).min(all - 1));
            }
            (Judgement::refuted(exact(hand), without_self(best.depths)), None)
        } else {
            (Judgement::open(proof, disproof), None)
        }
    }
}

/// A hand before a move of the attacker at `node` from the one after it.
fn hand_before(mv: Move, node: &Node, after: Hand) -> Hand {
    if let Some(kind) = mv.dropped() {
        return after.with(kind, after.count(kind) + 1);
    }
    match node.position.piece_at(mv.to()) {
        Some(captured) => {
            let kind = captured.kind().unpromoted();
            after.with(kind, after.count(kind).saturating_sub(1))
        }
        None => after,
    }
}

/// The hand with all pieces of the kinds that the attacker, who is to move, has in hand.
fn most_hand(position: &Position, hand: Hand) -> Hand {
    let defender = position.hand(position.side_to_move().flip());
    hand.iter().fold(Hand::EMPTY, |most, (kind, count)| most.with(kind, count + defender.count(kind)))
}

fn each_kind(a: Hand, b: Hand, of: impl Fn(u8, u8) -> u8) -> Hand {
    PieceType::HAND.into_iter().fold(a, |hand, kind| hand.with(kind, of(a.count(kind), b.count(kind))))
}
