//! Weights as safetensors, with the architecture as JSON beside them.
//!
//! Names and shapes of the tensors are those of [`NetSpec::tensors`](keisei_core::net::NetSpec::tensors), in `F32`. The
//! metadata has one entry, `config`: the JSON of [`config`].

use std::collections::HashMap;

use ::safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use anyhow::{Context, Result, bail};
use keisei_core::format::Model;
use keisei_core::net::{NetSpec, Weights};
use serde_json::{Value, json};

/// Bytes of a model's weights as a file.
///
/// # Panics
/// Never: the tensors of a network cover its weights.
pub fn to_bytes(model: &Model) -> Vec<u8> {
    let numbers: Vec<u8> = model.weights.data().iter().flat_map(|x| x.to_le_bytes()).collect();
    let tensors = model.spec().tensors().into_iter().map(|tensor| {
        let bytes = &numbers[4 * tensor.range.start..4 * tensor.range.end];
        (tensor.name, TensorView::new(Dtype::F32, tensor.shape, bytes).expect("its numbers fill its shape"))
    });
    // With one entry equal models give equal files: the library writes metadata entries in a random order.
    let metadata = HashMap::from([("config".to_owned(), config(model).to_string())]);
    serialize(tensors, Some(metadata)).expect("names and shapes of a network are few")
}

/// Architecture, encodings and origin of a model, from which a reader can build the network.
pub fn config(model: &Model) -> Value {
    json!({
        "spec": model.spec(),
        "options": model.spec().options,
        "features": model.features.id(),
        "actions": model.actions.id(),
        "provenance": model.provenance,
    })
}

/// Weights of a network of architecture `spec`, from the bytes of a file.
///
/// # Errors
/// The file is damaged, or a tensor is missing, unknown, or has a wrong type or shape; names that tensor.
pub fn from_bytes(bytes: &[u8], spec: &NetSpec) -> Result<Weights> {
    let file = SafeTensors::deserialize(bytes).context("the safetensors file")?;
    let tensors = spec.tensors();
    if let Some(foreign) = file.names().into_iter().find(|name| tensors.iter().all(|tensor| tensor.name != **name)) {
        bail!("tensor {foreign} is none of this network's");
    }
    let mut data = vec![0.0; spec.parameters()];
    for tensor in tensors {
        let name = &tensor.name;
        let found = file.tensor(name).ok().with_context(|| format!("tensor {name} is missing"))?;
        if found.dtype() != Dtype::F32 {
            bail!("tensor {name}: wanted F32, found {}", found.dtype());
        }
        if found.shape() != tensor.shape {
            bail!("tensor {name}: wanted shape {:?}, found {:?}", tensor.shape, found.shape());
        }
        for (x, bytes) in data[tensor.range].iter_mut().zip(found.data().as_chunks().0) {
            *x = f32::from_le_bytes(*bytes);
        }
    }
    Weights::new(spec.clone(), data).context("the weights")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Preset;
    use keisei_core::format::Provenance;
    use keisei_core::net::Weights;

    fn model() -> Model {
        let config = Preset::Tiny.settings();
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
        assert_eq!(to_bytes(&model), bytes);
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
        check(&bytes[..5], spec, &["header too small"]);
        check(&bytes[..50], spec, &["invalid header length"]);
        check(&bytes, &NetSpec { channels: 16, ..spec.clone() }, &["stem.weight", "[16, 96, 3, 3]", "[8, 96, 3, 3]"]);
        check(&bytes, &NetSpec { blocks: 2, ..spec.clone() }, &["blocks.1.conv1.weight is missing"]);
        check(&bytes, &NetSpec { blocks: 0, ..spec.clone() }, &["none of this network's"]);
        check(&replaced("F32", "I32"), spec, &["wanted F32, found I32"]);
        check(&replaced("F32", "F16"), spec, &["invalid shape, data type, or offset"]);
        check(&bytes[..bytes.len() - 1], spec, &["file not fully covered"]);
    }
}
