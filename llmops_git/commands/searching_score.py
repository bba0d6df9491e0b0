"""Finds the version of a config that moved a score, by halving; a version that cannot be judged is stepped around. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Judgement = Literal["moved", "same", "cannot tell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`first` is the index of the first version that is known to have moved, `last` that of the last one that is known not
    to have; versions between them could not be judged."""

    last: int
    first: int


def first_moved(count: int, judge: Callable[[int], Judgement]) -> Found:
    """The place where versions 0 to `count - 1` move: version 0 has not, the last one has. Each is judged at most once."""
    last, first = 0, count - 1
    unknown: set[int] = set()
    while True:
        between = [index for index in range(last + 1, first) if index not in unknown]
        if not between:
            return Found(last=last, first=first)
        middle = (last + first) / 2
        index = min(between, key=lambda place: (abs(place - middle), place))
        said = judge(index)
        if said == "moved":
            first = index
        elif said == "same":
            last = index
        else:
            unknown.add(index)
