"""Puts included templates in the place of their includes, so that people read and compare one text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from llmops_git.configs.values import JsonObject

MAX_CHARACTERS = 1 << 20  # of all texts of one config together: includes of includes can grow without bound
MAX_DEPTH = 40
_INCLUDE = re.compile(r'\{% include "([0-9a-f]{16})"(?: ignore missing)?(?: with(?:out)? context)? %\}')
_OTHER = re.compile(r'(\{% (?:include|import|extends|from) )"([0-9a-f]{16})"')


@dataclass(frozen=True, slots=True)
class Inlined:
    """Messages with their includes in place. `others` are the texts of templates that are imported or extended instead,
    numbered in the order in which they are met."""

    value: list[dict[str, str]]
    others: dict[str, str]


def inline(messages: Iterable[JsonObject], partials: Mapping[str, str]) -> Inlined:
    """The messages of a resolved config, `templates` of which are `partials`, as one text each."""
    writer = _Writer(partials)
    value = [{**message, "template": writer.text(message["template"])} for message in messages]
    return Inlined(value, writer.others())


class _Writer:
    def __init__(self, partials: Mapping[str, str]) -> None:
        self._partials = partials
        self._numbers: dict[str, int] = {}
        self._left = MAX_CHARACTERS
        self._depth = 0

    def text(self, template: str) -> str:
        self._left -= len(template)
        written = _INCLUDE.sub(self._included, template)
        return _OTHER.sub(lambda match: f'{match[1]}"include {self._number(match[2])}"', written)

    def others(self) -> dict[str, str]:
        texts: dict[str, str] = {}
        while len(texts) < len(self._numbers):  # a text may name further ones
            name = list(self._numbers)[len(texts)]
            texts[str(self._numbers[name])] = self.text(self._partials.get(name, ""))
        return texts

    def _included(self, match: re.Match[str]) -> str:
        partial = self._partials.get(match[1])
        if partial is None or self._left <= 0 or self._depth >= MAX_DEPTH:
            return match[0]
        self._depth += 1
        written = self.text(partial)
        self._depth -= 1
        return written

    def _number(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers) + 1)
