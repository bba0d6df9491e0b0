"""banned: texts that must not stand in a text, however they are written: in other case, with invisible characters in between,
in full width or mathematical letters, with more white space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llmops_git.errors import LlmopsError
from llmops_git.guardrails.base import Finding, Session
from llmops_git.guardrails.folding import fold
from llmops_git.guardrails.limits import Allowance, capped, held_to_length, matches
from llmops_git.guardrails.settings import CheckSettings

# letters of scripts that put blanks between words: in the others a word ends where it ends
_PART_OF_A_WORD = r"[[\w]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Banned:
    """`texts` are folded; with `whole_words` a text counts only where no other letter or digit is joined to it."""

    texts: tuple[str, ...]
    whole_words: bool
    label: str
    seconds: float

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        return capped(self._found(held_to_length(text)), text)

    def _found(self, text: str) -> Iterator[Finding]:
        time = Allowance(self.seconds)
        folded = fold(text)
        there = tuple(banned for banned in self.texts if banned in folded.text)  # much faster than the pattern
        if not there:
            return
        edge = _word_letter()
        for match in matches(_pattern(there, self.whole_words), folded.text, time, overlapped=True):
            joined = match.start() > 0 and edge.match(match[0]) and edge.match(folded.text, match.start() - 1)
            if self.whole_words and joined:
                continue
            start, end = folded.span(match.start(), match.end())
            yield Finding(label=self.label, start=start, end=end)


@lru_cache(maxsize=1)
def _word_letter() -> Any:
    import regex  # type: ignore[import-untyped]

    return regex.compile(f"(?V1){_PART_OF_A_WORD}")


@lru_cache(maxsize=64)
def _pattern(texts: tuple[str, ...], whole_words: bool) -> Any:
    import regex

    edge, after = _word_letter(), f"(?!{_PART_OF_A_WORD})"
    longest_first = sorted(texts, key=len, reverse=True)
    found = (regex.escape(text) + (after if whole_words and edge.match(text[-1]) else "") for text in longest_first)
    return regex.compile(f"(?V1)(?:{'|'.join(found)})")


def build(settings: CheckSettings) -> Banned:
    texts = [fold(str(text)).text.strip() for text in settings.options.get("texts", ())]
    if not texts or not all(texts):
        raise LlmopsError("a banned text is empty, or there is none", hint='texts: ["project bluebird"]')
    return Banned(
        texts=tuple(dict.fromkeys(texts)),
        whole_words=bool(settings.options.get("whole_words", True)),
        label=settings.label,
        seconds=settings.timeout,
    )
