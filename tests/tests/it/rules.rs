//! The rules against published counts, cases from other programs, a slow reference implementation, and recomputed state.

use std::collections::BTreeSet;

use keisei_core::shogi::{
    Color, DeclarationError, Game, IllegalMove, MAX_MOVES, Move, MoveError, Origin, Outcome, Piece, PieceType,
    Position, SfenError, Square, perft, perft_played,
};

use keisei_tests::random::{Choices, Random};

use crate::reference::Reference;

fn data(file: &str) -> String {
    let path = format!("{}/data/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn cases(file: &str) -> Vec<Vec<String>> {
    serde_json::from_str(&data(file)).expect("the cases are arrays of strings")
}

fn position(sfen: &str) -> Position {
    Position::from_sfen(sfen).unwrap_or_else(|error| panic!("{sfen}: {error}"))
}

fn mv(usi: &str) -> Move {
    usi.parse().unwrap_or_else(|error| panic!("{usi}: {error}"))
}

/// The legal moves as USI text, sorted.
fn legal(position: &Position) -> Vec<String> {
    let mut moves: Vec<String> = position.legal_moves().iter().map(|mv| mv.to_usi()).collect();
    moves.sort();
    moves
}

/// The start positions of `perft.tsv`.
fn positions() -> BTreeSet<String> {
    data("perft.tsv").lines().filter_map(|row| row.split('\t').next()).map(String::from).collect()
}

/// Plays uniformly random games from every perft position and from the start position, and calls `visit` with each position.
fn random_positions(seed: u64, plies: usize, mut visit: impl FnMut(&Position)) {
    let mut random = Random(seed);
    for start in positions() {
        let mut position = position(&start);
        for _ in 0..plies {
            visit(&position);
            let moves = position.legal_moves();
            if moves.is_empty() {
                break;
            }
            position.play_unchecked(random.pick(&moves));
        }
    }
}

// ── Published node counts ───────────────────────────────────────────────────────────────────────────────────────────

/// Counts every row of `perft.tsv` for which `wanted` holds; returns how many rows there were.
fn check_perft(wanted: impl Fn(u64) -> bool) -> usize {
    let mut rows = 0;
    for row in data("perft.tsv").lines() {
        let mut columns = row.split('\t');
        let (sfen, depth, nodes) = (columns.next().unwrap(), columns.next().unwrap(), columns.next().unwrap());
        let nodes = nodes.parse().unwrap();
        if wanted(nodes) {
            assert_eq!(perft(&position(sfen), depth.parse().unwrap()), nodes, "{sfen} depth {depth}");
            rows += 1;
        }
    }
    rows
}

#[test]
fn perft_rows_below_ten_million_nodes() {
    assert_eq!(check_perft(|nodes| nodes < 10_000_000), 190);
}

#[test]
fn perft_rows_from_ten_million_nodes() {
    assert_eq!(check_perft(|nodes| nodes >= 10_000_000), 4);
}

#[test]
fn perft_with_played_leaves_counts_the_same() {
    for sfen in positions() {
        let position = position(&sfen);
        assert_eq!(perft_played(&position, 2), perft(&position, 2), "{sfen}");
    }
}

// ── Cases of special rules ──────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn legality_cases() {
    let cases = cases("rules-legal.json");
    assert_eq!(cases.len(), 24);
    for case in cases {
        let (position, mv) = (position(&case[0]), mv(&case[1]));
        assert_eq!(position.is_legal(mv), case[2] == "legal", "{} {}", case[0], case[1]);
        assert_eq!(position.legal_moves().contains(&mv), case[2] == "legal", "{} {}", case[0], case[1]);
    }
}

/// The outcome as text after playing all moves.
fn outcome(start: &str, moves: &str, max_plies: u16) -> String {
    let mut game = Game::new(position(start), max_plies);
    for usi in moves.split_whitespace() {
        game.try_play(mv(usi)).unwrap_or_else(|error| panic!("{start}: {error}"));
    }
    game.outcome().map_or_else(|| "in progress".to_owned(), |outcome| outcome.to_string())
}

#[test]
fn repetition_cases() {
    let cases = cases("rules-rep.json");
    assert_eq!(cases.len(), 8);
    for case in cases {
        let expected = &case[2];
        let side_to_move = if expected.contains("white") { Color::White } else { Color::Black };
        let expected = if expected.starts_with("in progress") {
            "in progress".to_owned()
        } else if expected.starts_with("draw") {
            "draw: repetition".to_owned()
        } else if expected.contains(") loses") {
            format!("{} wins: perpetual check", side_to_move.flip())
        } else {
            format!("{side_to_move} wins: perpetual check")
        };
        assert_eq!(outcome(&case[0], &case[1], 0), expected, "{case:?}");
    }
}

#[test]
fn declaration_cases() {
    let cases = cases("rules-decl.json");
    assert_eq!(cases.len(), 11);
    for case in cases {
        let expected =
            case[1].starts_with("can declare") || case[1].contains("27-pt rule: yes") || case[1].contains("27-pt: yes");
        let position = position(&case[0]);
        assert_eq!(position.can_declare(), expected, "{case:?}");
        let side = position.side_to_move();
        let mut game = Game::new(position, 0);
        let declared = game.declare().map(|outcome| outcome.to_string());
        assert_eq!(declared.is_ok(), expected, "{case:?}");
        let told = game.outcome().map(|outcome| outcome.to_string());
        assert_eq!(told, expected.then(|| format!("{side} wins: declaration")), "{case:?}");
    }
}

#[test]
fn terminal_cases() {
    let cases = cases("rules-term.json");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let expected = match case[1].as_str() {
            "checkmate" => "black wins: checkmate",
            "30 moves" => "in progress",
            _ => "black wins: no legal move",
        };
        assert_eq!(outcome(&case[0], "", 0), expected, "{case:?}");
    }
}

#[test]
fn reasons_against_declaration() {
    let check = |sfen: &str, expected: Result<(), DeclarationError>| {
        assert_eq!(Game::new(position(sfen), 0).declare().map(|_| ()), expected, "{sfen}");
    };
    let too_few = |found| Err(DeclarationError::TooFewPieces { found });
    let too_little = |found, needed| Err(DeclarationError::TooFewPoints { found, needed });
    check("LNSGKGSNL/4BR3/9/9/9/9/9/9/4k4 b RB 1", Ok(()));
    check("LNSGKGSNL/4BR3/9/9/9/9/9/9/4k4 b R4P 1", too_little(27, 28));
    check("LNSG1GSNL/4BR3/9/4K4/9/9/9/9/4k4 b RB 1", Err(DeclarationError::KingOutsideCamp));
    check("LNSGKGSNL/4B4/9/9/9/9/9/9/4k4 b 2RB 1", too_few(9));
    check("LNSGKGSNL/3rBR3/9/9/9/9/9/9/4k4 b B 1", too_little(23, 28));
    check("LNSGKGSNL/4rBR2/9/9/9/9/9/9/4k4 b B 1", Err(DeclarationError::InCheck));
    check("4K4/9/9/9/9/9/9/4br3/lnsgkgsnl w rb 1", Ok(()));
    check("4K4/9/9/9/9/9/9/4br3/lnsgkgsnl w r4p 1", Ok(()));
    check("4K4/9/9/9/9/9/9/4br3/lnsgkgsnl w r3p 1", too_little(26, 27));
}

#[test]
fn ends_of_games() {
    let check = |start: &str, moves: &str, max_plies: u16, expected: &str| {
        assert_eq!(outcome(start, moves, max_plies), expected, "{start} {moves} {max_plies}");
    };
    let start = Position::startpos().to_sfen();
    check(&start, "7g7f", 2, "in progress");
    check(&start, "7g7f 3c3d", 2, "truncated: max plies");
    // Mate comes before the limit, and so does repetition.
    check("7nk/9/8P/9/9/9/9/9/K8 b G 1", "G*1b", 1, "black wins: checkmate");
    check("7nk/9/8P/9/9/9/9/9/K8 b G 1", "G*3b", 1, "truncated: max plies");
    check("8k/6R2/9/9/9/9/9/7R1/K8 b - 1", "2h2c", 1, "black wins: no legal move");
    check(&start, &"2h3h 8b7b 3h2h 7b8b ".repeat(3), 12, "draw: repetition");
    check(&start, &"2h3h 8b7b 3h2h 7b8b ".repeat(2), 8, "truncated: max plies");
}

#[test]
fn repetition_counts_the_start_and_survives_undo() {
    let mut game = Game::startpos();
    let mut counts = Vec::new();
    for usi in ["2h3h", "8b7b", "3h2h", "7b8b"].repeat(3) {
        game.play(mv(usi));
        counts.push(game.repetition_count());
    }
    assert_eq!(counts, [1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4]);
    let refused = game.try_play(mv("7g7f")).unwrap_err();
    assert!(matches!(refused, IllegalMove::GameOver(..)), "{refused}");
    game.undo();
    assert_eq!((game.repetition_count(), game.outcome()), (3, None));
    game.play(mv("8c8d"));
    assert_eq!((game.repetition_count(), game.outcome()), (1, None));
}

#[test]
fn resignation_ends_the_game_once() {
    let mut game = Game::startpos();
    game.resign(Color::Black);
    game.resign(Color::White);
    assert_eq!(game.outcome().map(|outcome: Outcome| outcome.to_string()).as_deref(), Some("white wins: resignation"));
    assert!(matches!(game.declare(), Err(DeclarationError::GameOver(_))));
}

// ── A slow second definition ────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn legal_moves_and_their_effects_equal_the_slow_definition() {
    let mut compared = 0;
    let mut random = Random(7);
    random_positions(0x5eed, 60, |position| {
        let sfen = position.to_sfen();
        let reference = Reference::new(&sfen);
        let moves = legal(position);
        assert_eq!(moves, reference.legal(), "{sfen}");
        compared += 1;
        // Playing is compared for a few of the moves.
        for _ in 0..moves.len().min(5) {
            let usi = &moves[random.below(moves.len())];
            let mut child = position.clone();
            child.play(mv(usi));
            assert_eq!(child.to_sfen(), reference.play(usi).sfen(), "{sfen} {usi}");
        }
    });
    assert!(compared > 2000, "only {compared} positions");
}

#[test]
fn the_slow_definition_answers_the_legality_cases() {
    for case in cases("rules-legal.json").iter().filter(|case| case[0].contains('K')) {
        assert_eq!(Reference::new(&case[0]).legal().contains(&case[1]), case[2] == "legal", "{case:?}");
    }
}

#[test]
fn every_single_move_is_legal_exactly_if_listed() {
    for sfen in positions() {
        let position = position(&sfen);
        let listed: BTreeSet<Move> = position.legal_moves().into_iter().collect();
        assert_eq!(listed.len(), position.legal_count(), "{sfen}: a move is listed twice");
        assert_eq!(position.has_legal_move(), !listed.is_empty(), "{sfen}");
        for mv in (0..=u16::MAX).filter_map(Move::from_u16) {
            assert_eq!(position.is_legal(mv), listed.contains(&mv), "{sfen} {mv}");
        }
    }
}

#[test]
fn targets_visit_each_origin_once_and_are_never_empty() {
    random_positions(1, 40, |position| {
        let mut seen = Vec::new();
        position.legal_targets(|set| {
            assert!(!seen.contains(&set.origin), "{position:?} {set:?}");
            assert!(set.count() > 0, "{position:?} {set:?}");
            assert!(matches!(set.origin, Origin::Square(_)) || set.promote.is_empty(), "{position:?} {set:?}");
            seen.push(set.origin);
        });
    });
}

// ── State kept against state recomputed ─────────────────────────────────────────────────────────────────────────────

#[test]
fn a_position_equals_the_one_read_from_its_text() {
    random_positions(2, 200, |position| {
        assert_eq!(*position, Position::from_sfen(&position.to_sfen()).expect("a played position is correct"));
    });
}

#[test]
fn keys_tell_positions_apart() {
    let mut keys = BTreeSet::new();
    let mut texts = BTreeSet::new();
    random_positions(3, 200, |position| {
        keys.insert(position.key());
        texts.insert(position.to_sfen().rsplit_once(' ').expect("a move number").0.to_owned());
    });
    assert_eq!(keys.len(), texts.len());
}

// ── Text from outside ───────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn sfen_is_written_as_it_was_read() {
    for sfen in [
        "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1",
        "l6nl/5+P1gk/2np1S3/p1p4Pp/3P2Sp1/1PPb2P1P/P5GS1/R8/LN4bKL w RGgsn5p 1",
        "8k/9/9/9/9/9/9/9/K8 w 2R2B4G4S4N4L18P 65535",
        "9/9/9/9/9/9/9/9/9 b - 7",
    ] {
        assert_eq!(position(sfen).to_sfen(), sfen);
    }
    // Hands in any order; runs of spaces between fields.
    assert_eq!(position("8k/9/9/9/9/9/9/9/K8  w pR2Pb\t3 ").to_sfen(), "8k/9/9/9/9/9/9/9/K8 w R2Pbp 3");
}

#[test]
fn wrong_sfen_names_place_and_reason() {
    let check = |sfen: &str, expected: SfenError| {
        assert_eq!(Position::from_sfen(sfen), Err(expected), "{sfen}");
        assert!(expected.to_string().starts_with("SFEN"), "{expected}");
    };
    let character = |rank, column, found| SfenError::BoardCharacter { rank, column, found };
    let promotion = |rank, column| SfenError::Promotion { rank, column };
    let width = |rank, found| SfenError::RankWidth { rank, found };
    check("", SfenError::Fields { found: 0 });
    check("9/9/9/9/9/9/9/9/9 b -", SfenError::Fields { found: 3 });
    check("9/9/9/9/9/9/9/9/9 b - 1 1", SfenError::Fields { found: 5 });
    check("9/9/9/9/9/9/9/9 b - 1", SfenError::Ranks { found: 8 });
    check("9/9/9/9/9/9/9/9/9/9 b - 1", SfenError::Ranks { found: 10 });
    check("9/8/9/9/9/9/9/9/9 b - 1", width('b', 8));
    check("9/9/9/9/9/9/9/9/91 b - 1", width('i', 10));
    check("9/9/9/9/9/9/9/9/ b - 1", width('i', 0));
    check("9/9/pppppppppp/9/9/9/9/9/9 b - 1", width('c', 10));
    check(&format!("{}/9/9/9/9/9/9/9/9 b - 1", "9".repeat(1000)), width('a', 9000));
    check("4k4/9/9/9/4x4/9/9/9/4K4 b - 1", character('e', 2, 'x'));
    check("4k4/9/9/9/9/9/9/9/4玉4 b - 1", character('i', 2, '玉'));
    check("0/9/9/9/9/9/9/9/9 b - 1", character('a', 1, '0'));
    check("9/9/+G8/9/9/9/9/9/9 b - 1", promotion('c', 1));
    check("9/9/1+k7/9/9/9/9/9/9 b - 1", promotion('c', 2));
    check("9/9/8+/9/9/9/9/9/9 b - 1", promotion('c', 2));
    check("9/9/++P8/9/9/9/9/9/9 b - 1", promotion('c', 1));
    check("9/9/9/9/9/9/9/9/9 x - 1", SfenError::SideToMove);
    check("9/9/9/9/9/9/9/9/9 black - 1", SfenError::SideToMove);
    check("9/9/9/9/9/9/9/9/9 b K 1", SfenError::HandCharacter { column: 1, found: 'K' });
    check("9/9/9/9/9/9/9/9/9 b P+p 1", SfenError::HandCharacter { column: 2, found: '+' });
    check("9/9/9/9/9/9/9/9/9 b -- 1", SfenError::HandCharacter { column: 1, found: '-' });
    check("9/9/9/9/9/9/9/9/9 b 歩 1", SfenError::HandCharacter { column: 1, found: '歩' });
    check("9/9/9/9/9/9/9/9/9 b 0P 1", SfenError::HandCount { column: 1 });
    check("9/9/9/9/9/9/9/9/9 b 19P 1", SfenError::HandCount { column: 2 });
    check("9/9/9/9/9/9/9/9/9 b 99999999999999999999P 1", SfenError::HandCount { column: 2 });
    check("9/9/9/9/9/9/9/9/9 b P2 1", SfenError::HandCount { column: 3 });
    check("9/9/9/9/9/9/9/9/9 b PGP 1", SfenError::HandTwice { column: 3, found: 'P' });
    for number in ["0", "-1", "+1", "65536", "99999999999999999999", "1.5", "x", "１"] {
        check(&format!("9/9/9/9/9/9/9/9/9 b - {number}"), SfenError::MoveNumber);
    }
    let too_many = |kind, found, limit| SfenError::TooMany { kind, found, limit };
    check("ppppppppp/9/9/9/9/9/PPPPPPPPP/9/9 b P 1", too_many(PieceType::Pawn, 19, 18));
    check("+p+p+p6/9/9/9/9/9/9/9/9 b 16P 1", too_many(PieceType::Pawn, 19, 18));
    check("9/9/9/9/9/9/9/9/9 b 3R 1", too_many(PieceType::Rook, 3, 2));
    // Counts that the representation of a hand cannot hold.
    check("9/9/9/9/9/9/9/9/9 b 17R 1", too_many(PieceType::Rook, 17, 2));
    check("R8/2K1S1SSk/4B4/9/9/9/9/9/L2L1L3 b RBGS17lP 1", too_many(PieceType::Lance, 20, 4));
    check("+B+b7/9/9/9/9/9/9/9/9 b b 1", too_many(PieceType::Bishop, 3, 2));
    check("ggg6/9/9/9/9/9/9/9/9 b Gg 1", too_many(PieceType::Gold, 5, 4));
    check("k7k/9/9/9/9/9/9/9/9 b - 1", SfenError::TwoKings(Color::White));
    check("4k4/9/9/9/9/9/9/9/K7K w - 1", SfenError::TwoKings(Color::Black));
    check("4k4/9/9/9/9/9/9/9/4R4 b - 1", SfenError::OpponentInCheck);
    check("4k4/4K4/9/9/9/9/9/9/9 w - 1", SfenError::OpponentInCheck);
}

#[test]
fn problem_positions_are_accepted() {
    for sfen in [
        "9/9/9/9/9/9/9/9/9 b 18P 1",
        "7l1/7pk/7n1/8R/7N1/9/9/9/9 w r2b4g4s2n3l17p 1",
        "P3k4/P8/9/9/9/9/9/8p/4K3p b - 1",
        "NL2k4/N8/9/9/9/9/9/8n/4K2ln b - 1",
        // More than 593 moves, which is the most with both kings.
        "R8/2K1S2SS/4B4/9/9/9/9/9/1L1L1L3 b RBGSNLP3gp 1",
    ] {
        let position = position(sfen);
        assert_eq!(position.to_sfen(), sfen);
        for mv in position.legal_moves() {
            let mut child = position.clone();
            child.play(mv);
            assert_eq!(child, self::position(&child.to_sfen()));
        }
    }
}

#[test]
fn mangled_sfen_is_refused_or_understood_but_never_panics() {
    let mut random = Random(99);
    let letters: Vec<char> = "PLNSGBRKplnsgbrk+/-123456789 0bw玉é\0".chars().collect();
    let mut understood = 0;
    for sfen in positions() {
        for _ in 0..200 {
            let mut text: Vec<char> = sfen.chars().collect();
            for _ in 0..=random.below(3) {
                let (at, letter) = (random.below(text.len()), random.pick(&letters));
                match random.below(3) {
                    0 => text[at] = letter,
                    1 => text.insert(at, letter),
                    _ => drop(text.remove(at)),
                }
            }
            let text: String = text.into_iter().collect();
            if let Ok(position) = Position::from_sfen(&text) {
                understood += 1;
                assert_eq!(Position::from_sfen(&position.to_sfen()), Ok(position.clone()), "{text}");
                assert!(position.legal_count() <= MAX_MOVES);
            }
        }
    }
    assert!(understood > 100, "only {understood} mangled texts were still positions");
}

#[test]
fn move_text_and_bits_round_trip() {
    let moves: Vec<Move> = (0..=u16::MAX).filter_map(Move::from_u16).collect();
    // 81 · 80 pairs of squares with and without promotion, and 7 · 81 drops.
    assert_eq!(moves.len(), 2 * 81 * 80 + 7 * 81);
    for mv in moves {
        assert_eq!(mv.to_usi().parse(), Ok(mv));
        assert_eq!(Move::from_u16(mv.to_u16()), Some(mv));
    }
}

#[test]
fn wrong_move_text_says_what_is_wrong() {
    let check = |text: &str, expected: MoveError| assert_eq!(text.parse::<Move>(), Err(expected), "{text:?}");
    for text in ["", "+", "7g", "7g7", "7g7f++", "7g7f=", "7g7f ", "resign", "7六歩", "7g7f7e", "７g７f"] {
        check(text, MoveError::Form);
    }
    for text in ["K*5e", "p*5e", "PP*5e", "*5e", "X*5e"] {
        check(text, MoveError::Dropped);
    }
    for text in ["0g7f", "7j7f", "g77f"] {
        check(text, MoveError::From);
    }
    for text in ["7g0f", "7g7F", "P*", "P*5", "P*5j", "P*5e+", "P**5"] {
        check(text, MoveError::To);
    }
    check("7g7g", MoveError::Still);
}

#[test]
fn pieces_and_squares_name_themselves() {
    let position = Position::startpos();
    let at = |text: &str| position.piece_at(text.parse().expect("a square"));
    assert_eq!(at("2h"), Some(Piece::new(Color::Black, PieceType::Rook)));
    assert_eq!(at("8b"), Some(Piece::new(Color::White, PieceType::Rook)));
    assert_eq!(at("5e"), None);
    assert_eq!(position.king(Color::White).map(|square| square.to_string()).as_deref(), Some("5a"));
    for square in Square::ALL {
        assert_eq!(square.to_string().parse(), Ok(square));
        assert_eq!(Square::new(square.file(), square.rank()), Some(square));
    }
    for text in ["", "5", "5ee", "0a", "5j", "e5", "五e"] {
        assert!(text.parse::<Square>().is_err(), "{text}");
    }
}
