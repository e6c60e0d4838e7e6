//! Guard: what is done when learning gives numbers that are not finite.

use serde::{Deserialize, Serialize};

/// Updates without a finite gradient, in a row, after which the run goes back to a checkpoint.
const BARREN: u32 = 3;

/// Returns to a checkpoint after which the run ends.
const RESTORES: u32 = 3;

/// State of the guard, part of a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Guard {
    /// Updates without a finite gradient since the last one that had one.
    pub barren: u32,
    /// Times that the learning rate was halved.
    pub halvings: u32,
    /// Times that the run went back to a checkpoint.
    pub restores: u32,
}

/// Step that the guard takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remedy {
    /// None: all is well.
    Nothing,
    /// The update is left out.
    Skip,
    /// The learning rate is halved, for the rest of the run.
    Halve,
    /// The run goes back to its last good checkpoint, with the learning rate halved.
    Restore,
    /// The run ends.
    Stop,
}

impl Guard {
    /// Factor on the learning rate.
    pub fn rate(&self) -> f32 {
        0.5f32.powi(self.halvings as i32)
    }

    /// The remedy after an update that had a finite gradient, or had none.
    pub fn after_update(&mut self, is_sound: bool) -> Remedy {
        if is_sound {
            self.barren = 0;
            return Remedy::Nothing;
        }
        self.barren += 1;
        match self.barren {
            1 => Remedy::Skip,
            BARREN.. => self.broken(),
            _ => {
                self.halvings += 1;
                Remedy::Halve
            }
        }
    }

    /// The remedy once the network's output is not finite, or updates stay without a gradient.
    pub fn broken(&mut self) -> Remedy {
        self.barren = 0;
        if self.restores == RESTORES {
            return Remedy::Stop;
        }
        self.restores += 1;
        self.halvings += 1;
        Remedy::Restore
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_grow_until_the_run_ends() {
        use Remedy::{Halve, Nothing, Restore, Skip, Stop};
        let mut guard = Guard::default();
        assert_eq!([true, false, true, false].map(|sound| guard.after_update(sound)), [Nothing, Skip, Nothing, Skip]);
        assert_eq!((guard.after_update(false), guard.rate()), (Halve, 0.5));
        assert_eq!((guard.after_update(false), guard.rate(), guard.barren), (Restore, 0.25, 0));
        assert_eq!((guard.broken(), guard.broken()), (Restore, Restore));
        assert_eq!([false, false, false].map(|sound| guard.after_update(sound)), [Skip, Halve, Stop]);
    }
}
