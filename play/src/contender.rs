//! A player on paper: what command lines and tables name, and what makes the players of a match.

use crate::baseline::{GreedyPlayer, RandomPlayer};
use crate::player::Player;
use crate::policy_player::PolicyPlayer;
use crate::search_player::SearchPlayer;

/// A player on paper: each thread of a match gets its own to play with.
#[derive(Clone, Debug)]
pub enum Contender {
    /// Plays any legal move.
    Random,
    /// Mates if it can in one move, else takes the most material; see [`GreedyPlayer`].
    Greedy,
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
    /// What tables and records call it.
    pub fn name(&self) -> &str {
        match self {
            Contender::Random => "random",
            Contender::Greedy => "greedy",
            Contender::Policy(agent) => agent.name(),
            Contender::Search(player) => player.name(),
        }
    }

    /// Visits of a move's search, 0 for the policy alone; nothing for players without a network.
    pub fn visits(&self) -> Option<u32> {
        match self {
            Contender::Random | Contender::Greedy => None,
            Contender::Policy(_) => Some(0),
            Contender::Search(player) => Some(player.visits()),
        }
    }

    /// The player.
    pub fn player(&self) -> Box<dyn Player + Send> {
        match self {
            Contender::Random => Box::new(RandomPlayer),
            Contender::Greedy => Box::new(GreedyPlayer),
            Contender::Policy(agent) => agent.clone(),
            Contender::Search(player) => player.clone(),
        }
    }
}
