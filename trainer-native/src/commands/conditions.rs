//! Conditions of games, which `evaluate` and `rate` share: arguments, their checks, and what they become.

use std::path::PathBuf;

use anyhow::{Context, Result};
use keisei_core::format::record;
use keisei_play::executor::Arithmetic;
use keisei_play::files::read;
use keisei_play::matches::{Archive, Book, DEFAULT_MAX_PLIES, OPENING_PLIES, Plan};
use keisei_play::policy_player::EVALUATION_TEMPERATURE;
use keisei_play::spelling::{Defaults, MAX_TEMPERATURE};

use crate::argument::BadArgument;
use crate::interop::games::decode;

/// Arguments of every command that plays games.
#[derive(clap::Args, Debug)]
pub struct Conditions {
    /// Sharpness of models that have none of their own: 0 plays the best move, 1 the policy as it was trained, or as it was
    /// searched
    #[arg(long, default_value_t = EVALUATION_TEMPERATURE)]
    pub(super) temperature: f64,
    /// Numbers that the networks compute in
    #[arg(long, value_enum, default_value_t)]
    pub(super) arithmetic: Arithmetic,
    /// Seed of openings and choices: the same seed plays the same games
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Threads to play on; 0 for one per core
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Plies, opening included, at which a game is cut off and counts as a draw; 0 for the longest that a record holds
    #[arg(long, value_name = "PLIES", default_value_t = DEFAULT_MAX_PLIES)]
    pub(super) max_plies: u16,
    /// Openings instead of random plies: a file in any notation, or with an SFEN or `startpos moves ...` a line
    #[arg(long, value_name = "FILE")]
    pub(super) book: Option<PathBuf>,
    /// Folder that keeps each game once it has ended; given again, the games go on where they were. A match of two and a round robin also
    /// go on with more games
    #[arg(long, value_name = "DIR")]
    pub(super) resume: Option<PathBuf>,
    /// File to write the games to, for the Replay page and `convert`
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
}

impl Conditions {
    /// Checks the numbers.
    ///
    /// # Errors
    /// Names the argument and its range.
    pub(super) fn check(&self) -> Result<(), BadArgument> {
        let (plies, longest) = (usize::from(self.max_plies), record::MAX_MOVES);
        if plies > longest || self.book.is_none() && (1..=OPENING_PLIES).contains(&plies) {
            let reason = format!("must be 0, or above the {OPENING_PLIES} plies of an opening and at most {longest}");
            return Err(BadArgument::new("--max-plies", &plies.to_string(), reason));
        }
        if !(0.0..=MAX_TEMPERATURE).contains(&self.temperature) {
            return Err(BadArgument::new("--temperature", &self.temperature.to_string(), "must be from 0 to 1000000"));
        }
        Ok(())
    }

    /// Settings of models whose spelling has none.
    pub(super) fn defaults(&self, visits: u32) -> Defaults {
        Defaults { visits, temperature: self.temperature, arithmetic: self.arithmetic }
    }

    /// Number of threads.
    pub(super) fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            asked => asked,
        }
    }

    /// Book of openings, in any encoding of Japanese, if there is one.
    pub(super) fn read_book(&self) -> Result<Option<Book>> {
        let book = |path: &PathBuf| {
            let name = path.display().to_string();
            Book::from_text(&name, &decode(&read(path)?).0).context("--book")
        };
        self.book.as_ref().map(book).transpose()
    }

    /// Archive of the tournament with this plan, if its games are kept.
    pub(super) fn archive(&self, plan: &Plan) -> Result<Option<Archive>> {
        self.resume.as_deref().map(|folder| Archive::open(folder, plan)).transpose()
    }
}
