//! Contenders: descriptions of players, as command lines and tables name them, from which a match makes its players.

use crate::alpha_beta::AlphaBetaPlayer;
use crate::baseline::{GreedyPlayer, RandomPlayer};
use crate::mixture::MixturePlayer;
use crate::player::Player;
use crate::policy_player::PolicyPlayer;
use crate::search_player::SearchPlayer;
use crate::spelling::engine::SpelledEngine;
use crate::usi_player::{Engine, UsiPlayer};

/// Description of a player: each thread of a match makes a [player](Self::player) of its own from it.
#[derive(Clone, Debug)]
pub enum Contender {
    /// Plays any legal move; see [`RandomPlayer`].
    Random,
    /// Mates in one move if it can, else takes the most material; see [`GreedyPlayer`].
    Greedy,
    /// Searches for material to a fixed depth.
    AlphaBeta(AlphaBetaPlayer),
    /// Plays by a network's policy.
    Policy(Box<PolicyPlayer>),
    /// Searches with a network.
    Search(Box<SearchPlayer>),
    /// Asks an engine, a process for each thread.
    Usi {
        /// Engine.
        engine: Box<Engine>,
        /// Its name in tables.
        name: String,
    },
    /// Is one of several players in each game; see [`MixturePlayer`].
    Mixture {
        /// Players with their weights.
        members: Vec<(f64, Contender)>,
        /// Name in tables.
        name: String,
    },
    /// Is a player under another name.
    Named {
        /// Player.
        contender: Box<Contender>,
        /// Its name in tables.
        name: String,
    },
}

impl From<AlphaBetaPlayer> for Contender {
    fn from(player: AlphaBetaPlayer) -> Contender {
        Contender::AlphaBeta(player)
    }
}

impl From<PolicyPlayer> for Contender {
    fn from(agent: PolicyPlayer) -> Contender {
        Contender::Policy(Box::new(agent))
    }
}

impl From<SearchPlayer> for Contender {
    fn from(player: SearchPlayer) -> Contender {
        Contender::Search(Box::new(player))
    }
}

impl From<Engine> for Contender {
    fn from(engine: Engine) -> Contender {
        Contender::Usi { name: engine.to_string(), engine: Box::new(engine) }
    }
}

impl Contender {
    /// The same player under another name.
    #[must_use]
    pub fn named(self, name: &str) -> Contender {
        Contender::Named { contender: Box::new(self), name: name.to_owned() }
    }

    /// Name in tables and records.
    pub fn name(&self) -> &str {
        match self {
            Contender::Random => "random",
            Contender::Greedy => "greedy",
            Contender::AlphaBeta(player) => player.name(),
            Contender::Policy(agent) => agent.name(),
            Contender::Search(player) => player.name(),
            Contender::Usi { name, .. } | Contender::Mixture { name, .. } | Contender::Named { name, .. } => name,
        }
    }

    /// All that the games of a player depend on, in a line: two players with the same identity play the same games.
    pub fn identity(&self) -> String {
        match self {
            Contender::Random | Contender::Greedy | Contender::AlphaBeta(_) => self.name().to_owned(),
            Contender::Policy(agent) => agent.identity().to_owned(),
            Contender::Search(player) => player.identity().to_owned(),
            Contender::Usi { engine, .. } => SpelledEngine(engine).to_string(),
            Contender::Mixture { members, .. } => {
                let member = |(weight, member): &(f64, Contender)| format!("{weight}*({})", member.identity());
                format!("mix:{}", members.iter().map(member).collect::<Vec<_>>().join("+"))
            }
            Contender::Named { contender, .. } => contender.identity(),
        }
    }

    /// Visits of the search before each move, 0 for the policy alone; `None` for players without a network and for mixtures.
    pub fn visits(&self) -> Option<u32> {
        match self {
            Contender::Policy(_) => Some(0),
            Contender::Search(player) => Some(player.visits()),
            Contender::Named { contender, .. } => contender.visits(),
            Contender::Random
            | Contender::Greedy
            | Contender::AlphaBeta(_)
            | Contender::Usi { .. }
            | Contender::Mixture { .. } => None,
        }
    }

    /// A new player.
    pub fn player(&self) -> Box<dyn Player + Send> {
        match self {
            Contender::Random => Box::new(RandomPlayer),
            Contender::Greedy => Box::new(GreedyPlayer),
            Contender::AlphaBeta(player) => Box::new(*player),
            Contender::Policy(agent) => agent.clone(),
            Contender::Search(player) => player.clone(),
            Contender::Usi { engine, .. } => Box::new(UsiPlayer::new((**engine).clone())),
            Contender::Mixture { members, .. } => {
                let members = members.iter().map(|(weight, member)| (*weight, member.player()));
                Box::new(MixturePlayer::new(members.collect()))
            }
            Contender::Named { contender, .. } => contender.player(),
        }
    }
}
