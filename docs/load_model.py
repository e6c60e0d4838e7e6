"""A network of `trainer-native export --to safetensors` in PyTorch: net, config = load("model.safetensors")."""
import json, safetensors, torch, torch.nn.functional as F
def load(path):
    file = safetensors.safe_open(path, "pt")
    w, config = {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["config"])
    conv = lambda x, name: F.conv2d(x, w[name + ".weight"], w[name + ".bias"], padding=1)
    linear = lambda x, name: F.linear(x, w[name + ".weight"], w[name + ".bias"])
    layers = lambda x, name: linear(F.relu(linear(x, name + ".hidden")), name + ".out")
    pool = lambda x: torch.cat([x.mean((2, 3)), x.amax((2, 3)), (x.var((2, 3), unbiased=False) + 1e-4).sqrt()], 1)
    def net(planes):  # [B, planes, 9, 9] -> logits of policy [B, actions], of win/draw/loss [B, 3]; score [B, 1] or None
        x = F.relu(conv(planes, "stem"))
        for block in (f"blocks.{i}." for i in range(config["spec"]["blocks"])):
            bias = layers(pool(x), block + "pool")[..., None, None] if block + "pool.out.bias" in w else 0
            y = conv(F.relu(conv(x, block + "conv1")) + bias, block + "conv2")
            se = layers(y.mean((2, 3)), block + "se")[..., None, None].chunk(2, 1) if block + "se.out.bias" in w else None
            x = F.relu(x + (se[0].sigmoid() * y + se[1] if se else y))
        policy = F.conv2d(x, w["policy.weight"][..., None, None]).flatten(1) + w["policy.bias"]
        v = F.relu(F.conv2d(x, w["value.conv.weight"][..., None, None], w["value.conv.bias"])).flatten(1)
        return policy, layers(v, "value"), layers(pool(x), "score") if "score.out.bias" in w else None
    return net, config
