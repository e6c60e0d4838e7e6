"""The GPU benchmark's rows for PyTorch: forward pass and PPO training step of the same network, input and output on the GPU.

Arguments: channels, blocks, batch, seconds of each measurement. Prints program, what and positions a second, with tabs between.
"""

import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

channels, blocks, batch, seconds = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
PLANES, ACTIONS, LEGAL = 96, 2187, 80
device = torch.device("cuda")
torch.manual_seed(1)
torch.backends.cudnn.benchmark = True


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        conv = lambda inputs: nn.Conv2d(inputs, channels, 3, padding=1)
        self.stem = conv(PLANES)
        self.blocks = nn.ModuleList(nn.ModuleList([conv(channels), conv(channels)]) for _ in range(blocks))
        self.policy = nn.Conv2d(channels, ACTIONS // 81, 1, bias=False)
        self.policy_bias = nn.Parameter(torch.zeros(ACTIONS))
        self.value = nn.Conv2d(channels, 8, 1)
        self.hidden = nn.Linear(8 * 81, 64)
        self.out = nn.Linear(64, 3)

    def forward(self, x):
        x = F.relu(self.stem(x))
        for conv1, conv2 in self.blocks:
            x = F.relu(x + conv2(F.relu(conv1(x))))
        v = F.relu(self.hidden(F.relu(self.value(x)).flatten(1)))
        return self.policy(x).flatten(1) + self.policy_bias, self.out(v)


planes = (torch.rand(batch, PLANES, 9, 9, device=device) < 1 / 8).float().contiguous(memory_format=torch.channels_last)
illegal = torch.rand(batch, ACTIONS, device=device).argsort(1) >= LEGAL
action = (~illegal).float().argmax(1, keepdim=True)
advantage = torch.rand(batch, device=device) * 2 - 1
target = torch.full((batch, 3), 1 / 3, device=device)
old_log_prob = torch.full((batch,), -torch.log(torch.tensor(float(LEGAL))).item(), device=device)


def loss_of(logits, wdl):
    log_probs = F.log_softmax(logits.float().masked_fill(illegal, -1e9), 1)
    ratio = (log_probs.gather(1, action).squeeze(1) - old_log_prob).exp()
    policy = -torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()
    value = -(target * F.log_softmax(wdl.float(), 1)).sum(1).mean()
    entropy = -(log_probs.exp() * log_probs.masked_fill(illegal, 0)).sum(1).mean()
    return policy + value - 0.01 * entropy


def rate(run):
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    start, runs = time.perf_counter(), 0
    while runs == 0 or time.perf_counter() - start < seconds:
        for _ in range(10):
            run()
        torch.cuda.synchronize()
        runs += 10
    return runs * batch / (time.perf_counter() - start)


def measure(program, autocast, tf32, compiled):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    net = Net().to(device, memory_format=torch.channels_last)
    adam = torch.optim.Adam(net.parameters(), lr=1e-4, eps=1e-5, fused=True)
    run = torch.compile(net) if compiled else net

    def forward():
        with torch.no_grad(), torch.autocast("cuda", torch.bfloat16, enabled=autocast):
            run(planes)

    def step():
        adam.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=autocast):
            logits, wdl = run(planes)
        loss_of(logits, wdl).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()

    print(f"pytorch {program}\tforward\t{rate(forward):.0f}", flush=True)
    print(f"pytorch {program}\ttraining step\t{rate(step):.0f}", flush=True)


measure("eager f32", autocast=False, tf32=False, compiled=False)
measure("eager tf32", autocast=False, tf32=True, compiled=False)
measure("eager bf16", autocast=True, tf32=True, compiled=False)
measure("compile bf16", autocast=True, tf32=True, compiled=True)
