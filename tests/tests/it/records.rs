//! Records as programs and people leave them: start positions, evaluations, ends and times in the words of many, nesting without end,
//! and damage. What is not understood is told, and a start position that is not understood is no game.

use std::fmt::Write as _;
use std::path::PathBuf;

use keisei_core::notation::{
    Builder, Centipawns, End, EvaluationSource, Format, GameTree, Handicap, LeftOut, Mate, NodeId, bod, csa, jkf, kif,
    usi,
};
use keisei_core::shogi::{Color, Piece, PieceType, Position, Square};
use keisei_tests::random::Random;

use crate::notation::{damaged, random_record, round_trips, stored};

/// Game of a text without defects.
#[track_caller]
fn game(format: Format, text: &str) -> GameTree {
    format.read(text).strict().unwrap_or_else(|defect| panic!("{defect} in\n{text}"))
}

/// Game of a text, and its defects.
fn warned(format: Format, text: &str) -> (Option<GameTree>, Vec<String>) {
    let parsed = format.read(text);
    (parsed.tree, parsed.defects.iter().map(ToString::to_string).collect())
}

fn moves(tree: &GameTree) -> String {
    tree.main_moves().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[test]
fn printed_ranks_are_read_by_their_pieces() {
    let board = |ranks: [&str; 9]| -> String {
        let ranks: Vec<String> = (1..).zip(ranks).map(|(rank, cells)| format!("P{rank}{cells}\n")).collect();
        ranks.concat()
    };
    let pieces = ["-KY-KE-GI-KI-OU-KI-GI-KE-KY", "-FU-FU-FU-FU-FU-FU-FU-FU-FU", "+FU+FU+FU+FU+FU+FU+FU+FU+FU"];
    let last = "+KY+KE+GI+KI+OU+KI+GI+KE+KY";
    for (second, blank, eighth) in [
        (" * -HI *  *  *  *  * -KA * ", " *  *  *  *  *  *  *  *  * ", " * +KA *  *  *  *  * +HI * "),
        (" * -HI * * * * * -KA *", " * * * * * * * * *", " * +KA * * * * * +HI *"),
        ("*-HI*****-KA*", "*********", "  *  +KA * * * * *   +HI *   "),
        ("   -HI               -KA   ", "                           ", "   +KA               +HI   "),
    ] {
        let text = board([pieces[0], second, pieces[1], blank, blank, blank, pieces[2], eighth, last])
            + "+\n+7776FU\n-3334FU\n";
        let tree = game(Format::Csa2, &text);
        assert_eq!((tree.start(), &*moves(&tree)), (&Position::startpos(), "7g7f 3c3d"), "{text}");
    }
    let whole = |second| {
        let blank = " *  *  *  *  *  *  *  *  * ";
        board([pieces[0], second, pieces[1], blank, blank, blank, pieces[2], " * +KA *  *  *  *  * +HI * ", last])
            + "+\n+7776FU\n"
    };
    for second in [
        " * -HI *  *  *  * -KA * ",
        " * -HI *  *  *  *  *  * -KA * ",
        " * -HI *  *  *  *  * -KA",
        " * -HX *  *  *  *  * -KA * ",
    ] {
        let (tree, defects) = warned(Format::Csa2, &whole(second));
        assert!(tree.is_none() && defects[0].starts_with("line 2, "), "{second:?} {defects:?}");
    }
    // A rank that is missing or there twice, a piece on another, a piece taken away that is not there.
    let usual = whole(" * -HI *  *  *  *  * -KA * ");
    let rank = usual.lines().nth(4).expect("a rank").to_owned() + "\n";
    for text in [
        usual.replacen(&rank, "", 1),
        usual.replacen(&rank, &[rank.as_str(), &rank].concat(), 1),
        usual.replacen("\n+\n", "\nP+77FU\n+\n", 1),
        "PI82KA\n-\n-5142OU\n".into(),
    ] {
        assert_eq!(warned(Format::Csa2, &text).0, None, "{text}");
    }
}

#[test]
fn lines_of_other_programs_are_kept_as_comments() {
    let csa = "V2\nN+A\nTo_Move:-\nPlace:Dojo\nI+1249,840,x2|81WS\n-*9\nPI82HI22KA\n-\n'rating:A:B\n-5142OU\nT6\n+7776FU\n%TORYO\n";
    let (tree, defects) = warned(Format::Csa2, csa);
    let tree = tree.expect("a game");
    assert_eq!((tree.handicap(), &*moves(&tree)), (Some(Handicap::Two), "5a4b 7g7f"));
    assert_eq!(tree.node(NodeId::ROOT).comments, ["To_Move:-", "Place:Dojo", "I+1249,840,x2|81WS", "-*9"]);
    assert_eq!(defects[0], "line 3, column 1: the line is not understood; it is kept as a comment");
    assert_eq!(Format::detect(&csa.replacen("V2\nN+A\n", "", 1)), Some(Format::Csa2));
    let (tree, _) =
        warned(Format::Kif, "2020/06/26 12:50\nある対局\n手合割：香落ち\n   1 ５二玉(51)\n変な行\n   2 ７六歩(77)\n");
    let tree = tree.expect("a game");
    assert_eq!((tree.handicap(), &*moves(&tree)), (Some(Handicap::Lance), "5a5b 7g7f"));
    assert_eq!(tree.nodes()[1].comments, ["変な行"]);
    // A line that may have been part of the start position is not passed over.
    for text in ["QI82HI22KA\n-\n-5142OU\n", "hello\n+\n+7776FU\n", "PI\n0+00FU\n+\n+7776FU\n"] {
        assert_eq!(warned(Format::Csa2, text).0, None, "{text}");
    }
    // Without a line for it, the first move tells the side to move.
    assert_eq!(game(Format::Csa2, "PI82HI22KA\n-5142OU\n").start().side_to_move(), Color::White);
}

#[test]
fn moves_that_are_missing_are_told() {
    let check = |text: &str, expected: &[&str]| assert_eq!(warned(Format::Kif, text).1, expected, "{text}");
    check(
        "   1 ７六歩(77)\n   4 ３四歩(33)\n   5 ２六歩(27)\n",
        &["line 2, column 4: move 4 stands where move 2 is next"],
    );
    // Numbers that go on from a position in the middle of a game are right.
    check("  51 ７六歩(77)\n  52 ３四歩(33)\n  53 ２六歩(27)\n", &[]);
}

#[test]
fn handicaps_go_by_many_names() {
    for (name, handicap) in [
        ("飛落", Handicap::Rook),
        ("飛車落", Handicap::Rook),
        ("飛車落ち　", Handicap::Rook),
        ("角落", Handicap::Bishop),
        ("香落", Handicap::Lance),
        ("左香落ち", Handicap::Lance),
        ("飛香落", Handicap::RookLance),
        ("飛・香落ち", Handicap::RookLance),
        ("飛角落ち", Handicap::Two),
        ("２枚落ち", Handicap::Two),
        ("4枚落", Handicap::Four),
        ("10枚落ち", Handicap::Ten),
        ("十枚おち", Handicap::Ten),
        ("平手戦", Handicap::Even),
    ] {
        let tree = game(Format::Kif, &format!("手合割：{name}\n"));
        assert_eq!(tree.handicap(), Some(handicap), "{name}");
    }
    for handicap in Handicap::all() {
        assert_eq!(Handicap::from_name(handicap.name()), Some(handicap));
    }
    for name in ["九枚落ち", "七枚落ち", "トンボ", "青空将棋", "その他", "詰将棋", "香落ち？"]
    {
        let (tree, defects) = warned(Format::Kif, &format!("下手：a\n手合割：{name}\n   1 ５二玉(51)\n"));
        assert_eq!((tree, defects.len()), (None, 1), "{name}");
        assert!(defects[0].starts_with("line 2, ") && defects[0].contains(name), "{defects:?}");
        // A printed board says it all.
        let start = Handicap::Four.position();
        let board =
            kif::write(&GameTree::new(start.clone())).replacen("手合割：四枚落ち", &format!("手合割：{name}"), 1);
        let diagram = bod::write(&start);
        let tree = game(Format::Kif, &format!("{board}{diagram}"));
        assert_eq!(*tree.start(), start, "{name}");
    }
    // A handicap that is only hinted at is none that is understood.
    for text in ["上手：甲\n   1 ７六歩(77)\n", "手 割：香落ち\n   1 ７六歩(77)\n", "手合割香落ち\n   1 ７六歩(77)\n"]
    {
        assert_eq!(warned(Format::Kif, text).0, None, "{text}");
    }
    assert!(warned(Format::Kif, "手合割：平手\n上手：甲\n   1 ７六歩(77)\n").0.is_some());
}

#[test]
fn parts_of_a_start_position_that_are_damaged_are_no_game() {
    let start = Position::from_sfen("4k4/9/4P4/9/9/9/9/9/4K4 w G2r2b3g4s4n4l17p 1").expect("a position");
    let diagram = bod::write(&start);
    let text = format!("先手：甲\n{diagram}手数----指手--\n   1 ４一玉(51)\n");
    assert_eq!(*game(Format::Kif, &text).start(), start);
    for (part, damaged) in [
        ("先手の持駒", "先手の持X"),
        ("先手の持駒", "先X持駒"),
        ("先手の持駒：金", "先手の持駒：金X"),
        ("先手の持駒：金", "先手の持駒金"),
        ("後手番", "後X番"),
        ("v玉", "X玉"),
        ("v玉", "玉"),
        (" ・ ・|五", " ・|五"),
        (" ・|五", " ・ ・|五"),
        ("|五", "|六"),
        ("|五", "五"),
        ("|五\n", "|五\n| ・ ・ ・ ・ ・ ・ ・ ・ ・|五\n"),
        ("| ・ ・ ・ ・ ・ ・ ・ ・ ・|五\n", ""),
        ("| ・ ・ ・ ・ ・ ・ ・ ・ ・|五\n", " ・ ・ ・ ・ ・ ・ ・ ・ ・|五\n"),
        ("先手：甲", "   9 ７六歩(77)"),
    ] {
        assert!(text.contains(part), "{part}");
        assert_eq!(warned(Format::Kif, &text.replacen(part, damaged, 1)).0, None, "{part} as {damaged}");
    }
}

/// Board that a text prints, read strictly and by other means than the reader's; `None` if it is not whole.
fn printed_board(format: Format, text: &str) -> Option<Vec<Option<Piece>>> {
    const RANKS: [char; 9] = ['一', '二', '三', '四', '五', '六', '七', '八', '九'];
    let mut board = vec![None; Square::COUNT];
    let mut put = |file: usize, rank: usize, piece| {
        board[Square::new(file as u8, rank as u8).expect("a square of the board").index()] = piece;
    };
    let is_csa = matches!(format, Format::Csa2 | Format::Csa3);
    let is_rank = |line: &&str| {
        if is_csa {
            line.starts_with('P') && line[1..].starts_with(|rank| ('1'..='9').contains(&rank))
        } else {
            line.starts_with('|')
        }
    };
    let rows: Vec<&str> = text.split(['\n', '\r']).map(str::trim).filter(is_rank).collect();
    // What comes after nine ranks is no part of the start position.
    if rows.len() < 9 {
        return None;
    }
    for (rank, row) in (1..=9).zip(rows) {
        // Each rank stands in its place, and only in a diagram its name may be missing.
        let name = if is_csa {
            row.chars().nth(1)
        } else {
            row[1..].split_once('|').and_then(|(_, name)| name.trim().chars().next())
        };
        let names = [RANKS[rank - 1], char::from_digit(rank as u32, 10)?, char::from_u32('０' as u32 + rank as u32)?];
        if name.map_or(is_csa, |name| !names.contains(&name)) {
            return None;
        }
        if is_csa {
            let cells: String = row[2..].split_whitespace().collect::<String>().replace('*', " * ");
            let cells: Vec<char> = cells.chars().collect();
            if cells.len() != 27 {
                return None;
            }
            for (column, cell) in cells.chunks(3).enumerate() {
                let code: String = cell[1..].iter().collect();
                let piece = match cell[0] {
                    '+' => Some(Piece::new(Color::Black, csa::piece_of(&code)?)),
                    '-' => Some(Piece::new(Color::White, csa::piece_of(&code)?)),
                    _ => None,
                };
                put(9 - column, rank, piece);
            }
        } else {
            let cells: Vec<char> = row.chars().collect();
            if cells.len() < 19 || cells.get(19).is_some_and(|&bar| bar != '|') {
                return None;
            }
            for (column, cell) in cells[1..19].chunks(2).enumerate() {
                let letters = ['歩', '香', '桂', '銀', '金', '角', '飛', '玉', 'と', '杏', '圭', '全', '馬', '龍'];
                let kind = letters.iter().position(|&letter| letter == cell[1]).map(|index| PieceType::ALL[index]);
                let kind = match (kind, cell[1]) {
                    (None, '王') => Some(PieceType::King),
                    (None, '竜') => Some(PieceType::Dragon),
                    (None, '・') => None,
                    (None, _) => return None,
                    (kind, _) => kind,
                };
                let color = if matches!(cell[0], 'v' | 'V') { Color::White } else { Color::Black };
                put(9 - column, rank, kind.map(|kind| Piece::new(color, kind)));
            }
        }
    }
    Some(board)
}

#[test]
fn damage_never_makes_another_start_position() {
    let inputs = std::env::var("KEISEI_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(4000);
    let mut random = Random(0xDA3A_6ED0_57A4_7005);
    let mut texts: Vec<(Format, String)> = Vec::new();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/kifu/files");
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = std::fs::read(entry.path()).expect("a file of the folder");
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| encoding_rs::SHIFT_JIS.decode(error.as_bytes()).0.into_owned());
        let format = Format::from_name(name.rsplit_once('.').map_or("", |(_, extension)| extension));
        texts.extend(format.map(|format| (format, text)));
    }
    for _ in 0..40 {
        let tree = random_record(&mut random);
        texts.extend(Format::ALL.map(|format| (format, format.write(&tree))));
    }
    let (mut games, mut compared, mut wrong) = (0, 0, Vec::new());
    for number in 0..inputs {
        let (format, text) = &texts[number % texts.len()];
        let text = damaged(text, &mut random);
        let parsed = format.read(&text);
        let Some(tree) = parsed.tree else {
            assert!(!parsed.defects.is_empty(), "{text}");
            continue;
        };
        games += 1;
        // A board behind moves of KI2 is that of the next game.
        let is_of_this_game = |line: &&str| *format != Format::Ki2 || !line.starts_with(['▲', '△']);
        let prints = text.lines().take_while(is_of_this_game).any(|line| match format {
            Format::Csa2 | Format::Csa3 => line.starts_with("P1") || line.starts_with("P9"),
            Format::Kif | Format::Ki2 => line.starts_with('|'),
            _ => false,
        });
        if prints {
            let board: Vec<Option<Piece>> =
                Square::ALL.into_iter().map(|square| tree.start().piece_at(square)).collect();
            if Some(board) != printed_board(*format, &text) {
                wrong.push(format!("{}\n{text}", format.name()));
            }
            compared += 1;
        }
        if number % 16 == 0 {
            let again = format.read(&format.write(&tree)).tree.expect("what was written is a game");
            assert_eq!(again.start().key(), tree.start().key(), "{text}");
        }
    }
    println!("{games} of {inputs} damaged texts are games; {compared} start positions compared with the printed board");
    assert_eq!(wrong, Vec::<String>::new());
    assert!(games > inputs / 4 && compared > 0);
}

#[test]
fn ends_are_told_in_many_words() {
    let problem = "手合割：詰将棋\n後手の持駒：なし\n| ・ ・ ・ ・ ・ ・ ・ ・v玉|一\n| ・ ・ ・ ・ ・ ・ ・ ・ ・|二\n\
         | ・ ・ ・ ・ ・ ・ ・ ・ 歩|三\n";
    let problem = format!("{problem}{}先手の持駒：金\n", "| ・ ・ ・ ・ ・ ・ ・ ・ ・|\n".repeat(6));
    for (words, end) in [
        ("まで1手詰", End::Mate),
        ("まで１手詰み", End::Mate),
        ("まで1手で詰", End::Mate),
        ("まで一手詰め", End::Mate),
        ("まで1手にて詰み", End::Mate),
        ("まで1手で不詰", End::NoMate),
        ("まで1手で先手の勝ち", End::Resign),
        ("まで1手で千日手", End::Repetition),
        ("まで1手で中断", End::Interrupt),
    ] {
        let tree = game(Format::Kif, &format!("{problem}   1 １二金打\n{words}\n"));
        assert_eq!(tree.end(), Some(&end), "{words}");
    }
    // CSA gets only its own words; another end becomes a comment.
    for (end, csa2, csa3) in [
        (End::Other("封じ手".into()), "%CHUDAN\n'*終局=封じ手\n", "%CHUDAN\n'*終局=封じ手\n"),
        (End::WinByDefault, "%CHUDAN\n'*終局=不戦勝\n", "%CHUDAN\n'*終局=不戦勝\n"),
        (End::LossByDefault, "%CHUDAN\n'*終局=不戦敗\n", "%CHUDAN\n'*終局=不戦敗\n"),
        (End::MaxMoves, "%CHUDAN\n'*終局=最大手数\n", "%MAX_MOVES\n"),
        (End::TakenBack, "%MATTA\n", "%CHUDAN\n'*終局=待った\n"),
        (End::Mate, "%TSUMI\n", "%TSUMI\n"),
        (End::IllegalWin, "%-ILLEGAL_ACTION\n", "%-ILLEGAL_ACTION\n"),
    ] {
        let mut builder = Builder::new(Position::startpos());
        builder.end(end.clone()).expect("an open line");
        let tree = builder.finish();
        // JKF has the words of CSA 2.2.
        let text = jkf::write(&tree);
        let special = text.split_once("\"special\":\"").and_then(|(_, rest)| rest.split('"').next());
        assert_eq!(special, csa2[1..].split('\n').next(), "{text}");
        assert_eq!(game(Format::Jkf, &text).end(), Some(&end), "{text}");
        for (format, expected) in [(Format::Csa2, csa2), (Format::Csa3, csa3)] {
            let text = format.write(&tree);
            assert!(text.ends_with(expected), "{text}");
            assert_eq!(game(format, &text).end(), Some(&end), "{text}");
        }
    }
}

/// Checks the evaluation after 7g7f that a comment there gives: score as text in `ShogiHome`'s form, line, and what is kept as text.
#[track_caller]
fn check_evaluation(comment: &str, source: EvaluationSource, score: &str, line: &str, kept: &[&str]) {
    for (format, text) in [
        (Format::Kif, format!("   1 ７六歩(77)\n*{comment}\n   2 ３四歩(33)\n")),
        (Format::Csa3, format!("PI\n+\n+7776FU\n'*{comment}\n-3334FU\n")),
    ] {
        let tree = game(format, &text);
        let node = &tree.nodes()[1];
        let [evaluation] = node.evaluations() else { panic!("{comment}: {:?}", node.evaluations()) };
        assert_eq!(evaluation.source, source, "{comment}");
        let written = kif::write(&tree);
        assert!(written.contains(&format!("評価値={score}\n")), "{comment}\n{written}");
        let found: Vec<String> = evaluation.line.iter().map(ToString::to_string).collect();
        assert_eq!(found.join(" "), line, "{comment}");
        assert_eq!(node.comments, kept, "{comment}");
        assert_eq!(round_trips(&tree), Vec::<String>::new(), "{comment}");
    }
}

#[test]
fn evaluations_of_every_origin_are_evaluations() {
    use EvaluationSource::{Analysis, Player};
    // Floodgate: the line of play in CSA or USI, or none that is understood.
    check_evaluation("* 54 3c3d 2g2f", Player, "54", "3c3d 2g2f", &[]);
    check_evaluation("* -30 -3334FU +2726FU", Player, "-30", "3c3d 2g2f", &[]);
    check_evaluation("* +54 -3334FU 2g2f #1500", Player, "54", "3c3d 2g2f", &[]);
    check_evaluation("*  54", Player, "54", "", &[]);
    check_evaluation("* 54 7g7f 3c3d", Player, "54", "3c3d", &[]);
    check_evaluation("* 54 3c3d 3c3d 2g2f", Player, "54", "3c3d", &["3c3d 2g2f"]);
    check_evaluation("* 12.25 3c3d", Player, "12.25", "3c3d", &[]);
    // ShogiHome, with signs and fractions.
    check_evaluation("*評価値=+86", Player, "86", "", &[]);
    check_evaluation("評価値=86", Player, "86", "", &[]);
    check_evaluation("#評価値=-12.5", Analysis, "-12.5", "", &[]);
    check_evaluation("*評価値=-0.125（互角）", Player, "-0.125", "", &["（互角）"]);
    // ShogiGUI and programs like it.
    let fields = "時間 00:01.0 深さ 12/20 ノード数 1234567 評価値";
    check_evaluation(
        &format!("*対局 {fields} 86 読み筋 ▲７六歩(77) △３四歩(33)"),
        Player,
        "86",
        "3c3d",
        &["時間 00:01.0"],
    );
    check_evaluation(
        &format!("*解析 候補1 {fields} -35 読み筋 △３四歩(33)"),
        Analysis,
        "-35",
        "3c3d",
        &["候補1 時間 00:01.0"],
    );
    check_evaluation("*検討 評価値 +35↑ 読み筋 △９九玉", Analysis, "35", "", &["△９九玉"]);
    check_evaluation("* 深さ 3 評価値 7", Analysis, "7", "", &[]);
    // K-Shogi and Piyo Shogi.
    check_evaluation("#形勢[86]", Analysis, "86", "", &[]);
    check_evaluation("#指し手[-12]▲７六歩  △３四歩  ▲２六歩  ", Analysis, "-12", "3c3d 2g2f", &[]);
    check_evaluation("#指し手[72]▲７六歩  △３四歩  ▲パス", Analysis, "72", "3c3d", &["▲パス"]);
    let tree = game(Format::Kif, &format!("   1 ７六歩(77)\n**対局 {fields} 86\n**対局 {fields} 99\n"));
    let node = &tree.nodes()[1];
    assert_eq!((node.evaluations()[0].depth, node.evaluations()[0].nodes), (Some(12), Some(1_234_567)));
    // A second one of the same source is another candidate, and stays as it is.
    assert_eq!(node.comments[1], format!("*対局 {fields} 99"));
    // What follows on the same line is read as well.
    let tree = game(Format::Kif, "   1 ７六歩(77)\n**評価値=86*深さ=9\n");
    assert_eq!((tree.nodes()[1].evaluations()[0].depth, tree.nodes()[1].comments.len()), (Some(9), 0));
    let tree = game(Format::Kif, "   1 ７六歩(77)\n**解析 評価値 -詰 読み筋 △３四歩(33)\n");
    assert_eq!(tree.nodes()[1].evaluations()[0].mate, Some(Mate { winner: Color::White, plies: None }));
    // What only looks like one is none.
    for comment in [
        "* 20 moves later",
        "#推奨手[29]△４二銀",
        "*2手目",
        "*評価値=",
        "*評価値=86cp",
        "* 評価値",
        "対局 開始",
        "*評価値=1.2.3",
    ] {
        let tree = game(Format::Kif, &format!("   1 ７六歩(77)\n*{comment}\n"));
        assert_eq!((tree.nodes()[1].evaluations().len(), &*tree.nodes()[1].comments), (0, &[comment.to_owned()][..]));
    }
    assert_eq!(Centipawns::from_view(Color::White, 80).seen_from(Color::Black), -80);
}

#[test]
fn values_and_policies_survive_as_comments() {
    let mut builder = Builder::new(Position::startpos());
    builder.play("7g7f".parse().expect("a move")).expect("legal");
    let evaluation = builder.node_mut().evaluation_mut(EvaluationSource::Player);
    evaluation.value = Some(keisei_core::net::Value(-0.123_456_79));
    evaluation.policy = vec![("7g7f".parse().expect("a move"), 0.1), ("2g2f".parse().expect("a move"), 1e-9)];
    evaluation.score = Some(Centipawns::from_view(Color::Black, 75));
    let tree = builder.finish();
    for format in [Format::Kif, Format::Ki2, Format::Csa2, Format::Csa3, Format::Jkf] {
        assert!(game(format, &format.write(&tree)).same_tree(&tree), "{}", format.write(&tree));
    }
    for comment in ["*期待値=2", "*期待値=NaN", "*候補手=▲７七歩(77):0.5", "*候補手=▲７六歩(77):1.5", "*候補手="]
    {
        let tree = game(Format::Kif, &format!("   1 ７六歩(77)\n*{comment}\n"));
        assert_eq!(tree.nodes()[1].comments, [comment]);
    }
}

#[test]
fn times_come_back_as_they_were() {
    #[track_caller]
    fn check(header: &str, csa2: &str, csa3: &str) {
        let mut tree = GameTree::new(Position::startpos());
        tree.set_header("持ち時間", header);
        for (format, line) in [(Format::Csa2, csa2), (Format::Csa3, csa3)] {
            let text = format.write(&tree);
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
            let back = game(format, &text);
            assert_eq!(format.write(&back), text);
        }
    }
    check("９時間", "$TIME_LIMIT:09:00+00", "$TIME:32400+0+0");
    check("各10分", "$TIME_LIMIT:00:10+00", "$TIME:600+0+0");
    check("15分+60秒", "$TIME_LIMIT:00:15+60", "$TIME:900+60+0");
    check("00:25+00", "$TIME_LIMIT:00:25+00", "$TIME:1500+0+0");
    check("90+0+0", "'持ち時間：90+0+0", "$TIME:90+0+0");
    check("900+0+5", "'持ち時間：900+0+5", "$TIME:900+0+5");
    check("お好みで", "'持ち時間：お好みで", "'持ち時間：お好みで");
    // The same time in the header, whichever version it went through.
    let tree = game(Format::Csa2, "V2.2\n$TIME_LIMIT:00:25+00\nPI\n+\n");
    for format in [Format::Csa2, Format::Csa3, Format::Kif, Format::Jkf] {
        assert_eq!(game(format, &format.write(&tree)).header("持ち時間"), Some("00:25+00"), "{}", format.name());
    }
    // Headers without a word in CSA are remarks of ours, which are read again.
    let tree = game(Format::Kif, "表題：名局\n備考：あ\n手合割：平手\n   1 ７六歩(77)\n");
    for format in [Format::Csa2, Format::Csa3] {
        assert_eq!(game(format, &format.write(&tree)).headers.len(), 2, "{}", format.write(&tree));
    }
}

#[test]
fn json_of_other_players() {
    // Relations as in KI2, for players that show 右 左 直 上 寄 引 打 from them.
    let start = Position::from_sfen("4k4/9/9/9/9/3+P1+P3/3+P1+P3/3+P+P+P3/4K4 b - 1").expect("a position");
    for (usi, relative) in [("6h5g", Some("LU")), ("5h5g", Some("C")), ("4g5g", Some("RM")), ("6f7e", None)] {
        let mut builder = Builder::new(start.clone());
        builder.play(usi.parse().expect("a move")).expect("legal");
        let text = jkf::write(&builder.finish());
        let found = text.split_once("\"relative\":\"").and_then(|(_, rest)| rest.split('"').next());
        assert_eq!(found, relative, "{usi}: {text}");
    }
    let drop = game(Format::Usi, "sfen 4k4/9/9/9/9/9/9/4G4/4K4 b G 1 moves G*5g");
    assert!(jkf::write(&drop).contains("\"relative\":\"H\""));
    // A start position that is not understood is no game.
    for initial in [
        r#"{"preset":"TONBO"}"#,
        r#"{"preset":"OTHER"}"#,
        r#"{"preset":"OTHER","data":{"color":0,"board":[[]],"hands":[]}}"#,
        r#"{"preset":"OTHER","data":{"color":2,"board":[],"hands":[]}}"#,
    ] {
        let text = format!("{{\"initial\":{initial},\"moves\":[{{}}]}}");
        assert_eq!(warned(Format::Jkf, &text).0, None, "{text}");
    }
    let text = jkf::write(&game(Format::Usi, "sfen 4k4/9/9/9/9/9/9/9/4K4 b G 1"));
    assert!(warned(Format::Jkf, &text).0.is_some());
    assert_eq!(warned(Format::Jkf, &text.replacen("\"color\":1,\"kind\":\"OU\"", "\"kind\":\"OU\"", 1)).0, None);
    assert_eq!(warned(Format::Jkf, &text.replacen("[{},{},{}", "[{},{}", 1)).0, None);
}

/// KIF whose variations are nested `depth` deep: each begins at the second move of the one before.
fn nested(depth: usize) -> String {
    let mut text = String::from("手合割：平手\n   1 ７六歩(77)\n");
    let kings = ["５八玉(59)", "５二玉(51)", "５九玉(58)", "５一玉(52)"];
    for ply in 1..=depth {
        let next = if ply % 2 == 1 { "３四歩(33)" } else { "７六歩(77)" };
        let _ = write!(text, "\n変化：{ply}手\n{ply:>4} {}\n{:>4} {next}\n", kings[(ply - 1) % 4], ply + 1);
    }
    text
}

#[test]
fn nesting_has_no_limit() {
    let tree = game(Format::Kif, &nested(60));
    assert_eq!((tree.len(), round_trips(&tree)), (122, Vec::new()));
    let tree = game(Format::Kif, &nested(2000));
    assert_eq!((tree.len(), tree.lines().len()), (4002, 2001));
    for format in [Format::Jkf, Format::Kif, Format::Ki2] {
        let text = format.write(&tree);
        assert!(game(format, &text).same_tree(&tree), "{}", format.name());
    }
    assert_eq!(Format::Csa3.left_out(&tree).to_string(), "left out: 2000 variations");
    // Hostile nesting ends in a defect, not in a stack that is exhausted.
    let (tree, defects) = warned(Format::Jkf, &"[".repeat(1_000_000));
    assert_eq!((tree, defects.len()), (None, 1));
    let forks = "[{\"forks\":[".repeat(100_000);
    let closed = format!("{{\"moves\":[{{}},{{\"forks\":[{forks}{}]}}]}}", "]}]".repeat(100_000));
    let (tree, defects) = warned(Format::Jkf, &closed);
    assert!(tree.is_some_and(|tree| tree.len() == 1) && !defects.is_empty());
}

#[test]
fn positions_of_usi_are_read_as_engines_read_them() {
    #[track_caller]
    fn check(line: &str, sfen: &str, moves: &[&str]) {
        let (start, words) = usi::start_and_moves(line).unwrap_or_else(|(_, problem)| panic!("{line}: {problem}"));
        assert_eq!((start.to_sfen(), &*words), (sfen.to_owned(), moves), "{line}");
    }
    let even = "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1";
    check("position startpos", even, &[]);
    check("STARTPOS MOVES 7g7f", even, &["7g7f"]);
    check("7g7f 3c3d", even, &["7g7f", "3c3d"]);
    let bare = "4k4/9/9/9/9/9/9/9/4K4";
    check(&format!("position sfen {bare} w PSPpbpb 0 moves 5a5b"), &format!("{bare} w S2P2b2p 1"), &["5a5b"]);
    check(&format!("sfen {bare} b 2PR3P 70000"), &format!("{bare} b R5P 1"), &[]);
    check(&format!("{bare} B - -5 5i5h"), &format!("{bare} b - 1"), &["5i5h"]);
    check(&format!("{bare} b"), &format!("{bare} b - 1"), &[]);
    check(&format!("{bare} b moves 5i5h"), &format!("{bare} b - 1"), &["5i5h"]);
    check(&format!("{bare} b - 33"), &format!("{bare} b - 33"), &[]);
    for line in [
        "",
        "position",
        "hello",
        "sfen",
        "sfen 9/9 b - 1",
        "4k4/9/9/9/9/9/9/9/4K4 x - 1",
        "4k4/9/9/9/9/9/9/9/4K4 b 9R 1",
    ] {
        assert!(usi::start_and_moves(line).is_err(), "{line}");
        assert!(usi::read(line).tree.is_none(), "{line}");
    }
    // A refused move leaves the position before it, and is told.
    let parsed = usi::read("position startpos moves 7g7f 0000 3c3d");
    assert_eq!(parsed.tree.map(|tree| moves(&tree)).as_deref(), Some("7g7f"));
    assert!(parsed.defects[0].to_string().starts_with("line 1, column 30: "), "{}", parsed.defects[0]);
    let games = usi::read_all("# three games\nstartpos moves 7g7f\n\nsfen 9/9 b - 1\nstartpos moves 2g2f\n");
    assert_eq!(games.iter().map(|game| game.tree.is_some()).collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn what_a_format_cannot_hold_is_counted() {
    let mut random = Random(0x1EF7_0075_0000_0001);
    for _ in 0..100 {
        let tree = random_record(&mut random);
        let (lines, written) = (tree.lines().len() - 1, Format::ALL.map(|format| format.left_out(&tree)));
        let [kif, ki2, csa2, csa3, jkf, usi, usen] = written;
        assert!(jkf.is_empty());
        assert_eq!((kif.variations, ki2.variations, usen.variations), (0, 0, 0));
        assert_eq!((csa2.variations, csa3.variations, usi.variations), (lines, lines, lines));
        let timed = tree.nodes().iter().filter(|node| node.spent.is_some()).count();
        assert_eq!((ki2.times, usen.times, csa3.times), (timed, timed, 0));
        let said = tree.nodes().iter().filter(|node| !node.comments.is_empty()).count();
        assert_eq!((usen.comments, usen.headers, kif.comments), (said, 2, 0));
        // What a text does not leave out comes back in.
        for (format, left_out) in Format::ALL.into_iter().zip(written) {
            let back = game(format, &format.write(&tree));
            let of_nodes = LeftOut { headers: 0, ..left_out };
            assert_eq!(back.same_tree(&tree), of_nodes.is_empty(), "{}: {left_out}", format.name());
        }
    }
}

#[test]
fn cases_after_public_bug_reports() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/cases");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("SKIPPED: the cases are not at {}", folder.display());
        return;
    };
    let mut seen = 0;
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(format) =
            Format::from_name(path.extension().and_then(|extension| extension.to_str()).unwrap_or_default())
        else {
            continue;
        };
        let text = std::fs::read_to_string(&path).expect("a case in UTF-8");
        let number = name.split(['-', 'b', 'c']).next().unwrap_or_default();
        seen += 1;
        let parsed = if format == Format::Usi { usi::read_all(&text) } else { vec![format.read(&text)] };
        let understood = parsed.iter().filter(|parsed| parsed.tree.is_some()).count();
        if number == "75" {
            assert!(understood > 0 && understood == parsed.len() - 1, "{name}");
            continue;
        }
        let preset = text.contains("飛落");
        assert_eq!(understood, usize::from(number != "29" || preset), "{name}");
        for tree in parsed.into_iter().filter_map(|parsed| parsed.tree) {
            assert!(!tree.main_moves().is_empty(), "{name}");
            assert_eq!(round_trips(&tree), Vec::<String>::new(), "{name}");
            assert_eq!(stored(&tree).as_ref(), Ok(&tree), "{name}");
            let evaluations: usize = tree.nodes().iter().map(|node| node.evaluations().len()).sum();
            assert_eq!(evaluations, if matches!(number, "23" | "40" | "42" | "43") { 2 } else { 0 }, "{name}");
        }
    }
    println!("{seen} cases");
}
