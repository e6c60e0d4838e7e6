"""Extracts the glyph outlines that the pieces carry from two OFL fonts into ../src/board/outlines.ts.

    pip install fonttools
    npm pack @fontsource/yuji-syuku@5.3.0 @fontsource/kaisei-tokumin@5.3.0   # then unpack each
    python3 outline.py YUJI_SYUKU_PACKAGE KAISEI_TOKUMIN_PACKAGE

Each outline is one SVG path of relative commands in units of 1/500 em, y downwards, its ink centred on (0, 0).
"""

import pathlib
import re
import sys

from fontTools.misc.transform import Transform
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

KANJI = "歩香桂銀金角飛玉王と杏圭全馬龍兵車将行成"
LETTERS = "PLNSGBRK"
RANKS = "一二三四五六七八九"


UNITS = 500


def relative(path: str) -> str:
    """Returns a path of absolute whole numbers with relative commands, which are shorter and compress better."""
    written: list[str] = []
    x = y = start_x = start_y = 0
    last = ""
    for command, text in re.findall(r"([MLHVQZ])([^MLHVQZ]*)", path):
        numbers = [int(number) for number in re.findall(r"-?\d+", text)]
        if command == "Z":
            x, y = start_x, start_y
            steps: list[int] = []
        elif command == "H":
            steps = [numbers[0] - x]
            x = numbers[0]
        elif command == "V":
            steps = [numbers[0] - y]
            y = numbers[0]
        else:
            steps = [number - (x, y)[index % 2] for index, number in enumerate(numbers)]
            x, y = numbers[-2:]
        if command == "M":
            start_x, start_y = x, y
        short = " ".join(map(str, steps)).replace(" -", "-")
        # A repeated command needs no letter, and a minus sign separates numbers.
        repeated = command == last and command not in "MZ"
        written.append((short if short.startswith("-") else f" {short}") if repeated else command.lower() + short)
        last = command
    return "".join(written)


def outlines(package: pathlib.Path, pattern: str, wanted: str) -> dict[str, str]:
    """Returns the wanted characters' paths; a web font comes as many files, each with some of the characters."""
    found: dict[str, str] = {}
    for file in sorted((package / "files").glob(pattern)):
        font = TTFont(file)
        names, glyphs = font.getBestCmap(), font.getGlyphSet()
        for char in wanted:
            if char in found or ord(char) not in names:
                continue
            glyph = glyphs[names[ord(char)]]
            bounds = BoundsPen(glyphs)
            glyph.draw(bounds)
            left, bottom, right, top = bounds.bounds
            scale = UNITS / font["head"].unitsPerEm
            centred = Transform(scale, 0, 0, -scale, 0, 0).translate(-(left + right) / 2, -(bottom + top) / 2)
            path = SVGPathPen(glyphs, ntos=lambda n: str(round(n)))
            glyph.draw(TransformPen(path, centred))
            found[char] = relative(path.getCommands())
    missing = [char for char in wanted if char not in found]
    if missing:
        sys.exit(f"{package}: no glyph for {' '.join(missing)}")
    return {char: found[char] for char in wanted}


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    syuku, tokumin = map(pathlib.Path, sys.argv[1:])
    paths = {
        **outlines(syuku, "yuji-syuku-*-400-normal.woff", KANJI),
        **outlines(tokumin, "kaisei-tokumin-*-800-normal.woff", LETTERS + RANKS),
    }
    lines = [
        "// Made by pieces/outline.py from Yuji Syuku and Kaisei Tokumin (SIL OFL 1.1, see pieces/README.md).",
        "/** Glyph outlines: SVG paths in 1/500 em, y downwards, ink centred on (0, 0). */",
        "export const OUTLINES: Readonly<Record<string, string>> = {",
        *(f'  "{char}": "{path}",' for char, path in paths.items()),
        "};",
    ]
    target = pathlib.Path(__file__).parent.parent / "src" / "board" / "outlines.ts"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
