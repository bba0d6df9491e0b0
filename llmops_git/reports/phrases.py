"""Sentences that every format says in its own way: our words, with marked places for untrusted names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Name:
    """An untrusted name inside a sentence: of a config, a scorer, a case, a file, a command to paste."""

    text: str


@dataclass(frozen=True, slots=True)
class Outside:
    """A sentence written elsewhere, in which any word may be untrusted."""

    text: str


Phrase = tuple[str | Name | Outside, ...]


def say(phrase: Phrase, *, name: Callable[[str], str], outside: Callable[[str], str]) -> str:
    """The sentence, with names and outside text made safe for one format."""
    parts = []
    for part in phrase:
        match part:
            case Name(text):
                parts.append(name(text))
            case Outside(text):
                parts.append(outside(text))
            case _:
                parts.append(part)
    return "".join(parts)


def join(phrases: Iterable[Phrase], between: str) -> Phrase:
    """The phrases in a row, `between` between them."""
    joined: list[str | Name | Outside] = []
    for phrase in phrases:
        joined += [between, *phrase] if joined else phrase
    return tuple(joined)


def unique(texts: Iterable[str]) -> tuple[str, ...]:
    """The texts without repetition, in order."""
    return tuple(dict.fromkeys(texts))
