//! Space of a sweep: the settings that its trials change, with the values that each may take.
//!
//! A dimension is spelled `KEY=VALUES`: `0.1..0.3` for a range, `log:3e-4..3e-3` for one in which factors count and not
//! differences, `16,32,64` or `{16,32,64}` for a list; the key alone for all values that the table of settings accepts.

use crate::settings::{Range, SettingRow, SettingValue, Settings, no_such_setting};
use anyhow::{Context, Result, bail, ensure};
use keisei_core::random::SplitMix64;
use serde::{Deserialize, Serialize};
use std::path::Path;
use toml::{Table, Value};

/// Settings that no trial may change, and why.
const FIXED: [(&str, &str); 4] = [
    ("seed", "every trial is trained with several seeds: --seeds says how many"),
    ("run.plies", "all trials have the same budget: --plies or --minutes sets it"),
    ("run.minutes", "all trials have the same budget: --plies or --minutes sets it"),
    ("run.threads", "the number of threads changes no result; it follows from --jobs"),
];

/// Settings that trials change, in the order of the table.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<(String, String)>", into = "Vec<(String, String)>")]
pub struct Space {
    /// Dimensions, at least one.
    pub dimensions: Vec<Dimension>,
}

/// Setting that trials change.
#[derive(Clone, PartialEq, Debug)]
pub struct Dimension {
    /// Key of the setting.
    pub key: String,
    /// Spelling of the values.
    pub spelling: String,
    /// Values that it takes.
    pub values: Values,
}

/// Values that a setting takes in a sweep.
#[derive(Clone, PartialEq, Debug)]
pub enum Values {
    /// Numbers from `low` to `high`, both included.
    Range {
        /// Least number.
        low: f64,
        /// Greatest number.
        high: f64,
        /// Whether numbers are spread evenly by their logarithms.
        is_log: bool,
        /// Divisor of all numbers if they are whole.
        step: Option<u64>,
    },
    /// Values of a list.
    List(Vec<String>),
}

/// Values of a trial, one for each dimension, spelled as in `--set`. The trial of the default settings has none.
pub type Point = Vec<String>;

impl Space {
    /// Space from dimensions spelled `KEY=VALUES`, and from those in a TOML file that the first do not name.
    ///
    /// # Errors
    /// Names the dimension and its defect: an unknown key with the nearest one, values outside the range of the table.
    pub fn new(over: &[String], file: Option<&Path>) -> Result<Self> {
        let mut spelled: Vec<(String, String)> = Vec::new();
        for text in over {
            let (key, values) = text.split_once('=').unwrap_or((text, ""));
            ensure!(spelled.iter().all(|(other, _)| other != key), "--over {text}: {key} is given twice");
            parse(key, values).with_context(|| format!("--over {text}"))?;
            spelled.push((key.to_owned(), values.to_owned()));
        }
        if let Some(path) = file {
            let name = || path.display().to_string();
            let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read the space", name()))?;
            let table: Table = text.parse().with_context(|| format!("{}: not TOML", name()))?;
            let mut in_file = Vec::new();
            flatten(&table, "", &mut in_file).with_context(name)?;
            for (key, values) in in_file {
                parse(&key, &values).with_context(name)?;
                if spelled.iter().all(|(other, _)| *other != key) {
                    spelled.push((key, values));
                }
            }
        }
        ensure!(
            !spelled.is_empty(),
            "nothing to sweep over: name settings with --over KEY=VALUES or in a --space FILE"
        );
        Self::try_from(spelled)
    }

    /// Point with each value chosen by chance.
    pub fn random(&self, random: &mut SplitMix64) -> Point {
        self.dimensions.iter().map(|dimension| dimension.random(random)).collect()
    }

    /// Number of combinations of the listed values and of `points` values of each range.
    pub fn grid_size(&self, points: usize) -> usize {
        self.dimensions.iter().fold(1, |size: usize, dimension| size.saturating_mul(dimension.spread(points).len()))
    }

    /// Combination `index` of a grid, from 0; the last dimension changes fastest.
    pub fn grid(&self, points: usize, mut index: usize) -> Point {
        let of = |dimension: &Dimension| {
            let values = dimension.spread(points);
            let value = values[index % values.len()].clone();
            index /= values.len();
            value
        };
        let mut point: Point = self.dimensions.iter().rev().map(of).collect();
        point.reverse();
        point
    }
}

/// Dimensions of a table of TOML, tables within it flattened to dotted keys.
fn flatten(table: &Table, prefix: &str, into: &mut Vec<(String, String)>) -> Result<()> {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            Value::Table(inner) => flatten(inner, &format!("{key}."), into)?,
            Value::String(text) => into.push((key, text.clone())),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(plain).collect();
                into.push((key, format!("{{{}}}", items.join(","))));
            }
            _ => {
                bail!("{key} = {value}: expected a list, or a range in quotes; one value alone is a setting: use --set")
            }
        }
    }
    Ok(())
}

/// Value of TOML, a string without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

impl TryFrom<Vec<(String, String)>> for Space {
    type Error = anyhow::Error;

    fn try_from(spelled: Vec<(String, String)>) -> Result<Self> {
        let mut dimensions = spelled.iter().map(|(key, values)| parse(key, values)).collect::<Result<Vec<_>>>()?;
        let rows = Settings::default().rows();
        dimensions.sort_by_key(|dimension| rows.iter().position(|row| row.setting.key == dimension.key));
        Ok(Self { dimensions })
    }
}

impl From<Space> for Vec<(String, String)> {
    fn from(space: Space) -> Self {
        space.dimensions.into_iter().map(|dimension| (dimension.key, dimension.spelling)).collect()
    }
}

/// Dimension over `key` with the values that `spelling` names.
fn parse(key: &str, spelling: &str) -> Result<Dimension> {
    if let Some((_, reason)) = FIXED.iter().find(|(fixed, _)| *fixed == key) {
        bail!("{key}: {reason}");
    }
    let rows = Settings::default().rows();
    let row = rows.into_iter().find(|row| row.setting.key == key).ok_or_else(|| no_such_setting(key))?;
    let values = values(&row, spelling.trim()).with_context(|| key.to_owned())?;
    Ok(Dimension { key: key.to_owned(), spelling: spelling.to_owned(), values })
}

/// Values of the setting in `row` that `spelling` names.
fn values(row: &SettingRow, spelling: &str) -> Result<Values> {
    let in_brackets = [('{', '}'), ('[', ']')].into_iter().find_map(|(open, close)| {
        spelling.strip_prefix(open).map(|rest| rest.strip_suffix(close).context("the list has no end"))
    });
    let listed = in_brackets.or_else(|| spelling.contains(',').then_some(Ok(spelling)));
    if let Some(items) = listed {
        let items: Vec<String> = items?.split(',').map(|item| item.trim().trim_matches('"').to_owned()).collect();
        let mut values: Vec<String> = Vec::new();
        for item in items {
            let value = value(row, &item)?.to_string();
            ensure!(!values.contains(&value), "{value} is listed twice");
            values.push(value);
        }
        return Ok(Values::List(values));
    }
    if spelling.is_empty() {
        return all(row);
    }
    let (is_log, range) = spelling.strip_prefix("log:").map_or((false, spelling), |range| (true, range));
    let Some((low, high)) = range.split_once("..") else {
        bail!("{spelling:?}: expected low..high, log:low..high or a,b,c; one value alone is a setting: use --set")
    };
    let number = |text: &str| match value(row, text.trim())? {
        SettingValue::Whole(number) => Ok((number as f64, true)),
        SettingValue::Fraction(number) => Ok((number, false)),
        SettingValue::Name(_) | SettingValue::Flag(_) => bail!("it is no number: list its values as a,b"),
    };
    let ((low, is_whole), (high, _)) = (number(low)?, number(high)?);
    ensure!(low < high, "{range}: the first number must be below the second");
    ensure!(!is_log || low > 0.0, "{range}: a range by logarithms begins above 0");
    Ok(Values::Range { low, high, is_log, step: is_whole.then(|| step(row)) })
}

/// All values that the table of settings accepts, where these are few or between two numbers.
fn all(row: &SettingRow) -> Result<Values> {
    let list = |names: &[&str]| Values::List(names.iter().map(ToString::to_string).collect());
    match &row.setting.range {
        Range::Names(names) => Ok(list(names)),
        Range::Flag => Ok(list(&["false", "true"])),
        &Range::Numbers { low, high, .. } if high.is_finite() => {
            let is_whole = matches!(row.default, SettingValue::Whole(_));
            Ok(Values::Range { low, high, is_log: false, step: is_whole.then(|| step(row)) })
        }
        range @ (Range::Numbers { .. } | Range::Text) => bail!("its values are {range}: name those to try"),
    }
}

fn step(row: &SettingRow) -> u64 {
    if let Range::Numbers { step, .. } = row.setting.range { step } else { 1 }
}

/// Value of the setting in `row` that `text` spells, checked against the table.
fn value(row: &SettingRow, text: &str) -> Result<SettingValue> {
    let not = |what: &str| format!("{text:?} is not {what}; it takes {}", row.setting.range);
    let value = match &row.default {
        SettingValue::Whole(_) => SettingValue::Whole(text.parse().with_context(|| not("a whole number"))?),
        SettingValue::Fraction(_) => SettingValue::Fraction(text.parse().with_context(|| not("a number"))?),
        SettingValue::Flag(_) => SettingValue::Flag(text.to_lowercase().parse().with_context(|| not("true or false"))?),
        SettingValue::Name(_) => SettingValue::Name(text.to_owned()),
    };
    SettingRow { value: value.clone(), ..row.clone() }.check()?;
    Ok(value)
}

impl Dimension {
    /// Least and greatest coordinate: of a list the places, of a range its numbers or their logarithms. Whole numbers have
    /// half a step of room at either end, so that each is as wide as the others.
    pub fn extent(&self) -> (f64, f64) {
        match self.values {
            Values::List(ref values) => (0.0, values.len() as f64),
            Values::Range { low, high, is_log, step } => {
                let room = step.map_or(0.0, |step| 0.5 * step as f64);
                ends(low - room, high + room, is_log)
            }
        }
    }

    /// Value at a coordinate, spelled as in `--set`: whole numbers rounded, others to four digits.
    ///
    /// # Panics
    /// Never: a list has an item, and a printed number can be read.
    pub fn at(&self, coordinate: f64) -> String {
        match &self.values {
            Values::List(values) => values[(coordinate.max(0.0) as usize).min(values.len() - 1)].clone(),
            &Values::Range { low, high, is_log, step } => {
                let number = if is_log { coordinate.exp() } else { coordinate };
                let rounded = match step {
                    Some(step) => (number / step as f64).round() * step as f64,
                    None => format!("{number:.3e}").parse().expect("a printed number can be read"),
                };
                rounded.clamp(low, high).to_string()
            }
        }
    }

    /// Coordinate of a value, which is the inverse of [`at`](Self::at); in a list the middle of its place.
    pub fn coordinate(&self, value: &str) -> f64 {
        match &self.values {
            Values::List(values) => values.iter().position(|one| one == value).unwrap_or_default() as f64 + 0.5,
            Values::Range { is_log, low, .. } => {
                let number: f64 = value.parse().unwrap_or(*low);
                if *is_log { number.ln() } else { number }
            }
        }
    }

    fn random(&self, random: &mut SplitMix64) -> String {
        let (low, high) = self.extent();
        // 53 bits, so that every value of a long list has its chance.
        let uniform = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        self.at(low + (high - low) * uniform)
    }

    /// All values of a list, or `points` of a range, its ends among them.
    pub fn spread(&self, points: usize) -> Vec<String> {
        match &self.values {
            Values::List(values) => values.clone(),
            &Values::Range { low, high, is_log, .. } => {
                let (low, high) = ends(low, high, is_log);
                let last = points.saturating_sub(1).max(1) as f64;
                let mut values: Vec<String> =
                    (0..points).map(|i| self.at(low + (high - low) * i as f64 / last)).collect();
                // Few whole numbers have room for few points.
                values.dedup();
                values
            }
        }
    }
}

/// Ends of a range as coordinates: their logarithms where factors count.
fn ends(low: f64, high: f64, is_log: bool) -> (f64, f64) {
    if is_log { (low.ln(), high.ln()) } else { (low, high) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(over: &[&str]) -> Result<Space> {
        let over: Vec<String> = over.iter().map(ToString::to_string).collect();
        Space::new(&over, None)
    }

    #[test]
    fn what_cannot_be_swept_is_named_with_its_reason() {
        let check = |over: &str, parts: &[&str]| {
            let error = format!("{:#}", space(&[over]).expect_err(over));
            assert!(parts.iter().all(|part| error.contains(part)), "{over}: {error}");
        };
        check("ppo.clip=0.1..0.2", &["--over ppo.clip=0.1..0.2", "ppo.clip: no such setting", "ppo.clip_coef"]);
        check("learning_rate.from=log:1e-4..1e-3", &["no such setting; the nearest is ppo.learning_rate.from"]);
        check("net.chanels={8,16}", &["the nearest is net.channels"]);
        check("xyzzy={1,2}", &["xyzzy: no such setting; `trainer-native settings list`"]);
        check("ppo.learning_rate=log:1e-4..1e-3", &["is a table of settings: ppo.learning_rate.from, "]);
        check("ppo.clip_coef=0.1..1.5", &["ppo.clip_coef = 1.5: must be from above 0 to 0.999999"]);
        check("ppo.clip_coef=0..0.5", &["ppo.clip_coef = 0: must be"]);
        check("ppo.clip_coef=0.3..0.1", &["the first number must be below"]);
        check("ppo.clip_coef=0.1", &["one value alone is a setting: use --set"]);
        check("ppo.clip_coef=nan..1", &["must be from"]);
        check("ppo.clip_coef={0.1,many}", &["\"many\" is not a number"]);
        check("ppo.clip_coef={0.1,0.2", &["the list has no end"]);
        check("ppo.clip_coef={}", &["\"\" is not a number"]);
        check("ppo.epochs=1..2.5", &["\"2.5\" is not a whole number; it takes 1 to 20"]);
        check("ppo.epochs={1,2,1}", &["1 is listed twice"]);
        check("net.channels={16,33}", &["net.channels = 33: must be a multiple of 8"]);
        check("net.blocks=log:0..8", &["begins above 0"]);
        check("net.features={attack96,core47}", &["core47", "known are attack96"]);
        check("net.features=a..b", &["known are attack96"]);
        check("run.evaluate_plies", &["name those to try"]);
        check("sinks.curve={yes,no}", &["not true or false"]);
        check("seed={1,2}", &["--seeds"]);
        check("run.plies={64,128}", &["same budget"]);
        let error = format!("{:#}", space(&["ppo.epochs=1..2", "ppo.epochs=1..3"]).expect_err("twice"));
        assert!(error.contains("given twice"), "{error}");
        assert!(space(&[]).expect_err("nothing").to_string().contains("--over"));
    }

    #[test]
    fn files_name_dimensions_as_files_of_settings_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("space.toml");
        let load = |text: &str, over: &[&str]| {
            std::fs::write(&path, text).expect("written");
            let over: Vec<String> = over.iter().map(ToString::to_string).collect();
            Space::new(&over, Some(&path))
        };
        let text = "\"ppo.clip_coef\" = \"0.1..0.3\"\n[ppo]\nlearning_rate.from = \"log:3e-4..3e-3\"\nepochs = [1, 2, 4]\n\
                    [net]\nfeatures = [\"attack96\", \"dlshogi119\"]\n";
        let from_file = load(text, &["ppo.epochs=2..3"]).expect("a space");
        let from_flags = space(&[
            "net.features={attack96,dlshogi119}",
            "ppo.learning_rate.from=log:3e-4..3e-3",
            "ppo.clip_coef=0.1..0.3",
            "ppo.epochs=2..3",
        ]);
        assert_eq!(from_file, from_flags.expect("a space"));
        let check = |text: &str, part: &str| {
            let error = format!("{:#}", load(text, &[]).expect_err(part));
            assert!(error.contains("space.toml: ") && error.contains(part), "{error}");
        };
        check("ppo.clip = [0.1, 0.2]", "the nearest is ppo.clip_coef");
        check("ppo.epochs = 2", "one value alone is a setting");
        check("ppo.epochs = [1, 50]", "ppo.epochs = 50: must be from 1 to 20");
        check("ppo = ", "not TOML");
    }

    #[test]
    fn values_and_coordinates_are_inverse_and_within_their_ends() {
        let space = space(&[
            "ppo.clip_coef=0.1..0.3",
            "ppo.learning_rate.from=log:3e-4..3e-3",
            "net.channels=8..64",
            "selfplay.envs=log:1..256",
            "ppo.epochs=1,2,4",
            "net.features",
            "sinks.curve",
        ]);
        let space = space.expect("a space");
        let mut random = SplitMix64(1);
        let mut seen = vec![std::collections::BTreeSet::new(); space.dimensions.len()];
        for _ in 0..2000 {
            for ((dimension, value), seen) in space.dimensions.iter().zip(space.random(&mut random)).zip(&mut seen) {
                let row = Settings::default().rows().into_iter().find(|row| row.setting.key == dimension.key);
                self::value(&row.expect("a row"), &value).expect("a value of the table");
                let (low, high) = dimension.extent();
                let coordinate = dimension.coordinate(&value);
                assert!((low..=high).contains(&coordinate), "{dimension:?}: {value}");
                assert_eq!(dimension.at(coordinate), value, "{dimension:?}");
                seen.insert(value);
            }
        }
        let counts: Vec<usize> = seen.iter().map(std::collections::BTreeSet::len).collect();
        // In the order of the table of settings; of 256 numbers of games by logarithms most have their turn.
        assert_eq!(space.dimensions[0].key, "net.features");
        assert_eq!((counts[0], counts[1], counts[3], counts[6]), (5, 8, 3, 2), "{counts:?}");
        assert!(counts[2] > 150 && counts[4] > 1000 && counts[5] > 1000, "{counts:?}");
    }

    #[test]
    fn a_grid_covers_every_combination_once() {
        let grid = |over: &[&str], points| -> Vec<Point> {
            let space = space(over).expect("a space");
            (0..space.grid_size(points)).map(|index| space.grid(points, index)).collect()
        };
        let points = grid(&["ppo.clip_coef=0.1..0.3", "ppo.learning_rate.from=log:1e-4..1e-2", "ppo.epochs={1,4}"], 3);
        let of = |i: usize| {
            let mut values: Vec<&str> = points.iter().map(|point| &*point[i]).collect();
            values.sort_unstable();
            values.dedup();
            values.join(" ")
        };
        assert_eq!([of(0), of(1), of(2)], ["1 4", "0.1 0.2 0.3", "0.0001 0.001 0.01"]);
        let mut all = points.clone();
        all.sort();
        all.dedup();
        assert_eq!((points.len(), all.len()), (18, 18));
        assert_eq!(points[1], ["1", "0.1", "0.001"], "the last changes fastest");
        assert_eq!(grid(&["ppo.epochs=1..2"], 5), [["1"], ["2"]], "two whole numbers have no room for five");
        assert_eq!(grid(&["ppo.epochs=1..2"], 1), [["1"]]);
    }
}
