//! Weights as safetensors, with the architecture as JSON beside them.
//!
//! The file is a little-endian `u64` with the length of a JSON header, the header, and the numbers: for each tensor its
//! type, its shape and where its bytes begin and end after the header. Names and shapes are those of
//! [`NetSpec::tensors`](keisei_core::net::NetSpec::tensors).

use anyhow::{Context, Result, bail};
use keisei_core::format::Model;
use keisei_core::net::{NetSpec, Weights};
use serde_json::{Map, Value, json};

/// Bytes of a header that are allowed, so that a foreign file cannot ask for more.
const MAX_HEADER: usize = 1 << 20;

/// The file's bytes, numbers as `F32`.
pub fn to_bytes(model: &Model) -> Vec<u8> {
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), json!({ "format": "pt", "config": config(model).to_string() }));
    for tensor in model.spec().tensors() {
        let entry = json!({
            "dtype": "F32",
            "shape": tensor.shape,
            "data_offsets": [4 * tensor.range.start, 4 * tensor.range.end],
        });
        header.insert(tensor.name, entry);
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    // The numbers begin at a multiple of eight.
    header.resize(header.len().next_multiple_of(8), b' ');
    let numbers = model.weights.data().iter().flat_map(|x| x.to_le_bytes());
    (header.len() as u64).to_le_bytes().into_iter().chain(header.iter().copied()).chain(numbers).collect()
}

/// The architecture and the encodings, for whoever builds the network.
pub fn config(model: &Model) -> Value {
    json!({
        "spec": model.spec(),
        "options": model.spec().options,
        "features": model.features.id(),
        "actions": model.actions.id(),
        "provenance": model.provenance,
    })
}

/// The weights of a network of architecture `spec` from such a file.
///
/// # Errors
/// Names the tensor that is missing, foreign, or has another type, shape or place than it should.
pub fn from_bytes(bytes: &[u8], spec: &NetSpec) -> Result<Weights> {
    let (length, rest) = bytes.split_first_chunk().context("the file is shorter than its first number")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > MAX_HEADER || length > rest.len() {
        bail!("the header claims {length} bytes, of {} that there are", rest.len());
    }
    let (header, numbers) = rest.split_at(length);
    let header: Map<String, Value> = serde_json::from_slice(header).context("the header is no JSON object")?;
    let tensors = spec.tensors();
    if let Some(foreign) =
        header.keys().find(|name| *name != "__metadata__" && tensors.iter().all(|t| t.name != **name))
    {
        bail!("tensor {foreign} is none of this network's");
    }
    let mut data = vec![0.0; spec.parameters()];
    for tensor in tensors {
        let name = &tensor.name;
        let entry = header.get(name).with_context(|| format!("tensor {name} is missing"))?;
        if entry["dtype"] != "F32" {
            bail!("tensor {name}: wanted F32, found {}", entry["dtype"]);
        }
        if entry["shape"] != json!(tensor.shape) {
            bail!("tensor {name}: wanted shape {:?}, found {}", tensor.shape, entry["shape"]);
        }
        let bound = |i: usize| entry["data_offsets"][i].as_u64().and_then(|at| usize::try_from(at).ok());
        let found = bound(0).zip(bound(1)).and_then(|(from, to)| numbers.get(from..to));
        let found = found.filter(|found| found.len() == 4 * tensor.range.len());
        let found =
            found.with_context(|| format!("tensor {name}: {} is not where its numbers are", entry["data_offsets"]))?;
        for (x, bytes) in data[tensor.range].iter_mut().zip(found.as_chunks().0) {
            *x = f32::from_le_bytes(*bytes);
        }
    }
    Weights::new(spec.clone(), data).context("the weights")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;
    use keisei_core::format::Provenance;
    use keisei_core::net::Weights;

    fn model() -> Model {
        let config = Preset::Tiny.config();
        Model {
            features: config.features(),
            actions: config.actions(),
            provenance: Provenance::default(),
            weights: Weights::init(&config.spec(), 3).expect("the specification is valid"),
        }
    }

    #[test]
    fn weights_come_back() {
        let model = model();
        let bytes = to_bytes(&model);
        assert_eq!(from_bytes(&bytes, model.spec()).expect("it is whole"), model.weights);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let model = model();
        let bytes = to_bytes(&model);
        let check = |bytes: &[u8], spec: &NetSpec, parts: &[&str]| {
            let error = format!("{:#}", from_bytes(bytes, spec).expect_err("it is wrong"));
            assert!(parts.iter().all(|part| error.contains(part)), "{error}: {parts:?}");
        };
        let spec = model.spec();
        let replaced = |from: &str, to: &str| {
            let length = u64::from_le_bytes(*bytes.first_chunk().expect("eight bytes")) as usize;
            let header = std::str::from_utf8(&bytes[8..8 + length]).expect("JSON").replacen(from, to, 1);
            let length = (header.len() as u64).to_le_bytes();
            [&length[..], header.as_bytes(), &bytes[8 + bytes[..8][0] as usize + 256 * bytes[1] as usize..]].concat()
        };
        check(&bytes[..5], spec, &["shorter"]);
        check(&bytes[..50], spec, &["header claims"]);
        check(&bytes, &NetSpec { channels: 16, ..spec.clone() }, &["stem.weight", "[16, 96, 3, 3]", "[8,96,3,3]"]);
        check(&bytes, &NetSpec { blocks: 2, ..spec.clone() }, &["blocks.1.conv1.weight is missing"]);
        check(&bytes, &NetSpec { blocks: 0, ..spec.clone() }, &["none of this network's"]);
        check(&replaced("F32", "F16"), spec, &["wanted F32, found \"F16\""]);
        check(&bytes[..bytes.len() - 1], spec, &["is not where its numbers are"]);
    }
}
