"""The training benchmark's engine for PyTorch: the same network, losses and minibatch, one thread.

Arguments: channels, blocks, f32 or bf16, seconds of CPU time. Prints samples a second and peak memory in KiB.
"""

import resource
import sys
import time

import torch
from torch.nn import functional as F

from net_torch import ACTIONS, PLANES, Net

channels, blocks, bf16, seconds = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "bf16", float(sys.argv[4])
SAMPLES, LEGAL = 256, 80
torch.set_num_threads(1)
torch.manual_seed(1)

net = Net(channels, blocks).to(memory_format=torch.channels_last)
adam = torch.optim.Adam(net.parameters(), lr=1e-4, eps=1e-5)
planes = (torch.rand(SAMPLES, PLANES, 9, 9) < 1 / 8).float().contiguous(memory_format=torch.channels_last)
illegal = torch.ones(SAMPLES, ACTIONS, dtype=torch.bool)
for row in illegal:
    row[torch.randperm(ACTIONS)[:LEGAL]] = False
action = (~illegal).float().argmax(1, keepdim=True)
advantage = torch.rand(SAMPLES) * 2 - 1
target = torch.full((SAMPLES, 3), 1 / 3)
old_log_prob = torch.full((SAMPLES,), -torch.log(torch.tensor(float(LEGAL))).item())


def step():
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        logits, wdl = net(planes)
    logits, wdl = logits.float(), wdl.float()
    log_probs = F.log_softmax(logits.masked_fill(illegal, -1e9), 1)
    ratio = (log_probs.gather(1, action).squeeze(1) - old_log_prob).exp()
    policy = -torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()
    value = -(target * F.log_softmax(wdl, 1)).sum(1).mean()
    entropy = -(log_probs.exp() * log_probs.masked_fill(illegal, 0)).sum(1).mean()
    adam.zero_grad(set_to_none=True)
    (policy + value - 0.01 * entropy).backward()
    adam.step()


step()
start, steps = time.process_time(), 0
while steps == 0 or time.process_time() - start < seconds:
    step()
    steps += 1
print(steps * SAMPLES / (time.process_time() - start), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
