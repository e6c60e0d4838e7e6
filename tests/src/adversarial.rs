//! Positions in which move generators go wrong: many promoted pieces, full hands, double checks, pins along every line,
//! drop-pawn mates.

use std::collections::BTreeSet;

use keisei_core::shogi::{Color, Piece, PieceType, Position, Square};

use crate::random::{Choices, Random};

/// Starting point of the random placement.
#[derive(Clone, Copy, Debug)]
enum Theme {
    /// Two kings anywhere.
    Scattered,
    /// Pieces that alone stand between the king of the side to move and enemy sliders, on several lines.
    Pins,
    /// Two pieces that give check at once.
    DoubleCheck,
    /// A king at the edge with little room, and a pawn in hand to drop before it.
    PawnDropMate,
    /// Nearly all pieces in hand.
    FullHands,
}

const THEMES: [Theme; 5] = [Theme::Scattered, Theme::Pins, Theme::DoubleCheck, Theme::PawnDropMate, Theme::FullHands];

/// Legal position with both kings that every program accepts: no two pawns on a file, no piece without a move.
pub fn position(random: &mut Random) -> Position {
    loop {
        let theme = random.pick(&THEMES);
        let setup = Setup::new(theme, random);
        if let Ok(position) = Position::from_sfen(&setup.sfen())
            && Color::ALL.into_iter().all(|color| is_sound(&position, color))
        {
            return position;
        }
    }
}

/// Whether other programs accept the pieces of `color`.
fn is_sound(position: &Position, color: Color) -> bool {
    let pawns = position.pieces(color, PieceType::Pawn);
    let files: BTreeSet<u8> = pawns.into_iter().map(Square::file).collect();
    let can_move =
        |kind, first: u8| position.pieces(color, kind).into_iter().all(|square| square.relative_rank(color) >= first);
    position.king(color).is_some()
        && files.len() == pawns.count()
        && can_move(PieceType::Pawn, 2)
        && can_move(PieceType::Lance, 2)
        && can_move(PieceType::Knight, 3)
}

/// Position under construction.
struct Setup {
    board: [Option<Piece>; Square::COUNT],
    hands: [[u8; 7]; 2],
    /// Pieces of each kind of the hand that are still in the box.
    supply: [u8; 7],
    us: Color,
}

/// (file, rank) steps along the eight lines.
const LINES: [(i8, i8); 8] = [(0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)];

fn step(from: Square, (file, rank): (i8, i8), steps: i8) -> Option<Square> {
    let at = |from: u8, by: i8| u8::try_from(from as i8 + by * steps).ok();
    Square::new(at(from.file(), file)?, at(from.rank(), rank)?)
}

impl Setup {
    fn new(theme: Theme, random: &mut Random) -> Setup {
        let us = random.pick(&Color::ALL);
        let supply = [18, 4, 4, 4, 4, 2, 2];
        let mut setup = Setup { board: [None; Square::COUNT], hands: [[0; 7]; 2], supply, us };
        let (ours, theirs) = match theme {
            Theme::PawnDropMate => (random.pick(&Square::ALL), setup.edge(random)),
            _ => (random.pick(&Square::ALL), random.pick(&Square::ALL)),
        };
        setup.board[ours.index()] = Some(Piece::new(us, PieceType::King));
        // A king on the same square replaces the first one; the position is then refused.
        setup.board[theirs.index()] = Some(Piece::new(us.flip(), PieceType::King));
        let crowd = match theme {
            Theme::Scattered => random.below(100),
            Theme::Pins | Theme::DoubleCheck => random.below(60),
            Theme::PawnDropMate => random.below(50),
            Theme::FullHands => random.below(8),
        };
        match theme {
            Theme::Scattered | Theme::FullHands => {}
            Theme::Pins => {
                for line in LINES {
                    if random.below(3) > 0 {
                        setup.pin(random, ours, line);
                    }
                }
            }
            Theme::DoubleCheck => setup.double_check(random, ours),
            Theme::PawnDropMate => setup.cage(random, theirs),
        }
        setup.strew(random, crowd);
        setup
    }

    /// A square on the far rank of the side to move, or at a side of the board.
    fn edge(&self, random: &mut Random) -> Square {
        let fits = |&square: &Square| square.relative_rank(self.us) <= 2 || [1, 9].contains(&square.file());
        let squares: Vec<Square> = Square::ALL.into_iter().filter(fits).collect();
        random.pick(&squares)
    }

    /// Puts a piece from the box on an empty square; promoted half of the time if it can be.
    fn put(&mut self, random: &mut Random, color: Color, kind: PieceType, square: Square) -> bool {
        if self.board[square.index()].is_some() || self.supply[kind.index()] == 0 {
            return false;
        }
        self.supply[kind.index()] -= 1;
        let promotes = random.below(2) == 0;
        self.board[square.index()] = Some(Piece::new(color, kind.promoted().filter(|_| promotes).unwrap_or(kind)));
        true
    }

    /// Puts a piece of a random kind, like [`Setup::put`].
    fn put_any(&mut self, random: &mut Random, color: Color, square: Square) -> bool {
        let kind = random.pick(&PieceType::HAND);
        self.put(random, color, kind, square)
    }

    /// Puts an enemy slider of the line's kind somewhere along it; lances may face the wrong way.
    fn slider(&mut self, random: &mut Random, from: Square, line: (i8, i8), nearest: i8) -> bool {
        let kind = match line {
            (0, _) => random.pick(&[PieceType::Lance, PieceType::Rook]),
            (_, 0) => PieceType::Rook,
            _ => PieceType::Bishop,
        };
        let distance = nearest + random.below(6) as i8;
        step(from, line, distance).is_some_and(|square| self.put(random, self.us.flip(), kind, square))
    }

    fn pin(&mut self, random: &mut Random, king: Square, line: (i8, i8)) {
        let shield = 1 + random.below(3) as i8;
        if self.slider(random, king, line, shield + 1)
            && let Some(square) = step(king, line, shield)
        {
            let owner = if random.below(4) == 0 { self.us.flip() } else { self.us };
            self.put_any(random, owner, square);
        }
    }

    fn double_check(&mut self, random: &mut Random, king: Square) {
        let line = random.pick(&LINES);
        self.slider(random, king, line, 1);
        let (file, rank) = random.pick(&LINES);
        let forward = if self.us == Color::Black { -1 } else { 1 };
        match random.below(3) {
            0 => drop(self.slider(random, king, (file, rank), 1)),
            1 => {
                // A knight checks from two ranks before the king.
                let side = random.pick(&[-1, 1]);
                if let Some(square) = step(king, (side, 2 * forward), 1) {
                    self.put(random, self.us.flip(), PieceType::Knight, square);
                }
            }
            _ => {
                if let Some(square) = step(king, (file, rank), 1) {
                    self.put_any(random, self.us.flip(), square);
                }
            }
        }
    }

    /// Restricts the king on `king`, whose enemy is to move and has a pawn in hand.
    fn cage(&mut self, random: &mut Random, king: Square) {
        self.supply[0] -= 1;
        self.hands[self.us.index()][0] += 1;
        // Direction to the side to move: the square in front of the king, where the pawn would be dropped.
        let front = if self.us == Color::Black { 1 } else { -1 };
        for (file, rank) in LINES {
            let Some(square) = step(king, (file, rank), 1).filter(|_| (file, rank) != (0, front)) else { continue };
            match random.below(4) {
                0 => drop(self.put_any(random, self.us, square)),
                1 | 2 => drop(self.put_any(random, self.us.flip(), square)),
                _ => {}
            }
        }
        // A piece that protects the drop, from beside it or from behind.
        let guard = step(king, (0, front), 1).and_then(|drop| {
            let line = random.pick(&[(0, front), (-1, front), (1, front), (-1, 0), (1, 0)]);
            step(drop, line, 1)
        });
        if let Some(square) = guard {
            let kind = random.pick(&[PieceType::Gold, PieceType::Silver, PieceType::Rook]);
            self.put(random, self.us, kind, square);
        }
        // And a piece that may capture it, pinned or not.
        if random.below(2) == 0 {
            let line = random.pick(&LINES);
            self.pin(random, king, line);
        }
    }

    /// Places the rest of the box: each piece on the board with a probability of `crowd` percent, else in a hand.
    fn strew(&mut self, random: &mut Random, crowd: usize) {
        for kind in PieceType::HAND {
            while self.supply[kind.index()] > 0 {
                let color = random.pick(&Color::ALL);
                let square = random.pick(&Square::ALL);
                if random.below(100) >= crowd || !self.put(random, color, kind, square) {
                    self.supply[kind.index()] -= 1;
                    self.hands[color.index()][kind.index()] += 1;
                }
            }
        }
    }

    fn sfen(&self) -> String {
        let letter = |color: Color, kind: PieceType| {
            let letter = ['P', 'L', 'N', 'S', 'G', 'B', 'R', 'K'][kind.unpromoted().index()];
            if color == Color::Black { letter } else { letter.to_ascii_lowercase() }
        };
        let mut text = String::new();
        for rank in 1..=9 {
            if rank > 1 {
                text.push('/');
            }
            let cells =
                (1..=9).rev().filter_map(|file| Square::new(file, rank)).map(|square| self.board[square.index()]);
            for cell in cells {
                match cell {
                    None => text.push('1'),
                    Some(piece) => {
                        if piece.kind().is_promoted() {
                            text.push('+');
                        }
                        text.push(letter(piece.color(), piece.kind()));
                    }
                }
            }
        }
        text += if self.us == Color::Black { " b " } else { " w " };
        let before = text.len();
        for color in Color::ALL {
            for kind in PieceType::HAND {
                match self.hands[color.index()][kind.index()] {
                    0 => {}
                    count => text.extend([count.to_string(), letter(color, kind).to_string()]),
                }
            }
        }
        if text.len() == before {
            text.push('-');
        }
        text + " 1"
    }
}
