"""What every scorer speaks: a sample in, a score out. Scorers do no I/O; one that needs a model is given a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

State = Literal["measured", "not_applicable", "not_measured"]
Direction = Literal["higher", "lower"]
Scale = Literal["binary", "ordinal", "continuous"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardHit:
    """A guardrail rule that found something (`outcome` is block, redact, flag or shadow), or failed to decide (error)."""

    pack: str
    rule: str
    side: str  # input, output
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One execution of a config on a case, as scorers see it."""

    inputs: Mapping[str, Any]
    expected: Any
    output: str
    finish_reason: str = ""
    latency_seconds: float | None = None
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None  # of those in `output_tokens`
    ttft_seconds: float | None = None  # time to first token, where the reply was streamed
    tool_calls: tuple[Mapping[str, Any], ...] = ()  # all of the sample, in order: {"name", "arguments", "result"?}
    steps: int = 1  # calls of the model
    query: str = ""  # what was looked for
    documents: tuple[Mapping[str, Any], ...] = ()  # what was found, best first: {"id", "text", "score"}
    guards: tuple[GuardHit, ...] = ()  # what guardrails found; () also where there are none
    guarded: bool = True  # False where an application applies its guardrails itself, and did not say what they found


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one judge said, word for word. `key` is the request's: of its recording, and of its place in the reply cache."""

    judge: str
    key: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A scorer's value for a sample. `value` is None unless the state is `measured`; never a silent 0. `judgements` are
    the replies that it was read from, in the order in which they were asked for."""

    state: State = "measured"
    value: float | None = None
    label: str = ""
    explanation: str = ""
    judgements: tuple[Judgement, ...] = ()


class Session(Protocol):
    """How a scorer asks a model: cache, retry, budget and tracing live behind it."""

    def generate(
        self, messages: tuple[Mapping[str, Any], ...], *, schema: Mapping[str, Any] | None = None, judge: int = 0
    ) -> str:
        """The reply's text; `judge` counts the scorer's judges from 0.

        `schema` constrains the reply where the provider can do that, unless the judge has an output schema of its own.
        Raises llmops_git.errors.NotMeasured when there is no reply.
        """

    def embed(self, texts: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
        """A vector for each text, all of one length. Raises llmops_git.errors.NotMeasured when there are none."""


class Scorer(Protocol):
    """One configured scorer. `step` is the smallest distance between two values (1 for binary) and feeds the
    augmented t; `ratio` scorers (cost, latency) are compared by ratio and gate through budgets only."""

    @property
    def direction(self) -> Direction: ...
    @property
    def scale(self) -> Scale: ...
    @property
    def step(self) -> float: ...
    @property
    def ratio(self) -> bool: ...
    def score(self, sample: Sample, session: Session | None) -> Score: ...
