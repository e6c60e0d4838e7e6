//! Reference implementation of the rules, as simple as possible: a table of characters, pieces that move step by step, and
//! moves that are tried and discarded if the king can then be captured. It shares no code with the library.

use std::collections::BTreeMap;

/// A square or a step: (file, rank).
type At = (i8, i8);

/// Position. A piece is its SFEN text: `P`, `+r`. Squares are (file, rank), both 1..=9.
#[derive(Clone)]
pub struct Reference {
    board: BTreeMap<At, String>,
    hands: BTreeMap<char, u32>,
    black_to_move: bool,
    number: u32,
}

const ORTHOGONAL: [At; 4] = [(0, -1), (0, 1), (-1, 0), (1, 0)];
const DIAGONAL: [At; 4] = [(-1, -1), (1, -1), (-1, 1), (1, 1)];
const GOLD: [At; 6] = [(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (0, 1)];
const SILVER: [At; 5] = [(-1, -1), (0, -1), (1, -1), (-1, 1), (1, 1)];
const HAND_ORDER: &str = "RBGSNLPrbgsnlp";

fn is_black(piece: &str) -> bool {
    piece.ends_with(|letter: char| letter.is_ascii_uppercase())
}

fn square_text((file, rank): At) -> String {
    format!("{file}{}", char::from(b'a' + rank as u8 - 1))
}

fn square(text: &str) -> At {
    (text.as_bytes()[0] as i8 - b'0' as i8, text.as_bytes()[1] as i8 - b'a' as i8 + 1)
}

fn on_board((file, rank): At) -> bool {
    (1..=9).contains(&file) && (1..=9).contains(&rank)
}

impl Reference {
    /// Reads correct SFEN.
    pub fn new(sfen: &str) -> Reference {
        let fields: Vec<&str> = sfen.split(' ').collect();
        let mut board = BTreeMap::new();
        for (rank, text) in (1..).zip(fields[0].split('/')) {
            let mut file = 9;
            let mut promoted = "";
            for letter in text.chars() {
                if let Some(empty) = letter.to_digit(10) {
                    file -= empty as i8;
                } else if letter == '+' {
                    promoted = "+";
                } else {
                    board.insert((file, rank), format!("{promoted}{letter}"));
                    promoted = "";
                    file -= 1;
                }
            }
        }
        let mut hands = BTreeMap::new();
        let mut count = 0;
        for letter in fields[2].chars().filter(|&letter| letter != '-') {
            if let Some(digit) = letter.to_digit(10) {
                count = count * 10 + digit;
            } else {
                hands.insert(letter, count.max(1));
                count = 0;
            }
        }
        Reference { board, hands, black_to_move: fields[1] == "b", number: fields[3].parse().expect("a move number") }
    }

    pub fn sfen(&self) -> String {
        let mut text = String::new();
        for rank in 1..=9 {
            let mut empty = 0;
            for file in (1..=9).rev() {
                let Some(piece) = self.board.get(&(file, rank)) else {
                    empty += 1;
                    continue;
                };
                if empty > 0 {
                    text += &empty.to_string();
                }
                empty = 0;
                text += piece;
            }
            if empty > 0 {
                text += &empty.to_string();
            }
            text += if rank < 9 { "/" } else { "" };
        }
        text += if self.black_to_move { " b " } else { " w " };
        let held: String = HAND_ORDER
            .chars()
            .filter_map(|letter| Some((letter, *self.hands.get(&letter)?)))
            .map(|(letter, count)| if count == 1 { letter.to_string() } else { format!("{count}{letter}") })
            .collect();
        text += if held.is_empty() { "-" } else { &held };
        text + &format!(" {}", self.number)
    }

    /// Steps and slides of a piece, as Black would make them.
    fn walks(piece: &str) -> (Vec<At>, Vec<At>) {
        let all = || [ORTHOGONAL, DIAGONAL].concat();
        match piece.to_ascii_uppercase().as_str() {
            "P" => (vec![(0, -1)], vec![]),
            "L" => (vec![], vec![(0, -1)]),
            "N" => (vec![(-1, -2), (1, -2)], vec![]),
            "S" => (SILVER.to_vec(), vec![]),
            "G" | "+P" | "+L" | "+N" | "+S" => (GOLD.to_vec(), vec![]),
            "B" => (vec![], DIAGONAL.to_vec()),
            "R" => (vec![], ORTHOGONAL.to_vec()),
            "+B" => (all(), DIAGONAL.to_vec()),
            "+R" => (all(), ORTHOGONAL.to_vec()),
            "K" => (all(), vec![]),
            other => panic!("no such piece: {other}"),
        }
    }

    /// Origins and destinations of the pieces of the side to move, regardless of the safety of its king.
    fn reach(&self) -> Vec<(At, At)> {
        let forward = if self.black_to_move { 1 } else { -1 };
        let own = |at: &At| self.board.get(at).is_some_and(|piece| is_black(piece) == self.black_to_move);
        let mut reach = Vec::new();
        for (&from, piece) in self.board.iter().filter(|(from, _)| own(from)) {
            let (steps, slides) = Self::walks(piece);
            let longest = steps.iter().map(|&step| (step, 1)).chain(slides.iter().map(|&step| (step, 8)));
            for ((file, rank), length) in longest {
                for n in 1..=length {
                    let to = (from.0 + n * file, from.1 + n * rank * forward);
                    if !on_board(to) || own(&to) {
                        break;
                    }
                    reach.push((from, to));
                    if self.board.contains_key(&to) {
                        break;
                    }
                }
            }
        }
        reach
    }

    fn relative_rank(&self, (_, rank): At) -> i8 {
        if self.black_to_move { rank } else { 10 - rank }
    }

    /// Whether an unpromoted piece on `to` could never move again.
    fn is_dead(&self, letter: char, to: At) -> bool {
        match letter.to_ascii_uppercase() {
            'P' | 'L' => self.relative_rank(to) == 1,
            'N' => self.relative_rank(to) <= 2,
            _ => false,
        }
    }

    /// Moves by all rules except drop-pawn mate and the safety of the own king.
    fn pseudo_legal(&self) -> Vec<String> {
        let mut moves = Vec::new();
        for (from, to) in self.reach() {
            let piece = &self.board[&from];
            let text = square_text(from) + &square_text(to);
            let in_zone = self.relative_rank(from) <= 3 || self.relative_rank(to) <= 3;
            if in_zone && "PLNSBR".contains(&piece.to_ascii_uppercase()) {
                moves.push(text.clone() + "+");
            }
            if piece.len() > 1 || !self.is_dead(piece.chars().next().expect("a letter"), to) {
                moves.push(text);
            }
        }
        for &letter in self.hands.keys().filter(|letter| letter.is_ascii_uppercase() == self.black_to_move) {
            for to in (1..=9).flat_map(|file| (1..=9).map(move |rank| (file, rank))) {
                let on_file = |rank| self.board.get(&(to.0, rank)).is_some_and(|piece| *piece == letter.to_string());
                let two_pawns = letter.eq_ignore_ascii_case(&'p') && (1..=9).any(on_file);
                if !self.board.contains_key(&to) && !self.is_dead(letter, to) && !two_pawns {
                    moves.push(format!("{}*{}", letter.to_ascii_uppercase(), square_text(to)));
                }
            }
        }
        moves
    }

    pub fn play(&self, mv: &str) -> Reference {
        let mut next = self.clone();
        let own_case = |letter: char| {
            if self.black_to_move { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
        };
        if let Some((kind, to)) = mv.split_once('*') {
            let letter = own_case(kind.chars().next().expect("a letter"));
            let count = next.hands.get_mut(&letter).expect("a piece in hand");
            *count -= 1;
            if *count == 0 {
                next.hands.remove(&letter);
            }
            next.board.insert(square(to), letter.to_string());
        } else {
            let mut piece = next.board.remove(&square(&mv[..2])).expect("a piece to move");
            if mv.ends_with('+') {
                piece.insert(0, '+');
            }
            if let Some(captured) = next.board.insert(square(&mv[2..4]), piece) {
                *next.hands.entry(own_case(captured.chars().last().expect("a letter"))).or_insert(0) += 1;
            }
        }
        next.black_to_move = !next.black_to_move;
        next.number += 1;
        next
    }

    /// Whether the side to move can capture a king.
    fn captures_king(&self) -> bool {
        self.reach().iter().any(|(_, to)| self.board.get(to).is_some_and(|piece| piece.eq_ignore_ascii_case("K")))
    }

    fn is_check(&self) -> bool {
        let mut other = self.clone();
        other.black_to_move = !other.black_to_move;
        other.captures_king()
    }

    /// Moves after which the own king cannot be captured.
    fn safe(&self) -> Vec<String> {
        self.pseudo_legal().into_iter().filter(|mv| !self.play(mv).captures_king()).collect()
    }

    /// Whether `mv` drops a pawn that gives mate.
    fn is_pawn_drop_mate(&self, mv: &str) -> bool {
        let next = self.play(mv);
        mv.starts_with("P*") && next.is_check() && next.safe().is_empty()
    }

    /// The legal moves, sorted by their text.
    pub fn legal(&self) -> Vec<String> {
        let mut moves: Vec<String> = self.safe().into_iter().filter(|mv| !self.is_pawn_drop_mate(mv)).collect();
        moves.sort();
        // A dragon reaches the square beside it both by a step and by a slide.
        moves.dedup();
        moves
    }
}
