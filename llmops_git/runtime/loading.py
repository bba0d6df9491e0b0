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
    worktree: bool = False,
    like: Router | None = None,
) -> Router:
    """The config `name` as it runs in `environment`: from a bundle file where `bundle` names one, and then `environment` only
    says where this is; else from git. With `worktree` it is the config of the work tree, edited or not: for development.

    `content` is what of the texts is captured, `sample` the share of requests whose traces are kept; `user_salt` hashes user
    ids; `secrets` are texts that never leave with content "redacted". Without `sinks`, traces go to files (`FileSink`).
    `policy` and `provider` say who answers `generate`: an `llmops.yaml`, or a provider instead of the bundle's. A bundle file
    is looked at again every `reload_seconds`; git is read from `repository`, after a fetch with `fetch`. A router that is
    `like` another records and asks as that one does, with the same files and threads.

    Raises LlmopsError when there is no such bundle, it does not hold what its digest says, or a setting is wrong.
    """
    if like is None:
        settings = Settings(
            service=service or os.environ.get("OTEL_SERVICE_NAME") or name,
            environment=environment or "",
            content=content,
            sample=sample,
            user_salt=user_salt,
            secrets=tuple(secrets),
        )
        pipeline = Pipeline(settings, [FileSink()] if sinks is None else sinks)
        asker = Asker(policy=policy, provider=provider)
    else:
        pipeline, asker = like.pipeline, like.asker
    source: Source
    if bundle is not None:
        path = os.path.abspath(os.fspath(bundle))  # noqa: PTH100  # the application may change its folder
        source = FileSource(path, name, seconds=reload_seconds, counts=pipeline.counts)
    elif worktree:
        source = FixedSource(partial(_from_work_tree, name, repository))
    elif environment is not None:
        source = FixedSource(partial(_from_git, name, environment, repository, fetch))
    else:
        hint = f'runtime.load("{name}", environment="production"), or bundle="{name}.json"'
        raise LlmopsError("say which release runs: that of an environment, or of a bundle file", hint=hint)
    _get_ready(source.now())
    router = Router(source, pipeline, asker)
    router.guards(router.bundle)
    return router


def _from_work_tree(name: str, repository: str | os.PathLike[str]) -> Bundle:
    """The config as it stands in the files. It has no release: its traces are those of an unreleased digest."""
    from llmops_git.configs.load import load_config
    from llmops_git.configs.paths import config_files, known_names, named_files, suggestion
    from llmops_git.configs.policy_file import load_policy
    from llmops_git.repo.git import open_git
    from llmops_git.repo.project_policy import policy_root
    from llmops_git.repo.trees import work_tree

    git = open_git(repository)
    tree = work_tree(git)
    policy = load_policy(tree, policy_root(git))
    named, _ = named_files(config_files(tree.walk(), policy))
    if name not in named:
        hint = suggestion(name, named) or f"the configs are: {known_names(named)}"
        raise LlmopsError(f"there is no config `{name}` in the work tree", hint=hint)
    config = load_config(tree, named[name], policy)
    return Bundle(config=name, release="", digest=config.digest, commit="", resolved=config.resolved)


def _get_ready(bundle: Bundle) -> None:
    """Import and compile what requests need, so that the first one takes as long as the others. Raises LlmopsError where a
    template does not compile."""
    from llmops_git.configs.template import render_messages  # noqa: F401
    from llmops_git.configs.template_environment import compiled
    from llmops_git.runtime import generating, guarding, replies  # noqa: F401

    try:
        for message in bundle.resolved.get("messages") or ():
            compiled(message["template"])
    except Exception as error:  # noqa: BLE001  # a template can make its compiler raise anything
        raise LlmopsError(f"a template of `{bundle.config}` does not compile: {error}") from None


def _from_git(name: str, environment: str, repository: str | os.PathLike[str], fetch: bool) -> Bundle:
    from llmops_git.releases.deployed import deployed_bundle
    from llmops_git.repo.git import open_git

    data = deployed_bundle(open_git(repository), name, environment, fetch=fetch)
    return read_bundle(data, f"the bundle of `{name}` in {environment}", config=name)
