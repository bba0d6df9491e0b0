"""The picture of a comment in the README shows what a pull request gets now."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "comment_picture.py"))


def text_in(picture: bytes, name: bytes) -> bytes:
    """The text of that name in a PNG file; b"" where it has none."""
    place = 8
    while place < len(picture):
        size = int.from_bytes(picture[place : place + 4], "big")
        kind, data = picture[place + 4 : place + 8], picture[place + 8 : place + 8 + size]
        if kind == b"tEXt" and data.partition(b"\0")[0] == name:
            return data.partition(b"\0")[2]
        place += size + 12
    return b""


def test_the_picture_shows_the_words_that_are_rendered_now(script: dict[str, Any]) -> None:
    """Where this fails: python scripts/comment_picture.py"""
    assert script["words_digest"](script["body"]()) == text_in(script["PICTURE"].read_bytes(), script["WORDS"])


def test_a_word_that_is_seen_makes_another_digest_and_one_in_a_closed_fold_does_not(script: dict[str, Any]) -> None:
    body, digest = script["body"](), script["words_digest"]
    for seen in ("do not merge", "16 cases got worse", "Within 30 days", "How this was measured"):
        assert digest(body) != digest(body.replace(seen, "other words"))
    for hidden in ("paired by case", "What changed: 5 fields"):
        assert (True, digest(body)) == (hidden in body, digest(body.replace(hidden, "other words")))


def test_the_readme_shows_it() -> None:
    assert '<img src="docs/images/comment.png"' in (ROOT / "README.md").read_text()
