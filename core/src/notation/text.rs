//! Japanese move text: `▲７六歩`, `△同　銀`, `▲５八金右`, `△４四角成`.
//!
//! Disambiguation follows the Japan Shogi Association: by movement alone where that tells the pieces apart (上 寄 引), else
//! 直 for a piece that goes straight up, else by side alone (右 左), else by both (左上). Dragon and horse never take 直. Pieces
//! that may not move there because of a pin count as alternatives, as in Kakinoki's programs: a text that says too much is
//! understood by everybody.

use alloc::string::String;
use alloc::vec::Vec;

use super::Problem;
use crate::shogi::{Bitboard, Color, Move, Piece, PieceType, Position, Square, attacks};

/// `１` … `９`.
const FILES: [char; 9] = ['１', '２', '３', '４', '５', '６', '７', '８', '９'];
/// `一` … `九`.
const RANKS: [char; 9] = ['一', '二', '三', '四', '五', '六', '七', '八', '九'];

/// The number 1–9 that a character stands for: ASCII, full width or kanji.
pub(super) fn digit(text: char) -> Option<u8> {
    let place = |digits: &[char; 9]| digits.iter().position(|&digit| digit == text);
    match text {
        '1'..='9' => Some(text as u8 - b'0'),
        _ => place(&FILES).or_else(|| place(&RANKS)).map(|index| index as u8 + 1),
    }
}

/// The square as `７六`.
pub(super) fn square_text(square: Square) -> [char; 2] {
    [FILES[usize::from(square.file()) - 1], RANKS[usize::from(square.rank()) - 1]]
}

/// The name of a kind in a move.
pub const fn piece_name(kind: PieceType) -> &'static str {
    match kind {
        PieceType::Pawn => "歩",
        PieceType::Lance => "香",
        PieceType::Knight => "桂",
        PieceType::Silver => "銀",
        PieceType::Gold => "金",
        PieceType::Bishop => "角",
        PieceType::Rook => "飛",
        PieceType::King => "玉",
        PieceType::ProPawn => "と",
        PieceType::ProLance => "成香",
        PieceType::ProKnight => "成桂",
        PieceType::ProSilver => "成銀",
        PieceType::Horse => "馬",
        PieceType::Dragon => "龍",
    }
}

/// The kind whose name `text` begins with, and the rest.
pub(super) fn take_piece(text: &str) -> Option<(PieceType, &str)> {
    const NAMES: [(&str, PieceType); 22] = [
        ("成香", PieceType::ProLance),
        ("成桂", PieceType::ProKnight),
        ("成銀", PieceType::ProSilver),
        ("歩", PieceType::Pawn),
        ("香", PieceType::Lance),
        ("桂", PieceType::Knight),
        ("銀", PieceType::Silver),
        ("金", PieceType::Gold),
        ("角", PieceType::Bishop),
        ("飛", PieceType::Rook),
        ("玉", PieceType::King),
        ("王", PieceType::King),
        ("と", PieceType::ProPawn),
        ("杏", PieceType::ProLance),
        ("圭", PieceType::ProKnight),
        ("全", PieceType::ProSilver),
        ("馬", PieceType::Horse),
        ("龍", PieceType::Dragon),
        ("竜", PieceType::Dragon),
        ("今", PieceType::ProKnight),
        ("仝", PieceType::ProLance),
        ("个", PieceType::ProPawn),
    ];
    NAMES.iter().find_map(|&(name, kind)| Some((kind, text.strip_prefix(name)?)))
}

/// The side whose mark `text` begins with, and the rest.
pub(super) fn take_side(text: &str) -> Option<(Color, &str)> {
    let mark = text.chars().next()?;
    let color = match mark {
        '▲' | '☗' | '▼' => Color::Black,
        '△' | '☖' | '▽' => Color::White,
        _ => return None,
    };
    Some((color, &text[mark.len_utf8()..]))
}

/// ▲ or △.
pub(super) const fn side_mark(color: Color) -> char {
    match color {
        Color::Black => '▲',
        Color::White => '△',
    }
}

/// Left or right from the mover's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Which way a piece goes, from the mover's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Level,
    Down,
}

/// A move as its text has it, before the position says which move it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    /// Nothing for 同.
    to: Option<Square>,
    kind: PieceType,
    promotes: bool,
    drop: bool,
    pub(super) from: Option<Square>,
    side: Option<Side>,
    way: Option<Way>,
    straight: bool,
}

impl Draft {
    /// A draft of another format, without the relations of pieces.
    pub(super) const fn plain(to: Option<Square>, kind: PieceType, promotes: bool) -> Draft {
        Draft { to, kind, promotes, drop: false, from: None, side: None, way: None, straight: false }
    }

    /// Takes in one of the marks 右 左 直 上 寄 引 打; false if it is none.
    pub(super) fn relate(&mut self, mark: char) -> bool {
        match mark {
            '右' => self.side = Some(Side::Right),
            '左' => self.side = Some(Side::Left),
            '直' => self.straight = true,
            '上' | '行' | '入' => self.way = Some(Way::Up),
            '寄' => self.way = Some(Way::Level),
            '引' | '退' => self.way = Some(Way::Down),
            '打' => self.drop = true,
            _ => return false,
        }
        true
    }

    /// The move of `us` that the draft means, a legal one if there is one.
    pub(super) fn resolve(&self, position: &Position, us: Color, previous: Option<Square>) -> Result<Move, Problem> {
        let to = self.to.or(previous).ok_or(Problem::NoPrevious)?;
        let board_move = |from| if self.promotes { Move::promoting(from, to) } else { Move::normal(from, to) };
        if let Some(from) = self.from {
            let piece = position.piece_at(from).filter(|piece| piece.kind() == self.kind && from != to);
            return piece.map(|_| board_move(from)).ok_or(Problem::OtherPiece);
        }
        let dropped = || Some(self.kind).filter(|&kind| can_be_held(kind) && !self.promotes);
        if self.drop {
            return dropped().map(|kind| Move::drop(kind, to)).ok_or(Problem::NoSuchMove);
        }
        let reaching = reaching(position, us, self.kind, to);
        let legal: Vec<Square> = reaching.into_iter().filter(|&from| position.is_legal(board_move(from))).collect();
        match self.choose(&legal, us, to) {
            Ok(from) => return Ok(board_move(from)),
            Err(Problem::Ambiguous) => return Err(Problem::Ambiguous),
            Err(_) => {}
        }
        if let Some(kind) = dropped().filter(|&kind| legal.is_empty() && position.hand(us).has(kind)) {
            return Ok(Move::drop(kind, to));
        }
        // A move against the rules is still a move that the text describes.
        let reaching: Vec<Square> = reaching.into_iter().collect();
        self.choose(&reaching, us, to).map(board_move)
    }

    /// The one of `origins` that the marks mean. A mark that says too much does no harm if there is one origin only.
    fn choose(&self, origins: &[Square], us: Color, to: Square) -> Result<Square, Problem> {
        if let &[only] = origins {
            return Ok(only);
        }
        let fits = |&from: &Square| {
            (!self.straight || is_straight(from, to, us)) && self.way.is_none_or(|way| way == way_of(from, to, us))
        };
        let fitting: Vec<Square> = origins.iter().copied().filter(fits).collect();
        let outermost = match self.side {
            Some(Side::Left) => fitting.iter().map(|&from| leftness(from, us)).max(),
            Some(Side::Right) => fitting.iter().map(|&from| leftness(from, us)).min(),
            None => None,
        };
        let mut left =
            fitting.iter().filter(|&&from| outermost.is_none_or(|outermost| leftness(from, us) == outermost));
        match (left.next(), left.next()) {
            (None, _) => Err(Problem::NoSuchMove),
            (Some(&from), None) => Ok(from),
            (Some(_), Some(_)) => Err(Problem::Ambiguous),
        }
    }
}

/// Whether pieces of this kind can be in hand.
pub(super) fn can_be_held(kind: PieceType) -> bool {
    PieceType::HAND.contains(&kind)
}

/// Where pieces of `kind` stand that go to `to`, pinned ones included.
pub(super) fn reaching(position: &Position, us: Color, kind: PieceType, to: Square) -> Bitboard {
    let mut reaching = Bitboard::EMPTY;
    for from in position.pieces(us, kind) {
        if attacks(kind, us, from, position.occupied()).contains(to) {
            reaching.insert(from);
        }
    }
    reaching
}

/// Files to the mover's left; only differences have a meaning.
const fn leftness(square: Square, us: Color) -> i8 {
    match us {
        Color::Black => square.file() as i8,
        Color::White => -(square.file() as i8),
    }
}

/// Ranks that a move goes up from the mover's side.
const fn rise(from: Square, to: Square, us: Color) -> i8 {
    from.relative_rank(us) as i8 - to.relative_rank(us) as i8
}

const fn way_of(from: Square, to: Square, us: Color) -> Way {
    match rise(from, to, us) {
        1.. => Way::Up,
        0 => Way::Level,
        _ => Way::Down,
    }
}

const fn is_straight(from: Square, to: Square, us: Color) -> bool {
    from.file() == to.file() && rise(from, to, us) == 1
}

/// What must follow the piece's name so that the text means `mv` only.
fn relation(position: &Position, us: Color, kind: PieceType, mv: Move) -> &'static str {
    let to = mv.to();
    let reaching = reaching(position, us, kind, to);
    let Some(from) = mv.from() else {
        return if reaching.is_empty() { "" } else { "打" };
    };
    let others: Vec<Square> = reaching.into_iter().filter(|&other| other != from).collect();
    if others.is_empty() {
        return "";
    }
    let way = way_of(from, to, us);
    if others.iter().all(|&other| way_of(other, to, us) != way) {
        return match way {
            Way::Up => "上",
            Way::Level => "寄",
            Way::Down => "引",
        };
    }
    let has_straight = !matches!(kind, PieceType::Horse | PieceType::Dragon);
    if has_straight && is_straight(from, to, us) {
        return "直";
    }
    let ours = leftness(from, us);
    if others.iter().all(|&other| leftness(other, us) < ours) {
        return "左";
    }
    if others.iter().all(|&other| leftness(other, us) > ours) {
        return "右";
    }
    // What is left are three or more pieces of which two stand on this side, one going another way.
    let left = others.iter().filter(|&&other| way_of(other, to, us) == way).all(|&other| leftness(other, us) < ours);
    match (left, way) {
        (true, Way::Up) => "左上",
        (true, Way::Level) => "左寄",
        (true, Way::Down) => "左引",
        (false, Way::Up) => "右上",
        (false, Way::Level) => "右寄",
        (false, Way::Down) => "右引",
    }
}

/// The kind that moves, before promotion; nothing if the square is empty.
pub(super) fn mover(position: &Position, mv: Move) -> Option<PieceType> {
    match mv.from() {
        Some(from) => position.piece_at(from).map(Piece::kind),
        None => mv.dropped(),
    }
}

/// Whether a move of `us` with this kind could promote.
pub(super) fn may_promote(kind: PieceType, us: Color, mv: Move) -> bool {
    let in_zone = |square: Square| square.relative_rank(us) <= 3;
    kind.promoted().is_some() && mv.from().is_some_and(|from| in_zone(from) || in_zone(mv.to()))
}

/// The move as in KI2, without the side's mark: `７六歩`, `同　銀`, `５八金右`, `４四角成`, `２二歩不成`.
///
/// `previous` is the destination of the move before; a move there is written with 同.
pub fn write(position: &Position, mv: Move, previous: Option<Square>) -> String {
    let Some(kind) = mover(position, mv) else { return String::new() };
    let us = mv.from().and_then(|from| position.piece_at(from)).map_or(position.side_to_move(), Piece::color);
    let relation = relation(position, us, kind, mv);
    let promotion = match (mv.is_promotion(), may_promote(kind, us, mv)) {
        (true, _) => "成",
        (false, true) => "不成",
        (false, false) => "",
    };
    let name = piece_name(kind);
    let mut text = String::new();
    if previous == Some(mv.to()) {
        text.push('同');
        // One square wide pieces are kept in line with `７六歩`.
        if name.chars().count() == 1 && relation.is_empty() && promotion != "不成" && promotion != "成" {
            text.push('　');
        }
    } else {
        text.extend(square_text(mv.to()));
    }
    text.push_str(name);
    text.push_str(relation);
    text.push_str(promotion);
    text
}

/// The move as in KI2 with the mark of the side that makes it: `▲７六歩`.
pub fn write_marked(position: &Position, mv: Move, previous: Option<Square>) -> String {
    let mut text = String::from(side_mark(position.side_to_move()));
    text.push_str(&write(position, mv, previous));
    text
}

/// The move as in KIF, with its origin instead of a disambiguation: `７六歩(77)`, `同　銀(31)`, `４五桂打`.
pub fn write_kif(position: &Position, mv: Move, previous: Option<Square>) -> String {
    let mut text = String::new();
    if previous == Some(mv.to()) {
        text.push_str("同　");
    } else {
        text.extend(square_text(mv.to()));
    }
    text.push_str(mover(position, mv).map_or("", piece_name));
    if mv.is_promotion() {
        text.push('成');
    }
    match mv.from() {
        Some(from) => text.extend(['(', char::from(b'0' + from.file()), char::from(b'0' + from.rank()), ')']),
        None => text.push('打'),
    }
    text
}

const fn is_space(text: char) -> bool {
    matches!(text, ' ' | '\t' | '　' | '\u{2003}')
}

pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

pub(super) fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// Reads a square in any digits: `７六`, `76`, `７６`.
fn take_square(text: &str) -> Option<(Square, &str)> {
    let mut chars = text.chars();
    let square = Square::new(digit(chars.next()?)?, digit(chars.next()?)?)?;
    Some((square, chars.as_str()))
}

/// Reads one move's text, in KIF's or KI2's form and without a side's mark; returns what follows it.
///
/// The error is what was due and the text from there on.
pub(super) fn take_draft(text: &str) -> Result<(Draft, &str), (Problem, &str)> {
    let (to, rest) = if let Some(rest) = text.strip_prefix('同') {
        (None, rest)
    } else {
        let (to, rest) = take_square(text).ok_or((Problem::Expected("a square such as ７六, or 同,"), text))?;
        // Some programs write ７六同歩.
        (Some(to), rest.strip_prefix('同').unwrap_or(rest))
    };
    let rest = trim_start(rest);
    let (kind, mut rest) = take_piece(rest).ok_or((Problem::Expected("a piece"), rest))?;
    let mut draft = Draft::plain(to, kind, false);
    while let Some(mark) = rest.chars().next() {
        let after = &rest[mark.len_utf8()..];
        rest = if mark == '成' {
            draft.promotes = true;
            after
        } else if mark == '不' && after.starts_with('成') {
            &after['成'.len_utf8()..]
        } else if mark == '生' || draft.relate(mark) {
            after
        } else {
            break;
        };
    }
    let origin = rest.strip_prefix(['(', '（']).and_then(|inside| {
        let (from, after) = take_square(inside)?;
        Some((from, after.strip_prefix([')', '）'])?))
    });
    if let Some((from, after)) = origin {
        draft.from = Some(from);
        rest = after;
    }
    Ok((draft, rest))
}

/// Reads one move: `▲７六歩`, `同　銀`, `５八金右`, `７六歩(77)`. The side's mark may be left out.
///
/// `previous` is the destination of the move before, for 同.
///
/// # Errors
/// If the text is not a move's, or no piece or several pieces can make it. A move against the rules is not an error here if a
/// piece goes that way.
///
/// ```
/// use keisei_core::notation::text;
/// use keisei_core::shogi::Position;
///
/// let position = Position::startpos();
/// let mv = text::read(&position, "▲５八金右", None).unwrap();
/// assert_eq!(mv.to_usi(), "4i5h");
/// assert_eq!(text::write_marked(&position, mv, None), "▲５八金右");
/// ```
pub fn read(position: &Position, text: &str, previous: Option<Square>) -> Result<Move, Problem> {
    let text = trim(text);
    let (color, text) = take_side(text).map_or((None, text), |(color, rest)| (Some(color), rest));
    if color.is_some_and(|color| color != position.side_to_move()) {
        return Err(Problem::Expected("a move of the other side"));
    }
    let (draft, rest) = take_draft(text).map_err(|(problem, _)| problem)?;
    if !trim(rest).is_empty() {
        return Err(Problem::Expected("the end of the move"));
    }
    draft.resolve(position, position.side_to_move(), previous)
}
