"""Every benchmark of an earlier revision beside this one's: builds both, asks their programs in turns on one pinned CPU, and
prints medians and ratios.

`python3 benches/python/revisions.py REVISION [--only NAME] [--rounds N] [--turns N] [--seconds S] [--cpu N] [--bar RATIO]`

Units a second of CPU time, as the programs' workers count them (`benches/src/bin/*`). A ratio is the median over pairs of
neighbouring turns, so that what slows the machine for longer than a turn slows both of a pair. It ends with 1 if a row's ratio is
below the bar. Programs and modules lie in `target/revisions`, so that a second call builds little.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target/revisions"
NAMES = ["movegen", "env", "inference", "training", "search"]
NETS, BATCHES = ["C64N4", "C128N8"], [1, 8, 64]
# What a build leaves, below its target folder.
PRODUCTS = {
    "movegen": ["movegen/native/qugiy/whole-program/movegen", "movegen/portable/qugiy/whole-program/movegen"],
    "env": ["release/env"],
    "inference": ["release/inference"],
    "training": ["release/training"],
    "search": ["release/search"],
}
# Folders of the modules, with plain and with relaxed SIMD.
PLACES = ["wasm32-unknown-unknown/wasm/examples", "relaxed/wasm32-unknown-unknown/wasm/examples"]


def build(tree, name, folder):
    """Lets the tree's own command build a benchmark with its modules, and keeps them in `folder`."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    # No round: it is built and, for `inference`, its networks are written, but nothing is timed.
    arguments = ["--rounds", "0"] if name == "inference" else ["--help"]
    command = ["cargo", "xtask", "bench", name, "--", *arguments]
    subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.DEVNULL, check=False)
    modules = [f"{place}/{name}_wasm.wasm" for place in PLACES]
    for product in PRODUCTS[name] + [module for module in modules if (TARGET / module).exists()]:
        kept = folder / product
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Moved, so that what the next build fails to make is not taken for its own.
        shutil.move(TARGET / product, kept)
    if name == "inference":
        (folder / "bench").mkdir(exist_ok=True)
        for file in (TARGET / "bench").glob("C*.*"):
            shutil.copy(file, folder / "bench")


class Worker:
    """A program that answers lines, pinned to a CPU."""

    def __init__(self, cpu, command):
        pinned = ["taskset", "--cpu-list", str(cpu), *map(str, command)]
        self.process = subprocess.Popen(pinned, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.engines = self.ask("engines").split()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def rate(self, line):
        """Units a second, from an answer of units and seconds or of the rate itself."""
        units, *seconds = map(float, self.ask(line).split())
        return units / seconds[0] if seconds else units

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def questions(name, engines, seconds):
    """The lines that a worker is asked, each with the name of its row."""
    for engine in engines:
        if name == "movegen" and engine == "keisei":
            for what in ["counted", "played", "playouts"]:
                for row in range(3):
                    yield f"{what}, position {row}", f"run {engine} {what} {row} {seconds}"
        elif name == "search":
            yield engine, f"run {engine} {seconds}"
        # The plain definition and the peers are no product.
        elif name == "inference" and engine not in ("scalar", "burn-flex", "onnxruntime-web"):
            for net in NETS:
                for batch in BATCHES:
                    yield f"{engine} {net} B={batch}", f"run {engine} {net} {batch} {seconds}"


def commands(name, before, after):
    """Commands of both revisions' workers, each with the prefix of its rows."""
    for product in PRODUCTS[name]:
        label = "" if name != "movegen" else product.split("/")[1] + " "
        yield label, [[folder / product, "worker"] for folder in (before, after)]
    both = [[folder / place / f"{name}_wasm.wasm" for place in PLACES] for folder in (before, after)]
    script = ROOT / f"benches/node/{name}.mjs"
    if name == "inference":
        # One worker runs both modules, on networks that the programs wrote; there is no folder of peers.
        yield "", [["node", script, simd, folder / "bench", "", relaxed] for (simd, relaxed), folder in zip(both, (before, after))]
        return
    for label, modules in zip(["wasm ", "wasm relaxed "], zip(*both)):
        if all(module.exists() for module in modules):
            yield label, [["node", script, module] for module in modules]


def by_workers(name, before, after, options):
    for label, pair in commands(name, before, after):
        rows = {}
        # New processes each round: where a process lies in memory is drawn at its start, and moves some rows by a tenth.
        for _ in range(options.rounds):
            both = [Worker(options.cpu, command) for command in pair]
            engines = [engine for engine in both[0].engines if engine in both[1].engines]
            for row, line in questions(name, engines, options.seconds / options.turns):
                pairs = list(zip(both, rows.setdefault(label + row, [[], []])))
                for turn in range(options.turns):
                    # Each of the two is first in every second turn.
                    for worker, found in pairs[:: 1 - 2 * (turn % 2)]:
                        found.append(worker.rate(line))
            for worker in both:
                worker.close()
        yield from rows.items()


def output(cpu, command):
    pinned = ["taskset", "--cpu-list", str(cpu), *map(str, command)]
    return subprocess.run(pinned, check=True, capture_output=True, text=True).stdout


def training(before, after, options):
    for task in ["training step", "whole PPO iteration"]:
        for channels in [64, 32]:
            rates = [[], []]
            for _ in range(options.rounds):
                for folder, found in zip((before, after), rates):
                    arguments = ["worker", task, "keisei", channels, 4, 3 * options.seconds]
                    found.append(float(output(options.cpu, [folder / "release/training", *arguments]).split()[0]))
            yield f"{task} C{channels}N4", rates


def env(before, after, options):
    rows = {}
    for _ in range(options.rounds):
        for side, folder in enumerate((before, after)):
            title = ""
            for line in output(options.cpu, [folder / "release/env"]).splitlines():
                cells = [cell.strip() for cell in line.strip("|").split("|")]
                numbers = [cell for cell in cells[1:] if re.fullmatch(r"[0-9.]+", cell)]
                if len(cells) < 3 or not numbers:
                    title = cells[0].split(",")[0] if "|" in line and "-" not in cells[0] else title
                    continue
                # A step's own speed is the first number, that of an expansion the second, after its bytes.
                number = numbers[1] if title.startswith("planes") else numbers[0]
                rows.setdefault(f"{title}: {cells[0]}", [[], []])[side].append(float(number))
    yield from rows.items()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("revision")
    parser.add_argument("--only", choices=NAMES, action="append")
    parser.add_argument("--rounds", type=int, default=5, help="0 builds only")
    parser.add_argument("--turns", type=int, default=7, help="in which a worker spends its seconds on a row")
    parser.add_argument("--seconds", type=float, default=0.7, help="of a row in a round")
    parser.add_argument("--cpu", type=int, default=0)
    parser.add_argument("--bar", type=float, default=0.97)
    parser.add_argument("--built", action="store_true", help="take the programs of the last call")
    options = parser.parse_args()

    names = options.only or NAMES
    before, after, tree = TARGET / "before", TARGET / "after", TARGET / "tree"
    if not options.built:
        # A call that was interrupted left its tree.
        subprocess.run(["git", "worktree", "remove", "--force", "--force", tree], cwd=ROOT, check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["git", "worktree", "add", "--force", "--detach", tree, options.revision], cwd=ROOT, check=True)
        for name in names:
            build(tree, name, before)
            build(ROOT, name, after)
        subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)

    if options.rounds == 0:
        return
    print("| benchmark | row | before | after | ratio |\n|---|---|---:|---:|---:|", flush=True)
    missed = 0
    for name in names:
        rows = {"training": training, "env": env}.get(name)
        rows = rows(before, after, options) if rows else by_workers(name, before, after, options)
        for row, rates in rows:
            old, new = map(median, rates)
            ratio = median(second / first for first, second in zip(*rates))
            below = ratio < options.bar
            missed += below
            mark = " **missed**" if below else ""
            print(f"| {name} | {row} | {old:.4g} | {new:.4g} | {ratio:.3f}{mark} |", flush=True)
    if missed:
        sys.exit(f"{missed} rows are below {options.bar}")


if __name__ == "__main__":
    main()
