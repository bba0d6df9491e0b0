"""What all parts of a request share: its clock, its steps, and how a step is recorded around what the application does."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from llmops_git.errors import LlmopsError
from llmops_git.runtime.bundle import Bundle
from llmops_git.runtime.context import BELOW
from llmops_git.runtime.ids import new_span_id, request_id
from llmops_git.runtime.steps import Step, Trace
from llmops_git.traces import attributes as names

if TYPE_CHECKING:
    from llmops_git.runtime.router import Router

MOST_OWN = 100  # attributes of a request that an application may give at once
_OURS = frozenset({names.OPERATION, names.WORKFLOW_NAME, names.CONTENT})
MOST_STEPS = 1_000  # of one request; a loop that does not end must not take the memory


class Recording:
    """The steps of one request, from its root on. `trace_id` and `parent_id` are an outer trace's where there is one."""

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
        self._user, self._feature = user, feature
        given: dict[str, Any] = {
            names.OPERATION: names.INVOKE_WORKFLOW,
            names.WORKFLOW_NAME: bundle.config,
            names.CONTENT: router.settings.content,
        }
        if conversation is not None:
            given[names.CONVERSATION] = conversation
        if bundle.commit:
            given[names.GIT_COMMIT] = bundle.commit
        self._root = Step(f"{names.INVOKE_WORKFLOW} {bundle.config}", self.span_id, parent_id, self._wall, given)
        self._steps = [self._root]
        self._ended = False
        if attributes:
            self._set(attributes)

    @property
    def id(self) -> str:
        """Names the request, its root and its release: for `runtime.signal`, long after the request has ended."""
        return request_id(self.trace_id, self.span_id, self.bundle.config, self.bundle.version)

    def fail(self, error: BaseException | str) -> None:
        """Mark the request as failed where the application handles the failure itself. `error` is an exception or its name."""
        self._root.error = error_name(error)

    def set(self, name: str, value: Any) -> None:
        """An attribute of the request, of the application's own. It leaves in every capture: say nothing in it that may not."""
        self._set({name: value})

    def _set(self, attributes: Mapping[str, Any]) -> None:
        try:
            given = dict(islice(attributes.items(), MOST_OWN))
            self._root.attributes.update({name: value for name, value in given.items() if name not in _OURS})
        except Exception as error:  # noqa: BLE001  # a mapping can do what it likes
            self._router.counts.trouble("steps_incomplete", error)

    def signal(self, name: str, value: float | None = None, *, comment: str | None = None) -> None:
        """What the user did or said: `thumbs_up`, `thumbs_down`, `edit`, `retry`, `escalation`, or a name of one's own."""
        try:
            self._add(self._router.signal_step(name, value, comment, parent_id=self.span_id, at=self._now()))
        except Exception as error:  # noqa: BLE001
            self._router.counts.trouble("steps_failed", error)

    @contextmanager
    def step(self, name: str, **attributes: Any) -> Iterator[None]:
        """A step of the application's own around what it does; what is recorded within is below it."""
        with self._around("", name, attributes):
            yield

    @contextmanager
    def _around(self, operation: str, name: str, attributes: dict[str, Any]) -> Iterator[Step]:
        if operation:
            attributes[names.OPERATION] = operation
        step = Step(f"{operation} {name}" if operation else name, new_span_id(), self._parent(), self._now(), attributes)
        token = BELOW.set((self.span_id, step.span_id))
        try:
            yield step
        except BaseException as error:
            step.error = error_name(error)
            raise
        finally:
            step.end = self._now()
            with suppress(ValueError):  # it ends in another context than it began in
                BELOW.reset(token)
            self._add(step)

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
