//! The planes of the original Keisei, for comparison with it: equal to its own output bit for bit.
//!
//! Two programs bear the name, *Keisei 2025* (tachyon-beep/shogidrl) and *Keisei 2026* (tachyon-beep/keisei); they differ
//! in the scale of the hand planes and in the clamp of the ply plane.
//!
//! | plane | content, from the side to move                                                           |
//! |-------|------------------------------------------------------------------------------------------|
//! | 0–13  | own pieces by kind, in the order of `PieceType::ALL`                                     |
//! | 14–27 | opponent's pieces by kind                                                                |
//! | 28–34 | own hand by hand kind: count / scale, on the whole plane                                 |
//! | 35–41 | opponent's hand                                                                          |
//! | 42    | 1 on the whole plane if Black is to move                                                 |
//! | 43    | plies played / ply limit                                                                 |
//! | 44–46 | `katago50` only: 1 on the whole plane if this is the 2nd, 3rd, 4th occurrence            |
//! | 47    | 0                                                                                        |
//! | 48    | `katago50` only: 1 on the whole plane if the side to move is in check                    |
//! | 49    | 0                                                                                        |

use super::PackedObservation;
use super::expand::PlaneWriter;
use crate::shogi::Color;

/// The program whose scales a set of compatibility planes has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Keisei2025,
    Keisei2026,
}

impl Version {
    /// Count of each hand kind at which its plane is 1.
    fn hand_scale(self) -> [f32; 7] {
        match self {
            Self::Keisei2025 => [18.0; 7],
            Self::Keisei2026 => [18.0, 4.0, 4.0, 4.0, 4.0, 2.0, 2.0],
        }
    }

    fn ply(self, plies: u16, max_plies: u16) -> f32 {
        if max_plies == 0 {
            return 0.0;
        }
        let ratio = f32::from(plies) / f32::from(max_plies);
        match self {
            Self::Keisei2025 => ratio,
            Self::Keisei2026 => ratio.min(1.0),
        }
    }
}

/// Writes planes 0–43.
fn expand_common(version: Version, observation: &PackedObservation, planes: &mut impl PlaneWriter) {
    planes.pieces(observation);
    let scale = version.hand_scale();
    for hand in observation.hands() {
        for (&count, scale) in hand.iter().zip(scale) {
            planes.uniform(f32::from(count) / scale);
        }
    }
    planes.flag(observation.side_to_move() == Color::Black);
    planes.uniform(version.ply(observation.plies(), observation.max_plies()));
}

pub(super) fn expand_core46(version: Version, observation: &PackedObservation, planes: &mut impl PlaneWriter) {
    expand_common(version, observation, planes);
    planes.flag(false);
    planes.flag(false);
}

pub(super) fn expand_katago50(observation: &PackedObservation, planes: &mut impl PlaneWriter) {
    expand_common(Version::Keisei2026, observation, planes);
    for occurrence in 2..=4 {
        planes.flag(observation.repetition() == occurrence);
    }
    planes.flag(false);
    planes.flag(observation.in_check());
    planes.flag(false);
}
