//! Trait of all players: a player answers in many games at a time.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use keisei_core::format::PlyInfo;
use keisei_core::random::Stream;
use keisei_core::shogi::{Game, Move, Outcome};

/// Largest number of candidate moves that a player reports for each ply.
pub const SHOWN: usize = 5;

/// Game in which a player is to move, and the random numbers of that game.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Number of the game: until it [ends](Player::end), all turns with this number are of one game.
    pub number: usize,
    /// Game, which is not over.
    pub game: &'a Game,
    /// Random numbers of this game, the only ones that the choice may use: it does not depend on the rest of the batch.
    pub random: &'a mut Stream,
}

/// Move that a player chose, with the player's value and candidates.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The move, which is legal.
    pub mv: Move,
    /// Value and candidates of the player before the move, for the record.
    pub thought: PlyInfo,
}

impl Choice {
    /// Move of a player without values and candidates.
    pub fn without_thought(mv: Move) -> Choice {
        Choice { mv, thought: PlyInfo::default() }
    }
}

/// Answer of a player whose turn it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Plays a move.
    Plays(Choice),
    /// Declares a win by its entered king.
    Declares,
    /// Resigns.
    Resigns,
    /// Has no legal answer, and loses by it.
    Forfeits(Forfeit),
}

/// Fault of a player that did not answer by the rules. Its text goes into the record of the game.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forfeit {
    /// Played what is not a legal move, or declared a win that is none; the text quotes it.
    Illegal(String),
    /// Said nothing in time.
    Silent(String),
    /// Broke down: its process ended or could not be started, or its code panicked.
    Failed(String),
}

impl fmt::Display for Forfeit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (Forfeit::Illegal(text) | Forfeit::Silent(text) | Forfeit::Failed(text)) = self;
        f.write_str(text)
    }
}

impl From<Choice> for Answer {
    fn from(choice: Choice) -> Answer {
        Answer::Plays(choice)
    }
}

impl Answer {
    /// Carries the answer out in `game`, whose side to move gave it, by the rules: an illegal move or declaration is a
    /// [forfeit](Game::forfeit).
    ///
    /// # Errors
    /// The forfeit, which has ended the game.
    pub fn carry_out(self, game: &mut Game) -> Result<Option<PlyInfo>, Forfeit> {
        let forfeit = match self {
            Answer::Plays(Choice { mv, thought }) => match game.try_play(mv) {
                Ok(()) => return Ok(Some(thought)),
                Err(error) => Forfeit::Illegal(error.to_string()),
            },
            Answer::Declares => match game.declare() {
                Ok(_) => return Ok(None),
                Err(error) => Forfeit::Illegal(format!("a win was declared: {error}")),
            },
            Answer::Resigns => {
                game.resign(game.position().side_to_move());
                return Ok(None);
            }
            Answer::Forfeits(forfeit) => forfeit,
        };
        game.forfeit(game.position().side_to_move());
        Err(forfeit)
    }
}

/// Player, which answers in many games at a time.
pub trait Player {
    /// Starts what the player needs, such as a process; without this it starts with the first game.
    ///
    /// # Errors
    /// If it cannot be started, in words.
    fn start(&mut self) -> Result<(), Forfeit> {
        Ok(())
    }

    /// One answer for each turn, in the order of the turns. The first turn with a number begins a game.
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Answer>;

    /// Notes that game `number` is over, and frees what the player keeps for it; `None` if it was broken off.
    fn end(&mut self, _number: usize, _outcome: Option<Outcome>) {}

    /// Number of games, at least 1, that the player can have in progress without harm to its play. A process plays one.
    fn capacity(&self) -> usize {
        usize::MAX
    }
}

/// Answers of `player` as [`Player::choose`] gives them. A player that panics forfeits the games of all these turns and is not
/// to be asked again: `fresh` takes its place.
///
/// # Panics
/// If a player answers more or fewer turns than it was given.
pub fn answers<P: Player + ?Sized>(
    player: &mut Box<P>,
    fresh: impl FnOnce() -> Box<P>,
    turns: &mut [Turn],
) -> Vec<Answer> {
    let count = turns.len();
    let answers = catch_unwind(AssertUnwindSafe(|| player.choose(turns))).unwrap_or_else(|panic| {
        *player = fresh();
        let text = format!("the player panicked: {}", message(&*panic));
        vec![Answer::Forfeits(Forfeit::Failed(text)); count]
    });
    assert_eq!(answers.len(), count, "a player answers every turn");
    answers
}

/// Message of a panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied()).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use keisei_core::random::Purpose;
    use keisei_core::shogi::Position;

    use super::*;
    use crate::baseline::RandomPlayer;

    fn mv(usi: &str) -> Answer {
        Choice::without_thought(usi.parse().expect("it is USI")).into()
    }

    #[test]
    fn answers_are_carried_out_by_the_rules() {
        let check = |sfen: &str, answer: Answer, outcome: Option<&str>, note: Option<&str>| {
            let mut game = Game::new(Position::from_sfen(sfen).expect(sfen), 0);
            let carried = answer.carry_out(&mut game);
            assert_eq!(game.outcome().map(|outcome| outcome.to_string()).as_deref(), outcome);
            assert_eq!(carried.err().map(|forfeit| forfeit.to_string()).as_deref(), note);
        };
        let start = &Position::startpos().to_sfen();
        check(start, mv("7g7f"), None, None);
        check(start, mv("7g7e"), Some("white wins: forfeit"), Some("7g7e is not a legal move here"));
        check(start, Answer::Resigns, Some("white wins: resignation"), None);
        let refused = "a win was declared: the king is not on the three far ranks";
        check(start, Answer::Declares, Some("white wins: forfeit"), Some(refused));
        check("LNSGKGSNL/4BR3/9/9/9/9/9/9/4k4 b RB 1", Answer::Declares, Some("black wins: declaration"), None);
        let silent = Answer::Forfeits(Forfeit::Silent("no answer within 5 s".into()));
        check("4k4/9/9/9/9/9/9/9/4K4 w - 1", silent, Some("black wins: forfeit"), Some("no answer within 5 s"));
    }

    #[test]
    fn a_panic_forfeits_and_a_fresh_player_goes_on() {
        struct Panics;
        impl Player for Panics {
            fn choose(&mut self, _: &mut [Turn]) -> Vec<Answer> {
                panic!("no network for {} planes", 96)
            }
        }
        let game = Game::startpos();
        let mut player: Box<dyn Player> = Box::new(Panics);
        let mut random = Stream::new(1, Purpose::Evaluation, 0, 0);
        let mut ask = |player: &mut Box<dyn Player>| {
            let mut turns = [Turn { number: 0, game: &game, random: &mut random }];
            answers(player, || Box::new(RandomPlayer), &mut turns).remove(0)
        };
        let text = "the player panicked: no network for 96 planes".to_owned();
        assert_eq!(ask(&mut player), Answer::Forfeits(Forfeit::Failed(text)));
        assert!(matches!(ask(&mut player), Answer::Plays(_)));
    }
}
