//! The network as ONNX (operator set 17): for ONNX Runtime, in the browser too, and whatever else reads it.
//!
//! | name | shape | content |
//! |---|---|---|
//! | `planes` | `[batch, planes, 9, 9]` | input, file by rank, as the side to move sees the board |
//! | `policy` | `[batch, actions]` | logits, unmasked |
//! | `wdl` | `[batch, 3]` | logits of win, draw and loss for the side to move |
//! | `score` | `[batch, 1]` | the score for the side to move, of a network that has a head for it |
//!
//! A network with dlshogi's planes and actions has dlshogi's inputs and outputs instead, so that a program which runs dlshogi's
//! networks runs it as well:
//!
//! | name | shape | content |
//! |---|---|---|
//! | `input1` | `[batch, 62, 9, 9]` | input, the board: the first planes of [`DLSHOGI119`](keisei_core::encoding::DLSHOGI119) |
//! | `input2` | `[batch, 57, 9, 9]` | input, hands and check: its other planes |
//! | `output_policy` | `[batch, 2187]` | logits, unmasked |
//! | `output_value` | `[batch, 1]` | probability that the side to move wins, and half that of a draw |
//!
//! Initialisers have the names of [`NetSpec::tensors`](keisei_core::net::NetSpec::tensors).

use keisei_core::encoding::{Actions, DLSHOGI_BOARD_PLANES, Features, SQUARES};
use keisei_core::format::Model;
use keisei_core::net::{NetSpec, OUTCOMES, VARIANCE_FLOOR};

use super::protobuf::Message;

/// `TensorProto.DataType`.
const FLOAT: i64 = 1;
const INT64: i64 = 7;

/// `AttributeProto.AttributeType`.
const INT: i64 = 2;
const INTS: i64 = 7;

/// What a win, a draw and a loss are worth to dlshogi.
const POINTS: [f32; OUTCOMES] = [1.0, 0.5, 0.0];

/// Extents of the board, behind the batch and the channels.
const BOARD: [i64; 2] = [2, 3];

/// The file's bytes.
pub fn to_bytes(model: &Model) -> Vec<u8> {
    let spec = model.spec();
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
    file.into_bytes()
}

fn graph(model: &Model) -> Message {
    let spec = model.spec();
    let is_dlshogi = (model.features, model.actions) == (Features::Dlshogi119, Actions::Dest2187);
    let mut graph = Graph::default();
    // dlshogi has no score.
    for tensor in spec.tensors().into_iter().filter(|tensor| !(is_dlshogi && tensor.name.starts_with("score."))) {
        let mut shape = tensor.shape;
        // The weights of a 1×1 convolution.
        if matches!(&*tensor.name, "policy.weight" | "value.conv.weight") {
            shape.extend([1, 1]);
        }
        graph.floats(&tensor.name, &shape, &model.weights.data()[tensor.range]);
    }
    let planes = usize::from(spec.planes);
    let (inputs, outputs) = if is_dlshogi {
        graph.node("Concat", &["input1", "input2"], &["planes"], &[("axis", &[1])]);
        graph.network(spec, "planes", "output_policy");
        graph.node("Softmax", &["wdl"], &["wdl.probabilities"], &[("axis", &[1])]);
        graph.floats("points", &[OUTCOMES, 1], &POINTS);
        graph.node("MatMul", &["wdl.probabilities", "points"], &["output_value"], &[]);
        let inputs = [("input1", DLSHOGI_BOARD_PLANES), ("input2", planes - DLSHOGI_BOARD_PLANES)];
        (inputs.to_vec(), vec![("output_policy", spec.actions()), ("output_value", 1)])
    } else {
        graph.network(spec, "planes", "policy");
        let mut outputs = vec![("policy", spec.actions()), ("wdl", OUTCOMES)];
        if spec.options.score_hidden > 0 {
            let pooled = graph.pool("trunk", "score");
            graph.perceptron(&pooled, "score", "score");
            outputs.push(("score", 1));
        }
        (vec![("planes", planes)], outputs)
    };
    Message::default()
        .messages(1, graph.nodes)
        .bytes(2, "keisei")
        .messages(5, graph.numbers)
        .messages(11, inputs.into_iter().map(|(name, planes)| tensor(name, &[planes, 9, 9])))
        .messages(12, outputs.into_iter().map(|(name, width)| tensor(name, &[width])))
}

/// An input or output with any batch.
fn tensor(name: &str, shape: &[usize]) -> Message {
    let batch = Message::default().bytes(2, "batch");
    let extents = shape.iter().map(|&extent| Message::default().int(1, extent as i64));
    let shape = Message::default().messages(1, [batch].into_iter().chain(extents));
    let tensor = Message::default().int(1, FLOAT).message(2, shape);
    Message::default().bytes(1, name).message(2, Message::default().message(1, tensor))
}

/// A graph being built: its nodes in the order in which they run, and its constants.
#[derive(Default)]
struct Graph {
    nodes: Vec<Message>,
    numbers: Vec<Message>,
}

impl Graph {
    /// The trunk, which ends as `trunk`; from it the policy's logits, named by the caller, and those of the value, `wdl`.
    fn network(&mut self, spec: &NetSpec, planes: &str, policy: &str) {
        self.whole_numbers("board", &BOARD);
        let mut x = self.conv3(planes, "stem");
        let first = if spec.blocks == 0 { "trunk" } else { "stem.out" };
        x = self.node("Relu", &[&x], &[first], &[]);
        for i in 0..spec.blocks {
            let out = if i + 1 == spec.blocks { "trunk".to_owned() } else { format!("blocks.{i}.out") };
            x = self.block(spec, &x, &format!("blocks.{i}"), &out);
        }

        let one = [("kernel_shape", &[1, 1][..])];
        self.whole_numbers("policy.shape", &[-1, spec.actions() as i64]);
        let logits = self.node("Conv", &[&x, "policy.weight"], &["policy.conv"], &one);
        let logits = self.node("Reshape", &[&logits, "policy.shape"], &["policy.flat"], &[]);
        self.node("Add", &[&logits, "policy.bias"], &[policy], &[]);

        let width = usize::from(spec.value_channels) * SQUARES;
        self.whole_numbers("value.shape", &[-1, width as i64]);
        let v = self.node("Conv", &[&x, "value.conv.weight", "value.conv.bias"], &["value.conv"], &one);
        let v = self.node("Relu", &[&v], &["value.conv.relu"], &[]);
        let v = self.node("Reshape", &[&v, "value.shape"], &["value.flat"], &[]);
        self.perceptron(&v, "value", "wdl");
    }

    fn block(&mut self, spec: &NetSpec, x: &str, block: &str, out: &str) -> String {
        let named = |part: &str| format!("{block}.{part}");
        let y = self.conv3(x, &named("conv1"));
        let mut y = self.node("Relu", &[&y], &[&named("relu")], &[]);
        if spec.options.pool_hidden > 0 {
            let pooled = self.pool(x, &named("pool"));
            let bias = self.perceptron(&pooled, &named("pool"), &named("pool.out"));
            let bias = self.node("Unsqueeze", &[&bias, "board"], &[&named("pool.bias")], &[]);
            y = self.node("Add", &[&y, &bias], &[&named("biased")], &[]);
        }
        let mut y = self.conv3(&y, &named("conv2"));
        if spec.options.se_hidden > 0 {
            let mean = self.over_board("ReduceMean", &y, &named("se.mean"), 0);
            let excitation = self.perceptron(&mean, &named("se"), &named("se.out"));
            let excitation = self.node("Unsqueeze", &[&excitation, "board"], &[&named("se.channels")], &[]);
            let (scale, shift) = (named("se.scale"), named("se.shift"));
            self.node("Split", &[&excitation], &[&scale, &shift], &[("axis", &[1])]);
            let scale = self.node("Sigmoid", &[&scale], &[&named("se.sigmoid")], &[]);
            let scaled = self.node("Mul", &[&scale, &y], &[&named("se.scaled")], &[]);
            y = self.node("Add", &[&scaled, &shift], &[&named("se.shifted")], &[]);
        }
        let sum = self.node("Add", &[x, &y], &[&named("sum")], &[]);
        self.node("Relu", &[&sum], &[out], &[])
    }

    /// Mean, greatest and standard deviation of each channel over the board: `[batch, 3 C]`.
    fn pool(&mut self, x: &str, name: &str) -> String {
        let named = |part: &str| format!("{name}.{part}");
        let mean = self.over_board("ReduceMean", x, &named("mean"), 0);
        let greatest = self.over_board("ReduceMax", x, &named("greatest"), 0);
        let center = self.over_board("ReduceMean", x, &named("center"), 1);
        let offset = self.node("Sub", &[x, &center], &[&named("offset")], &[]);
        let square = self.node("Mul", &[&offset, &offset], &[&named("square")], &[]);
        let variance = self.over_board("ReduceMean", &square, &named("variance"), 0);
        let floor = named("floor");
        self.floats(&floor, &[1], &[VARIANCE_FLOOR]);
        let variance = self.node("Add", &[&variance, &floor], &[&named("raised")], &[]);
        let deviation = self.node("Sqrt", &[&variance], &[&named("deviation")], &[]);
        self.node("Concat", &[&mean, &greatest, &deviation], &[&named("pooled")], &[("axis", &[1])])
    }

    /// Reduces each channel to one number; `keepdims` is 1 if the board's extents remain.
    fn over_board(&mut self, operator: &str, x: &str, output: &str, keepdims: i64) -> String {
        self.node(operator, &[x], &[output], &[("axes", &BOARD), ("keepdims", &[keepdims])])
    }

    /// Two linear layers with a rectification between them.
    fn perceptron(&mut self, x: &str, name: &str, output: &str) -> String {
        let hidden = format!("{name}.hidden");
        let y = self.linear(x, &hidden, &hidden);
        let y = self.node("Relu", &[&y], &[&format!("{hidden}.relu")], &[]);
        self.linear(&y, &format!("{name}.out"), output)
    }

    fn conv3(&mut self, input: &str, name: &str) -> String {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        let attributes = [("kernel_shape", &[3, 3][..]), ("pads", &[1, 1, 1, 1])];
        self.node("Conv", &[input, &weight, &bias], &[name], &attributes)
    }

    fn linear(&mut self, input: &str, name: &str, output: &str) -> String {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        self.node("Gemm", &[input, &weight, &bias], &[output], &[("transB", &[1])])
    }

    /// Adds a node, each of whose attributes is a list of whole numbers or, if it has one, that number. Tells the first
    /// output's name.
    fn node(&mut self, operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[(&str, &[i64])]) -> String {
        let node = inputs.iter().fold(Message::default(), |node, input| node.bytes(1, input));
        let node = outputs.iter().fold(node, |node, output| node.bytes(2, output));
        let attributes = attributes.iter().map(|&(name, values)| {
            let attribute = Message::default().bytes(1, name);
            match values {
                [value] => attribute.int(3, *value).int(20, INT),
                values => values.iter().fold(attribute, |attribute, &value| attribute.int(8, value)).int(20, INTS),
            }
        });
        self.nodes.push(node.bytes(3, outputs[0]).bytes(4, operator).messages(5, attributes));
        outputs[0].to_owned()
    }

    fn floats(&mut self, name: &str, shape: &[usize], numbers: &[f32]) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(name, shape, FLOAT, &bytes);
    }

    fn whole_numbers(&mut self, name: &str, numbers: &[i64]) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(name, &[numbers.len()], INT64, &bytes);
    }

    fn constant(&mut self, name: &str, shape: &[usize], kind: i64, bytes: &[u8]) {
        let dims = shape.iter().fold(Message::default(), |message, &extent| message.int(1, extent as i64));
        self.numbers.push(dims.int(2, kind).bytes(8, name).bytes(9, bytes));
    }
}
