//! Memory that a run will need on a GPU, from the shapes of its tensors, before it starts.

use crate::learner::{Card, Device, Precision, padded};
use crate::settings::Settings;
use anyhow::{Result, bail};
use keisei_core::encoding::{PackedObservation, SQUARES};
use keisei_core::net::NetSpec;

use super::memory::LEGAL_MOVES;

/// Memory that the runtime needs for each byte that tensors take at once, since it cuts them from pages.
const CUT: f64 = 1.25;

/// Least minibatch and least number of games that are recommended.
const LEAST: usize = 16;

/// Bytes that a run needs on a GPU, by what for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Needs {
    /// Weights, moments, gradient, and weights in the precision and order of the layers, those of the evaluators included.
    pub weights: u64,
    /// Outputs of layers, kept for the backward pass, and their gradients.
    pub activations: u64,
    /// Windows of all squares, which a layer's product is computed from.
    pub windows: u64,
    /// The rollout, and a minibatch's choice from it.
    pub rollout: u64,
    /// A forward pass of all games in self-play, which has ended when learning begins.
    pub selfplay: u64,
    /// The largest tensor of learning, and that of a group of games in self-play.
    pub largest: [u64; 2],
}

impl Needs {
    /// Needs of a run with these settings.
    pub fn of(settings: &Settings) -> Self {
        let spec = settings.spec();
        let bytes = if settings.run.precision == Precision::F32 { 4 } else { 2 };
        let plies = settings.selfplay.envs * settings.selfplay.horizon;
        let minibatch = settings.ppo.minibatch.min(plies.max(1));
        let games = settings.selfplay.envs;
        let parameters = spec.parameters();
        // The order of the layers pads the terms of each product.
        let arranged = 2 * parameters;
        let opponents = if settings.league.share > 0.0 { settings.league.snapshots } else { 0 };
        let groups = settings.threads().max(Device::GROUPS);
        let evaluators = (1 + opponents) * groups;
        // Weights, moments, gradient and its square; and sums of the largest layer's gradient in parts.
        let learning =
            4 * (5 * parameters + GRADIENT_PARTS * largest_layer(&spec)) + bytes * (parameters + 2 * arranged);
        let weights = learning + evaluators * (4 * parameters + bytes * (parameters + arranged));
        let entry = PackedObservation::SIZE.next_multiple_of(4) + 4 * 9 + 2 * LEGAL_MOVES;
        let windows = |boards: usize| boards * SQUARES * columns(&spec) * bytes;
        let forward = games * SQUARES * bytes * (inputs(&spec) + 4 * usize::from(spec.channels) + heads(&spec));
        let [needed, rows] = [windows(minibatch), minibatch * SQUARES];
        Self {
            weights: weights as u64,
            activations: (rows * kept(&spec, bytes)) as u64,
            // Those of the input and those of the gradient behind it.
            windows: 2 * needed as u64,
            rollout: (plies * entry + minibatch * 8) as u64,
            selfplay: (windows(games) + forward) as u64,
            largest: [needed as u64, windows(games.div_ceil(groups)) as u64],
        }
    }

    /// Bytes that tensors take at once.
    pub fn tensors(&self) -> u64 {
        self.weights + self.rollout + (self.activations + self.windows).max(self.selfplay)
    }

    /// Bytes that the runtime will hold for them on a card that allows tensors of `largest` bytes, to about a factor of two.
    pub fn total(&self, largest: u64) -> u64 {
        let one_of_each = pages(largest, self.largest.into_iter().max().unwrap_or(0));
        one_of_each.max((CUT * self.tensors() as f64) as u64)
    }

    fn fits(&self, card: Card) -> bool {
        let total = self.total(card.largest);
        card.free.is_none_or(|free| total <= free) && self.largest.iter().all(|&tensor| tensor <= card.largest)
    }

    /// The parts in words.
    fn parts(&self) -> String {
        let parts = [
            ("activations", self.activations),
            ("windows", self.windows),
            ("self-play", self.selfplay),
            ("rollout", self.rollout),
            ("weights and optimiser", self.weights),
        ];
        parts.map(|(name, bytes)| format!("{name} {}", gigabytes(bytes))).join(", ")
    }
}

/// Bytes of one page of each of the runtime's pools that tensors of up to `tensor` bytes are cut from, on a card that allows `largest`.
///
/// cubecl 0.10 has a pool of pages of the largest size for the largest tensors, one of pages of a quarter of it for tensors of up to half of
/// these, and so on: each pool's pages are a quarter of the last one's, and its tensors at most half as large a part of a page.
fn pages(largest: u64, tensor: u64) -> u64 {
    /// Pages below which there is no smaller pool.
    const SMALL: u64 = 32 << 20;
    let mut pools = vec![[largest, largest]];
    let mut page = largest;
    while page >= SMALL {
        page /= 4;
        pools.push([page, page >> pools.len()]);
    }
    let taken = pools.iter().rposition(|&[_, most]| tensor <= most).unwrap_or(0);
    pools[taken..].iter().map(|&[page, _]| page).sum()
}

/// Parts in which the gradient of a weight is summed, at most.
const GRADIENT_PARTS: usize = 16;

fn inputs(spec: &NetSpec) -> usize {
    usize::from(spec.planes)
}

/// Numbers of the largest weight.
fn largest_layer(spec: &NetSpec) -> usize {
    spec.tensors().iter().map(|tensor| tensor.shape.iter().product()).max().unwrap_or(0)
}

/// Columns of the windows of 3×3 squares, of the planes or of the trunk.
fn columns(spec: &NetSpec) -> usize {
    padded(9 * inputs(spec).max(spec.channels.into()))
}

/// Numbers of the heads for each square.
fn heads(spec: &NetSpec) -> usize {
    usize::from(spec.policy_planes) + usize::from(spec.value_channels)
}

/// Bytes for each square that a backward pass needs: planes, the stem and two layers a block with the gradient in hand; the optional
/// layers' sums, products and squares; the heads, whose logits and slopes are in f32.
fn kept(spec: &NetSpec, bytes: usize) -> usize {
    let (channels, blocks) = (usize::from(spec.channels), usize::from(spec.blocks));
    let outputs = 2 + 2 * blocks + 3;
    let se = if spec.options.se_hidden > 0 { 6 * blocks * bytes } else { 0 };
    let pool = if spec.options.pool_hidden > 0 { blocks * (2 * bytes + 4 * 4) } else { 0 };
    let score = if spec.options.score_hidden > 0 { 4 * 4 } else { 0 };
    inputs(spec) * bytes + channels * (outputs * bytes + se + pool + score) + heads(spec) * (2 * bytes + 4 * 4)
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.2} GB", bytes as f64 / 1e9)
}

/// The settings with the largest minibatch and number of games that fit, each halved as often as it must be; none if not even the least do.
fn fitting(settings: &Settings, card: Card) -> Option<Settings> {
    let mut settings = settings.clone();
    settings.ppo.minibatch = settings.ppo.minibatch.min(settings.iteration_plies() as usize);
    loop {
        let needs = Needs::of(&settings);
        if needs.fits(card) {
            return Some(settings);
        }
        let too_many_games = needs.largest[1] > card.largest || needs.selfplay > needs.activations + needs.windows;
        let halved = if too_many_games { &mut settings.selfplay.envs } else { &mut settings.ppo.minibatch };
        if *halved < 2 * LEAST {
            return None;
        }
        *halved /= 2;
    }
}

/// Settings that fit, in words.
fn advice(settings: &Settings, card: Card) -> String {
    match fitting(settings, card) {
        Some(fit) => format!("ppo.minibatch = {} with selfplay.envs = {} fits", fit.ppo.minibatch, fit.selfplay.envs),
        None => "the network is too large for it: net.channels and net.blocks decide".into(),
    }
}

/// Line about the GPU's memory, for the start of the run; none if the device is no GPU.
///
/// # Errors
/// If the run needs more than the card has; or if the driver is missing or too old.
pub fn check(settings: &Settings) -> Result<Option<String>> {
    settings.run.device.card()?.map(|card| check_on(settings, card)).transpose()
}

fn check_on(settings: &Settings, card: Card) -> Result<String> {
    let needs = Needs::of(settings);
    let total = gigabytes(needs.total(card.largest));
    let sentence = |verb: &str| format!("the run {verb} about {total} of the GPU's memory");
    let has = card.free.map_or_else(String::new, |free| format!(" of {}", gigabytes(free)));
    if needs.fits(card) {
        return Ok(format!("{}{has}: {}", sentence("will need"), needs.parts()));
    }
    let reason = if card.free.is_some_and(|free| needs.total(card.largest) > free) {
        format!("and {} are free", gigabytes(card.free.unwrap_or(0)))
    } else {
        let largest = needs.largest.into_iter().max().unwrap_or(0);
        format!("one tensor of it {}, and its driver allows {}", gigabytes(largest), gigabytes(card.largest))
    };
    bail!("{}, {reason}: {}; {}", sentence("would need"), needs.parts(), advice(settings, card));
}

/// Advice after the GPU's memory ran out in the run: settings with half of the estimate of these.
pub fn advice_after(settings: &Settings) -> String {
    let needs = Needs::of(settings);
    // The driver, which has failed, is not asked again for the largest tensor.
    let largest = needs.largest.into_iter().max().unwrap_or(0);
    let half = Card { free: Some(needs.total(largest) / 2), largest };
    format!(
        "tensors take about {} ({}); try half: {}",
        gigabytes(needs.tensors()),
        needs.parts(),
        advice(settings, half)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Preset;

    fn card(free: u64) -> Card {
        Card { free: Some(free), largest: free / 4 }
    }

    #[test]
    fn what_fits_is_said_and_what_does_not_is_refused_with_what_would() {
        let settings = Preset::Gpu.settings();
        let said = check_on(&settings, card(80 << 30)).expect("a large card");
        assert!(said.starts_with("the run will need about ") && said.contains(" of 85.90 GB: activations "), "{said}");
        for free in [8 << 30, 4 << 30, 2 << 30] {
            let fit = fitting(&settings, card(free)).expect("some settings fit");
            assert!(Needs::of(&fit).fits(card(free)));
            if fit.ppo.minibatch == settings.ppo.minibatch && fit.selfplay.envs == settings.selfplay.envs {
                check_on(&settings, card(free)).expect("as said");
                continue;
            }
            let error = check_on(&settings, card(free)).expect_err("too small a card").to_string();
            let settings =
                format!("ppo.minibatch = {} with selfplay.envs = {} fits", fit.ppo.minibatch, fit.selfplay.envs);
            assert!(error.ends_with(&settings), "{error}");
        }
        let error = check_on(&settings, card(1 << 20)).expect_err("no card").to_string();
        assert!(error.contains("and 0.00 GB are free") && error.contains("net.channels"), "{error}");
        let limited = Card { free: Some(80 << 30), largest: 1 << 20 };
        let error = check_on(&settings, limited).expect_err("no room for a tensor").to_string();
        assert!(error.contains("its driver allows 0.00 GB"), "{error}");
    }

    #[test]
    fn pages_are_those_of_the_runtimes_pools() {
        // Of a card that allows 128 MB: pools of 8 MB for up to 2 MB, of 32 MB for up to 16, of 128 MB for the rest.
        for (tensor, expected) in [(1, 8), (2, 8), (3, 40), (16, 40), (17, 168), (128, 168)] {
            assert_eq!(pages(128 << 20, tensor << 20), expected << 20, "{tensor} MB");
        }
    }

    #[test]
    fn every_setting_that_decides_counts() {
        let settings = Preset::Gpu.settings();
        let more = |change: fn(&mut Settings)| {
            let mut settings = settings.clone();
            change(&mut settings);
            Needs::of(&settings)
        };
        let base = Needs::of(&settings);
        assert!(more(|s| s.ppo.minibatch /= 2).activations < base.activations);
        assert!(more(|s| s.selfplay.envs *= 2).selfplay > base.selfplay);
        assert!(more(|s| s.selfplay.horizon *= 2).rollout > base.rollout);
        assert!(more(|s| s.net.channels *= 2).windows > base.windows);
        assert!(more(|s| s.net.blocks += 1).weights > base.weights);
        assert!(more(|s| s.run.precision = Precision::Bf16).activations < base.activations);
    }

    #[test]
    fn the_cpu_has_no_card() {
        let mut settings = Preset::Tiny.settings();
        settings.run.device = Device::Cpu;
        assert_eq!(check(&settings).expect("nothing is asked"), None);
    }
}
