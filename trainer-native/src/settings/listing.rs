//! Listings of the settings: for a person, for `docs/settings.md`, and for programs as a JSON schema.

use super::{Preset, Range, Setting, SettingRow, SettingValue, Settings};
use serde_json::{Map, Value as Json, json};
use std::fmt::Write;

/// Title of the settings outside all sections.
const TOP: &str = "";

/// The rows of each section, under its name and description.
fn sections(rows: &[SettingRow]) -> impl Iterator<Item = (&'static str, &'static str, Vec<&SettingRow>)> {
    let top = (TOP, "Whole run");
    std::iter::once(top).chain(Settings::SECTIONS.iter().copied()).map(move |(section, about)| {
        let of_section = |row: &&SettingRow| row.setting.key.split_once('.').map_or(TOP, |(first, _)| first) == section;
        (section, about.trim_end_matches('.'), rows.iter().filter(of_section).collect())
    })
}

/// Listing for a person: key, value in force, default, range, unit and description, and the source of each value that is
/// not that of the preset.
pub fn text(settings: &Settings, source: impl Fn(&str) -> String) -> String {
    let rows = settings.rows();
    let width = |cell: fn(&SettingRow) -> String| rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0);
    let (key, value) = (width(|row| row.setting.key.clone()), width(|row| row.value.to_string()));
    let default = width(|row| row.default.to_string());
    let mut text = String::new();
    for (section, about, rows) in sections(&rows) {
        let heading = if section == TOP { about.to_owned() } else { format!("[{section}]  {about}") };
        line(&mut text, &heading);
        for row in rows {
            let Setting { key: name, unit, range, doc } = &row.setting;
            let source = source(name);
            let source = if source.starts_with("preset ") { String::new() } else { format!("  ({source})") };
            let unit = if unit.is_empty() { String::new() } else { format!(" [{unit}]") };
            let numbers = format!("{:<value$}  default {:<default$}", row.value.to_string(), row.default.to_string());
            line(&mut text, &format!("{name:<key$}  {numbers}  {range}{unit}{source}"));
            line(&mut text, &format!("    {doc}"));
        }
        line(&mut text, "");
    }
    text
}

/// Listing for the documentation: a table for each section, and one of the values that presets change.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Settings\n\n\
         Written by `cargo run -- settings list --markdown`; the table behind it is `trainer-native/src/settings/mod.rs`.\n\
         Later sources win: `--preset`, `--config FILE` (TOML), the environment (`KEISEI_SET_PPO__CLIP_COEF=0.1`), `--set \
         ppo.clip_coef=0.1`.\n",
    );
    for (section, about, rows) in sections(&Settings::default().rows()) {
        let heading = if section == TOP { about.to_owned() } else { format!("`{section}`: {about}") };
        line(&mut text, &format!("\n## {heading}\n"));
        line(&mut text, "| key | default | range | unit | what it is |\n|---|---|---|---|---|");
        for SettingRow { setting: Setting { key, unit, range, doc }, default, .. } in rows {
            line(&mut text, &format!("| `{key}` | {default} | {range} | {unit} | {doc} |"));
        }
    }
    line(&mut text, "\n## Presets\n");
    let presets = Preset::ALL.map(|preset| preset.settings().rows());
    let names = Preset::ALL.map(|preset| format!("`{preset}`")).join(" | ");
    line(&mut text, &format!("| key | {names} |\n|---|{}", "---|".repeat(presets.len())));
    for (i, SettingRow { setting, .. }) in presets[0].iter().enumerate() {
        let values = presets.each_ref().map(|rows| &rows[i].value);
        if values.iter().any(|&value| value != values[0]) {
            line(&mut text, &format!("| `{}` | {} |", setting.key, values.map(SettingValue::to_string).join(" | ")));
        }
    }
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{}", line.trim_end_matches(' ')).expect("writing to a string");
}

/// JSON schema of a file of settings.
pub fn json_schema() -> Json {
    let mut schema = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Settings of a run" });
    for row in Settings::default().rows() {
        let mut object = &mut schema;
        for part in row.setting.key.split('.') {
            object["type"] = "object".into();
            object["additionalProperties"] = false.into();
            object = &mut object["properties"][part];
        }
        *object = property(&row);
    }
    for (section, about) in Settings::SECTIONS {
        schema["properties"][section]["description"] = (*about).into();
    }
    schema
}

fn property(SettingRow { setting, default, .. }: &SettingRow) -> Json {
    let Setting { unit, range, doc, .. } = setting;
    let mut property = Map::new();
    let mut put = |name: &str, value: Json| property.insert(name.to_owned(), value);
    put("description", if unit.is_empty() { doc.clone() } else { format!("{doc} Unit: {unit}.") }.into());
    let is_whole = matches!(default, SettingValue::Whole(_));
    put("type", if is_whole { "integer" } else { "number" }.into());
    put(
        "default",
        match default {
            SettingValue::Whole(number) => (*number).into(),
            SettingValue::Fraction(number) => (*number).into(),
            SettingValue::Name(name) => name.clone().into(),
            SettingValue::Flag(flag) => (*flag).into(),
        },
    );
    let bound = |number: f64| if is_whole { Json::from(number as u64) } else { number.into() };
    match range {
        Range::Numbers { low, high, step } => {
            put("minimum", bound(*low));
            if high.is_finite() {
                put("maximum", bound(*high));
            }
            if *step > 1 {
                put("multipleOf", (*step).into());
            }
        }
        Range::Names(names) => {
            put("type", "string".into());
            put("enum", names.clone().into());
        }
        Range::Flag => {
            put("type", "boolean".into());
        }
        Range::Text => {
            put("type", "string".into());
        }
    }
    property.into()
}
