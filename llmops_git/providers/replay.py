"""Recorded replies: one JSON file per request key in a folder, answered from it, or written to it while another answers."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path

from llmops_git.errors import LlmopsError
from llmops_git.providers.base import Provider, ProviderError, Reply, Request
from llmops_git.providers.reply_json import reply_document, reply_from_document

CONCURRENCY = 4


class ReplayProvider:
    """Answers from a folder of recorded replies. A request that is not in it is an error that says so."""

    def __init__(self, name: str, folder: Path) -> None:
        """Raises LlmopsError when there is no such folder."""
        if not folder.is_dir():
            raise LlmopsError(
                f"provider `{name}`: there is no folder of recorded replies at {folder}", hint="record with --record"
            )
        self._name = name
        self._folder = folder
        self._fingerprint = ""

    @property
    def concurrency(self) -> int:
        return CONCURRENCY

    def fingerprint(self) -> str:
        """Names the recordings by their content: other recordings are another engine."""
        if not self._fingerprint:
            digest = hashlib.sha256()
            for path in sorted(self._folder.glob("*.json")):
                digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
            self._fingerprint = f"replay sha256:{digest.hexdigest()}"
        return self._fingerprint

    def generate(self, request: Request, *, worker: int) -> Reply:  # noqa: ARG002
        """The recorded reply. Raises ProviderError (replay_miss), or LlmopsError when the file is not a recording."""
        key = request.key(request.sample)
        path = self._folder / f"{key}.json"
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            message = f"{self._name}: no recorded reply {key[:12]}… in {self._folder}"
            raise ProviderError("replay_miss", message, hint=f"record it: --record {self._folder}") from None
        try:
            return reply_from_document(json.loads(content)["reply"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise LlmopsError(f"{path} is not a recorded reply: {error}", hint="delete it and record again") from None

    def close(self) -> None:
        """Nothing is held open."""


class RecordingProvider:
    """Passes every request to another provider and writes what came back. Errors are not recorded."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self._provider = provider
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def concurrency(self) -> int:
        return self._provider.concurrency

    def fingerprint(self) -> str:
        """Unlike the recorded provider's own, so that no cached reply stands in for one that is to be recorded."""
        return f"{self._provider.fingerprint()}, recording"

    def generate(self, request: Request, *, worker: int) -> Reply:
        """The other provider's reply. Raises what it raises."""
        reply = self._provider.generate(request, worker=worker)
        write_recording(self._folder, request, reply)
        return reply

    def close(self) -> None:
        self._provider.close()


def write_recording(folder: Path, request: Request, reply: Reply) -> None:
    """Write one recording, whole or not at all. The request is in it for people; only the file's name is looked up."""
    key = request.key(request.sample)
    asked = {"provider": request.provider, "model": request.model, "sample": request.sample}
    asked |= {"messages": [dict(message) for message in request.messages], "parameters": dict(request.parameters)}
    document = {"request": asked, "reply": reply_document(reply)}
    temporary = folder / f".{key}.{os.getpid()}.{threading.get_ident()}.tmp"
    temporary.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(folder / f"{key}.json")
