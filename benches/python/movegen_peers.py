"""The worker of the move generation benchmark for programs from PyPI: cshogi and nshogi, each called through Python.

It answers lines as src/bin/movegen/worker.rs describes. The moves are counted and played by the libraries; the loop
around them is Python's, and is part of what is measured.
"""

import sys
import time

import cshogi
import nshogi

PLAYOUT_PLIES = 512
PLAYOUTS = 5
SEED = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1

ROWS = [line.split("\t") for line in sys.argv[1:]]


class Random:
    """The benchmark's xorshift."""

    def __init__(self):
        self.state = SEED

    def below(self, n):
        x = self.state
        x ^= x << 13 & MASK
        x ^= x >> 7
        x ^= x << 17 & MASK
        self.state = x
        return (x >> 32) * n >> 32


class Cshogi:
    """Its legal moves are counted by the library."""

    def __init__(self, sfen):
        self.board = cshogi.Board(sfen)
        self.push = self.board.push

    def count(self):
        return len(self.board.legal_moves)

    def moves(self):
        return list(self.board.legal_moves)

    def pop(self):
        self.board.pop()


class Nshogi:
    """Its legal moves come as a list."""

    def __init__(self, sfen):
        self.state = nshogi.io.sfen.make_state_from_sfen(sfen)
        self.push = self.state.do_move
        self.pop = self.state.undo_move

    def count(self):
        return len(self.state.legal_moves)

    def moves(self):
        return self.state.legal_moves


ENGINES = {"cshogi": Cshogi, "nshogi": Nshogi}


def counted(game, depth):
    if depth == 1:
        return game.count()
    total = 0
    for move in game.moves():
        game.push(move)
        total += counted(game, depth - 1)
        game.pop()
    return total


def played(game, depth):
    if depth == 0:
        return 1
    total = 0
    for move in game.moves():
        game.push(move)
        total += played(game, depth - 1)
        game.pop()
    return total


def playouts(make, sfen):
    random = Random()
    total = 0
    for _ in range(PLAYOUTS):
        game = make(sfen)
        for _ in range(PLAYOUT_PLIES):
            moves = game.moves()
            if not moves:
                break
            game.push(moves[random.below(len(moves))])
            total += 1
    return total


def run(name, what, row, seconds):
    make, (sfen, depth) = ENGINES[name], ROWS[row]
    start = time.process_time()
    units, spent = 0, 0.0
    while spent < seconds:
        if what == "playouts":
            units += playouts(make, sfen)
        else:
            # One ply less than the others: Python is slow, and only nodes a second are reported.
            units += (counted if what == "counted" else played)(make(sfen), int(depth) - 1)
        spent = time.process_time() - start
    return f"{units} {spent:.6f}"


for line in sys.stdin:
    match line.split():
        case ["engines"]:
            print(" ".join(ENGINES), flush=True)
        case ["run", name, what, row, seconds]:
            print(run(name, what, int(row), float(seconds)), flush=True)
        case _:
            raise SystemExit(f"unknown line: {line}")
