"""Load a network of `trainer-native export --to safetensors` into PyTorch: net, config = load("model.safetensors")."""
import json, struct, torch
import torch.nn.functional as F

def load(path):
    data = open(path, "rb").read()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    config = json.loads(header.pop("__metadata__")["config"])
    assert not any(config["options"].values()), "the layers of NetOptions are not built here"
    place = lambda t: slice(start + t["data_offsets"][0], start + t["data_offsets"][1])
    w = {n: torch.frombuffer(bytearray(data[place(t)]), dtype=torch.float32).reshape(t["shape"]) for n, t in header.items()}
    conv = lambda x, name: F.conv2d(x, w[name + ".weight"], w[name + ".bias"], padding=1)
    def net(planes):  # [B, planes, 9, 9] -> policy logits [B, actions], win/draw/loss logits [B, 3]
        x = F.relu(conv(planes, "stem"))
        for i in range(config["spec"]["blocks"]):
            x = F.relu(x + conv(F.relu(conv(x, f"blocks.{i}.conv1")), f"blocks.{i}.conv2"))
        policy = F.conv2d(x, w["policy.weight"][..., None, None]).flatten(1) + w["policy.bias"]
        v = F.relu(F.conv2d(x, w["value.conv.weight"][..., None, None], w["value.conv.bias"])).flatten(1)
        v = F.relu(F.linear(v, w["value.hidden.weight"], w["value.hidden.bias"]))
        return policy, F.linear(v, w["value.out.weight"], w["value.out.bias"])
    return net, config
