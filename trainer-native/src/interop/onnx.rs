//! Network as ONNX (operator set 17), for ONNX Runtime, also in the browser, and other readers.
//!
//! | name | shape | content |
//! |---|---|---|
//! | `planes` | `[batch, planes, 9, 9]` | input; file by rank, from the side to move |
//! | `policy` | `[batch, actions]` | logits, unmasked |
//! | `wdl` | `[batch, 3]` | logits of win, draw and loss for the side to move |
//! | `score` | `[batch, 1]` | score for the side to move; only of a network with a score head |
//!
//! A network with dlshogi's planes and actions has dlshogi's inputs and outputs instead, so that programs for dlshogi's networks
//! run it:
//!
//! | name | shape | content |
//! |---|---|---|
//! | `input1` | `[batch, 62, 9, 9]` | input; board: the first planes of [`DLSHOGI119`](keisei_core::encoding::DLSHOGI119) |
//! | `input2` | `[batch, 57, 9, 9]` | input; hands and check: its other planes |
//! | `output_policy` | `[batch, 2187]` | logits, unmasked |
//! | `output_value` | `[batch, 1]` | probability that the side to move wins, plus half the probability of a draw |
//!
//! Constants have the names of [`NetSpec::tensors`](keisei_core::net::NetSpec::tensors).

use keisei_core::encoding::{Actions, DLSHOGI_BOARD_PLANES, Features, SQUARES};
use keisei_core::format::Model;
use keisei_core::net::{NetSpec, OUTCOMES, VARIANCE_FLOOR};
use prost::Message as _;

use self::proto::{
    AttributeProto, Dimension, FLOAT, GraphProto, INT, INT64, INTS, IR_VERSION, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto,
    ValueInfoProto,
};

mod proto;

/// Version of ONNX's operators.
const OPERATOR_SET: i64 = 17;

/// Points of a win, a draw and a loss in dlshogi.
const POINTS: [f32; OUTCOMES] = [1.0, 0.5, 0.0];

/// Axes of the board, after batch and channels.
const BOARD: [i64; 2] = [2, 3];

/// Bytes of a model's file.
pub fn to_bytes(model: &Model) -> Vec<u8> {
    let spec = model.spec();
    let metadata = [("features", model.features.id()), ("actions", model.actions.id())];
    let metadata = metadata.map(|(key, value)| StringStringEntryProto { key: key.to_owned(), value: value.to_owned() });
    let file = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "keisei".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: format!("{} planes, {} actions", spec.planes, spec.actions()),
        graph: Some(graph(model)),
        opset_import: vec![OperatorSetIdProto { version: OPERATOR_SET }],
        metadata_props: metadata.to_vec(),
    };
    file.encode_to_vec()
}

fn graph(model: &Model) -> GraphProto {
    let spec = model.spec();
    let is_dlshogi = (model.features, model.actions) == (Features::Dlshogi119, Actions::Dest2187);
    let mut graph = GraphProto { name: "keisei".to_owned(), ..GraphProto::default() };
    // dlshogi has no score.
    for tensor in spec.tensors().into_iter().filter(|tensor| !(is_dlshogi && tensor.name.starts_with("score."))) {
        let mut shape = tensor.shape;
        // Weights of a 1×1 convolution.
        if matches!(&*tensor.name, "policy.weight" | "value.conv.weight") {
            shape.extend([1, 1]);
        }
        graph.floats(&tensor.name, &shape, &model.weights.data()[tensor.range]);
    }
    let planes = usize::from(spec.planes);
    let (inputs, outputs) = if is_dlshogi {
        graph.add("Concat", &["input1", "input2"], &["planes"], &[("axis", &[1])]);
        graph.network(spec, "planes", "output_policy");
        graph.add("Softmax", &["wdl"], &["wdl.probabilities"], &[("axis", &[1])]);
        graph.floats("points", &[OUTCOMES, 1], &POINTS);
        graph.add("MatMul", &["wdl.probabilities", "points"], &["output_value"], &[]);
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
    graph.input = inputs.into_iter().map(|(name, planes)| tensor(name, &[planes, 9, 9])).collect();
    graph.output = outputs.into_iter().map(|(name, width)| tensor(name, &[width])).collect();
    graph
}

/// Input or output with any batch.
fn tensor(name: &str, shape: &[usize]) -> ValueInfoProto {
    let batch = Dimension { dim_param: Some("batch".to_owned()), ..Dimension::default() };
    let extents = shape.iter().map(|&extent| Dimension { dim_value: Some(extent as i64), ..Dimension::default() });
    let shape = TensorShapeProto { dim: [batch].into_iter().chain(extents).collect() };
    let tensor = TensorTypeProto { elem_type: FLOAT, shape: Some(shape) };
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

/// Layers of the graph. The function of a layer takes and returns names of tensors.
impl GraphProto {
    /// Adds the trunk with output `trunk`, and behind it the policy logits, named `policy`, and the outcome logits `wdl`.
    fn network(&mut self, spec: &NetSpec, planes: &str, policy: &str) {
        self.whole_numbers("board", &BOARD);
        let mut x = self.conv3(planes, "stem");
        let first = if spec.blocks == 0 { "trunk" } else { "stem.out" };
        x = self.add("Relu", &[&x], &[first], &[]);
        for i in 0..spec.blocks {
            let out = if i + 1 == spec.blocks { "trunk".to_owned() } else { format!("blocks.{i}.out") };
            x = self.block(spec, &x, &format!("blocks.{i}"), &out);
        }

        let one = [("kernel_shape", &[1, 1][..])];
        self.whole_numbers("policy.shape", &[-1, spec.actions() as i64]);
        let logits = self.add("Conv", &[&x, "policy.weight"], &["policy.conv"], &one);
        let logits = self.add("Reshape", &[&logits, "policy.shape"], &["policy.flat"], &[]);
        self.add("Add", &[&logits, "policy.bias"], &[policy], &[]);

        let width = usize::from(spec.value_channels) * SQUARES;
        self.whole_numbers("value.shape", &[-1, width as i64]);
        let v = self.add("Conv", &[&x, "value.conv.weight", "value.conv.bias"], &["value.conv"], &one);
        let v = self.add("Relu", &[&v], &["value.conv.relu"], &[]);
        let v = self.add("Reshape", &[&v, "value.shape"], &["value.flat"], &[]);
        self.perceptron(&v, "value", "wdl");
    }

    fn block(&mut self, spec: &NetSpec, x: &str, block: &str, out: &str) -> String {
        let named = |part: &str| format!("{block}.{part}");
        let y = self.conv3(x, &named("conv1"));
        let mut y = self.add("Relu", &[&y], &[&named("relu")], &[]);
        if spec.options.pool_hidden > 0 {
            let pooled = self.pool(x, &named("pool"));
            let bias = self.perceptron(&pooled, &named("pool"), &named("pool.out"));
            let bias = self.add("Unsqueeze", &[&bias, "board"], &[&named("pool.bias")], &[]);
            y = self.add("Add", &[&y, &bias], &[&named("biased")], &[]);
        }
        let mut y = self.conv3(&y, &named("conv2"));
        if spec.options.se_hidden > 0 {
            let mean = self.over_board("ReduceMean", &y, &named("se.mean"), 0);
            let excitation = self.perceptron(&mean, &named("se"), &named("se.out"));
            let excitation = self.add("Unsqueeze", &[&excitation, "board"], &[&named("se.channels")], &[]);
            let (scale, shift) = (named("se.scale"), named("se.shift"));
            self.add("Split", &[&excitation], &[&scale, &shift], &[("axis", &[1])]);
            let scale = self.add("Sigmoid", &[&scale], &[&named("se.sigmoid")], &[]);
            let scaled = self.add("Mul", &[&scale, &y], &[&named("se.scaled")], &[]);
            y = self.add("Add", &[&scaled, &shift], &[&named("se.shifted")], &[]);
        }
        let sum = self.add("Add", &[x, &y], &[&named("sum")], &[]);
        self.add("Relu", &[&sum], &[out], &[])
    }

    /// Adds mean, maximum and standard deviation of each channel over the board: `[batch, 3 C]`.
    fn pool(&mut self, x: &str, name: &str) -> String {
        let named = |part: &str| format!("{name}.{part}");
        let mean = self.over_board("ReduceMean", x, &named("mean"), 0);
        let greatest = self.over_board("ReduceMax", x, &named("greatest"), 0);
        let center = self.over_board("ReduceMean", x, &named("center"), 1);
        let offset = self.add("Sub", &[x, &center], &[&named("offset")], &[]);
        let square = self.add("Mul", &[&offset, &offset], &[&named("square")], &[]);
        let variance = self.over_board("ReduceMean", &square, &named("variance"), 0);
        let floor = named("floor");
        self.floats(&floor, &[1], &[VARIANCE_FLOOR]);
        let variance = self.add("Add", &[&variance, &floor], &[&named("raised")], &[]);
        let deviation = self.add("Sqrt", &[&variance], &[&named("deviation")], &[]);
        self.add("Concat", &[&mean, &greatest, &deviation], &[&named("pooled")], &[("axis", &[1])])
    }

    /// Adds a reduction of each channel to one number; `keepdims` is 1 to keep the board's axes, 0 to drop them.
    fn over_board(&mut self, operator: &str, x: &str, output: &str, keepdims: i64) -> String {
        self.add(operator, &[x], &[output], &[("axes", &BOARD), ("keepdims", &[keepdims])])
    }

    /// Adds two linear layers with a `Relu` between them.
    fn perceptron(&mut self, x: &str, name: &str, output: &str) -> String {
        let hidden = format!("{name}.hidden");
        let y = self.linear(x, &hidden, &hidden);
        let y = self.add("Relu", &[&y], &[&format!("{hidden}.relu")], &[]);
        self.linear(&y, &format!("{name}.out"), output)
    }

    fn conv3(&mut self, input: &str, name: &str) -> String {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        let attributes = [("kernel_shape", &[3, 3][..]), ("pads", &[1, 1, 1, 1])];
        self.add("Conv", &[input, &weight, &bias], &[name], &attributes)
    }

    fn linear(&mut self, input: &str, name: &str, output: &str) -> String {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        self.add("Gemm", &[input, &weight, &bias], &[output], &[("transB", &[1])])
    }

    /// Adds a node; returns the name of its first output. An attribute with one value is a number, any other a list.
    fn add(&mut self, operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[(&str, &[i64])]) -> String {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let attributes = attributes.iter().map(|&(name, values)| {
            let (i, ints, r#type) = match values {
                [value] => (Some(*value), Vec::new(), INT),
                values => (None, values.to_vec(), INTS),
            };
            AttributeProto { name: name.to_owned(), i, ints, r#type }
        });
        self.node.push(NodeProto {
            input: owned(inputs),
            output: owned(outputs),
            name: outputs[0].to_owned(),
            op_type: operator.to_owned(),
            attribute: attributes.collect(),
        });
        outputs[0].to_owned()
    }

    fn floats(&mut self, name: &str, shape: &[usize], numbers: &[f32]) {
        self.constant(name, shape, FLOAT, numbers.iter().flat_map(|x| x.to_le_bytes()).collect());
    }

    fn whole_numbers(&mut self, name: &str, numbers: &[i64]) {
        self.constant(name, &[numbers.len()], INT64, numbers.iter().flat_map(|x| x.to_le_bytes()).collect());
    }

    fn constant(&mut self, name: &str, shape: &[usize], data_type: i32, raw_data: Vec<u8>) {
        let dims = shape.iter().map(|&extent| extent as i64).collect();
        self.initializer.push(TensorProto { dims, data_type, name: name.to_owned(), raw_data });
    }
}
