"""The network in PyTorch, shared by the benchmarks of learning."""

from torch import nn, zeros
from torch.nn import functional as F

PLANES, ACTIONS = 96, 2187


class Net(nn.Module):
    def __init__(self, channels, blocks, planes=PLANES):
        super().__init__()
        conv = lambda inputs: nn.Conv2d(inputs, channels, 3, padding=1)
        self.stem = conv(planes)
        self.blocks = nn.ModuleList(nn.ModuleList([conv(channels), conv(channels)]) for _ in range(blocks))
        self.policy = nn.Conv2d(channels, ACTIONS // 81, 1, bias=False)
        self.policy_bias = nn.Parameter(zeros(ACTIONS))
        self.value = nn.Conv2d(channels, 8, 1)
        self.hidden = nn.Linear(8 * 81, 64)
        self.out = nn.Linear(64, 3)

    def forward(self, x):
        x = F.relu(self.stem(x))
        for conv1, conv2 in self.blocks:
            x = F.relu(x + conv2(F.relu(conv1(x))))
        v = F.relu(self.hidden(F.relu(self.value(x)).flatten(1)))
        return self.policy(x).flatten(1) + self.policy_bias, self.out(v)
