//! Binary files and configurations: models, records, checkpoints, TOML.
#![no_main]

libfuzzer_sys::fuzz_target!(init: keisei_fuzz::plant("files", &keisei_fuzz::files::seeds()), |data: &[u8]| {
    keisei_fuzz::files::check(data);
});
