"""One sample up to its request: a job, a case, the documents found for it, the request rendered."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.configs.template import render_query
from llmops_git.configs.values import Case, Config, Evaluation, JsonObject
from llmops_git.errors import LlmopsError
from llmops_git.evals.program import render_request
from llmops_git.evals.retry import Clock
from llmops_git.providers.base import Request
from llmops_git.retrievers.table import DEFAULT_TOP_K, retrieve


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One config to be measured under one evaluation, `repeats` samples for each case."""

    config: Config
    evaluation: Evaluation
    repeats: int


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
    """A sample whose request is rendered; `spent_ns` is how long all of that took."""

    case: Case
    repeat: int
    request: Request
    key: str
    spent_ns: int
    retrieved: Retrieved | None


def prepare(config: Config, case: Case, repeat: int, clock: Clock) -> Prepared:
    """Find the documents and render the request. Raises LlmopsError, naming config and case, when that is impossible."""
    start_ns = clock.wall_ns()
    try:
        retrieved = _retrieved(config, case, clock)
        request = render_request(config, case, retrieved.documents if retrieved else ())
        if repeat:
            request = _drawn(request, repeat)
        key = request.key(repeat)
    except (LlmopsError, ValueError) as error:
        raise LlmopsError(f"config `{config.name}`, case `{case.id}`: {error}", hint=getattr(error, "hint", "")) from None
    spent_ns = clock.wall_ns() - start_ns
    return Prepared(case=case, repeat=repeat, request=request, key=key, spent_ns=spent_ns, retrieved=retrieved)


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


def _retrieved(config: Config, case: Case, clock: Clock) -> Retrieved | None:
    settings = config.resolved.get("retrieval")
    if not settings:
        return None
    start_ns = clock.wall_ns()
    query = render_query(config.resolved, case.inputs) if settings.get("query") else ""
    documents = tuple(retrieve(config, query, case))
    return Retrieved(
        retriever=settings["retriever"],
        query=query,
        top_k=settings.get("top_k", DEFAULT_TOP_K),
        documents=documents,
        spent_ns=clock.wall_ns() - start_ns,
    )
