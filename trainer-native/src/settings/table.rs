//! Table of settings: name, default, range, unit and description of each hyper-parameter, beside the struct that holds its
//! value.

use crate::league::matchmaking::Weighting;
use crate::learner::{Device, Precision};
use anyhow::{Result, bail};
use keisei_core::learn::{Curve, Schedule};
use serde::Serialize;
use std::fmt;
use std::ops::{RangeFrom, RangeInclusive};

/// Hyper-parameter: its row of the table.
#[derive(Clone, PartialEq, Debug)]
pub struct Setting {
    /// Key, such as `ppo.clip_coef`.
    pub key: String,
    /// Unit of its number; empty for a dimensionless number or a name.
    pub unit: &'static str,
    /// Accepted values.
    pub range: Range,
    /// Description, one sentence.
    pub doc: String,
}

/// Hyper-parameter with its value.
#[derive(Clone, PartialEq, Debug)]
pub struct SettingRow {
    /// The hyper-parameter.
    pub setting: Setting,
    /// Value in force.
    pub value: SettingValue,
    /// Value if it is not set.
    pub default: SettingValue,
}

/// Value of a hyper-parameter.
#[derive(Clone, PartialEq, Debug)]
pub enum SettingValue {
    /// Whole number.
    Whole(u64),
    /// Number with a fraction.
    Fraction(f64),
    /// Name of a choice, or free text.
    Name(String),
    /// Yes or no.
    Flag(bool),
}

/// Accepted values of a hyper-parameter.
#[derive(Clone, PartialEq, Debug)]
pub enum Range {
    /// Numbers from `low` to `high`, infinite for no limit; whole numbers are multiples of `step`.
    Numbers {
        /// Least number.
        low: f64,
        /// Greatest number.
        high: f64,
        /// Divisor of all accepted whole numbers.
        step: u64,
    },
    /// Names.
    Names(Vec<&'static str>),
    /// `true` and `false`.
    Flag,
    /// Any text.
    Text,
}

/// Least number of a range "above 0": smaller ones are subnormal and have lost bits.
pub const ABOVE_0: f64 = f32::MIN_POSITIVE as f64;

impl Range {
    /// The range restricted to the multiples of `step`.
    #[must_use]
    pub fn step(self, step: u64) -> Self {
        match self {
            Self::Numbers { low, high, .. } => Self::Numbers { low, high, step },
            other => other,
        }
    }
}

impl<T: Into<f64> + Copy> From<RangeInclusive<T>> for Range {
    fn from(range: RangeInclusive<T>) -> Self {
        Self::Numbers { low: (*range.start()).into(), high: (*range.end()).into(), step: 1 }
    }
}

impl<T: Into<f64>> From<RangeFrom<T>> for Range {
    fn from(range: RangeFrom<T>) -> Self {
        Self::Numbers { low: range.start.into(), high: f64::INFINITY, step: 1 }
    }
}

impl<const N: usize> From<[&'static str; N]> for Range {
    fn from(names: [&'static str; N]) -> Self {
        Self::Names(names.into())
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Numbers { low, high, step } => {
                if *low == ABOVE_0 {
                    f.write_str("above 0")?;
                } else {
                    write!(f, "{low}")?;
                }
                if high.is_finite() {
                    write!(f, " to {high}")?;
                } else {
                    f.write_str(" or more")?;
                }
                match step {
                    1 => Ok(()),
                    2 => f.write_str(", even"),
                    step => write!(f, ", a multiple of {step}"),
                }
            }
            Self::Names(names) => f.write_str(&names.join(", ")),
            Self::Flag => f.write_str("true, false"),
            Self::Text => f.write_str("text"),
        }
    }
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Fraction(number) => write!(f, "{number}"),
            Self::Name(name) if name.is_empty() => f.write_str("\"\""),
            Self::Name(name) => f.write_str(name),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

impl SettingRow {
    /// Checks the value in force against the range.
    ///
    /// # Errors
    /// Names the key, its value and the range.
    pub fn check(&self) -> Result<()> {
        let Setting { key, range, .. } = &self.setting;
        let value = &self.value;
        let number = match (value, range) {
            (SettingValue::Name(name), Range::Names(known)) if known.contains(&name.as_str()) => return Ok(()),
            (SettingValue::Name(_), Range::Text) | (SettingValue::Flag(_), Range::Flag) => return Ok(()),
            (SettingValue::Name(name), _) => bail!("{key} = {name:?}: known are {range}"),
            (SettingValue::Whole(number), _) => *number as f64,
            (SettingValue::Fraction(number), _) => *number,
            (SettingValue::Flag(_), _) => bail!("{key} = {value}: known are {range}"),
        };
        match *range {
            Range::Numbers { low, high, .. } if !(low..=high).contains(&number) => {
                bail!("{key} = {value}: must be from {range}")
            }
            Range::Numbers { step: 2, .. } if number % 2.0 != 0.0 => bail!("{key} = {value}: must be even"),
            Range::Numbers { step: step @ 3.., .. } if number % step as f64 != 0.0 => {
                bail!("{key} = {value}: must be a multiple of {step}")
            }
            Range::Numbers { .. } => Ok(()),
            Range::Names(_) | Range::Flag | Range::Text => bail!("{key} = {value}: known are {range}"),
        }
    }
}

/// Type of a field that holds a setting.
pub(super) trait Field {
    /// Rows of the table for the field: one, or one for each number that `--set` can reach.
    fn rows(&self, default: &Self, setting: Setting) -> Vec<SettingRow>;
}

macro_rules! plain_fields {
    ($($type:ty: |$value:ident| $into:expr;)+) => {$(
        impl Field for $type {
            fn rows(&self, default: &Self, setting: Setting) -> Vec<SettingRow> {
                let into = |$value: &Self| $into;
                vec![SettingRow { setting, value: into(self), default: into(default) }]
            }
        }
    )+};
}

plain_fields! {
    u16: |number| SettingValue::Whole((*number).into());
    u64: |number| SettingValue::Whole(*number);
    usize: |number| SettingValue::Whole(*number as u64);
    f32: |number| SettingValue::Fraction(decimal(*number));
    f64: |number| SettingValue::Fraction(*number);
    bool: |flag| SettingValue::Flag(*flag);
    String: |name| SettingValue::Name(name.clone());
    Device: |device| SettingValue::Name(name(device));
    Precision: |precision| SettingValue::Name(name(precision));
    Curve: |shape| SettingValue::Name(name(shape));
    Weighting: |weighting| SettingValue::Name(name(weighting));
}

/// The shortest decimal that stands for `number`: 0.1, not 0.10000000149.
fn decimal(number: f32) -> f64 {
    number.to_string().parse().expect("a printed number can be read")
}

/// Name of a choice in a file of settings.
fn name(choice: &impl Serialize) -> String {
    match toml::Value::try_from(choice) {
        Ok(toml::Value::String(name)) => name,
        other => unreachable!("a choice is written as its name, not {other:?}"),
    }
}

impl Field for Schedule {
    fn rows(&self, default: &Self, setting: Setting) -> Vec<SettingRow> {
        let number = |name: &str, doc: &str| Setting {
            key: format!("{}.{name}", setting.key),
            doc: format!("{}, {doc}.", setting.doc.trim_end_matches('.')),
            ..setting.clone()
        };
        let until = Setting {
            key: format!("{}.until", setting.key),
            unit: "part of the run",
            range: (ABOVE_0..=1.0).into(),
            doc: "Part of the run after which it stays at `to`.".into(),
        };
        let shape = Setting {
            key: format!("{}.shape", setting.key),
            unit: "",
            range: ["linear", "cosine"].into(),
            doc: "Curve from `from` to `to`.".into(),
        };
        [
            self.from.rows(&default.from, number("from", "at the start")),
            self.to.rows(&default.to, number("to", "at the end")),
            self.until.rows(&default.until, until),
            self.shape.rows(&default.shape, shape),
        ]
        .concat()
    }
}

/// Defines a struct of settings with their defaults and rows of the table, from lines
/// `field: type = default, range, "unit";`, each under a doc comment with the description.
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr, $range:expr, $unit:literal;)*
        }
        $(sections {
            $($(#[doc = $section_doc:literal])+ $section:ident: $section_type:ty;)*
        })?
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\nDefault `", stringify!($default), "`, range `", stringify!($range), "` ", $unit)]
                pub $field: $type,
            )*
            $($($(#[doc = $section_doc])+ pub $section: $section_type,)*)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)*
                    $($($section: Default::default(),)*)?
                }
            }
        }

        impl $name {
            $(
                /// Name and description of each section.
                pub const SECTIONS: &[(&str, &str)] =
                    &[$((stringify!($section), concat!($($section_doc),+).trim_ascii_start()),)*];
            )?

            /// Rows of the table, with `prefix` before their keys.
            fn rows_behind(&self, prefix: &str) -> Vec<SettingRow> {
                let default = Self::default();
                let mut rows = Vec::new();
                $(
                    let setting = Setting {
                        key: format!("{prefix}{}", stringify!($field)),
                        unit: $unit,
                        range: Range::from($range),
                        doc: concat!($($doc),+).trim_ascii_start().to_owned(),
                    };
                    rows.extend(self.$field.rows(&default.$field, setting));
                )*
                $($(rows.extend(self.$section.rows_behind(concat!(stringify!($section), ".")));)*)?
                rows
            }
        }
    };
}
pub(super) use settings;
