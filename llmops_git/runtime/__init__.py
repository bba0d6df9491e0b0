"""What an application imports: a released config that runs, and a trace of every request that names its release."""

from __future__ import annotations

from llmops_git.runtime.context import current
from llmops_git.runtime.file_sink import FileSink
from llmops_git.runtime.loading import load
from llmops_git.runtime.request import Request
from llmops_git.runtime.router import Router, signal

__all__ = ["FileSink", "Request", "Router", "current", "load", "signal"]
