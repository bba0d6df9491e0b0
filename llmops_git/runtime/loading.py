"""`runtime.load`: from what an application says to a router."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from llmops_git.errors import LlmopsError
from llmops_git.runtime.asking import Asker
from llmops_git.runtime.bundle import Bundle, read_bundle
from llmops_git.runtime.file_sink import FileSink
from llmops_git.runtime.pipeline import Pipeline
from llmops_git.runtime.router import Router
from llmops_git.runtime.settings import Content, Settings
from llmops_git.runtime.sinks import Sink
from llmops_git.runtime.source import FileSource, FixedSource, Source


def load(
    name: str,
    environment: str | None = None,
    bundle: str | os.PathLike[str] | None = None,
    *,
    content: Content = "off",
    sample: float = 1.0,
    user_salt: str = "",
    secrets: Sequence[str] = (),
    service: str = "",
    sinks: Sequence[Sink] | None = None,
    policy: str | os.PathLike[str] | None = None,
    provider: Any = None,
    reload_seconds: float = 1.0,
    repository: str | os.PathLike[str] = ".",
    fetch: bool = False,
) -> Router:
    """The config `name` as it runs in `environment`, from a bundle file where `bundle` names one, else from git.

    Raises LlmopsError when there is no such bundle, or it does not hold what its digest says.
    """
    settings = Settings(
        service=service or os.environ.get("OTEL_SERVICE_NAME") or name,
        environment=environment or "",
        content=content,
        sample=sample,
        user_salt=user_salt,
        secrets=tuple(secrets),
    )
    pipeline = Pipeline(settings, [FileSink()] if sinks is None else sinks)
    source: Source
    if bundle is not None:
        source = FileSource(os.fspath(bundle), name, seconds=reload_seconds, counts=pipeline.counts)
    elif environment is not None:
        source = FixedSource(partial(_from_git, name, environment, repository, fetch))
    else:
        hint = f'runtime.load("{name}", environment="production"), or bundle="{name}.json"'
        raise LlmopsError("say which release runs: that of an environment, or of a bundle file", hint=hint)
    return Router(source, pipeline, Asker(policy=policy, provider=provider))


def _from_git(name: str, environment: str, repository: str | os.PathLike[str], fetch: bool) -> Bundle:
    from llmops_git.releases.deployed import deployed_bundle
    from llmops_git.repo.git import open_git

    data = deployed_bundle(open_git(repository), name, environment, fetch=fetch)
    return read_bundle(data, f"the bundle of `{name}` in {environment}", config=name)
