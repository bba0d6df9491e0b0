"""One request of an application, from its beginning to its end: what it finds, asks, is answered, calls and is told.

Recording never raises: what goes wrong in it is counted. What the application's own functions raise goes through unchanged,
and is in the trace. Steps are gathered here and become spans on another thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from llmops_git.runtime.context import BELOW, REQUEST
from llmops_git.runtime.inference import Inference
from llmops_git.runtime.recording import error_name
from llmops_git.runtime.steps import Trace
from llmops_git.traces import attributes as names

if TYPE_CHECKING:
    from llmops_git.guardrails.base import GuardVerdict, RuleResult, Side
    from llmops_git.providers.base import Reply
    from llmops_git.runtime.guarding import JudgeSession

RETRIES = 2
Tools = Mapping[str, Callable[..., Any]]


class Request(Inference):
    """One request: `with router.request(…) as request:`, or `async with`. Keep its `id` to speak of it later."""

    _tokens: tuple[Any, ...] = ()
    _inside: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        self._tokens = (REQUEST.set(self), BELOW.set((self.span_id, self.span_id)))
        self._inside = self._router.inside(self.trace_id, self.span_id)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        tokens, self._tokens = self._tokens, ()
        if self._inside is not None:
            self._inside()
        try:
            if tokens:
                REQUEST.reset(tokens[0])
                BELOW.reset(tokens[1])
        except ValueError:  # it ends in another context than it began in, as in some frameworks
            REQUEST.set(None)
        self.end(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def end(self, error: BaseException | str | None = None) -> None:
        """End the request, where `with` cannot. What comes later (a streamed answer, a signal) is still added to its trace."""
        if self._ended:
            return
        if error is not None and not isinstance(error, GeneratorExit):
            self._unanswered(error)
            self._root.error = self._root.error or error_name(error)
        self._ended = True
        self._root.end = self._now()
        self._router.post(Trace(self.trace_id, self._steps, bundle=self.bundle, user=self._user, feature=self._feature))

    # the bundle's own model

    def generate(
        self,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        documents: Any = None,
        tools: Tools | None = None,
        retries: int = RETRIES,
        **named: Any,
    ) -> Reply:
        """Ask the bundle's model: `generate(message="…")`. Guardrails of both sides hold: where one blocks, the reply is what
        the pack says, with the finish reason `guardrail`.

        `tools` are called by their names where the model calls them, until it answers. Raises ProviderError where the model
        does not answer, also when asked again `retries` times; LlmopsError for inputs and settings that are wrong; what a tool
        raises.
        """
        from llmops_git.runtime.generating import generate

        return generate(self, {**(inputs or {}), **named}, documents=documents, tools=tools or {}, retries=retries)

    async def agenerate(
        self,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        documents: Any = None,
        tools: Tools | None = None,
        retries: int = RETRIES,
        **named: Any,
    ) -> Reply:
        """`generate` on a thread of the event loop's pool, so that the loop goes on meanwhile."""
        import asyncio

        given = {**(inputs or {}), **named}
        return await asyncio.to_thread(self.generate, given, documents=documents, tools=tools, retries=retries)

    # guardrails

    def guard_input(self, text: str) -> GuardVerdict:
        """What the bundle's input guardrails say of a text: whether it is `allowed`, and the `text` to go on with. A text is
        held to them once in a request, however often that is asked."""
        return self._guarded("input", text)

    def guard_output(self, text: str) -> GuardVerdict:
        """What the bundle's output guardrails say of a text."""
        return self._guarded("output", text)

    async def aguard_input(self, text: str) -> GuardVerdict:
        """`guard_input` on a thread of the event loop's pool: a rule may ask a model."""
        import asyncio

        return await asyncio.to_thread(self.guard_input, text)

    async def aguard_output(self, text: str) -> GuardVerdict:
        """`guard_output` on a thread of the event loop's pool."""
        import asyncio

        return await asyncio.to_thread(self.guard_output, text)

    def guard_inputs(self, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
        """Inputs as they may be passed on, each text in them held to the input guardrails; and what to say instead of an answer
        where one blocks, else None. `generate` does this itself."""
        guards = self._router.guards(self.bundle)
        if not guards.has("input"):
            return dict(inputs), None
        allowed, message, results = guards.inputs(inputs, self._verdicts("input"), self._session())
        self._ruled(results)
        if message is None:
            return allowed, None
        for name, value in allowed.items():  # what was held back: people judge a block by it, where content is captured
            self._root.attributes.setdefault(f"{names.VARIABLE_PREFIX}{name}", value)
        return {}, message

    def _guarded(self, side: Side, text: str) -> GuardVerdict:
        known = self._verdicts(side)
        if text not in known:
            verdict = self._router.guards(self.bundle).verdict(side, text, self._session())
            self._ruled(verdict.results)
            known[text] = verdict
            if verdict.allowed:
                known.setdefault(verdict.text, verdict)  # what it was redacted to needs no second look
        return known[text]

    def _session(self) -> JudgeSession:
        from llmops_git.runtime.guarding import JudgeSession

        return JudgeSession(self, self._router.asker)

    def _verdicts(self, side: Side) -> dict[str, GuardVerdict]:
        """The verdicts of this request so far, by text."""
        if self._seen is None:
            self._seen = {"input": {}, "output": {}}
        return self._seen[side]

    _seen: dict[str, dict[str, GuardVerdict]] | None = None

    def _ruled(self, results: tuple[RuleResult, ...]) -> None:
        """A span for what each rule came to."""
        from llmops_git.runtime.guarding import guard_step

        try:
            for result in results:
                self._add(guard_step(result, self._parent()))
        except Exception as error:  # noqa: BLE001
            self._router.counts.trouble("steps_failed", error)
