"""The tool loop of one sample: ask, look up what the called tools give back, ask again; each request is bought like any other.

A step's request is keyed by its whole content, so samples that have gone the same way so far share their replies, and a run
that is started again finds each step in the cache. It may be continued in another thread: the one that bought the reply.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmops_git.configs.resolve import DEFAULT_MAX_STEPS
from llmops_git.configs.values import Config
from llmops_git.evals.buyer import Buyer, Purchase
from llmops_git.evals.retry import Clock
from llmops_git.evals.samples import Prepared
from llmops_git.evals.tool_results import Recorded, Stubs, read_arguments
from llmops_git.providers.base import ProviderError, Reply, Request, Usage

NO_RESULT, MAX_STEPS, TOO_MANY_CALLS, TOO_LONG = "no_result", "max_steps", "too_many_calls", "context_length_exceeded"
MOST_CALLS = 200  # of one sample
MOST_CHARACTERS = 4_000_000  # of one conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One tool call. `result` is None where there was none; times are nanoseconds since 1970."""

    id: str
    name: str
    arguments: str
    result: str | None = None
    recorded: bool = True
    start_ns: int = 0
    end_ns: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call of the model, and the tools that its reply called."""

    request: Request
    purchase: Purchase
    calls: tuple[Call, ...] = ()


def max_steps_of(config: Config) -> int:
    """How often the model may be asked for one sample; 0 where there are no tools, or an application calls its own."""
    if config.answered_by != config.provider:
        return 0
    return int(config.resolved.get("max_steps", DEFAULT_MAX_STEPS)) if config.resolved.get("tools") else 0


class Agent:
    """One sample. `finish` is told what all steps came to, and the steps, in the thread that made the last one."""

    def __init__(
        self,
        prepared: Prepared,
        max_steps: int,
        *,
        buyer: Buyer,
        stubs: Stubs | None,
        clock: Clock,
        finish: Callable[[Purchase, tuple[Step, ...]], None],
    ) -> None:
        self._repeat = prepared.repeat
        self._request, self._key = prepared.request, prepared.key
        self._max_steps = max_steps
        self._buyer = buyer
        self._stubs = stubs
        self._clock = clock
        self._finish = finish
        self._recorded = Recorded(prepared.case.tools)
        self._steps: list[Step] = []
        self._calls = 0
        self._lock = threading.Lock()
        self._arrived: Purchase | None = None
        self._away = False  # the thread has left; whoever brings the reply goes on

    def run(self) -> None:
        """Go on until the sample is finished, or until another thread has to bring the next reply. Raises as `Buyer.order`."""
        while True:
            with self._lock:
                self._arrived, self._away = None, False
            self._buyer.order(self._request, self._key, self._receive)
            purchase = self._taken()
            if purchase is None or self._ended(purchase):
                return

    def _taken(self) -> Purchase | None:
        """The reply, where this thread has it; None leaves the rest to the thread that brings it."""
        with self._lock:
            self._away = self._arrived is None
            return self._arrived

    def _receive(self, purchase: Purchase) -> None:
        with self._lock:
            self._arrived = purchase
            away = self._away
        if away and not self._ended(purchase):
            self.run()

    def _ended(self, purchase: Purchase) -> bool:
        """Take a reply; whether it was the last one."""
        reply = purchase.reply
        if reply is None or not reply.tool_calls:
            return self._end(Step(request=self._request, purchase=purchase))
        calls, ending, error = self._answered(reply)
        step = Step(request=self._request, purchase=purchase, calls=calls)
        if error is not None or ending:
            return self._end(step, ending, error)
        self._steps.append(step)
        self._request = replace(self._request, messages=(*self._request.messages, *continued(reply, calls)))
        self._key = self._request.key(self._repeat)
        return False

    def _answered(self, reply: Reply) -> tuple[tuple[Call, ...], str, ProviderError | None]:
        """The calls of a reply with their results, why the sample ends here, and what went wrong with a stub."""
        calls = calls_of(reply, self._calls)
        self._calls += len(calls)
        if self._calls > MOST_CALLS:
            return calls[:MOST_CALLS], TOO_MANY_CALLS, None
        if len(self._steps) + 1 >= self._max_steps:
            return calls, MAX_STEPS, None
        for number, call in enumerate(calls):
            try:
                answered = self._result(call)
            except ProviderError as error:
                failed = replace(call, error=error.kind, recorded=False)
                return (*calls[:number], failed, *calls[number + 1 :]), "", error
            calls = (*calls[:number], answered, *calls[number + 1 :])
            if answered.result is None:
                return calls, NO_RESULT, None
        told = sum(len(call.result or "") + len(call.arguments) for call in calls) + len(reply.text)
        said = sum(len(str(message)) for message in self._request.messages)
        return calls, TOO_LONG if told + said > MOST_CHARACTERS else "", None

    def _result(self, call: Call) -> Call:
        arguments = read_arguments(call.arguments)
        start_ns = self._clock.wall_ns()
        result = self._recorded.take(call.name, arguments)
        if result is not None or self._stubs is None:
            return replace(call, result=result, start_ns=start_ns, end_ns=start_ns)
        result = self._stubs.call(call.name, arguments)
        return replace(call, result=result, recorded=False, start_ns=start_ns, end_ns=self._clock.wall_ns())

    def _end(self, step: Step, ending: str = "", error: ProviderError | None = None) -> bool:
        steps = (*self._steps, step)
        if error is not None:
            first, last = steps[0].purchase, step.purchase
            message = f"the stub of a tool gave no result: {error.message}"
            whole = Purchase(error=error.kind, message=message, start_ns=first.start_ns, end_ns=last.end_ns)
        else:
            whole = summed(steps, ending)
        self._finish(whole, steps)
        return True


def calls_of(reply: Reply, before: int) -> tuple[Call, ...]:
    """The calls of a reply. Their ids are counted through the sample (nine letters and digits, which every API takes): those
    that servers draw at random would make each conversation another one."""
    return tuple(
        Call(id=f"call{before + number:05d}", name=_text(call.get("name")), arguments=_text(call.get("arguments")))
        for number, call in enumerate(reply.tool_calls[: MOST_CALLS + 1], start=1)
    )


def continued(reply: Reply, calls: Sequence[Call]) -> tuple[Mapping[str, Any], ...]:
    """The messages that a reply and the results of its calls add, in the form of OpenAI's chat completions."""
    made = [{"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in calls]
    said = {"role": "assistant", "content": _text(reply.text) or None, "tool_calls": made}
    return (said, *({"role": "tool", "tool_call_id": call.id, "content": _text(call.result)} for call in calls))


def summed(steps: Sequence[Step], ending: str = "") -> Purchase:
    """All steps as one purchase: the last reply's text, all calls with their results; tokens, seconds and cost are sums."""
    first, last = steps[0].purchase, steps[-1].purchase
    if last.reply is None:
        return replace(last, start_ns=first.start_ns)
    replies = [step.purchase.reply for step in steps if step.purchase.reply is not None]
    costs = [step.purchase.cost_usd for step in steps]
    waited = sum(reply.latency_seconds for reply in replies[:-1])
    ttft = last.reply.ttft_seconds
    reply = replace(
        last.reply,
        finish_reason=ending or last.reply.finish_reason,
        tool_calls=tuple(_called(call) for step in steps for call in step.calls),
        usage=_usage([reply.usage for reply in replies]),
        latency_seconds=waited + last.reply.latency_seconds,
        ttft_seconds=None if ttft is None else waited + ttft,
    )
    return Purchase(
        reply=reply,
        cached=all(step.purchase.cached for step in steps),
        start_ns=first.start_ns,
        end_ns=last.end_ns,
        cost_usd=None if None in costs else sum(cost for cost in costs if cost is not None),
    )


def _usage(usages: Sequence[Usage]) -> Usage:
    """The sums. Tokens in and out are unknown where one step's are; the others count what was said."""
    sums: dict[str, int | None] = {}
    for name in Usage.__slots__:
        counts = [getattr(usage, name) for usage in usages]
        known = [count for count in counts if count is not None]
        whole = len(known) == len(counts) or name not in {"input_tokens", "output_tokens"}
        sums[name] = sum(known) if known and whole else None
    return Usage(**sums)


def _called(call: Call) -> Mapping[str, Any]:
    written = {"id": call.id, "name": call.name, "arguments": call.arguments}
    return written if call.result is None else {**written, "result": call.result}


def _text(value: Any) -> str:
    """Text that every file can hold: without lone surrogates."""
    try:
        text = "" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        text = str(type(value))
    return text.encode("utf-8", "replace").decode()
