"""The recognizers of presidio-analyzer that need no language model, as the engine of a `pii` rule.

Its patterns are searched here and not by its own engine: that one takes a search that ran out of time for one that found
nothing, and fetches a list of domains from the network. Kinds that are no patterns (telephone, IBAN) the own engine knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from llmops_git.errors import LlmopsError
from llmops_git.guardrails.base import Finding, Session
from llmops_git.guardrails.extras import extra_module
from llmops_git.guardrails.limits import Allowance, capped, held_to_length, matches
from llmops_git.guardrails.settings import CheckSettings

EXTRA = "pii"
LEAST = 0.4  # score of what is found; patterns below it are of numbers that mean something only beside other words
_LANGUAGE = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognizer:
    """One pattern of a kind. `valid` says whether a value is one (1), is none (0), or may be (None)."""

    kind: str
    pattern: Any
    score: float
    valid: Callable[[str], bool | None]
    invalid: Callable[[str], bool | None]

    def score_of(self, value: str) -> float:
        verdict = self.valid(value)
        if verdict is False or self.invalid(value):
            return 0.0
        return 1.0 if verdict else self.score


@dataclass(frozen=True, slots=True, kw_only=True)
class Presidio:
    """Every value that scores at least LEAST is a finding, labelled with its kind."""

    recognizers: tuple[Recognizer, ...]
    seconds: float

    @staticmethod
    def of(kinds: Sequence[str], settings: CheckSettings) -> Presidio:
        """The recognizers of some kinds, of all where none is named. Raises LlmopsError: not installed, or no such kind."""
        found = tuple(_recognizers())
        known = sorted({recognizer.kind for recognizer in found})
        unknown = [kind for kind in kinds if kind not in known]
        if unknown:
            hint = f"presidio has {', '.join(known)}; for PHONE and IBAN add a rule with the own engine"
            raise LlmopsError(f"presidio has no pattern for `{unknown[0]}`", hint=hint)
        wanted = tuple(recognizer for recognizer in found if not kinds or recognizer.kind in kinds)
        return Presidio(recognizers=wanted, seconds=settings.timeout)

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        return capped(self._found(held_to_length(text)), text)

    def _found(self, text: str) -> Iterator[Finding]:
        time = Allowance(self.seconds)
        for recognizer in self.recognizers:
            for match in matches(recognizer.pattern, text, time):
                score = recognizer.score_of(match[0])
                if score >= LEAST:
                    yield Finding(label=recognizer.kind, start=match.start(), end=match.end(), score=score)


def _recognizers() -> Iterator[Recognizer]:
    import regex  # type: ignore[import-untyped]

    analyzer = extra_module("presidio_analyzer", "presidio-analyzer", EXTRA)
    registry = analyzer.RecognizerRegistry()
    registry.load_predefined_recognizers(languages=[_LANGUAGE])
    plain = analyzer.PatternRecognizer
    for made in registry.recognizers:
        if not isinstance(made, plain) or type(made).analyze is not plain.analyze:
            continue
        kind = made.supported_entities[0]
        valid = _domain_check() if kind == "EMAIL_ADDRESS" else made.validate_result
        for pattern in made.patterns:
            compiled = regex.compile(pattern.regex, flags=made.global_regex_flags)
            yield Recognizer(kind=kind, pattern=compiled, score=pattern.score, valid=valid, invalid=made.invalidate_result)


def _domain_check() -> Callable[[str], bool]:
    """Whether the domain of an address ends as domains do, by the list that the library brings and no newer one."""
    extract = extra_module("tldextract", "tldextract", EXTRA).TLDExtract(suffix_list_urls=(), cache_dir=None)
    return lambda address: bool(extract(address).suffix)
