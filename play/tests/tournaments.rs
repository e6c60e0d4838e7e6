//! Tournaments with engines in processes, some of which fail.
//!
//! The engines are this program itself: the test [`engine`] plays one of them if it is told which.

use std::io::{BufRead, Write};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Duration;

use keisei_core::encoding::{Actions, Features};
use keisei_core::format::{Model, Provenance};
use keisei_core::net::{NetSpec, Weights};
use keisei_core::random::mix;
use keisei_core::search::Settings;
use keisei_core::shogi::Game;
use keisei_play::alpha_beta::AlphaBetaPlayer;
use keisei_play::contender::Contender;
use keisei_play::executor::ModelExecutor;
use keisei_play::matches::{Archive, Forfeits, PlayedGame, Results, STREAK, Schedule, Tournament, Watch};
use keisei_play::search_player::SearchPlayer;
use keisei_play::usi_player::{Engine, Limits};

/// Argument that tells the test `engine` which engine it is.
const KIND: &str = "engine=";

/// Time in which a test's engine must answer: enough to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

const NO_WATCH: Watch = &|_| ControlFlow::Continue(());

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

/// Engine whose moves depend on all positions of the game that it was asked about, as if it kept them in a table.
fn play_engine(kind: &str) {
    let (mut game, mut table) = (Game::startpos(), 0);
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match command {
            "usi" => say("usiok"),
            "isready" => say("readyok"),
            "usinewgame" => table = 0,
            "position" => {
                let moves = rest.strip_prefix("startpos").expect("these games begin at the start").trim();
                game = Game::startpos();
                for mv in moves.split_whitespace().skip(1) {
                    game.play(mv.parse().expect("a move"));
                }
            }
            "go" if kind == "dies" && game.moves().len() > 12 => {
                eprintln!("out of memory");
                std::process::exit(9);
            }
            "go" if kind == "cheats" && game.moves().len() % 17 == 9 => say("bestmove 5i5a+"),
            "go" => {
                table = mix(table ^ game.position().key());
                // Games end in another order each time.
                std::thread::sleep(Duration::from_micros(mix(table ^ u64::from(std::process::id())) % 3000));
                let moves = game.position().legal_moves();
                say(&format!("bestmove {}", moves[table as usize % moves.len()]));
            }
            "quit" => return,
            _ => {}
        }
    }
}

fn engine_of(kind: &str) -> Contender {
    let program = std::env::current_exe().expect("the test runs").display().to_string();
    let arguments = ["engine", "--exact", "--ignored", "--nocapture"].map(str::to_owned);
    let command = [program].into_iter().chain(arguments).chain([format!("{KIND}{kind}")]).collect();
    let limits = Limits { nodes: Some(10), ..Limits::default() };
    let engine = Engine { limits, start_timeout: PATIENCE, timeout: Some(PATIENCE), ..Engine::new(command) };
    Contender::from(engine).named(kind)
}

fn search() -> Contender {
    let spec = NetSpec { channels: 8, blocks: 1, ..NetSpec::for_encodings(Features::Attack96, Actions::Dest2187) };
    let model = Model {
        features: Features::Attack96,
        actions: Actions::Dest2187,
        provenance: Provenance::default(),
        weights: Weights::init(&spec, 3).expect("the specification is valid"),
    };
    let settings = Settings { visits: 5, ..Settings::default() };
    SearchPlayer::new("search", &model, ModelExecutor::f32(&model), settings, 0.5).into()
}

fn tournament(players: &[Contender], threads: usize) -> Tournament<'_> {
    Tournament { players, book: None, seed: 4, max_plies: 40, threads }
}

#[test]
fn processes_and_searches_play_the_same_games_on_any_number_of_threads() {
    let mixture = Contender::Mixture { members: vec![(1.0, engine_of("steady")), (1.0, search())], name: "mix".into() };
    let players = [search(), engine_of("steady"), AlphaBetaPlayer::new(2).into(), engine_of("cheats"), mixture];
    let schedule = Schedule::round_robin(players.len(), 2).expect("it is sound");
    let play = |threads| tournament(&players, threads).play(&schedule, None, NO_WATCH).expect("all can play");
    let alone = play(1);
    assert_eq!(alone.games.len(), 20);
    assert!(alone.forfeits(3).count > 0 && alone.forfeits(1).count == 0);
    for threads in [2, 3, 5] {
        assert_eq!(play(threads), alone, "{threads} threads");
    }
}

#[test]
fn a_real_engine_plays_the_same_games_on_any_number_of_threads() {
    let limits = Limits { nodes: Some(100), ..Limits::default() };
    let options = vec![("Hash".to_owned(), "16".to_owned()), ("Threads".to_owned(), "1".to_owned())];
    let engine = Engine { limits, options, ..Engine::new(vec!["fairy-stockfish".to_owned()]) };
    if let Err(error) = engine.check() {
        assert!(error.to_string().contains("no such program"), "{error}");
        eprintln!("skipped: {error}; on Debian: apt-get install fairy-stockfish");
        return;
    }
    let players = [engine.into(), search(), Contender::Greedy];
    let schedule = Schedule::round_robin(players.len(), 4).expect("it is sound");
    let play = |threads| tournament(&players, threads).play(&schedule, None, NO_WATCH).expect("all can play");
    assert_eq!(play(1), play(3));
}

/// Forfeits of `player` as they become known.
fn live(seen: &Mutex<Vec<(Forfeits, bool)>>, player: usize) -> impl Fn(&PlayedGame) -> ControlFlow<()> {
    move |game| {
        if [game.fixture.black, game.fixture.white].contains(&player) {
            let mut seen = seen.lock().expect("no test panics");
            let mut forfeits = seen.last().map(|(forfeits, _)| forfeits.clone()).unwrap_or_default();
            forfeits.note(game.forfeit().filter(|&(loser, _)| loser == player).map(|(_, text)| text));
            let breaks = forfeits.breaks();
            seen.push((forfeits, breaks));
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn an_engine_that_fails_every_time_loses_every_game_and_the_tournament_goes_on() {
    let players = [Contender::Greedy, engine_of("dies"), Contender::Random, engine_of("cheats")];
    let schedule = Schedule::gauntlet(&[0, 2], &[1, 3], 4).expect("it is sound");
    let seen = Mutex::new(Vec::new());
    let results = tournament(&players, 2).play(&schedule, None, &live(&seen, 1)).expect("all can start");
    let text = results.forfeits(1).to_string();
    assert!(text.starts_with("8 forfeits: 8 times ") && text.contains("out of memory"), "{text}");
    assert_eq!(results.forfeits(1).streak, 8);
    let broken: Vec<usize> = seen
        .lock()
        .expect("no test panics")
        .iter()
        .map(|(forfeits, breaks)| usize::from(*breaks) * forfeits.count)
        .collect();
    assert_eq!(broken.iter().filter(|&&count| count > 0).collect::<Vec<_>>(), [&STREAK]);
    let cheats = results.forfeits(3);
    assert!(cheats.count > 0 && cheats.to_string().contains("5i5a+"), "{cheats}");
    assert_eq!([results.forfeits(0).count, results.forfeits(2).count], [0, 0]);
    let played = results.pairing(0, 1);
    assert_eq!((played.tally().wins, played.by_reason()["forfeit"].wins), (4, 4));
    let bytes = keisei_core::format::record::to_bytes(&played.games).expect("the games are legal");
    assert_eq!(keisei_core::format::record::from_bytes(&bytes), Ok(played.games));
}

#[test]
fn a_tournament_with_processes_goes_on_where_it_was() {
    let players = [engine_of("steady"), engine_of("cheats"), search()];
    let schedule = Schedule::round_robin(players.len(), 2).expect("it is sound");
    let tournament = tournament(&players, 2);
    let whole = tournament.play(&schedule, None, NO_WATCH).expect("all can play");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = tournament.plan("round robin, 2 games");
    let mut archive = Archive::open(folder.path(), &plan).expect("a new tournament");
    let part: Results = tournament.play(&schedule, Some(&mut archive), &|_| ControlFlow::Break(())).expect("it plays");
    assert!(!part.games.is_empty() && part.games.len() < 6);
    drop(archive);
    let mut archive = Archive::open(folder.path(), &plan).expect("the same tournament");
    assert_eq!(tournament.play(&schedule, Some(&mut archive), NO_WATCH).expect("all can play"), whole);
}

#[test]
fn an_engine_that_cannot_start_is_an_error_before_the_first_game() {
    let engine = |command: &str| Contender::from(Engine::new(vec![command.to_owned()]));
    let mixture =
        Contender::Mixture { members: vec![(1.0, Contender::Random), (0.1, engine("no-such"))], name: "m".into() };
    for (missing, name) in [(engine("no-such-engine"), "no-such-engine"), (mixture, "m")] {
        let players = [Contender::Random, Contender::Greedy, missing];
        let schedule = Schedule::round_robin(players.len(), 2).expect("it is sound");
        let watch = |game: &PlayedGame| panic!("{game:?} was played");
        let error = tournament(&players, 2).play(&schedule, None, &watch).expect_err("it cannot start").to_string();
        assert!(error.starts_with(&format!("{name}: cannot be started: ")) && error.contains("no-such"), "{error}");
    }
}
