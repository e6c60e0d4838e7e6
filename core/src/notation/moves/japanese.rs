//! Japanese move text: `▲７六歩`, `△同　銀`, `▲５八金右`, `△４四角成`.
//!
//! Disambiguation follows the Japan Shogi Association: by movement alone where that tells the pieces apart (上 寄 引), else
//! 直 for a piece that goes straight up, else by side alone (右 左), else by both (左上). Dragon and horse never take 直. Pieces
//! that may not move there because of a pin count as alternatives, as in Kakinoki's programs: a text that says too much is
//! understood by everybody.

use alloc::string::String;
use alloc::vec::Vec;

use super::mover::{can_be_held, may_promote, mover, reaching};
use crate::notation::lines::{trim, trim_start};
use crate::notation::number::{KANJI, WIDE, digit};
use crate::notation::problem::Problem;
use crate::shogi::{Color, Move, Piece, PieceType, Position, Square};

/// Text of a square: `７六`.
fn square_text(square: Square) -> [char; 2] {
    [WIDE[usize::from(square.file()) - 1], KANJI[usize::from(square.rank()) - 1]]
}

/// Name of a kind in a move.
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

/// Kind whose name `text` begins with, and the rest.
pub(crate) fn take_piece(text: &str) -> Option<(PieceType, &str)> {
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

/// Side whose mark `text` begins with, and the rest.
pub(crate) fn take_side(text: &str) -> Option<(Color, &str)> {
    let mark = text.chars().next()?;
    let color = match mark {
        '▲' | '☗' | '▼' => Color::Black,
        '△' | '☖' | '▽' => Color::White,
        _ => return None,
    };
    Some((color, &text[mark.len_utf8()..]))
}

/// Mark of a side: ▲ is Black, △ White.
pub(crate) const fn side_mark(color: Color) -> char {
    match color {
        Color::Black => '▲',
        Color::White => '△',
    }
}

/// Side of the board, from the mover's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Direction of a move, from the mover's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Level,
    Down,
}

/// Start of a move as its text has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// Not said; the position must tell.
    Unsaid,
    Hand,
    Square(Square),
}

/// Move as its text has it, before the position says which move it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft {
    /// Destination; `None` is 同.
    to: Option<Square>,
    kind: PieceType,
    pub(crate) promotes: bool,
    /// Whether the text says that the piece does not promote.
    declines: bool,
    start: Start,
    side: Option<Side>,
    way: Option<Way>,
    straight: bool,
}

impl Draft {
    /// Draft of a move without a promotion, of which nothing else is said.
    pub(crate) const fn new(to: Option<Square>, kind: PieceType) -> Draft {
        Draft {
            to,
            kind,
            promotes: false,
            declines: false,
            start: Start::Unsaid,
            side: None,
            way: None,
            straight: false,
        }
    }

    /// Starts the move from a square, whatever else was said.
    pub(crate) const fn start_from(&mut self, from: Square) {
        self.start = Start::Square(from);
    }

    /// Takes in one of the marks 右 左 直 上 寄 引 打; false if it is none.
    pub(crate) fn relate(&mut self, mark: char) -> bool {
        match mark {
            '右' => self.side = Some(Side::Right),
            '左' => self.side = Some(Side::Left),
            '直' => self.straight = true,
            '上' | '行' | '入' => self.way = Some(Way::Up),
            '寄' => self.way = Some(Way::Level),
            '引' | '退' => self.way = Some(Way::Down),
            '打' => self.start = Start::Hand,
            _ => return false,
        }
        true
    }

    /// Move of `us` that the draft means, a legal one if there is one.
    pub(crate) fn resolve(&self, position: &Position, us: Color, previous: Option<Square>) -> Result<Move, Problem> {
        let to = self.to.or(previous).ok_or(Problem::NoPrevious)?;
        let board_move = |from| if self.promotes { Move::promoting(from, to) } else { Move::normal(from, to) };
        let dropped = Some(self.kind).filter(|&kind| can_be_held(kind) && !self.promotes);
        match self.start {
            Start::Square(from) => {
                let piece = position.piece_at(from).filter(|piece| piece.kind() == self.kind && from != to);
                return piece.map(|_| board_move(from)).ok_or(Problem::OtherPiece);
            }
            Start::Hand => return dropped.map(|kind| Move::drop(kind, to)).ok_or(Problem::NoSuchMove),
            Start::Unsaid => {}
        }
        let reaching = reaching(position, Piece::new(us, self.kind), to);
        let legal: Vec<Square> = reaching.into_iter().filter(|&from| position.is_legal(board_move(from))).collect();
        match self.choose(&legal, us, to) {
            Ok(from) => return Ok(board_move(from)),
            Err(Problem::Ambiguous) => return Err(Problem::Ambiguous),
            Err(_) => {}
        }
        if let Some(kind) = dropped.filter(|&kind| legal.is_empty() && position.hand(us).has(kind)) {
            return Ok(Move::drop(kind, to));
        }
        // A move against the rules is still a move that the text describes.
        let reaching: Vec<Square> = reaching.into_iter().collect();
        self.choose(&reaching, us, to).map(board_move)
    }

    /// Legal moves that the draft may mean: both of a promotion that is not said, and one of each piece that is not told apart.
    pub(crate) fn legal(&self, position: &Position, previous: Option<Square>) -> Result<Vec<Move>, Problem> {
        let to = self.to.or(previous).ok_or(Problem::NoPrevious)?;
        let us = position.side_to_move();
        let fits = |mv: &Move| {
            let promotion = if mv.is_promotion() { !self.declines } else { !self.promotes };
            let start = match self.start {
                Start::Unsaid => true,
                Start::Hand => mv.is_drop(),
                Start::Square(from) => mv.from() == Some(from),
            };
            mv.to() == to && promotion && start && mover(position, *mv) == Some(Piece::new(us, self.kind))
        };
        let fitting = position.legal_moves().into_iter().filter(fits);
        let (drops, moves): (Vec<Move>, Vec<Move>) = fitting.partition(|mv| mv.is_drop());
        // A drop is said where a piece on the board could go there too.
        if moves.is_empty() {
            return Ok(drops);
        }
        let mut origins: Vec<Square> = Vec::new();
        for from in moves.iter().filter_map(|mv| mv.from()) {
            if !origins.contains(&from) {
                origins.push(from);
            }
        }
        let meant = self.meant(&origins, us, to);
        Ok(moves.into_iter().filter(|mv| mv.from().is_some_and(|from| meant.contains(&from))).collect())
    }

    /// The one of `origins` that the marks mean.
    fn choose(&self, origins: &[Square], us: Color, to: Square) -> Result<Square, Problem> {
        match *self.meant(origins, us, to) {
            [] => Err(Problem::NoSuchMove),
            [only] => Ok(only),
            _ => Err(Problem::Ambiguous),
        }
    }

    /// Those of `origins` that the marks mean. A mark that says too much does no harm if there is one origin only.
    fn meant(&self, origins: &[Square], us: Color, to: Square) -> Vec<Square> {
        if let &[only] = origins {
            return Vec::from([only]);
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
        fitting.into_iter().filter(|&from| outermost.is_none_or(|outermost| leftness(from, us) == outermost)).collect()
    }
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

/// Marks after the piece's name with which the text means `mv` only: one or two of 右 左 直 上 寄 引, or 打.
pub(crate) fn relation(position: &Position, piece: Piece, mv: Move) -> String {
    let (us, to) = (piece.color(), mv.to());
    let reaching = reaching(position, piece, to);
    let Some(from) = mv.from() else {
        return if reaching.is_empty() { String::new() } else { "打".into() };
    };
    let others: Vec<Square> = reaching.into_iter().filter(|&other| other != from).collect();
    if others.is_empty() {
        return String::new();
    }
    let way = way_of(from, to, us);
    let way_mark = match way {
        Way::Up => '上',
        Way::Level => '寄',
        Way::Down => '引',
    };
    if others.iter().all(|&other| way_of(other, to, us) != way) {
        return way_mark.into();
    }
    let has_straight = !matches!(piece.kind(), PieceType::Horse | PieceType::Dragon);
    if has_straight && is_straight(from, to, us) {
        return "直".into();
    }
    let ours = leftness(from, us);
    if others.iter().all(|&other| leftness(other, us) < ours) {
        return "左".into();
    }
    if others.iter().all(|&other| leftness(other, us) > ours) {
        return "右".into();
    }
    // What is left are three or more pieces of which two stand on this side, one going another way.
    let left = others.iter().filter(|&&other| way_of(other, to, us) == way).all(|&other| leftness(other, us) < ours);
    String::from_iter([if left { '左' } else { '右' }, way_mark])
}

/// Text of a move as in KI2, without the side's mark: `７六歩`, `同　銀`, `５八金右`, `４四角成`, `２二歩不成`.
///
/// `previous` is the destination of the move before; a move there is written with 同.
pub fn write(position: &Position, mv: Move, previous: Option<Square>) -> String {
    let Some(piece) = mover(position, mv) else { return String::new() };
    let relation = relation(position, piece, mv);
    let promotion = match (mv.is_promotion(), may_promote(piece, mv)) {
        (true, _) => "成",
        (false, true) => "不成",
        (false, false) => "",
    };
    let name = piece_name(piece.kind());
    let mut text = String::new();
    if previous == Some(mv.to()) {
        text.push('同');
        // One square wide pieces are kept in line with `７六歩`.
        if name.chars().nth(1).is_none() && relation.is_empty() && promotion != "不成" && promotion != "成" {
            text.push('　');
        }
    } else {
        text.extend(square_text(mv.to()));
    }
    text.push_str(name);
    text.push_str(&relation);
    text.push_str(promotion);
    text
}

/// Text of a move as in KI2 with the mark of the side that makes it: `▲７六歩`.
pub fn write_marked(position: &Position, mv: Move, previous: Option<Square>) -> String {
    let mut text = String::from(side_mark(position.side_to_move()));
    text.push_str(&write(position, mv, previous));
    text
}

/// Text of a move as in KIF, with its origin instead of a disambiguation: `７六歩(77)`, `同　銀(31)`, `４五桂打`.
pub fn write_kif(position: &Position, mv: Move, previous: Option<Square>) -> String {
    let mut text = String::new();
    if previous == Some(mv.to()) {
        text.push_str("同　");
    } else {
        text.extend(square_text(mv.to()));
    }
    text.push_str(mover(position, mv).map_or("", |piece| piece_name(piece.kind())));
    if mv.is_promotion() {
        text.push('成');
    }
    match mv.from() {
        Some(from) => text.extend(['(', char::from(b'0' + from.file()), char::from(b'0' + from.rank()), ')']),
        None => text.push('打'),
    }
    text
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
pub(crate) fn take_draft(text: &str) -> Result<(Draft, &str), (Problem, &str)> {
    let (to, rest) = if let Some(rest) = text.strip_prefix('同') {
        (None, rest)
    } else {
        let (to, rest) = take_square(text).ok_or((Problem::Expected("a square such as ７六, or 同,"), text))?;
        // Some programs write ７六同歩.
        (Some(to), rest.strip_prefix('同').unwrap_or(rest))
    };
    let rest = trim_start(rest);
    let (kind, mut rest) = take_piece(rest).ok_or((Problem::Expected("a piece"), rest))?;
    let mut draft = Draft::new(to, kind);
    while let Some(mark) = rest.chars().next() {
        let after = &rest[mark.len_utf8()..];
        rest = if mark == '成' {
            draft.promotes = true;
            after
        } else if mark == '不' && after.starts_with('成') {
            draft.declines = true;
            &after['成'.len_utf8()..]
        } else if mark == '生' {
            draft.declines = true;
            after
        } else if draft.relate(mark) {
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
        draft.start_from(from);
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
/// use keisei_core::notation::japanese;
/// use keisei_core::shogi::Position;
///
/// let position = Position::startpos();
/// let mv = japanese::read(&position, "▲５八金右", None).unwrap();
/// assert_eq!(mv.to_usi(), "4i5h");
/// assert_eq!(japanese::write_marked(&position, mv, None), "▲５八金右");
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
