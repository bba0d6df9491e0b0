"""Which requests of a tool loop are known before it runs: those that follow from replies that are in the cache already."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import replace

from llmops_git.evals.agent import MOST_CALLS, calls_of, continued
from llmops_git.evals.samples import Prepared
from llmops_git.evals.tool_results import Recorded, read_arguments
from llmops_git.providers.base import Reply, Request


def foreseen(
    prepared: Prepared, max_steps: int, find: Callable[[str], Reply | None], stubbed: Container[str]
) -> Iterator[tuple[Request, str, Reply | None, int]]:
    """Each request that is known, its key, its reply where it is paid for, and how many more could follow one that is not.

    `stubbed` are the tools whose results a stub gives: what follows them is not known before it is asked.
    """
    request, key, made = prepared.request, prepared.key, 0
    recorded = Recorded(prepared.case.tools)
    for step in range(1, max_steps + 1):
        reply = find(key)
        if reply is None or not reply.tool_calls or step == max_steps:
            yield request, key, reply, max_steps - step if reply is None else 0
            return
        calls = calls_of(reply, made)
        made += len(calls)
        told = [replace(call, result=recorded.take(call.name, read_arguments(call.arguments))) for call in calls[:MOST_CALLS]]
        missing = [call.name for call in told if call.result is None]
        left = max_steps - step if missing and all(name in stubbed for name in missing) else 0
        yield request, key, reply, left
        if missing or made > MOST_CALLS:
            return
        request = replace(request, messages=(*request.messages, *continued(reply, told)))
        key = request.key(prepared.repeat)
