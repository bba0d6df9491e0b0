"""One sample up to its request: a job, a case, the documents found for it, the request rendered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from llmops_git.configs.template import render_query
from llmops_git.configs.values import Case, Config, Evaluation, JsonObject
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.evals.guarding import Guarded
from llmops_git.evals.program import render_request
from llmops_git.evals.retry import Clock
from llmops_git.providers.base import Request
from llmops_git.retrievers.table import DEFAULT_TOP_K, chunk_of, retrieve

GuardInputs = Callable[[Case, int], Guarded]  # what guardrails make of the inputs of a case, for its k-th repeat
Find = Callable[[Config, str, Case | None], Sequence[JsonObject]]  # the documents for a query


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One config to be measured under one evaluation, `repeats` samples for each case. `opponents` are the configs that its
    answers are compared with, where scorers compare two."""

    config: Config
    evaluation: Evaluation
    repeats: int
    opponents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """The documents found for a sample, and how many nanoseconds that took."""

    retriever: str
    query: str
    top_k: int
    documents: tuple[JsonObject, ...]
    spent_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A sample whose request is rendered; `spent_ns` is how long all of that took. `key` is "" where there is no request.
    `case` is as it came; `guarded` is what guardrails made of its inputs, None where there are none."""

    case: Case
    repeat: int
    request: Request
    key: str
    spent_ns: int
    retrieved: Retrieved | None
    guess: bool = False  # not all of it is known yet: good for reckoning, not for sending
    guarded: Guarded | None = None

    @property
    def blocked(self) -> bool:
        """Whether a guardrail blocks the inputs, so that nobody is asked."""
        return self.guarded is not None and self.guarded.message is not None


def prepare(
    config: Config, case: Case, repeat: int, clock: Clock, find: Find = retrieve, *, guard: GuardInputs | None = None
) -> Prepared:
    """Hold the inputs to the guardrails, find the documents and render the request, with the inputs as they may be passed on.
    Raises LlmopsError, naming config and case, when that is impossible, and NotMeasured when whoever finds the documents did
    not answer."""
    start_ns = clock.wall_ns()
    guarded = guard(case, repeat) if guard is not None else None
    if guarded is not None and guarded.message is not None:
        return replace(unprepared(config, case, repeat), guarded=guarded, spent_ns=clock.wall_ns() - start_ns)
    seen = case if guarded is None or guarded.inputs is None else replace(case, inputs=guarded.inputs)
    try:
        retrieved = _retrieved(config, seen, clock, find)
        request = render_request(config, seen, retrieved.documents if retrieved else ())
        if repeat:
            request = _drawn(request, repeat)
        key = request.key(repeat)
    except NotMeasured:
        raise
    except (LlmopsError, ValueError) as error:
        raise LlmopsError(f"config `{config.name}`, case `{case.id}`: {error}", hint=getattr(error, "hint", "")) from None
    spent_ns = clock.wall_ns() - start_ns
    return Prepared(case=case, repeat=repeat, request=request, key=key, spent_ns=spent_ns, retrieved=retrieved, guarded=guarded)


def guessed(config: Config, case: Case, repeat: int) -> Prepared:
    """A sample whose documents are not known yet, with as many and as long ones as there can be: for a plan."""
    settings = config.resolved["retrieval"]
    size = chunk_of(settings)[0]
    documents = [{"id": "?", "text": "?" * size, "score": 0.0}] * settings.get("top_k", DEFAULT_TOP_K)
    request = render_request(config, case, documents)
    key = hashlib.sha256(f"{config.digest} {request.key(repeat)}".encode()).hexdigest()  # equal for equal configs only
    return Prepared(case=case, repeat=repeat, request=request, key=key, spent_ns=0, retrieved=None, guess=True)


def unprepared(config: Config, case: Case, repeat: int) -> Prepared:
    """A sample that never came to a request."""
    request = Request(provider=config.provider, model=config.model, messages=())
    return Prepared(case=case, repeat=repeat, request=request, key="", spent_ns=0, retrieved=None)


def _drawn(request: Request, repeat: int) -> Request:
    return Request(
        provider=request.provider,
        model=request.model,
        messages=request.messages,
        parameters=request.parameters,
        output_schema=request.output_schema,
        tools=request.tools,
        sample=repeat,
    )


def _retrieved(config: Config, case: Case, clock: Clock, find: Find) -> Retrieved | None:
    settings = config.resolved.get("retrieval")
    if not settings or config.answered_by != config.provider:
        return None
    start_ns = clock.wall_ns()
    query = render_query(config.resolved, case.inputs) if settings.get("query") else ""
    documents = tuple(find(config, query, case))
    return Retrieved(
        retriever=settings["retriever"],
        query=query,
        top_k=settings.get("top_k", DEFAULT_TOP_K),
        documents=documents,
        spent_ns=clock.wall_ns() - start_ns,
    )
