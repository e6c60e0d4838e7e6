//! Options that a GUI may set.

use std::fmt::{Display, Write as _};
use std::path::PathBuf;

use super::command::{shortened, whole_number};
use crate::executor::Arithmetic;

/// Options: name, and USI type with default and range; the comments give the meaning.
///
/// `USI_Hash` and `USI_Ponder` are known to every GUI, and most GUIs set them by themselves.
const OPTIONS: [(&str, &str); 10] = [
    // Model file; without one the model beside the program, or the one within it.
    ("Model", "filename default <empty>"),
    // Threads that run the network.
    ("Threads", "spin default 1 min 1 max 256"),
    // Numbers that the network computes in.
    ("Arithmetic", "combo default f32 var f32 var integer var bf16"),
    // Visits of the root that end the search; 0 leaves it to the clock.
    ("Visits", "spin default 0 min 0 max 100000000"),
    // Sharpness of the choice by visits: 0 plays the best move.
    ("Temperature", "string default 0"),
    // Number of best moves in each report.
    ("MultiPV", "spin default 1 min 1 max 100"),
    // Whether the GUI lets the engine search in the opponent's time.
    ("USI_Ponder", "check default false"),
    // Memory in MB for the tree, about a thousand nodes each, and for the search for mate.
    ("USI_Hash", "spin default 512 min 1 max 65536"),
    // Milliseconds that a move takes on its way from the engine to the clock.
    ("MoveOverhead", "spin default 200 min 0 max 10000"),
    // Plies after which the game is cut off; 0 for no limit.
    ("MaxPlies", "spin default 0 min 0 max 10000"),
];

/// Current values of the options.
#[derive(Clone, Debug, PartialEq)]
pub struct UsiOptions {
    /// Model file; `None` for the one that is found.
    pub model: Option<PathBuf>,
    /// Threads that run the network.
    pub threads: usize,
    /// Numbers that the network computes in.
    pub arithmetic: Arithmetic,
    /// Visits of the root that end the search; `None` for no limit.
    pub visits: Option<u32>,
    /// Temperature of the choice of a move, 0 to 100.
    pub temperature: f32,
    /// Number of best moves in each report.
    pub multi_pv: usize,
    /// Whether to send a move to ponder on.
    pub ponder: bool,
    /// Megabytes for the tree and the search for mate.
    pub memory: usize,
    /// Milliseconds that each move keeps in reserve.
    pub overhead: u64,
    /// Plies after which the game is cut off, 0 for no limit.
    pub max_plies: u16,
}

impl Default for UsiOptions {
    fn default() -> UsiOptions {
        UsiOptions {
            model: None,
            threads: 1,
            arithmetic: Arithmetic::F32,
            visits: None,
            temperature: 0.0,
            multi_pv: 1,
            ponder: false,
            memory: 512,
            overhead: 200,
            max_plies: 0,
        }
    }
}

impl UsiOptions {
    /// Lines that declare all options to the GUI.
    pub fn declaration() -> String {
        let mut text = String::new();
        for (name, kind) in OPTIONS {
            writeln!(text, "option name {name} type {kind}").expect("a string takes everything");
        }
        text
    }

    /// Sets an option, whose name may be in any case; returns a remark if the value had to be changed.
    ///
    /// # Errors
    /// Reason why the value is refused; the option then keeps its value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<Option<String>, String> {
        let Some((name, kind)) = find(name) else {
            // `setoption name Threads 4`: the word `value` was left out.
            return match name.split_once(char::is_whitespace) {
                Some((first, rest)) if value.is_empty() && find(first).is_some() => self.set(first, rest.trim()),
                _ => Err(format!("there is no option {:?}", shortened(name))),
            };
        };
        let mut remark = None;
        let mut spin = || {
            let (number, changed) = spin(name, kind, value)?;
            remark = changed;
            Ok::<u64, String>(number)
        };
        match name {
            "Model" => self.model = (!matches!(value, "" | "<empty>")).then(|| value.into()),
            "Threads" => self.threads = spin()? as usize,
            "Arithmetic" => {
                let arithmetic = Arithmetic::from_name(&value.to_ascii_lowercase());
                self.arithmetic = arithmetic.ok_or_else(|| refused(name, value, "f32, integer or bf16"))?;
            }
            "Visits" => self.visits = Some(spin()? as u32).filter(|&visits| visits > 0),
            "Temperature" => {
                let temperature = value.parse::<f32>().ok().filter(|value| !value.is_nan());
                let temperature = temperature.ok_or_else(|| refused(name, value, "a number from 0 to 100"))?;
                self.temperature = temperature.clamp(0.0, 100.0);
                if self.temperature != temperature {
                    remark = Some(clamped(name, value, self.temperature, 0, 100));
                }
            }
            "MultiPV" => self.multi_pv = spin()? as usize,
            "USI_Ponder" => self.ponder = check(name, value)?,
            "USI_Hash" => self.memory = spin()? as usize,
            "MoveOverhead" => self.overhead = spin()?,
            "MaxPlies" => self.max_plies = spin()? as u16,
            _ => unreachable!("every option of the table has its arm"),
        }
        Ok(remark)
    }

    /// Largest number of nodes of the tree: about a thousand for each megabyte, less what the search for mate takes.
    pub fn max_nodes(&self) -> usize {
        ((self.memory << 10) - (self.mate_memory() >> 10)).max(1)
    }

    /// Bytes for the search for mate at the root, an eighth of the memory and at most 64 MiB.
    pub fn mate_memory(&self) -> usize {
        (self.memory << 17).min(64 << 20)
    }
}

/// Name and kind of the option, whose name may be in any case.
fn find(name: &str) -> Option<(&'static str, &'static str)> {
    OPTIONS.into_iter().find(|option| option.0.eq_ignore_ascii_case(name))
}

/// Number in the range of the option's declaration, and a remark if it had to be changed for that.
fn spin(name: &str, kind: &str, value: &str) -> Result<(u64, Option<String>), String> {
    let bound = |which: &str| -> i64 {
        let mut words = kind.split(' ').skip_while(|word| *word != which);
        words.nth(1).and_then(|word| word.parse().ok()).expect("every spin has its bounds")
    };
    let (min, max) = (bound("min"), bound("max"));
    let number = value.split_whitespace().next().and_then(whole_number);
    let number = number.ok_or_else(|| refused(name, value, &format!("a whole number from {min} to {max}")))?;
    let fitting = number.clamp(min, max);
    let is_changed = fitting.to_string() != value.trim_start_matches('+');
    Ok((fitting as u64, is_changed.then(|| clamped(name, value, fitting, min, max))))
}

fn check(name: &str, value: &str) -> Result<bool, String> {
    match &*value.to_ascii_lowercase() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => Err(refused(name, value, "true or false")),
    }
}

fn clamped(name: &str, value: &str, used: impl Display, min: i64, max: i64) -> String {
    format!("option {name}: {used} is taken for {:?}, from {min} to {max} are possible", shortened(value))
}

fn refused(name: &str, value: &str, wanted: &str) -> String {
    format!("option {name}: {:?} is not {wanted}", shortened(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options after one was set, or the reason why it was not; a remark is expected where the value had to be changed.
    fn check(name: &str, value: &str, expected: Result<UsiOptions, &str>, is_changed: bool) {
        let mut options = UsiOptions::default();
        let result = options.set(name, value);
        assert_eq!(result.as_ref().is_ok_and(Option::is_some), is_changed, "{name} = {value}: {result:?}");
        assert_eq!(result.map(|_| options), expected.map_err(str::to_owned), "{name} = {value}");
    }

    #[test]
    fn options_are_set_or_told_why_not() {
        let default = UsiOptions::default;
        let set = |name: &str, value: &str, expected| check(name, value, Ok(expected), false);
        let changed = |name: &str, value: &str, expected| check(name, value, Ok(expected), true);
        let refused = |name: &str, value: &str, reason: &str| check(name, value, Err(reason), false);
        set("Model", "a b.model", UsiOptions { model: Some("a b.model".into()), ..default() });
        set("model", "a b.model", UsiOptions { model: Some("a b.model".into()), ..default() });
        set("Model", "<empty>", default());
        set("Threads", "4", UsiOptions { threads: 4, ..default() });
        set("THREADS", "+4", UsiOptions { threads: 4, ..default() });
        set("Threads 4", "", UsiOptions { threads: 4, ..default() });
        changed("Threads", "0", default());
        changed("Threads", "4 and more", UsiOptions { threads: 4, ..default() });
        changed("Threads", "2.7", UsiOptions { threads: 2, ..default() });
        refused("Threads", "many", "option Threads: \"many\" is not a whole number from 1 to 256");
        refused("Threads", "", "option Threads: \"\" is not a whole number from 1 to 256");
        set("Arithmetic", "INTEGER", UsiOptions { arithmetic: Arithmetic::Integer, ..default() });
        refused("Arithmetic", "int8", "option Arithmetic: \"int8\" is not f32, integer or bf16");
        set("visits", "800", UsiOptions { visits: Some(800), ..default() });
        changed("Visits", "-1", default());
        set("Temperature", "0.5", UsiOptions { temperature: 0.5, ..default() });
        changed("Temperature", "1000", UsiOptions { temperature: 100.0, ..default() });
        refused("Temperature", "NaN", "option Temperature: \"NaN\" is not a number from 0 to 100");
        set("usi_ponder", "True", UsiOptions { ponder: true, ..default() });
        refused("USI_Ponder", "yes", "option USI_Ponder: \"yes\" is not true or false");
        changed("USI_Hash", "99999999", UsiOptions { memory: 65_536, ..default() });
        changed("usi_hash", "99999999999999999999999", UsiOptions { memory: 65_536, ..default() });
        refused("Hash", "1", "there is no option \"Hash\"");
        refused("Hash 1", "", "there is no option \"Hash 1\"");
    }

    #[test]
    fn the_declared_defaults_are_the_defaults() {
        for (name, kind) in OPTIONS {
            let mut words = kind.split(' ').skip_while(|word| *word != "default");
            check(name, words.nth(1).expect("every option has a default"), Ok(UsiOptions::default()), false);
        }
    }

    #[test]
    fn tree_and_tables_share_the_memory() {
        for memory in [1, 16, 512, 65_536] {
            let options = UsiOptions { memory, ..UsiOptions::default() };
            assert!(options.max_nodes() * 1024 + options.mate_memory() <= memory << 20, "{memory} MB");
        }
    }
}
