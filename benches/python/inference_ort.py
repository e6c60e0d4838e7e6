"""The worker of the inference benchmark for onnxruntime, one thread.

Argument: the folder of the dumped networks. It writes each network there as ONNX, for onnxruntime-web as well, and answers
lines as src/bin/inference/worker.rs describes.
"""

import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

PLANES = 96
folder = Path(sys.argv[1])


def floats(name):
    return np.fromfile(folder / name, dtype="<f4")


def tensors(net):
    """Name to array, from the raw weights and the table of tensors."""
    data = floats(f"{net}.weights")
    found = {}
    for line in (folder / "tensors.txt").read_text().splitlines():
        of, name, start, shape = line.split()
        if of == net:
            shape = [int(extent) for extent in shape.split("x")]
            start = int(start)
            found[name] = data[start : start + int(np.prod(shape))].reshape(shape)
    return found


def export(net):
    """Writes the network as ONNX."""
    weights = tensors(net)
    weights["policy.weight"] = weights["policy.weight"][:, :, None, None]
    weights["value.conv.weight"] = weights["value.conv.weight"][:, :, None, None]
    weights["policy.shape"] = np.array([-1, weights["policy.bias"].size], dtype=np.int64)
    value = weights["value.hidden.weight"].shape[1]
    weights["value.shape"] = np.array([-1, value], dtype=np.int64)
    nodes = []

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def conv(x, name, output):
        return node("Conv", [x, f"{name}.weight", f"{name}.bias"], output, kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    x = node("Relu", [conv("planes", "stem", "stem")], "x")
    for i in range(sum(name.endswith("conv1.weight") for name in weights)):
        y = node("Relu", [conv(x, f"blocks.{i}.conv1", f"y{i}")], f"relu{i}")
        y = conv(y, f"blocks.{i}.conv2", f"z{i}")
        x = node("Relu", [node("Add", [x, y], f"sum{i}")], f"x{i}")
    logits = node("Conv", [x, "policy.weight"], "logits", kernel_shape=[1, 1])
    node("Add", [node("Reshape", [logits, "policy.shape"], "flat"), "policy.bias"], "policy")
    v = node("Relu", [node("Conv", [x, "value.conv.weight", "value.conv.bias"], "v", kernel_shape=[1, 1])], "v.relu")
    v = node("Reshape", [v, "value.shape"], "v.flat")
    v = node("Relu", [node("Gemm", [v, "value.hidden.weight", "value.hidden.bias"], "h", transB=1)], "h.relu")
    node("Gemm", [v, "value.out.weight", "value.out.bias"], "wdl", transB=1)

    def tensor(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        net,
        [tensor("planes", ["batch", PLANES, 9, 9])],
        [tensor("policy", ["batch", weights["policy.bias"].size]), tensor("wdl", ["batch", 3])],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, folder / f"{net}.onnx")


sessions = {}


def session(net):
    if net not in sessions:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        path = str(folder / f"{net}.onnx")
        sessions[net] = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return sessions[net]


def planes(net, batch):
    """The dumped positions, repeated or cut to a batch."""
    return np.resize(floats(f"{net}.input"), (batch, PLANES, 9, 9))


def check(net):
    """The largest difference from the scalar executor's logits."""
    batch = floats(f"{net}.wdl").size // 3
    policy, wdl = session(net).run(["policy", "wdl"], {"planes": planes(net, batch)})
    expected = [floats(f"{net}.policy").reshape(policy.shape), floats(f"{net}.wdl").reshape(wdl.shape)]
    return f"{max(np.abs(a - b).max() for a, b in zip(expected, [policy, wdl])):.2e}"


def run(net, batch, seconds):
    feeds = {"planes": planes(net, batch)}
    running = session(net)
    running.run(None, feeds)
    start, cpu, positions = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - start < seconds:
        running.run(None, feeds)
        positions += batch
    return f"{positions} {time.process_time() - cpu:.6f}"


for net in dict.fromkeys(line.split()[0] for line in (folder / "tensors.txt").read_text().splitlines()):
    export(net)
for line in sys.stdin:
    command, *args = line.split()
    if command == "engines":
        answer = "onnxruntime"
    elif command == "check":
        answer = check(args[1])
    elif command == "run":
        answer = run(args[1], int(args[2]), float(args[3]))
    else:
        sys.exit(f"unknown line: {line}")
    print(answer, flush=True)
