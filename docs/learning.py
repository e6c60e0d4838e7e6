"""Draws `docs/learning.svg` from `benches/results/learning-zen5-2026-11-28.tsv`: python3 docs/learning.py

Each line of the table is an evaluation: `run` and `seed` name the training run, `plies` is its age, `low` and `high` are the ends of the
95 % interval (Wilson).
"""

import csv
import pathlib

FOLDER = pathlib.Path(__file__).parent
TABLE = FOLDER.parent / "benches/results/learning-zen5-2026-11-28.tsv"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 440, 64, 24, 56, 56
PLIES = 4.2e6  # right end of the axis
PLIES_A_MINUTE = 4311 * 60  # of the quiet two-core Xeon of LOG.md, 2026-11-26
COLORS = {"300": "#e76f51", "630": "#264653"}
RECORDED = "#7a7a7a"


def x(plies):
    return LEFT + plies / PLIES * (WIDTH - LEFT - RIGHT)


def y(score):
    return TOP + (1 - score) * (HEIGHT - TOP - BOTTOM)


def text(left, top, words, anchor="middle", color="#222"):
    return f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}" fill="{color}">{words}</text>'


def line(x1, y1, x2, y2, color, width=1.0):
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{color}" stroke-width="{width}"/>'


def axes():
    for tenth in range(0, 11, 2):
        yield line(x(0), y(tenth / 10), x(PLIES), y(tenth / 10), "#ddd")
        yield text(LEFT - 8, y(tenth / 10) + 4, f"{tenth / 10:.1f}", "end")
    for million in range(5):
        yield line(x(million * 1e6), y(0), x(million * 1e6), y(0) + 5, "#222")
        yield text(x(million * 1e6), y(0) + 20, f"{million} M")
    for minute in (0, 5, 10, 15):
        yield line(x(minute * PLIES_A_MINUTE), y(1) - 5, x(minute * PLIES_A_MINUTE), y(1), "#222")
        yield text(x(minute * PLIES_A_MINUTE), y(1) - 10, f"{minute} min")
    yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "plies of self-play; above, minutes at the 4,311 plies a second of two quiet Xeon cores")
    yield text(LEFT, 20, "score against the greedy player, 95 % intervals", "start")


def curve(run, seed, rows):
    points = [(x(float(row["plies"])), row) for row in rows]
    band = [f"{px:.1f} {y(float(row['high'])):.1f}" for px, row in points]
    band += [f"{px:.1f} {y(float(row['low'])):.1f}" for px, row in reversed(points)]
    path = "L".join(f"{px:.1f} {y(float(row['score'])):.1f}" for px, row in points)
    color, dash = COLORS[run], "" if seed == "1" else ' stroke-dasharray="6 4"'
    yield f'<path d="M{"L".join(band)}Z" fill="{color}" fill-opacity="0.12"/>'
    yield f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"{dash}/>'


def recorded(row):
    at, (low, score, high) = x(float(row["plies"])), (y(float(row[name])) for name in ("low", "score", "high"))
    yield line(at, low, at, high, RECORDED, 1.5)
    yield f'<circle cx="{at:.1f}" cy="{score:.1f}" r="4" fill="{RECORDED}"/>'


def legend():
    entries = [("300", "1", "budget 300 iterations, seed 1"), ("300", "2", "seed 2")]
    entries += [("630", "1", "budget 630 iterations, seed 1"), ("630", "2", "seed 2")]
    top = y(0.32)
    for run, seed, words in entries:
        dash = "" if seed == "1" else ' stroke-dasharray="6 4"'
        yield f'<path d="M540 {top:.0f}h34" stroke="{COLORS[run]}" stroke-width="2"{dash}/>'
        yield text(584, top + 4, words, "start")
        top += 20
    yield f'<circle cx="557" cy="{top:.0f}" r="4" fill="{RECORDED}"/>'
    yield text(584, top + 4, "ends of earlier runs, other machines", "start")


def main():
    rows = [row for row in csv.DictReader(filter(lambda l: l[0] != "#", TABLE.open()), delimiter="\t") if row["opponent"] == "greedy"]
    parts = list(axes())
    for run in COLORS:
        for seed in ("1", "2"):
            curve_rows = [row for row in rows if (row["run"], row["seed"]) == (run, seed) and row["source"] == "train"]
            parts += curve(run, seed, curve_rows)
    for row in rows:
        if row["run"] == "earlier":
            parts += recorded(row)
    parts += legend()
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">'
    body = "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', *parts, "</svg>", ""])
    (FOLDER / "learning.svg").write_text(body)


main()
