//! Positions and moves: SFEN, USI, BOD diagrams, Japanese, Western and CSA move text.
#![no_main]

libfuzzer_sys::fuzz_target!(init: keisei_fuzz::plant("position", &keisei_fuzz::position::seeds()), |data: &[u8]| {
    keisei_fuzz::position::check(data);
});
