"""One request of an application, from its beginning to its end: what it finds, asks, is answered, calls and is told.

Recording never raises: what goes wrong in it is counted. What the application's own functions raise goes through unchanged,
and is in the trace. Steps are gathered here and become spans on another thread.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from llmops_git.errors import LlmopsError
from llmops_git.runtime.bundle import Bundle
from llmops_git.runtime.context import ASKED, BELOW, REQUEST
from llmops_git.runtime.documents import documents_of, spoken
from llmops_git.runtime.ids import new_span_id, request_id
from llmops_git.runtime.steps import AsJson, Step, Trace
from llmops_git.traces import attributes as names

if TYPE_CHECKING:
    from llmops_git.guardrails.base import GuardVerdict, Side
    from llmops_git.providers.base import Reply
    from llmops_git.runtime.router import Router

MOST_STEPS = 1_000  # of one request; a loop that does not end must not take the memory
T = TypeVar("T")


class Asked:
    """A question to a model that is under way: when it was asked, and with what."""

    __slots__ = ("documents", "messages", "start")

    def __init__(
        self, start: int, messages: Sequence[Mapping[str, Any]], documents: Sequence[Mapping[str, Any]] | None
    ) -> None:
        self.start = start
        self.messages = messages
        self.documents = documents


class Request:
    """One request. `id` names it for good: keep it to speak of the request later."""

    def __init__(
        self,
        router: Router,
        bundle: Bundle,
        trace_id: str,
        parent_id: str,
        *,
        user: Any,
        feature: Any,
        conversation: Any,
        attributes: Mapping[str, Any] | None,
    ) -> None:
        self._wall, self._tick = time.time_ns(), time.perf_counter_ns()
        self._router = router
        self.bundle = bundle
        self.trace_id = trace_id
        self.span_id = new_span_id()
        self.documents: tuple[dict[str, Any], ...] = ()  # what was found last
        self._user, self._feature = user, feature
        given: dict[str, Any] = dict(attributes) if attributes else {}
        given[names.OPERATION] = names.INVOKE_WORKFLOW
        given[names.WORKFLOW_NAME] = bundle.config
        if conversation is not None:
            given[names.CONVERSATION] = conversation
        if bundle.commit:
            given[names.GIT_COMMIT] = bundle.commit
        given[names.CONTENT] = router.settings.content
        self._root = Step(f"{names.INVOKE_WORKFLOW} {bundle.config}", self.span_id, parent_id, self._wall, given)
        self._steps = [self._root]
        self._asked: Asked | None = None
        self._guarded: dict[tuple[str, str], GuardVerdict] = {}
        self._ended = False
        self._tokens: tuple[Any, ...] = ()

    @property
    def id(self) -> str:
        """Names the request, its root and its release: for `runtime.signal`, long after the request has ended."""
        return request_id(self.trace_id, self.span_id, self.bundle.config, self.bundle.version)

    # the beginning and the end

    def __enter__(self) -> Self:
        self._tokens = (REQUEST.set(self), BELOW.set((self.span_id, self.span_id)))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        tokens, self._tokens = self._tokens, ()
        try:
            if tokens:
                REQUEST.reset(tokens[0])
                BELOW.reset(tokens[1])
        except ValueError:  # ended in another context than it began in, as some frameworks do
            pass
        self.end(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def end(self, error: BaseException | str | None = None) -> None:
        """End the request, where `with` cannot. What comes later is still added to its trace."""
        if self._ended:
            return
        self._ended = True
        root = self._root
        root.end = self._now()
        if error is not None:
            self._interrupted(error)
            root.error = root.error or error_name(error)
        self._router.post(Trace(self.trace_id, self._steps, bundle=self.bundle, user=self._user, feature=self._feature))

    def fail(self, error: BaseException | str) -> None:
        """Mark the request as failed where the application handles the failure itself. `error` is an exception or its name."""
        self._root.error = error_name(error)

    def set(self, name: str, value: Any) -> None:
        """An attribute of the request, of the application's own. It leaves in every capture: say nothing in it that may not."""
        self._root.attributes[name] = value

    # finding documents

    def retrieve(
        self, query: str, search: Callable[..., T], /, *args: Any, name: str = "", top_k: int | None = None, **kwargs: Any
    ) -> T:
        """`search(query, *args, **kwargs)`, recorded. What it gives back is what templates see as `documents`."""
        with self._around(names.RETRIEVAL, name or _name_of(search), self._retrieval(search, query, name, top_k)) as step:
            found = search(query, *args, **kwargs)
            return self._found(step, found)

    async def aretrieve(
        self,
        query: str,
        search: Callable[..., Awaitable[T]],
        /,
        *args: Any,
        name: str = "",
        top_k: int | None = None,
        **kwargs: Any,
    ) -> T:
        """`await search(query, *args, **kwargs)`, recorded as `retrieve` does."""
        with self._around(names.RETRIEVAL, name or _name_of(search), self._retrieval(search, query, name, top_k)) as step:
            found = await search(query, *args, **kwargs)
            return self._found(step, found)

    def _retrieval(self, search: Any, query: Any, name: str, top_k: int | None) -> dict[str, Any]:
        attributes: dict[str, Any] = {names.DATA_SOURCE: name or _name_of(search), names.QUERY: query}
        if top_k is not None:
            attributes[names.TOP_K] = top_k
        return attributes

    def _found(self, step: Step, found: T) -> T:
        if isinstance(found, Iterator):
            found = list(found)  # type: ignore[assignment]  # it can be read only once
        try:
            self.documents = documents_of(found)
            step.attributes[names.DOCUMENTS] = spoken(self.documents)
            step.attributes.setdefault(names.TOP_K, len(self.documents))
        except Exception as error:  # noqa: BLE001  # objects of any library
            self._router.counts.trouble("steps_incomplete", error)
        return found

    # asking a model

    def messages(
        self, inputs: Mapping[str, Any] | None = None, /, *, documents: Any = None, **named: Any
    ) -> list[dict[str, Any]]:
        """The bundle's messages for these inputs, for an SDK of the application's choice; say what it answered with `record`.

        `documents` are those found last unless they are given. No guardrails run here: use `guard_input`. Raises LlmopsError
        when an input is missing or a template fails.
        """
        return self._render({**(inputs or {}), **named}, documents)

    def _render(self, inputs: Mapping[str, Any], documents: Any) -> list[dict[str, Any]]:
        given = None if documents is None else documents_of(documents)
        rendered = self._router.render(self.bundle, inputs, self.documents if given is None else given)
        for name, value in inputs.items():
            self._root.attributes.setdefault(f"{names.VARIABLE_PREFIX}{name}", value)
        self._asked = Asked(self._now(), rendered, given)
        ASKED.set((self.span_id, self._asked))
        return list(rendered)

    def record(
        self,
        reply: Any,
        *,
        messages: Sequence[Mapping[str, Any]] | None = None,
        provider: str = "",
        model: str = "",
        ttft_seconds: float | None = None,
        cost_usd: float | None = None,
        error: BaseException | str | None = None,
    ) -> None:
        """Say what a model answered: a response of OpenAI's, Anthropic's or Google's SDK or of one like them, a mapping of the
        same shape, a Reply, or a text. The call began when `messages` was called last.

        `messages`, `provider` and `model` are the bundle's unless they are given.
        """
        try:
            asked = self._question()
            start = self._now() if asked is None else asked.start
            said = messages if messages is not None else () if asked is None else asked.messages
            documents = None if asked is None else asked.documents
            self._chat(
                reply, start, said, provider=provider, model=model, ttft_seconds=ttft_seconds, cost_usd=cost_usd,
                documents=documents, error=error,
            )  # fmt: skip
        except Exception as trouble:  # noqa: BLE001
            self._router.counts.trouble("steps_failed", trouble)

    def _question(self) -> Asked | None:
        """What was asked last and not answered yet, in this task or thread first."""
        known = ASKED.get()
        asked = known[1] if known is not None and known[0] == self.span_id else self._asked
        if known is not None:
            ASKED.set(None)
        if asked is self._asked:
            self._asked = None
        return asked

    def _chat(
        self,
        reply: Any,
        start: int,
        messages: Sequence[Mapping[str, Any]],
        *,
        provider: str = "",
        model: str = "",
        ttft_seconds: float | None = None,
        cost_usd: float | None = None,
        documents: Sequence[Mapping[str, Any]] | None = None,
        error: BaseException | str | None = None,
        parent_id: str = "",
    ) -> None:
        pinned = self.bundle.resolved.get("model") or {}
        provider, model = provider or pinned.get("provider", ""), model or pinned.get("id", "")
        attributes: dict[str, Any] = {names.OPERATION: names.CHAT, names.PROVIDER: provider, names.REQUEST_MODEL: model}
        if messages:
            attributes[names.INPUT_MESSAGES] = list(messages)
        if documents is not None:
            attributes[names.DOCUMENTS] = spoken(documents)
        if ttft_seconds is not None:
            attributes[names.FIRST_CHUNK] = ttft_seconds
        if cost_usd is not None:
            attributes[names.COST_USD] = cost_usd
        step = Step(
            f"{names.CHAT} {model}",
            new_span_id(),
            parent_id or self._parent(),
            start,
            attributes,
            end=self._now(),
            kind="client",
            error="" if error is None else error_name(error),
        )
        step.fill = partial(self._router.chat_attributes, step.attributes, reply)
        self._add(step)

    def _interrupted(self, error: BaseException | str) -> None:
        """The call that was under way when the request ended in an error."""
        if self._asked is not None:
            self.record(None, error=error)

    # the bundle's own model

    def generate(
        self,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        documents: Any = None,
        tools: Mapping[str, Callable[..., Any]] | None = None,
        retries: int = 2,
        **named: Any,
    ) -> Reply:
        """Ask the bundle's model: `generate(message="…")`. Guardrails of both sides hold: where one blocks, the reply is what
        the pack says, with the finish reason `guardrail`.

        `tools` are called by their names where the model calls them, until it answers. Raises ProviderError where the model
        does not answer, also when asked again `retries` times; LlmopsError for inputs and settings that are wrong.
        """
        from llmops_git.runtime.generating import generate

        return generate(self, {**(inputs or {}), **named}, documents, tools or {}, retries)

    async def agenerate(
        self,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        documents: Any = None,
        tools: Mapping[str, Callable[..., Any]] | None = None,
        retries: int = 2,
        **named: Any,
    ) -> Reply:
        """`generate` on a thread of the event loop's pool, so that the loop goes on meanwhile."""
        import asyncio

        given = {**(inputs or {}), **named}
        return await asyncio.to_thread(self.generate, given, documents=documents, tools=tools, retries=retries)

    def ask(self, messages: Sequence[Mapping[str, Any]]) -> Reply:
        """The reply of the bundle's model to these messages, once and unrecorded. Raises ProviderError."""
        from llmops_git.runtime.asking import request_of

        return self._router.asker.ask(request_of(self.bundle.resolved, messages))

    def ask_again(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Begin another call to the model, which `record` ends."""
        self._asked = Asked(self._now(), messages, None)
        ASKED.set((self.span_id, self._asked))

    # guardrails

    def is_guarded(self, side: Side) -> bool:
        """Whether the bundle has guardrails on this side."""
        return self._router.guards(self.bundle).has(side)

    def guard_input(self, text: str) -> GuardVerdict:
        """What the bundle's input guardrails say of a text: whether it is `allowed`, and the `text` to go on with. A text is
        held to them once in a request, however often it is asked."""
        return self._guard("input", text)

    def guard_output(self, text: str) -> GuardVerdict:
        """What the bundle's output guardrails say of a text."""
        return self._guard("output", text)

    async def aguard_input(self, text: str) -> GuardVerdict:
        """`guard_input` on a thread of the event loop's pool: a rule may ask a model."""
        import asyncio

        return await asyncio.to_thread(self.guard_input, text)

    async def aguard_output(self, text: str) -> GuardVerdict:
        """`guard_output` on a thread of the event loop's pool."""
        import asyncio

        return await asyncio.to_thread(self.guard_output, text)

    def _guard(self, side: Side, text: str) -> GuardVerdict:
        known = self._guarded.get((side, text))
        if known is not None:
            return known
        verdict = self._router.guards(self.bundle).verdict(side, text)
        self._guarded[side, text] = verdict
        if verdict.allowed:
            self._guarded.setdefault((side, verdict.text), verdict)  # what it was redacted to needs no second look
        try:
            from llmops_git.runtime.guarding import guard_step

            for result in verdict.results:
                self._add(guard_step(result, self._parent()))
        except Exception as error:  # noqa: BLE001
            self._router.counts.trouble("steps_failed", error)
        return verdict

    # calling tools, and steps of the application's own

    def tool(self, name: str, arguments: Any, call: Callable[..., T], *, id: str = "") -> T:  # noqa: A002
        """Call a tool, recorded: `call(**arguments)` for a mapping, `call(arguments)` for anything else. `id` is the call's,
        as the model gave it."""
        with self._around(names.EXECUTE_TOOL, name, self._tool(name, arguments, id)) as step:
            result = call(**arguments) if isinstance(arguments, Mapping) else call(arguments)
            step.attributes[names.TOOL_RESULT] = result if isinstance(result, str) else AsJson(result)
            return result

    async def atool(self, name: str, arguments: Any, call: Callable[..., Awaitable[T]], *, id: str = "") -> T:  # noqa: A002
        """As `tool`, for a call that is awaited."""
        with self._around(names.EXECUTE_TOOL, name, self._tool(name, arguments, id)) as step:
            result = await (call(**arguments) if isinstance(arguments, Mapping) else call(arguments))
            step.attributes[names.TOOL_RESULT] = result if isinstance(result, str) else AsJson(result)
            return result

    def _tool(self, name: str, arguments: Any, call: str) -> dict[str, Any]:
        written = (
            arguments
            if isinstance(arguments, str)
            else AsJson(dict(arguments) if isinstance(arguments, Mapping) else arguments)
        )
        return {names.TOOL_NAME: name, names.TOOL_CALL: call, names.TOOL_ARGUMENTS: written}

    @contextmanager
    def step(self, name: str, **attributes: Any) -> Iterator[Step]:
        """A step of the application's own around what it does; what is recorded within is below it."""
        with self._around("", name, attributes) as step:
            yield step

    @contextmanager
    def _around(self, operation: str, name: str, attributes: dict[str, Any]) -> Iterator[Step]:
        if operation:
            attributes[names.OPERATION] = operation
        step = Step(f"{operation} {name}".strip(), new_span_id(), self._parent(), self._now(), attributes)
        token = BELOW.set((self.span_id, step.span_id))
        try:
            yield step
        except BaseException as error:
            step.error = error_name(error)
            raise
        finally:
            step.end = self._now()
            with suppress(ValueError):  # ended in another context than it began in
                BELOW.reset(token)
            self._add(step)

    # what users say

    def signal(self, name: str, value: float | None = None, *, comment: str | None = None) -> None:
        """What the user did or said: `thumbs_up`, `thumbs_down`, `edit`, `retry`, `escalation`, or a name of one's own."""
        try:
            self._add(self._router.signal_step(name, value, comment, parent_id=self.span_id, at=self._now()))
        except Exception as error:  # noqa: BLE001
            self._router.counts.trouble("steps_failed", error)

    # beneath

    def _now(self) -> int:
        """Nanoseconds since 1970, by the wall clock of the beginning and what has passed since: it never goes back."""
        return self._wall + time.perf_counter_ns() - self._tick

    def _parent(self) -> str:
        root, below = BELOW.get()
        return below if root == self.span_id else self.span_id

    def _add(self, step: Step) -> None:
        if self._ended:
            user, feature = self._user, self._feature
            late = Trace(self.trace_id, [step], bundle=self.bundle, user=user, feature=feature, late=True, root_id=self.span_id)
            self._router.post(late)
        elif len(self._steps) < MOST_STEPS:
            self._steps.append(step)
        else:
            self._router.counts.trouble("spans_dropped", f"a request has more than {MOST_STEPS} steps")


def error_name(error: BaseException | str) -> str:
    """What a failed span says of its error: the class, and never its words, which may quote anybody. Errors of providers have
    classes of their own (`rate_limit`)."""
    if isinstance(error, str):
        return error
    kind = getattr(error, "kind", None) if isinstance(error, LlmopsError) else None
    return kind if isinstance(kind, str) else type(error).__name__


def _name_of(search: Any) -> str:
    try:
        return str(search.__name__)
    except Exception:  # noqa: BLE001  # whatever it is, it can be called
        return type(search).__name__
