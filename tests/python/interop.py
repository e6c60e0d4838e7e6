"""Reads what `trainer-native` exports with the programs that it is meant for, each that is installed.

Argument: a folder that the test `trainer-native/tests/interop.rs` has filled. Prints a line for each check; ends with an error
if one fails. onnxruntime and PyTorch must give the logits of `policy.f32` and `wdl.f32` for the planes of `planes.f32`; cshogi
must find the positions, moves and results of `positions.tsv` in the data sets, and read the games.
"""

import importlib.util
import sys
from pathlib import Path

folder = Path(sys.argv[1])
TOLERANCE = 1e-4


def installed(*names):
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        print(f"{names[-1]}: left out, {', '.join(missing)} not installed")
    return not missing


def logits():
    import numpy as np

    read = lambda name: np.fromfile(folder / f"{name}.f32", dtype="<f4")
    wdl = read("wdl").reshape(-1, 3)
    return read("planes").reshape(len(wdl), -1, 9, 9), read("policy").reshape(len(wdl), -1), wdl


def compare(what, policy, wdl, found_policy, found_wdl):
    worst = max(abs(policy - found_policy).max(), abs(wdl - found_wdl).max())
    print(f"{what}: logits of {len(wdl)} positions within {worst:.1e}")
    assert worst <= TOLERANCE, what


def check_onnx():
    import onnxruntime

    planes, policy, wdl = logits()
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    compare("onnxruntime", policy, wdl, *session.run(["policy", "wdl"], {"planes": planes}))


def check_torch():
    import torch

    sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
    from load_model import load

    planes, policy, wdl = logits()
    net, _ = load(folder / "model.safetensors")
    with torch.no_grad():
        found = net(torch.from_numpy(planes))
    compare("PyTorch", policy, wdl, *(tensor.numpy() for tensor in found))


def check_cshogi():
    import cshogi
    import numpy as np
    from cshogi import CSA, KIF

    rows = [line.split("\t") for line in (folder / "positions.tsv").read_text().splitlines()]
    board = cshogi.Board()
    hcpe = np.fromfile(folder / "games.hcpe", dtype=cshogi.HuffmanCodedPosAndEval)
    psv = np.fromfile(folder / "games.psv", dtype=cshogi.PackedSfenValue)
    assert len(rows) == len(hcpe) == len(psv) > 0, (len(rows), len(hcpe), len(psv))
    without_number = lambda sfen: sfen.rsplit(" ", 1)[0]
    for (sfen, move, eval, winner), h, p in zip(rows, hcpe, psv):
        board.set_hcp(np.asarray(h["hcp"]))
        assert without_number(board.sfen()) == without_number(sfen), sfen
        assert cshogi.move_to_usi(board.move_from_move16(int(h["bestMove16"]) & 0xFFFF)) == move, (sfen, move)
        assert int(h["eval"]) == int(p["score"]) == int(eval)
        assert int(h["gameResult"]) == {"draw": cshogi.DRAW, "b": cshogi.BLACK_WIN, "w": cshogi.WHITE_WIN}[winner]
        board.set_psfen(np.asarray(p["sfen"]))
        assert without_number(board.sfen()) == without_number(sfen), sfen
        assert cshogi.move_to_usi(board.move_from_psv(int(p["move"]))) == move, (sfen, move)
        turn = sfen.split(" ")[1]
        assert int(p["game_result"]) == (0 if winner == "draw" else 1 if winner == turn else -1)
        assert int(p["gamePly"]) == int(sfen.rsplit(" ", 1)[1])
        # Written by cshogi, the bytes are the same.
        own = np.zeros(1, cshogi.HuffmanCodedPos)
        board.set_sfen(sfen)
        board.to_hcp(own)
        assert own.tobytes() == h["hcp"].tobytes(), sfen
        own = np.zeros(1, cshogi.PackedSfen)
        board.to_psfen(own)
        assert own.tobytes() == p["sfen"].tobytes(), sfen
    print(f"cshogi: {len(rows)} positions of HCPE and PSV")

    games = [line.split() for line in (folder / "games.txt").read_text().splitlines()]
    csa = CSA.Parser.parse_file(str(folder / "games.csa"))
    kif = [KIF.Parser.parse_file(str(path)) for path in sorted((folder / "kif").iterdir(), key=order)]
    for what, read in [("CSA", csa), ("KIF", kif)]:
        found = [[cshogi.move_to_usi(move) for move in game.moves] for game in read]
        assert found == games, what
        print(f"cshogi: {len(games)} games of {what}")


def order(path):
    """games.kif, games-2.kif, games-3.kif …"""
    number = path.stem.partition("-")[2]
    return int(number) if number else 1


if installed("numpy", "onnxruntime"):
    check_onnx()
if installed("numpy", "torch"):
    check_torch()
if installed("numpy", "cshogi"):
    check_cshogi()
