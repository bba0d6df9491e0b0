"""How random a text looks."""

from __future__ import annotations

import math
from collections import Counter


def bits_per_character(text: str) -> float:
    """Shannon's entropy of the characters of a text: 0 for one character repeated, at most log2 of how many there are."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts) if text else 0.0


def looks_random(text: str, *, least: float) -> bool:
    """Whether a text looks like a key and not like words: enough bits a character, letters and digits mixed."""
    mixed = any(letter.isdigit() for letter in text) and any(letter.isalpha() for letter in text)
    return mixed and bits_per_character(text) >= least
