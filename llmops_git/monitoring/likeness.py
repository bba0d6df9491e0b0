"""Which texts say nearly the same: shares of the runs of words that they have in common. Pure.

Exact, and cheap enough: the few that are looked for are indexed, and the many that they are held against run past that index.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

ENOUGH = 0.8  # of what both have together: more is the same question again
ENOUGH_OF_FEW = 0.9  # of a text of few words, in which each counts
_WORDS = 3  # in a run of words
_WORD = re.compile(r"\w+")
_DIGITS = re.compile(r"\d+")
_FEW = 8  # words; a text with fewer is compared by letters
_LETTERS = 4


def text_of(inputs: Mapping[str, Any]) -> str:
    """The inputs of a request as one text, the same for the same inputs in another order of names."""
    values = (inputs[name] for name in sorted(inputs))
    return "\n".join(value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str) for value in values)


def normalised(text: str) -> list[str]:
    """Words in lower case. In a text of many words numbers are all alike: another order number is not another question."""
    words = _WORD.findall(text.casefold())
    return words if len(words) < _FEW else [_DIGITS.sub("0", word) for word in words]


def shingles(text: str) -> frozenset[str]:
    """What a text is compared by: its runs of three words; of letters, where it has few words."""
    words = normalised(text)
    if len(words) < _FEW:
        plain = " ".join(words)
        return frozenset(plain[at : at + _LETTERS] for at in range(max(1, len(plain) - _LETTERS + 1)))
    return frozenset(" ".join(words[at : at + _WORDS]) for at in range(len(words) - _WORDS + 1))


def likeness(first: frozenset[str], second: frozenset[str]) -> float:
    """The share (0 to 1) of what both have together that both have each."""
    return len(first & second) / len(first | second) if first or second else 1.0


class Known:
    """Texts that are there already; finds the one that a text is nearly the same as."""

    def __init__(self) -> None:
        self._texts: list[tuple[str, frozenset[str]]] = []
        self._places: dict[str, list[int]] = {}

    def add(self, name: str, text: str) -> None:
        """Remember a text by its name."""
        parts = shingles(text)
        for part in parts:
            self._places.setdefault(part, []).append(len(self._texts))
        self._texts.append((name, parts))

    def like(self, text: str) -> str | None:
        """The name of the text that is most like this one, if it is nearly the same; None otherwise."""
        parts = shingles(text)
        enough = ENOUGH if len(normalised(text)) >= _FEW else ENOUGH_OF_FEW
        shared: Counter[int] = Counter(place for part in parts for place in self._places.get(part, ()))
        best = max(
            ((count / (len(parts) + len(self._texts[place][1]) - count), -place) for place, count in shared.items()),
            default=None,
        )
        return self._texts[-best[1]][0] if best is not None and best[0] >= enough else None


def known_texts(texts: Iterable[tuple[str, str]]) -> Known:
    """An index of (name, text)."""
    known = Known()
    for name, text in texts:
        known.add(name, text)
    return known
