"""The training benchmark's whole PPO iteration in PyTorch: games of cshogi, one policy for both sides, one thread.

Arguments: channels, blocks, games, plies of each, epochs, minibatch, f32 or bf16, seconds of CPU time. Prints plies a second and
peak memory in KiB. Planes, legal moves and their labels are those that cshogi computes in C++.
"""

import random
import resource
import sys
import time

import cshogi
import numpy as np
import torch
from cshogi import dlshogi
from torch import nn
from torch.nn import functional as F

from net_torch import ACTIONS, Net

channels, blocks, envs, horizon, epochs, minibatch = map(int, sys.argv[1:7])
bf16, seconds = sys.argv[7] == "bf16", float(sys.argv[8])
BOARD, OTHER = dlshogi.FEATURES1_NUM, dlshogi.FEATURES2_NUM
MAX_PLIES, OPENING, FIRST_OPENING = 400, 20, 160
GAMMA, GAE_LAMBDA, VALUE_LAMBDA = 0.998, 0.85, 0.95
CLIP, ENT_COEF, LEARNING_RATE, MAX_GRAD_NORM = 0.2, 0.03, 1.5e-3, 1.0
WIN, DRAW, LOSS = np.eye(3, dtype=np.float32)
torch.set_num_threads(1)
torch.manual_seed(1)
random.seed(1)


class Game:
    """A game and how often each of its positions has occurred."""

    def __init__(self, opening):
        self.board = cshogi.Board()
        self.plies, self.seen = 0, {}
        for _ in range(random.randint(0, opening)):
            moves = list(self.board.legal_moves)
            if not moves:
                return self.__init__(opening)
            if self.push(random.choice(moves)) is not None:
                return self.__init__(opening)

    def push(self, move):
        """Result for the side that has moved, "cut" at the ply limit, or None while the game goes on."""
        board = self.board
        board.push(move)
        self.plies += 1
        key = board.zobrist_hash()
        self.seen[key] = self.seen.get(key, 0) + 1
        if self.seen[key] == 4:
            side_to_move = board.is_draw()
            return {cshogi.REPETITION_WIN: LOSS, cshogi.REPETITION_LOSE: WIN}.get(side_to_move, DRAW)
        if board.is_nyugyoku():
            return LOSS
        return "cut" if self.plies == MAX_PLIES else None


class Collector:
    def __init__(self):
        self.games = [Game(FIRST_OPENING) for _ in range(envs)]
        self.moves = [list(game.board.legal_moves) for game in self.games]
        self.planes = np.zeros((horizon, envs, BOARD + OTHER, 9, 9), np.float32)
        self.illegal = np.ones((horizon, envs, ACTIONS), bool)
        self.actions = np.zeros((horizon, envs), np.int64)
        self.log_probs = np.zeros((horizon, envs), np.float32)
        self.wdl = np.zeros((horizon + 1, envs, 3), np.float32)
        self.ends = np.zeros((horizon, envs), bool)
        # Reward of the side that moved: the game's result, or the expected one after a cut.
        self.outcomes = np.zeros((horizon, envs, 3), np.float32)
        self.ended = 0

    def observe(self, planes):
        for game, planes in zip(self.games, planes):
            dlshogi.make_input_features(game.board, planes[:BOARD], planes[BOARD:])

    def collect(self):
        self.illegal.fill(True)
        self.ends.fill(False)
        label = dlshogi.make_move_label
        for t in range(horizon):
            self.observe(self.planes[t])
            labels = []
            for game, moves, illegal in zip(self.games, self.moves, self.illegal[t]):
                turn = game.board.turn
                labels.append([label(move, turn) for move in moves])
                illegal[labels[-1]] = False
            logits, self.wdl[t] = ask(self.planes[t])
            log_probs = F.log_softmax(logits.masked_fill(torch.from_numpy(self.illegal[t]), -1e9), 1)
            actions = torch.multinomial(log_probs.exp(), 1)
            self.log_probs[t] = log_probs.gather(1, actions).squeeze(1).numpy()
            self.actions[t] = actions.squeeze(1).numpy()
            cut = []
            for i, game in enumerate(self.games):
                move = self.moves[i][labels[i].index(self.actions[t, i])]
                outcome = game.push(move)
                self.moves[i] = list(game.board.legal_moves)
                if outcome is None and not self.moves[i]:
                    outcome = WIN
                if outcome is None:
                    continue
                self.ends[t, i] = True
                self.ended += 1
                if isinstance(outcome, str):
                    cut.append((i, game.board))
                else:
                    self.outcomes[t, i] = outcome
                game = self.games[i] = Game(OPENING)
                self.moves[i] = list(game.board.legal_moves)
            if cut:
                planes = np.zeros((len(cut), BOARD + OTHER, 9, 9), np.float32)
                for (_, board), of_board in zip(cut, planes):
                    dlshogi.make_input_features(board, of_board[:BOARD], of_board[BOARD:])
                self.outcomes[t, [i for i, _ in cut]] = GAMMA * ask(planes)[1][:, ::-1] + (1 - GAMMA) * DRAW
        planes = np.zeros_like(self.planes[0])
        self.observe(planes)
        self.wdl[horizon] = ask(planes)[1]

    def estimate(self):
        """Advantages `[horizon, envs]` and targets of the outcome `[horizon, envs, 3]`; the next position is the opponent's."""
        values = self.wdl[..., 0] - self.wdl[..., 2]
        results = self.outcomes[..., 0] - self.outcomes[..., 2]
        advantages, targets = np.zeros_like(self.log_probs), np.zeros_like(self.outcomes)
        advantage, target = np.zeros(envs, np.float32), self.wdl[horizon]
        for t in reversed(range(horizon)):
            ends = self.ends[t]
            delta = np.where(ends, results[t], -GAMMA * values[t + 1]) - values[t]
            advantage = advantages[t] = np.where(ends, delta, delta - GAMMA * GAE_LAMBDA * advantage)
            following = (1 - VALUE_LAMBDA) * self.wdl[t + 1] + VALUE_LAMBDA * target
            going_on = GAMMA * following[:, ::-1] + (1 - GAMMA) * DRAW
            target = targets[t] = np.where(ends[:, None], self.outcomes[t], going_on)
        return advantages, targets


net = Net(channels, blocks, BOARD + OTHER).to(memory_format=torch.channels_last)
for block in net.blocks:
    nn.init.zeros_(block[1].weight)
adam = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE, eps=1e-5)


def forward(planes):
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        logits, wdl = net(planes.contiguous(memory_format=torch.channels_last))
    return logits.float(), wdl.float()


@torch.inference_mode()
def ask(planes):
    logits, wdl = forward(torch.from_numpy(planes))
    return logits, F.softmax(wdl, 1).numpy()


def learn(games):
    """Mean `|ratio - 1|` of the first minibatch."""
    advantages, targets = games.estimate()
    flat = lambda numbers: torch.from_numpy(numbers).flatten(0, 1)
    planes, illegal, actions = flat(games.planes), flat(games.illegal), flat(games.actions)
    old_log_probs, advantages, targets = flat(games.log_probs), flat(advantages), flat(targets)
    error = None
    for _ in range(epochs):
        for part in torch.randperm(len(actions)).split(minibatch):
            logits, wdl = forward(planes[part])
            log_probs = F.log_softmax(logits.masked_fill(illegal[part], -1e9), 1)
            ratio = (log_probs.gather(1, actions[part, None]).squeeze(1) - old_log_probs[part]).exp()
            if error is None:
                error = (ratio - 1).abs().mean().item()
            advantage = advantages[part]
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
            policy = -torch.min(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage).mean()
            value = -(targets[part] * F.log_softmax(wdl, 1)).sum(1).mean()
            entropy = -(log_probs.exp() * log_probs).sum(1).mean()
            adam.zero_grad(set_to_none=True)
            (policy + value - ENT_COEF * entropy).backward()
            nn.utils.clip_grad_norm_(net.parameters(), MAX_GRAD_NORM)
            adam.step()
    return error


games = Collector()
games.collect()
print(f"first minibatch: mean |ratio - 1| = {learn(games):.1e}", file=sys.stderr)
start, iterations = time.process_time(), 0
while iterations == 0 or time.process_time() - start < seconds:
    games.collect()
    learn(games)
    iterations += 1
spent = time.process_time() - start
print(f"{games.ended} games ended", file=sys.stderr)
print(iterations * envs * horizon / spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
