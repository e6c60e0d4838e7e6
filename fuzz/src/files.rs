//! Fuzzing of our own file formats.
//!
//! | selector | parser |
//! |---|---|
//! | 0, 1 | a model: the whole file; header and body, sealed here with the right digest |
//! | 2, 3 | records: the whole file; the body, sealed |
//! | 4, 5, 8 | a checkpoint: the whole file; the state of version 1, sealed; header and state of the current version, sealed |
//! | 6 | a configuration, TOML |
//! | 7 | one setting over the preset, `key=value` |

use keisei_core::encoding::{Actions, Features};
use keisei_core::format::{Dtype, Model, Provenance, Record, envelope, model, record};
use keisei_core::learn::Adaptation;
use keisei_core::net::{NetSpec, Weights};
use keisei_core::shogi::{Game, Position};
use trainer_native::event::Machine;
use trainer_native::league::LeagueState;
use trainer_native::run::checkpoint::{self, Checkpoint, State};
use trainer_native::run::guard::Guard;
use trainer_native::settings::{Layers, Preset, Settings};
use trainer_native::totals::Totals;

/// Reads `data` with the parser that its first byte selects.
///
/// # Panics
/// If accepted input is not equal after writing and reading it again.
pub fn check(data: &[u8]) {
    let Some((selector, input)) = data.split_first() else { return };
    match selector % 9 {
        0 => a_model(input),
        1 => a_model(&sealed(*b"KEISEI-M", model::VERSION, input)),
        2 => records(input),
        3 => records(&envelope::seal(*b"KEISEI-R", record::VERSION, &[], input)),
        4 => a_checkpoint(input),
        5 => a_checkpoint(&envelope::seal_content(*b"KEISEICP", 1, &[&[0; 8], input])),
        6 => drop(str::from_utf8(input).map(configuration)),
        7 => drop(str::from_utf8(input).map(setting)),
        _ => a_checkpoint(&sealed(*b"KEISEICP", checkpoint::VERSION, input)),
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

/// File with the header whose length the first two bytes of `input` tell, and a body.
fn sealed(magic: [u8; 8], version: u32, input: &[u8]) -> Vec<u8> {
    let (length, rest) = input.split_at(input.len().min(2));
    let length = length.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
    let (header, body) = rest.split_at(length.min(rest.len()));
    envelope::seal(magic, version, header, body)
}

fn a_checkpoint(bytes: &[u8]) {
    if let Ok(checkpoint) = Checkpoint::from_bytes(bytes) {
        let written = checkpoint.to_bytes();
        let again = Checkpoint::from_bytes(&written).expect("what was written can be read");
        // Weights may be NaN, so bytes are compared.
        assert_eq!(again.to_bytes(), written);
        drop((checkpoint.state.digest(), checkpoint.state.sickness()));
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

/// Length of the header, then header and body, of a sealed file.
fn with_length_of_header(file: &[u8]) -> Vec<u8> {
    [&file[12..14], &file[24..file.len() - 32]].concat()
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
    for dtype in [Dtype::F32, Dtype::F16, Dtype::I8] {
        let bytes = model.to_bytes(dtype).expect("a small model");
        seeds.push(super::seed(1, with_length_of_header(&bytes)));
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
            guard: Guard::default(),
            alarms: Vec::new(),
            league: LeagueState::default(),
            average: None,
            adaptation: Adaptation::default(),
            starts: Vec::new(),
        };
        let bytes = Checkpoint { state, seconds: 1.5, files: Vec::new(), machine: Machine::default() }.to_bytes();
        seeds.push(super::seed(8, with_length_of_header(&bytes)));
        seeds.push(super::seed(4, bytes));
        seeds.push(super::seed(6, config));
    }
    let first_version = super::fixture("checkpoints/version-1.checkpoint");
    seeds.push(super::seed(5, &first_version[20..first_version.len() - 32]));
    seeds.push(super::seed(4, first_version));
    let settings = ["ppo.clip_coef=0.1", "seed=7", "net.features=attack96", "ppo.learning_rate.shape=linear"];
    seeds.extend(settings.map(|setting| super::seed(7, setting)));
    seeds
}
