"""Games of `keisei-usi` against another USI engine in a public runner, cshogi.cli: who errs, and who wins.

    python3 -m venv /tmp/cshogi && /tmp/cshogi/bin/pip install cshogi
    cargo build --release -p keisei-play --bin keisei-usi
    /tmp/cshogi/bin/python tests/python/usi_match.py target/release/keisei-usi MODEL /usr/games/fairy-stockfish

The other engine, Fairy-Stockfish of Debian's package of that name, is a process of its own. Ends with an error if our engine
makes an illegal move, loses on time, or explains that it could not follow a line; or if an engine does not know an option.
"""

import argparse
import contextlib
import re
import sys
from collections import Counter

from cshogi import cli


class Protocol:
    """Reads what the runner prints: each line of the engines, and how each game ends."""

    def __init__(self):
        self.explained = []
        self.unknown_options = []
        self.ends = Counter()
        self.ours_is_black = None
        self.rest = ""

    def write(self, text):
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            self.read(line)

    def flush(self):
        pass

    def read(self, line):
        if line.startswith("1:info string"):
            self.explained.append(line[2:])
        elif "No such option" in line:
            self.unknown_options.append(line)
        elif line.endswith(" start."):
            self.ours_is_black = line.startswith("keisei vs ")
        elif end := re.fullmatch(r"まで(\d+)手で(?:(先手|後手)の)?(.*)", line):
            plies, side, how = end.groups()
            who = "" if side is None else "ours " if (side == "先手") == self.ours_is_black else "theirs "
            self.ends[who + how] += 1
            print(f"game {self.ends.total()}: {plies} plies, {who}{how}", file=sys.__stdout__, flush=True)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("engine")
parser.add_argument("model")
parser.add_argument("opponent")
parser.add_argument("--games", type=int, default=100)
parser.add_argument("--time", type=int, default=2000, help="milliseconds for the game")
parser.add_argument("--increment", type=int, default=50, help="milliseconds more for each move")
parser.add_argument("--skill", type=int, default=-10, help="Fairy-Stockfish's Skill Level, -20 to 20")
parser.add_argument("--ponder", action="store_true")
arguments = parser.parse_args()

ours = {"Model": arguments.model, "Threads": "1", "MoveOverhead": "30"}
theirs = {"UCI_Variant": "shogi", "Hash": "16", "Threads": "1", "Skill Level": str(arguments.skill)}
protocol = Protocol()
with contextlib.redirect_stdout(protocol):
    result = cli.main(
        arguments.engine,
        arguments.opponent,
        options1=ours,
        options2=theirs,
        names=["keisei", "opponent"],
        games=arguments.games,
        time=arguments.time,
        inc=arguments.increment,
        draw=320,
        ponder=arguments.ponder,
        keep_process=True,
        debug=True,
        print_summary=False,
    )
print(f"won {result['engine1_won']}, lost {result['engine2_won']}, drawn {result['draw']}: {dict(protocol.ends)}")
if protocol.unknown_options:
    sys.exit(f"the match was not played as asked: {protocol.unknown_options[:10]}")
faults = [how for how in protocol.ends if how in ("ours 反則負け", "ours 切れ負け")] + protocol.explained
if faults or protocol.ends.total() != arguments.games:
    sys.exit(f"faults of our engine: {faults[:10]}")
