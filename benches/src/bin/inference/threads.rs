//! What a second thread gains.

use std::time::Instant;

use keisei_benches::inference::{BATCHES, NETS, input};
use keisei_core::net::simd::Simd;
use keisei_core::net::threads::Threads;
use keisei_core::net::{Executor, OUTCOMES};

/// What two threads should do, in times of what one does.
const BAR: f64 = 1.85;

/// Prints positions a second of one and of two threads, by the clock: the fastest of some rounds in turn, because what
/// else the machine does takes from two threads more than from one.
pub fn compare(rounds: usize, seconds: f64) {
    let batch = BATCHES[BATCHES.len() - 1];
    for net in &NETS {
        let simd = Simd::new(&net.weights());
        let input = input(simd.spec(), batch);
        let mut policy = vec![0.0; batch * simd.spec().actions()];
        let mut wdl = vec![0.0; batch * OUTCOMES];
        let mut both = [1, 2].map(|threads| (Threads::new(simd.clone(), threads), 0.0f64));
        for _ in 0..rounds {
            for (executor, fastest) in &mut both {
                let (start, mut positions) = (Instant::now(), 0);
                while start.elapsed().as_secs_f64() < seconds {
                    executor.forward(batch, &input, &mut policy, &mut wdl);
                    positions += batch;
                }
                *fastest = fastest.max(positions as f64 / start.elapsed().as_secs_f64());
            }
        }
        let [one, two] = both.map(|(_, fastest)| fastest);
        let verdict = if two / one >= BAR { "met" } else { "missed" };
        println!(
            "{} B={batch}: one thread {one:.0}/s, two {two:.0}/s, {:.2}×; the bar of {BAR}× is {verdict}",
            net.name,
            two / one
        );
    }
}
