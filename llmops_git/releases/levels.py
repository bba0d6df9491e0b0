"""Levels of verification: each says whether it held, and what was found where it did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

LevelState = Literal["held", "failed", "incomplete", "not checked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of verification. `findings` say what is wrong, or why it could not be checked."""

    name: str
    state: LevelState
    checked: int = 0
    findings: tuple[str, ...] = ()


def level(name: str, checked: int, wrong: Sequence[str], unknown: Sequence[str] = ()) -> Level:
    """A level from what was found: wrong beats unknown."""
    state: LevelState = "failed" if wrong else "incomplete" if unknown else "held"
    return Level(name=name, state=state, checked=checked, findings=(*wrong, *unknown))
