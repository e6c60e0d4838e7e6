//! Moves as people type them, in any language of moves, for the position before them.
//!
//! | text | read as |
//! |---|---|
//! | `7g7f` `8h2b+` `P*5e` | USI |
//! | `7776` `7776+` | squares in digits |
//! | `7776FU` `+0055KA` | CSA |
//! | `P-7f` `Bx2b+` `+R4a-5a` | Western |
//! | `76歩` `▲７六歩` `同銀` `５八金右` `5五角打` `2三歩成` | Japanese |
//!
//! Letters may be of either case and of full width, and spaces are skipped. Only legal moves are meant: a mark that the rules make
//! unnecessary may be left out.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::japanese::{take_draft, take_side};
use super::{csa, western};
use crate::notation::number::digit;
use crate::notation::problem::Problem;
use crate::shogi::{Illegal, Move, Position, Square};

/// Longest text that can be a move's, in bytes.
const LONGEST: usize = 64;

/// Reason why a typed text is no move to play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypedError {
    /// The text is a move's in none of the languages.
    Unreadable,
    /// The text is a move of the side that is not to move.
    OtherSide,
    /// 同 without a move before it.
    NoPrevious,
    /// No piece can make the move.
    NoSuchMove,
    /// The text may mean each of these legal moves.
    Ambiguous(Vec<Move>),
    /// The move is against the rules.
    Illegal(Move, Illegal),
}

impl TypedError {
    /// Id for programs: `no_such_move`.
    pub const fn id(&self) -> &'static str {
        match self {
            TypedError::Unreadable => "unreadable",
            TypedError::OtherSide => "other_side",
            TypedError::NoPrevious => "no_previous",
            TypedError::NoSuchMove => "no_such_move",
            TypedError::Ambiguous(_) => "ambiguous",
            TypedError::Illegal(..) => "illegal",
        }
    }
}

impl fmt::Display for TypedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TypedError::Unreadable => f.write_str("this is not understood as a move"),
            TypedError::OtherSide => f.write_str("it is the other side's turn"),
            TypedError::NoPrevious => f.write_str("同 needs a move before it"),
            TypedError::NoSuchMove => f.write_str("no piece can make this move"),
            TypedError::Ambiguous(moves) => {
                f.write_str("this may be")?;
                let mut separators = [" ", " or "].into_iter().chain(core::iter::repeat(", "));
                moves.iter().try_for_each(|mv| write!(f, "{}{mv}", separators.next().unwrap_or_default()))
            }
            TypedError::Illegal(mv, why) => write!(f, "{mv} is illegal: {why}"),
        }
    }
}

impl core::error::Error for TypedError {}

/// Reads a move. `previous` is the destination of the move before, for 同.
///
/// # Errors
/// If the text is not a move's, or does not mean one legal move.
///
/// ```
/// use keisei_core::notation::typed;
/// use keisei_core::shogi::Position;
///
/// let position = Position::startpos();
/// for text in ["7g7f", "7776", "7776FU", "P-7f", "76歩", "７ 六 歩"] {
///     assert_eq!(typed::read(&position, text, None).unwrap().to_usi(), "7g7f", "{text}");
/// }
/// assert_eq!(typed::read(&position, "G-5h", None).unwrap_err().to_string(), "this may be 4i5h or 6i5h");
/// ```
pub fn read(position: &Position, text: &str, previous: Option<Square>) -> Result<Move, TypedError> {
    let plain = plain(text).ok_or(TypedError::Unreadable)?;
    if let Some(mv) = read_usi(&plain).or_else(|| read_digits(&plain)) {
        return checked(position, mv);
    }
    if let Some(mv) = read_csa(position, &plain) {
        return checked(position, mv?);
    }
    if let Ok(draft) = western::Draft::read(&western_case(&plain)) {
        return one(position, draft.legal(position), || draft.resolve(position));
    }
    let (color, rest) = take_side(&plain).map_or((None, &*plain), |(color, rest)| (Some(color), rest));
    let Ok((draft, "")) = take_draft(rest) else { return Err(TypedError::Unreadable) };
    if color.is_some_and(|color| color != position.side_to_move()) {
        return Err(TypedError::OtherSide);
    }
    match draft.legal(position, previous) {
        Ok(moves) => one(position, moves, || draft.resolve(position, position.side_to_move(), previous)),
        Err(_) => Err(TypedError::NoPrevious),
    }
}

/// Text in half-width letters of lower case without spaces; `None` if it is too long for a move.
fn plain(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let letters =
        text.chars().filter(|found| !found.is_whitespace() && *found != '\u{feff}').map(|found| match found {
            '！'..='～' => char::from_u32(found as u32 - 0xFEE0).unwrap_or(found),
            '‐' | '‑' | '–' | '—' | '−' | 'ー' => '-',
            '×' => 'x',
            _ => found,
        });
    Some(letters.map(|letter| letter.to_ascii_lowercase()).collect())
}

/// The text with letters of pieces in upper case, as the Western reader takes it.
fn western_case(plain: &str) -> String {
    let mut text = String::new();
    for letter in plain.chars() {
        let names_piece = matches!(&*text, "" | "+");
        text.push(if names_piece { letter.to_ascii_uppercase() } else { letter });
    }
    text
}

fn read_usi(plain: &str) -> Option<Move> {
    let is_drop = plain.as_bytes().get(1) == Some(&b'*');
    if is_drop { western_case(plain).parse().ok() } else { plain.parse().ok() }
}

/// Reads two squares in digits, and `+` or 成 for a promotion.
fn read_digits(plain: &str) -> Option<Move> {
    let mut chars = plain.chars();
    let mut square = || Square::new(digit(chars.next()?)?, digit(chars.next()?)?);
    let (from, to) = (square()?, square()?);
    match chars.as_str() {
        _ if from == to => None,
        "" => Some(Move::normal(from, to)),
        "+" | "成" => Some(Move::promoting(from, to)),
        _ => None,
    }
}

/// Reads a move of CSA, of whose sign people see no need.
fn read_csa(position: &Position, plain: &str) -> Option<Result<Move, TypedError>> {
    let text = plain.to_ascii_uppercase();
    let (color, rest) = csa::take_sign(&text).map_or((None, &*text), |(color, rest)| (Some(color), rest));
    let us = position.side_to_move();
    let (_, after) = csa::take_square(rest)?;
    let (_, after) = csa::take_square(after)?;
    let (_, "") = csa::take_piece(after)? else { return None };
    if color.is_some_and(|color| color != us) {
        return Some(Err(TypedError::OtherSide));
    }
    let mut signed = String::from(csa::sign(us));
    signed.push_str(rest);
    Some(csa::read_move(position, &signed).map_err(|_| TypedError::NoSuchMove))
}

fn checked(position: &Position, mv: Move) -> Result<Move, TypedError> {
    position.why_illegal(mv).map_or(Ok(mv), |why| Err(TypedError::Illegal(mv, why)))
}

/// The only one of the legal moves; if there is none, the reason is that of the move which the text describes.
fn one(
    position: &Position,
    legal: Vec<Move>,
    described: impl FnOnce() -> Result<Move, Problem>,
) -> Result<Move, TypedError> {
    match *legal {
        [] => match described() {
            Ok(mv) => checked(position, mv),
            Err(_) => Err(TypedError::NoSuchMove),
        },
        [mv] => Ok(mv),
        _ => Err(TypedError::Ambiguous(legal)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::japanese;
    use crate::random::SplitMix64;

    #[test]
    fn what_people_type() {
        #[track_caller]
        fn check(sfen: &str, previous: &str, rows: &[(&str, &str)]) {
            let position = Position::from_sfen(sfen).expect(sfen);
            for &(text, expected) in rows {
                let found = match read(&position, text, previous.parse().ok()) {
                    Ok(mv) => mv.to_usi(),
                    Err(error) => alloc::format!("{} {error}", error.id()),
                };
                assert_eq!(found, expected, "{text} in {sfen}");
            }
        }
        let rows = [
            ("7G7F", "7g7f"),
            ("７ｇ７ｆ", "7g7f"),
            ("p-7f", "7g7f"),
            ("Ｐ−７ｆ", "7g7f"),
            ("+7776FU", "7g7f"),
            ("7776fu", "7g7f"),
            ("７七７六", "7g7f"),
            ("☗7六歩", "7g7f"),
            (" ７六歩(77) ", "7g7f"),
            ("58金右", "4i5h"),
            ("△34歩", "other_side it is the other side's turn"),
            ("-3334FU", "other_side it is the other side's turn"),
            ("58金", "ambiguous this may be 4i5h or 6i5h"),
            ("75歩", "no_such_move no piece can make this move"),
            ("7g7e", "illegal 7g7e is illegal: the piece does not move that way"),
            ("P*5e", "illegal P*5e is illegal: no such piece is in hand"),
            ("p*5e", "illegal P*5e is illegal: no such piece is in hand"),
            ("55歩打", "illegal P*5e is illegal: no such piece is in hand"),
            ("同歩", "no_previous 同 needs a move before it"),
            ("hello", "unreadable this is not understood as a move"),
            ("", "unreadable this is not understood as a move"),
            ("7g7f 3c3d", "unreadable this is not understood as a move"),
        ];
        check(Position::STARTPOS_SFEN, "", &rows);
        check(Position::STARTPOS_SFEN, "7f", &[("同歩", "7g7f"), ("同　歩", "7g7f")]);
        let exchange = "lnsgkgsnl/1r5b1/pppppp1pp/6p2/9/2P6/PP1PPPPPP/1B5R1/LNSGKGSNL b - 3";
        let rows = [
            ("22角成", "8h2b+"),
            ("22角不成", "8h2b"),
            ("22角", "ambiguous this may be 8h2b or 8h2b+"),
            ("Bx2b", "ambiguous this may be 8h2b or 8h2b+"),
            ("B-2b=", "8h2b"),
            ("8h2b", "8h2b"),
            ("8822UM", "8h2b+"),
            ("8822+", "8h2b+"),
        ];
        check(exchange, "", &rows);
        // The promotion that must be is not said, and neither is the drop where no piece on the board can go.
        check(
            "4k4/P8/9/9/9/9/9/9/4K4 b B 1",
            "",
            &[
                ("91歩", "9b9a+"),
                ("55角", "B*5e"),
                ("91歩不成", "illegal 9b9a is illegal: the piece must promote: it could never move again"),
            ],
        );
        check("4k4/9/9/9/9/9/9/1B7/4K4 b B 1", "", &[("55角", "8h5e"), ("55角打", "B*5e"), ("B*5e", "B*5e")]);
        check(
            "4k4/9/9/9/4r4/9/9/4G4/4K4 b - 1",
            "",
            &[("68金", "illegal 5h6h is illegal: the piece shields its king from the one on 5e")],
        );
    }

    #[test]
    fn every_legal_move_can_be_typed_in_every_language() {
        let mut random = SplitMix64(0x5EED_0F54_0615_0005);
        for _ in 0..60 {
            let mut position = Position::startpos();
            let mut previous = None;
            for _ in 0..random.below(151) {
                let moves = position.legal_moves();
                if moves.is_empty() {
                    break;
                }
                let mv = moves[random.below(moves.len())];
                position.play(mv);
                previous = Some(mv.to());
            }
            for mv in position.legal_moves() {
                for text in [
                    mv.to_usi(),
                    csa::write_move(&position, mv),
                    western::write(&position, mv),
                    japanese::write_marked(&position, mv, previous),
                    japanese::write(&position, mv, previous),
                    japanese::write_kif(&position, mv, None),
                ] {
                    let found = read(&position, &text, previous);
                    // KIF does not say that a piece does not promote.
                    let either = matches!(&found, Err(TypedError::Ambiguous(moves)) if moves.contains(&mv));
                    assert!(found == Ok(mv) || either && text.ends_with(')'), "{text} in {position:?}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn no_text_panics() {
        let mut random = SplitMix64(0x5EED_0F54_0615_0006);
        let letters: Vec<char> =
            "1234567890一二七八九１９abcdeghixプPLNSGBRK*+-=×歩香桂銀金角飛玉と成不打右左直上寄引同▲△() FUKYGI ー"
                .chars()
                .collect();
        let position = Position::from_sfen("4k4/9/9/9/4r4/9/9/4G4/4K4 b P 1").expect("SFEN");
        let mut kinds = alloc::collections::BTreeSet::new();
        for _ in 0..200_000 {
            let text: String = (0..random.below(9)).map(|_| letters[random.below(letters.len())]).collect();
            match read(&position, &text, Square::new(5, 5)) {
                Ok(mv) => assert!(position.is_legal(mv)),
                Err(error) => drop(kinds.insert(error.id())),
            }
        }
        assert!(kinds.len() >= 3, "{kinds:?}");
    }
}
