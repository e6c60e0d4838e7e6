//! Tree: a game with its variations.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::iter::successors;

use keisei_core::format::tree;
use keisei_core::net::Value;
use keisei_core::notation::{self, End, Evaluation, EvaluationSource, Event, GameTree, NodeId, link};
use keisei_core::shogi::{Color, Game, Move, Position};
use wasm_bindgen::prelude::*;

use crate::board::{Board, position};
use crate::js_error;
use crate::style::Style;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Origin of an evaluation: the player during the game, or an analysis after it. */
export type OpinionSource = "player" | "analysis";
"#;

/// Game with its variations. Nodes are numbers, 0 the start; a node comes after its parent.
///
/// Numbers stay when nodes are added, when lines are promoted, and in [`to_bytes`](Tree::to_bytes); only
/// [`remove`](Tree::remove) changes them. A node that does not exist is an error everywhere.
#[wasm_bindgen]
pub struct Tree {
    pub(crate) tree: GameTree,
}

/// Opinion of a player or an engine on the position after a node.
#[wasm_bindgen]
pub struct Opinion {
    evaluation: Evaluation,
    side_to_move: Color,
}

#[wasm_bindgen]
impl Opinion {
    /// Value in [-1, 1] from the side to move after the node; that of the mate or the score if no value is known.
    #[wasm_bindgen(getter)]
    pub fn value(&self) -> Option<f32> {
        value_of(&self.evaluation, self.side_to_move)
    }

    /// Score in centipawns from the side to move after the node.
    #[wasm_bindgen(getter)]
    pub fn centipawns(&self) -> Option<i32> {
        self.evaluation.score.map(|score| score.seen_from(self.side_to_move))
    }

    /// Colour that mates by force.
    #[wasm_bindgen(getter)]
    pub fn mating(&self) -> Option<u8> {
        self.evaluation.mate.map(|mate| mate.winner as u8)
    }

    /// Plies of the forced mate, if they are known.
    #[wasm_bindgen(getter)]
    pub fn mate_plies(&self) -> Option<u32> {
        self.evaluation.mate?.plies
    }

    /// Search depth in plies.
    #[wasm_bindgen(getter)]
    pub fn depth(&self) -> Option<u32> {
        self.evaluation.depth
    }

    /// Number of positions searched.
    #[wasm_bindgen(getter)]
    pub fn nodes(&self) -> Option<f64> {
        self.evaluation.nodes.map(|nodes| nodes as f64)
    }

    /// Name of the engine.
    #[wasm_bindgen(getter)]
    pub fn engine(&self) -> Option<String> {
        self.evaluation.engine.clone()
    }

    /// Expected line of play after the node, in USI.
    pub fn line(&self) -> Vec<String> {
        self.evaluation.line.iter().map(Move::to_string).collect()
    }

    /// Moves in USI that were considered in the position before the node, most probable first.
    pub fn moves(&self) -> Vec<String> {
        self.evaluation.policy.iter().map(|(mv, _)| mv.to_string()).collect()
    }

    /// Probabilities of the moves.
    pub fn probabilities(&self) -> Vec<f32> {
        self.evaluation.policy.iter().map(|&(_, probability)| probability).collect()
    }
}

/// Value of an evaluation from the side to move.
fn value_of(evaluation: &Evaluation, side_to_move: Color) -> Option<f32> {
    let of_mate = || evaluation.mate.map(|mate| Value(if mate.winner == side_to_move { 1.0 } else { -1.0 }));
    let of_score = || evaluation.score.map(|score| notation::value_of(score.seen_from(side_to_move)));
    evaluation.value.or_else(of_mate).or_else(of_score).map(|Value(value)| value)
}

fn source(name: &str) -> Result<EvaluationSource, JsError> {
    match name {
        "player" => Ok(EvaluationSource::Player),
        "analysis" => Ok(EvaluationSource::Analysis),
        _ => Err(js_error(format!("{name:?} is no origin of an evaluation"))),
    }
}

fn mv(usi: &str) -> Result<Move, JsError> {
    usi.parse().map_err(|error| js_error(format!("{usi}: {error}")))
}

impl Tree {
    fn id(&self, node: usize) -> Result<NodeId, JsError> {
        self.tree.id(node).ok_or_else(|| js_error(format!("no node {node} among {}", self.tree.len())))
    }

    fn node(&self, node: usize) -> Result<&notation::Node, JsError> {
        Ok(self.tree.node(self.id(node)?))
    }

    fn side_to_move(&self, id: NodeId) -> Color {
        // An end or a move against the rules does not pass the turn.
        let plies = self.tree.node(self.place(id)).ply();
        let first = self.tree.start().side_to_move();
        if plies.is_multiple_of(2) { first } else { first.flip() }
    }

    /// Node of the last legal move on the way to `id`, or the root: the position is that of its own.
    fn place(&self, id: NodeId) -> NodeId {
        let legal = |id: &NodeId| matches!(self.tree.node(*id).event(), Event::Start | Event::Move(_));
        successors(Some(id), |&id| self.tree.node(id).parent()).find(legal).unwrap_or(NodeId::ROOT)
    }

    fn write_text(&self, id: NodeId, before: &Position, style: Style) -> String {
        match (self.tree.node(id).event(), style) {
            (Event::Move(mv) | Event::Illegal(mv), style) => style.write(before, *mv, self.tree.previous(id)),
            (Event::End(end), Style::Japanese) | (Event::End(end @ End::Other(_)), _) => end.kakinoki().into(),
            (Event::Start | Event::End(_), _) => String::new(),
        }
    }

    fn opinion_of(&self, id: NodeId, source: EvaluationSource) -> Option<&Evaluation> {
        self.tree.node(id).evaluations().iter().find(|evaluation| evaluation.source == source)
    }
}

#[wasm_bindgen]
impl Tree {
    /// Tree without moves from `startpos` or an SFEN.
    ///
    /// # Errors
    /// If the SFEN is wrong; the text names the place.
    #[wasm_bindgen(constructor)]
    pub fn new(start: &str) -> Result<Tree, JsError> {
        Ok(Tree { tree: GameTree::new(position(start)?) })
    }

    /// Tree in the bytes that [`to_bytes`](Tree::to_bytes) made, with the same numbers of the nodes.
    ///
    /// # Errors
    /// If they are damaged or of another version, or a move is not legal; the text names the defect and its place.
    pub fn from_bytes(bytes: &[u8]) -> Result<Tree, JsError> {
        Ok(Tree { tree: tree::from_bytes(bytes).map_err(js_error)? })
    }

    /// Bytes of the tree with all that it holds, for storage and to hand it over.
    pub fn to_bytes(&self) -> Vec<u8> {
        tree::to_bytes(&self.tree)
    }

    /// Tree of one line that the fragment of an address holds.
    ///
    /// # Errors
    /// If the text is no link or was cut off, or a move is not legal; the text names the defect and its place.
    pub fn from_link(text: &str) -> Result<Tree, JsError> {
        Ok(Tree { tree: link::read(text).map_err(js_error)? })
    }

    /// Line through the node as text for the fragment of an address: start position, two bytes a move, and the end.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn link(&self, node: usize) -> Result<String, JsError> {
        Ok(link::write(&self.tree, self.id(node)?))
    }

    /// Number of nodes: the start, all moves and ends.
    // A tree always has its start.
    #[allow(clippy::len_without_is_empty)]
    #[wasm_bindgen(getter)]
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Start position in SFEN.
    pub fn start(&self) -> String {
        self.tree.start().to_sfen()
    }

    /// Name in Japanese of the handicap from which the game starts, `平手` for none; `undefined` for another position.
    pub fn handicap(&self) -> Option<String> {
        self.tree.handicap().map(|handicap| handicap.name().into())
    }

    /// Node before this one; `undefined` for the start.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn parent(&self, node: usize) -> Result<Option<usize>, JsError> {
        Ok(self.node(node)?.parent().map(NodeId::index))
    }

    /// Nodes after this one: the main continuation first, then its alternatives.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn children(&self, node: usize) -> Result<Vec<usize>, JsError> {
        Ok(numbers(self.node(node)?.children()))
    }

    /// Plies from the start; the end of a line counts as one.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn ply(&self, node: usize) -> Result<u16, JsError> {
        Ok(self.node(node)?.ply())
    }

    /// Nodes from the start to this one.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn path(&self, node: usize) -> Result<Vec<usize>, JsError> {
        Ok(numbers(&self.tree.path(self.id(node)?)))
    }

    /// This node, and those after it along first children.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn line(&self, node: usize) -> Result<Vec<usize>, JsError> {
        Ok(numbers(&self.tree.line(self.id(node)?)))
    }

    /// Node whose position this one shows: itself or, of an end or a move against the rules, the one before.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn standing(&self, node: usize) -> Result<usize, JsError> {
        Ok(self.place(self.id(node)?).index())
    }

    /// Move of the node in USI, legal or not; `undefined` for the start and for an end.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn move_usi(&self, node: usize) -> Result<Option<String>, JsError> {
        Ok(self.node(node)?.event().mv().map(|mv| mv.to_string()))
    }

    /// Whether the node is a move against the rules, with which its line ends.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn is_illegal(&self, node: usize) -> Result<bool, JsError> {
        Ok(matches!(self.node(node)?.event(), Event::Illegal(_)))
    }

    /// End of the line, if the node is one.
    ///
    /// # Errors
    /// If there is no such node.
    #[wasm_bindgen(unchecked_return_type = "LineEnd | undefined")]
    pub fn end(&self, node: usize) -> Result<Option<String>, JsError> {
        Ok(match self.node(node)?.event() {
            Event::End(end) => Some(end.id().into()),
            _ => None,
        })
    }

    /// Colour that wins if the line ends here; `undefined` if the node is no end, or one that does not tell.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn winner(&self, node: usize) -> Result<Option<u8>, JsError> {
        let id = self.id(node)?;
        Ok(match self.tree.node(id).event() {
            Event::End(end) => end.winner(self.side_to_move(id)).map(|color| color as u8),
            _ => None,
        })
    }

    /// Text of the node's move; of an end its Japanese word, or nothing in the other languages, unless it is one in words.
    ///
    /// # Errors
    /// If there is no such node or language.
    pub fn text(
        &self,
        node: usize,
        #[wasm_bindgen(unchecked_param_type = "MoveStyle")] style: &str,
    ) -> Result<String, JsError> {
        Ok(self.texts(&[node], style)?.swap_remove(0))
    }

    /// Texts of many nodes; fastest if each is the parent of the next.
    ///
    /// # Errors
    /// If there is no such node or language.
    pub fn texts(
        &self,
        nodes: &[usize],
        #[wasm_bindgen(unchecked_param_type = "MoveStyle")] style: &str,
    ) -> Result<Vec<String>, JsError> {
        let style = Style::named(style)?;
        let mut here: Option<(NodeId, Position)> = None;
        let mut texts = Vec::with_capacity(nodes.len());
        for &node in nodes {
            let id = self.id(node)?;
            let node = self.tree.node(id);
            let parent = node.parent().unwrap_or(NodeId::ROOT);
            let before = match here.take() {
                Some((last, position)) if last == parent => position,
                _ => self.tree.position(parent),
            };
            texts.push(self.write_text(id, &before, style));
            let mut after = before;
            if let Event::Move(mv) = node.event() {
                after.play_unchecked(*mv);
            }
            here = Some((id, after));
        }
        Ok(texts)
    }

    /// Comment of the node, its lines separated by line feeds; empty if there is none.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn comment(&self, node: usize) -> Result<String, JsError> {
        Ok(self.node(node)?.comments.join("\n"))
    }

    /// Sets the comment of the node.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn set_comment(&mut self, node: usize, text: &str) -> Result<(), JsError> {
        let id = self.id(node)?;
        self.tree.node_mut(id).comments = text.lines().map(Into::into).collect();
        Ok(())
    }

    /// Bookmark of the node.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn bookmark(&self, node: usize) -> Result<Option<String>, JsError> {
        Ok(self.node(node)?.bookmark.clone())
    }

    /// Milliseconds that the mover took.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn time_ms(&self, node: usize) -> Result<Option<f64>, JsError> {
        Ok(self.node(node)?.spent.map(|spent| spent as f64))
    }

    /// Sets the time that the mover took, in whole milliseconds.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn set_time_ms(&mut self, node: usize, milliseconds: f64) -> Result<(), JsError> {
        let id = self.id(node)?;
        // Casts from floats saturate, and turn NaN into 0.
        self.tree.node_mut(id).spent = Some(libm::round(milliseconds) as u64);
        Ok(())
    }

    /// Opinion from one origin on the position after the node, if there is one.
    ///
    /// # Errors
    /// If there is no such node or origin.
    pub fn opinion(
        &self,
        node: usize,
        #[wasm_bindgen(unchecked_param_type = "OpinionSource")] source: &str,
    ) -> Result<Option<Opinion>, JsError> {
        let (id, source) = (self.id(node)?, self::source(source)?);
        let side_to_move = self.side_to_move(id);
        Ok(self.opinion_of(id, source).map(|evaluation| Opinion { evaluation: evaluation.clone(), side_to_move }))
    }

    /// Value in [-1, 1] after the node from the side to move, of the analysis or else of the player.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn value(&self, node: usize) -> Result<Option<f32>, JsError> {
        let id = self.id(node)?;
        let side = self.side_to_move(id);
        let value = |source| self.opinion_of(id, source).and_then(|evaluation| value_of(evaluation, side));
        Ok(value(EvaluationSource::Analysis).or_else(|| value(EvaluationSource::Player)))
    }

    /// Values after many nodes from one origin, each from the side to move; NaN where there is none.
    ///
    /// # Errors
    /// If there is no such node or origin.
    pub fn values(
        &self,
        nodes: &[usize],
        #[wasm_bindgen(unchecked_param_type = "OpinionSource")] source: &str,
    ) -> Result<Vec<f32>, JsError> {
        let source = self::source(source)?;
        let value = |&node: &usize| {
            let id = self.id(node)?;
            let evaluation = self.opinion_of(id, source);
            Ok(evaluation.and_then(|evaluation| value_of(evaluation, self.side_to_move(id))).unwrap_or(f32::NAN))
        };
        nodes.iter().map(value).collect()
    }

    /// Sets the value in [-1, 1] after the node, from the side to move, with the line of play expected after it and the moves
    /// that were considered before it, both in USI and separated by spaces; what the same origin said before is replaced.
    ///
    /// # Errors
    /// If there is no such node or origin, the value or a probability is out of range, or a move is not legal.
    pub fn set_value(
        &mut self,
        node: usize,
        #[wasm_bindgen(unchecked_param_type = "OpinionSource")] source: &str,
        value: f32,
        line: &str,
        moves: &str,
        probabilities: &[f32],
    ) -> Result<(), JsError> {
        let (id, source) = (self.id(node)?, self::source(source)?);
        if !(-1.0..=1.0).contains(&value) {
            return Err(JsError::new("a value is not in -1..=1"));
        }
        let mut evaluation = Evaluation::new(source);
        evaluation.value = Some(Value(value));
        let mut after = self.tree.position(id);
        for usi in line.split_ascii_whitespace() {
            let mv = mv(usi)?;
            after.try_play(mv).map_err(js_error)?;
            evaluation.line.push(mv);
        }
        let before = self.tree.position(self.tree.node(id).parent().unwrap_or(NodeId::ROOT));
        for (usi, &probability) in moves.split_ascii_whitespace().zip(probabilities) {
            let mv = mv(usi)?;
            if !before.is_legal(mv) || !(0.0..=1.0).contains(&probability) {
                return Err(js_error(format!("{usi} is not legal, or its probability {probability} is not in 0..=1")));
            }
            evaluation.policy.push((mv, probability));
        }
        *self.tree.node_mut(id).evaluation_mut(source) = evaluation;
        Ok(())
    }

    /// Plays a move after the node, or after the one before it if it is an end: goes to the node that has it already, or adds
    /// one as the last alternative. Returns that node.
    ///
    /// # Errors
    /// If there is no such node, the text is not a move, or the move is not legal.
    pub fn play(&mut self, node: usize, usi: &str) -> Result<usize, JsError> {
        let id = self.place(self.id(node)?);
        self.tree.play(id, mv(usi)?).map(NodeId::index).map_err(js_error)
    }

    /// Ends the line after the node, unless it has this end already, and returns the node of the end.
    ///
    /// # Errors
    /// If there is no such node or end, or the line has ended before.
    pub fn close(
        &mut self,
        node: usize,
        #[wasm_bindgen(unchecked_param_type = "LineEnd")] end: &str,
    ) -> Result<usize, JsError> {
        let id = self.id(node)?;
        let end = End::from_id(end).ok_or_else(|| js_error(format!("{end:?} is no end of a line")))?;
        self.tree.close(id, end).map(NodeId::index).map_err(js_error)
    }

    /// Removes the node with all that follows it, and returns the node before it. Nodes that were added later get new numbers.
    ///
    /// # Errors
    /// If there is no such node, or it is the start.
    pub fn remove(&mut self, node: usize) -> Result<usize, JsError> {
        let id = self.id(node)?;
        self.tree.remove(id).map(NodeId::index).ok_or_else(|| JsError::new("the start cannot be removed"))
    }

    /// Makes the line through the node the main line.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn promote(&mut self, node: usize) -> Result<(), JsError> {
        let id = self.id(node)?;
        self.tree.promote(id);
        Ok(())
    }

    /// Board of the game up to the node, with its history and outcome; at an end that the rules do not give, such as a
    /// resignation, the game is over too, so that a board to go on from is that of [`standing`](Tree::standing). It is cut off
    /// after `max_plies` moves, if there is such a number.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn board(&self, node: usize, max_plies: Option<u16>) -> Result<Board, JsError> {
        let id = self.id(node)?;
        let mut game = Game::new(self.tree.start().clone(), max_plies.unwrap_or(0));
        // A recorded game may go on after a fourth repetition, where the rules end it.
        self.tree.moves_to(id).into_iter().for_each(|mv| game.play_unchecked(mv));
        let side = game.position().side_to_move();
        if let Event::End(end) = self.tree.node(id).event() {
            match end {
                End::Resign => game.resign(side),
                End::IllegalLoss => game.forfeit(side),
                End::IllegalWin => game.forfeit(side.flip()),
                // A declaration that the rules do not allow leaves the game open; the end of the line says what happened.
                End::Declaration => drop(game.declare()),
                _ => {}
            }
        }
        Ok(Board::of(game))
    }

    /// Value of a header; its keys are KIF's words (`先手`, `後手`, `棋戦`, `開始日時` …).
    pub fn header(&self, key: &str) -> Option<String> {
        self.tree.header(key).map(Into::into)
    }

    /// Sets a header, or removes it if the value is empty.
    pub fn set_header(&mut self, key: &str, value: &str) {
        if value.is_empty() {
            self.tree.headers.retain(|(known, _)| known != key);
        } else {
            self.tree.set_header(key, value);
        }
    }

    /// Headers: key, value, key, value …
    pub fn headers(&self) -> Vec<String> {
        self.tree.headers.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect()
    }
}

fn numbers(nodes: &[NodeId]) -> Vec<usize> {
    nodes.iter().map(|id| id.index()).collect()
}
