//! Games advanced together: every core plays its share of them against itself, one batched forward pass a ply.

use crate::learner::{Actor, Learner};
use crate::material;
use crate::random::{Purpose, Stream};
use crate::rollout::{self, End, Rollout, Step, Wdl};
use crate::settings::SelfPlaySection;
use anyhow::{Context, Result, bail};
use keisei_core::encoding::{Actions, LegalActions, PackedObservation};
use keisei_core::format::record::{PlyInfo, Record};
use keisei_core::net::{Weights, softmax3};
use keisei_core::search::policy;
use keisei_core::shogi::{Color, Game, GameResult, Move, Outcome, Position, Reason};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The games of self-play.
pub struct SelfPlay {
    config: SelfPlaySection,
    actions: Actions,
    seed: u64,
    envs: Vec<Env>,
}

/// One slot of games.
struct Env {
    game: Game,
    /// Games started in this slot, this one included.
    started: u64,
    /// Random plies at the start of this game.
    opening: usize,
    /// What the network thought at each ply since the opening.
    thoughts: Vec<PlyInfo>,
}

/// A slot of games as a checkpoint holds it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EnvState {
    start: String,
    moves: Vec<u16>,
    started: u64,
    opening: u32,
}

/// What happened in one collection, besides the rollout.
#[derive(Default)]
pub struct Collected {
    /// Games that ended, by reason.
    pub reasons: BTreeMap<&'static str, u64>,
    /// Lengths of those games in plies.
    pub lengths: Vec<u16>,
    /// Wins of Black, wins of White, draws.
    pub results: [u64; 3],
    /// A sample of those games.
    pub records: Vec<Record>,
    /// Normalised entropy H / ln(legal moves), summed over plies with a choice, and their count.
    normalized_entropy: (f64, u64),
}

impl Collected {
    /// Games that ended.
    pub fn games(&self) -> u64 {
        self.lengths.len() as u64
    }

    /// Mean of H / ln(legal moves) over the plies with a choice.
    pub fn mean_entropy(&self) -> f64 {
        let (sum, choices) = self.normalized_entropy;
        sum / choices.max(1) as f64
    }

    fn absorb(&mut self, other: Collected) {
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.lengths.extend(other.lengths);
        for (sum, count) in self.results.iter_mut().zip(other.results) {
            *sum += count;
        }
        self.records.extend(other.records);
        self.normalized_entropy.0 += other.normalized_entropy.0;
        self.normalized_entropy.1 += other.normalized_entropy.1;
    }
}

impl SelfPlay {
    /// Starts all games; their random openings differ in length, so that they do not run in step.
    pub fn new(config: &SelfPlaySection, actions: Actions, seed: u64) -> Self {
        let envs = (0..config.envs).map(|slot| Env::start(config, seed, slot as u64, 0)).collect();
        Self { config: config.clone(), actions, seed, envs }
    }

    /// The current position of the first game, to look at.
    pub fn first_game(&self) -> &Game {
        &self.envs[0].game
    }

    /// The games as a checkpoint holds them.
    pub fn state(&self) -> Vec<EnvState> {
        let state = |env: &Env| EnvState {
            start: env.game.start().to_sfen(),
            moves: env.game.moves().iter().map(|mv| mv.to_u16()).collect(),
            started: env.started,
            opening: env.opening as u32,
        };
        self.envs.iter().map(state).collect()
    }

    /// Takes up the games of a checkpoint.
    ///
    /// # Errors
    /// Names the first game that the rules refuse, or a count of games that the configuration does not have.
    pub fn restore(&mut self, states: &[EnvState]) -> Result<()> {
        if states.len() != self.envs.len() {
            bail!("the checkpoint holds {} games, selfplay.envs is {}", states.len(), self.envs.len());
        }
        for (slot, (env, state)) in self.envs.iter_mut().zip(states).enumerate() {
            *env =
                Env::restore(state, self.config.max_plies).with_context(|| format!("game {slot} of the checkpoint"))?;
        }
        Ok(())
    }

    /// Plays `horizon` plies in every game with the policy of `weights`, run where `learner` computes, and fills
    /// `rollout` with them.
    ///
    /// The rollout does not depend on `threads`; which games are kept as records does.
    ///
    /// # Errors
    /// If the network puts out something that is not a finite number, or the device fails.
    ///
    /// # Panics
    /// If a thread does.
    pub fn collect(
        &mut self,
        learner: &dyn Learner,
        weights: &Weights,
        iteration: u64,
        threads: usize,
        rollout: &mut Rollout,
    ) -> Result<Collected> {
        let share = self.envs.len().div_ceil(threads.max(1));
        let player = |first: usize| Player {
            config: &self.config,
            actions: self.actions,
            seed: self.seed,
            iteration,
            first,
            actor: learner.actor(weights),
        };
        let players: Vec<Player> = (0..self.envs.len()).step_by(share).map(player).collect();
        let shares: Result<Vec<Share>> = std::thread::scope(|scope| {
            let workers: Vec<_> = players
                .into_iter()
                .zip(self.envs.chunks_mut(share))
                .map(|(player, envs)| scope.spawn(move || player.play(envs)))
                .collect();
            workers.into_iter().map(|worker| worker.join().expect("a self-play thread does not panic")).collect()
        });

        rollout.horizon = self.config.horizon;
        rollout.steps.clear();
        rollout.legal.clear();
        let mut collected = Collected::default();
        for share in shares? {
            let offset = rollout.legal.len() as u32;
            rollout.legal.extend(share.legal);
            rollout.steps.extend(share.steps.into_iter().map(|mut step| {
                step.legal.0 += offset;
                step
            }));
            collected.absorb(share.collected);
        }
        Ok(collected)
    }
}

impl Env {
    fn start(config: &SelfPlaySection, seed: u64, slot: u64, started: u64) -> Self {
        let mut stream = Stream::new(seed, Purpose::Opening, slot, started);
        // The very first games get longer openings: it spreads them over the phases of a game.
        let longest = if started == 0 { config.first_opening_plies } else { config.opening_plies };
        loop {
            let mut game = Game::new(Position::startpos(), config.max_plies);
            let opening = stream.below(longest + 1);
            for _ in 0..opening {
                let moves = game.position().legal_moves();
                if game.outcome().is_some() || moves.is_empty() {
                    break;
                }
                game.play(moves[stream.below(moves.len())]);
            }
            if game.outcome().is_none() {
                let opening = game.moves().len();
                return Self { game, started: started + 1, opening, thoughts: Vec::new() };
            }
        }
    }

    fn restore(state: &EnvState, max_plies: u16) -> Result<Self> {
        let start = Position::from_sfen(&state.start).with_context(|| format!("start {}", state.start))?;
        let mut game = Game::new(start, max_plies);
        for (ply, &bits) in state.moves.iter().enumerate() {
            let mv = Move::from_u16(bits).with_context(|| format!("ply {}: {bits} is not a move", ply + 1))?;
            game.try_play(mv).with_context(|| format!("ply {}: {mv}", ply + 1))?;
        }
        if let Some(outcome) = game.outcome() {
            bail!("ply {}: it is over, {}, and cannot go on", state.moves.len(), outcome.reason);
        }
        Ok(Self { game, started: state.started, opening: state.opening as usize, thoughts: Vec::new() })
    }

    /// The finished game, if all of its thoughts are known (not after a resume in its middle).
    fn record(&mut self) -> Option<Record> {
        let plies = self.game.moves().len();
        if self.thoughts.len() + self.opening != plies {
            return None;
        }
        // Nobody thought about the random opening.
        let mut infos = vec![PlyInfo { value: None, top: Vec::new() }; self.opening];
        infos.append(&mut self.thoughts);
        Some(Record::of_game(&self.game, "self-play", "self-play", infos))
    }
}

/// One thread's part of a collection.
struct Player<'a> {
    config: &'a SelfPlaySection,
    actions: Actions,
    seed: u64,
    iteration: u64,
    /// Slot of its first game.
    first: usize,
    actor: Box<dyn Actor + Send>,
}

struct Share {
    steps: Vec<Step>,
    legal: Vec<u16>,
    collected: Collected,
}

/// What the network said of one batch.
struct Forward {
    /// Logits of the legal actions, one position's after the other's.
    logits: Vec<f32>,
    /// `[batch, 3]`.
    wdl: Vec<f32>,
}

impl Player<'_> {
    fn play(mut self, envs: &mut [Env]) -> Result<Share> {
        let horizon = self.config.horizon;
        let mut streams: Vec<Stream> = (0..envs.len())
            .map(|i| Stream::new(self.seed, Purpose::Sampling, self.iteration, (self.first + i) as u64))
            .collect();
        let mut rows: Vec<Vec<Step>> = envs.iter().map(|_| Vec::with_capacity(horizon)).collect();
        let mut legal = Vec::new();
        let mut collected = Collected::default();
        // Positions whose value stands in for what follows a cut: row, ply, position, prior.
        let mut tails: Vec<(usize, usize, PackedObservation, f32)> = Vec::new();
        let mut forward = Forward { logits: Vec::new(), wdl: vec![0.0; 3 * envs.len()] };

        for t in 0..horizon {
            let observations: Vec<PackedObservation> =
                envs.iter().map(|env| PackedObservation::new(&env.game)).collect();
            let choices: Vec<LegalActions> = envs.iter().map(|env| self.actions.legal(env.game.position())).collect();
            let actions: Vec<&[u16]> = choices.iter().map(LegalActions::actions).collect();
            self.forward(&observations, &actions, &mut forward)?;
            let mut logits = forward.logits.as_mut_slice();
            for (i, (env, choices)) in envs.iter_mut().zip(&choices).enumerate() {
                let wdl = softmax3([forward.wdl[3 * i], forward.wdl[3 * i + 1], forward.wdl[3 * i + 2]]);
                let probabilities = logits.split_off_mut(..choices.len()).expect("a logit for each legal action");
                policy::softmax(probabilities, 1.0);
                let chosen = policy::draw(probabilities, streams[i].uniform());
                note_entropy(probabilities, &mut collected.normalized_entropy);
                env.thoughts.push(thought(wdl, probabilities, choices));

                let mover = env.game.position().side_to_move();
                let prior = material::prior(env.game.position());
                let score = material::score(env.game.position());
                env.game.play(choices.moves()[chosen]);
                // A side that may declare a win does so at once.
                let outcome = env.game.outcome().or_else(|| env.game.declare().ok());
                let (reward, end) = judge(outcome, mover);
                rows[i].push(Step {
                    observation: observations[i],
                    legal: (legal.len() as u32, choices.len() as u16),
                    action: choices.actions()[chosen],
                    log_prob: probabilities[chosen].ln(),
                    wdl,
                    prior,
                    score,
                    reward,
                    end,
                    next: None,
                });
                legal.extend_from_slice(choices.actions());
                if end == End::Truncated || (end == End::None && t + 1 == horizon) {
                    let position = env.game.position();
                    tails.push((i, t, PackedObservation::new(&env.game), material::prior(position)));
                }
                if let Some(outcome) = outcome {
                    self.finish(env, outcome, &mut collected);
                    let slot = (self.first + i) as u64;
                    *env = Env::start(self.config, self.seed, slot, env.started);
                }
            }
        }
        self.estimate_tails(&tails, &mut forward, &mut rows)?;
        Ok(Share { steps: rows.into_iter().flatten().collect(), legal, collected })
    }

    /// Asks the network about the positions in which rows and games were cut.
    fn estimate_tails(
        &mut self,
        tails: &[(usize, usize, PackedObservation, f32)],
        forward: &mut Forward,
        rows: &mut [Vec<Step>],
    ) -> Result<()> {
        let batch = forward.wdl.len() / 3;
        for part in tails.chunks(batch) {
            let observations: Vec<PackedObservation> = part.iter().map(|&(_, _, observation, _)| observation).collect();
            self.forward(&observations, &[], forward)?;
            for (&(row, t, _, prior), logits) in part.iter().zip(forward.wdl.chunks_exact(3)) {
                rows[row][t].next = Some((softmax3([logits[0], logits[1], logits[2]]), prior));
            }
        }
        Ok(())
    }

    fn forward(&mut self, observations: &[PackedObservation], legal: &[&[u16]], out: &mut Forward) -> Result<()> {
        let Forward { logits, wdl } = out;
        self.actor.evaluate(observations, legal, logits, &mut wdl[..3 * observations.len()])?;
        if !logits.iter().chain(wdl.iter()).all(|logit| logit.is_finite()) {
            bail!(
                "iteration {}: the network's output is not finite; its weights have grown too large",
                self.iteration + 1
            );
        }
        Ok(())
    }

    fn finish(&self, env: &mut Env, outcome: Outcome, collected: &mut Collected) {
        *collected.reasons.entry(reason_name(outcome.reason)).or_default() += 1;
        collected.lengths.push(env.game.moves().len() as u16);
        match outcome.result {
            GameResult::Win(Color::Black) => collected.results[0] += 1,
            GameResult::Win(Color::White) => collected.results[1] += 1,
            GameResult::Draw => collected.results[2] += 1,
            GameResult::Truncated => {}
        }
        if collected.records.len() < self.config.records_per_thread
            && let Some(record) = env.record()
        {
            collected.records.push(record);
        }
    }
}

/// Name of a reason in the metrics.
fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Checkmate => "checkmate",
        Reason::NoLegalMove => "no_legal_move",
        Reason::Repetition => "repetition",
        Reason::PerpetualCheck => "perpetual_check",
        Reason::Declaration => "declaration",
        Reason::Resignation => "resignation",
        Reason::MaxPlies => "max_plies",
    }
}

/// Reward of the side that moved, and how the ply ended.
fn judge(outcome: Option<Outcome>, mover: Color) -> (f32, End) {
    match outcome.map(|outcome| outcome.result) {
        None => (0.0, End::None),
        Some(GameResult::Win(winner)) => (if winner == mover { 1.0 } else { -1.0 }, End::Terminated),
        Some(GameResult::Draw) => (0.0, End::Terminated),
        Some(GameResult::Truncated) => (0.0, End::Truncated),
    }
}

fn note_entropy(probabilities: &[f32], (sum, count): &mut (f64, u64)) {
    if probabilities.len() > 1 {
        let entropy: f32 = probabilities.iter().filter(|&&p| p > 0.0).map(|&p| -p * p.ln()).sum();
        *sum += f64::from(entropy) / (probabilities.len() as f64).ln();
        *count += 1;
    }
}

/// What a record keeps of a ply.
fn thought(wdl: Wdl, probabilities: &[f32], choices: &LegalActions) -> PlyInfo {
    const KEPT: usize = 3;
    let top = policy::top(probabilities, KEPT).into_iter().map(|(i, p)| (choices.moves()[i], p)).collect();
    PlyInfo { value: Some(rollout::value(wdl)), top }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::CpuLearner;
    use crate::settings::Preset;
    use keisei_core::encoding::Features;
    use keisei_core::net::NetSpec;

    /// Short games that end in every way, in more slots than threads.
    fn config() -> SelfPlaySection {
        SelfPlaySection {
            envs: 5,
            horizon: 200,
            max_plies: 160,
            opening_plies: 20,
            first_opening_plies: 100,
            records_per_thread: 1,
        }
    }

    fn start(config: &SelfPlaySection) -> SelfPlay {
        SelfPlay::new(config, Actions::Dest2187, 7)
    }

    fn weights() -> Weights {
        let spec: NetSpec = Preset::Tiny.settings().spec();
        Weights::init(&spec, 3).expect("a valid network")
    }

    fn learner() -> CpuLearner {
        CpuLearner::new(Features::Attack96, Actions::Dest2187, 1)
    }

    fn collect(selfplay: &mut SelfPlay, iteration: u64, threads: usize) -> (Rollout, Collected) {
        let mut rollout = Rollout::default();
        let collected = selfplay.collect(&learner(), &weights(), iteration, threads, &mut rollout).expect("finite");
        (rollout, collected)
    }

    /// The steps with their legal actions; where those are stored depends on the threads.
    fn rows(rollout: &Rollout) -> Vec<(Step, Vec<u16>)> {
        let row = |step: &Step| (Step { legal: (0, 0), ..*step }, rollout.legal_of(step).to_vec());
        rollout.steps.iter().map(row).collect()
    }

    #[test]
    fn rows_are_the_games_ply_by_ply() {
        let config = config();
        let mut selfplay = start(&config);
        let mut games: Vec<Env> = start(&config).envs;
        let mut ends = BTreeMap::new();
        for iteration in 0..2 {
            let (rollout, collected) = collect(&mut selfplay, iteration, 2);
            assert_eq!(rollout.steps.len(), config.envs * config.horizon);
            for (slot, row) in rollout.steps.chunks(config.horizon).enumerate() {
                let env = &mut games[slot];
                for (t, step) in row.iter().enumerate() {
                    let position = env.game.position().clone();
                    assert_eq!(step.observation, PackedObservation::new(&env.game));
                    let choices = Actions::Dest2187.legal(&position);
                    assert_eq!(rollout.legal_of(step), choices.actions());
                    let mv = Actions::Dest2187.to_move(&position, step.action).expect("a legal action");
                    assert!(step.log_prob <= 0.0 && step.log_prob.is_finite());
                    assert!((step.wdl.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                    assert_eq!(step.score, material::balance(&position, position.side_to_move()) / 76.0);
                    env.game.play(mv);
                    let outcome = env.game.outcome().or_else(|| env.game.declare().ok());
                    assert_eq!((step.reward, step.end), judge(outcome, position.side_to_move()));
                    assert!(step.reward == 0.0 || step.end == End::Terminated);
                    let cut = step.end == End::Truncated || (step.end == End::None && t + 1 == row.len());
                    assert_eq!(step.next.is_some(), cut, "slot {slot}, ply {t}");
                    if let Some(outcome) = outcome {
                        *ends.entry(reason_name(outcome.reason)).or_insert(0) += 1;
                        *env = Env::start(&config, 7, slot as u64, env.started);
                    }
                }
            }
            for record in collected.records {
                let bytes = keisei_core::format::record::to_bytes(&[record]).expect("a game by the rules");
                keisei_core::format::record::from_bytes(&bytes).expect("a game by the rules");
            }
        }
        assert!(ends.contains_key("checkmate") && ends.contains_key("max_plies"), "not every end was met: {ends:?}");
    }

    #[test]
    fn the_number_of_threads_does_not_matter() {
        let collected = |threads| {
            let mut selfplay = start(&config());
            let (rollout, collected) = collect(&mut selfplay, 0, threads);
            (rows(&rollout), collected.reasons, collected.results, selfplay.state())
        };
        let one = collected(1);
        for threads in [2, 3, 5, 64] {
            assert!(collected(threads) == one, "{threads} threads play other games");
        }
    }

    #[test]
    fn games_taken_up_go_on_as_if_never_put_down() {
        let mut played = start(&config());
        collect(&mut played, 0, 2);
        let mut restored = start(&config());
        restored.restore(&played.state()).expect("games by the rules");
        assert!(restored.state() == played.state());
        let (a, b) = (collect(&mut played, 1, 2).0, collect(&mut restored, 1, 2).0);
        assert!(rows(&a) == rows(&b));
        assert!(restored.state() == played.state());
    }

    #[test]
    fn games_that_cannot_go_on_are_refused() {
        let check = |change: fn(&mut Vec<EnvState>), message: &str| {
            let mut states = start(&config()).state();
            change(&mut states);
            let error = format!("{:#}", start(&config()).restore(&states).expect_err(message));
            assert!(error.contains(message), "{error}");
        };
        check(|states| states.truncate(4), "4 games, selfplay.envs is 5");
        check(|states| states[1].start = "9/9 b - 1".into(), "game 1 of the checkpoint: start 9/9 b - 1");
        check(|states| states[2].moves = vec![u16::MAX], "game 2 of the checkpoint: ply 1");
        check(|states| states[0].moves.extend_from_within(..1), "game 0 of the checkpoint: ply");
        check(
            |states| {
                states[0].start = "8k/9/8P/9/9/9/9/9/K8 b G 1".into();
                states[0].moves = vec!["G*1b".parse::<Move>().expect("a move").to_u16()];
            },
            "it is over, checkmate",
        );
    }

    #[test]
    fn the_shortest_settings_play() {
        let config = SelfPlaySection {
            envs: 1,
            horizon: 1,
            max_plies: 1,
            opening_plies: 0,
            first_opening_plies: 0,
            records_per_thread: 0,
        };
        let mut selfplay = start(&config);
        let (mut rollout, collected) = collect(&mut selfplay, 0, 3);
        assert_eq!((rollout.steps.len(), rollout.steps[0].end, collected.games()), (1, End::Truncated, 1));
        rollout.estimate(&rollout::Estimation { gamma: 1.0, gae_lambda: 1.0, value_lambda: 1.0, prior_weight: 1.0 });
        assert!(rollout.advantages[0].is_finite());
    }

    #[test]
    fn a_broken_network_is_an_error() {
        let mut weights = weights();
        weights.data_mut().fill(f32::NAN);
        let collected = start(&config()).collect(&learner(), &weights, 4, 2, &mut Rollout::default());
        let error = collected.err().expect("refused");
        assert!(error.to_string().contains("iteration 5: the network's output is not finite"), "{error}");
    }
}
