//! Game records: KIF, KI2, CSA, JKF, USI, USEN, and the detection of format and encoding.
#![no_main]

libfuzzer_sys::fuzz_target!(init: keisei_fuzz::plant("notation", &keisei_fuzz::notation::seeds()), |data: &[u8]| {
    keisei_fuzz::notation::check(data);
});
