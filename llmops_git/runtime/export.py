"""From the raw steps of finished requests to the spans that are written: on a thread of its own, one batch after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llmops_git.runtime.counts import Counts
from llmops_git.runtime.late import Known, Recent
from llmops_git.runtime.plain import Clean, Writer
from llmops_git.runtime.privacy import IDENTIFIERS, captured, user_of
from llmops_git.runtime.sampling import LATE_WEIGHT, weight_of
from llmops_git.runtime.settings import Settings
from llmops_git.runtime.steps import Step, Trace
from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span

Ready = tuple[Span, ...]  # spans of one trace that are written together


class Exporter:
    """Decides which traces are kept and turns them into spans."""

    def __init__(self, settings: Settings, counts: Counts, clean: Callable[[], Clean], clock: Callable[[], float]) -> None:
        self._settings = settings
        self._counts = counts
        self._find_cleaner = clean
        self._clean: Clean | None = None
        self._recent = Recent(most=settings.late_requests, seconds=settings.late_seconds, clock=clock)

    def ready(self, trace: Trace) -> list[Ready]:
        """What is to be written of a finished request or a late step. Never raises."""
        try:
            found = self._late(trace) if trace.late else self._finished(trace)
        except Exception as error:  # noqa: BLE001  # one request that is odd must not cost the others
            self._counts.trouble("spans_failed", error, len(trace.steps))
            return []
        return [ready for ready in found if ready]

    def _finished(self, trace: Trace) -> list[Ready]:
        interesting = any(step.error or step.hit for step in trace.steps)
        weight = weight_of(trace.trace_id, rate=self._settings.sample, interesting=interesting)
        if weight is not None:
            self._recent.keep(trace, weight)
            return [self._spans(trace, trace.steps, weight)]
        signals = [step for step in trace.steps if step.signal]
        self._recent.leave_out(trace)
        self._counts.add("requests_not_sampled")
        return [self._spans(trace, signals, 1.0)] if signals else []

    def _late(self, trace: Trace) -> list[Ready]:
        """Steps that came after the end of their request. Signals are always written, and stand for themselves."""
        step = trace.steps[0]
        found = self._recent.find(trace.trace_id, trace.root_id)
        if found is None:
            interesting = step.signal or step.hit or bool(step.error)
            weight = weight_of(trace.trace_id, rate=self._settings.sample, interesting=interesting)
            return [] if weight is None else [self._spans(trace, trace.steps, weight)]
        step.parent_id = step.parent_id or found.root_id
        known = _filled(trace, found)
        if found.weight is not None:
            return [self._spans(known, [step], 1.0 if step.signal else found.weight)]
        if step.hit or step.error:
            back = self._recent.bring_back(found, LATE_WEIGHT)
            self._counts.add("requests_kept_late")
            rest = [other for other in back.steps if not other.signal]  # signals were written when they came
            written = [self._spans(back, rest, LATE_WEIGHT)]
            return [*written, self._spans(known, [step], 1.0 if step.signal else LATE_WEIGHT)]
        if step.signal:
            return [self._spans(known, [step], 1.0)]
        found.trace.steps.append(step)
        return []

    def _spans(self, trace: Trace, steps: Sequence[Step], weight: float) -> Ready:
        if self._clean is None:
            self._clean = self._find_cleaner()
        shared = self._shared(trace, weight)
        alone = shared if weight == 1.0 else self._shared(trace, 1.0)
        return tuple(self._span(trace.trace_id, step, alone if step.signal else shared) for step in steps)

    def _shared(self, trace: Trace, weight: float) -> dict[str, Any]:
        """The attributes of all spans of a request."""
        bundle, settings = trace.bundle, self._settings
        shared: dict[str, Any] = {}
        config = bundle.config if bundle else trace.config
        if config:
            shared[names.PROMPT_NAME] = config
        version = (bundle.release or bundle.digest) if bundle else trace.release
        if version:
            shared[names.PROMPT_VERSION] = version
        if bundle:
            shared[names.CONFIG_DIGEST] = bundle.digest
        if settings.environment:
            shared[names.ENVIRONMENT] = settings.environment
        if trace.feature is not None:
            shared[names.FEATURE] = trace.feature
        user = user_of(trace.user, settings.user_salt)
        if user:
            shared[names.USER] = user
        if weight != 1.0:
            shared[names.SAMPLE_WEIGHT] = weight
        return shared

    def _span(self, trace_id: str, step: Step, shared: dict[str, Any]) -> Span:
        assert self._clean is not None  # noqa: S101  # set by the caller
        attributes = {**shared, **step.attributes, **shared}  # ours first where there are too many, and ours where two differ
        if step.fill is not None:
            try:
                attributes.update(step.fill())
            except Exception as error:  # noqa: BLE001  # what came back from somebody else's library can be anything
                self._counts.trouble("spans_incomplete", error)
        writer = Writer(self._clean)
        return Span(
            trace_id=trace_id,
            span_id=step.span_id,
            parent_id=step.parent_id,
            name=writer.text(step.name),
            kind=step.kind,
            start_ns=step.start,
            end_ns=max(step.start, step.end),
            attributes=writer.attributes(captured(attributes, self._settings.content), IDENTIFIERS),
            error=writer.text(step.error) if step.error else "",
        )


def _filled(trace: Trace, found: Known) -> Trace:
    """Late steps, with what is known of their request."""
    request = found.trace
    return Trace(
        request.trace_id,
        trace.steps,
        bundle=request.bundle,
        user=request.user if trace.user is None else trace.user,
        feature=request.feature if trace.feature is None else trace.feature,
    )
