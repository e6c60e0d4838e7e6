//! Link: one line of a game as a short word for the fragment of an address.
//!
//! Bytes in base64url without padding:
//!
//! | bytes | content |
//! |---|---|
//! | 1 | version: [`VERSION`] |
//! | 1 | start position: its place in [`Handicap::all`], or 255 for an SFEN |
//! | 1 + n | only with 255: length of the SFEN, and the SFEN |
//! | 1 | end of the line: 0 for none, else 1 + its place in [`End::all`] |
//! | 2 each | moves: [`Move::to_u16`], little endian; the highest bit marks one against the rules, which is the last |
//! | 3 | the first bytes of the SHA-256 of everything before: an address is easily cut off |
//!
//! A game of 100 moves takes 275 letters. An end in other words is left out.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

use super::base64url;
use super::builder::Builder;
use super::end::End;
use super::handicap::Handicap;
use super::problem::{MAX_PLIES, Problem};
use super::tree::{Event, GameTree, NodeId};
use crate::shogi::{Game, Move, Position, SfenError};

/// Version of the format.
pub const VERSION: u8 = 1;

/// Mark of a start position in SFEN.
const SFEN: u8 = 255;

/// Mark of a move against the rules.
const ILLEGAL: u16 = 1 << 15;

/// Bytes of the checksum.
const CHECKSUM: usize = 3;

/// Largest number of letters of a link that is read.
const LONGEST: usize = (4 + 255 + 2 * MAX_PLIES + CHECKSUM) * 4 / 3 + 4;

/// Reason why a text is no link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// The text has more letters than the longest game.
    TooLong(usize),
    /// The text has a letter that no link has, or ends in the midst of a byte.
    Letter {
        /// Place of the letter, from 1.
        place: usize,
    },
    /// The version of the format is not supported.
    Version(u8),
    /// The checksum does not match: the link was cut off or changed.
    Checksum,
    /// The start position is unknown.
    Handicap(u8),
    /// The start position is not an SFEN.
    Start(SfenError),
    /// The bytes end before the content does.
    Short,
    /// A move is none, or is against the rules.
    Move {
        /// Ply of the move, from 1.
        ply: usize,
        /// Bits in the link.
        bits: u16,
    },
    /// The end of the line is unknown.
    End(u8),
    /// The line goes on after its end, or is too long.
    Line(Problem),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::TooLong(found) => write!(f, "link of {found} letters: the longest game has {LONGEST}"),
            LinkError::Letter { place } => write!(f, "link, letter {place}: it does not belong there"),
            LinkError::Version(found) => {
                write!(f, "link of version {found}, but only version {VERSION} is supported")
            }
            LinkError::Checksum => f.write_str("the link was cut off or changed: its checksum does not match"),
            LinkError::Handicap(found) => write!(f, "link, start position {found}: it is unknown"),
            LinkError::Start(error) => write!(f, "link, start position: {error}"),
            LinkError::Short => f.write_str("the link is too short"),
            LinkError::Move { ply, bits } => match Move::from_u16(bits & !ILLEGAL) {
                Some(mv) => write!(f, "link, move {ply}: {mv} is against the rules"),
                None => write!(f, "link, move {ply}: {bits:#06x} is no move"),
            },
            LinkError::End(found) => write!(f, "link, end {found}: it is unknown"),
            LinkError::Line(problem) => write!(f, "link: {problem}"),
        }
    }
}

impl core::error::Error for LinkError {}

/// Link to the line through a node: from the start to it, and on along first children.
///
/// ```
/// use keisei_core::notation::{NodeId, link, usi};
///
/// let game = usi::read("startpos moves 7g7f 3c3d resign").strict().unwrap();
/// let text = link::write(&game, NodeId::ROOT);
/// assert_eq!(text.len(), 14);
/// assert_eq!(link::read(&text), Ok(game));
/// ```
pub fn write(tree: &GameTree, node: NodeId) -> String {
    let (mut moves, mut end) = (Vec::new(), None);
    for id in tree.path(node).into_iter().chain(tree.line(node).into_iter().skip(1)) {
        match tree.node(id).event() {
            Event::Start => {}
            Event::Move(mv) => moves.push(mv.to_u16()),
            Event::Illegal(mv) => moves.push(mv.to_u16() | ILLEGAL),
            Event::End(known) => end = Some(known),
        }
    }
    write_line(tree.start(), &moves, end)
}

/// Link to a played game with its end or, while it goes on, with `end`; the same as that of [`GameTree::of_game`], without a tree.
pub fn write_game(game: &Game, end: Option<End>) -> String {
    let moves: Vec<u16> = game.moves().iter().take(MAX_PLIES).map(|mv| mv.to_u16()).collect();
    let outcome = game.outcome().map(|outcome| End::of_outcome(outcome, game.position().side_to_move()));
    // A line that was cut off for its length has no end.
    let end = outcome.or(end).filter(|_| moves.len() < MAX_PLIES);
    write_line(game.start(), &moves, end.as_ref())
}

fn write_line(start: &Position, moves: &[u16], end: Option<&End>) -> String {
    let mut bytes = Vec::from([VERSION]);
    // Handicaps all begin with move 1.
    let handicap = Handicap::of(start);
    if let Some(place) = Handicap::all().position(|known| Some(known) == handicap) {
        bytes.push(place as u8);
    } else {
        let sfen = start.to_sfen();
        bytes.extend([SFEN, sfen.len() as u8]);
        bytes.extend_from_slice(sfen.as_bytes());
    }
    let place = end.and_then(|end| End::all().position(|known| known == *end));
    bytes.push(place.map_or(0, |place| place as u8 + 1));
    for bits in moves {
        bytes.extend_from_slice(&bits.to_le_bytes());
    }
    encode(bytes)
}

/// Text of content, which gets its checksum here.
pub fn encode(mut content: Vec<u8>) -> String {
    let checksum = checksum(&content);
    content.extend_from_slice(&checksum);
    base64url::encode(&content)
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let digest = Sha256::digest(bytes);
    [digest[0], digest[1], digest[2]]
}

/// Tree of one line that a link holds. Time and memory are bounded by the longest game, whatever the text.
///
/// # Errors
/// The first defect found.
pub fn read(text: &str) -> Result<GameTree, LinkError> {
    let text = text.trim();
    if text.len() > LONGEST {
        return Err(LinkError::TooLong(text.len()));
    }
    let bytes = base64url::decode(text).map_err(|before| LinkError::Letter { place: before + 1 })?;
    let version = *bytes.first().ok_or(LinkError::Short)?;
    if version != VERSION {
        return Err(LinkError::Version(version));
    }
    let (content, found) = bytes.split_last_chunk::<CHECKSUM>().ok_or(LinkError::Short)?;
    if checksum(content) != *found {
        return Err(LinkError::Checksum);
    }
    let (start, rest) = read_start(content.get(1..).ok_or(LinkError::Short)?)?;
    let (&end, moves) = rest.split_first().ok_or(LinkError::Short)?;
    let (moves, odd) = moves.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(LinkError::Short);
    }
    let mut builder = Builder::new(start);
    for (ply, &bytes) in (1..).zip(moves) {
        let bits = u16::from_le_bytes(bytes);
        let error = LinkError::Move { ply, bits };
        let Some(mv) = Move::from_u16(bits & !ILLEGAL) else { return Err(error) };
        match builder.play(mv) {
            Ok(()) if bits & ILLEGAL == 0 => {}
            Err(Problem::Illegal(_)) if bits & ILLEGAL != 0 && !builder.is_open() => {}
            Ok(()) | Err(Problem::Illegal(_)) => return Err(error),
            Err(problem) => return Err(LinkError::Line(problem)),
        }
    }
    if let Some(place) = end.checked_sub(1) {
        let end = End::all().nth(place.into()).ok_or(LinkError::End(end))?;
        builder.end(end).map_err(LinkError::Line)?;
    }
    Ok(builder.finish())
}

/// Reads the start position; returns what follows it.
fn read_start(bytes: &[u8]) -> Result<(Position, &[u8]), LinkError> {
    let (&place, rest) = bytes.split_first().ok_or(LinkError::Short)?;
    if place != SFEN {
        let handicap = Handicap::all().nth(place.into()).ok_or(LinkError::Handicap(place))?;
        return Ok((handicap.position(), rest));
    }
    let (&length, rest) = rest.split_first().ok_or(LinkError::Short)?;
    let (sfen, rest) = rest.split_at_checked(length.into()).ok_or(LinkError::Short)?;
    // What is not text is no SFEN either.
    let sfen = core::str::from_utf8(sfen).unwrap_or_default();
    Ok((Position::from_sfen(sfen).map_err(LinkError::Start)?, rest))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::notation::{kif, usi};
    use crate::random::SplitMix64;

    fn game(text: &str) -> GameTree {
        usi::read(text).tree.expect("a game")
    }

    #[test]
    fn lines_come_back() {
        #[track_caller]
        fn check(tree: &GameTree, letters: usize) {
            let text = write(tree, NodeId::ROOT);
            assert_eq!((read(&text).as_ref(), text.len()), (Ok(tree), letters));
        }
        check(&game("startpos"), 8);
        check(&game("startpos moves 7g7f 3c3d 8h2b+ 3a2b B*4e"), 22);
        check(&game("sfen 4k4/9/9/9/9/9/9/9/4K4 w R2b 77 moves B*5e resign"), 52);
        // A move against the rules, and an end.
        check(&game("startpos moves 7g7f 3c3d 7f7d"), 16);
        for handicap in Handicap::all() {
            let mut builder = Builder::new(handicap.position());
            builder.end(End::TimeUp).expect("an open line");
            check(&builder.finish(), 8);
        }
    }

    #[test]
    fn a_played_game_has_the_link_of_its_tree() {
        #[track_caller]
        fn check(game: &Game, end: Option<End>) {
            let mut tree = GameTree::of_game(game);
            if let (Some(end), None) = (end.clone(), game.outcome()) {
                let last = *tree.main_line().last().expect("the root");
                tree.close(last, end).expect("an open line");
            }
            assert_eq!(write_game(game, end), write(&tree, NodeId::ROOT));
        }
        let mut game = Game::startpos();
        check(&game, None);
        check(&game, Some(End::TimeUp));
        game.play("7g7f".parse().expect("a move"));
        check(&game, Some(End::TimeUp));
        game.resign(game.position().side_to_move());
        check(&game, Some(End::TimeUp));
        let start = Position::from_sfen("4k4/9/9/9/9/9/9/9/4K4 w R2b 77").expect("a position");
        check(&Game::new(start, 0), None);
        // A game that goes on after its fourth repetition.
        let mut repeated = Game::startpos();
        for usi in ["2h3h", "8b7b", "3h2h", "7b8b"].iter().cycle().take(22) {
            repeated.play_unchecked(usi.parse().expect("a move"));
        }
        check(&repeated, None);
        check(&repeated, Some(End::TimeUp));
    }

    #[test]
    fn a_variation_has_its_own_link() {
        let text = "   1 ７六歩(77)\n   2 ３四歩(33)\n   3 投了\n変化：2手\n   2 ８四歩(83)\n   3 ２六歩(27)\n";
        let tree = kif::read(text).strict().expect("a game");
        let links: Vec<String> = (0..tree.len()).map(|at| write(&tree, tree.id(at).expect("a node"))).collect();
        assert!(links[..4].iter().all(|link| *link == links[0]) && links[4] == links[5] && links[4] != links[0]);
        let moves =
            |link: &str| read(link).expect("a link").main_moves().into_iter().map(Move::to_usi).collect::<Vec<_>>();
        assert_eq!(
            (moves(&links[0]), moves(&links[5])),
            (vec!["7g7f".into(), "3c3d".into()], vec!["7g7f".into(), "8c8d".into(), "2g2f".into()])
        );
    }

    #[test]
    fn other_texts_are_refused_with_a_reason() {
        /// Reads content with a checksum that matches.
        fn sealed(content: &[u8]) -> Result<GameTree, LinkError> {
            read(&encode(content.into()))
        }
        let bits = |usi: &str| usi.parse::<Move>().expect("USI").to_u16();
        let with = |end: u8, moves: &[u16]| {
            let moves = moves.iter().flat_map(|bits| bits.to_le_bytes());
            sealed(&[VERSION, 0, end].into_iter().chain(moves).collect::<Vec<u8>>())
        };
        assert_eq!(read(""), Err(LinkError::Short));
        assert_eq!(read("AQ"), Err(LinkError::Short));
        assert_eq!(read("Ag"), Err(LinkError::Version(2)));
        assert_eq!(read("AQA?"), Err(LinkError::Letter { place: 4 }));
        assert_eq!(read(&"A".repeat(100_000)), Err(LinkError::TooLong(100_000)));
        assert_eq!(sealed(&[VERSION]), Err(LinkError::Short));
        assert_eq!(sealed(&[VERSION, 16]), Err(LinkError::Handicap(16)));
        assert_eq!(sealed(&[VERSION, SFEN, 9, b'4']), Err(LinkError::Short));
        assert_eq!(sealed(&[VERSION, SFEN, 1, b'9', 0]), Err(LinkError::Start(SfenError::Fields { found: 1 })));
        assert_eq!(sealed(&[VERSION, SFEN, 1, 255, 0]), Err(LinkError::Start(SfenError::Fields { found: 0 })));
        assert_eq!(sealed(&[VERSION, 0]), Err(LinkError::Short));
        assert_eq!(sealed(&[VERSION, 0, 0, 1]), Err(LinkError::Short));
        assert_eq!(with(17, &[]), Err(LinkError::End(17)));
        let illegal = bits("7g7e");
        assert_eq!(with(0, &[illegal]), Err(LinkError::Move { ply: 1, bits: illegal }));
        assert_eq!(with(0, &[ILLEGAL | bits("7g7f")]), Err(LinkError::Move { ply: 1, bits: ILLEGAL | bits("7g7f") }));
        assert_eq!(with(0, &[0]), Err(LinkError::Move { ply: 1, bits: 0 }));
        assert_eq!(with(0, &[ILLEGAL | illegal, bits("3c3d")]), Err(LinkError::Line(Problem::AfterEnd)));
        let shuffle = ["2h3h", "8b7b", "3h2h", "7b8b"].map(bits).repeat(MAX_PLIES / 4);
        assert_eq!(with(0, &shuffle).map(|tree| tree.len()), Ok(MAX_PLIES + 1));
        assert_eq!(with(1, &shuffle), Err(LinkError::Line(Problem::TooLong)));
    }

    #[test]
    fn damaged_links_are_found() {
        let text = write(&game("startpos moves 7g7f 3c3d 8h2b+ 3a2b B*4e"), NodeId::ROOT);
        for length in 0..text.len() {
            assert!(read(&text[..length]).is_err(), "{length}");
        }
        let mut random = SplitMix64(0x5EED_0F54_0615_0007);
        let mut passed = 0;
        for _ in 0..20_000 {
            let mut letters: Vec<char> = text.chars().collect();
            let place = random.below(letters.len());
            letters[place] = char::from(random.below(128) as u8);
            let changed: String = letters.into_iter().collect();
            passed += usize::from(changed != text && read(&changed).is_ok());
        }
        assert!(passed <= 1, "{passed}");
    }
}
