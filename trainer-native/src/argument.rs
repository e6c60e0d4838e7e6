//! Command-line arguments: settings among them, and errors in them, with which the program ends with code 2.

use std::ffi::OsString;
use std::fmt;

/// Subcommands that take settings.
const WITH_SETTINGS: [&str; 3] = ["train", "sweep", "settings"];

/// Arguments of the program, with `--ppo.clip_coef=0.1` and `--ppo.clip_coef 0.1` written as `--set ppo.clip_coef=0.1`, as agents
/// of other programs' sweeps spell settings. No option of the program's own has a point in its name; `--seed` is a setting too.
pub fn with_settings(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments = arguments.peekable();
    let mut written: Vec<OsString> = arguments.by_ref().take(2).collect();
    let takes_settings = written.get(1).is_some_and(|command| WITH_SETTINGS.iter().any(|known| command == known));
    while let Some(argument) = arguments.next() {
        let setting = argument.to_str().and_then(|text| text.strip_prefix("--")).filter(|text| is_setting(text));
        match setting {
            Some(setting) if takes_settings => {
                let mut setting = OsString::from(setting);
                if !argument.to_string_lossy().contains('=')
                    && let Some(value) = arguments.next_if(|next| !next.to_string_lossy().starts_with("--"))
                {
                    setting.push("=");
                    setting.push(value);
                }
                written.extend(["--set".into(), setting]);
            }
            _ => written.push(argument),
        }
    }
    written
}

/// Whether an option, its value included, names a setting.
fn is_setting(option: &str) -> bool {
    let name = option.split_once('=').map_or(option, |(name, _)| name);
    let is_key = |part: &str| part.starts_with(|c: char| c.is_ascii_lowercase());
    name == "seed" || name.contains('.') && name.split('.').all(is_key)
}

/// Command-line argument that cannot be used, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadArgument {
    /// Name of the argument, such as `SFEN` or `move 3`.
    pub argument: String,
    /// Text that was given.
    pub given: String,
    /// Reason why it cannot be used.
    pub reason: String,
}

impl BadArgument {
    /// Error: `given` cannot be used as `argument`, because of `reason`.
    pub fn new(argument: impl fmt::Display, given: &str, reason: impl fmt::Display) -> BadArgument {
        BadArgument { argument: argument.to_string(), given: given.to_owned(), reason: reason.to_string() }
    }
}

impl fmt::Display for BadArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}", self.argument, self.given, self.reason)
    }
}

impl std::error::Error for BadArgument {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_spelled_as_options_too() {
        let check = |line: &str, expected: &str| {
            let found = with_settings(line.split(' ').map(OsString::from));
            let expected: Vec<OsString> = expected.split(' ').map(OsString::from).collect();
            assert_eq!(found, expected, "{line}");
        };
        check("t train --plain --ppo.clip_coef=0.1", "t train --plain --set ppo.clip_coef=0.1");
        check("t train --ppo.clip_coef 0.1 --plain", "t train --set ppo.clip_coef=0.1 --plain");
        check("t train --ppo.clip_coef --plain", "t train --set ppo.clip_coef --plain");
        check("t train --a.b.c=x=y --seed=5 --seed 6", "t train --set a.b.c=x=y --set seed=5 --set seed=6");
        check("t sweep --over ppo.clip_coef=0..1", "t sweep --over ppo.clip_coef=0..1");
        check(
            "t train --out=a.b --out ./a.b --out ../a --set a.b=1",
            "t train --out=a.b --out ./a.b --out ../a --set a.b=1",
        );
        check("t evaluate --seed 5 --model a.model", "t evaluate --seed 5 --model a.model");
        check("t", "t");
    }
}
