//! USI's `position` command, SFEN, and lists of moves in USI's syntax.
//!
//! They are read as leniently as engines do. Only the main line can be written.
//!
//! | part | may be |
//! |---|---|
//! | `position` `sfen` `startpos` `moves` | in any case; all but `startpos` left out; moves alone start from the usual position |
//! | side to move | in any case |
//! | hands | in any order; a piece that is listed twice is added up; left out if they are empty |
//! | move number | left out; one outside 1 to 65,535 counts as 1 |
//! | moves | followed by `resign` or `win` (a declaration) |

use alloc::string::String;
use alloc::vec::Vec;

use super::builder::Builder;
use super::end::End;
use super::lines::{holds, joined, lines};
use super::number::push_number;
use super::problem::{Defects, Problem};
use super::reading::Parsed;
use super::tree::GameTree;
use crate::shogi::{Move, Position};

/// Reads the first line that is not empty.
pub fn read(text: &str) -> Parsed {
    let (number, line) = statements(text).next().unwrap_or((1, ""));
    read_line(number, line)
}

/// Reads every line that is not empty as a game.
pub fn read_all(text: &str) -> Vec<Parsed> {
    games(text).collect()
}

/// Games of a text, each read when it is asked for.
pub(super) fn games(text: &str) -> impl Iterator<Item = Parsed> {
    statements(text).map(|(number, line)| read_line(number, line))
}

/// Lines that are neither empty nor a remark, which begins with `#`.
fn statements(text: &str) -> impl Iterator<Item = (usize, &str)> {
    lines(text).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
}

fn read_line(number: usize, line: &str) -> Parsed {
    let mut defects = Defects::default();
    let (start, words) = match start_and_moves(line) {
        Ok(parts) => parts,
        Err((place, problem)) => return Parsed::no_game(number, line, place, problem),
    };
    let mut builder = Builder::new(start);
    for word in words {
        let played = match word.parse::<Move>() {
            Ok(mv) => builder.play(mv),
            Err(_) if word == "resign" => builder.end(End::Resign),
            Err(_) if word == "win" => builder.end(End::Declaration),
            Err(_) => Err(Problem::Expected("a move such as 7g7f, 8h2b+ or P*5e")),
        };
        if let Err(problem) = played {
            defects.at(number, line, word, problem);
            break;
        }
    }
    Parsed { tree: Some(builder.finish()), defects: defects.0 }
}

/// Start position of a line, and the words of its moves, which are not played.
///
/// # Errors
/// The word at which the start position is not understood, and the reason.
///
/// ```
/// use keisei_core::notation::usi;
///
/// let (start, moves) = usi::start_and_moves("sfen 4k4/9/9/9/9/9/9/9/4K4 w PSPp 0 moves 5a5b").unwrap();
/// assert_eq!(start.to_sfen(), "4k4/9/9/9/9/9/9/9/4K4 w S2Pp 1");
/// assert_eq!(moves, ["5a5b"]);
/// ```
pub fn start_and_moves(line: &str) -> Result<(Position, Vec<&str>), (&str, Problem)> {
    let mut words = line.split_ascii_whitespace().peekable();
    let is = |name: &'static str| move |word: &&str| word.eq_ignore_ascii_case(name);
    words.next_if(is("position"));
    let start = match words.peek() {
        Some(first) if is("startpos")(first) => {
            words.next();
            Position::startpos()
        }
        Some(first) if is("sfen")(first) || holds(first, "/") => {
            words.next_if(is("sfen"));
            let board = words.next().unwrap_or(&line[line.len()..]);
            let side = words.next().unwrap_or("").to_ascii_lowercase();
            let hands = words.next_if(|word| !is("moves")(word)).unwrap_or("-");
            let number = words.next_if(|word| is_number(word));
            let ply: u16 = number.and_then(|number| number.parse().ok()).filter(|&ply| ply > 0).unwrap_or(1);
            let hands = add_up(hands).unwrap_or_else(|| hands.into());
            let mut sfen = joined([board, " ", &side, " ", &hands, " "]);
            push_number(&mut sfen, ply.into());
            Position::from_sfen(&sfen).map_err(|error| (board, Problem::Start(error)))?
        }
        Some(first) if is("moves")(first) || first.parse::<Move>().is_ok() => Position::startpos(),
        first => {
            let place = first.copied().unwrap_or(&line[line.len()..]);
            return Err((place, Problem::Expected("startpos, an SFEN or a move")));
        }
    };
    words.next_if(is("moves"));
    Ok((start, words.collect()))
}

/// Whether a word is a whole number, of whatever size and sign.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Hands with each kind once; `None` if they are not counts and letters of pieces.
fn add_up(hands: &str) -> Option<String> {
    const LETTERS: [char; 7] = ['R', 'B', 'G', 'S', 'N', 'L', 'P'];
    let mut counts = [[0u32; LETTERS.len()]; 2];
    let mut number: Option<u32> = None;
    for found in hands.chars() {
        if let Some(digit) = found.to_digit(10) {
            number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit));
            continue;
        }
        let kind = LETTERS.iter().position(|&letter| letter == found.to_ascii_uppercase())?;
        let count = &mut counts[usize::from(found.is_ascii_lowercase())][kind];
        *count = count.saturating_add(number.take().unwrap_or(1));
    }
    if number.is_some() {
        return None;
    }
    let mut text = String::new();
    for (color, counts) in counts.into_iter().enumerate() {
        for (letter, count) in LETTERS.into_iter().zip(counts).filter(|&(_, count)| count > 0) {
            let letter = if color == 0 { letter } else { letter.to_ascii_lowercase() };
            if count > 1 {
                push_number(&mut text, count);
            }
            text.push(letter);
        }
    }
    if text.is_empty() {
        text.push('-');
    }
    Some(text)
}

/// Text of the main line: a `position` command without an end.
pub fn write(tree: &GameTree) -> String {
    let mut text = String::from("position ");
    if *tree.start() == Position::startpos() {
        text.push_str("startpos");
    } else {
        put!(text, "sfen {}", tree.start().to_sfen());
    }
    for (index, mv) in tree.main_moves().into_iter().enumerate() {
        put!(text, "{}{mv}", if index == 0 { " moves " } else { " " });
    }
    text.push('\n');
    text
}
