"""Writes the golden vectors of dlshogi, `dlshogi119.json` and `dest2187.json`, with cshogi (PyPI).

    python3 -m venv /tmp/cshogi && /tmp/cshogi/bin/pip install -r tests/python/requirements.txt
    /tmp/cshogi/bin/python tests/python/dlshogi_golden.py tests/data/golden

The positions are of random games and some by hand: both colours to move, full hands, promoted pieces, checks. Every one has the
digest of its planes, some have the planes themselves, some the actions of all legal moves.
"""

import hashlib
import json
import random
import sys
from importlib.metadata import version
from pathlib import Path

import cshogi
import numpy as np
from cshogi import dlshogi

POSITIONS = 200
IN_CHECK = 40
WITH_CELLS = 12
WITH_ACTIONS = 50
BY_HAND = [
    "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1",
    "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL w - 2",
    "l6nl/5+P1gk/2np1S3/p1p4Pp/3P2Sp1/1PPb2P1P/P5GS1/R8/LN4bKL w RGgsn5p 1",
    "l6nl/5+P1gk/2np1S3/p1p4Pp/3P2Sp1/1PPb2P1P/P5GS1/R8/LN4bKL b RGgsn5p 1",
    "R8/2K1S1SSk/4B4/9/9/9/9/9/1L1L1L3 b RBGSNLP3g3n17p 1",
    "4k4/9/9/9/9/9/9/9/4K4 w 2r2b4g4s4n4l18p 1",
    "4k4/9/9/9/9/9/9/9/4K4 b 2R2B4G4S4N4L18P 1",
]


def sampled():
    """SFENs: first those by hand, then a few of each random game, until there are enough in check and not."""
    yield from BY_HAND
    wanted = {True: IN_CHECK, False: POSITIONS - IN_CHECK - len(BY_HAND)}
    board = cshogi.Board()
    while any(wanted.values()):
        board.reset()
        for _ in range(random.randrange(10, 250)):
            moves = list(board.legal_moves)
            if not moves:
                break
            board.push(random.choice(moves))
            # Random moves seldom give check.
            if wanted[board.is_check()] and random.random() < (0.3 if board.is_check() else 0.02):
                wanted[board.is_check()] -= 1
                yield board.sfen()


def rows(plane):
    """A plane of dlshogi, file by file from the right, as rows from file 9 to file 1."""
    return plane.reshape(9, 9).T[:, ::-1]


def planes(board):
    board_planes = np.zeros((dlshogi.FEATURES1_NUM, 9, 9), np.float32)
    other_planes = np.zeros((dlshogi.FEATURES2_NUM, 9, 9), np.float32)
    dlshogi.make_input_features(board, board_planes, other_planes)
    return np.stack([rows(plane) for plane in np.concatenate([board_planes, other_planes])])


def cells_and_constants(planes):
    cells, constants = [], []
    for number, plane in enumerate(planes):
        if (plane == plane[0, 0]).all():
            if plane[0, 0]:
                constants.append({"plane": number, "const": int(plane[0, 0])})
        else:
            cells += [[number, int(row), int(column), int(plane[row, column])] for row, column in np.argwhere(plane)]
    return {"cells": cells, "const": constants}


def write(path, header, positions):
    text = json.dumps({**header, "positions_count": len(positions), "positions": []}, separators=(",", ":"))
    lines = [json.dumps(position, separators=(",", ":")) for position in positions]
    path.write_text(text.removesuffix("]}") + "\n" + ",\n".join(lines) + "\n]}\n")


random.seed(119)
features, actions = [], []
board = cshogi.Board()
for number, sfen in enumerate(sampled()):
    board.set_sfen(sfen)
    position = sfen.rsplit(" ", 1)[0]
    row = {"id": f"d{number + 1:03}", "start": sfen, "moves": [], "position": position, "side": position.split(" ")[1]}
    tensor = planes(board)
    assert set(np.unique(tensor)) <= {0, 1}
    digest = hashlib.sha256(tensor.astype("<f4").tobytes()).hexdigest()
    with_cells = cells_and_constants(tensor) if number % (POSITIONS // WITH_CELLS) == 0 else {}
    features.append({**row, "in_check": board.is_check(), **with_cells, "sha256": digest})
    if number % (POSITIONS // WITH_ACTIONS) == 0:
        legal = {cshogi.move_to_usi(move): dlshogi.make_move_label(move, board.turn) for move in board.legal_moves}
        actions.append({**row, "count": len(legal), "actions": legal})

folder = Path(sys.argv[1])
source = f"cshogi {version('cshogi')}"
shape = [dlshogi.FEATURES1_NUM + dlshogi.FEATURES2_NUM, 9, 9]
header = {"encoding": "dlshogi119", "source": source, "shape": shape, "dtype": "float32"}
write(folder / "dlshogi119.json", header, features)
write(folder / "dest2187.json", {"encoding": "dest2187", "source": source, "actions": 27 * 81}, actions)
