"""The legal moves of cshogi (PyPI), for the differential run: a SFEN a line in, its moves in USI a line out.

An empty line asks for the answers so far. A position that cshogi does not take is answered with `refused`.
"""

import sys

import cshogi

board = cshogi.Board()
to_usi = cshogi.move_to_usi
for line in sys.stdin:
    sfen = line.rstrip("\n")
    if not sfen:
        sys.stdout.flush()
        continue
    try:
        board.set_sfen(sfen)
        answer = " ".join(map(to_usi, board.legal_moves))
    except (RuntimeError, ValueError):
        answer = "refused"
    sys.stdout.write(answer + "\n")
