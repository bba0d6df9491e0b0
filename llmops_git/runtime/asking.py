"""Asks the bundle's model: through the providers of the policy beside the application, or one that the application gives."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops_git.errors import LlmopsError

POLICY_FILE = "llmops.yaml"  # as in configs.policy, which takes as long to import as all of this

if TYPE_CHECKING:
    from llmops_git.configs.policy import Policy, Price, ProviderSettings
    from llmops_git.providers.base import Provider, Reply, Request, Usage


class Asker:
    """Opens providers when they are first asked, and hands each call a connection of its own."""

    def __init__(self, *, policy: str | os.PathLike[str] | None = None, provider: Any = None) -> None:
        """`policy` is an `llmops.yaml`; without it the nearest one from the working directory upwards, or the well-known
        providers where there is none. `provider` answers instead of the bundle's: a Provider, its settings, or a mapping as in
        the policy (`{"api": "openai", "base_url": …}`)."""
        self._path = _nearest(POLICY_FILE) if policy is None else Path(policy).absolute()
        self._given = provider
        self._policy: Policy | None = None
        self._prices: Mapping[str, Price] | None = None
        self._opened: dict[str, Provider] = {}
        self._free: dict[str, list[int]] = {}
        self._lock = threading.RLock()

    def ask(self, request: Request) -> Reply:
        """The reply of the request's provider, asked once. Raises ProviderError, LlmopsError when it cannot be used."""
        provider = self._provider(request.provider)
        with self._worker(request.provider) as worker:
            return provider.generate(request, worker=worker)

    def cost_of(self, provider: str, model: str, usage: Usage) -> float | None:
        """US dollars of a call; None where the price is not known."""
        from llmops_git.providers.prices import cost_of, price_of, price_table

        if self._prices is None:
            self._prices = price_table(self.policy)
        return cost_of(price_of(self._prices, provider, model), usage)

    @property
    def policy(self) -> Policy:
        """Raises InvalidInput for a policy that is wrong, LlmopsError for one that is not there."""
        with self._lock:
            if self._policy is None:
                self._policy = _read_policy(self._path)
            return self._policy

    def close(self) -> None:
        """Close connections and models; asking opens them again."""
        with self._lock:
            opened, self._opened = self._opened, {}
        for provider in opened.values():
            provider.close()

    def after_fork(self) -> None:
        """In a child: connections are the parent's."""
        self._lock = threading.RLock()
        self._opened, self._free = {}, {}

    def _provider(self, name: str) -> Provider:
        with self._lock:
            found = self._opened.get(name)
            if found is None:
                found = self._opened[name] = self._open(name)
            return found

    def _open(self, name: str) -> Provider:
        given = self._given
        if given is not None and hasattr(given, "generate"):
            provider: Provider = given
            return provider
        from llmops_git.providers.table import open_provider

        return open_provider(_settings(name, given) if given is not None else self._declared(name), environ=os.environ)

    def _declared(self, name: str) -> ProviderSettings:
        if name not in self.policy.providers:
            raise LlmopsError(f"there is no provider `{name}` in llmops.yaml", hint="or: load(…, provider={…})")
        return self.policy.providers[name]

    @contextmanager
    def _worker(self, name: str) -> Iterator[int]:
        """A number that no other call under way has, and the lowest one, so that connections are used again."""
        with self._lock:
            free = self._free.setdefault(name, [0])
            number = free.pop()
            if not free:
                free.append(number + 1)
        try:
            yield number
        finally:
            with self._lock:
                free = self._free.setdefault(name, [0])
                free.append(number)
                free.sort(reverse=True)


def request_of(resolved: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> Request:
    """What is asked of a bundle's model with these messages."""
    from llmops_git.providers.base import Request

    model, output = resolved["model"], resolved.get("output") or {}
    return Request(
        provider=model["provider"],
        model=model["id"],
        messages=tuple(messages),
        parameters=model.get("parameters") or {},
        output_schema=output.get("schema"),
        tools=tuple(resolved.get("tools") or ()),
    )


def _settings(name: str, given: Any) -> ProviderSettings:
    from llmops_git.configs.policy import ProviderSettings

    if isinstance(given, ProviderSettings):
        return given
    try:
        return ProviderSettings(**{"name": name, "api": "openai", **given})
    except TypeError as error:
        raise LlmopsError(f"provider: {error}", hint='provider={"api": "openai", "base_url": "https://…/v1"}') from None


def _read_policy(found: Path | None) -> Policy:
    """The policy in a file, with the prices beside it."""
    from llmops_git.configs.policy_file import PRICES_FILE, load_policy
    from llmops_git.configs.tree import DictTree

    if found is None:
        return load_policy(DictTree({}), "")
    if not found.is_file():
        raise LlmopsError(f"{found} is not there")
    files = {POLICY_FILE: found.read_bytes()}
    prices = found.with_name(PRICES_FILE)
    if prices.is_file():
        files[PRICES_FILE] = prices.read_bytes()
    return load_policy(DictTree(files), "")


def _nearest(name: str) -> Path | None:
    folder = Path.cwd()
    return next((place / name for place in (folder, *folder.parents) if (place / name).is_file()), None)
