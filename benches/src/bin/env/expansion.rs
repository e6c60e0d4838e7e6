//! Planes from packed observations, beside setting and copying the same number of bytes.

use std::hint::black_box;

use anyhow::Result;
use keisei_benches::movegen::{Random, SEED};
use keisei_core::encoding::{Actions, Features, PackedObservation, PlaneValue, SQUARES};
use keisei_core::shogi::Game;

use super::{MAX_PLIES, measure};

/// Observations expanded at a time.
const BATCH: usize = 64;

/// Prints a table: every set of planes in every type of value.
pub fn print() -> Result<()> {
    println!("| planes, {BATCH} at a time | bytes | million a second | GB/s | memset GB/s | memcpy GB/s | of memcpy |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let observations = observations();
    for features in Features::ALL {
        row::<f32>(features, "f32", &observations)?;
        row::<u16>(features, "f16", &observations)?;
        row::<i8>(features, "i8", &observations)?;
    }
    Ok(())
}

fn row<V: PlaneValue>(features: Features, name: &str, observations: &[PackedObservation]) -> Result<()> {
    let size = features.planes() * SQUARES;
    let mut planes = vec![V::ZERO; BATCH * size];
    let source = vec![V::ONE; BATCH * size];
    let batches: Vec<_> = observations.chunks_exact(BATCH).collect();
    let mut next = 0;
    let speeds = measure(3, |contender| {
        match contender {
            0 => {
                features.expand_batch(batches[next % batches.len()], &mut planes);
                next += 1;
            }
            1 => planes.fill(black_box(V::ZERO)),
            _ => planes.copy_from_slice(&source),
        }
        black_box(&mut planes);
        BATCH as u64
    })?;
    let bytes = size * size_of::<V>();
    let [expanded, set, copied] = [0, 1, 2].map(|i| speeds[i] * bytes as f64 * 1e-9);
    let millions = speeds[0] * 1e-6;
    let share = expanded / copied;
    println!(
        "| {} {name} | {bytes} | {millions:.2} | {expanded:.1} | {set:.1} | {copied:.1} | {share:.2} |",
        features.id()
    );
    Ok(())
}

/// Positions of random games.
fn observations() -> Vec<PackedObservation> {
    let mut random = Random(SEED);
    let mut observations = Vec::new();
    while observations.len() < 64 * BATCH {
        let mut game = Game::new(Game::startpos().position().clone(), MAX_PLIES);
        while game.outcome().is_none() {
            observations.push(PackedObservation::new(&game));
            let legal = Actions::Dest2187.legal(game.position());
            game.play_unchecked(legal.moves()[random.below(legal.len())]);
        }
    }
    observations
}
