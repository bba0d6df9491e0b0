"""The part of a request that asks a model: the bundle's messages for any SDK, and what came back, whole or streamed."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from llmops_git.runtime.context import ASKED
from llmops_git.runtime.documents import documents_of, spoken
from llmops_git.runtime.finding import Finding
from llmops_git.runtime.ids import new_span_id
from llmops_git.runtime.recording import error_name
from llmops_git.runtime.steps import Step
from llmops_git.runtime.streams import Watched, says_something
from llmops_git.traces import attributes as names

if TYPE_CHECKING:
    from llmops_git.providers.base import Reply
    from llmops_git.providers.base import Request as ModelRequest

T = TypeVar("T")
Messages = Sequence[Mapping[str, Any]]


class Asked:
    """A question to a model that is under way: when it was asked, below which span, and with what."""

    __slots__ = ("documents", "messages", "parent_id", "start")

    def __init__(self, start: int, parent_id: str, messages: Messages, documents: Sequence[Mapping[str, Any]] | None) -> None:
        self.start = start
        self.parent_id = parent_id
        self.messages = messages
        self.documents = documents


class Inference(Finding):
    """Questions and answers."""

    _asked: Asked | None = None

    def messages(
        self, inputs: Mapping[str, Any] | None = None, /, *, documents: Any = None, **named: Any
    ) -> list[dict[str, Any]]:
        """The bundle's messages for these inputs, for an SDK of the application's choice; say what it answered with `record`.

        `documents` are those found last unless they are given. No guardrails run here: use `guard_input`. Raises LlmopsError
        when an input is missing or a template fails.
        """
        given = {**(inputs or {}), **named}
        brought = None if documents is None else documents_of(documents)
        rendered = self._router.render(self.bundle, given, self.documents if brought is None else brought)
        for name, value in given.items():
            self._root.attributes.setdefault(f"{names.VARIABLE_PREFIX}{name}", value)
        self._begin(rendered, brought)
        return list(rendered)

    def record(
        self,
        reply: Any,
        *,
        messages: Messages | None = None,
        provider: str = "",
        model: str = "",
        ttft_seconds: float | None = None,
        cost_usd: float | None = None,
        error: BaseException | str | None = None,
    ) -> None:
        """Say what a model answered: a response of OpenAI's, Anthropic's or Google's SDK or of one like them, a mapping of the
        same shape, a Reply, or a text. The call began when `messages` was called last.

        `messages`, `provider` and `model` are the bundle's unless they are given; None is no answer, for which there is an
        `error`.
        """
        try:
            asked = self._answered(messages)
            self._chat(asked, reply, provider=provider, model=model, ttft_seconds=ttft_seconds, cost_usd=cost_usd, error=error)
        except Exception as trouble:  # noqa: BLE001
            self._router.counts.trouble("steps_failed", trouble)

    def stream(
        self, chunks: Iterable[T], *, messages: Messages | None = None, provider: str = "", model: str = ""
    ) -> Iterator[T]:
        """The chunks of a streamed answer as they come, recorded when they end, with the time to the first that says something.
        Texts and the chunks of the usual SDKs are put together; of others only the times are known."""
        return self._streamed(chunks, self._watched(messages), provider, model)

    def astream(
        self, chunks: AsyncIterable[T], *, messages: Messages | None = None, provider: str = "", model: str = ""
    ) -> AsyncIterator[T]:
        """As `stream`, for chunks that are awaited."""
        return self._astreamed(chunks, self._watched(messages), provider, model)

    def ask(self, messages: Messages) -> Reply:
        """The reply of the bundle's model to any messages, asked once, recorded, and not guarded. Raises ProviderError."""
        from llmops_git.runtime.asking import request_of

        self._begin(messages, self._answered(messages).documents)
        try:
            reply = self._router.asker.ask(request_of(self.bundle.resolved, messages))
        except BaseException as error:
            self.record(None, error=error)
            raise
        self.record(reply)
        return reply

    def ask_as(self, request: ModelRequest) -> Reply:
        """The reply to a request of another config's, a judge's say, recorded. Raises ProviderError."""
        asked = Asked(self._now(), self._parent(), request.messages, None)
        try:
            reply = self._router.asker.ask(request)
        except BaseException as error:
            self._chat(asked, None, provider=request.provider, model=request.model, error=error)
            raise
        self._chat(asked, reply, provider=request.provider, model=request.model)
        return reply

    def _streamed(self, chunks: Iterable[T], watched: Watched, provider: str, model: str) -> Iterator[T]:
        error: BaseException | None = None
        try:
            for chunk in chunks:
                self._watch(watched, chunk)
                yield chunk
        except GeneratorExit:
            _close(chunks)
            error = None
            raise
        except BaseException as failure:
            error = failure
            raise
        finally:
            self._end_stream(watched, provider, model, error)

    async def _astreamed(self, chunks: AsyncIterable[T], watched: Watched, provider: str, model: str) -> AsyncIterator[T]:
        error: BaseException | None = None
        try:
            async for chunk in chunks:
                self._watch(watched, chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as failure:
            error = failure
            raise
        finally:
            self._end_stream(watched, provider, model, error)

    def _watched(self, messages: Messages | None) -> Watched:
        """The question that a stream answers."""
        asked = self._answered(messages)
        return Watched(asked)

    def _watch(self, watched: Watched, chunk: Any) -> None:
        if watched.first == 0 and says_something(chunk):
            watched.first = self._now()
        watched.keep(chunk)

    def _end_stream(self, watched: Watched, provider: str, model: str, error: BaseException | None) -> None:
        try:
            ttft = (watched.first - watched.asked.start) / 1e9 if watched.first else None
            self._chat(watched.asked, watched, provider=provider, model=model, ttft_seconds=ttft, error=error)
        except Exception as trouble:  # noqa: BLE001
            self._router.counts.trouble("steps_failed", trouble)

    def _begin(self, messages: Messages, documents: Sequence[Mapping[str, Any]] | None) -> None:
        self._asked = Asked(self._now(), self._parent(), messages, documents)
        ASKED.set((self.span_id, self._asked))

    def _answered(self, messages: Messages | None) -> Asked:
        """What was asked last and not answered yet, in this task or thread first; with `messages` in the place of its own."""
        known = ASKED.get()
        found = known[1] if known is not None and known[0] == self.span_id else self._asked
        if known is not None:
            ASKED.set(None)
        if found is self._asked:
            self._asked = None
        if found is None:
            return Asked(self._now(), self._parent(), messages or (), None)
        return found if messages is None else Asked(found.start, found.parent_id, messages, found.documents)

    def _unanswered(self, error: BaseException | str) -> None:
        """The call that was under way when the request ended in an error."""
        if self._asked is not None:
            self.record(None, error=error)

    def _chat(
        self,
        asked: Asked,
        reply: Any,
        *,
        provider: str = "",
        model: str = "",
        ttft_seconds: float | None = None,
        cost_usd: float | None = None,
        error: BaseException | str | None = None,
    ) -> None:
        pinned = self.bundle.resolved.get("model") or {}
        provider, model = provider or pinned.get("provider", ""), model or pinned.get("id", "")
        attributes: dict[str, Any] = {names.OPERATION: names.CHAT, names.PROVIDER: provider, names.REQUEST_MODEL: model}
        if asked.messages:
            attributes[names.INPUT_MESSAGES] = list(asked.messages)
        if asked.documents is not None:
            attributes[names.DOCUMENTS] = spoken(asked.documents)
        if ttft_seconds is not None:
            attributes[names.FIRST_CHUNK] = ttft_seconds
        if cost_usd is not None:
            attributes[names.COST_USD] = cost_usd
        self._add(
            Step(
                f"{names.CHAT} {model}",
                new_span_id(),
                asked.parent_id,
                asked.start,
                attributes,
                end=self._now(),
                kind="client",
                error="" if error is None else error_name(error),
                fill=partial(self._router.chat_attributes, attributes, reply),
            )
        )


def _close(chunks: Any) -> None:
    """Let go of a stream that nobody reads to its end."""
    close = getattr(chunks, "close", None)
    if callable(close):
        close()
