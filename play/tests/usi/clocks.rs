//! Games by the clock, with other threads that take the processor away.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use keisei_core::shogi::{Color, Game, Position};

use crate::process::{Engine, model};

/// Clock of both sides, all in milliseconds.
#[derive(Clone, Copy)]
struct Control {
    main: u64,
    increment: u64,
    byoyomi: u64,
}

/// Time that one side has used, and the time that it had.
#[derive(Clone, Copy, Default)]
struct Used {
    spent: Duration,
    given: Duration,
}

/// Plays a game of at most `plies`; no side may exceed its clock.
fn play(model: &Path, control: Control, overhead: u64, plies: u16) -> [Used; 2] {
    let ms = Duration::from_millis;
    let mut engines = [Engine::with(model), Engine::with(model)];
    for engine in &mut engines {
        engine.say(&format!("setoption name MoveOverhead value {overhead}"));
        engine.say("setoption name USI_Hash value 32");
        engine.say("setoption name Temperature value 0.3");
        engine.say("usinewgame");
    }
    let mut left = [ms(control.main); 2];
    let mut used = [Used { given: ms(control.main), ..Used::default() }; 2];
    let mut game = Game::new(Position::startpos(), plies);
    while game.outcome().is_none() && !game.position().can_declare() {
        let side = game.position().side_to_move().index();
        let moves: Vec<String> = game.moves().iter().map(ToString::to_string).collect();
        let position = format!("position startpos moves {}", moves.join(" "));
        let [black, white] = Color::ALL.map(|color| left[color.index()].as_millis());
        let clocks = format!("btime {black} wtime {white}");
        let Control { increment, byoyomi, .. } = control;
        let go = match byoyomi {
            0 => format!("go {clocks} binc {increment} winc {increment}"),
            _ => format!("go {clocks} byoyomi {byoyomi}"),
        };
        let started = Instant::now();
        let answer = engines[side].ask(&[&position, &go], "bestmove");
        let spent = started.elapsed();
        used[side].spent += spent;
        used[side].given += ms(increment + byoyomi);
        let number = game.moves().len() + 1;
        assert!(spent <= left[side] + ms(byoyomi), "lost on time at move {number}: {spent:?} of {:?}", left[side]);
        left[side] = left[side].saturating_sub(spent) + ms(increment);
        game.play(answer.split(' ').nth(1).unwrap().parse().unwrap());
    }
    engines.into_iter().for_each(Engine::quit);
    used
}

/// Plays games at the same time and returns the share of the clocks that was used.
fn share(control: Control, overhead: u64, plies: u16, games: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let stop = AtomicBool::new(false);
    let used: Vec<Used> = thread::scope(|scope| {
        // Two threads that do nothing else than to be busy.
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let games: Vec<_> = (0..games).map(|_| scope.spawn(|| play(&model, control, overhead, plies))).collect();
        let used = games.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>();
        stop.store(true, Relaxed);
        used.into_iter().flat_map(|used| used.expect("no game is lost on time")).collect()
    });
    let sum = |of: fn(&Used) -> Duration| used.iter().map(of).sum::<Duration>().as_secs_f64();
    sum(|used| used.spent) / sum(|used| used.given)
}

/// A few moves with a large reserve, since tests share their machine.
#[test]
fn short_games_are_not_lost_on_time() {
    let check = |main: u64, increment: u64, byoyomi: u64, least: f64| {
        let share = share(Control { main, increment, byoyomi }, 400, 12, 1);
        assert!((least..=1.0).contains(&share), "{main}+{increment}, byoyomi {byoyomi}: {share:.2} of the time");
    };
    thread::scope(|scope| {
        scope.spawn(|| check(0, 0, 800, 0.3));
        scope.spawn(|| check(5000, 0, 0, 0.0));
        scope.spawn(|| check(2000, 600, 0, 0.2));
    });
}

/// Games of a tournament, `GAMES` of each clock, all at once: `GAMES=30 cargo test --release -p keisei-play --test usi -- --ignored
/// --nocapture`.
#[test]
#[ignore = "it takes a quarter of an hour"]
fn games_of_a_tournament_are_not_lost_on_time_and_use_it() {
    let games = std::env::var("GAMES").map_or(30, |games| games.parse().expect("a number of games"));
    for control in [
        Control { main: 0, increment: 0, byoyomi: 1000 },
        Control { main: 10_000, increment: 0, byoyomi: 0 },
        Control { main: 60_000, increment: 1000, byoyomi: 0 },
    ] {
        let share = share(control, 200, 240, games);
        let Control { main, increment, byoyomi } = control;
        println!("{main}+{increment}, byoyomi {byoyomi}: {:.0} % of the time", 100.0 * share);
        assert!((0.7..=1.0).contains(&share), "{main}+{increment}, byoyomi {byoyomi}: {share:.2} of the time");
    }
}
