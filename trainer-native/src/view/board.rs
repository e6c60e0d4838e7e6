//! Board of the shown game: pieces as one kanji or one letter each, hands, and the last moves.

use super::theme::Theme;
use crate::event::ShownGame;
use keisei_core::notation::japanese;
use keisei_core::shogi::{Color, Move, Piece, PieceType, Position, Square};
use ratatui::text::{Line, Span};

/// How pieces and moves are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Script {
    /// One kanji a piece, and moves as `▲７六歩`.
    #[default]
    Kanji,
    /// One letter a piece, `+` before a promoted one, and moves in USI notation.
    Letters,
}

/// Kanji of a piece, one character: promoted lances, knights and silvers have their short forms.
pub const fn kanji(kind: PieceType) -> &'static str {
    match kind {
        PieceType::ProLance => "杏",
        PieceType::ProKnight => "圭",
        PieceType::ProSilver => "全",
        kind => japanese::piece_name(kind),
    }
}

/// Letter of a piece: a capital for Black's, `+` before a promoted one.
pub fn letter(piece: Piece) -> String {
    let letter = b"PLNSGBRKPLNSBR"[piece.kind().index()] as char;
    let letter = if piece.color() == Color::Black { letter } else { letter.to_ascii_lowercase() };
    if piece.kind().is_promoted() { format!("+{letter}") } else { letter.to_string() }
}

/// Position of the shown game, with the moves that led to it.
pub struct Scene {
    position: Position,
    /// Texts of the moves, the last one last.
    moves: Vec<String>,
    last: Option<Move>,
}

impl Scene {
    /// The shown game after `count` of its told moves; none if it cannot be read.
    pub fn of(game: &ShownGame, count: usize, script: Script) -> Option<Self> {
        let mut position = Position::from_sfen(&game.sfen).ok()?;
        let (mut moves, mut last) = (Vec::new(), None);
        for text in game.last.iter().take(count) {
            let mv: Move = text.parse().ok()?;
            moves.push(match script {
                Script::Kanji => japanese::write_marked(&position, mv, last.map(Move::to)),
                Script::Letters => text.clone(),
            });
            position.try_play(mv).ok()?;
            last = Some(mv);
        }
        Some(Self { position, moves, last })
    }

    /// Plies since the game's first position.
    pub fn ply(&self) -> u16 {
        // SFEN counts moves from 1.
        self.position.ply()
    }

    /// Lines of the board: files, nine ranks, and the hands, White's first. Each is at most `WIDTH` columns wide, but hands of
    /// many kinds are wider.
    pub fn lines(&self, script: Script, theme: Theme) -> Vec<Line<'static>> {
        let mut lines = vec![self.hand(Color::White, script, theme), files(script, theme)];
        lines.extend((1..=9).map(|rank| self.rank(rank, script, theme)));
        lines.push(self.hand(Color::Black, script, theme));
        lines
    }

    fn rank(&self, rank: u8, script: Script, theme: Theme) -> Line<'static> {
        let mut spans: Vec<Span> = (1..=9).rev().map(|file| self.cell(file, rank, script, theme)).collect();
        let name = match script {
            Script::Kanji => ["一", "二", "三", "四", "五", "六", "七", "八", "九"][usize::from(rank) - 1].to_owned(),
            Script::Letters => char::from(b'a' + rank - 1).to_string(),
        };
        spans.push(Span::styled(format!(" {name}"), theme.dim()));
        Line::from(spans)
    }

    fn cell(&self, file: u8, rank: u8, script: Script, theme: Theme) -> Span<'static> {
        let square = Square::new(file, rank).expect("files and ranks from 1 to 9");
        let text = match (self.position.piece_at(square), script) {
            (None, Script::Kanji) => " ・".to_owned(),
            (None, Script::Letters) => "  .".to_owned(),
            (Some(piece), Script::Kanji) => {
                let side = if piece.color() == Color::Black { ' ' } else { 'v' };
                format!("{side}{}", kanji(piece.kind()))
            }
            (Some(piece), Script::Letters) => format!("{:>3}", letter(piece)),
        };
        let style = match self.position.piece_at(square) {
            None => theme.dim(),
            Some(piece) if piece.kind().is_promoted() => theme.promoted(),
            Some(_) => theme.plain(),
        };
        let is_end = self.last.is_some_and(|last| last.to() == square);
        let is_start = self.last.is_some_and(|last| last.from() == Some(square));
        Span::styled(
            text,
            if is_end {
                theme.moved_to()
            } else if is_start {
                theme.moved_from()
            } else {
                style
            },
        )
    }

    fn hand(&self, color: Color, script: Script, theme: Theme) -> Line<'static> {
        let mark = match (color, script) {
            (Color::Black, Script::Kanji) => "▲",
            (Color::White, Script::Kanji) => "△",
            (Color::Black, Script::Letters) => "Black",
            (Color::White, Script::Letters) => "White",
        };
        let held = |(kind, count): (PieceType, u8)| {
            let name = match script {
                Script::Kanji => kanji(kind).to_owned(),
                Script::Letters => letter(Piece::new(color, kind)),
            };
            if count > 1 { format!(" {name}{count}") } else { format!(" {name}") }
        };
        let pieces: Vec<(PieceType, u8)> = self.position.hand(color).iter().collect();
        let text: String = pieces.into_iter().rev().map(held).collect();
        let moves = self.position.side_to_move() == color;
        let mark_style = if moves { theme.strong() } else { theme.plain() };
        let text = if text.is_empty() { " –".to_owned() } else { text };
        Line::from(vec![Span::styled(mark, mark_style), Span::styled(text, theme.plain())])
    }

    /// The newest moves that fit into `rows` lines of `width` columns, in the order of play.
    pub fn last_moves(&self, width: usize, rows: usize, theme: Theme) -> Vec<Line<'static>> {
        let mut from_each = (0..self.moves.len()).map(|first| in_lines(&self.moves[first..], width));
        let lines = from_each.find(|lines| lines.len() <= rows).unwrap_or_default();
        let count = lines.len();
        let styled = |(number, texts): (usize, Vec<&str>)| {
            let mut spans = Vec::new();
            let last = texts.len();
            for (i, text) in texts.into_iter().enumerate() {
                let is_newest = number + 1 == count && i + 1 == last;
                spans.push(Span::styled(text.to_owned(), if is_newest { theme.strong() } else { theme.dim() }));
                spans.push(Span::raw(" "));
            }
            Line::from(spans)
        };
        lines.into_iter().enumerate().map(styled).collect()
    }
}

/// Texts in lines of at most `width` columns, but at least one text in each.
fn in_lines(texts: &[String], width: usize) -> Vec<Vec<&str>> {
    let mut lines: Vec<Vec<&str>> = Vec::new();
    let mut used = 0;
    for text in texts {
        let wide = Span::raw(text.as_str()).width();
        match lines.last_mut() {
            Some(line) if used + wide <= width => line.push(text),
            _ => {
                lines.push(vec![text]);
                used = 0;
            }
        }
        used += wide + 1;
    }
    lines
}

/// Width of a board in columns: nine cells of three, and the name of the rank.
pub const WIDTH: u16 = 30;

fn files(script: Script, theme: Theme) -> Line<'static> {
    let name = |file: usize| match script {
        Script::Kanji => format!(" {}", ["１", "２", "３", "４", "５", "６", "７", "８", "９"][file - 1]),
        Script::Letters => format!("  {file}"),
    };
    Line::styled((1..=9).rev().map(name).collect::<String>(), theme.dim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn game(sfen: &str, last: &[&str]) -> ShownGame {
        ShownGame { slot: 0, sfen: sfen.into(), last: last.iter().map(ToString::to_string).collect() }
    }

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|line| line.to_string() + "\n").collect()
    }

    const START: &str = "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1";

    #[test]
    fn pieces_are_one_kanji_or_one_letter_and_every_line_is_as_wide_as_the_board() {
        let shown = game(START, &["7g7f", "3c3d", "8h2b+", "3a2b"]);
        let kanji = Scene::of(&shown, 9, Script::Kanji).expect("a game");
        let lines = kanji.lines(Script::Kanji, Theme::Plain);
        assert!(lines[1].width() == 27 && lines[2..11].iter().all(|line| line.width() == usize::from(WIDTH)));
        assert_eq!(
            text(&lines),
            "△ 角\n ９ ８ ７ ６ ５ ４ ３ ２ １\n\
             v香v桂v銀v金v玉v金 ・v桂v香 一\n ・v飛 ・ ・ ・ ・ ・v銀 ・ 二\nv歩v歩v歩v歩v歩v歩 ・v歩v歩 三\n\
             \x20・ ・ ・ ・ ・ ・v歩 ・ ・ 四\n ・ ・ ・ ・ ・ ・ ・ ・ ・ 五\n ・ ・ 歩 ・ ・ ・ ・ ・ ・ 六\n\
             \x20歩 歩 ・ 歩 歩 歩 歩 歩 歩 七\n ・ ・ ・ ・ ・ ・ ・ 飛 ・ 八\n 香 桂 銀 金 玉 金 銀 桂 香 九\n▲ 角\n"
        );
        let letters = Scene::of(&shown, 3, Script::Letters).expect("a game");
        assert_eq!(
            text(&letters.lines(Script::Letters, Theme::Plain)[..4]),
            "White –\n  9  8  7  6  5  4  3  2  1\n  l  n  s  g  k  g  s  n  l a\n  .  r  .  .  .  .  . +B  . b\n"
        );
    }

    #[test]
    fn the_squares_of_the_last_move_are_marked() {
        let scene = Scene::of(&game(START, &["7g7f"]), 1, Script::Kanji).expect("a game");
        let lines = scene.lines(Script::Kanji, Theme::Plain);
        let marked = |row: usize| -> Vec<usize> {
            let spans = lines[row].spans.iter().enumerate();
            let is_marked =
                |span: &Span| span.style == Theme::Plain.moved_to() || span.style == Theme::Plain.moved_from();
            spans.filter(|(_, span)| is_marked(span)).map(|(i, _)| i).collect()
        };
        let all: Vec<Vec<usize>> = (2..11).map(marked).collect();
        assert_eq!(all.concat(), [2, 2]);
        assert_eq!((all[5].as_slice(), all[6].as_slice()), (&[2][..], &[2][..]));
    }

    #[test]
    fn the_newest_moves_are_told_that_fit() {
        let scene = Scene::of(&game(START, &["7g7f", "3c3d", "8h2b+", "3a2b"]), 4, Script::Kanji).expect("a game");
        let check = |width, rows, expected: &str| {
            assert_eq!(text(&scene.last_moves(width, rows, Theme::Plain)), expected);
        };
        check(99, 1, "▲７六歩 △３四歩 ▲２二角成 △同　銀 \n");
        check(20, 1, "▲２二角成 △同　銀 \n");
        check(20, 9, "▲７六歩 △３四歩 \n▲２二角成 △同　銀 \n");
        check(1, 1, "△同　銀 \n");
    }

    #[test]
    fn what_is_no_game_is_not_shown() {
        for (sfen, moves) in [("", &[][..]), (START, &["7g7e"]), (START, &["x"]), ("9/9 b", &[])] {
            assert!(Scene::of(&game(sfen, moves), 1, Script::Kanji).is_none(), "{sfen} {moves:?}");
        }
    }
}
