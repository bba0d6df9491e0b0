"""Which configs that came are really those that went, renamed and edited in one change. Pure.

Git finds renamed files by how much of their content they share, and so does this: a renamed config keeps its baseline, which
is stricter than to begin again without one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmops_git.configs.canonical import canonical_json
from llmops_git.configs.values import Config, Json

ENOUGH = 0.5  # share of the content, and of the cases (git's own limit for files is the same, git-diff, --find-renames)
MOST_PAIRS = 2_500  # beyond that nobody renamed configs by hand


class Renamed(NamedTuple):
    """A config that went and the one that it became, by index."""

    gone: int
    came: int


def find_renamed(gone: Sequence[Config], came: Sequence[Config]) -> list[Renamed]:
    """The pairs that are one config each: in the same folder, evaluated on largely the same cases, and made of largely the
    same content; the most similar first, each config at most once."""
    if not gone or not came or len(gone) * len(came) > MOST_PAIRS:
        return []
    old, new = [_Parts(config) for config in gone], [_Parts(config) for config in came]
    scored = [
        (similarity(before, after), Renamed(one, other))
        for one, before in enumerate(old)
        for other, after in enumerate(new)
        if before.folder == after.folder
    ]
    found: list[Renamed] = []
    for score, pair in sorted(scored, key=lambda item: (-item[0], item[1])):
        taken = any(pair.gone == earlier.gone or pair.came == earlier.came for earlier in found)
        if score >= ENOUGH and not taken and _share(old[pair.gone].cases, new[pair.came].cases) >= ENOUGH:
            found.append(pair)
    return found


class _Parts:
    """What of a config is compared: its lines, weighed by their length, and its cases."""

    def __init__(self, config: Config) -> None:
        self.folder = config.path.rpartition("/")[0]
        self.lines = Counter({line: len(line[1]) * count for line, count in Counter(_lines(config.resolved, "")).items()})
        cases = config.evaluation.resolved["cases"] if config.evaluation else []
        self.cases = Counter(canonical_json({**case, "id": ""}) for case in cases)


def similarity(before: _Parts, after: _Parts) -> float:
    """The share of the content that both have, from 0 to 1."""
    return _share(before.lines, after.lines)


def _share(before: Counter[Json], after: Counter[Json]) -> float:
    total = before.total() + after.total()
    return 2 * (before & after).total() / total if total else 1.0


def _lines(value: Json, name: str) -> Iterator[tuple[str, str]]:
    """Every line of every text, with the name of its field; other values as JSON."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _lines(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _lines(item, name)
    elif isinstance(value, str):
        for line in value.splitlines() or [""]:
            yield name, line
    else:
        yield name, canonical_json(value).decode()
