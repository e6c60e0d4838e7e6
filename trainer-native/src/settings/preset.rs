//! Presets: named starting points of the settings.

use super::{NetSection, PpoSection, RunSection, SelfPlaySection, Settings};
use crate::learner::Device;
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
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 5] = [Self::Tiny, Self::Cpu, Self::Gpu, Self::Quick, Self::Overnight];

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
                selfplay: SelfPlaySection { envs: 4096, horizon: 64, ..cpu.selfplay },
                ppo: PpoSection { minibatch: 16384, learning_rate: Schedule::cosine(5e-4, 4e-5, 1.0), ..cpu.ppo },
                run: RunSection { evaluate_plies: 10_000_000, ..cpu.run },
                ..cpu
            },
            Self::Quick => Self::for_this_machine().lasting(15.0),
            Self::Overnight => Self::for_this_machine().lasting(480.0),
        }
    }

    fn lasting(self, minutes: f64) -> Settings {
        let settings = self.settings();
        Settings { run: RunSection { minutes, ..settings.run }, ..settings }
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
        })
    }
}
