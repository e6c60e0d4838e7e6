//! The network as ONNX (operator set 17): for ONNX Runtime, in the browser too, and whatever else reads it.
//!
//! | name | shape | content |
//! |---|---|---|
//! | `planes` | `[batch, planes, 9, 9]` | input, file by rank, as the side to move sees the board |
//! | `policy` | `[batch, actions]` | logits, unmasked |
//! | `wdl` | `[batch, 3]` | logits of win, draw and loss for the side to move |
//!
//! Initialisers have the names of [`NetSpec::tensors`](keisei_core::net::NetSpec::tensors).

use anyhow::{Result, bail};
use keisei_core::format::Model;
use keisei_core::net::{NetOptions, NetSpec, OUTCOMES};

use super::protobuf::Message;

/// `TensorProto.DataType`.
const FLOAT: i64 = 1;
const INT64: i64 = 7;

/// `AttributeProto.AttributeType`.
const INT: i64 = 2;
const INTS: i64 = 7;

/// The file's bytes.
///
/// # Errors
/// If the network has layers that the graph below has not: squeeze and excitation, pooled biases, a score.
pub fn to_bytes(model: &Model) -> Result<Vec<u8>> {
    let spec = model.spec();
    if spec.options != NetOptions::default() {
        bail!("the network has optional layers ({:?}), which cannot be written as ONNX", spec.options);
    }
    let metadata = [("features", model.features.id()), ("actions", model.actions.id())];
    let metadata = metadata.map(|(key, value)| Message::default().bytes(1, key).bytes(2, value));
    let file = Message::default()
        .int(1, 8) // the version of the format, of 2022
        .bytes(2, "keisei")
        .bytes(3, env!("CARGO_PKG_VERSION"))
        .message(7, graph(model))
        .message(8, Message::default().bytes(1, "").int(2, 17))
        .messages(14, metadata)
        .bytes(6, format!("{} planes, {} actions", spec.planes, spec.actions()));
    Ok(file.into_bytes())
}

fn graph(model: &Model) -> Message {
    let spec = model.spec();
    let numbers = |shape: &[usize], name: &str, kind: i64, bytes: &[u8]| {
        let dims = shape.iter().fold(Message::default(), |message, &extent| message.int(1, extent as i64));
        dims.int(2, kind).bytes(8, name).bytes(9, bytes)
    };
    let weights = spec.tensors().into_iter().map(|tensor| {
        let bytes: Vec<u8> = model.weights.data()[tensor.range].iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut shape = tensor.shape;
        // The weights of a 1×1 convolution.
        if matches!(&*tensor.name, "policy.weight" | "value.conv.weight") {
            shape.extend([1, 1]);
        }
        numbers(&shape, &tensor.name, FLOAT, &bytes)
    });
    let value = usize::from(spec.value_channels) * keisei_core::encoding::SQUARES;
    let shapes = [("policy.shape", spec.actions()), ("value.shape", value)].map(|(name, width)| {
        let bytes: Vec<u8> = [-1, width as i64].iter().flat_map(|extent| extent.to_le_bytes()).collect();
        numbers(&[2], name, INT64, &bytes)
    });
    Message::default()
        .messages(1, nodes(spec))
        .bytes(2, "keisei")
        .messages(5, weights)
        .messages(5, shapes)
        .message(11, tensor("planes", &[usize::from(spec.planes), 9, 9]))
        .message(12, tensor("policy", &[spec.actions()]))
        .message(12, tensor("wdl", &[OUTCOMES]))
}

/// An input or output with any batch.
fn tensor(name: &str, shape: &[usize]) -> Message {
    let batch = Message::default().bytes(2, "batch");
    let extents = shape.iter().map(|&extent| Message::default().int(1, extent as i64));
    let shape = Message::default().messages(1, [batch].into_iter().chain(extents));
    let tensor = Message::default().int(1, FLOAT).message(2, shape);
    Message::default().bytes(1, name).message(2, Message::default().message(1, tensor))
}

fn nodes(spec: &NetSpec) -> Vec<Message> {
    let mut graph = Nodes(Vec::new());
    let mut x = graph.conv3("planes", "stem");
    x = graph.node("Relu", &[&x], "stem.out", &[]);
    for i in 0..spec.blocks {
        let block = format!("blocks.{i}");
        let y = graph.conv3(&x, &format!("{block}.conv1"));
        let y = graph.node("Relu", &[&y], &format!("{block}.relu"), &[]);
        let y = graph.conv3(&y, &format!("{block}.conv2"));
        let sum = graph.node("Add", &[&x, &y], &format!("{block}.sum"), &[]);
        x = graph.node("Relu", &[&sum], &format!("{block}.out"), &[]);
    }
    let one = [("kernel_shape", &[1, 1][..])];
    let logits = graph.node("Conv", &[&x, "policy.weight"], "policy.conv", &one);
    let logits = graph.node("Reshape", &[&logits, "policy.shape"], "policy.flat", &[]);
    graph.node("Add", &[&logits, "policy.bias"], "policy", &[]);

    let v = graph.node("Conv", &[&x, "value.conv.weight", "value.conv.bias"], "value.conv", &one);
    let v = graph.node("Relu", &[&v], "value.conv.relu", &[]);
    let v = graph.node("Reshape", &[&v, "value.shape"], "value.flat", &[]);
    let v = graph.linear(&v, "value.hidden", "value.hidden");
    let v = graph.node("Relu", &[&v], "value.hidden.relu", &[]);
    graph.linear(&v, "value.out", "wdl");
    graph.0
}

struct Nodes(Vec<Message>);

impl Nodes {
    /// Adds a node, each of whose attributes is a list of whole numbers or, if it has one, that number.
    fn node(&mut self, operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, &[i64])]) -> String {
        let node = inputs.iter().fold(Message::default(), |node, input| node.bytes(1, input));
        let node = node.bytes(2, output).bytes(3, output).bytes(4, operator);
        let attributes = attributes.iter().map(|&(name, values)| {
            let attribute = Message::default().bytes(1, name);
            match values {
                [value] => attribute.int(3, *value).int(20, INT),
                values => values.iter().fold(attribute, |attribute, &value| attribute.int(8, value)).int(20, INTS),
            }
        });
        self.0.push(node.messages(5, attributes));
        output.to_owned()
    }

    fn conv3(&mut self, input: &str, name: &str) -> String {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        let attributes = [("kernel_shape", &[3, 3][..]), ("pads", &[1, 1, 1, 1])];
        self.node("Conv", &[input, &weight, &bias], name, &attributes)
    }

    fn linear(&mut self, input: &str, name: &str, output: &str) -> String {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        self.node("Gemm", &[input, &weight, &bias], output, &[("transB", &[1])])
    }
}
