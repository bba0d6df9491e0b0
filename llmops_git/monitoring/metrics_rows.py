"""What each metric is counted over: which spans, and the value of each. SQL of constants only; names from outside are bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmops_git.monitoring.dimensions import OF_CALLS, OF_GUARDS, OF_REQUESTS, OF_SCORES, OF_TOOLS
from llmops_git.traces import attributes as names

Beside = Literal["", "bills", "signals"]
REFUSED = ("refusal", "content_filter", "safety")  # what providers call a reply that was refused
BILLED = tuple(sorted(names.BILLED))
_GENERATES = tuple(sorted(names.BILLED - {names.EMBEDDINGS}))


def _quoted(words: tuple[str, ...]) -> str:
    """Constants of this file as a list of SQL."""
    return ", ".join(f"'{word}'" for word in words)


IS_REQUEST = "root"
IS_BILLED = f"operation IN ({_quoted(BILLED)})"
IS_CALL = f"operation IN ({_quoted(_GENERATES)})"
IS_GUARD = f"operation = '{names.APPLY_GUARDRAIL}'"
IS_SCORE = f"operation = '{names.EVALUATE}' AND scorer = ? AND score IS NOT NULL"
IS_SIGNAL = f"operation = '{names.GIVE_SIGNAL}' AND signal = ?"
SINCE = "dt >= ?"  # in a value: the first day of the scope, bound after all of `bound` that is in it
IS_TOOL = f"operation = '{names.EXECUTE_TOOL}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Spans that fulfil `where`, each with `value` (SQL; a row whose value is NULL does not count). `bound` fills the question
    marks of `value` (but SINCE), then those of `where`. `beside`: what of the same trace is looked up, `column` in it."""

    where: str
    value: str
    dimensions: frozenset[str]
    bound: tuple[str, ...] = ()
    beside: Beside = ""
    column: str = ""


def _when(condition: str) -> str:
    return f"CASE WHEN {condition} THEN 1.0 ELSE 0.0 END"


def _requests(value: str) -> Rows:
    return Rows(where=IS_REQUEST, value=value, dimensions=OF_REQUESTS)


REQUESTS = _requests("1.0")
REQUEST_ERRORS = _requests(_when("error <> ''"))
NAMED = _requests(_when("release <> ''"))
LATENCY = _requests("duration_ms")
REFUSALS = Rows(where=f"{IS_CALL} AND error = ''", value=_when(f"finish_reason IN ({_quoted(REFUSED)})"), dimensions=OF_CALLS)
FIRST_TOKENS = Rows(where=IS_CALL, value="ttft_ms", dimensions=OF_CALLS)
COSTS = Rows(where=IS_BILLED, value="cost_usd", dimensions=OF_CALLS)
PRICED = Rows(where=IS_BILLED, value=_when("cost_usd IS NOT NULL"), dimensions=OF_CALLS)
TOOL_ERRORS = Rows(where=IS_TOOL, value=_when("error <> ''"), dimensions=OF_TOOLS)
TOOL_NAMES = Rows(where=IS_TOOL, value="tool", dimensions=OF_TOOLS)
GUARD_ERRORS = Rows(where=IS_GUARD, value=_when("guard_result = 'error'"), dimensions=OF_GUARDS)


def guarded(*results: str) -> Rows:
    """Evaluations of guardrails that could decide: 1 where the result is one of `results`."""
    return Rows(
        where=f"{IS_GUARD} AND guard_result <> 'error'",
        value=_when(f"guard_result IN ({_quoted(results)})"),
        dimensions=OF_GUARDS,
    )


def billed(column: str) -> Rows:
    """Requests, with the sum over their billed calls: 0 without a call, NULL where one of them does not say."""
    value = "CASE WHEN coalesce(calls, 0) = 0 THEN 0.0 WHEN known < calls THEN NULL ELSE amount END"
    return Rows(where=IS_REQUEST, value=value, dimensions=OF_REQUESTS, beside="bills", column=column)


def signalled(signal: str) -> Rows:
    """Requests: 1 where a user gave the signal, however long after."""
    given = f"SELECT trace_id FROM spans WHERE {IS_SIGNAL} AND {SINCE}"  # noqa: S608  # constants of this file
    value = _when(f"trace_id IN ({given})")
    return Rows(where=IS_REQUEST, value=value, dimensions=OF_REQUESTS, bound=(signal,), beside="signals")


def scored(scorer: str) -> Rows:
    """What a scorer said of live requests."""
    return Rows(where=IS_SCORE, value="score", dimensions=OF_SCORES, bound=(scorer,))


def passed(scorer: str) -> Rows:
    """1 where a scorer gave its best score."""
    return Rows(where=IS_SCORE, value=_when("score >= 1"), dimensions=OF_SCORES, bound=(scorer,))


def per_call(column: str) -> Rows:
    """A number of each call of a model."""
    return Rows(where=IS_CALL, value=column, dimensions=OF_CALLS)


def per_call_text(column: str) -> Rows:
    return Rows(where=IS_CALL, value=column, dimensions=OF_CALLS)


def per_request_text(column: str) -> Rows:
    return Rows(where=IS_REQUEST, value=column, dimensions=OF_REQUESTS)


def texts(column: str) -> Rows:
    """A text of each call, where it was captured."""
    return Rows(where=f"{IS_CALL} AND {column} <> ''", value=column, dimensions=OF_CALLS)


def text_length(column: str) -> Rows:
    """How long a text of each call is, in characters, where it was captured."""
    return Rows(where=f"{IS_CALL} AND {column} <> ''", value=f"length({column})", dimensions=OF_CALLS)
