//! Model file: an exported network with everything that is needed to play it.
//!
//! An [envelope] with magic `KEISEI-M` and version [`VERSION`], [`VERSION_OF_OPTIONS`] for a network with optional layers,
//! [`VERSION_OF_RATINGS`] for a model whose strength was measured, or [`VERSION_OF_INTEGERS`] for weights as integers. The header
//! is postcard, in this order:
//!
//! | field | type | content |
//! |---|---|---|
//! | `spec` | [`NetSpec`] | architecture |
//! | `features` | string | id of the input planes, [`Features::id`] |
//! | `actions` | string | id of the policy's actions, [`Actions::id`] |
//! | `provenance` | [`Provenance`] | origin of the weights |
//! | `dtype` | [`Dtype`] | number format of the weights |
//! | `options` | [`NetOptions`] | optional layers; only from version [`VERSION_OF_OPTIONS`] on |
//! | `ratings` | list of [`MeasuredRating`] | [`Provenance::ratings`]; only from version [`VERSION_OF_RATINGS`] on |
//!
//! The body holds the weights as [`Dtype`] says.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use super::dtype::Dtype;
use super::envelope::{self, EnvelopeError, MAX_HEADER};
use crate::encoding::{Actions, Features};
use crate::net::{NetOptions, NetSpec, SpecError, Weights, WeightsError};

/// Version of the format for networks without optional layers.
pub const VERSION: u32 = 1;

/// Version of the format for networks with optional layers. Programs without these layers refuse the file by its version.
pub const VERSION_OF_OPTIONS: u32 = 2;

/// Version of the format for models whose strength was measured.
pub const VERSION_OF_RATINGS: u32 = 3;

/// Version of the format for weights as integers, [`Dtype::I8`]. Programs that do not know them refuse the file by its version.
pub const VERSION_OF_INTEGERS: u32 = 4;

const MAGIC: [u8; 8] = *b"KEISEI-M";

/// Network that can play: weights, and the encodings that they were trained with.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Input planes.
    pub features: Features,
    /// Meaning of the policy's logits.
    pub actions: Actions,
    /// Origin of the weights.
    pub provenance: Provenance,
    /// Weights, with their architecture.
    pub weights: Weights,
}

/// Origin of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the training run.
    pub run: String,
    /// Iterations of training.
    pub iteration: u64,
    /// Plies of self-play that the model learned from.
    pub plies: u64,
    /// Time of the export, in the exporter's notation.
    pub created: String,
    /// Remarks for the users of the model.
    pub notes: String,
    /// Strength of the model, as tournaments measured it; one for each way to play.
    #[serde(skip)]
    pub ratings: Vec<MeasuredRating>,
}

/// Strength of a model, as a tournament measured it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredRating {
    /// How the model played: visits, temperature and arithmetic, in the measuring program's notation.
    pub play: String,
    /// Rating in Elo above the anchor.
    pub elo: i32,
    /// Lower bound of the 95 % interval; `None` where the games set none.
    pub low: Option<i32>,
    /// Upper bound of the 95 % interval; `None` where the games set none.
    pub high: Option<i32>,
    /// Name of the player whose rating is 0.
    pub anchor: String,
    /// Games of the model in the tournament.
    pub games: u32,
    /// Seed of the tournament's openings and moves.
    pub seed: u64,
    /// Conditions of the tournament: schedule, opponents, openings and ply limit.
    pub conditions: String,
    /// [Digest](Model::weights_digest) of the weights that played. A model with another has changed since.
    pub weights: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct Header<'a> {
    spec: NetSpec,
    features: &'a str,
    actions: &'a str,
    provenance: Provenance,
    dtype: Dtype,
}

/// Reason why bytes are not a model of this build, or why a model cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// The file is damaged, or not a model of this version.
    Envelope(EnvelopeError),
    /// The header cannot be read as postcard.
    Header(postcard::Error),
    /// The header has bytes after its last field.
    HeaderRest(usize),
    /// The header would be longer than [`MAX_HEADER`].
    HeaderTooLong(usize),
    /// The architecture is out of range.
    Spec(SpecError),
    /// The id of the input planes is unknown to this build.
    Features(String),
    /// The id of the actions is unknown to this build.
    Actions(String),
    /// The network reads a number of planes that the features do not have.
    Planes {
        /// Planes of the network.
        net: usize,
        /// Planes of the features.
        features: usize,
    },
    /// The network has a number of logits that is not the number of actions.
    ActionCount {
        /// Logits of the network.
        net: usize,
        /// Number of actions.
        actions: usize,
    },
    /// The body's length is not that of the weights.
    WeightBytes {
        /// Bytes of the body.
        found: usize,
        /// Bytes that the architecture needs.
        expected: usize,
    },
    /// A weight is infinite or NaN, in the file or in the number format to write.
    NotFinite {
        /// Name of its tensor.
        tensor: String,
        /// Index within the tensor.
        index: usize,
    },
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelError::Envelope(error) => write!(f, "model file: {error}"),
            ModelError::Header(error) => write!(f, "model header: {error}"),
            ModelError::HeaderRest(rest) => write!(f, "model header: {rest} bytes after its last field"),
            ModelError::HeaderTooLong(found) => {
                write!(f, "model header: {found} bytes, more than {MAX_HEADER}: shorten the provenance")
            }
            ModelError::Spec(error) => write!(f, "model header, spec: {error}"),
            ModelError::Features(id) => write!(f, "model header: input planes `{id}` are unknown to this build"),
            ModelError::Actions(id) => write!(f, "model header: actions `{id}` are unknown to this build"),
            ModelError::Planes { net, features } => {
                write!(f, "model header: the network reads {net} planes, its features have {features}")
            }
            ModelError::ActionCount { net, actions } => {
                write!(f, "model header: the network has {net} logits for {actions} actions")
            }
            ModelError::WeightBytes { found, expected } => {
                write!(f, "model weights: {found} bytes, but the network needs {expected}")
            }
            ModelError::NotFinite { tensor, index } => {
                write!(f, "model weights: number {index} of {tensor} is not finite in the file's type")
            }
        }
    }
}

impl core::error::Error for ModelError {}

impl ModelError {
    /// Ids of all kinds of errors that reading a file gives; see [`id`](Self::id).
    pub const IDS: [&str; 6] = ["not_a_model", "version", "length", "damaged", "encoding", "network"];

    /// Id of the kind of error, for programs that have words of their own for it.
    pub const fn id(&self) -> &'static str {
        match self {
            ModelError::Envelope(EnvelopeError::Magic) => "not_a_model",
            ModelError::Envelope(EnvelopeError::Version { .. }) => "version",
            ModelError::Envelope(EnvelopeError::Length { .. }) => "length",
            ModelError::Envelope(EnvelopeError::HeaderLength(_) | EnvelopeError::Digest)
            | ModelError::Header(_)
            | ModelError::HeaderRest(_)
            | ModelError::HeaderTooLong(_) => "damaged",
            ModelError::Features(_) | ModelError::Actions(_) => "encoding",
            ModelError::Spec(_)
            | ModelError::Planes { .. }
            | ModelError::ActionCount { .. }
            | ModelError::WeightBytes { .. }
            | ModelError::NotFinite { .. } => "network",
        }
    }
}

impl Model {
    /// Architecture of the network.
    pub fn spec(&self) -> &NetSpec {
        self.weights.spec()
    }

    /// SHA-256 of the weights, as binary32 in little endian: equal for files that differ only in their provenance.
    pub fn weights_digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        self.weights.data().iter().for_each(|x| digest.update(x.to_le_bytes()));
        digest.finalize().into()
    }

    /// Bytes of the model's file.
    ///
    /// # Errors
    /// The model could not be read back: the encodings do not fit the network, a weight is not finite in `dtype`, or the
    /// provenance is too long.
    pub fn to_bytes(&self, dtype: Dtype) -> Result<Vec<u8>, ModelError> {
        check_encodings(self.spec(), self.features, self.actions)?;
        let header = Header {
            spec: self.spec().clone(),
            features: self.features.id(),
            actions: self.actions.id(),
            provenance: self.provenance.clone(),
            dtype,
        };
        let mut header = postcard::to_allocvec(&header).map_err(ModelError::Header)?;
        let options = self.spec().options;
        let version = match &self.provenance.ratings[..] {
            [] if options == NetOptions::default() => VERSION,
            [] => VERSION_OF_OPTIONS,
            _ => VERSION_OF_RATINGS,
        };
        let version = if dtype == Dtype::I8 { VERSION_OF_INTEGERS } else { version };
        if version >= VERSION_OF_OPTIONS {
            header.extend(postcard::to_allocvec(&options).map_err(ModelError::Header)?);
        }
        if version >= VERSION_OF_RATINGS {
            header.extend(postcard::to_allocvec(&self.provenance.ratings).map_err(ModelError::Header)?);
        }
        if header.len() > MAX_HEADER {
            return Err(ModelError::HeaderTooLong(header.len()));
        }
        check_finite(self.spec(), self.weights.data())?;
        let body = dtype.write(self.spec(), self.weights.data());
        check_finite(self.spec(), &dtype.read(self.spec(), &body))?;
        Ok(envelope::seal(MAGIC, version, &header, &body))
    }

    /// Smallest number format in which nothing of the weights is lost: that of the file that the model was read from.
    ///
    /// # Errors
    /// As for [`to_bytes`](Self::to_bytes).
    pub fn exact_dtype(&self) -> Result<Dtype, ModelError> {
        check_finite(self.spec(), self.weights.data())?;
        let weights = self.weights.data();
        // By their bits: the digest of ratings tells -0 from 0.
        let keeps = |dtype: &Dtype| {
            let read = dtype.read(self.spec(), &dtype.write(self.spec(), weights));
            read.iter().zip(weights).all(|(x, y)| x.to_bits() == y.to_bits())
        };
        Ok([Dtype::I8, Dtype::F16].into_iter().find(keeps).unwrap_or(Dtype::F32))
    }

    /// Model in the bytes of a file. Memory for the weights is allocated only after the file is known to hold them.
    ///
    /// # Errors
    /// The first defect found.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, ModelError> {
        let later = [VERSION_OF_OPTIONS, VERSION_OF_RATINGS, VERSION_OF_INTEGERS];
        let is_of = |version: &u32| bytes.get(8..12) == Some(&version.to_le_bytes()[..]);
        let version = later.into_iter().find(is_of).unwrap_or(VERSION);
        let (header, body) = envelope::open(bytes, MAGIC, version).map_err(ModelError::Envelope)?;
        let (mut header, mut rest) = postcard::take_from_bytes::<Header>(header).map_err(ModelError::Header)?;
        if version >= VERSION_OF_OPTIONS {
            (header.spec.options, rest) = postcard::take_from_bytes(rest).map_err(ModelError::Header)?;
        }
        if version >= VERSION_OF_RATINGS {
            (header.provenance.ratings, rest) = postcard::take_from_bytes(rest).map_err(ModelError::Header)?;
        }
        if !rest.is_empty() {
            return Err(ModelError::HeaderRest(rest.len()));
        }
        let Header { spec, features, actions, provenance, dtype } = header;
        spec.validate().map_err(ModelError::Spec)?;
        let features = Features::from_id(features).ok_or_else(|| ModelError::Features(features.into()))?;
        let actions = Actions::from_id(actions).ok_or_else(|| ModelError::Actions(actions.into()))?;
        check_encodings(&spec, features, actions)?;

        let expected = dtype.size(&spec);
        if body.len() != expected {
            return Err(ModelError::WeightBytes { found: body.len(), expected });
        }
        let data = dtype.read(&spec, body);
        check_finite(&spec, &data)?;
        let weights = Weights::new(spec, data).map_err(|error| match error {
            WeightsError::Spec(error) => ModelError::Spec(error),
            WeightsError::Count { .. } => ModelError::WeightBytes { found: body.len(), expected },
        })?;
        Ok(Model { features, actions, provenance, weights })
    }
}

fn check_encodings(spec: &NetSpec, features: Features, actions: Actions) -> Result<(), ModelError> {
    let planes = usize::from(spec.planes);
    if planes != features.planes() {
        return Err(ModelError::Planes { net: planes, features: features.planes() });
    }
    if spec.actions() != actions.count() {
        return Err(ModelError::ActionCount { net: spec.actions(), actions: actions.count() });
    }
    Ok(())
}

fn check_finite(spec: &NetSpec, data: &[f32]) -> Result<(), ModelError> {
    let Some(at) = data.iter().position(|x| !x.is_finite()) else { return Ok(()) };
    let tensor = spec.tensors().into_iter().find(|tensor| tensor.range.contains(&at));
    let tensor = tensor.expect("the tensors cover the weights");
    Err(ModelError::NotFinite { tensor: tensor.name, index: at - tensor.range.start })
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;

    fn model() -> Model {
        let (features, actions) = (Features::Attack96, Actions::Dest2187);
        let small = NetSpec::for_encodings(features, actions);
        let spec = NetSpec { channels: 8, blocks: 1, value_channels: 1, value_hidden: 4, ..small };
        Model {
            features,
            actions,
            provenance: Provenance {
                run: "first".into(),
                iteration: 12,
                plies: 345_678,
                created: "2026-11-24T09:00:00Z".into(),
                notes: "二歩".into(),
                ratings: Vec::new(),
            },
            weights: Weights::init(&spec, 5).expect("the specification is valid"),
        }
    }

    /// A file with a valid envelope around any header and body.
    fn file(change: impl Fn(&mut Header), body: &[u8]) -> Vec<u8> {
        let model = model();
        let mut header = Header {
            spec: model.spec().clone(),
            features: "attack96",
            actions: "dest2187",
            provenance: model.provenance,
            dtype: Dtype::F32,
        };
        change(&mut header);
        let header = postcard::to_allocvec(&header).expect("a vector takes everything");
        envelope::seal(MAGIC, VERSION, &header, body)
    }

    fn check(bytes: &[u8], expected: &ModelError) {
        assert_eq!(Model::from_bytes(bytes).as_ref(), Err(expected), "{expected}");
        assert!(ModelError::IDS.contains(&expected.id()), "{expected}");
    }

    #[test]
    fn a_model_comes_back_from_its_file() {
        let model = model();
        let bytes = model.to_bytes(Dtype::F32).expect("the model is sound");
        assert_eq!(Model::from_bytes(&bytes), Ok(model.clone()));

        let options = NetOptions { se_hidden: 3, pool_hidden: 4, score_hidden: 5 };
        let spec = NetSpec { options, ..model.spec().clone() };
        let weights = Weights::init(&spec, 6).expect("the specification is valid");
        let more = Model { weights, ..model.clone() };
        let of_options = more.to_bytes(Dtype::F32).expect("the model is sound");
        assert_eq!((bytes[8], of_options[8]), (VERSION as u8, VERSION_OF_OPTIONS as u8));
        assert_eq!(Model::from_bytes(&of_options), Ok(more));

        let halves = model.to_bytes(Dtype::F16).expect("the model is sound");
        assert_eq!(bytes.len() - halves.len(), 2 * model.spec().parameters());
        let rounded = Model::from_bytes(&halves).expect("the file is sound");
        for (x, y) in model.weights.data().iter().zip(rounded.weights.data()) {
            assert!((x - y).abs() <= x.abs() / 2048.0 + f32::EPSILON, "{x} became {y}");
        }
        assert_eq!(rounded.to_bytes(Dtype::F16).as_ref(), Ok(&halves));
        assert_eq!((model.exact_dtype(), rounded.exact_dtype()), (Ok(Dtype::F32), Ok(Dtype::F16)));
        assert_eq!(rounded.provenance, model.provenance);

        let integers = model.to_bytes(Dtype::I8).expect("the model is sound");
        assert_eq!(integers[8], VERSION_OF_INTEGERS as u8);
        assert!(integers.len() < halves.len(), "{} bytes, {} as halves", integers.len(), halves.len());
        let rounded = Model::from_bytes(&integers).expect("the file is sound");
        assert_eq!(rounded.to_bytes(Dtype::I8).as_ref(), Ok(&integers));
        assert_eq!(rounded.exact_dtype(), Ok(Dtype::I8));
        assert_eq!(rounded.provenance, model.provenance);
    }

    #[test]
    fn ratings_come_back_and_files_without_are_of_the_older_versions() {
        let mut model = model();
        let plain = model.to_bytes(Dtype::F32).expect("the model is sound");
        let digest = model.weights_digest();
        model.provenance.ratings = ["policy", "100 visits"]
            .map(|play| MeasuredRating {
                play: play.into(),
                elo: 1234,
                low: Some(1100),
                high: None,
                anchor: "random".into(),
                games: 400,
                seed: 7,
                conditions: "gauntlet against greedy, ab:2".into(),
                weights: digest,
            })
            .into();
        let rated = model.to_bytes(Dtype::F32).expect("the model is sound");
        assert_eq!((plain[8], rated[8]), (VERSION as u8, VERSION_OF_RATINGS as u8));
        let read = Model::from_bytes(&rated).expect("the file is sound");
        assert_eq!((&read, read.weights_digest()), (&model, digest));

        // With optional layers too; and half precision changes the weights, so their digest.
        let options = NetOptions { se_hidden: 3, pool_hidden: 4, score_hidden: 5 };
        let weights = Weights::init(&NetSpec { options, ..model.spec().clone() }, 6).expect("valid");
        let more = Model { weights, ..model.clone() };
        assert_eq!(Model::from_bytes(&more.to_bytes(Dtype::F32).expect("the model is sound")), Ok(more));
        let halves = model.to_bytes(Dtype::F16).expect("the model is sound");
        assert_ne!(Model::from_bytes(&halves).expect("the file is sound").weights_digest(), digest);

        let without = Model { provenance: Provenance { ratings: Vec::new(), ..model.provenance }, ..read };
        assert_eq!(without.to_bytes(Dtype::F32), Ok(plain));
        // A claim of more ratings than the header has bytes.
        let mut header = postcard::to_allocvec(&self::model().spec()).expect("a vector takes everything");
        for field in ["attack96", "dest2187"] {
            header.extend(postcard::to_allocvec(field).expect("a vector takes everything"));
        }
        header.extend(postcard::to_allocvec(&self::model().provenance).expect("a vector takes everything"));
        header.extend([0, 0, 0, 0, 255, 255, 255, 255, 15]);
        let bytes = envelope::seal(MAGIC, VERSION_OF_RATINGS, &header, &[]);
        check(&bytes, &ModelError::Header(postcard::Error::DeserializeUnexpectedEnd));
    }

    #[test]
    fn weights_are_rounded_to_the_nearest_binary16() {
        let mut model = model();
        let published =
            [(1.0, 0x3c00), (-2.0, 0xc000), (1.0 / 3.0, 0x3555), (-0.0, 0x8000), (65519.0, 0x7bff), (2.98e-8, 0)];
        for (weight, (x, _)) in model.weights.data_mut().iter_mut().zip(published) {
            *weight = x;
        }
        let bytes = model.to_bytes(Dtype::F16).expect("the model is sound");
        let weights = &bytes[bytes.len() - 32 - 2 * model.spec().parameters()..];
        for ((x, bits), stored) in published.into_iter().zip(weights.as_chunks().0) {
            assert_eq!(u16::from_le_bytes(*stored), bits, "{x}");
        }
    }

    #[test]
    fn every_truncation_and_every_extension_is_found() {
        every_truncation_of(model().to_bytes(Dtype::F16).expect("the model is sound"));
        every_truncation_of(model().to_bytes(Dtype::I8).expect("the model is sound"));
    }

    fn every_truncation_of(bytes: Vec<u8>) {
        for len in 0..bytes.len() {
            let error = Model::from_bytes(&bytes[..len]).expect_err("a truncated file");
            assert!(
                matches!(error, ModelError::Envelope(EnvelopeError::Length { found, .. }) if found == len),
                "{error}"
            );
        }
        let mut longer = bytes;
        longer.push(0);
        assert!(matches!(Model::from_bytes(&longer), Err(ModelError::Envelope(EnvelopeError::Length { .. }))));
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let mut bytes = model().to_bytes(Dtype::F16).expect("the model is sound");
        // Every bit of the header and of the digest; of the weights a sample, for each costs a hash of the whole.
        let weights = 200..bytes.len() - 40;
        for byte in (0..bytes.len()).filter(|byte| !weights.contains(byte) || byte.is_multiple_of(37)) {
            for bit in 0..8 {
                bytes[byte] ^= 1 << bit;
                assert!(Model::from_bytes(&bytes).is_err(), "bit {bit} of byte {byte}");
                bytes[byte] ^= 1 << bit;
            }
        }
    }

    #[test]
    fn foreign_files_are_named() {
        let bytes = model().to_bytes(Dtype::F32).expect("the model is sound");
        let changed = |at: usize, to: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = to;
            bytes
        };
        check(&changed(0, b'X'), &ModelError::Envelope(EnvelopeError::Magic));
        check(&changed(8, 9), &ModelError::Envelope(EnvelopeError::Version { found: 9, supported: VERSION }));
        check(&file(|h| h.features = "attack97", &[]), &ModelError::Features("attack97".into()));
        check(&file(|h| h.actions = "usi", &[]), &ModelError::Actions("usi".into()));
        check(&file(|h| h.spec.planes = 95, &[]), &ModelError::Planes { net: 95, features: 96 });
        check(&file(|h| h.spec.policy_planes = 26, &[]), &ModelError::ActionCount { net: 2106, actions: 2187 });
    }

    #[test]
    fn claims_are_checked_against_the_body_before_anything_is_allocated() {
        let spec = SpecError { field: "channels", found: 65528, min: 8, max: 512, multiple_of: 8 };
        check(&file(|h| h.spec.channels = 65528, &[]), &ModelError::Spec(spec));
        let claim = |header: &mut Header| (header.spec.channels, header.spec.blocks) = (512, 64);
        let Err(ModelError::WeightBytes { found: 3, expected }) = Model::from_bytes(&file(claim, &[0; 3])) else {
            panic!("three bytes are not a large network")
        };
        assert!(expected > 1_000_000_000);
        // A string that claims 2^32 - 1 bytes, where the run's name should be.
        let header = [&[96, 27, 8, 1, 1, 4, 0, 0][..], &[255, 255, 255, 255, 15]].concat();
        let bytes = envelope::seal(MAGIC, VERSION, &header, &[]);
        check(&bytes, &ModelError::Header(postcard::Error::DeserializeUnexpectedEnd));
    }

    #[test]
    fn headers_that_are_no_headers_are_refused() {
        check(
            &envelope::seal(MAGIC, VERSION, &[], &[]),
            &ModelError::Header(postcard::Error::DeserializeUnexpectedEnd),
        );
        let mut header = postcard::to_allocvec(&model().spec()).expect("a vector takes everything");
        header.extend([1, 0xff]); // a string that is not UTF-8
        check(&envelope::seal(MAGIC, VERSION, &header, &[]), &ModelError::Header(postcard::Error::DeserializeBadUtf8));
    }

    #[test]
    fn weights_that_are_not_finite_are_named() {
        let mut model = model();
        let at = model.spec().tensors().iter().find(|t| t.name == "stem.bias").expect("it has one").range.start + 3;
        let error = ModelError::NotFinite { tensor: "stem.bias".to_string(), index: 3 };
        model.weights.data_mut()[at] = 70_000.0;
        assert_eq!(model.to_bytes(Dtype::F16), Err(error.clone()));
        let mut body = model.to_bytes(Dtype::F32).map(|_| vec![0; 4 * model.spec().parameters()]).expect("fits f32");
        body[4 * at..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
        check(&file(|_| (), &body), &error);
        model.weights.data_mut()[at] = f32::NAN;
        assert_eq!(model.to_bytes(Dtype::F32), Err(error.clone()));
        assert_eq!(model.to_bytes(Dtype::I8), Err(error));
    }

    #[test]
    fn a_provenance_that_could_not_be_read_back_is_not_written() {
        let mut model = model();
        model.provenance.notes = "x".repeat(MAX_HEADER);
        assert!(matches!(model.to_bytes(Dtype::F32), Err(ModelError::HeaderTooLong(_))));
    }
}
