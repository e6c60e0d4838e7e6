//! Contenders: descriptions of players, as command lines and tables name them, from which a match makes its players.

use crate::alpha_beta::AlphaBetaPlayer;
use crate::baseline::{GreedyPlayer, RandomPlayer};
use crate::player::Player;
use crate::policy_player::PolicyPlayer;
use crate::search_player::SearchPlayer;

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

impl Contender {
    /// Name in tables and records.
    pub fn name(&self) -> &str {
        match self {
            Contender::Random => "random",
            Contender::Greedy => "greedy",
            Contender::AlphaBeta(player) => player.name(),
            Contender::Policy(agent) => agent.name(),
            Contender::Search(player) => player.name(),
        }
    }

    /// All that the games of a player depend on, in a line: two players with the same identity play the same games.
    pub fn identity(&self) -> &str {
        match self {
            Contender::Random | Contender::Greedy | Contender::AlphaBeta(_) => self.name(),
            Contender::Policy(agent) => agent.identity(),
            Contender::Search(player) => player.identity(),
        }
    }

    /// Visits of the search before each move, 0 for the policy alone; `None` for players without a network.
    pub fn visits(&self) -> Option<u32> {
        match self {
            Contender::Random | Contender::Greedy | Contender::AlphaBeta(_) => None,
            Contender::Policy(_) => Some(0),
            Contender::Search(player) => Some(player.visits()),
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
        }
    }
}
