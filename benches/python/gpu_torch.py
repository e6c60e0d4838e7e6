"""The GPU benchmark's rows for PyTorch: forward pass and PPO training step of the same network, input and output on the GPU.

Arguments: channels, blocks, batch, seconds of each measurement. Prints program, what and positions a second, with tabs between.
"""

import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

from net_torch import ACTIONS, PLANES, Net

channels, blocks, batch, seconds = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
LEGAL = 80
device = torch.device("cuda")
torch.manual_seed(1)
torch.backends.cudnn.benchmark = True

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
    net = Net(channels, blocks).to(device, memory_format=torch.channels_last)
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
