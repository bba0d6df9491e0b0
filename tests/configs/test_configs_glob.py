"""Globs over repository paths."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.glob import compile_glob, glob_folder, is_glob

MATCHES = [
    ("prompts/**/*.yaml", "prompts/a.yaml", True),
    ("prompts/**/*.yaml", "prompts/a/b/c.yaml", True),
    ("prompts/**/*.yaml", "prompts.yaml", False),
    ("prompts/**/*.yaml", "other/prompts/a.yaml", False),
    ("**", "a/b", True),
    ("**/a", "a", True),
    ("**/a", "b/ca", False),
    ("a/**", "a/b/c", True),
    ("a/**", "a", False),
    ("**/a/**/b", "x/a/y/a/b", True),
    ("**/a/**/b", "x/b/a", False),
    ("a/**/**/b", "a/b", True),
    ("a**b", "axxb", True),
    ("a**b", "ax/b", False),
    ("*.md", ".x.md", True),
    ("*.md", "a/x.md", False),
    ("a?", "a\n", True),
    ("a?", "a/", False),
    ("a[!b]c", "abc", False),
    ("a[^b]c", "axc", True),
    ("a[!b]c", "a/c", False),
    ("a[b-d]c", "acc", True),
    ("a[]]b", "a]b", True),
    ("a[.-0]b", "a/b", False),
    ("a[", "a[", True),
    ("[z-a]", "z", False),
    ("[!z-a]", "z", True),
    ("*a*b*c", "xaybzc", True),
    ("*a*b*c", "xaybz", False),
    ("a.b", "axb", False),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), MATCHES)
def test_a_path_fits_a_pattern_or_not(pattern: str, path: str, expected: bool) -> None:
    assert expected == bool(compile_glob(pattern).fullmatch(path))


def test_a_hostile_pattern_takes_no_longer_than_a_plain_one() -> None:
    begin = time.process_time()
    assert not compile_glob("*a" * 200 + "b").fullmatch("a" * 4000)
    assert not compile_glob("**/" + "a/**/" * 100 + "b").fullmatch("a/" * 2000 + "c")
    assert time.process_time() - begin < 1


def _slow_fits(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """The meaning of a glob, written down without any cleverness."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        if len(pattern) == 1:
            return bool(path)
        return any(_slow_fits(pattern[1:], path[skip:]) for skip in range(len(path)))
    return bool(path) and _slow_component(pattern[0], path[0]) and _slow_fits(pattern[1:], path[1:])


def _slow_component(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(_slow_component(pattern[1:], name[skip:]) for skip in range(len(name) + 1))
    return bool(name) and pattern[0] in ("?", name[0]) and _slow_component(pattern[1:], name[1:])


_NAMES = st.text("ab", min_size=1, max_size=5)
_PATTERNS = st.lists(
    st.one_of(st.just("**"), st.text("ab*?", min_size=1, max_size=6).filter(lambda text: text != "**")), min_size=1, max_size=5
)


@given(pattern=_PATTERNS, path=st.lists(_NAMES, min_size=1, max_size=5))
def test_matching_agrees_with_the_meaning_written_down_plainly(pattern: list[str], path: list[str]) -> None:
    assert _slow_fits(tuple(pattern), tuple(path)) == bool(compile_glob("/".join(pattern)).fullmatch("/".join(path)))


@pytest.mark.parametrize(
    ("pattern", "folder"), [("a/b/*.md", "a/b"), ("a/**/c/*", "a"), ("*.md", ""), ("a/b", "a"), ("a/b[12]/c", "a")]
)
def test_every_match_of_a_glob_is_below_its_folder(pattern: str, folder: str) -> None:
    assert folder == glob_folder(pattern)


def test_only_the_three_magic_characters_make_a_glob() -> None:
    assert [True, True, True, False] == [is_glob(text) for text in ("a*", "a?", "a[b", "a]b{c}!")]
