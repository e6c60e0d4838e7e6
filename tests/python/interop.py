"""Reads what `trainer-native` exports with the programs that it is meant for.

Arguments: a folder that the tests of `trainer-native/tests/interop.rs` have filled, and the programs: onnxruntime, torch, cshogi.
Prints a line for each check; ends with an error if one fails. onnxruntime and PyTorch must give the outputs that are written
beside each model as `NAME.f32`; cshogi must find the positions, moves and results of `positions.tsv` in the data sets, and read
the games.
"""

import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
TOLERANCE = 1e-4
POSITIONS = 1000


def read(model, name, *shape):
    return np.fromfile(folder / model / f"{name}.f32", dtype="<f4").reshape(POSITIONS, *shape)


def compare(program, model, names, found):
    """The outputs of a model; there must be as many as files."""
    files = {path.stem for path in (folder / model).glob("*.f32")} - {"planes"}
    assert set(names) == files, (names, files)
    worst = max(abs(read(model, name, -1) - output).max() for name, output in zip(names, found, strict=True))
    print(f"{program}, {model}: {', '.join(names)} of {POSITIONS} positions within {worst:.1e}")
    assert worst <= TOLERANCE, (program, model)


def dlshogi_inputs():
    """Inputs of dlshogi's networks, as a program that plays with them builds them."""
    import cshogi
    from cshogi import dlshogi

    sfens = (folder / "dlshogi/positions.txt").read_text().splitlines()
    inputs = [np.zeros((len(sfens), planes, 9, 9), np.float32) for planes in (62, 57)]
    board = cshogi.Board()
    for sfen, *planes in zip(sfens, *inputs):
        board.set_sfen(sfen)
        dlshogi.make_input_features(board, *planes)
    return dict(zip(["input1", "input2"], inputs))


def check_onnxruntime():
    import onnxruntime

    for model in ["plain", "options", "dlshogi"]:
        path = folder / model / "model.onnx"
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        inputs = dlshogi_inputs() if model == "dlshogi" else {"planes": read(model, "planes", -1, 9, 9)}
        for tensor in session.get_inputs():
            assert tensor.shape == ["batch", *inputs[tensor.name].shape[1:]], (tensor.name, tensor.shape)
        names = [tensor.name for tensor in session.get_outputs()]
        compare("onnxruntime", model, names, session.run(names, inputs))


def check_torch():
    import torch

    sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
    from load_model import load

    for model in ["plain", "options"]:
        net, _ = load(folder / model / "model.safetensors")
        with torch.no_grad():
            found = net(torch.from_numpy(read(model, "planes", -1, 9, 9)))
        found = [tensor.numpy() for tensor in found if tensor is not None]
        compare("PyTorch", model, ["policy", "wdl", "score"][: len(found)], found)


def check_cshogi():
    import cshogi
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


for program in sys.argv[2:]:
    {"onnxruntime": check_onnxruntime, "torch": check_torch, "cshogi": check_cshogi}[program]()
