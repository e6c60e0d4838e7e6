//! The architecture of a network, and the table of its tensors.

use alloc::{format, string::String, vec, vec::Vec};
use core::{fmt, ops::Range};

use serde::{Deserialize, Serialize};

use super::{OUTCOMES, POOLED, SQUARES};
use crate::encoding::{Actions, Features};

/// Architecture of a network. All its tensors follow from these numbers.
///
/// | field | range | meaning |
/// |---|---|---|
/// | `planes` | 1–512 | input planes of the features |
/// | `policy_planes` | 1–256 | move planes: a policy of `policy_planes * 81` actions |
/// | `channels` | 8–512, a multiple of 8 | width of the trunk |
/// | `blocks` | 0–64 | residual blocks of two convolutions |
/// | `value_channels` | 1–64 | channels of the value head's 1×1 convolution |
/// | `value_hidden` | 1–1024 | width of the value head's hidden layer |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetSpec {
    /// Input planes of the features.
    pub planes: u16,
    /// Move planes: the policy has `policy_planes * 81` actions.
    pub policy_planes: u16,
    /// Width of the trunk.
    pub channels: u16,
    /// Residual blocks of two convolutions.
    pub blocks: u16,
    /// Channels of the value head's 1×1 convolution.
    pub value_channels: u16,
    /// Width of the value head's hidden layer.
    pub value_hidden: u16,
    /// Optional layers. A model file stores them in a field of their own.
    #[serde(skip)]
    pub options: NetOptions,
}

/// Optional layers, those of both generations of the original Keisei's networks; none by default.
///
/// | field | range | meaning |
/// |---|---|---|
/// | `se_hidden` | 0–512 | hidden width of each block's squeeze-excitation; `channels * se_ratio` in the original |
/// | `pool_hidden` | 0–512 | hidden width of each block's pool bias |
/// | `score_hidden` | 0–1024 | hidden width of the score head |
///
/// 0 leaves a layer out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetOptions {
    /// Hidden width of each block's squeeze-excitation.
    pub se_hidden: u16,
    /// Hidden width of each block's pool bias.
    pub pool_hidden: u16,
    /// Hidden width of the score head.
    pub score_hidden: u16,
}

/// Error: a field of a [`NetSpec`] is out of range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// Name of the field.
    pub field: &'static str,
    /// Value found.
    pub found: u16,
    /// Lowest valid value.
    pub min: u16,
    /// Highest valid value.
    pub max: u16,
    /// Divisor of every valid value.
    pub multiple_of: u16,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SpecError { field, found, min, max, multiple_of } = self;
        write!(f, "{field} = {found} is not within {min} to {max}")?;
        if *multiple_of > 1 {
            write!(f, " in steps of {multiple_of}")?;
        }
        Ok(())
    }
}

impl core::error::Error for SpecError {}

/// Tensor of a network: name, shape, and range in the flat weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Name, such as `blocks.0.conv1.weight`.
    pub name: String,
    /// Extents, outermost first; the last varies fastest.
    pub shape: Vec<usize>,
    /// Range of its numbers in [`Weights::data`](super::Weights::data).
    pub range: Range<usize>,
}

impl NetSpec {
    /// A small network for these encodings: 32 channels, 2 blocks, 8 value channels, 64 hidden values, no optional layers.
    ///
    /// ```
    /// use keisei_core::encoding::{Actions, Features};
    /// use keisei_core::net::NetSpec;
    ///
    /// let spec = NetSpec { channels: 64, ..NetSpec::for_encodings(Features::Attack96, Actions::Dest2187) };
    /// assert_eq!((spec.planes, spec.actions()), (96, 2187));
    /// assert!(spec.validate().is_ok());
    /// ```
    pub fn for_encodings(features: Features, actions: Actions) -> NetSpec {
        NetSpec {
            planes: features.planes() as u16,
            policy_planes: actions.planes() as u16,
            channels: 32,
            blocks: 2,
            value_channels: 8,
            value_hidden: 64,
            options: NetOptions::default(),
        }
    }

    /// Checks every field against its range.
    ///
    /// # Errors
    /// The first field that is out of its range.
    pub fn validate(&self) -> Result<(), SpecError> {
        let check = |field, found: u16, min, max, multiple_of| {
            if (min..=max).contains(&found) && found.is_multiple_of(multiple_of) {
                Ok(())
            } else {
                Err(SpecError { field, found, min, max, multiple_of })
            }
        };
        check("planes", self.planes, 1, 512, 1)?;
        check("policy_planes", self.policy_planes, 1, 256, 1)?;
        check("channels", self.channels, 8, 512, 8)?;
        check("blocks", self.blocks, 0, 64, 1)?;
        check("value_channels", self.value_channels, 1, 64, 1)?;
        check("value_hidden", self.value_hidden, 1, 1024, 1)?;
        let NetOptions { se_hidden, pool_hidden, score_hidden } = self.options;
        check("se_hidden", se_hidden, 0, 512, 1)?;
        check("pool_hidden", pool_hidden, 0, 512, 1)?;
        check("score_hidden", score_hidden, 0, 1024, 1)
    }

    /// Actions of the policy: `policy_planes * 81`.
    pub fn actions(&self) -> usize {
        usize::from(self.policy_planes) * SQUARES
    }

    /// Tensors, in the order of the flat weights.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let [planes, policy, c, vc, vh] =
            [self.planes, self.policy_planes, self.channels, self.value_channels, self.value_hidden].map(usize::from);
        let NetOptions { se_hidden, pool_hidden, score_hidden } = self.options;
        let [se, pool, score] = [se_hidden, pool_hidden, score_hidden].map(usize::from);
        let mut tensors = Vec::new();
        let mut start = 0;
        let mut push = |name: String, shape: Vec<usize>| {
            let end = start + shape.iter().product::<usize>();
            tensors.push(TensorSpec { name, shape, range: start..end });
            start = end;
        };
        push("stem.weight".into(), vec![c, planes, 3, 3]);
        push("stem.bias".into(), vec![c]);
        for i in 0..self.blocks {
            for conv in ["conv1", "conv2"] {
                push(format!("blocks.{i}.{conv}.weight"), vec![c, c, 3, 3]);
                push(format!("blocks.{i}.{conv}.bias"), vec![c]);
            }
            if pool > 0 {
                push(format!("blocks.{i}.pool.hidden.weight"), vec![pool, POOLED * c]);
                push(format!("blocks.{i}.pool.hidden.bias"), vec![pool]);
                push(format!("blocks.{i}.pool.out.weight"), vec![c, pool]);
                push(format!("blocks.{i}.pool.out.bias"), vec![c]);
            }
            if se > 0 {
                push(format!("blocks.{i}.se.hidden.weight"), vec![se, c]);
                push(format!("blocks.{i}.se.hidden.bias"), vec![se]);
                push(format!("blocks.{i}.se.out.weight"), vec![2 * c, se]);
                push(format!("blocks.{i}.se.out.bias"), vec![2 * c]);
            }
        }
        push("policy.weight".into(), vec![policy, c]);
        push("policy.bias".into(), vec![policy * SQUARES]);
        push("value.conv.weight".into(), vec![vc, c]);
        push("value.conv.bias".into(), vec![vc]);
        push("value.hidden.weight".into(), vec![vh, vc * SQUARES]);
        push("value.hidden.bias".into(), vec![vh]);
        push("value.out.weight".into(), vec![OUTCOMES, vh]);
        push("value.out.bias".into(), vec![OUTCOMES]);
        if score > 0 {
            push("score.hidden.weight".into(), vec![score, POOLED * c]);
            push("score.hidden.bias".into(), vec![score]);
            push("score.out.weight".into(), vec![1, score]);
            push("score.out.bias".into(), vec![1]);
        }
        tensors
    }

    /// Number of weights.
    pub fn parameters(&self) -> usize {
        self.tensors().last().map_or(0, |tensor| tensor.range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> NetSpec {
        let (features, actions) = (Features::Core46Keisei2025, Actions::Dest2187);
        NetSpec { channels: 64, blocks: 4, value_channels: 4, ..NetSpec::for_encodings(features, actions) }
    }

    fn check(field: &'static str, found: u16, change: impl Fn(&mut NetSpec)) {
        let mut spec = spec();
        change(&mut spec);
        let error = spec.validate().expect_err(field);
        assert_eq!((error.field, error.found), (field, found), "{error}");
    }

    #[test]
    fn a_field_out_of_range_is_named() {
        assert_eq!(spec().validate(), Ok(()));
        check("planes", 0, |s| s.planes = 0);
        check("planes", 513, |s| s.planes = 513);
        check("policy_planes", 0, |s| s.policy_planes = 0);
        check("channels", 0, |s| s.channels = 0);
        check("channels", 12, |s| s.channels = 12);
        check("channels", 520, |s| s.channels = 520);
        check("blocks", 65, |s| s.blocks = 65);
        check("value_channels", 0, |s| s.value_channels = 0);
        check("value_hidden", 1025, |s| s.value_hidden = 1025);
        check("se_hidden", 513, |s| s.options.se_hidden = 513);
        check("pool_hidden", 513, |s| s.options.pool_hidden = 513);
        check("score_hidden", 1025, |s| s.options.score_hidden = 1025);
    }

    #[test]
    fn tensors_fill_the_weights_without_gaps() {
        let spec = spec();
        let mut end = 0;
        for tensor in spec.tensors() {
            assert_eq!(tensor.range.start, end, "{}", tensor.name);
            assert_eq!(tensor.range.len(), tensor.shape.iter().product::<usize>(), "{}", tensor.name);
            end = tensor.range.end;
        }
        assert_eq!(end, spec.parameters());
        let by_hand =
            (64 * 46 * 9 + 64) + 8 * (64 * 64 * 9 + 64) + (27 * 64 + 2187) + (4 * 64 + 4) + (64 * 324 + 64) + 195;
        assert_eq!(spec.parameters(), by_hand);
        let options = NetOptions { se_hidden: 16, pool_hidden: 8, score_hidden: 32 };
        let more = 4 * ((8 * 192 + 8) + (64 * 8 + 64) + (16 * 64 + 16) + (128 * 16 + 128)) + (32 * 192 + 32) + 33;
        assert_eq!(NetSpec { options, ..spec }.parameters(), by_hand + more);
    }

    #[test]
    fn the_original_sizes_are_valid() {
        for (channels, blocks, options) in [
            (32, 4, NetOptions::default()),
            (256, 9, NetOptions { se_hidden: 64, ..NetOptions::default() }),
            (128, 10, NetOptions { se_hidden: 16, pool_hidden: 64, score_hidden: 64 }),
            (256, 40, NetOptions { se_hidden: 16, pool_hidden: 128, score_hidden: 128 }),
        ] {
            assert_eq!(NetSpec { channels, blocks, options, ..spec() }.validate(), Ok(()));
        }
    }
}
