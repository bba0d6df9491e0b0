"""Regular expressions that mean the same on every supported Python."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "llmops_git"
# Python before 3.11.5 loses matches of a group that is repeated possessively; an atomic group, or one character, does not
POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{+[0-9]+,?[0-9]*\}+)\+")


def texts(file: Path) -> list[str]:
    return [
        node.value
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_no_group_is_repeated_possessively() -> None:
    found = [f"{file.relative_to(PACKAGE)}: {text[:80]}" for file in sorted(PACKAGE.rglob("*.py")) for text in texts(file)
             if POSSESSIVE_GROUP.search(text)]  # fmt: skip
    assert [] == found


def test_the_search_finds_what_it_is_for() -> None:
    assert [bool(POSSESSIVE_GROUP.search(text)) for text in (r"(?:a|b)*+c", r"(?:a){1,3}+", r"[0-9]++", r"(?>(?:a|b)*)c")] == [
        True,
        True,
        False,
        False,
    ]
