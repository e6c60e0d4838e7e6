//! What KIF, KI2 and BOD write alike: headers, board diagrams, comments and ends.

use alloc::format;
use alloc::string::String;

use crate::notation::comment::write_comments;
use crate::notation::end::End;
use crate::notation::handicap::Handicap;
use crate::notation::lines::{one_line, trim};
use crate::notation::moves::japanese::{piece_name, take_side};
use crate::notation::number::{KANJI, kanji_number};
use crate::notation::tree::{Event, GameTree, Visit};
use crate::shogi::{Color, PieceType, Position, Square};

fn hand_text(position: &Position, color: Color) -> String {
    let hand = position.hand(color);
    if hand.is_empty() {
        return "なし".into();
    }
    let mut text = String::new();
    for kind in PieceType::HAND.into_iter().rev() {
        let count = hand.count(kind);
        if count > 0 {
            text.push_str(piece_name(kind));
            if count > 1 {
                text.push_str(&kanji_number(count));
            }
            text.push('　');
        }
    }
    text
}

/// One character of a kind in a diagram.
const fn diagram_name(kind: PieceType) -> &'static str {
    match kind {
        PieceType::ProLance => "杏",
        PieceType::ProKnight => "圭",
        PieceType::ProSilver => "全",
        kind => piece_name(kind),
    }
}

/// Names of the sides: 先手 後手, or 下手 上手 if White gives a handicap.
fn side_names(start: &Position) -> [&'static str; 2] {
    match Handicap::of(start) {
        Some(handicap) if handicap != Handicap::Even => ["下手", "上手"],
        _ => ["先手", "後手"],
    }
}

/// Board diagram with hands and turn.
pub(super) fn write_diagram(text: &mut String, position: &Position) {
    let [black, white] = side_names(position);
    put!(text, "{white}の持駒：{}\n", hand_text(position, Color::White));
    text.push_str("  ９ ８ ７ ６ ５ ４ ３ ２ １\n+---------------------------+\n");
    for (rank, name) in (1..=9).zip(KANJI) {
        text.push('|');
        for file in (1..=9).rev() {
            match Square::new(file, rank).and_then(|square| position.piece_at(square)) {
                None => text.push_str(" ・"),
                Some(piece) => {
                    text.push(if piece.color() == Color::Black { ' ' } else { 'v' });
                    text.push_str(diagram_name(piece.kind()));
                }
            }
        }
        text.push('|');
        text.push(name);
        text.push('\n');
    }
    text.push_str("+---------------------------+\n");
    put!(text, "{black}の持駒：{}\n", hand_text(position, Color::Black));
    if position.side_to_move() == Color::White {
        put!(text, "{white}番\n");
    }
    if position.ply() > 1 {
        put!(text, "手数＝{}\n", position.ply() - 1);
    }
}

/// Whether a reader takes `line`, which has or is to have a `：`, for a header that says nothing about the start position.
pub(in crate::notation) fn is_header(line: &str) -> bool {
    let line = trim(line);
    let key = line.split(['：', ':']).next().map_or("", trim);
    let is_mark = |first: char| matches!(first, '#' | '*' | '&' | '|' | '｜' | '+') || first.is_ascii_digit();
    let is_statement =
        ["まで", "変化", "手数", "先手番", "後手番", "下手番", "上手番"].iter().any(|word| line.starts_with(word));
    !key.is_empty()
        && !line.starts_with(|first| is_mark(first) || ('０'..='９').contains(&first))
        && take_side(line).is_none()
        && !is_statement
        && !key.contains("持駒")
        && !key.contains("持ち駒")
        && !key.ends_with("の駒")
        && (!key.contains("の持") || key.contains("時間"))
        && !key.starts_with("手合")
}

/// Headers and start position of a tree.
pub(super) fn write_head(text: &mut String, tree: &GameTree) {
    let start = tree.start();
    let [black, white] = side_names(start);
    for (key, value) in &tree.headers {
        let key = match key.as_str() {
            "先手" => black,
            "後手" => white,
            key => key,
        };
        let line = one_line(&format!("{key}：{value}"));
        // What would be read as something else becomes a remark.
        let mark = if is_header(&line) { "" } else { "#" };
        put!(text, "{mark}{line}\n");
    }
    match Handicap::of(start) {
        Some(handicap) => put!(text, "手合割：{}\n", handicap.name()),
        None => write_diagram(text, start),
    }
}

/// Bookmark and comments of a node.
pub(super) fn write_remarks(text: &mut String, visit: &Visit) {
    if let Some(name) = &visit.node.bookmark {
        put!(text, "&{}\n", one_line(name));
    }
    for comment in write_comments(visit) {
        put!(text, "*{comment}\n");
    }
}

/// `まで87手で先手の勝ち` at the end of a line, and nothing at other nodes.
pub(super) fn write_ending(text: &mut String, tree: &GameTree, visit: &Visit) {
    let Event::End(end) = visit.node.event() else { return };
    let us = visit.before.side_to_move();
    let names = side_names(tree.start());
    let (us, them) = (names[us.index()], names[us.flip().index()]);
    let words = match end {
        End::Resign => format!("{them}の勝ち"),
        End::TimeUp => format!("時間切れにより{them}の勝ち"),
        End::IllegalWin => format!("{us}の反則勝ち"),
        End::IllegalLoss => format!("{us}の反則負け"),
        End::Declaration => format!("{us}の入玉勝ち"),
        end => one_line(end.kakinoki()),
    };
    put!(text, "まで{}手で{words}\n", visit.node.ply() - 1);
}

/// Columns that a text takes where kanji are two wide.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|found| if found.is_ascii() { 1 } else { 2 }).sum()
}
