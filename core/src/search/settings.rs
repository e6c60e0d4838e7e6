//! Settings of the search, with their defaults.

use core::fmt;

use super::mate;

/// Settings of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Visits of the root, those kept from an earlier move included, after which the search is finished; 1 is the
    /// policy's move. `u32::MAX` sets no limit.
    pub visits: u32,
    /// Nodes after which the search is finished, unless it is [trimmed](super::Search::trim); a node takes about one kilobyte with
    /// its moves.
    pub max_nodes: usize,
    /// Exploration at few visits (`c_init` of `AlphaZero`, 2018).
    pub c_puct: f32,
    /// Visits over which exploration grows by about one (`c_base` of `AlphaZero`).
    pub c_base: f32,
    /// First-play urgency: the most that an unvisited move's value is set below its parent's; scaled by the square root of
    /// the policy already visited.
    pub fpu_reduction: f32,
    /// Temperature of the policy in the tree, above 0; more than 1 flattens what training has sharpened.
    pub policy_temperature: f32,
    /// Value of a draw for the side to move at the root, in [-1, 1].
    pub draw_value: f32,
    /// Limits of the search for mate at the root, before the tree grows; [`Search::seek_mate`](super::Search::seek_mate) goes on.
    pub root_mate: MateLimits,
    /// Bytes that the search for mate at the root takes at most.
    pub mate_memory: usize,
    /// Limits of the search for mate at every leaf.
    pub leaf_mate: MateLimits,
}

/// Limits of a search for a forced mate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MateLimits {
    /// Plies, at a leaf at most [`mate::MAX_PLIES`].
    pub plies: usize,
    /// Positions; a mate in one ply is found whatever the limit.
    pub nodes: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            visits: u32::MAX,
            max_nodes: 500_000,
            c_puct: 1.25,
            c_base: 19_652.0,
            fpu_reduction: 0.2,
            policy_temperature: 1.3,
            draw_value: 0.0,
            root_mate: MateLimits { plies: 999, nodes: 20_000 },
            mate_memory: 16 << 20,
            leaf_mate: MateLimits { plies: 3, nodes: 40 },
        }
    }
}

/// Setting that is out of its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    /// The field.
    pub field: &'static str,
    /// Its range.
    pub range: &'static str,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} must be {}", self.field, self.range)
    }
}

impl core::error::Error for SettingsError {}

impl Settings {
    /// Checks every number against its range.
    ///
    /// # Errors
    /// The first that is out of it.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let check = |field, fits: bool, range| if fits { Ok(()) } else { Err(SettingsError { field, range }) };
        check("visits", self.visits >= 1, "at least 1")?;
        check("max_nodes", (1..1 << 31).contains(&self.max_nodes), "from 1 to 2147483647")?;
        check("c_puct", (0.0..=100.0).contains(&self.c_puct), "from 0 to 100")?;
        check("c_base", (1.0..=1e9).contains(&self.c_base), "from 1 to 1000000000")?;
        check("fpu_reduction", (0.0..=2.0).contains(&self.fpu_reduction), "from 0 to 2")?;
        check("policy_temperature", (0.01..=100.0).contains(&self.policy_temperature), "from 0.01 to 100")?;
        check("draw_value", (-1.0..=1.0).contains(&self.draw_value), "from -1 to 1")?;
        check("leaf_mate.plies", self.leaf_mate.plies <= mate::MAX_PLIES, "at most 15")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field: &'static str, change: impl Fn(&mut Settings)) {
        let mut settings = Settings::default();
        change(&mut settings);
        assert_eq!(settings.validate().map_err(|error| error.field), Err(field));
    }

    #[test]
    fn a_number_out_of_range_is_named() {
        assert_eq!(Settings::default().validate(), Ok(()));
        check("visits", |s| s.visits = 0);
        check("max_nodes", |s| s.max_nodes = 0);
        check("c_puct", |s| s.c_puct = f32::NAN);
        check("policy_temperature", |s| s.policy_temperature = 0.0);
        check("draw_value", |s| s.draw_value = 1.5);
        check("leaf_mate.plies", |s| s.leaf_mate.plies = 17);
    }
}
