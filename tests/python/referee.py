"""Judges the games of a tournament again, with the rules of another program, cshogi.

    python3 -m venv /tmp/cshogi && /tmp/cshogi/bin/pip install cshogi
    trainer-native rate random greedy ab:2 --record games.record --json > rating.json
    trainer-native convert games.record games.csa
    /tmp/cshogi/bin/python tests/python/referee.py games.csa --max-plies 400 --rating rating.json

Each game is read by cshogi's reader of CSA and replayed on its board: every move must be legal, the game must not have been
over earlier, and it must end as the file says: mate, fourfold repetition, perpetual check, declaration, ply limit. Only
forfeits for other reasons than perpetual check (silence, an illegal move, a process that ended) and resignations cannot be
judged from moves: of these the moves before are checked, and the number is printed. With `--rating`, the wins, draws and losses
of each two players are counted again too. Ends with an error if any game differs.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict

import cshogi
from cshogi import CSA

BLACK_WINS, WHITE_WINS, DRAW = "black wins", "white wins", "draw"


def wins(color):
    return BLACK_WINS if color == cshogi.BLACK else WHITE_WINS


class Referee:
    """Game in progress by cshogi's board; repetitions are counted here, for cshogi only looks back a number of plies."""

    def __init__(self, sfen, max_plies):
        self.board = cshogi.Board(sfen)
        self.max_plies = max_plies
        self.plies = 0
        self.checks = []  # whether the side to move is in check, of each position
        self.occurrences = defaultdict(list)
        self.note()

    def note(self):
        self.checks.append(self.board.is_check())
        # Board, side to move and hands, without the number of the move.
        self.occurrences[self.board.sfen().rsplit(" ", 1)[0]].append(self.plies)

    def push(self, move):
        self.board.push(move)
        self.plies += 1
        self.note()

    def outcome(self):
        """Result and reason if the game is over, or may be declared won, which our runner always does."""
        board = self.board
        mover, opponent = board.turn, cshogi.opponent(board.turn)
        if board.is_game_over():
            return wins(opponent), "no legal move"
        plies = self.occurrences[board.sfen().rsplit(" ", 1)[0]]
        if len(plies) >= 4:
            # Every position after a move of one side, since the first occurrence, in check: that side loses.
            by_opponent = all(self.checks[plies[0] + 2 : self.plies + 1 : 2])
            by_mover = all(self.checks[plies[0] + 1 : self.plies + 1 : 2])
            if by_opponent != by_mover:
                return wins(mover if by_opponent else opponent), "perpetual check"
            return DRAW, "repetition"
        if self.max_plies and self.plies >= self.max_plies:
            return DRAW, "ply limit"
        if board.is_nyugyoku():
            return wins(mover), "declaration"
        return None


# What a CSA file says of an end, and the reason that it may have by the rules; None cannot be judged.
REASONS = {
    "%TSUMI": "no legal move",
    "%SENNICHITE": "repetition",
    "%KACHI": "declaration",
    "%MAX_MOVES": "ply limit",
    "%TORYO": None,
    "%ILLEGAL_MOVE": "perpetual check",
    "%+ILLEGAL_ACTION": "perpetual check",
    "%-ILLEGAL_ACTION": "perpetual check",
}


def claimed_result(end, mover):
    if end in ("%SENNICHITE", "%MAX_MOVES"):
        return DRAW
    if end == "%KACHI":
        return wins(mover)
    if end.endswith("ILLEGAL_ACTION"):
        return WHITE_WINS if end[1] == "+" else BLACK_WINS
    return wins(cshogi.opponent(mover))


def judge(game, max_plies):
    """Result of the game, its reason, and what is wrong with it, if anything."""
    referee = Referee(game.sfen, max_plies)
    for ply, move in enumerate(game.moves):
        if over := referee.outcome():
            return *over, f"was over after {ply} of {len(game.moves)} plies: {', '.join(over)}"
        if not referee.board.is_legal(move):
            return None, None, f"ply {ply + 1}, {cshogi.move_to_usi(move)}, is illegal"
        referee.push(move)
    end, found = game.endgame, referee.outcome()
    if end not in REASONS:
        return None, None, f"ends with {end}"
    claimed = claimed_result(end, referee.board.turn)
    if found is None:
        is_forfeit = REASONS[end] in (None, "perpetual check")
        reason = "resignation" if end == "%TORYO" else "forfeit"
        return claimed, reason, None if is_forfeit else f"is not over, but ends with {end}"
    if found != (claimed, REASONS[end]):
        return *found, f"ends with {end}, {claimed}, but by cshogi: {', '.join(found)}"
    return *found, None


def table_of(rating):
    return {
        (pairing["first"], pairing["second"]): tuple(pairing["results"][key] for key in ("wins", "draws", "losses"))
        for pairing in rating["pairings"]
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("games", help="CSA file")
    parser.add_argument("--max-plies", type=int, required=True, help="ply limit of the games, 0 for none")
    parser.add_argument("--rating", help="what `rate --json` printed")
    arguments = parser.parse_args()

    reasons, differences, table = Counter(), [], defaultdict(Counter)
    games = CSA.Parser.parse_file(arguments.games, encoding="utf-8")
    for number, game in enumerate(games):
        result, reason, difference = judge(game, arguments.max_plies)
        if difference:
            differences.append(f"game {number}, {' - '.join(game.names)}: {difference}")
        reasons[reason] += 1
        table[tuple(game.names)][result] += 1
    print(f"{len(games)} games: {dict(reasons.most_common())}")
    if arguments.rating:
        with open(arguments.rating, encoding="utf-8") as file:
            rating = json.load(file)
        for (first, second), claimed in table_of(rating).items():
            forth, back = table[first, second], table[second, first]
            found = (
                forth[BLACK_WINS] + back[WHITE_WINS],
                forth[DRAW] + back[DRAW],
                forth[WHITE_WINS] + back[BLACK_WINS],
            )
            if found != claimed:
                differences.append(f"{first} - {second}: {claimed} is claimed, {found} was played")
        if rating["games"] != len(games):
            differences.append(f"{rating['games']} games are claimed, {len(games)} were read")
    if not games or differences:
        sys.exit("\n".join(differences[:20] or ["no games"]))
    print("every game ends as it should" + (", and every result is counted" if arguments.rating else ""))


main()
