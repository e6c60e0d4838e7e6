//! Options that a GUI may set.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::executor::Arithmetic;

/// Options: name, and USI type with default and range; the comments give the meaning.
///
/// `USI_Hash` and `USI_Ponder` are known to every GUI, and most GUIs set them by themselves.
const OPTIONS: [(&str, &str); 10] = [
    // Model file.
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
    // Memory for the tree in MB, about a thousand nodes each.
    ("USI_Hash", "spin default 512 min 1 max 65536"),
    // Milliseconds that a move takes on its way from the engine to the clock.
    ("MoveOverhead", "spin default 200 min 0 max 10000"),
    // Plies after which the game is cut off; 0 for no limit.
    ("MaxPlies", "spin default 0 min 0 max 10000"),
];

/// Current values of the options.
#[derive(Clone, Debug, PartialEq)]
pub struct UsiOptions {
    /// Model file; `None` until it is set.
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
    /// Largest number of nodes of the tree.
    pub max_nodes: usize,
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
            max_nodes: 512 * 1024,
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

    /// Sets an option.
    ///
    /// # Errors
    /// Reason why the value is refused; the option then keeps its value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "Model" => self.model = (!matches!(value, "" | "<empty>")).then(|| value.into()),
            "Threads" => self.threads = spin(name, value)? as usize,
            "Arithmetic" => {
                let arithmetic = Arithmetic::from_name(value);
                self.arithmetic = arithmetic.ok_or_else(|| refused(name, value, "f32, integer or bf16"))?;
            }
            "Visits" => self.visits = Some(spin(name, value)? as u32).filter(|&visits| visits > 0),
            "Temperature" => {
                let temperature = value.parse::<f32>().ok().filter(|value| (0.0..=100.0).contains(value));
                self.temperature = temperature.ok_or_else(|| refused(name, value, "a number from 0 to 100"))?;
            }
            "MultiPV" => self.multi_pv = spin(name, value)? as usize,
            "USI_Ponder" => {
                self.ponder = value.parse().map_err(|_| refused(name, value, "true or false"))?;
            }
            "USI_Hash" => self.max_nodes = spin(name, value)? as usize * 1024,
            "MoveOverhead" => self.overhead = spin(name, value)?,
            "MaxPlies" => self.max_plies = spin(name, value)? as u16,
            _ => return Err(format!("there is no option {:?}", super::command::shortened(name))),
        }
        Ok(())
    }
}

/// Number in the range of the option's declaration.
fn spin(name: &str, value: &str) -> Result<u64, String> {
    let (_, kind) = OPTIONS.iter().find(|option| option.0 == name).expect("only known options are asked for");
    let bound = |which: &str| -> u64 {
        let mut words = kind.split(' ').skip_while(|word| *word != which);
        words.nth(1).and_then(|word| word.parse().ok()).expect("every spin has its bounds")
    };
    let (min, max) = (bound("min"), bound("max"));
    let number = value.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| refused(name, value, &format!("a whole number from {min} to {max}")))
}

fn refused(name: &str, value: &str, wanted: &str) -> String {
    format!("option {name}: {:?} is not {wanted}", super::command::shortened(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str, expected: Result<UsiOptions, &str>) {
        let mut options = UsiOptions::default();
        let result = options.set(name, value);
        assert_eq!(result.map(|()| options), expected.map_err(str::to_owned), "{name} = {value}");
    }

    #[test]
    fn options_are_set_or_told_why_not() {
        let default = UsiOptions::default;
        check("Model", "a b.model", Ok(UsiOptions { model: Some("a b.model".into()), ..default() }));
        check("Model", "<empty>", Ok(default()));
        check("Threads", "4", Ok(UsiOptions { threads: 4, ..default() }));
        check("Threads", "0", Err("option Threads: \"0\" is not a whole number from 1 to 256"));
        check("Arithmetic", "integer", Ok(UsiOptions { arithmetic: Arithmetic::Integer, ..default() }));
        check("Arithmetic", "int8", Err("option Arithmetic: \"int8\" is not f32, integer or bf16"));
        check("Visits", "800", Ok(UsiOptions { visits: Some(800), ..default() }));
        check("Visits", "-1", Err("option Visits: \"-1\" is not a whole number from 0 to 100000000"));
        check("Temperature", "0.5", Ok(UsiOptions { temperature: 0.5, ..default() }));
        check("Temperature", "NaN", Err("option Temperature: \"NaN\" is not a number from 0 to 100"));
        check("USI_Ponder", "yes", Err("option USI_Ponder: \"yes\" is not true or false"));
        check("Hash", "1", Err("there is no option \"Hash\""));
    }

    #[test]
    fn the_declared_defaults_are_the_defaults() {
        for (name, kind) in OPTIONS {
            let mut words = kind.split(' ').skip_while(|word| *word != "default");
            check(name, words.nth(1).expect("every option has a default"), Ok(UsiOptions::default()));
        }
    }
}
