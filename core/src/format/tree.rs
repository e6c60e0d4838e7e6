//! Tree file: one game with its variations and all that is said about it, for a page's storage and to hand a game over.
//!
//! No notation keeps everything: KIF drops fractions of a second, JKF the number of the first move and headers of one name, and a
//! comment may read as an evaluation. This form is read back as it was, with the same numbers of the nodes.
//!
//! An [envelope] with magic `KEISEI-T`, version [`VERSION`] and an empty header. The body is postcard with these fields:
//!
//! | field | type | content |
//! |---|---|---|
//! | start | string | SFEN of the start position |
//! | headers | sequence of two strings | key and value |
//! | nodes | sequence | the nodes by number, each after its parent; the first is the root |
//!
//! | field of a node | type | content |
//! |---|---|---|
//! | event | tag | 0 start; 1 move, 2 illegal move ([`Move::to_u16`]); 3 end (its place in [`End::all`]); 4 end in other words (string) |
//! | children | sequence of `u32` | numbers of the nodes that follow, the main one first |
//! | said | option | comments (sequence of strings), bookmark (option of string), milliseconds (option of `u64`), evaluations |
//!
//! | field of an evaluation | type | content |
//! |---|---|---|
//! | source | byte | 0 player, 1 analysis |
//! | score | option of `i64` | thousandths of a centipawn from Black's view |
//! | mate | option | winner (0 Black, 1 White), plies (option of `u32`) |
//! | line | sequence of `u16` | moves after the node |
//! | depth, nodes, engine | options of `u32`, `u64`, string | |
//! | value | option of `f32` | -1 to 1, for the side to move after the node |
//! | policy | sequence of `u16`, `f32` | moves of the position before the node and their probabilities |
//!
//! Reading plays every move by the rules.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use serde::Deserialize;

use super::envelope::{self, EnvelopeError};
use crate::net::Value;
use crate::notation::{
    Centipawns, End, Evaluation, EvaluationSource, Event, GameTree, MAX_ALTERNATIVES, MAX_PLIES, Mate, Node, NodeId,
};
use crate::shogi::{Color, Move, Piece, Position, SfenError};

/// Version of the format.
pub const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"KEISEI-T";

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
struct StoredTree<'a> {
    start: &'a str,
    #[serde(borrow)]
    headers: Vec<(&'a str, &'a str)>,
    nodes: Vec<StoredNode<'a>>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
struct StoredNode<'a> {
    #[serde(borrow)]
    event: StoredEvent<'a>,
    children: Vec<u32>,
    said: Option<StoredWords<'a>>,
}

#[derive(PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
enum StoredEvent<'a> {
    Start,
    Move(u16),
    Illegal(u16),
    End(u8),
    Other(&'a str),
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
struct StoredWords<'a> {
    #[serde(borrow)]
    comments: Vec<&'a str>,
    bookmark: Option<&'a str>,
    spent: Option<u64>,
    evaluations: Vec<StoredEvaluation<'a>>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
struct StoredEvaluation<'a> {
    source: u8,
    score: Option<i64>,
    mate: Option<(u8, Option<u32>)>,
    line: Vec<u16>,
    depth: Option<u32>,
    nodes: Option<u64>,
    engine: Option<&'a str>,
    value: Option<f32>,
    policy: Vec<(u16, f32)>,
}

/// Reason why bytes are not a tree of this build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// The file is damaged, or not a tree file of this version.
    Envelope(EnvelopeError),
    /// The header is not empty; it has this many bytes.
    Header(usize),
    /// The body cannot be read as postcard.
    Body(postcard::Error),
    /// The body has bytes after the last node.
    BodyRest(usize),
    /// The start position is not an SFEN.
    Start(SfenError),
    /// The first node is not a start, or there is none.
    Root,
    /// A node is not the child of exactly one node before it.
    Structure {
        /// Number of the node.
        node: usize,
    },
    /// The same follows a node twice.
    Twice {
        /// Number of the node.
        node: usize,
    },
    /// More moves and ends follow a node than are kept.
    TooMany {
        /// Number of the node.
        node: usize,
    },
    /// A line is longer than the longest that is read.
    TooLong,
    /// An event of a node cannot happen there.
    Event {
        /// Number of the node.
        node: usize,
    },
    /// An evaluation of a node is none.
    Evaluation {
        /// Number of the node.
        node: usize,
    },
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TreeError::Envelope(error) => write!(f, "tree file: {error}"),
            TreeError::Header(found) => write!(f, "tree header: {found} bytes, but it has no fields"),
            TreeError::Body(error) => write!(f, "tree body: {error}"),
            TreeError::BodyRest(rest) => write!(f, "tree body: {rest} bytes after the last node"),
            TreeError::Start(error) => write!(f, "tree, start position: {error}"),
            TreeError::Root => f.write_str("tree: the first node is not the start"),
            TreeError::Structure { node } => {
                write!(f, "tree, node {node}: it does not follow exactly one earlier node")
            }
            TreeError::Twice { node } => write!(f, "tree, node {node}: the same move or end follows it twice"),
            TreeError::TooMany { node } => write!(f, "tree, node {node}: more than {MAX_ALTERNATIVES} alternatives"),
            TreeError::TooLong => write!(f, "tree: a line is longer than {MAX_PLIES} plies"),
            TreeError::Event { node } => write!(f, "tree, node {node}: its move or end is not possible there"),
            TreeError::Evaluation { node } => write!(f, "tree, node {node}: an evaluation is out of range or illegal"),
        }
    }
}

impl core::error::Error for TreeError {}

/// Bytes of a tree file.
///
/// ```
/// use keisei_core::format::tree;
/// use keisei_core::notation::kif;
///
/// let game = kif::read("*はじめ\n   1 ７六歩(77)   ( 0:12/00:00:12)\n   2 投了\n").strict().unwrap();
/// assert_eq!(tree::from_bytes(&tree::to_bytes(&game)), Ok(game));
/// ```
pub fn to_bytes(tree: &GameTree) -> Vec<u8> {
    let mut body = Body(Vec::new());
    body.text(&tree.start().to_sfen());
    body.number(tree.headers.len() as u64);
    for (key, value) in &tree.headers {
        body.text(key);
        body.text(value);
    }
    body.number(tree.len() as u64);
    for node in tree.nodes() {
        body.event(node.event());
        body.number(node.children().len() as u64);
        node.children().iter().for_each(|child| body.number(child.index() as u64));
        body.words(node);
    }
    envelope::seal(MAGIC, VERSION, &[], &body.0)
}

/// Body of a file that is written, in postcard's layout. What serde would generate for it weighs four times as much in the page; a test
/// compares the two.
struct Body(Vec<u8>);

impl Body {
    /// Seven bits a byte, the lowest first; all but the last byte have the eighth bit.
    #[inline(never)]
    fn number(&mut self, mut number: u64) {
        while number > 127 {
            self.0.push(number as u8 | 128);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    #[inline(never)]
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Body, T)) {
        self.0.push(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn float(&mut self, value: f32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn mv(&mut self, mv: Move) {
        self.number(mv.to_u16().into());
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Start => self.0.push(0),
            Event::Move(mv) => {
                self.0.push(1);
                self.mv(*mv);
            }
            Event::Illegal(mv) => {
                self.0.push(2);
                self.mv(*mv);
            }
            Event::End(End::Other(words)) => {
                self.0.push(4);
                self.text(words);
            }
            Event::End(end) => {
                let place = End::all().position(|known| known == *end).expect("every end but those in other words");
                self.0.extend_from_slice(&[3, place as u8]);
            }
        }
    }

    fn words(&mut self, node: &Node) {
        let plain = node.comments.is_empty()
            && node.bookmark.is_none()
            && node.spent.is_none()
            && node.evaluations().is_empty();
        self.0.push((!plain).into());
        if plain {
            return;
        }
        self.number(node.comments.len() as u64);
        node.comments.iter().for_each(|comment| self.text(comment));
        self.option(node.bookmark.as_deref(), Body::text);
        self.option(node.spent, Body::number);
        self.number(node.evaluations().len() as u64);
        node.evaluations().iter().for_each(|evaluation| self.evaluation(evaluation));
    }

    fn evaluation(&mut self, evaluation: &Evaluation) {
        self.0.push(evaluation.source as u8);
        // The sign becomes the lowest bit.
        let zigzag = |number: i64| (number << 1 ^ number >> 63) as u64;
        self.option(evaluation.score, |body, score| body.number(zigzag(score.thousandths())));
        self.option(evaluation.mate, |body, mate| {
            body.0.push(mate.winner as u8);
            body.option(mate.plies, |body, plies| body.number(plies.into()));
        });
        self.number(evaluation.line.len() as u64);
        evaluation.line.iter().for_each(|&mv| self.mv(mv));
        self.option(evaluation.depth, |body, depth| body.number(depth.into()));
        self.option(evaluation.nodes, Body::number);
        self.option(evaluation.engine.as_deref(), Body::text);
        self.option(evaluation.value, |body, Value(value)| body.float(value));
        self.number(evaluation.policy.len() as u64);
        for &(mv, probability) in &evaluation.policy {
            self.mv(mv);
            self.float(probability);
        }
    }
}

/// Whether bytes begin as a tree file does.
pub fn is_tree(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Tree in the bytes of a file. Memory use is bounded by the file's length, not by the lengths it states.
///
/// # Errors
/// The first defect found.
pub fn from_bytes(bytes: &[u8]) -> Result<GameTree, TreeError> {
    let (header, body) = envelope::open(bytes, MAGIC, VERSION).map_err(TreeError::Envelope)?;
    if !header.is_empty() {
        return Err(TreeError::Header(header.len()));
    }
    let (stored, rest) = postcard::take_from_bytes::<StoredTree>(body).map_err(TreeError::Body)?;
    if !rest.is_empty() {
        return Err(TreeError::BodyRest(rest.len()));
    }
    let mut tree = GameTree::new(Position::from_sfen(stored.start).map_err(TreeError::Start)?);
    tree.headers = stored.headers.into_iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    add_nodes(&mut tree, &stored.nodes)?;
    check_play(&mut tree, stored.nodes)?;
    Ok(tree)
}

/// Adds all nodes with their events, before anything is played.
fn add_nodes(tree: &mut GameTree, nodes: &[StoredNode]) -> Result<(), TreeError> {
    if !nodes.first().is_some_and(|root| matches!(root.event, StoredEvent::Start)) {
        return Err(TreeError::Root);
    }
    let mut parents: Vec<Option<NodeId>> = vec![None; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            let parent = parents[index].ok_or(TreeError::Structure { node: index })?;
            if usize::from(tree.node(parent).ply()) >= MAX_PLIES {
                return Err(TreeError::TooLong);
            }
            let event = load_event(&node.event).ok_or(TreeError::Event { node: index })?;
            // Only an end follows a move against the rules, and nothing an end.
            let follows = match tree.node(parent).event() {
                Event::End(_) => false,
                Event::Illegal(_) => matches!(event, Event::End(_)),
                Event::Start | Event::Move(_) => true,
            };
            if !follows {
                return Err(TreeError::Event { node: index });
            }
            tree.push(parent, event);
        }
        let here = tree.id(index).expect("this node was just added");
        for &child in &node.children {
            let child = child as usize;
            match parents.get_mut(child) {
                Some(parent @ None) if child > index => *parent = Some(here),
                _ => return Err(TreeError::Structure { node: child }),
            }
        }
    }
    for (index, node) in nodes.iter().enumerate() {
        if node.children.len() > MAX_ALTERNATIVES {
            return Err(TreeError::TooMany { node: index });
        }
        // So few are compared with each other; sorting them would weigh kilobytes in the page.
        let event = |child: &u32| &nodes[*child as usize].event;
        let is_twice = |(place, child)| node.children[..place].iter().any(|other| event(other) == event(child));
        if node.children.iter().enumerate().any(is_twice) {
            return Err(TreeError::Twice { node: index });
        }
        let children = node.children.iter().filter_map(|&child| tree.id(child as usize)).collect();
        tree.arrange(tree.id(index).expect("every node was added"), children);
    }
    Ok(())
}

fn load_event(stored: &StoredEvent) -> Option<Event> {
    Some(match stored {
        StoredEvent::Start => return None,
        StoredEvent::Move(bits) => Event::Move(Move::from_u16(*bits)?),
        StoredEvent::Illegal(bits) => Event::Illegal(Move::from_u16(*bits)?),
        StoredEvent::End(place) => Event::End(End::all().nth(usize::from(*place))?),
        StoredEvent::Other(words) => {
            Event::End(Some(End::from_kakinoki(words)).filter(|end| *end == End::Other((*words).into()))?)
        }
    })
}

/// Plays all lines, and adds what is said about their nodes.
fn check_play(tree: &mut GameTree, mut nodes: Vec<StoredNode>) -> Result<(), TreeError> {
    // Positions from the start to the node that was visited last; only these are kept, so that memory is bounded by the longest line.
    let mut path: Vec<Position> = Vec::new();
    let mut waiting = vec![NodeId::ROOT];
    while let Some(id) = waiting.pop() {
        let node = tree.node(id);
        path.truncate(node.ply().into());
        let before = path.last().unwrap_or(tree.start()).clone();
        let mut after = before.clone();
        match node.event() {
            Event::Move(mv) => after.try_play(*mv).map_err(|_| TreeError::Event { node: id.index() })?,
            Event::Illegal(mv) if before.is_legal(*mv) || !is_describable(&before, *mv) => {
                return Err(TreeError::Event { node: id.index() });
            }
            _ => {}
        }
        waiting.extend(node.children());
        if let Some(said) = nodes[id.index()].said.take() {
            let node = tree.node_mut(id);
            node.comments = said.comments.into_iter().map(Into::into).collect();
            node.bookmark = said.bookmark.map(Into::into);
            node.spent = said.spent;
            for stored in said.evaluations {
                let error = TreeError::Evaluation { node: id.index() };
                let evaluation = load_evaluation(&stored, &before, &after).ok_or(error)?;
                let source = evaluation.source;
                *node.evaluation_mut(source) = evaluation;
            }
        }
        path.push(after);
    }
    Ok(())
}

/// Whether a move against the rules can be written down: some piece is there to make it.
fn is_describable(position: &Position, mv: Move) -> bool {
    let kind = mv.from().and_then(|from| position.piece_at(from)).map(Piece::kind);
    mv.is_drop() || kind.is_some_and(|kind| !mv.is_promotion() || kind.promoted().is_some())
}

fn load_evaluation(stored: &StoredEvaluation, before: &Position, after: &Position) -> Option<Evaluation> {
    let mut evaluation = Evaluation::new(match stored.source {
        0 => EvaluationSource::Player,
        1 => EvaluationSource::Analysis,
        _ => return None,
    });
    if let Some(black) = stored.score {
        evaluation.score = Some(Centipawns::from_thousandths(black)?);
    }
    if let Some((winner, plies)) = stored.mate {
        evaluation.mate = Some(Mate { winner: *Color::ALL.get(usize::from(winner))?, plies });
    }
    let mut position = after.clone();
    for &bits in &stored.line {
        let mv = Move::from_u16(bits)?;
        position.try_play(mv).ok()?;
        evaluation.line.push(mv);
    }
    evaluation.depth = stored.depth;
    evaluation.nodes = stored.nodes;
    evaluation.engine = stored.engine.map(Into::into);
    evaluation.value = stored.value.map(Value);
    if stored.value.is_some_and(|value| !(-1.0..=1.0).contains(&value)) {
        return None;
    }
    for &(bits, probability) in &stored.policy {
        let mv = Move::from_u16(bits).filter(|&mv| before.is_legal(mv) && (0.0..=1.0).contains(&probability))?;
        evaluation.policy.push((mv, probability));
    }
    Some(evaluation)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::notation::{Builder, kif};
    use crate::random::SplitMix64;

    const GAME: &str = "先手：甲\n後手：乙\n   1 ７六歩(77)   ( 0:12/00:00:12)\n*飛車先\n&しおり\n**評価値=12.5\n\
        **読み筋=△３四歩(33)▲２六歩(27)\n**期待値=0.25\n**候補手=▲７六歩(77):0.5▲２六歩(27):0.25\n#詰み=後手勝ち:7手\n\
        #深さ=12\n#ノード数=1500\n#エンジン=Keisei\n   2 ３四歩(33)\n   3 投了\n変化：2手\n   2 ８四歩(83)\n   3 ９五歩(97)\n\
        変化：2手\n   2 封じ手\n";

    fn game() -> GameTree {
        kif::read(GAME).tree.expect("a game")
    }

    /// File of a body, as a writer without checks would make it.
    fn sealed(change: impl Fn(&mut StoredTree)) -> Vec<u8> {
        let bytes = to_bytes(&game());
        let (_, body) = envelope::open(&bytes, MAGIC, VERSION).expect("a file");
        let mut stored: StoredTree = postcard::from_bytes(body).expect("a body");
        change(&mut stored);
        envelope::seal(MAGIC, VERSION, &[], &postcard::to_allocvec(&stored).expect("a vector takes everything"))
    }

    #[test]
    fn bodies_are_written_as_postcard_writes_them() {
        let mut builder = Builder::new(Position::startpos());
        builder.play("7g7f".parse().expect("USI")).expect("a legal move");
        let evaluation = builder.node_mut().evaluation_mut(EvaluationSource::Player);
        evaluation.score = Centipawns::from_thousandths(-123_456);
        evaluation.value = Some(Value(-0.5));
        evaluation.nodes = Some(u64::MAX);
        builder.play("3c3e".parse().expect("USI")).expect_err("an illegal move");
        builder.end(End::Other("封じ手".into())).expect("an open line");
        for tree in [game(), builder.finish(), GameTree::new(Position::startpos())] {
            let bytes = to_bytes(&tree);
            let (_, body) = envelope::open(&bytes, MAGIC, VERSION).expect("a file");
            let stored: StoredTree = postcard::from_bytes(body).expect("a body");
            assert_eq!(postcard::to_allocvec(&stored).expect("a vector takes everything"), body);
        }
    }

    #[test]
    fn trees_come_back_with_their_numbers() {
        let mut tree = game();
        tree.headers.push(("先手".into(), "a second one of the same key".into()));
        let other = tree.id(tree.len() - 1).expect("a node");
        tree.node_mut(other).comments = vec!["two\nlines".into(), String::new(), "* 20 +7776FU".into()];
        tree.promote(other);
        let back = from_bytes(&to_bytes(&tree)).expect("a tree");
        assert_eq!(back, tree);
        assert_eq!(back.nodes(), tree.nodes());
        assert_eq!(from_bytes(&to_bytes(&GameTree::new(Position::startpos()))).map(|tree| tree.len()), Ok(1));
    }

    #[test]
    fn every_end_comes_back() {
        for end in End::all().chain([End::Other("封じ手".into())]) {
            let mut builder = Builder::new(Position::startpos());
            builder.end(end.clone()).expect("an open line");
            let back = from_bytes(&to_bytes(&builder.finish()));
            assert_eq!(back.map(|tree| tree.end().cloned()), Ok(Some(end)));
        }
        // Another order would change what stored trees say.
        let ids = "resign interrupt impasse draw repetition mate no_mate time_up illegal_win illegal_loss declaration \
            win_by_default loss_by_default max_moves taken_back error";
        assert!(End::all().map(|end| end.id()).eq(ids.split_ascii_whitespace()));
        assert!(End::all().all(|end| End::from_id(end.id()) == Some(end)));
    }

    #[test]
    fn trees_that_cannot_be_are_refused() {
        #[track_caller]
        fn check(change: impl Fn(&mut StoredTree), error: &TreeError) {
            assert_eq!(from_bytes(&sealed(change)).as_ref(), Err(error), "{error}");
        }
        check(|stored| stored.nodes.clear(), &TreeError::Root);
        check(|stored| stored.nodes[0].event = StoredEvent::End(0), &TreeError::Root);
        check(|stored| stored.nodes[0].children = vec![0], &TreeError::Structure { node: 0 });
        check(|stored| stored.nodes[0].children = vec![1, 1], &TreeError::Structure { node: 1 });
        check(|stored| stored.nodes[0].children = vec![99], &TreeError::Structure { node: 99 });
        check(|stored| stored.nodes[1].children.clear(), &TreeError::Structure { node: 2 });
        check(|stored| stored.nodes[2].event = StoredEvent::Start, &TreeError::Event { node: 2 });
        check(|stored| stored.nodes[2].event = StoredEvent::Move(u16::MAX), &TreeError::Event { node: 2 });
        check(|stored| stored.nodes[2].event = StoredEvent::End(16), &TreeError::Event { node: 2 });
        check(|stored| stored.nodes[2].event = StoredEvent::Other("投了"), &TreeError::Event { node: 2 });
        // Nothing follows an end, and a legal move is not illegal.
        check(|stored| stored.nodes[1].event = StoredEvent::End(0), &TreeError::Event { node: 2 });
        let legal = "3c3d".parse::<Move>().expect("USI").to_u16();
        check(|stored| stored.nodes[2].event = StoredEvent::Illegal(legal), &TreeError::Event { node: 2 });
        check(|stored| stored.nodes[4].event = StoredEvent::Move(legal), &TreeError::Twice { node: 1 });
        let said = |stored: &mut StoredTree, change: fn(&mut StoredEvaluation)| {
            change(&mut stored.nodes[1].said.as_mut().expect("an evaluation").evaluations[0]);
        };
        for change in [
            (|evaluation| evaluation.value = Some(f32::NAN)) as fn(&mut StoredEvaluation),
            |evaluation| evaluation.value = Some(1.5),
            |evaluation| evaluation.source = 2,
            |evaluation| evaluation.score = Some(i64::MIN),
            |evaluation| evaluation.mate = Some((2, None)),
            |evaluation| evaluation.line.reverse(),
            |evaluation| evaluation.policy[0].1 = -0.5,
            |evaluation| evaluation.policy[0].0 = 0,
        ] {
            check(|stored| said(stored, change), &TreeError::Evaluation { node: 1 });
        }
        let bytes = to_bytes(&game());
        assert!(matches!(from_bytes(&bytes[1..]), Err(TreeError::Envelope(_))));
        assert!(is_tree(&bytes) && !is_tree(&bytes[1..]));
    }

    #[test]
    fn damaged_bodies_never_panic() {
        let bytes = to_bytes(&game());
        let (_, body) = envelope::open(&bytes, MAGIC, VERSION).expect("a file");
        let mut random = SplitMix64(0x5EED_0F54_0615_0002);
        for _ in 0..20_000 {
            let mut body = body.to_vec();
            for _ in 0..=random.below(3) {
                let place = random.below(body.len());
                body[place] = random.below(256) as u8;
            }
            if let Ok(tree) = from_bytes(&envelope::seal(MAGIC, VERSION, &[], &body)) {
                assert_eq!(from_bytes(&to_bytes(&tree)), Ok(tree));
            }
        }
    }
}
