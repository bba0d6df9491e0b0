"""One copy of a model: a llama.cpp server object in this process, asked by one thread at a time."""

from __future__ import annotations

import json
import secrets
import threading
import time
from typing import Any

import xllamacpp

from llmops_git.errors import LlmopsError
from llmops_git.providers.base import ProviderError, Reply, Request
from llmops_git.providers.embedded_chat import neutralizer, payload, reply_of
from llmops_git.providers.gguf import control_tokens
from llmops_git.providers.weights import Weights

CONTEXT_TOKENS = 4096
_SILENT = -1
_SHOWN = 16  # digits of the weights' hash in each reply; the whole of it is checked when they are loaded
# Goes on with " Paris" when nothing holds it back, and a JSON value cannot start like that.
_PROBE = "The capital of France is"
_JSON_STARTS = '{["-0123456789tfn'


class Engine:
    """A loaded model. Loading takes half a second for the smallest one."""

    def __init__(self, model: str, weights: Weights) -> None:
        """Raises LlmopsError when the file cannot be loaded."""
        self._neutral = neutralizer(control_tokens(weights.path))
        self._engine = f"gguf sha256:{weights.sha256[:_SHOWN]}"
        self._grammars: dict[str, str] = {}
        self._lock = threading.Lock()
        try:
            self._server = xllamacpp.Server(_parameters(model, str(weights.path)))
        except RuntimeError as error:
            raise LlmopsError(f"the model at {weights.path} cannot be loaded: {error}") from None

    def answer(self, request: Request, timeout: float) -> Reply:
        """The model's reply, or ProviderError. The timeout is looked at whenever a token is there."""
        with self._lock:
            if self._server is None:
                raise ProviderError("server", f"model `{request.model}` was closed")
            body = payload(request, grammar=self._grammar(request), neutral=self._neutral)
            return self._stream(request, body, timeout)

    def close(self) -> None:
        """Free the memory."""
        with self._lock:
            self._server = None

    def _stream(self, request: Request, body: dict[str, Any], timeout: float) -> Reply:
        chunks: list[dict[str, Any]] = []
        started = time.perf_counter()

        def take(chunk: dict[str, Any]) -> bool:
            """Keep a chunk; true stops the model."""
            chunks.append(chunk)
            return time.perf_counter() - started > timeout

        try:
            self._server.handle_chat_completions(body, take)
        except (RuntimeError, ValueError) as error:
            raise ProviderError("bad_request", f"model `{request.model}`: {error}") from None
        seconds = time.perf_counter() - started
        reply = reply_of(request, chunks, latency_seconds=seconds, engine=self._engine)
        if seconds > timeout and not reply.finish_reason:
            raise ProviderError("timeout", f"model `{request.model}` took longer than {timeout:g} s", charged=True)
        return reply

    def _grammar(self, request: Request) -> str:
        """The grammar that holds the reply to the request's schema; "" without one."""
        if request.output_schema is None:
            return ""
        text = json.dumps(request.output_schema)
        if text not in self._grammars:
            grammar = xllamacpp.json_schema_to_grammar(dict(request.output_schema))
            if not self._holds(grammar):
                raise ProviderError(
                    "bad_request",
                    f"model `{request.model}` runs in this process, and its runtime cannot hold a reply to this output schema",
                    hint="use plain types, enums, required properties and anchored patterns without look-around",
                )
            self._grammars[text] = grammar
        return self._grammars[text]

    def _holds(self, grammar: str) -> bool:
        """Whether the runtime really applies a grammar: what it does not understand it drops without a word."""
        asked = {"prompt": _PROBE, "max_tokens": 1, "temperature": 0, "grammar": grammar, "cache_prompt": False}
        said = self._server.handle_completions(asked)
        if "choices" not in said:
            return False
        start = said["choices"][0]["text"].strip()[:1]
        return start in _JSON_STARTS


def _parameters(model: str, path: str) -> Any:
    """Settings of the runtime. What is fixed here is what makes equal requests have equal replies, and keeps it private."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = path
    parameters.model_alias = {model}
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.fit_params = False  # or the context would depend on the memory that is free
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 1  # two threads that spin for each other are slower than one on a busy machine
    parameters.cpuparams_batch.n_threads = 1
    parameters.cache_prompt = False
    parameters.cache_ram_mib = 0
    parameters.warmup = False
    parameters.verbosity = _SILENT
    # the server object also listens on a loopback port: nobody else on this machine is to use it or to read prompts there
    parameters.api_keys = [secrets.token_hex()]
    parameters.endpoint_slots = False
    parameters.ui = False
    parameters.n_threads_http = 1
    return parameters
