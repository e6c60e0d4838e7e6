//! Loss: clipped PPO (Schulman et al. 2017) over legal actions, plus cross-entropy of the outcome, plus squared error of the
//! score in networks with a score head. Where a mate is proved, the policy is taught it. A sample beside the plies is a position of a
//! game that has ended, where only the value head learns, the result; or a lesson, where the policy is taught a mate in one as well.
//!
//! ```text
//! ratio  = exp(log π(a) − log π_old(a))
//! policy = −min(ratio · A, clip(ratio, 1 − ε, 1 + ε) · A)         A normalised over the minibatch
//! kl     = ratio − 1 − log ratio                                  the k3 estimate of KL(π_old ‖ π)
//! mate   = −log π(mate)                                           on plies where a mate is proved, and on lessons
//! value  = −Σ target · log P                                      on every ply, over win, draw and loss
//! past   = −Σ result · log P                                      on positions of games that have ended, and on lessons
//! score  = (score − material / 76)²
//! loss   = policy + kl_coef · kl + mate_coef · mate + vf_coef · value + past_coef · past + score_coef · score − ent_coef · entropy
//! ```

use crate::encoding::Action;
use crate::net::{Wdl, WdlLogits};
use serde::{Deserialize, Serialize};

/// One position to learn from, from the view of the side to move.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Lesson of the policy there.
    pub task: Task<'a>,
    /// Target of the outcome.
    pub target: Wdl,
}

/// Lesson of the policy at a position, of one of three kinds.
#[derive(Clone, Copy, Debug)]
pub enum Task<'a> {
    /// The move that the learner played there, by its advantage.
    Choice(Choice<'a>),
    /// A mate in one at a position beside the learner's plies.
    Mate {
        /// Legal actions of the position.
        legal: &'a [Action],
        /// The action that mates.
        mate: Action,
    },
    /// Nothing: only the value head learns.
    None,
}

impl<'a> Task<'a> {
    /// The move that the learner played.
    pub fn choice(&self) -> Option<Choice<'a>> {
        if let Task::Choice(choice) = *self { Some(choice) } else { None }
    }

    /// Action that mates, in a lesson.
    pub fn lesson(&self) -> Option<Action> {
        if let Task::Mate { mate, .. } = *self { Some(mate) } else { None }
    }

    /// Legal actions of the position; none where the policy learns nothing.
    pub fn legal(&self) -> &'a [Action] {
        match *self {
            Task::Choice(Choice { legal, .. }) | Task::Mate { legal, .. } => legal,
            Task::None => &[],
        }
    }
}

/// Move of the learner, from which its policy learns.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Legal actions of the position.
    pub legal: &'a [Action],
    /// The action played.
    pub action: Action,
    /// Log-probability of the action, in nats, when it was played.
    pub old_log_prob: f32,
    /// Normalised advantage.
    pub advantage: f32,
    /// Action that begins a proved mate, if there is one.
    pub mate: Option<Action>,
}

/// Coefficients of the loss.
#[derive(Clone, Copy, Debug)]
pub struct Coefficients {
    /// ε of the clipped objective.
    pub clip_coef: f32,
    /// Weight of the value loss.
    pub vf_coef: f32,
    /// Weight of the value loss at positions of games that have ended.
    pub past_coef: f32,
    /// Weight of the score loss.
    pub score_coef: f32,
    /// Weight of the entropy bonus.
    pub ent_coef: f32,
    /// Weight of the KL divergence from the policy that played.
    pub kl_coef: f32,
    /// Weight of the loss of proved mates.
    pub mate_coef: f32,
    /// Factor of each sample's loss: one over the plies of the whole minibatch, so that the gradients of its shards add up.
    pub scale: f32,
}

/// Sums of the parts of the loss over some samples, and one maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Number of plies; positions of games that have ended are counted apart.
    pub samples: usize,
    /// Plies where a mate is proved, and `−log π` of its first move there.
    pub mates: usize,
    /// Loss of the proved mates.
    pub mate_loss: f64,
    /// Positions beside the plies: of games that have ended, and lessons.
    pub past: usize,
    /// Cross-entropy of the outcome at these positions.
    pub past_loss: f64,
    /// Those of them that are lessons, and `−log π` of the mate there.
    pub lessons: usize,
    /// Loss of the lessons.
    pub lesson_loss: f64,
    /// Clipped objective, negated.
    pub policy_loss: f64,
    /// Cross-entropy of the outcome.
    pub value_loss: f64,
    /// Squared error of the score; 0 without a score head.
    pub score_loss: f64,
    /// Entropy of the policy over legal actions, in nats.
    pub entropy: f64,
    /// `−log ratio`: the k1 estimate of the KL divergence, in nats.
    pub old_approx_kl: f64,
    /// `ratio − 1 − log ratio`: the k3 estimate, in nats, never negative (Schulman 2020).
    pub approx_kl: f64,
    /// Samples whose ratio is outside the clip range: a number here, a share 0–1 in [`Losses`].
    pub clipfrac: f64,
    /// `|ratio − 1|`.
    pub ratio_error: f64,
    /// Maximum of `|ratio − 1|` over the samples.
    pub max_ratio_error: f64,
}

impl Sums {
    /// Whether every sum is a finite number.
    pub fn is_finite(&self) -> bool {
        let Self {
            policy_loss,
            value_loss,
            score_loss,
            entropy,
            approx_kl,
            max_ratio_error,
            mate_loss,
            past_loss,
            lesson_loss,
            ..
        } = *self;
        let parts = [
            policy_loss,
            value_loss,
            score_loss,
            entropy,
            approx_kl,
            max_ratio_error,
            mate_loss,
            past_loss,
            lesson_loss,
        ];
        parts.into_iter().all(f64::is_finite)
    }

    /// Adds the sums of other samples.
    pub fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.mates += other.mates;
        self.mate_loss += other.mate_loss;
        self.past += other.past;
        self.past_loss += other.past_loss;
        self.lessons += other.lessons;
        self.lesson_loss += other.lesson_loss;
        self.policy_loss += other.policy_loss;
        self.value_loss += other.value_loss;
        self.score_loss += other.score_loss;
        self.entropy += other.entropy;
        self.old_approx_kl += other.old_approx_kl;
        self.approx_kl += other.approx_kl;
        self.clipfrac += other.clipfrac;
        self.ratio_error += other.ratio_error;
        self.max_ratio_error = self.max_ratio_error.max(other.max_ratio_error);
    }

    /// Means over the samples.
    pub fn means(&self) -> Losses {
        let mean = |sum: f64| sum / self.samples.max(1) as f64;
        Losses {
            policy_loss: mean(self.policy_loss),
            value_loss: mean(self.value_loss),
            score_loss: mean(self.score_loss),
            entropy: mean(self.entropy),
            old_approx_kl: mean(self.old_approx_kl),
            approx_kl: mean(self.approx_kl),
            clipfrac: mean(self.clipfrac),
            ratio_error: mean(self.ratio_error),
            max_ratio_error: self.max_ratio_error,
            mates: mean(self.mates as f64),
            mate_loss: self.mate_loss / self.mates.max(1) as f64,
            past_loss: self.past_loss / self.past.max(1) as f64,
            lessons: mean(self.lessons as f64),
            lesson_loss: self.lesson_loss / self.lessons.max(1) as f64,
        }
    }
}

/// Means of [`Sums`] over its samples, under the names of the metrics; those of proved mates and of games that have ended over their
/// own positions.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `Sums`")]
pub struct Losses {
    pub policy_loss: f64,
    pub value_loss: f64,
    pub score_loss: f64,
    pub entropy: f64,
    pub old_approx_kl: f64,
    pub approx_kl: f64,
    pub clipfrac: f64,
    pub ratio_error: f64,
    pub max_ratio_error: f64,
    /// Share of the plies where a mate is proved, 0–1.
    #[serde(default)]
    pub mates: f64,
    #[serde(default)]
    pub mate_loss: f64,
    #[serde(default)]
    pub past_loss: f64,
    /// Lessons for each ply.
    #[serde(default)]
    pub lessons: f64,
    #[serde(default)]
    pub lesson_loss: f64,
}

/// The loss of one sample and its gradient by hand: adds the parts of the loss to `sums`, writes the gradient with respect
/// to the policy's logits, unmasked, into `policy_gradient`, and returns the one with respect to the outcome's logits.
pub fn loss_of_sample(
    sample: &Sample,
    policy: &[f32],
    wdl: WdlLogits,
    c: &Coefficients,
    sums: &mut Sums,
    policy_gradient: &mut [f32],
) -> [f32; 3] {
    policy_gradient.fill(0.0);
    let (value_loss, gradient) = cross_entropy(wdl, sample.target);
    let weight = if let Task::Choice(choice) = &sample.task {
        loss_of_choice(choice, policy, c, sums, policy_gradient);
        sums.value_loss += value_loss;
        c.vf_coef
    } else {
        sums.past += 1;
        sums.past_loss += value_loss;
        c.past_coef
    };
    if let Task::Mate { legal, mate } = sample.task {
        sums.lessons += 1;
        sums.lesson_loss += loss_of_lesson(legal, mate, policy, c.scale * c.mate_coef, policy_gradient);
    }
    gradient.map(|slope| c.scale * weight * slope)
}

/// `−log π` of the mate; writes its gradient, times `weight`, into `gradient`, which holds zeros.
fn loss_of_lesson(legal: &[Action], mate: Action, policy: &[f32], weight: f32, gradient: &mut [f32]) -> f64 {
    let logit = |action: Action| policy[action.index()];
    let highest = legal.iter().fold(f32::NEG_INFINITY, |highest, &action| highest.max(logit(action)));
    let sum: f32 = legal.iter().map(|&action| libm::expf(logit(action) - highest)).sum();
    for &action in legal {
        gradient[action.index()] = weight * libm::expf(logit(action) - highest) / sum;
    }
    gradient[mate.index()] -= weight;
    f64::from(highest + libm::logf(sum) - logit(mate))
}

/// The loss of one choice: adds its parts to `sums` and writes the gradient with respect to the policy's logits into `gradient`,
/// which holds zeros.
fn loss_of_choice(choice: &Choice, policy: &[f32], c: &Coefficients, sums: &mut Sums, gradient: &mut [f32]) {
    let logit = |action: Action| policy[action.index()];
    let highest = choice.legal.iter().fold(f32::NEG_INFINITY, |highest, &action| highest.max(logit(action)));
    // The gradient holds the exponentials until their sum is known.
    let mut sum = 0.0;
    for &action in choice.legal {
        let exp = libm::expf(logit(action) - highest);
        gradient[action.index()] = exp;
        sum += exp;
    }
    let normalizer = highest + libm::logf(sum);
    let new_log_prob = logit(choice.action) - normalizer;
    let log_ratio = new_log_prob - choice.old_log_prob;
    let ratio = libm::expf(log_ratio);

    let unclipped = ratio * choice.advantage;
    let clipped = ratio.clamp(1.0 - c.clip_coef, 1.0 + c.clip_coef) * choice.advantage;
    let policy_loss = -unclipped.min(clipped);
    // Slope with respect to the action's log-probability; 0 where the clipped term is the smaller one, which is constant.
    let mut slope = if unclipped <= clipped { -unclipped } else { 0.0 };
    if c.kl_coef > 0.0 {
        slope += c.kl_coef * (ratio - 1.0);
    }

    let mut entropy = 0.0;
    for &action in choice.legal {
        entropy -= gradient[action.index()] / sum * (logit(action) - normalizer);
    }
    for &action in choice.legal {
        let gradient = &mut gradient[action.index()];
        let prob = *gradient / sum;
        let played = if action == choice.action { 1.0 } else { 0.0 };
        let log_prob = logit(action) - normalizer;
        *gradient = c.scale * (slope * (played - prob) + c.ent_coef * prob * (log_prob + entropy));
        if let Some(mate) = choice.mate {
            let mates = if action == mate { 1.0 } else { 0.0 };
            *gradient += c.scale * c.mate_coef * (prob - mates);
        }
    }

    let deviation = ratio - 1.0;
    sums.add(&Sums {
        samples: 1,
        mates: choice.mate.iter().count(),
        mate_loss: choice.mate.map_or(0.0, |mate| f64::from(normalizer - logit(mate))),
        policy_loss: f64::from(policy_loss),
        entropy: f64::from(entropy),
        old_approx_kl: f64::from(-log_ratio),
        approx_kl: f64::from(deviation - log_ratio),
        clipfrac: if deviation.abs() > c.clip_coef { 1.0 } else { 0.0 },
        ratio_error: f64::from(deviation.abs()),
        max_ratio_error: f64::from(deviation.abs()),
        ..Sums::default()
    });
}

/// Cross-entropy of the outcome, and its gradient with respect to the logits.
fn cross_entropy(WdlLogits(wdl): WdlLogits, target: Wdl) -> (f64, [f32; 3]) {
    let highest = wdl.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let exps = wdl.map(|logit| libm::expf(logit - highest));
    let sum: f32 = exps.iter().sum();
    let target = target.to_array();
    let mass: f32 = target.iter().sum();
    let loss: f32 = wdl.iter().zip(target).map(|(logit, target)| target * (highest + libm::logf(sum) - logit)).sum();
    (f64::from(loss), core::array::from_fn(|i| exps[i] / sum * mass - target[i]))
}

/// The score loss of one sample: adds it to `sums` and returns the gradient with respect to the score.
pub fn loss_of_score(score: f32, target: f32, c: &Coefficients, sums: &mut Sums) -> f32 {
    let error = score - target;
    sums.score_loss += f64::from(error * error);
    2.0 * c.scale * c.score_coef * error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(legal: &[Action], old_log_prob: f32, advantage: f32, target: [f32; 3]) -> Sample<'_> {
        let choice = Choice { legal, action: Action(0), old_log_prob, advantage, mate: None };
        Sample { task: Task::Choice(choice), target: Wdl::from_array(target) }
    }

    fn run(policy: [f32; 3], wdl: [f32; 3], sample: &Sample) -> Sums {
        let mut sums = Sums::default();
        loss_of_sample(sample, &policy, WdlLogits(wdl), &PLAIN, &mut sums, &mut [0.0; 3]);
        sums
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    const PLAIN: Coefficients = Coefficients {
        clip_coef: 0.2,
        vf_coef: 2.0,
        past_coef: 3.0,
        score_coef: 0.25,
        ent_coef: 0.5,
        kl_coef: 0.0,
        mate_coef: 0.0,
        scale: 1.0,
    };

    #[test]
    fn losses_worked_by_hand() {
        // Two legal actions with logits ln 3 and 0: probabilities 3/4 and 1/4; the third is illegal however large.
        let sums =
            run([3f32.ln(), 0.0, 50.0], [0.0; 3], &sample(&[Action(0), Action(1)], 0.5f32.ln(), 2.0, [1.0, 0.0, 0.0]));
        // ratio = 0.75 / 0.5 = 1.5, clipped at 1.2 since the advantage is positive.
        near(sums.policy_loss, -2.4);
        near(sums.value_loss, 3f64.ln());
        let entropy = -(0.75f64 * 0.75f64.ln() + 0.25 * 0.25f64.ln());
        near(sums.entropy, entropy);
        near(sums.old_approx_kl, -(1.5f64.ln()));
        near(sums.approx_kl, 0.5 - 1.5f64.ln());
        near(sums.clipfrac, 1.0);
        near(sums.max_ratio_error, 0.5);
    }

    #[test]
    fn the_loss_of_the_score_worked_by_hand() {
        let mut sums = Sums::default();
        let slope = loss_of_score(0.75, -0.25, &PLAIN, &mut sums);
        near(sums.score_loss, 1.0);
        // score_coef · 2 · error
        near(f64::from(slope), 0.5);
        loss_of_score(-0.5, 0.0, &PLAIN, &mut sums);
        near(sums.score_loss, 1.25);
    }

    #[test]
    fn a_bad_action_is_not_clipped_upwards() {
        // ratio 1.5 with a negative advantage: the unclipped, larger loss counts.
        let sums =
            run([3f32.ln(), 0.0, 0.0], [0.0; 3], &sample(&[Action(0), Action(1)], 0.5f32.ln(), -1.0, [0.0, 1.0, 0.0]));
        near(sums.policy_loss, 1.5);
    }

    #[test]
    fn the_policy_that_played_has_ratio_one() {
        let sums =
            run([7.0, 99.0, 7.0], [1.0, 2.0, 3.0], &sample(&[Action(0), Action(2)], 0.5f32.ln(), 1.0, [0.0, 0.0, 1.0]));
        near(sums.approx_kl, 0.0);
        near(sums.clipfrac, 0.0);
        near(sums.max_ratio_error, 0.0);
    }

    #[test]
    fn a_proved_mate_a_past_game_and_a_lesson_worked_by_hand() {
        let choice = Sample { target: Wdl::DRAW, ..sample(&[Action(0), Action(1)], 0.75f32.ln(), 0.0, [0.0; 3]) };
        let mating = with_mate(choice, Some(Action(1)));
        let c = Coefficients { ent_coef: 0.0, mate_coef: 2.0, ..PLAIN };
        let (mut sums, mut found) = (Sums::default(), [9.0; 3]);
        let policy = [3f32.ln(), 0.0, 50.0];
        loss_of_sample(&mating, &policy, WdlLogits([0.0; 3]), &c, &mut sums, &mut found);
        // The mate has a probability of 1/4.
        near(sums.mate_loss, 4f64.ln());
        near(f64::from(found[0]), 2.0 * 0.75);
        near(f64::from(found[1]), -2.0 * 0.75);
        assert_eq!((sums.samples, sums.mates, sums.past, found[2]), (1, 1, 0, 0.0));
        let past = Sample { task: Task::None, target: Wdl::WIN };
        let slopes = loss_of_sample(&past, &policy, WdlLogits([0.0; 3]), &c, &mut sums, &mut found);
        near(sums.past_loss, 3f64.ln());
        near(f64::from(slopes[0]), -3.0 * 2.0 / 3.0);
        assert_eq!((sums.samples, sums.mates, sums.past, found), (1, 1, 1, [0.0; 3]));
        let lesson = Sample { task: Task::Mate { legal: &[Action(0), Action(1)], mate: Action(1) }, target: Wdl::WIN };
        let slopes = loss_of_sample(&lesson, &policy, WdlLogits([0.0; 3]), &c, &mut sums, &mut found);
        near(sums.lesson_loss, 4f64.ln());
        near(f64::from(found[0]), 2.0 * 0.75);
        near(f64::from(found[1]), -2.0 * 0.75);
        near(f64::from(slopes[0]), -3.0 * 2.0 / 3.0);
        assert_eq!((sums.samples, sums.mates, sums.past, sums.lessons, found[2]), (1, 1, 2, 1, 0.0));
        // Means are over the positions that each part has; lessons are counted for each ply.
        loss_of_sample(&choice, &policy, WdlLogits([0.0; 3]), &c, &mut sums, &mut found);
        let Losses { mates, mate_loss, past_loss, lessons, lesson_loss, value_loss, .. } = sums.means();
        near(mates, 0.5);
        near(lessons, 0.5);
        near(lesson_loss, 4f64.ln());
        near(mate_loss, 4f64.ln());
        near(past_loss, 3f64.ln());
        near(value_loss, 3f64.ln());
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        check_gradient(sample(&[Action(0), Action(1), Action(2)], -1.2, 0.7, [0.2, 0.5, 0.3]), &PLAIN);
        let all = Coefficients { kl_coef: 0.8, mate_coef: 0.6, ..PLAIN };
        for advantage in [0.7, -0.7] {
            let plain = sample(&[Action(0), Action(1), Action(2)], -0.9, advantage, [0.2, 0.5, 0.3]);
            for mate in [None, Some(Action(0)), Some(Action(2))] {
                check_gradient(with_mate(plain, mate), &all);
            }
            check_gradient(Sample { task: Task::None, ..plain }, &all);
            let task = Task::Mate { legal: &[Action(0), Action(2)], mate: Action(2) };
            check_gradient(Sample { task, ..plain }, &all);
        }
    }

    /// The sample, where it is a choice, with this proved mate.
    fn with_mate(sample: Sample, mate: Option<Action>) -> Sample {
        let choice = sample.task.choice().expect("a choice");
        Sample { task: Task::Choice(Choice { mate, ..choice }), ..sample }
    }

    fn check_gradient(sample: Sample, c: &Coefficients) {
        let (policy, wdl) = ([0.3, -0.2, 0.9], [0.1, 0.4, -0.3]);
        let loss = |policy: [f32; 3], wdl: [f32; 3]| {
            let mut sums = Sums::default();
            loss_of_sample(&sample, &policy, WdlLogits(wdl), c, &mut sums, &mut [0.0; 3]);
            let weight = |number: f32| f64::from(number);
            sums.policy_loss + weight(c.vf_coef) * sums.value_loss - weight(c.ent_coef) * sums.entropy
                + weight(c.kl_coef) * sums.approx_kl
                + weight(c.mate_coef) * (sums.mate_loss + sums.lesson_loss)
                + weight(c.past_coef) * sums.past_loss
        };
        let mut found = [0.0; 3];
        let found_wdl = loss_of_sample(&sample, &policy, WdlLogits(wdl), c, &mut Sums::default(), &mut found);
        let step = 1e-2;
        for i in 0..3 {
            let moved = |base: [f32; 3], by: f32| core::array::from_fn(|j| if i == j { base[j] + by } else { base[j] });
            let slope = (loss(moved(policy, step), wdl) - loss(moved(policy, -step), wdl)) / (2.0 * f64::from(step));
            assert!((f64::from(found[i]) - slope).abs() < 1e-3, "policy {i}: {} is not {slope}", found[i]);
            let slope = (loss(policy, moved(wdl, step)) - loss(policy, moved(wdl, -step))) / (2.0 * f64::from(step));
            assert!((f64::from(found_wdl[i]) - slope).abs() < 1e-3, "wdl {i}: {} is not {slope}", found_wdl[i]);
        }
    }
}
