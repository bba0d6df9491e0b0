"""The record of one shard (`schemas/shard.schema.json`): what it measured, and of what. It is the `run.json` of its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from llmops_git.errors import LlmopsError
from llmops_git.evals.evidence import run_from_document
from llmops_git.evals.shards import Shard
from llmops_git.evals.values import Run, Spending

FORMAT = "llmops-git/shard/1"
RUNS_FILE = "run.json"
MOST_BYTES = 256 * 1024 * 1024
_AGAIN = "llmops-git eval --shard I/N --output FOLDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What all shards of one run have in common. `configs`, `environment` and `repeats` are what was asked for; `policy` is
    the digest of the policy that held."""

    tool: str
    base: str
    head: str
    policy: str
    policy_side: Literal["base", "head"] = "base"
    configs: tuple[str, ...] = ()
    environment: str = ""
    repeats: int = 0
    first_repeat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """One shard. `not_asked` says why no model was asked, where none was."""

    shard: Shard
    of: Measured
    runs: tuple[Run, ...] = ()
    spending: Spending = field(default_factory=Spending)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    not_asked: str = ""


def shard_header(record: ShardRecord) -> dict[str, Any]:
    """The record as a JSON object, without its runs."""
    return {
        "format": FORMAT,
        "shard": asdict(record.shard),
        **asdict(record.of),
        "fingerprints": dict(record.fingerprints),
        "spending": asdict(record.spending),
        "problems": list(record.problems),
        "not_asked": record.not_asked,
    }


def read_shard_folder(folder: Path) -> ShardRecord:
    """The record in a shard's folder. Raises LlmopsError when it is missing, broken, or no shard's."""
    path = folder / RUNS_FILE
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
        document = json.loads(data) if len(data) <= MOST_BYTES else None
    except OSError as error:
        raise LlmopsError(f"{path} cannot be read: {error.strerror}", hint=_AGAIN) from None
    except (ValueError, RecursionError):
        raise LlmopsError(f"{path} is not JSON", hint=_AGAIN) from None
    if document is None:
        raise LlmopsError(f"{path} is larger than {MOST_BYTES // 1024 // 1024} MB")
    return record_from_document(document, str(path))


def record_from_document(document: Any, path: str) -> ShardRecord:
    """The record in a JSON object. Raises LlmopsError, naming `path` and what is wrong."""
    from llmops_git.configs.schema import validator

    if isinstance(document, Mapping) and document.get("format") != FORMAT:
        raise LlmopsError(f"{path} is no shard of a run: format {str(document.get('format'))[:80]!r}", hint=_AGAIN)
    wrong = next(iter(validator("shard").iter_errors(document)), None)
    if wrong is not None:
        raise LlmopsError(f"{path}: {wrong.json_path[:200]}: {wrong.message[:200]}", hint=_AGAIN)
    common = {name: document[name] for name in Measured.__slots__}
    try:
        runs = tuple(run_from_document(run) for run in document["runs"])
    except LlmopsError as error:
        raise LlmopsError(f"{path}: {error.message}", hint=_AGAIN) from None
    return ShardRecord(
        shard=Shard(**document["shard"]),
        of=Measured(**{**common, "configs": tuple(common["configs"])}),
        runs=runs,
        spending=Spending(**document["spending"]),
        fingerprints=document["fingerprints"],
        problems=tuple(document["problems"]),
        not_asked=document["not_asked"],
    )
