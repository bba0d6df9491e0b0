"""The suite of what people said of live texts: where it is, what it holds, and adding to it. A text is written once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops_git.errors import InvalidInput, LlmopsError
from llmops_git.guardrails.suites import FOLDER, SuiteFile, read_suite

if TYPE_CHECKING:
    from llmops_git.commands.project import Project


def text_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def reviewed_path(project: Project, pack: str) -> Path:
    """Where the labels about a pack are kept. Raises LlmopsError in a bare repository, or where it is behind a link."""
    from llmops_git.configs.references import GUARDRAILS

    work_tree = project.git.location.work_tree
    if work_tree is None:
        raise LlmopsError("a bare repository has no work tree to keep labels in", hint="run this in a clone")
    path = Path(work_tree) / project.root / GUARDRAILS / FOLDER / f"{reviewed_name(pack)}.jsonl"
    for part in (path.parent.parent, path.parent, path):
        if part.is_symlink():
            raise LlmopsError(f"{part} is a link, and labels are not kept behind links", hint=f"rm {part}")
    return path


def reviewed_name(pack: str) -> str:
    return f"reviewed-{pack}"


def read_reviewed(path: Path) -> SuiteFile | None:
    """The labels that are there. Raises InvalidInput where the file is broken: adding to it would lose them."""
    try:
        file = read_suite(str(path), path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LlmopsError(f"{path} cannot be read: {error.strerror}") from None
    if file.problems:
        raise InvalidInput(file.problems)
    return file


def append_rows(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Add lines to a suite whose texts it does not have yet; how many they were. Raises LlmopsError."""
    file = read_reviewed(path)
    known = {text_digest(text.text) for text in file.texts} if file else set()
    ids = {text.id for text in file.texts} if file else set()
    added = b""
    count = 0
    for row in rows:
        digest = text_digest(row["text"])
        if digest in known or row["id"] in ids:
            continue
        known.add(digest)
        ids.add(row["id"])
        added += json.dumps(row).encode() + b"\n"
        count += 1
    if added:
        _append(path, added)
    return count


def _append(path: Path, data: bytes) -> None:
    """At the end of the file, on a line of its own."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(path, flags, 0o644), "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                data = data if file.read(1) == b"\n" else b"\n" + data
            file.write(data)
    except OSError as error:
        raise LlmopsError(f"{path} cannot be written: {error.strerror}") from None


def rows_of_file(path: Path) -> list[dict[str, Any]]:
    """The lines of a downloaded label file. Raises InvalidInput with the line of what is wrong."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LlmopsError(f"{path} cannot be read: {error.strerror}") from None
    file = read_suite(str(path), data)
    if file.problems:
        raise InvalidInput(file.problems)
    return [
        {"id": text.id, "text": text.text, "attack": text.attack, "family": text.family,
         **({"side": text.side} if text.side else {}), "source": dict(text.source)}
        for text in file.texts
    ]  # fmt: skip
