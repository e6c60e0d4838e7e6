//! Probes: positions of our own games with a task that a policy solves or not, whatever the rest of its strength.
//!
//! | module | holds |
//! |---|---|
//! | `definition` | the tasks: when a position poses one, and which moves solve it |
//! | `generator` | finding the positions in games |
//! | `score` | a model's share of solved probes |
//!
//! The [set](standard) that evaluations use stands in `play/data/probes.txt`, one probe a line: id of the task, SFEN, and the moves that
//! solve it, in USI notation, separated by tabs; lines that begin with `#` are comments.

mod definition;
mod generator;
mod score;

use std::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};
use keisei_core::shogi::{Move, Position};

pub use definition::solutions;
pub use generator::generate;
pub use score::{ProbeScore, score};

/// Task of a probe.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Task {
    /// Mate in one.
    Mate1,
    /// Mate in three plies, not fewer.
    Mate3,
    /// Mate in five plies, not fewer.
    Mate5,
    /// Defence against a mate in one.
    MateDefence,
    /// Capture of a piece that nothing defends.
    HangingPiece,
    /// Defence against a declaration at the next ply.
    DeclarationDefence,
}

impl Task {
    /// All tasks, in the order of tables.
    pub const ALL: [Task; 6] =
        [Task::Mate1, Task::Mate3, Task::Mate5, Task::MateDefence, Task::HangingPiece, Task::DeclarationDefence];

    /// Id in files and metrics.
    pub const fn id(self) -> &'static str {
        match self {
            Task::Mate1 => "mate_1",
            Task::Mate3 => "mate_3",
            Task::Mate5 => "mate_5",
            Task::MateDefence => "mate_defence",
            Task::HangingPiece => "hanging_piece",
            Task::DeclarationDefence => "declaration_defence",
        }
    }

    /// Task of this id, if there is one.
    pub fn from_id(id: &str) -> Option<Task> {
        Task::ALL.into_iter().find(|task| task.id() == id)
    }
}

/// Position with a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Probe {
    /// The task.
    pub task: Task,
    /// The position.
    pub position: Position,
    /// Moves that solve it, in rising order of their USI notation.
    pub solutions: Vec<Move>,
}

/// Probes that evaluations use.
///
/// # Panics
/// Never: a test reads the set.
pub fn standard() -> Vec<Probe> {
    read(include_str!("../../data/probes.txt")).expect("the set is part of the program")
}

/// Probes in a text of the form that [`text`] writes.
///
/// # Errors
/// Names the line and its defect.
pub fn read(text: &str) -> Result<Vec<Probe>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(index, line)| read_line(line).with_context(|| format!("line {}", index + 1))).collect()
}

fn read_line(line: &str) -> Result<Probe> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [task, sfen, solutions] = fields[..] else { bail!("{} fields, not 3", fields.len()) };
    let task = Task::from_id(task).with_context(|| format!("{task} is no task"))?;
    let position = Position::from_sfen(sfen).with_context(|| sfen.to_owned())?;
    let read = |usi: &str| {
        let mv: Move = usi.parse().with_context(|| format!("{usi} is no move"))?;
        ensure!(position.is_legal(mv), "{usi} is not legal");
        Ok(mv)
    };
    let solutions: Vec<Move> = solutions.split(' ').map(read).collect::<Result<_>>()?;
    Ok(Probe { task, position, solutions })
}

/// Text of probes, one a line.
pub fn text(probes: &[Probe]) -> String {
    let mut text = String::new();
    for Probe { task, position, solutions } in probes {
        let solutions: Vec<String> = solutions.iter().map(ToString::to_string).collect();
        writeln!(text, "{}\t{}\t{}", task.id(), position.to_sfen(), solutions.join(" "))
            .expect("a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use keisei_core::search::mate::{MateSolver, MateStatus};
    use keisei_core::shogi::{Game, Reason};

    #[test]
    fn every_probe_of_the_set_is_what_its_task_says() {
        let probes = standard();
        for task in Task::ALL {
            assert!(probes.iter().filter(|probe| probe.task == task).count() >= 10, "{}", task.id());
        }
        for probe in &probes {
            let found = solutions(probe.task, &probe.position);
            assert_eq!(found.as_ref(), Some(&probe.solutions), "{} {:?}", probe.task.id(), probe.position);
        }
        assert_eq!(read(&text(&probes)).expect("it was written"), probes);
    }

    #[test]
    fn games_end_where_a_probe_is_not_solved_or_a_mate_is() {
        let reason = |game: &Game, mv: Move| {
            let mut game = game.clone();
            game.play(mv);
            game.adjudicate().map(|outcome| outcome.reason)
        };
        for Probe { task, position, solutions } in standard() {
            let game = Game::new(position.clone(), 0);
            for mv in position.legal_moves() {
                let is_solution = solutions.contains(&mv);
                match task {
                    Task::Mate1 => {
                        assert_eq!(reason(&game, mv) == Some(Reason::Checkmate), is_solution, "{position:?} {mv}");
                    }
                    Task::DeclarationDefence => {
                        assert_eq!(reason(&game, mv) != Some(Reason::Declaration), is_solution, "{position:?} {mv}");
                    }
                    Task::MateDefence => {
                        let mut after = game.clone();
                        after.play(mv);
                        let mates = |&reply: &Move| reason(&after, reply) == Some(Reason::Checkmate);
                        assert_eq!(!after.position().legal_moves().iter().any(mates), is_solution, "{position:?} {mv}");
                    }
                    Task::Mate3 | Task::Mate5 | Task::HangingPiece => {}
                }
            }
        }
    }

    #[test]
    fn the_solver_of_long_mates_proves_the_mates_of_the_set() {
        for probe in standard() {
            let plies = match probe.task {
                Task::Mate1 => 1,
                Task::Mate3 => 3,
                Task::Mate5 => 5,
                _ => continue,
            };
            let solver = |moves: &[Move]| {
                let mut solver = MateSolver::among(moves, &probe.position, &[], 1 << 20);
                assert_eq!(solver.advance(1_000_000), MateStatus::Mate, "{:?}", probe.position);
                solver.mate().expect("proved").line.len()
            };
            assert!(solver(&[]) >= plies, "{:?}", probe.position);
            for &mv in &probe.solutions {
                solver(&[mv]);
            }
        }
    }

    #[test]
    fn what_is_no_probe_is_refused_with_its_line() {
        let check = |line: &str, reason: &str| {
            let error = format!("{:#}", read(&format!("# comment\n\n{line}\n")).expect_err(line));
            assert!(error.starts_with("line 3: ") && error.contains(reason), "{error}");
        };
        check("mate_1", "1 fields, not 3");
        check("mate_2\t8k/9/8P/9/9/9/9/9/K8 b G 1\tG*1b", "mate_2 is no task");
        check("mate_1\t8k/9/8P/9/9 b G 1\tG*1b", "8k/9/8P/9/9 b G 1");
        check("mate_1\t8k/9/8P/9/9/9/9/9/K8 b G 1\tG*1a", "G*1a is not legal");
        check("mate_1\t8k/9/8P/9/9/9/9/9/K8 b G 1\t", " is no move");
    }
}
