//! Engines that fail, each in its own way, and a real one.
//!
//! The failing engines are this program itself: the test [`engine`] plays one of them if it is told which.

use std::io::{BufRead, Write};
use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use keisei_core::format::{Record, record};
use keisei_core::random::{Purpose, Stream};
use keisei_core::shogi::{Color, Game, GameResult, Outcome, Position, Reason};
use keisei_play::contender::Contender;
use keisei_play::matches::{Schedule, Tournament};
use keisei_play::player::{Answer, Forfeit, Player, Turn};
use keisei_play::usi_player::{Engine, Limits, UsiPlayer};

/// Argument that tells the test `engine` which engine it is.
const KIND: &str = "engine=";

/// Time in which a test's engine must answer: enough to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// An engine, if this program was started as one; no test otherwise.
#[test]
#[ignore = "a process of the other tests"]
fn engine() {
    if let Some(kind) = std::env::args().find_map(|argument| argument.strip_prefix(KIND).map(str::to_owned)) {
        // The line on which the test is announced ends here.
        say("");
        play_engine(&kind);
        std::process::exit(0);
    }
}

fn say(line: &str) {
    // Whoever no longer listens is about to end this process.
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).ok();
}

/// Engine of a kind: it plays the first legal move, but for its peculiarity.
fn play_engine(kind: &str) {
    let mut game = Game::startpos();
    let mut games = 0;
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match (command, kind) {
            ("usi", "exits at once") => {
                eprintln!("cannot read weights.bin");
                std::process::exit(3);
            }
            ("usi", "hangs at usi") | ("quit", "does not quit") => std::thread::sleep(Duration::from_mins(10)),
            ("usi", "talks nonsense") => {
                (0..200).for_each(|i| say(&format!("option name type {i} \u{1b}[2J\u{fffd} usiokay")));
            }
            // It never reads again, so its input fills up.
            ("usi", "answers without being asked") => loop {
                say("usiok\nreadyok\nbestmove 7g7f");
            },
            ("usi", "floods at usi") => loop {
                say("id name flood");
            },
            ("usi", _) => {
                say("id name test\noption name Level type spin default 1 min 0 max 9\noption name Style type string");
                say("usiok");
            }
            ("isready", "hangs at isready") | ("go", "is silent") => {}
            ("isready", _) => say("readyok"),
            ("setoption", "refuses options") => say("No such option: Style"),
            ("usinewgame", _) => games += 1,
            ("position", _) => {
                let moves = rest.strip_prefix("startpos").expect("tests begin at the start").trim();
                game = Game::startpos();
                moves.split_whitespace().skip(1).for_each(|mv| game.play(mv.parse().expect("a move")));
            }
            ("go", "dies in its first game") if games == 1 && game.moves().len() >= 2 => {
                eprintln!("warming up\n\n\x1b[31massertion failed:\x1b[0m depth < 3\n  at search.cpp:17");
                std::process::abort();
            }
            ("go", "plays illegally") => say("bestmove 9a1i+"),
            ("go", "plays no move") => say("bestmove"),
            ("go", "resigns") => say("bestmove resign"),
            ("go", "declares") => say("bestmove win"),
            ("go", "floods") => {
                eprintln!("{}", "e".repeat(1 << 20));
                loop {
                    say("info string flood");
                }
            }
            ("go", "floods, then plays") => {
                (0..100_000).for_each(|i| say(&format!("info depth {i} score cp 10 pv zzz")));
                answer(&game);
            }
            ("go", "prints long lines") => {
                let long = "x".repeat(1 << 24);
                say(&format!("info string {long}"));
                say(&format!("info score cp 30 pv {} {long}", game.position().legal_moves()[0]));
                answer(&game);
            }
            ("go", "prints bytes that are no text") => {
                std::io::stdout().write_all(b"\xff\xfe\x00 info\r\n\r\n").expect("somebody reads");
                answer(&game);
            }
            ("go", "tells its games") => {
                say(&format!("info score cp {games}"));
                answer(&game);
            }
            ("quit", _) | ("go", "leaves") => return,
            ("go", _) => answer(&game),
            _ => {}
        }
    }
}

fn answer(game: &Game) {
    say(&format!("bestmove {} ponder 9a9b", game.position().legal_moves()[0]));
}

/// Engine of a kind, with a limit that it ignores.
fn engine_of(kind: &str) -> Engine {
    let program = std::env::current_exe().expect("the test runs").display().to_string();
    let arguments = ["engine", "--exact", "--ignored", "--nocapture"].map(str::to_owned);
    let command = [program].into_iter().chain(arguments).chain([format!("{KIND}{kind}")]).collect();
    let limits = Limits { nodes: Some(10), ..Limits::default() };
    Engine { limits, start_timeout: PATIENCE, timeout: Some(PATIENCE), ..Engine::new(command) }
}

/// Answer of a player in a game of this number.
fn ask(player: &mut UsiPlayer, number: usize, game: &Game) -> Answer {
    let mut random = Stream::new(1, Purpose::Evaluation, 0, 0);
    player.choose(&mut [Turn { number, game, random: &mut random }]).remove(0)
}

/// Answers of an engine, which is also Black's first move, until the game ends; the engine plays both sides.
fn game_of(player: &mut UsiPlayer, number: usize, plies: usize) -> Result<Game, Forfeit> {
    let mut game = Game::startpos();
    while game.moves().len() < plies && game.outcome().is_none() {
        ask(player, number, &game).carry_out(&mut game)?;
    }
    player.end(number, game.outcome());
    Ok(game)
}

/// The engine forfeits its first move, with a text that has these parts, within half a minute.
fn check_forfeit(kind: &str, expected: fn(String) -> Forfeit, parts: &[&str]) {
    let short = Duration::from_millis(700);
    let is_slow = matches!(kind, "hangs at usi" | "hangs at isready" | "floods at usi" | "talks nonsense");
    let mut engine = engine_of(kind);
    engine.start_timeout = if is_slow { short } else { PATIENCE };
    engine.timeout = Some(if matches!(kind, "is silent" | "floods") { short } else { PATIENCE });
    let begin = Instant::now();
    let mut player = UsiPlayer::new(engine);
    let Answer::Forfeits(forfeit) = ask(&mut player, 0, &Game::startpos()) else { panic!("{kind}: an answer") };
    drop(player);
    let text = forfeit.to_string();
    assert_eq!(forfeit, expected(text.clone()), "{kind}");
    assert!(parts.iter().all(|part| text.contains(part)), "{kind}: {text}");
    assert!(!text.contains(char::is_control) && text.len() < 1000, "{kind}: {text:?}");
    assert!(begin.elapsed() < Duration::from_secs(30), "{kind}: {:?}", begin.elapsed());
}

#[test]
fn what_an_engine_did_is_told() {
    check_forfeit("exits at once", Forfeit::Failed, &["process ended", "3", "its last words: cannot read weights.bin"]);
    check_forfeit("hangs at usi", Forfeit::Silent, &["no `usiok` within 700ms after `usi`"]);
    check_forfeit("talks nonsense", Forfeit::Silent, &["no `usiok` within 700ms after `usi`"]);
    check_forfeit("floods at usi", Forfeit::Silent, &["no `usiok` within 700ms after `usi`"]);
    check_forfeit("hangs at isready", Forfeit::Silent, &["no `readyok` within 700ms after `isready`"]);
    check_forfeit("is silent", Forfeit::Silent, &["no `bestmove` within 700ms after `go nodes 10`"]);
    check_forfeit("floods", Forfeit::Silent, &["no `bestmove` within 700ms after `go nodes 10`; its last words: eee"]);
    check_forfeit("leaves", Forfeit::Failed, &["process ended (exit status: 0)"]);
    check_forfeit("plays illegally", Forfeit::Illegal, &["\"bestmove 9a1i+\"", "not a legal move"]);
    check_forfeit("plays no move", Forfeit::Illegal, &["\"bestmove\"", "no move"]);
}

#[test]
fn an_engine_that_is_not_there_is_named() {
    let check = |program: &str, parts: &[&str]| {
        let error = Engine::new(vec![program.to_owned(), "-x".to_owned()]).check().expect_err(program).to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    };
    check("no-such-engine", &["no-such-engine cannot be started", "not in PATH"]);
    check("/no/such/engine", &["/no/such/engine cannot be started", "no such program"]);
    let folder = std::env::temp_dir().display().to_string();
    check(&folder, &["cannot be started", &folder]);
    assert!(Engine::new(Vec::new()).check().is_err());
}

#[test]
fn resignation_and_declaration_are_answers() {
    let check = |kind, expected: &str| {
        let mut game = Game::startpos();
        let carried = ask(&mut UsiPlayer::new(engine_of(kind)), 0, &game).carry_out(&mut game);
        let outcome = game.outcome().expect("it is over");
        let note = carried.err().map_or(String::new(), |forfeit| format!(", {forfeit}"));
        assert_eq!(format!("{outcome}{note}"), expected);
    };
    check("resigns", "white wins: resignation");
    let refused = "a win was declared: the king is not on the three far ranks";
    check("declares", &format!("white wins: forfeit, {refused}"));
}

#[test]
fn noise_does_no_harm() {
    for kind in ["floods, then plays", "prints long lines", "prints bytes that are no text"] {
        let game = game_of(&mut UsiPlayer::new(engine_of(kind)), 0, 4);
        assert_eq!(game.map(|game| game.moves().len()), Ok(4), "{kind}");
    }
}

#[test]
fn an_engine_that_does_not_listen_forfeits() {
    let begin = Instant::now();
    let mut player = UsiPlayer::new(engine_of("answers without being asked"));
    for number in 0..3 {
        let forfeit = game_of(&mut player, number, 4).expect_err("White cannot play it");
        assert!(matches!(&forfeit, Forfeit::Illegal(text) if text.contains("7g7f")), "{forfeit}");
    }
    // More lines than a pipe holds.
    let mut long = Game::startpos();
    for mv in ["2h3h", "8b7b", "3h2h", "7b8b"].repeat(2) {
        long.play(mv.parse().expect("a move"));
    }
    for _ in 0..5000 {
        assert!(matches!(ask(&mut player, 3, &long), Answer::Plays(_)));
    }
    drop(player);
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

#[test]
fn a_crash_costs_one_game() {
    let mut player = UsiPlayer::new(engine_of("dies in its first game"));
    let forfeit = game_of(&mut player, 0, 6).expect_err("it dies");
    let text = forfeit.to_string();
    assert!(text.contains("assertion failed:") && text.contains("depth < 3 / at search.cpp:17"), "{text}");
    // Asked again in this game, the player does not begin it anew.
    assert!(matches!(ask(&mut player, 0, &Game::startpos()), Answer::Forfeits(Forfeit::Failed(_))));
    player.end(0, None);
    // Each process of this kind dies in its first game, so the next game is lost as well, by a process of its own.
    assert!(game_of(&mut player, 1, 6).expect_err("it dies").to_string().contains("search.cpp"));
}

#[test]
fn every_game_is_announced_and_a_process_serves_many() {
    let mut player = UsiPlayer::new(engine_of("tells its games"));
    let mut values = Vec::new();
    for number in [0, 1, 0] {
        let Answer::Plays(choice) = ask(&mut player, number, &Game::startpos()) else { panic!("it plays") };
        values.push(choice.thought.value);
    }
    // The score is the number of `usinewgame`: games that take turns are told apart.
    let value = |centipawns| Some(keisei_play::rating::value_of(centipawns));
    assert_eq!(values, [value(1), value(2), value(3)]);
    assert_eq!(player.capacity(), 1);
}

#[test]
fn options_are_checked_before_the_first_game() {
    let with = |kind: &str, name: &str, value: &str| {
        let engine = Engine { options: vec![(name.to_owned(), value.to_owned())], ..engine_of(kind) };
        engine.check().map_err(|forfeit| forfeit.to_string())
    };
    assert_eq!(with("plays", "Level", "9"), Ok(()));
    let error = with("plays", "Skill Level", "9").expect_err("it has no such option");
    assert!(error.contains("no option \"Skill Level\"; the nearest of its 2 are [\"Level\""), "{error}");
    let error = with("plays", "Level", "10").expect_err("it is out of range");
    assert!(error.contains("from 0 to 9"), "{error}");
    let error = with("refuses options", "Style", "wild").expect_err("it is refused");
    assert!(error.contains("refuses an option: No such option: Style"), "{error}");
}

#[test]
fn an_engine_that_fails_to_start_is_left_alone_in_the_end() {
    let mut player = UsiPlayer::new(engine_of("exits at once"));
    let texts: Vec<String> =
        (0..5).map(|number| game_of(&mut player, number, 1).expect_err("it exits").to_string()).collect();
    assert!(texts[..3].iter().all(|text| text.contains("weights.bin")), "{texts:?}");
    assert!(texts[3..].iter().all(|text| text.contains("not started again")), "{texts:?}");
}

#[test]
fn a_player_ends_with_its_engine() {
    let begin = Instant::now();
    for kind in ["plays", "does not quit"] {
        let mut player = UsiPlayer::new(engine_of(kind));
        assert!(game_of(&mut player, 0, 2).is_ok(), "{kind}");
    }
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

#[test]
fn a_tournament_goes_on_past_every_fault() {
    let kinds = ["dies in its first game", "plays illegally", "resigns", "plays"];
    let mut players = vec![Contender::Greedy];
    players.extend(kinds.map(|kind| Contender::from(engine_of(kind)).named(kind)));
    let schedule = Schedule::gauntlet(&[0], &[1, 2, 3, 4], 4).expect("the games are paired");
    let play = |threads| {
        let tournament = Tournament { players: &players, book: None, seed: 1, max_plies: 60, threads };
        tournament.play(&schedule, None, &|_| ControlFlow::Continue(())).expect("it is played")
    };
    let records = play(1).into_records();
    assert_eq!(records.len(), 16);
    let noted = |kind: &str, part: &str, reason| {
        let games: Vec<_> = records.iter().filter(|game| game.black == kind || game.white == kind).collect();
        let is_lost = |game: &&&Record| {
            let outcome = game.outcome.expect("it is over");
            let winner = if game.black == kind { Color::White } else { Color::Black };
            game.note.contains(part) && outcome == Outcome { result: GameResult::Win(winner), reason }
        };
        assert_eq!((games.len(), games.iter().filter(is_lost).count()), (4, 4), "{kind}: {games:?}");
    };
    noted("dies in its first game", "assertion failed:", Reason::Forfeit);
    noted("plays illegally", "9a1i+", Reason::Forfeit);
    noted("resigns", "", Reason::Resignation);
    assert_eq!(records.iter().filter(|game| !game.note.is_empty()).count(), 8, "the others have no note");
    let bytes = record::to_bytes(&records).expect("the games are legal");
    assert_eq!(record::from_bytes(&bytes).as_ref(), Ok(&records));
    // More threads have more processes, and each of them fails as often as it is started.
    let results = |records: Vec<Record>| records.into_iter().map(|game| game.outcome).collect::<Vec<_>>();
    assert_eq!(results(play(3).into_records()), results(records));
}

#[test]
fn a_tournament_does_not_begin_with_an_engine_that_does_not_start() {
    let players = [Contender::Greedy, Contender::from(engine_of("exits at once")).named("broken")];
    let schedule = Schedule::gauntlet(&[0], &[1], 4).expect("the games are paired");
    let tournament = Tournament { players: &players, book: None, seed: 1, max_plies: 60, threads: 2 };
    let error = tournament.play(&schedule, None, &|_| ControlFlow::Continue(())).expect_err("it does not start");
    let text = format!("{error:#}");
    assert!(text.contains("broken") && text.contains("weights.bin"), "{text}");
}

/// Debian's Fairy-Stockfish, if it is installed.
static FAIRY: LazyLock<Option<Engine>> = LazyLock::new(|| {
    let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let engine = Engine {
        options: vec![option("Hash", "16"), option("Threads", "1"), option("Skill Level", "20")],
        limits: Limits { nodes: Some(1000), ..Limits::default() },
        ..Engine::new(vec!["fairy-stockfish".to_owned()])
    };
    match engine.check() {
        Ok(()) => Some(engine),
        Err(error) if error.to_string().contains("no such program") => {
            eprintln!("skipped: {error}; on Debian: apt-get install fairy-stockfish");
            None
        }
        Err(error) => panic!("{error}"),
    }
});

#[test]
fn a_real_engine_plays_a_game_and_plays_it_again() {
    let Some(engine) = FAIRY.clone() else { return };
    let mut player = UsiPlayer::new(engine.clone());
    let game = game_of(&mut player, 0, 30).expect("it plays legal moves");
    assert_eq!(game.moves().len(), 30);
    // Nodes are the limit, and a new game clears the engine's tables.
    assert_eq!(game_of(&mut player, 1, 30).map(|again| again.moves().to_vec()), Ok(game.moves().to_vec()));
    assert_eq!(
        game_of(&mut UsiPlayer::new(engine), 0, 30).map(|again| again.moves().to_vec()),
        Ok(game.moves().to_vec())
    );
}

#[test]
fn a_real_engine_tells_its_value_and_line_and_mates() {
    let Some(engine) = FAIRY.clone() else { return };
    let mut player = UsiPlayer::new(engine.clone());
    let mate = Position::from_sfen("7nk/9/8P/9/9/9/9/9/K8 b G 1").expect("it is SFEN");
    let Answer::Plays(choice) = ask(&mut player, 0, &Game::new(mate, 0)) else { panic!("it plays") };
    assert_eq!((choice.mv.to_string().as_str(), choice.thought.value.map(|value| value.0)), ("G*1b", Some(1.0)));
    assert_eq!(choice.thought.line, [choice.mv]);
    let Answer::Plays(choice) = ask(&mut player, 1, &Game::startpos()) else { panic!("it plays") };
    assert!(choice.thought.value.is_some_and(|value| value.0.abs() < 0.5) && choice.thought.line.len() > 2);
    // Its other limits.
    for limits in [
        Limits { depth: Some(3), ..Limits::default() },
        Limits { movetime: Some(50), ..Limits::default() },
        Limits { byoyomi: Some(50), ..Limits::default() },
    ] {
        let mut player = UsiPlayer::new(Engine { limits, ..engine.clone() });
        assert!(matches!(ask(&mut player, 0, &Game::startpos()), Answer::Plays(_)), "{limits:?}");
    }
    let wrong = Engine { options: vec![("Skill_Level".to_owned(), "0".to_owned())], ..engine };
    let error = wrong.check().expect_err("it has no such option").to_string();
    assert!(error.contains("[\"Skill Level\""), "{error}");
}
