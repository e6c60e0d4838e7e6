//! Answers to what a page asks: the game of a text, and the position after a node.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use keisei_core::notation::{Defect, Event, Format, GameTree, Node, NodeId, Parsed, Place, Problem, japanese, western};
use keisei_core::shogi::{Color, Move, PieceType, Position, SfenError, Square};

#[cfg(feature = "csa")]
use keisei_core::notation::csa;
#[cfg(feature = "other")]
use keisei_core::notation::{jkf, link, usen};
#[cfg(feature = "kif")]
use keisei_core::notation::{kif, usi};

use crate::json;

/// Largest text, in bytes: a thousand moves with a page of comments.
pub const MOST_TEXT: usize = 512 << 10;

/// Game that was read.
pub struct Game {
    tree: GameTree,
}

/// Reads game number `number`, from 0, of a text. The extension of a file counts for a text that could be several things.
///
/// The answer in JSON has these fields; without a game only `problem` or `defects`:
///
/// | field | value |
/// |---|---|
/// | `format` | `kif`, `ki2`, `csa2`, `csa3` or `usi`; also of a text that is left to another module |
/// | `problem` | `empty`, `large`, `other` for a format that is read elsewhere, `number` for a game that is not there |
/// | `black`, `white`, `event` | names, empty if unknown |
/// | `nodes` | the nodes of the game with its variations, parents first; see below |
/// | `defects` | places that were not understood: line, column, id of the problem, what was found or expected |
///
/// A node is `[parent, USI, Japanese text, Western text, comment, end, winner]`: the parent of the start is -1, a winner that
/// nobody knows is -1, and an illegal move has the end `illegal`. The text of an end is its Japanese word.
pub fn read(text: &str, extension: &str, number: usize) -> (String, Option<Game>) {
    let mut answer = String::from("{");
    let tree = match parse(text, extension, number, &mut answer) {
        Ok(Parsed { tree, defects }) => {
            write_defects(&mut answer, &defects);
            // Words that are no game are comments of the start position to a reader.
            tree.filter(|tree| defects.is_empty() || tree.holds_something())
        }
        Err(problem) => {
            json::name(&mut answer, "problem");
            json::string(&mut answer, problem);
            None
        }
    };
    if let Some(tree) = &tree {
        write_game(&mut answer, tree);
    }
    answer.push('}');
    (answer, tree.map(|tree| Game { tree }))
}

/// Parses a text, and writes its format as soon as it is known.
///
/// # Errors
/// The id of the problem, if the text is not read at all.
fn parse(text: &str, extension: &str, number: usize, answer: &mut String) -> Result<Parsed, &'static str> {
    if text.len() > MOST_TEXT {
        return Err("large");
    }
    let mut tell = |format: &str| {
        json::name(answer, "format");
        json::string(answer, format);
    };
    #[cfg(feature = "other")]
    if let Some(tree) = linked(text) {
        tell("link");
        return Ok(Parsed { tree: Some(tree), defects: Vec::new() });
    }
    let format = Format::from_name(extension).or_else(|| Format::detect(text)).ok_or("empty")?;
    tell(format.name());
    let first = number == 0;
    let parsed = match format {
        #[cfg(feature = "kif")]
        Format::Kif | Format::Ki2 if first => Some(kif::read(text)),
        #[cfg(feature = "kif")]
        Format::Kif | Format::Ki2 => kif::read_all(text).into_iter().nth(number),
        #[cfg(feature = "kif")]
        Format::Usi if first => Some(usi::read(text)),
        #[cfg(feature = "kif")]
        Format::Usi => usi::read_all(text).into_iter().nth(number),
        #[cfg(feature = "csa")]
        Format::Csa2 | Format::Csa3 if first => Some(csa::read(text)),
        #[cfg(feature = "csa")]
        Format::Csa2 | Format::Csa3 => csa::read_all(text).into_iter().nth(number),
        #[cfg(feature = "other")]
        Format::Jkf if first => Some(jkf::read(text)),
        #[cfg(feature = "other")]
        Format::Usen if first => Some(usen::read(text)),
        #[cfg(feature = "other")]
        Format::Jkf | Format::Usen => None,
        // With all features there is no other format.
        #[allow(unreachable_patterns)]
        _ => return Err("other"),
    };
    parsed.ok_or("number")
}

/// Game of a text that is the address of a game, or its part after `g=`, which a checksum proves.
#[cfg(feature = "other")]
fn linked(text: &str) -> Option<GameTree> {
    let text = text.trim();
    let word = text.rsplit_once("g=").map_or(text, |(_, link)| link.split('&').next().unwrap_or(link));
    link::read(word).ok()
}

fn write_game(answer: &mut String, tree: &GameTree) {
    let header = |keys: &[&str]| keys.iter().find_map(|key| tree.header(key)).unwrap_or_default();
    for (field, keys) in
        [("black", &["先手", "下手"][..]), ("white", &["後手", "上手"]), ("event", &["棋戦", "表題", "$EVENT"])]
    {
        json::name(answer, field);
        json::string(answer, header(keys));
    }
    json::name(answer, "nodes");
    answer.push('[');
    // Every line from its fork on, with the position there: a position is not played anew for each node.
    let mut texts = vec![Texts::default(); tree.len()];
    let mut heads = vec![(NodeId::ROOT, tree.start().clone())];
    while let Some((head, mut position)) = heads.pop() {
        for id in tree.line(head) {
            let node = tree.node(id);
            texts[id.index()] = Texts::of(tree, id, &position);
            if let Event::Move(mv) = node.event() {
                position.play_unchecked(*mv);
            }
            heads.extend(node.children().iter().skip(1).map(|&child| (child, position.clone())));
        }
    }
    for (index, (node, texts)) in tree.nodes().iter().zip(&texts).enumerate() {
        if index > 0 {
            answer.push(',');
        }
        write_node(answer, node, texts);
    }
    answer.push(']');
}

/// A node in words.
#[derive(Clone, Default)]
struct Texts {
    japanese: String,
    western: String,
    winner: Option<Color>,
}

impl Texts {
    fn of(tree: &GameTree, id: NodeId, before: &Position) -> Texts {
        match tree.node(id).event() {
            Event::Start => Texts::default(),
            Event::Move(mv) | Event::Illegal(mv) => Texts {
                japanese: japanese::write_marked(before, *mv, tree.previous(id)),
                western: western::write(before, *mv),
                winner: None,
            },
            Event::End(end) => Texts {
                japanese: end.kakinoki().into(),
                western: String::new(),
                winner: end.winner(before.side_to_move()),
            },
        }
    }
}

fn write_node(answer: &mut String, node: &Node, texts: &Texts) {
    answer.push('[');
    json::number(answer, node.parent().map_or(-1, |parent| parent.index() as i32));
    let usi = node.event().mv().map(Move::to_usi).unwrap_or_default();
    let end = match node.event() {
        Event::End(end) => end.id(),
        Event::Illegal(_) => "illegal",
        Event::Start | Event::Move(_) => "",
    };
    let mut comment = String::new();
    for (index, line) in node.comments.iter().enumerate() {
        if index > 0 {
            comment.push('\n');
        }
        comment.push_str(line);
    }
    for text in [&*usi, &texts.japanese, &texts.western, &comment, end] {
        answer.push(',');
        json::string(answer, text);
    }
    answer.push(',');
    json::number(answer, texts.winner.map_or(-1, |color| color as i32));
    answer.push(']');
}

fn write_defects(answer: &mut String, defects: &[Defect]) {
    json::name(answer, "defects");
    answer.push('[');
    for (index, defect) in defects.iter().enumerate() {
        answer.push_str(if index == 0 { "[" } else { ",[" });
        let (line, column) = match defect.place {
            Place::Text { line, column } => (line, column),
            Place::Ply(ply) => (0, ply),
        };
        json::number(answer, line as i32);
        answer.push(',');
        json::number(answer, column as i32);
        let (id, detail) = problem(&defect.problem);
        for text in [id, &detail] {
            answer.push(',');
            json::string(answer, text);
        }
        answer.push(']');
    }
    answer.push(']');
}

/// Id of a problem, and its detail for the words of the page.
fn problem(problem: &Problem) -> (&'static str, String) {
    let id = match problem {
        Problem::Expected(what) => return ("expected", (*what).into()),
        Problem::Illegal(mv) => return ("illegal", mv.to_usi()),
        Problem::Handicap(name) => return ("handicap", name.clone()),
        Problem::Start(error) => return ("start", start_problem(*error).into()),
        Problem::OtherPiece => "other_piece",
        Problem::NoSuchMove => "no_such_move",
        Problem::Ambiguous => "ambiguous",
        Problem::NoPrevious => "no_previous",
        Problem::AfterEnd => "after_end",
        Problem::TooLong => "too_long",
        Problem::TooMany => "too_many",
        Problem::Gap { .. } => "gap",
        Problem::NoSuchPly { .. } => "no_such_ply",
        Problem::LateStart => "late_start",
        Problem::Foreign => "foreign",
        Problem::Json(_) => "json",
    };
    (id, String::new())
}

/// Part of an SFEN that is wrong.
const fn start_problem(error: SfenError) -> &'static str {
    match error {
        SfenError::Fields { .. } => "fields",
        SfenError::Ranks { .. } | SfenError::RankWidth { .. } => "ranks",
        SfenError::BoardCharacter { .. } | SfenError::Promotion { .. } => "board",
        SfenError::SideToMove => "side",
        SfenError::HandCharacter { .. }
        | SfenError::HandCount { .. }
        | SfenError::HandTwice { .. }
        | SfenError::NoHands => "hands",
        SfenError::MoveNumber => "number",
        SfenError::TooMany { .. } => "too_many",
        SfenError::TwoKings(_) => "two_kings",
        SfenError::OpponentInCheck => "opponent_in_check",
    }
}

impl Game {
    /// Position after a node, in JSON: the codes of the 81 squares, 14 numbers of pieces in hand, the side to move, and the square
    /// of its king if that is in check, else -1. A node that does not exist counts as the start. Codes are those of the pages'
    /// board: 0, 1 + kind for Black's piece, 17 + kind for White's.
    pub fn position(&self, node: usize) -> String {
        let position = self.tree.position(self.tree.id(node).unwrap_or(NodeId::ROOT));
        let code = |&square: &Square| {
            position.piece_at(square).map_or(0, |piece| 1 + piece.kind().index() as i32 + 16 * piece.color() as i32)
        };
        let mut numbers: Vec<i32> = Square::ALL.iter().map(code).collect();
        for color in Color::ALL {
            numbers.extend(PieceType::HAND.map(|kind| i32::from(position.hand(color).count(kind))));
        }
        let side = position.side_to_move();
        let king = position.king(side).filter(|_| position.in_check());
        numbers.extend([side as i32, king.map_or(-1, |king| king.index() as i32)]);
        let mut answer = String::new();
        for number in numbers {
            answer.push(if answer.is_empty() { '[' } else { ',' });
            json::number(&mut answer, number);
        }
        answer.push(']');
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, extension: &str, number: usize, answer: &str) {
        assert_eq!(read(text, extension, number).0, answer);
    }

    #[test]
    fn games_are_answered_in_json() {
        check(
            "先手：甲 \"A\"\n   1 ７六歩(77)\n*ひとこと\n*二行\n   2 ３四歩(33)\n   3 投了\n変化：2手\n   2 ８四歩(83)\n",
            "kif",
            0,
            concat!(
                r#"{"format":"kif","defects":[],"black":"甲 \"A\"","white":"","event":"","nodes":[[-1,"","","","","",-1],"#,
                r#"[0,"7g7f","▲７六歩","P-7f","ひとこと\u000a二行","",-1],[1,"3c3d","△３四歩","P-3d","","",-1],"#,
                r#"[2,"","投了","","","resign",1],[1,"8c8d","△８四歩","P-8d","","",-1]]}"#
            ),
        );
        check(
            "startpos moves 7g7f 7g7e",
            "",
            0,
            concat!(
                r#"{"format":"usi","defects":[[1,21,"illegal","7g7e"]],"black":"","white":"","event":"","nodes":[[-1,"","","","","",-1],"#,
                r#"[0,"7g7f","▲７六歩","P-7f","","",-1]]}"#
            ),
        );
        check("PI\n+\n/\nPI\n+\n+2726FU\n", "csa", 7, r#"{"format":"csa3","problem":"number"}"#);
        check("", "", 0, r#"{"problem":"empty"}"#);
        check("sfen 9/9 b - 1", "", 0, r#"{"format":"usi","defects":[[1,6,"start","ranks"]]}"#);
        check("hello", "", 0, r#"{"format":"kif","defects":[[1,1,"foreign",""]]}"#);
        check(&" ".repeat(MOST_TEXT + 1), "kif", 0, r#"{"problem":"large"}"#);
        let (answer, game) = read("~0.6y236e.r", "", 0);
        assert!(answer.starts_with(r#"{"format":"usen","#) && game.is_some(), "{answer}");
    }

    #[test]
    fn positions_are_codes_and_numbers() {
        let (_, game) = read("sfen 4k4/9/4P4/9/9/9/9/9/4K4 b G2p 1 moves G*5b", "usi", 0);
        let game = game.expect("a game");
        let numbers = |node| -> Vec<i32> {
            game.position(node)
                .trim_matches(['[', ']'])
                .split(',')
                .map(|number| number.parse().expect("a number"))
                .collect()
        };
        let (start, after) = (numbers(0), numbers(1));
        // 5a, 5b and 5c; gold in Black's hand, two pawns in White's; the side to move, and its king in check.
        assert_eq!(
            (start.len(), start[36], start[37], start[38], start[81 + 4], start[88], start[95], start[96]),
            (97, 24, 0, 1, 1, 2, 0, -1)
        );
        assert_eq!((after[37], after[81 + 4], after[95], after[96]), (5, 0, 1, 36));
        assert_eq!(numbers(99), start);
    }
}
