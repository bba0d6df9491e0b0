"""SECURITY.md and this folder say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()
FILES = {path.stem: path for path in Path(__file__).parent.glob("test_attacks_*.py")}


def names_in(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def rows() -> list[list[str]]:
    """The cells of the table of attacks."""
    table = PAGE.split("| attack | defence | test |\n", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.strip().split("\n")[1:]]


def test_every_attack_has_a_defence_and_a_test_that_exists() -> None:
    known = set().union(*(names_in(path) for path in FILES.values()))
    named = [re.fullmatch(r"`(test_\w+)`", row[-1]) for row in rows()]
    assert [] == [row for row, name in zip(rows(), named, strict=True) if len(row) != 3 or not all(row) or name is None]
    tests = [name[1] for name in named if name]
    assert (set(), len(tests)) == (set(tests) - known, len(set(tests)))


def test_every_file_of_attacks_is_on_the_page() -> None:
    named = {row[-1].strip("`") for row in rows()}
    assert [] == [name for name, path in FILES.items() if path != Path(__file__) and not names_in(path) & named]


def test_every_link_of_the_page_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert [] == [link for link in links if not (ROOT / link).exists()]


def test_the_naive_tool_is_attacked_with_each_of_its_habits() -> None:
    habits = {
        node.name
        for node in ast.parse((Path(__file__).parent / "naive.py").read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    played = "".join(path.read_text() for path in FILES.values())
    assert [] == [
        habit for habit in sorted(habits) if not re.search(rf'naive\.{habit}\b|stand_in\.{habit}\b|"{habit}"', played)
    ]
