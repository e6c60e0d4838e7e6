"""Thins the outlines of a font: fewer curves, none further from the font's than the eye can see.

A brush font has a point where the scan had a pixel. Runs of lines and quadratic curves become one line or one curve where that stays
within TOLERANCE; outlines then have a third of the numbers.
"""

import re

# Units of an em that a font's outline comes in, and that a thinned one has; TOLERANCE is in the latter.
FINE = 500
UNITS = 200
TOLERANCE = 0.6
# Longest run that is tried.
LONGEST = 6

Point = tuple[float, float]
Segment = tuple[str, list[Point]]
SIZES = {"m": 2, "l": 2, "h": 1, "v": 1, "q": 4}


def segments(path: str) -> list[Segment]:
    """Returns the commands of a relative path with absolute points: M, L, Q and Z."""
    words = re.findall(r"[a-z]|-?\d+", path)
    found: list[Segment] = []
    x = y = start_x = start_y = 0
    command = ""
    while words:
        if words[0].isalpha():
            command = words.pop(0)
        if command == "z":
            found.append(("Z", []))
            x, y = start_x, start_y
            continue
        steps = [int(words.pop(0)) for _ in range(SIZES[command])]
        if command in "hv":
            steps = [steps[0], 0] if command == "h" else [0, steps[0]]
        points = [(x + dx, y + dy) for dx, dy in zip(steps[::2], steps[1::2])]
        x, y = points[-1]
        if command == "m":
            start_x, start_y = x, y
        found.append(("M" if command == "m" else "Q" if command == "q" else "L", points))
    return found


def along(start: Point, segment: Segment, count: int) -> list[Point]:
    """Returns points on a segment, its end among them."""
    kind, points = segment
    end = points[-1]
    middle = points[0] if kind == "Q" else ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    shares = [index / count for index in range(1, count + 1)]
    return [
        tuple((1 - t) ** 2 * a + 2 * t * (1 - t) * b + t * t * c for a, b, c in zip(start, middle, end)) for t in shares
    ]


def distance(point: Point, a: Point, b: Point) -> float:
    """Returns how far a point is from the line between two others."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    share = 0 if length == 0 else max(0, min(1, ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length))
    return ((point[0] - a[0] - share * dx) ** 2 + (point[1] - a[1] - share * dy) ** 2) ** 0.5


def fits(start: Point, segment: Segment, points: list[Point]) -> bool:
    """Returns whether all points are near a segment."""
    line = [start, *along(start, segment, 16)]
    return all(any(distance(point, a, b) <= TOLERANCE for a, b in zip(line, line[1:])) for point in points)


def candidates(start: Point, run: list[Segment]) -> list[Segment]:
    """Returns the segments that may stand for a run: a line, and the curve that leaves and arrives as the run does."""
    end = run[-1][1][-1]
    found: list[Segment] = [("L", [end])]
    first = run[0][1][0]
    before = run[-1][1][0] if run[-1][0] == "Q" else run[-2][1][-1] if len(run) > 1 else start
    leaves, arrives = (first[0] - start[0], first[1] - start[1]), (end[0] - before[0], end[1] - before[1])
    across = leaves[0] * arrives[1] - leaves[1] * arrives[0]
    if abs(across) > 1e-9:
        dx, dy = end[0] - start[0], end[1] - start[1]
        u, v = (dx * arrives[1] - dy * arrives[0]) / across, (dx * leaves[1] - dy * leaves[0]) / across
        if u > 0 and v > 0:
            found.append(("Q", [(start[0] + u * leaves[0], start[1] + u * leaves[1]), end]))
    return found


def merged(start: Point, body: list[Segment]) -> list[Segment]:
    """Returns a closed outline with its runs merged."""
    out: list[Segment] = []
    at, index = start, 0
    while index < len(body):
        best, taken = body[index], 1
        points: list[Point] = []
        end = at
        for length in range(1, min(LONGEST, len(body) - index) + 1):
            run = body[index : index + length]
            points += along(end, run[-1], 6)
            end = run[-1][1][-1]
            near = next((each for each in candidates(at, run) if fits(at, each, points)), None)
            if near:
                best, taken = near, length
        out.append(best)
        at, index = best[1][-1], index + taken
    return out


def thinned(path: str) -> str:
    """Returns a relative path in 1/FINE em with fewer segments, in 1/UNITS em."""
    scaled = [(kind, [(x * UNITS / FINE, y * UNITS / FINE) for x, y in points]) for kind, points in segments(path)]
    written, last = "", ""
    at = (0, 0)

    def put(command: str, points: list[Point]) -> None:
        nonlocal written, last, at
        whole = [(round(x), round(y)) for x, y in points]
        steps = [part for x, y in whole for part in (x - at[0], y - at[1])]
        if command == "q" and (steps[:2] == [0, 0] or steps[:2] == steps[2:]):
            command, steps = "l", steps[2:]
        if command != "m" and not any(steps):
            return
        if command == "l" and 0 in steps:
            command, steps = ("h", steps[:1]) if steps[1] == 0 else ("v", steps[1:])
        text = " ".join(map(str, steps)).replace(" -", "-")
        # A repeated command needs no letter, and a minus sign separates numbers.
        written += ("" if text.startswith("-") else " ") + text if command == last != "m" else command + text
        at, last = whole[-1], command

    body: list[Segment] = []
    start: Point = (0, 0)
    for kind, points in scaled:
        if kind == "M":
            start, body = points[0], []
        elif kind == "Z":
            put("m", [start])
            begin = at
            for each in merged(start, body):
                put(each[0].lower(), each[1])
            written += "z"
            at, last = begin, "z"
        else:
            body.append((kind, points))
    return written
