"""What an application imports: a released config that runs, and a trace of every request that names its release.

Importing this costs next to nothing: the rest comes with the first `load`, when a program starts anyway.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from llmops_git.runtime.context import current

if TYPE_CHECKING:
    from llmops_git.runtime.file_sink import FileSink
    from llmops_git.runtime.loading import load
    from llmops_git.runtime.otel import OtelSink
    from llmops_git.runtime.otlp_sink import OtlpSink
    from llmops_git.runtime.request import Request
    from llmops_git.runtime.router import Router, flush, signal, stats

__all__ = ["FileSink", "OtelSink", "OtlpSink", "Request", "Router", "current", "flush", "load", "signal", "stats"]

_HOMES = {
    "FileSink": "file_sink", "OtelSink": "otel", "OtlpSink": "otlp_sink", "Request": "request", "Router": "router",
    "flush": "router", "load": "loading", "signal": "router", "stats": "router",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
