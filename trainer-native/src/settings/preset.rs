//! Presets: named starting points of the settings.

use super::{EstimationSection, NetSection, PpoSection, RunSection, SelfPlaySection, Settings};
use crate::learner::Device;
use keisei_core::encoding::{Actions, Features};
use keisei_core::learn::Schedule;
use std::fmt;

/// Named starting point of the settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Preset {
    /// A run of a few seconds, for tests.
    Tiny,
    /// A small network for two to sixteen CPU cores.
    Cpu,
    /// A larger network and batches for one GPU.
    Gpu,
    /// A quarter of an hour on this machine.
    Quick,
    /// A night of eight hours on this machine.
    Overnight,
    /// Keisei's training of 2025, for comparison: its planes, actions and numbers, a network of nearly its size.
    ///
    /// Not the same: the rules and a value that changes sides (theirs added the opponent's), W/D/L in place of one number, no
    /// batch normalisation, a policy of convolutions.
    #[value(name = "keisei-2025")]
    Keisei2025,
    /// Keisei's training of 2026, for comparison: its planes, actions and numbers, a network of nearly its size.
    ///
    /// Not the same: the rules and advantages that change sides, no batch normalisation, one pooling bias a block without shift, value and score
    /// from a convolution and not from pooled planes, no league.
    #[value(name = "keisei-2026")]
    Keisei2026,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 7] =
        [Self::Tiny, Self::Cpu, Self::Gpu, Self::Quick, Self::Overnight, Self::Keisei2025, Self::Keisei2026];

    /// Preset that suits this build and machine.
    pub fn for_this_machine() -> Self {
        if Device::of_this_build() == Device::Cpu { Self::Cpu } else { Self::Gpu }
    }

    /// Settings of the preset.
    pub fn settings(self) -> Settings {
        let cpu = Settings::default();
        match self {
            Self::Cpu => cpu,
            Self::Tiny => Settings {
                net: NetSection { channels: 8, blocks: 1, value_channels: 2, value_hidden: 8, ..cpu.net },
                selfplay: SelfPlaySection {
                    envs: 8,
                    horizon: 8,
                    max_plies: 60,
                    first_opening_plies: 40,
                    ..cpu.selfplay
                },
                ppo: PpoSection { minibatch: 32, ..cpu.ppo },
                run: RunSection {
                    plies: 256,
                    minutes: 0.0,
                    checkpoint_plies: 64,
                    checkpoint_minutes: 0.0,
                    evaluate_plies: 0,
                    ..cpu.run
                },
                ..cpu
            },
            Self::Gpu => Settings {
                net: NetSection { channels: 128, blocks: 8, value_channels: 8, value_hidden: 128, ..cpu.net },
                // Lessons were measured with small networks only.
                selfplay: SelfPlaySection { envs: 4096, horizon: 64, mate_lessons: 0, ..cpu.selfplay },
                ppo: PpoSection {
                    minibatch: 16384,
                    mate_coef: 4.0,
                    learning_rate: Schedule::cosine(5e-4, 4e-5, 1.0),
                    ..cpu.ppo
                },
                run: RunSection { evaluate_plies: 10_000_000, ..cpu.run },
                ..cpu
            },
            Self::Quick => Self::for_this_machine().lasting(15.0),
            Self::Overnight => Self::for_this_machine().lasting(480.0),
            Self::Keisei2025 => Settings {
                seed: 42,
                net: NetSection {
                    features: Features::Core46Keisei2025.id().to_owned(),
                    actions: Actions::Flat13527Keisei2025.id().to_owned(),
                    channels: 256,
                    blocks: 9,
                    value_channels: 2,
                    se_ratio: 0.25,
                    ..cpu.net
                },
                selfplay: SelfPlaySection { envs: 1, horizon: 2048, max_plies: 500, ..from_the_start() },
                estimation: EstimationSection {
                    gamma: 0.99,
                    gae_lambda: 0.95,
                    value_lambda: 0.95,
                    prior_weight: constant(0.0),
                    ..cpu.estimation
                },
                ppo: PpoSection {
                    epochs: 10,
                    minibatch: 64,
                    vf_coef: 0.5,
                    ent_coef: constant(0.01),
                    learning_rate: constant(3e-4),
                    max_grad_norm: 0.5,
                    target_kl: NO_TARGET_KL,
                    mate_coef: 0.0,
                    ..cpu.ppo
                },
                run: RunSection {
                    plies: 500_000,
                    minutes: 0.0,
                    checkpoint_plies: 10_000,
                    evaluate_plies: 50_000,
                    ..cpu.run
                },
                ..cpu
            },
            Self::Keisei2026 => Settings {
                seed: 42,
                net: NetSection {
                    features: Features::Katago50.id().to_owned(),
                    actions: Actions::Spatial11259.id().to_owned(),
                    channels: 128,
                    blocks: 10,
                    value_hidden: 128,
                    se_ratio: 0.125,
                    pool_hidden: 64,
                    score_hidden: 64,
                    ..cpu.net
                },
                selfplay: SelfPlaySection { envs: 256, horizon: 512, max_plies: 512, ..from_the_start() },
                estimation: EstimationSection {
                    gamma: 0.99,
                    gae_lambda: 0.95,
                    // Results alone are its labels of values.
                    value_lambda: 1.0,
                    prior_weight: constant(0.1),
                    ..cpu.estimation
                },
                ppo: PpoSection {
                    epochs: 4,
                    minibatch: 2048,
                    vf_coef: 1.5,
                    ent_coef: Schedule::linear(0.05, 0.01, 0.25),
                    learning_rate: constant(2e-4),
                    target_kl: NO_TARGET_KL,
                    mate_coef: 0.0,
                    ..cpu.ppo
                },
                // A thousand of its epochs.
                run: RunSection {
                    plies: 131_072_000,
                    minutes: 0.0,
                    checkpoint_plies: 13_107_200,
                    evaluate_plies: 13_107_200,
                    ..cpu.run
                },
                ..cpu
            },
        }
    }

    fn lasting(self, minutes: f64) -> Settings {
        let settings = self.settings();
        Settings { run: RunSection { minutes, ..settings.run }, ..settings }
    }
}

/// Divergence that no update reaches: Keisei does not stop at one.
const NO_TARGET_KL: f32 = 1e6;

/// Schedule of a number that stays.
fn constant(number: f32) -> Schedule {
    Schedule::linear(number, number, 1.0)
}

/// Self-play whose games all begin at the starting position, and where nobody looks for mates, as in Keisei.
fn from_the_start() -> SelfPlaySection {
    SelfPlaySection {
        opening_plies: 0,
        first_opening_plies: 0,
        mate_plies: 0,
        mate_lessons: 0,
        ..SelfPlaySection::default()
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Tiny => "tiny",
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Quick => "quick",
            Self::Overnight => "overnight",
            Self::Keisei2025 => "keisei-2025",
            Self::Keisei2026 => "keisei-2026",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trainer::Trainer;
    use clap::ValueEnum;

    #[test]
    fn the_presets_of_keisei_learn() {
        for (preset, weights, actions) in [(Preset::Keisei2025, 11.5e6, 13_527), (Preset::Keisei2026, 3.48e6, 11_259)] {
            let mut settings = preset.settings();
            assert_eq!(settings.spec().actions(), actions, "{preset}");
            let found = settings.spec().parameters() as f64;
            assert!((found / weights - 1.0).abs() < 0.2, "{preset}: {found} weights");
            // A few plies in place of thousands, and few passes.
            (settings.selfplay.envs, settings.selfplay.horizon) = (2, 3);
            (settings.ppo.epochs, settings.ppo.minibatch) = (1, 6);
            let mut trainer = Trainer::fresh(settings).expect("a trainer");
            for iteration in 1..=2u64 {
                let report = trainer.iterate(0.0).expect("an iteration");
                assert_eq!((trainer.done.plies, report.update.steps), (6 * iteration, 1), "{preset}");
                assert!(report.update.losses.value_loss.is_finite(), "{preset}");
            }
        }
    }

    #[test]
    fn the_command_line_knows_presets_by_the_names_that_are_printed() {
        for preset in Preset::ALL {
            let value = preset.to_possible_value().expect("none is hidden");
            assert_eq!(value.get_name(), preset.to_string());
        }
    }
}
