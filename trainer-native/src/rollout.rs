//! What self-play hands to the learner, and the two recursions that turn results into targets.
//!
//! A rollout is `envs` rows of `horizon` plies each; slot `env * horizon + t` is ply `t` of a row. Everything in a slot is
//! from the view of the side that moved there, so values change sign from one ply to the next.

use crate::material;
use crate::random::Stream;
use keisei_core::encoding::{Actions, PackedObservation};
use keisei_core::shogi::Game;

/// Probabilities of win, draw and loss for the side to move.
pub type Wdl = [f32; 3];

/// A drawn game, as [`Wdl`].
pub const DRAW: Wdl = [0.0, 1.0, 0.0];

/// `P(win) − P(loss)`.
pub fn value(wdl: Wdl) -> f32 {
    wdl[0] - wdl[2]
}

/// The same outcome seen by the other side.
pub fn flip(wdl: Wdl) -> Wdl {
    [wdl[2], wdl[1], wdl[0]]
}

/// How a ply ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum End {
    /// The game goes on.
    #[default]
    None,
    /// The rules ended the game: nothing follows, the reward says it all.
    Terminated,
    /// The ply limit cut the game: the value of the position reached stands for what would have followed.
    Truncated,
}

/// One ply of self-play.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    /// The position before the move.
    pub observation: PackedObservation,
    /// Where its legal actions stand in [`Rollout::legal`]: start and count.
    pub legal: (u32, u16),
    /// The action played.
    pub action: u16,
    /// Log-probability of that action under the policy that played it.
    pub log_prob: f32,
    /// What the network thought of the position.
    pub wdl: Wdl,
    /// Material balance as a value in (−1, 1): see `material`.
    pub prior: f32,
    /// Material balance as the score head learns it: see `material`.
    pub score: f32,
    /// Reward of the side that moved: 1, 0 or −1 where the game ends, else 0.
    pub reward: f32,
    /// Whether and how the game ended here.
    pub end: End,
    /// Estimates for the position after the move, from *its* side to move. Set where the row or a game is cut.
    pub next: Option<(Wdl, f32)>,
}

/// A batch of self-play, sized once and filled again and again.
#[derive(Debug, Default)]
pub struct Rollout {
    /// Plies of each row.
    pub horizon: usize,
    /// The plies, row by row.
    pub steps: Vec<Step>,
    /// Legal actions of all plies.
    pub legal: Vec<u16>,
    /// Advantage of each ply's action.
    pub advantages: Vec<f32>,
    /// Target of the value head: a categorical λ-return.
    pub targets: Vec<Wdl>,
}

/// What [`Rollout::estimate`] needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Estimation {
    /// Discount a ply, 0–1.
    pub gamma: f32,
    /// λ of the advantages, 0–1.
    pub gae_lambda: f32,
    /// λ of the value targets, 0–1.
    pub value_lambda: f32,
    /// Weight of the material prior in the values that advantages are taken from, 0–1; the network has the rest.
    pub prior_weight: f32,
}

impl Rollout {
    /// Plies of random games in one row, as if a nearly uniform policy had played them, with random advantages and targets:
    /// something to learn from, for tests and benchmarks.
    pub fn of_random_games(plies: usize, actions: Actions, mut stream: Stream) -> Self {
        let mut rollout = Self { horizon: plies, ..Self::default() };
        let mut game = Game::startpos();
        for _ in 0..plies {
            let legal = actions.legal(game.position());
            let played = stream.below(legal.len());
            rollout.steps.push(Step {
                observation: PackedObservation::new(&game),
                legal: (rollout.legal.len() as u32, legal.len() as u16),
                action: legal.actions()[played],
                log_prob: -(legal.len() as f32).ln() + stream.uniform() - 0.5,
                wdl: DRAW,
                prior: 0.0,
                score: material::score(game.position()),
                reward: 0.0,
                end: End::None,
                next: None,
            });
            rollout.legal.extend(legal.actions());
            let win = stream.uniform() / 2.0;
            rollout.targets.push([win, 0.5, 0.5 - win]);
            rollout.advantages.push(2.0 * stream.uniform() - 1.0);
            game.play(legal.moves()[played]);
            if game.outcome().is_some() {
                game = Game::startpos();
            }
        }
        rollout
    }

    /// Legal actions of one ply.
    pub fn legal_of(&self, step: &Step) -> &[u16] {
        let (start, count) = step.legal;
        &self.legal[start as usize..][..usize::from(count)]
    }

    /// Fills [`advantages`](Self::advantages) and [`targets`](Self::targets) row by row.
    pub fn estimate(&mut self, estimation: &Estimation) {
        self.advantages.resize(self.steps.len(), 0.0);
        self.targets.resize(self.steps.len(), DRAW);
        let rows = self.steps.chunks_exact(self.horizon);
        let outputs = self.advantages.chunks_exact_mut(self.horizon).zip(self.targets.chunks_exact_mut(self.horizon));
        for (row, (advantages, targets)) in rows.zip(outputs) {
            negamax_gae(row, estimation, advantages);
            categorical_returns(row, estimation, targets);
        }
    }
}

/// Generalised advantage estimation (Schulman et al. 2016) for two sides that move in turn.
///
/// ```text
/// δ_t = r_t − γ V(s_{t+1}) − V(s_t)          nothing follows a terminated game: V(s_{t+1}) = 0
/// A_t = δ_t − γ λ A_{t+1}                    the trace is cut where a game ends, whether terminated or truncated
/// ```
///
/// The successor is the opponent's position, hence the minus signs. `V` mixes the network's value with the material
/// prior: shaping by a potential is the same as starting the value function at that potential (Wiewiora 2003).
pub fn negamax_gae(row: &[Step], estimation: &Estimation, advantages: &mut [f32]) {
    let Estimation { gamma, gae_lambda, prior_weight, .. } = *estimation;
    let mixed = |wdl: Wdl, prior: f32| (1.0 - prior_weight) * value(wdl) + prior_weight * prior;
    let mut following = 0.0;
    for t in (0..row.len()).rev() {
        let step = &row[t];
        let next_value = match (step.end, step.next, row.get(t + 1)) {
            (End::Terminated, ..) => 0.0,
            (_, Some((wdl, prior)), _) => mixed(wdl, prior),
            (_, None, Some(next)) => mixed(next.wdl, next.prior),
            (_, None, None) => unreachable!("the last ply of a row carries the estimate of what follows"),
        };
        if step.end != End::None {
            following = 0.0;
        }
        let delta = step.reward - gamma * next_value - mixed(step.wdl, step.prior);
        following = delta - gamma * gae_lambda * following;
        advantages[t] = following;
    }
}

/// The λ-return of the whole outcome distribution, so that every ply trains the value head.
///
/// ```text
/// G_t = γ flip((1 − λ) P(s_{t+1}) + λ G_{t+1}) + (1 − γ) draw
/// ```
///
/// A terminated game gives its result; a cut one gives the network's estimate of the position reached. What γ takes away
/// goes to the draw, so that `value(G)` is the discounted scalar return.
pub fn categorical_returns(row: &[Step], estimation: &Estimation, targets: &mut [Wdl]) {
    let Estimation { gamma, value_lambda, .. } = *estimation;
    let blend = |a: Wdl, b: Wdl, weight: f32| std::array::from_fn(|i| (1.0 - weight) * a[i] + weight * b[i]);
    for t in (0..row.len()).rev() {
        let step = &row[t];
        let next: Wdl = match (step.end, step.next, row.get(t + 1)) {
            (End::Terminated, ..) => {
                targets[t] = result(step.reward);
                continue;
            }
            (_, Some((wdl, _)), _) => wdl,
            (_, None, Some(next)) => blend(next.wdl, targets[t + 1], value_lambda),
            (_, None, None) => unreachable!("the last ply of a row carries the estimate of what follows"),
        };
        targets[t] = blend(DRAW, flip(next), gamma);
    }
}

/// The outcome that a final reward stands for.
fn result(reward: f32) -> Wdl {
    if reward > 0.0 {
        [1.0, 0.0, 0.0]
    } else if reward < 0.0 {
        [0.0, 0.0, 1.0]
    } else {
        DRAW
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};
    use keisei_core::shogi::Game;

    fn step(wdl: Wdl) -> Step {
        Step {
            observation: PackedObservation::new(&Game::startpos()),
            legal: (0, 0),
            action: 0,
            log_prob: 0.0,
            wdl,
            prior: 0.0,
            score: 0.0,
            reward: 0.0,
            end: End::None,
            next: None,
        }
    }

    fn random_wdl(stream: &mut Stream) -> Wdl {
        let raw = [stream.uniform() + 0.01, stream.uniform() + 0.01, stream.uniform() + 0.01];
        raw.map(|p| p / raw.iter().sum::<f32>())
    }

    const UNDISCOUNTED: Estimation = Estimation { gamma: 1.0, gae_lambda: 1.0, value_lambda: 1.0, prior_weight: 0.0 };

    fn advantages(row: &[Step], estimation: &Estimation) -> Vec<f32> {
        let mut out = vec![0.0; row.len()];
        negamax_gae(row, estimation, &mut out);
        out
    }

    fn targets(row: &[Step], estimation: &Estimation) -> Vec<Wdl> {
        let mut out = vec![DRAW; row.len()];
        categorical_returns(row, estimation, &mut out);
        out
    }

    fn near(found: f32, expected: f32) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    #[test]
    fn without_discount_every_return_is_the_result_with_alternating_sign_whatever_the_values() {
        for seed in 0..50 {
            let mut stream = Stream::new(seed, Purpose::Sampling, 0, 0);
            let mut row: Vec<Step> = (0..9).map(|_| step(random_wdl(&mut stream))).collect();
            for one in &mut row {
                one.prior = stream.uniform() - 0.5;
            }
            let last = row.last_mut().expect("nine plies");
            (last.reward, last.end) = (1.0, End::Terminated);
            let estimation = Estimation { prior_weight: stream.uniform(), ..UNDISCOUNTED };
            let mixed = |s: &Step| (1.0 - estimation.prior_weight) * value(s.wdl) + estimation.prior_weight * s.prior;
            let (advantages, targets) = (advantages(&row, &estimation), targets(&row, &estimation));
            for (t, one) in row.iter().enumerate() {
                let expected = if (row.len() - 1 - t).is_multiple_of(2) { 1.0 } else { -1.0 };
                near(advantages[t] + mixed(one), expected);
                near(value(targets[t]), expected);
            }
        }
    }

    #[test]
    fn truncation_bootstraps_and_cuts_the_trace() {
        // Ply 0 is truncated into a position its opponent likes by 0.5; ply 1 starts another game and wins at once.
        let mut row = vec![step(DRAW), step(DRAW)];
        row[0].end = End::Truncated;
        row[0].next = Some(([0.5, 0.5, 0.0], 0.0));
        (row[1].reward, row[1].end) = (1.0, End::Terminated);
        let estimation = Estimation { gamma: 0.9, gae_lambda: 0.8, value_lambda: 0.8, prior_weight: 0.0 };
        let found = advantages(&row, &estimation);
        near(found[0], -0.9 * 0.5);
        near(found[1], 1.0);
        assert_eq!(targets(&row, &estimation)[1], [1.0, 0.0, 0.0]);
        near(value(targets(&row, &estimation)[0]), -0.9 * 0.5);
    }

    #[test]
    fn hand_worked_row() {
        // V = 0.2, −0.1 and 0.4 beyond the row; γ = 0.5, λ = 0.5.
        let mut row = vec![step([0.2, 0.8, 0.0]), step([0.0, 0.9, 0.1])];
        row[1].next = Some(([0.4, 0.6, 0.0], 0.0));
        let estimation = Estimation { gamma: 0.5, gae_lambda: 0.5, value_lambda: 0.5, prior_weight: 0.0 };
        let found = advantages(&row, &estimation);
        let last = -0.5 * 0.4 + 0.1; // −0.1
        near(found[1], last);
        near(found[0], 0.5 * 0.1 - 0.2 - 0.25 * last);
        let returns = targets(&row, &estimation);
        near(value(returns[1]), -0.2);
        near(value(returns[0]), -0.5 * (0.5 * -0.1 + 0.5 * -0.2));
        for target in returns {
            near(target.iter().sum(), 1.0);
        }
    }

    #[test]
    fn the_side_that_loses_by_its_own_move_is_told_so() {
        // Perpetual check: the mover's repetition loses.
        let mut row = vec![step(DRAW)];
        (row[0].reward, row[0].end) = (-1.0, End::Terminated);
        near(advantages(&row, &UNDISCOUNTED)[0], -1.0);
        assert_eq!(targets(&row, &UNDISCOUNTED)[0], [0.0, 0.0, 1.0]);
    }
}
