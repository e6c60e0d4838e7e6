//! Reader of spellings: recursive descent with one place in the text.

use std::time::Duration;

use super::engine::ENGINE_SETTINGS;
use super::{MAX_TEMPERATURE, MAX_VISITS, SPELLINGS, SpelledModel, SpelledPlayer, Spelling, SpellingError};
use crate::alpha_beta::AlphaBetaPlayer;
use crate::executor::Arithmetic;
use crate::usi_player::Engine;

/// Settings of a model.
const MODEL_SETTINGS: [&str; 3] = ["name", "temperature", "arithmetic"];

/// Mixtures within mixtures.
const DEEPEST: usize = 16;

/// Longest timeout in seconds: a day.
const LONGEST_TIMEOUT: f64 = 86_400.0;

/// Where a spelling stands, which says where it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// By itself.
    Whole,
    /// In parentheses.
    Parentheses,
    /// In a mixture without parentheses, where it has no settings.
    Member,
}

impl Place {
    /// Characters that end an unquoted word here.
    const fn ends(self) -> &'static [char] {
        match self {
            Place::Whole => &[','],
            Place::Parentheses => &[',', ')'],
            Place::Member => &[',', ')', '+'],
        }
    }
}

/// Part of a spelling that is wrong, and why.
struct Wrong {
    part: String,
    problem: String,
}

fn wrong<T>(part: &str, problem: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { part: part.to_owned(), problem: problem.into() })
}

/// `key=value`; the value of an engine's button is missing.
struct Setting {
    key: String,
    is_quoted: bool,
    value: Option<String>,
}

/// Player of a whole text.
pub fn read(text: &str) -> Result<Spelling, SpellingError> {
    let mut reader = Reader { rest: text.trim(), depth: 0 };
    let spelling = reader.spelling(Place::Whole).and_then(|spelling| match reader.rest {
        "" => Ok(spelling),
        rest => wrong(rest, "unexpected"),
    });
    spelling.map_err(|Wrong { part, problem }| SpellingError { spelling: text.to_owned(), part, problem })
}

struct Reader<'a> {
    /// Rest of the text.
    rest: &'a str,
    /// Number of mixtures around this place.
    depth: usize,
}

impl<'a> Reader<'a> {
    fn spelling(&mut self, place: Place) -> Result<Spelling, Wrong> {
        let text = self.rest;
        let player = if self.takes("ab:") {
            SpelledPlayer::AlphaBeta(self.alpha_beta(place)?)
        } else if self.takes("mix:") {
            if place == Place::Member {
                return wrong(text, "a mixture within a mixture stands in parentheses");
            }
            SpelledPlayer::Mixture(self.members()?)
        } else if self.takes("usi:") {
            return self.engine(place);
        } else if self.takes("model:") {
            return self.model(place);
        } else {
            match self.peek(place.ends()).trim() {
                "random" => {
                    self.bare(place.ends());
                    SpelledPlayer::Random
                }
                "greedy" => {
                    self.bare(place.ends());
                    SpelledPlayer::Greedy
                }
                _ => return self.file(place),
            }
        };
        let mut name = None;
        while let Some(setting) = self.setting(place)? {
            match &*setting.key {
                "name" => set(&mut name, &setting, |value| Ok(value.to_owned()))?,
                key => return wrong(key, "there is no such setting here, only `name`"),
            }
        }
        Ok(Spelling { player, name })
    }

    fn alpha_beta(&mut self, place: Place) -> Result<AlphaBetaPlayer, Wrong> {
        let text = self.bare(place.ends());
        match text.parse() {
            Ok(depth) if AlphaBetaPlayer::DEPTHS.contains(&depth) => Ok(AlphaBetaPlayer::new(depth)),
            _ => {
                let (least, most) = (AlphaBetaPlayer::DEPTHS.start(), AlphaBetaPlayer::DEPTHS.end());
                wrong(text, format!("the depth must be a whole number from {least} to {most}"))
            }
        }
    }

    /// Members of a mixture.
    fn members(&mut self) -> Result<Vec<(f64, Spelling)>, Wrong> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return wrong("mix:", "the mixtures are too deep");
        }
        let mut members = Vec::new();
        loop {
            let weight = self.weight()?;
            let begin = self.rest;
            let member = if self.takes("(") {
                let member = self.spelling(Place::Parentheses)?;
                if !self.takes(")") {
                    return wrong(begin, "there is no closing parenthesis");
                }
                member
            } else {
                self.spelling(Place::Member)?
            };
            members.push((weight, member));
            if !self.takes("+") {
                self.depth -= 1;
                return Ok(members);
            }
        }
    }

    /// Weight before `*`; 1 if there is none.
    fn weight(&mut self) -> Result<f64, Wrong> {
        let text = self.peek(&['*', '+', '(', ')', '"', ',']);
        let Some(rest) = self.rest[text.len()..].strip_prefix('*') else { return Ok(1.0) };
        self.rest = rest.trim_start();
        match text.trim().parse::<f64>() {
            Ok(weight) if weight > 0.0 && weight.is_finite() => Ok(weight),
            _ => wrong(text.trim(), "a weight must be a positive number; a file's name with `*` stands in quotes"),
        }
    }

    /// Model by the name of its file alone.
    fn file(&mut self, place: Place) -> Result<Spelling, Wrong> {
        if self.rest.starts_with('"') || place != Place::Whole {
            return self.model(place);
        }
        match self.bare(&[]) {
            "" => wrong("", format!("is empty: a player is {SPELLINGS}")),
            file => Ok(SpelledPlayer::Model(SpelledModel::new(file)).into()),
        }
    }

    fn model(&mut self, place: Place) -> Result<Spelling, Wrong> {
        let (file, visits) = if self.rest.starts_with('"') {
            let file = self.quoted()?;
            let visits = if self.takes("@") { Some(self.bare(place.ends())) } else { None };
            (file, visits)
        } else {
            let text = self.bare(place.ends());
            match text.rsplit_once('@') {
                Some((file, visits)) => (file.to_owned(), Some(visits)),
                None => (text.to_owned(), None),
            }
        };
        if file.is_empty() {
            return wrong("", format!("is empty, where a model file should stand: a player is {SPELLINGS}"));
        }
        let visits = visits.map(|text| match text.parse() {
            Ok(visits) if visits <= MAX_VISITS => Ok(visits),
            _ => {
                let problem = format!("the visits after `@` must be a whole number from 0 to {MAX_VISITS}");
                wrong(text, problem + "; a file's name with `@` stands in quotes")
            }
        });
        let mut model = SpelledModel { visits: visits.transpose()?, ..SpelledModel::new(&file) };
        let mut name = None;
        while let Some(setting) = self.setting(place)? {
            match &*setting.key {
                "name" => set(&mut name, &setting, |value| Ok(value.to_owned()))?,
                "temperature" => set(&mut model.temperature, &setting, temperature)?,
                "arithmetic" => set(&mut model.arithmetic, &setting, arithmetic)?,
                key => return wrong(key, format!("a model has no such setting, only {}", list(&MODEL_SETTINGS))),
            }
        }
        Ok(Spelling { player: SpelledPlayer::Model(model), name })
    }

    fn engine(&mut self, place: Place) -> Result<Spelling, Wrong> {
        let mut engine = Engine::new(self.command(place)?);
        let (mut name, mut start_timeout) = (None, None);
        while let Some(setting) = self.setting(place)? {
            let Setting { key, is_quoted, value } = &setting;
            if *is_quoted || !ENGINE_SETTINGS.contains(&&**key) {
                if engine.options.iter().any(|(name, _)| name == key) {
                    return wrong(key, "is set twice");
                }
                engine.options.push((key.clone(), value.clone().unwrap_or_default()));
                continue;
            }
            let number = |text: &str| match text.parse() {
                Ok(number) if number >= 1 => Ok(number),
                _ => wrong(text, format!("{key} must be a whole number from 1")),
            };
            let seconds = |text: &str| match text.parse() {
                Ok(seconds) if (0.001..=LONGEST_TIMEOUT).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
                _ => wrong(text, format!("{key} must be a number of seconds, from 0.001 to {LONGEST_TIMEOUT}")),
            };
            match &**key {
                "name" => set(&mut name, &setting, |value| Ok(value.to_owned()))?,
                "nodes" => set(&mut engine.limits.nodes, &setting, number)?,
                "depth" => set(&mut engine.limits.depth, &setting, number)?,
                "movetime" => set(&mut engine.limits.movetime, &setting, number)?,
                "byoyomi" => set(&mut engine.limits.byoyomi, &setting, number)?,
                "timeout" => set(&mut engine.timeout, &setting, seconds)?,
                _ => set(&mut start_timeout, &setting, seconds)?,
            }
        }
        engine.start_timeout = start_timeout.unwrap_or(engine.start_timeout);
        let limits = engine.limits;
        if limits.named().iter().all(|(_, limit)| limit.is_none()) {
            return wrong("", "an engine needs a limit: nodes=, depth=, movetime= or byoyomi=");
        }
        if limits.movetime.is_some() && limits.byoyomi.is_some() {
            return wrong("byoyomi", "an engine has either movetime or byoyomi");
        }
        Ok(Spelling { player: SpelledPlayer::Usi(engine), name })
    }

    /// Words of a command, up to a comma.
    fn command(&mut self, place: Place) -> Result<Vec<String>, Wrong> {
        let ends = [place.ends(), &[' ', '\t']].concat();
        let mut words = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            let word = if self.rest.starts_with('"') { self.quoted()? } else { self.bare(&ends).to_owned() };
            if word.is_empty() {
                break;
            }
            words.push(word);
        }
        if words.is_empty() { wrong("", "an engine needs a program: usi:PROGRAM") } else { Ok(words) }
    }

    /// Setting after a comma, if one follows.
    fn setting(&mut self, place: Place) -> Result<Option<Setting>, Wrong> {
        self.rest = self.rest.trim_start();
        if place == Place::Member || !self.takes(",") {
            return Ok(None);
        }
        self.rest = self.rest.trim_start();
        let begin = self.rest;
        let is_quoted = begin.starts_with('"');
        let ends = [place.ends(), &['=']].concat();
        let key = if is_quoted { self.quoted()? } else { self.bare(&ends).to_owned() };
        if key.is_empty() {
            return wrong(begin, "a setting needs a key: key=value");
        }
        self.rest = self.rest.trim_start();
        let value = if self.takes("=") {
            self.rest = self.rest.trim_start();
            let is_quoted = self.rest.starts_with('"');
            Some(if is_quoted { self.quoted()? } else { self.bare(place.ends()).to_owned() })
        } else {
            None
        };
        Ok(Some(Setting { key, is_quoted, value }))
    }

    fn takes(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Text up to one of these characters, or to the end.
    fn peek(&self, ends: &[char]) -> &'a str {
        &self.rest[..self.rest.find(ends).unwrap_or(self.rest.len())]
    }

    /// Unquoted word up to one of these characters, without the blanks around it.
    fn bare(&mut self, ends: &[char]) -> &'a str {
        let word = self.peek(ends);
        self.rest = &self.rest[word.len()..];
        word.trim()
    }

    /// Word in quotes, which stand here.
    fn quoted(&mut self) -> Result<String, Wrong> {
        let begin = self.rest;
        let mut word = String::new();
        let mut characters = begin.char_indices().skip(1).peekable();
        while let Some((at, c)) = characters.next() {
            match (c, characters.peek()) {
                ('"', next) => {
                    self.rest = &begin[at + 1..];
                    let ends = [',', ' ', '\t', '=', '@', ')', '+'];
                    return match next {
                        Some((_, c)) if !ends.contains(c) => wrong(self.rest, "unexpected after the closing quote"),
                        _ => Ok(word),
                    };
                }
                ('\\', Some(&(_, escaped @ ('"' | '\\')))) => {
                    word.push(escaped);
                    characters.next();
                }
                _ => word.push(c),
            }
        }
        wrong(begin, "there is no closing quote")
    }
}

/// Sets a value that is not set yet.
fn set<T>(place: &mut Option<T>, setting: &Setting, read: impl FnOnce(&str) -> Result<T, Wrong>) -> Result<(), Wrong> {
    if place.is_some() {
        return wrong(&setting.key, "is set twice");
    }
    match setting.value.as_deref() {
        None | Some("") => wrong(&setting.key, format!("needs a value: {}=", setting.key)),
        Some(value) => {
            *place = Some(read(value)?);
            Ok(())
        }
    }
}

fn temperature(text: &str) -> Result<f64, Wrong> {
    match text.parse() {
        Ok(temperature) if (0.0..=MAX_TEMPERATURE).contains(&temperature) => Ok(temperature),
        _ => wrong(text, format!("the temperature must be a number from 0 to {MAX_TEMPERATURE}")),
    }
}

fn arithmetic(text: &str) -> Result<Arithmetic, Wrong> {
    Arithmetic::from_name(text).map_or_else(|| wrong(text, "the arithmetic must be f32, integer or bf16"), Ok)
}

fn list(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}
