//! Fuzzing of our own file formats.
//!
//! | selector | parser |
//! |---|---|
//! | 0, 1 | a model: the whole file; header and body, sealed here with the right digest |
//! | 2, 3 | records: the whole file; the body, sealed |
//! | 4, 5 | a checkpoint: the whole file; the state, sealed |
//! | 6 | a configuration, TOML |
//! | 7 | one setting over the preset, `key=value` |

use keisei_core::encoding::{Actions, Features};
use keisei_core::format::{Dtype, Model, Provenance, Record, envelope, model, record};
use keisei_core::net::{NetSpec, Weights};
use keisei_core::shogi::{Game, Position};
use trainer_native::run::checkpoint::State;
use trainer_native::settings::{Layers, Preset, Settings};
use trainer_native::trainer::Totals;

/// Reads `data` with the parser that its first byte selects.
///
/// # Panics
/// If accepted input is not equal after writing and reading it again.
pub fn check(data: &[u8]) {
    let Some((selector, input)) = data.split_first() else { return };
    match selector % 8 {
        0 => a_model(input),
        1 => {
            let Some((length, rest)) = input.split_first_chunk() else { return };
            let (header, body) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
            a_model(&envelope::seal(*b"KEISEI-M", model::VERSION, header, body));
        }
        2 => records(input),
        3 => records(&envelope::seal(*b"KEISEI-R", record::VERSION, &[], input)),
        4 => a_checkpoint(input),
        5 => a_checkpoint(&sealed_checkpoint(input)),
        6 => drop(str::from_utf8(input).map(configuration)),
        _ => drop(str::from_utf8(input).map(setting)),
    }
}

fn a_model(bytes: &[u8]) {
    if let Ok(model) = Model::from_bytes(bytes) {
        let written = model.to_bytes(Dtype::F32).expect("what was read can be written");
        assert_eq!(Model::from_bytes(&written), Ok(model));
    }
}

fn records(bytes: &[u8]) {
    if let Ok(records) = record::from_bytes(bytes) {
        let written = record::to_bytes(&records).expect("what was read can be written");
        assert_eq!(record::from_bytes(&written), Ok(records));
    }
}

/// The bytes of a checkpoint around `state`.
fn sealed_checkpoint(state: &[u8]) -> Vec<u8> {
    envelope::seal_content(*b"KEISEICP", 1, &[&[0; 8], state])
}

fn a_checkpoint(bytes: &[u8]) {
    if let Ok((state, seconds)) = State::from_bytes(bytes) {
        let written = state.to_bytes(seconds);
        let (state, seconds) = State::from_bytes(&written).expect("what was written can be read");
        // Weights may be NaN, so bytes are compared.
        assert_eq!(state.to_bytes(seconds), written);
    }
}

fn configuration(text: &str) {
    if let Ok(config) = Settings::from_toml(text) {
        assert_eq!(Settings::from_toml(&config.to_toml()).expect("what was written can be read"), config);
    }
}

fn setting(text: &str) {
    let layers = Layers::new("preset", &Preset::Tiny.settings()).set(&[text.to_owned()]);
    if let Ok(config) = layers.and_then(|layers| layers.settings()) {
        configuration(&config.to_toml());
    }
}

/// A small file of each kind, whole and as the part that is sealed here.
///
/// # Panics
/// If one of them cannot be written.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let (features, actions) = (Features::Core46Keisei2025, Actions::Dest2187);
    let small = NetSpec::for_encodings(features, actions);
    let spec = NetSpec { channels: 8, blocks: 0, value_channels: 1, value_hidden: 1, ..small };
    let weights = Weights::init(&spec, 1).expect("a small network");
    let model = Model { features, actions, provenance: Provenance::default(), weights };
    for dtype in [Dtype::F32, Dtype::F16] {
        let bytes = model.to_bytes(dtype).expect("a small model");
        let header = usize::try_from(u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]])).expect("small");
        let inside = &bytes[24..bytes.len() - 32];
        seeds.push(super::seed(1, [&(header as u16).to_le_bytes(), inside].concat()));
        seeds.push(super::seed(0, bytes));
    }
    let mut game = Game::startpos();
    for usi in ["7g7f", "3c3d", "8h2b+"] {
        game.play(usi.parse().expect("a move"));
    }
    let problem = Game::new(Position::from_sfen("7nk/9/8P/9/9/9/9/9/K8 b G 1").expect("a position"), 100);
    let games = [game, problem].map(|game| Record::of_game(&game, "黒", "white", Vec::new()));
    let bytes = record::to_bytes(&games).expect("sound games");
    seeds.push(super::seed(3, &bytes[24..bytes.len() - 32]));
    seeds.push(super::seed(2, bytes));
    for preset in [Preset::Tiny, Preset::Cpu] {
        let config = preset.settings().to_toml();
        let state = State {
            config: config.clone(),
            done: Totals { iterations: 3, plies: 100, samples: 90, games: 2 },
            weights: vec![0.5, -1.0],
            adam: keisei_core::learn::Adam::new(2),
            envs: Vec::new(),
        };
        let bytes = state.to_bytes(1.5);
        seeds.push(super::seed(5, &bytes[20..bytes.len() - 32]));
        seeds.push(super::seed(4, bytes));
        seeds.push(super::seed(6, config));
    }
    let settings = ["ppo.clip_coef=0.1", "seed=7", "net.features=attack96", "ppo.learning_rate.shape=linear"];
    seeds.extend(settings.map(|setting| super::seed(7, setting)));
    seeds
}
