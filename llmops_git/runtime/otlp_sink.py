"""Spans to a collector: OTLP over HTTP as protobuf, compressed, a few hundred at a time."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llmops_git import __version__
from llmops_git.errors import LlmopsError
from llmops_git.runtime.sinks import Resource, SinkUnavailable
from llmops_git.traces.profiles import PROFILES

if TYPE_CHECKING:
    import httpx

    from llmops_git.runtime.counts import Counts
    from llmops_git.runtime.export import Ready

MOST_SPANS = 512  # of one export
_AGAIN = frozenset({408, 429, 502, 503, 504})  # what OTLP calls retryable, and a time-out of a proxy
_TOO_LARGE = 413
_SUCCESS = range(200, 300)
_SHOWN = 200


class OtlpSink:
    """A collector, or anything that speaks OTLP/HTTP: `OtlpSink("https://collector:4318/v1/traces")`.

    Exports that may be tried again are, with growing pauses; spans of those that are refused are counted as refused.
    """

    name = "otlp"

    def __init__(
        self,
        endpoint: str,
        *,
        headers: Mapping[str, str] | None = None,
        profile: str = "otel",
        timeout: float = 10.0,
        resource: Mapping[str, str] | None = None,
        transport: Callable[[], httpx.BaseTransport] | None = None,
    ) -> None:
        """`profile` is how attributes are named for whom (`traces.profiles`). `resource` are more attributes of what sends, as
        Phoenix's `openinference.project.name`. Raises LlmopsError for an address or a profile that is none."""
        if not endpoint.startswith(("http://", "https://")):
            raise LlmopsError(f"not an address of a collector: {endpoint}", hint="http://localhost:4318/v1/traces")
        if profile not in PROFILES:
            raise LlmopsError(f"there is no export profile `{profile}`", hint=f"there are {', '.join(PROFILES)}")
        self._endpoint = endpoint
        self._headers = dict(headers or {})
        self._profile = PROFILES[profile]
        self._timeout = timeout
        self._more = dict(resource or {})
        self._transport = transport
        self._resource: Resource = {}
        self._counts: Counts | None = None
        self._client: httpx.Client | None = None

    def open(self, resource: Resource, counts: Counts) -> None:
        """Raises LlmopsError where what it needs is not installed."""
        from llmops_git.runtime.otlp_proto import require_proto

        require_proto()
        self._resource = {**resource, **self._more}
        self._counts = counts

    def write(self, ready: Sequence[Ready]) -> int:
        done = refused = 0
        for batch in _batches(ready):
            try:
                refused += self._export([span for spans in batch for span in spans])
            except SinkUnavailable as error:
                error.done, error.refused = done, refused
                raise
            done += len(batch)
        return refused

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def after_fork(self) -> None:
        """The connection is the parent's."""
        self._client = None

    def _export(self, spans: list[Any]) -> int:
        """Send spans; how many were refused. Raises SinkUnavailable."""
        import httpx

        from llmops_git.runtime.otlp_proto import export_request, refused_spans

        body = gzip.compress(export_request(spans, self._resource, self._profile), compresslevel=1)
        try:
            response = self._open_client().post(self._endpoint, content=body)
        except httpx.HTTPError as error:
            raise SinkUnavailable(f"the collector does not answer: {type(error).__name__}: {error}") from None
        status = response.status_code
        if status in _SUCCESS:
            refused, why = refused_spans(response.content)
            return self._refuse(min(refused, len(spans)), why) if refused else 0
        if status in _AGAIN:
            raise SinkUnavailable(f"the collector answers {status}", retry_after=_seconds(response.headers.get("retry-after")))
        if status == _TOO_LARGE and len(spans) > 1:
            half = len(spans) // 2
            return self._export(spans[:half]) + self._export(spans[half:])
        return self._refuse(len(spans), f"HTTP {status}: {response.text[:_SHOWN]}")

    def _refuse(self, number: int, why: str) -> int:
        if self._counts is not None:
            self._counts.trouble("spans_refused", why, number)
        return number

    def _open_client(self) -> httpx.Client:
        if self._client is None:
            import httpx

            headers = {
                "content-type": "application/x-protobuf",
                "content-encoding": "gzip",
                "user-agent": f"llmops-git/{__version__}",
                **self._headers,
            }
            transport = None if self._transport is None else self._transport()
            self._client = httpx.Client(timeout=self._timeout, headers=headers, transport=transport)
        return self._client


def _batches(ready: Sequence[Ready]) -> Iterator[list[Ready]]:
    """Traces together up to the size of one export; a trace is not split."""
    batch: list[Ready] = []
    size = 0
    for spans in ready:
        if batch and size + len(spans) > MOST_SPANS:
            yield batch
            batch, size = [], 0
        batch.append(spans)
        size += len(spans)
    if batch:
        yield batch


def _seconds(header: str | None) -> float | None:
    try:
        return max(float(header), 0.0) if header is not None else None
    except ValueError:  # a date, which collectors do not send
        return None
