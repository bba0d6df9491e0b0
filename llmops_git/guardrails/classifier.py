"""classifier: the text means something like one of the examples that are looked for. Local: an embedding model of 23 MB in this
process, and the nearest example. No judge, no key, a few milliseconds; coarse."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from llmops_git.errors import LlmopsError
from llmops_git.guardrails.base import Finding, Session, Undecided
from llmops_git.guardrails.limits import Allowance, held_to_length
from llmops_git.guardrails.settings import CheckSettings

WINDOW, STEP = 160, 100  # characters that are looked at together, and from one such part to the next: about a sentence
THRESHOLD = 0.5
Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """A part of a text is found where the nearest of `found` is at least `threshold` near, and no other example is nearer."""

    found: tuple[str, ...]
    other: tuple[str, ...]
    threshold: float
    label: str
    seconds: float

    def prepare(self) -> None:
        """Load the model and the vectors of the examples, which otherwise the first text waits for. Raises NotMeasured."""
        for text in (*self.found, *self.other):
            _vector_of(text)

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        best = 0.0
        self.prepare()
        time = Allowance(self.seconds)
        for part in _parts(held_to_length(text)):
            time.left()
            best = max(best, self._nearness(_model_vector(part)))
        return (Finding(label=self.label, score=round(min(best, 1.0), 4)),) if best >= self.threshold else ()

    def _nearness(self, vector: Vector) -> float:
        """To the nearest example of what is looked for; 0 where another example is nearer."""
        near = _nearest(vector, self.found)
        return near if near > _nearest(vector, self.other) else 0.0


def _nearest(vector: Vector, examples: Iterable[str]) -> float:
    return max((_dot(vector, _vector_of(text)) for text in examples), default=0.0)


def _dot(first: Sequence[float], second: Sequence[float]) -> float:
    """The cosine: vectors of this model have length 1."""
    return sum(one * other for one, other in zip(first, second, strict=True))


def _parts(text: str) -> Iterator[str]:
    """Parts that overlap, so that what is cut in one is whole in another. The model sees 256 tokens and no more."""
    stripped = text.strip()
    for start in range(0, max(len(stripped) - (WINDOW - STEP), 1), STEP):
        if part := stripped[start : start + WINDOW].strip():
            yield part


@lru_cache(maxsize=4096)
def _vector_of(text: str) -> Vector:
    return _model_vector(text)


def _model_vector(text: str) -> Vector:
    from llmops_git.configs.embedders import LOCAL_MODEL
    from llmops_git.providers.base import Request
    from llmops_git.providers.vectors import decoded_vectors

    request = Request(provider="local", model=LOCAL_MODEL, messages=({"role": "text", "content": text},))
    return decoded_vectors(_model().generate(request, worker=0).text, 1)[0]


@cache
def _model() -> Any:
    """The one model of this process; it is fetched, by hash, where no evaluation and nobody else did so before."""
    from llmops_git.providers.minilm import MiniLM

    try:
        return MiniLM("local", environ=os.environ)
    except LlmopsError as error:
        raise Undecided(error.message, hint=error.hint) from None


def build(settings: CheckSettings) -> Classifier:
    options = settings.options
    _model_is_there()
    return Classifier(
        found=tuple(options["examples"]["found"]),
        other=tuple(options["examples"].get("other", ())),
        threshold=float(options.get("threshold", THRESHOLD)),
        label=settings.label,
        seconds=settings.timeout,
    )


def _model_is_there() -> None:
    """Raises LlmopsError where the extra is not installed."""
    try:
        _model()
    except Undecided as error:
        raise LlmopsError(error.message, hint='pip install "llmops-git[semantic]"') from None
