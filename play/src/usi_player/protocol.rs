//! Lines of an engine: its options, its reports, its answer.

use keisei_core::format::PlyInfo;
use keisei_core::net::Value;
use keisei_core::shogi::{Game, Move};

use super::process::plain;
use crate::player::{Answer, Choice, Forfeit};
use crate::rating::value_of;

/// Names that a GUI may set although no engine needs to list them, by the protocol.
const ALWAYS_THERE: [&str; 2] = ["USI_Hash", "USI_Ponder"];

/// Number of similar names in an error.
const SIMILAR: usize = 3;

/// Option that an engine lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOption {
    name: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Check,
    Spin(i64, i64),
    Combo(Vec<String>),
    Button,
    Text,
}

impl EngineOption {
    /// Option in a line `option name …`; `None` for other lines.
    pub fn parse(line: &str) -> Option<EngineOption> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let ["option", "name", rest @ ..] = &*words else { return None };
        let at = rest.iter().position(|&word| word == "type")?;
        let (name, about) = (rest[..at].join(" "), &rest[at + 1..]);
        let number = |key| about.iter().skip_while(|&&word| word != key).nth(1)?.parse().ok();
        let kind = match about.first() {
            Some(&"check") => Kind::Check,
            Some(&"spin") => Kind::Spin(number("min").unwrap_or(i64::MIN), number("max").unwrap_or(i64::MAX)),
            Some(&"combo") => {
                let choices = about.split(|&word| word == "var").skip(1);
                Kind::Combo(choices.map(|words| words.join(" ")).collect())
            }
            Some(&"button") => Kind::Button,
            _ => Kind::Text,
        };
        Some(EngineOption { name, kind })
    }

    /// Reason why the option cannot have this value, if there is one.
    fn refusal(&self, value: &str) -> Option<String> {
        match &self.kind {
            Kind::Check if !["true", "false"].contains(&value) => Some("must be true or false".into()),
            Kind::Spin(least, most) => match value.parse::<i64>() {
                Ok(number) if (least..=most).contains(&&number) => None,
                _ => Some(format!("must be a whole number from {least} to {most}")),
            },
            Kind::Combo(choices) if !choices.iter().any(|choice| choice.eq_ignore_ascii_case(value)) => {
                Some(format!("must be one of {}", choices.join(", ")))
            }
            Kind::Button if !value.is_empty() => Some("is a button and has no value".into()),
            _ => None,
        }
    }
}

/// Line that sets an option of an engine that lists `known` ones.
///
/// # Errors
/// If it has no such option, with those of similar names; or if the option cannot have this value.
pub fn set_option(known: &[EngineOption], name: &str, value: &str) -> Result<String, String> {
    let Some(option) = known.iter().find(|option| option.name == name) else {
        if ALWAYS_THERE.contains(&name) {
            return Ok(format!("setoption name {name} value {value}"));
        }
        return Err(format!("the engine has no option {name:?}; {}", similar(known, name)));
    };
    match option.refusal(value) {
        Some(reason) => Err(format!("option {name:?} of the engine {reason}, not {value:?}")),
        None if option.kind == Kind::Button => Ok(format!("setoption name {name}")),
        None => Ok(format!("setoption name {name} value {value}")),
    }
}

fn similar(known: &[EngineOption], name: &str) -> String {
    let folded = |name: &str| name.to_lowercase().replace(['_', '-'], " ");
    let mut names: Vec<&str> = known.iter().map(|option| &*option.name).collect();
    let likeness = |other: &&str| strsim::sorensen_dice(&folded(name), &folded(other));
    names.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    match &names[..names.len().min(SIMILAR)] {
        [] => "it lists none".to_owned(),
        nearest => format!("the nearest of its {} are {nearest:?}", known.len()),
    }
}

/// Whether an engine says in this line that it does not know an option.
pub fn refuses_option(line: &str) -> bool {
    let line = line.to_lowercase();
    ["no such option", "unknown option", "invalid option"].iter().any(|words| line.contains(words))
}

/// Report of an engine about its best line so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    value: Option<Value>,
    line: Vec<Move>,
}

impl Report {
    /// Takes an `info` line into account; lines about other than the best move, and bounds, are left out.
    pub fn note(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (mut value, mut moves) = (None, Vec::new());
        while let Some(word) = words.next() {
            match word {
                "string" => break,
                "multipv" if words.next() != Some("1") => return,
                "lowerbound" | "upperbound" => return,
                "score" => value = score(words.next(), words.next()).or(value),
                "pv" => {
                    moves = words.map_while(|word| word.parse().ok()).collect();
                    break;
                }
                _ => {}
            }
        }
        self.value = value.or(self.value);
        if !moves.is_empty() {
            self.line = moves;
        }
    }

    /// Answer that a `bestmove` line gives in `game`, with what was reported.
    pub fn answer(self, line: &str, game: &Game) -> Answer {
        let played = line.split_ascii_whitespace().nth(1).unwrap_or_default();
        match played {
            "resign" => return Answer::Resigns,
            "win" => return Answer::Declares,
            _ => {}
        }
        let illegal = |what| Answer::Forfeits(Forfeit::Illegal(format!("the engine played {:?}: {what}", plain(line))));
        let Ok(mv) = played.parse::<Move>() else { return illegal("that is no move") };
        if !game.position().is_legal(mv) {
            return illegal("that is not a legal move here");
        }
        let mut thought = PlyInfo { value: self.value, ..PlyInfo::default() };
        if self.line.first() == Some(&mv) {
            let mut position = game.position().clone();
            thought.line = self.line.into_iter().take_while(|&mv| position.try_play(mv).is_ok()).collect();
        }
        Choice { mv, thought }.into()
    }
}

/// Value of `cp` or `mate` with a number, for the side to move.
fn score(kind: Option<&str>, number: Option<&str>) -> Option<Value> {
    let number = number?;
    match kind? {
        "cp" => {
            let centipawns: i64 = number.parse().ok()?;
            Some(value_of(centipawns.clamp(i32::MIN.into(), i32::MAX.into()) as i32))
        }
        // `+` and `-` stand for mates of unknown length.
        "mate" if number.starts_with('-') => Some(Value(-1.0)),
        "mate" if number.starts_with(|first: char| first == '+' || first.is_ascii_digit()) => Some(Value(1.0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::played;

    fn options() -> Vec<EngineOption> {
        let lines = [
            "option name Skill Level type spin default 20 min -20 max 20",
            "option name UCI_AnalyseMode type check default false",
            "option name UCI_Variant type combo default shogi var mini shogi var shogi",
            "option name Clear Hash type button",
            "option name Hash type spin default 16 min 1 max 131072",
            "option name EvalFile type string default <empty>",
            "id name Engine",
        ];
        lines.into_iter().filter_map(EngineOption::parse).collect()
    }

    #[test]
    fn options_are_set_or_the_error_names_the_nearest() {
        let check = |name, value, expected: Result<&str, &[&str]>| match (set_option(&options(), name, value), expected)
        {
            (Ok(line), Ok(expected)) => assert_eq!(line, expected),
            (Err(error), Err(parts)) => assert!(parts.iter().all(|part| error.contains(part)), "{error}"),
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        };
        assert_eq!(options().len(), 6);
        check("Skill Level", "-5", Ok("setoption name Skill Level value -5"));
        check("Skill Level", "21", Err(&["\"Skill Level\"", "from -20 to 20", "\"21\""]));
        check("Skill Level", "strong", Err(&["from -20 to 20"]));
        check("Skill_Level", "-5", Err(&["no option \"Skill_Level\"", "nearest of its 6 are [\"Skill Level\""]));
        check("Hash Size", "1", Err(&["\"Hash\""]));
        check("UCI_AnalyseMode", "yes", Err(&["true or false"]));
        check("UCI_Variant", "mini shogi", Ok("setoption name UCI_Variant value mini shogi"));
        check("UCI_Variant", "chess", Err(&["one of mini shogi, shogi"]));
        check("Clear Hash", "", Ok("setoption name Clear Hash"));
        check("Clear Hash", "1", Err(&["button"]));
        check("EvalFile", "a b.nnue", Ok("setoption name EvalFile value a b.nnue"));
        check("USI_Hash", "16", Ok("setoption name USI_Hash value 16"));
        assert!(set_option(&[], "Hash", "1").is_err_and(|error| error.contains("it lists none")));
    }

    #[test]
    fn refusals_are_recognised() {
        assert!(refuses_option("No such option: Skill_Level"));
        assert!(refuses_option("info string Unknown option Hash"));
        assert!(!refuses_option("info string option Hash is set"));
    }

    #[test]
    fn the_last_exact_score_of_the_best_line_counts() {
        let check = |lines: &[&str], expected: Option<Value>, line: &[&str]| {
            let mut report = Report::default();
            for line in lines {
                report.note(line);
            }
            let answer = report.answer("bestmove 7g7f ponder 3c3d", &Game::startpos());
            let thought = &played(&answer).thought;
            assert_eq!(thought.value, expected, "{lines:?}");
            assert_eq!(thought.line.iter().map(ToString::to_string).collect::<Vec<_>>(), line, "{lines:?}");
        };
        check(&[], None, &[]);
        let whole = "info depth 3 seldepth 4 multipv 1 score cp 57 nodes 99 nps 9 pv 7g7f 3c3d 2g2f";
        check(&[whole], Some(value_of(57)), &["7g7f", "3c3d", "2g2f"]);
        check(&[whole, "info score cp -80 lowerbound pv 2g2f"], Some(value_of(57)), &["7g7f", "3c3d", "2g2f"]);
        check(&[whole, "info multipv 2 score cp -80 pv 2g2f"], Some(value_of(57)), &["7g7f", "3c3d", "2g2f"]);
        check(&[whole, "info string score cp 9", "info nodes 100"], Some(value_of(57)), &["7g7f", "3c3d", "2g2f"]);
        // A line that begins with another move, or leaves the rules, is left out from there on.
        check(&["info score mate 3 pv 2g2f"], Some(Value(1.0)), &[]);
        check(&["info score mate -2 pv 7g7f 7g7f"], Some(Value(-1.0)), &["7g7f"]);
        check(&["info score mate + pv 7g7f zzz"], Some(Value(1.0)), &["7g7f"]);
        check(&["info score cp 99999999999"], Some(value_of(i32::MAX)), &[]);
        check(&["info score", "info score cp", "info score cp much", "info pv", "info"], None, &[]);
    }

    #[test]
    fn answers_are_judged_by_the_rules() {
        let check = |line: &str, expected: &str| {
            let text = match Report::default().answer(line, &Game::startpos()) {
                Answer::Plays(choice) => choice.mv.to_string(),
                Answer::Forfeits(Forfeit::Illegal(text)) => text,
                other => format!("{other:?}"),
            };
            assert_eq!(text, expected);
        };
        check("bestmove 7g7f", "7g7f");
        check("bestmove 2g2f ponder resign", "2g2f");
        check("bestmove resign", "Resigns");
        check("bestmove win", "Declares");
        check("bestmove 7g7e", "the engine played \"bestmove 7g7e\": that is not a legal move here");
        check(
            "bestmove 8h2b+ ponder 3a2b",
            "the engine played \"bestmove 8h2b+ ponder 3a2b\": that is not a legal move here",
        );
        for line in ["bestmove", "bestmove 0000", "bestmove (none)", "bestmove e2e4"] {
            check(line, &format!("the engine played {line:?}: that is no move"));
        }
    }
}
