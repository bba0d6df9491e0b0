"""Semantic version numbers of releases: three numbers, no pre-release, no build; and how a bump raises them."""

from __future__ import annotations

import re
from typing import NamedTuple

from llmops_git.configs.values import Bump

_NUMBER = r"(0|[1-9][0-9]{0,17})"  # bounded, so that a hostile tag name cannot become a very large integer
VERSION = rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
_VERSION = re.compile(VERSION, re.ASCII)


class Version(NamedTuple):
    """A release number; versions compare by number, as semver 2.0.0 section 11 says for plain versions."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


FIRST = Version(1, 0, 0)


def parse_version(text: str) -> Version | None:
    """`1.4.0` as a Version; None for anything else, leading zeros included. A leading `v` is not accepted."""
    match = _VERSION.fullmatch(text)
    return Version(int(match[1]), int(match[2]), int(match[3])) if match else None


def next_version(previous: Version | None, bump: Bump) -> Version:
    """The version after `previous` (1.0.0 when there is none). A `none` bump counts as a patch: a release has a new number."""
    if previous is None:
        return FIRST
    if bump == "major":
        return Version(previous.major + 1, 0, 0)
    if bump == "minor":
        return Version(previous.major, previous.minor + 1, 0)
    return Version(previous.major, previous.minor, previous.patch + 1)
