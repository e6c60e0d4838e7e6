"""Extracts the glyph outlines that the pieces carry from two OFL fonts into ../src/board/outlines/.

    pip install fonttools
    npm pack @fontsource/yuji-syuku@5.3.0 @fontsource/kaisei-tokumin@5.3.0   # then unpack each
    python3 outline.py YUJI_SYUKU_PACKAGE KAISEI_TOKUMIN_PACKAGE

Each outline is one SVG path of relative commands in units of 1/200 em, y downwards, its ink centred on (0, 0).
"""

import pathlib
import re
import sys

from fontTools.misc.transform import Transform
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

from thin import FINE, thinned

SINGLE = "歩香桂銀金角飛玉王と杏圭全馬龍"
SECOND = "兵車将行成"
KANJI = SINGLE + SECOND
LETTERS = "PLNSGBRK"
RANKS = "一二三四五六七八九"
# Files: name, first line, characters. A page that shows one set of pieces loads no other.
FILES = [
    ("kanji", "Pieces in one character, also the first of two.", SINGLE),
    ("pairs", "Second characters of pieces in two.", SECOND),
    ("letters", "Letters of the international pieces.", LETTERS),
    ("ranks", "Ranks.", RANKS),
]


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
            scale = FINE / font["head"].unitsPerEm
            centred = Transform(scale, 0, 0, -scale, 0, 0).translate(-(left + right) / 2, -(bottom + top) / 2)
            path = SVGPathPen(glyphs, ntos=lambda n: str(round(n)))
            glyph.draw(TransformPen(path, centred))
            found[char] = thinned(relative(path.getCommands()))
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
    folder = pathlib.Path(__file__).parent.parent / "src" / "board" / "outlines"
    for name, about, chars in FILES:
        lines = [
            "// Made by pieces/outline.py from Yuji Syuku and Kaisei Tokumin (SIL OFL 1.1, see pieces/README.md).",
            f"/** {about} */",
            f"export const {name.upper()}: Readonly<Record<string, string>> = {{",
            *(f'  "{char}": "{paths[char]}",' for char in chars),
            "};",
        ]
        (folder / f"{name}.ts").write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
