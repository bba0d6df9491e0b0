"""A language model in this process: llama.cpp through xllamacpp, one copy of the model for each worker.

Made so that equal requests have equal replies: one thread per copy, no prompt cache (with it a reply depends on what was
asked before), one request at a time, a context of fixed size, a fixed seed.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.configs.policy import ProviderSettings
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import Reply, Request
from llmops_git.providers.embedded_chat import check_request
from llmops_git.providers.weights import Weights, check_name, known_weights, own_weights

if TYPE_CHECKING:
    from llmops_git.providers.embedded_engine import Engine

RUNTIME = "xllamacpp"
_MOST_COPIES = 2  # of a model, unless the policy says more: a copy of the smallest one takes 250 MB


class EmbeddedProvider:
    """Answers with a GGUF model: a known one, fetched on first use, or the file at `settings.model_path`.

    Raises LlmopsError when the runtime is not installed. Weights are looked for when the first request names a model.
    """

    def __init__(self, settings: ProviderSettings, *, environ: Mapping[str, str] | None = None) -> None:
        if importlib.util.find_spec(RUNTIME) is None:
            raise LlmopsError(
                f"provider `{settings.name}` needs {RUNTIME}, which is not installed", hint='pip install "llmops-git[embedded]"'
            )
        self._settings = settings
        self._environ = os.environ if environ is None else environ
        self._weights: dict[str, Weights] = {}
        self._engines: dict[tuple[str, int], Engine] = {}
        self._finding = threading.Lock()
        self._loading = threading.Lock()

    @property
    def concurrency(self) -> int:
        """Copies of the model that answer at once: `concurrency` of the policy, or as many as there are cores, up to 2."""
        return self._settings.concurrency or min(_MOST_COPIES, _cores())

    def fingerprint(self) -> str:
        """Runtime, version, system and its instruction sets; for a file of the user's also its hash, since only that says what
        answers. Replies are reused only where it is equal. Raises LlmopsError when the file cannot be read."""
        return self._fingerprint

    def generate(self, request: Request, *, worker: int) -> Reply:
        """Ask the worker's copy of the model. A seed in the parameters is told apart by sample, so repeats differ.

        Raises ProviderError (bad_request) for what the model or the runtime cannot do, (timeout) when it takes longer than
        the provider's timeout; LlmopsError and NotMeasured when there are no weights.
        """
        check_request(request)
        return self._engine(request.model, worker % self.concurrency).answer(request, self._settings.timeout)

    def close(self) -> None:
        """Free the models, after calls under way have ended."""
        with self._loading:
            engines, self._engines = self._engines, {}
        for engine in engines.values():
            engine.close()

    @cached_property
    def _fingerprint(self) -> str:
        import xllamacpp

        system = f"{platform.system().lower()}-{platform.machine().lower()}"
        features = xllamacpp.get_system_info().replace(" = 1", "").replace(" |", "").split()
        words = [word for word in features if word not in {"CPU", ":"}]
        runtime = f"{RUNTIME} {xllamacpp.__version__} {system} {' '.join(words)}"
        if not self._settings.model_path:
            return runtime
        return f"{runtime}; {Path(self._settings.model_path).name} sha256:{self._own_file.sha256}"

    @cached_property
    def _own_file(self) -> Weights:
        return own_weights(self._settings)

    def _engine(self, model: str, worker: int) -> Engine:
        weights = self._found(model)
        with self._loading:
            engine = self._engines.get((model, worker))
            if engine is None:
                from llmops_git.providers.embedded_engine import Engine

                engine = self._engines[model, worker] = Engine(model, weights)
        return engine

    def _found(self, model: str) -> Weights:
        with self._finding:
            if model not in self._weights:
                self._weights[model] = self._find(model)
            return self._weights[model]

    def _find(self, model: str) -> Weights:
        if not self._settings.model_path:
            return known_weights(model, self._settings.name, self._environ)
        check_name(model, self._settings)
        return self._own_file


def _cores() -> int:
    """Cores that this process may use; a container's share counts where the system says so."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
