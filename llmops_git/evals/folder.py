"""The run folder: run.json (the evidence), report.json, comment.md and traces.jsonl, each whole or not there.

`report.json` is written last, so a folder that has one is complete. The folder is the user's own: a `.llmops` that a pull
request made a link to somewhere else is not followed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from llmops_git.errors import LlmopsError
from llmops_git.evals.evidence import run_document, run_from_document, sample_document
from llmops_git.evals.values import Run
from llmops_git.repo.ignored import home_of, keep_out_of_git
from llmops_git.traces.otlp import from_otlp_line, to_otlp_line
from llmops_git.traces.span import Span

RUNS_FILE, REPORT_FILE, COMMENT_FILE, TRACES_FILE = "run.json", "report.json", "comment.md", "traces.jsonl"
FORMAT = "llmops-git/runs/1"
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def write_run_folder(
    folder: Path,
    *,
    runs: Sequence[Run],
    spans: Iterable[Span],
    report: Mapping[str, Any],
    comment: str,
    header: Mapping[str, Any] | None = None,
) -> None:
    """Write all four files. `header` is what `run.json` says besides the runs, where they are not all of them.

    Raises LlmopsError when the folder cannot be written or leads through a link.
    """
    _refuse_links(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        keep_out_of_git(folder)
        write_whole(folder / TRACES_FILE, _trace_lines(spans))
        write_whole(folder / RUNS_FILE, _run_lines(runs, header or {"format": FORMAT}))
        write_whole(folder / COMMENT_FILE, [comment])
        write_whole(folder / REPORT_FILE, [json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False), "\n"])
    except OSError as error:
        raise LlmopsError(f"the run folder cannot be written: {error}") from None


def read_runs(folder: Path) -> tuple[Run, ...]:
    """The runs of a run folder. Raises LlmopsError when they are missing or broken."""
    path = folder / RUNS_FILE
    try:
        document = json.loads(path.read_bytes())
        if "shard" in document:
            raise LlmopsError(f"{path} is one shard of a run", hint="llmops-git merge FOLDER… --output FOLDER")
        if document["format"] != FORMAT:
            raise LlmopsError(f"{path}: this version cannot read format {document['format']!r}")
        runs = list(document["runs"])
    except OSError as error:
        raise LlmopsError(f"{path} cannot be read: {error.strerror}", hint="llmops-git eval") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise LlmopsError(f"{path} is not a run file") from None
    return tuple(run_from_document(run) for run in runs)


def read_spans(folder: Path) -> Iterator[Span]:
    """The spans of a run folder, as they are read; none where it has no traces. Raises LlmopsError for a line that is none."""
    path = folder / TRACES_FILE
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                yield from from_otlp_line(line)


def write_whole(path: Path, parts: Iterable[str]) -> None:
    """Write a file beside its place and move it there, so that nobody ever sees half of it. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.writelines(parts)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _run_lines(runs: Sequence[Run], header: Mapping[str, Any]) -> Iterator[str]:
    """All runs as one JSON object, with a line for each sample."""
    yield f'{_dumped(header)[:-1]}, "runs": ['
    for number, run in enumerate(runs):
        document = run_document(replace(run, samples=()))
        del document["samples"]
        yield ("," if number else "") + "\n" + _dumped(document)[:-1] + ', "samples": ['
        for place, sample in enumerate(run.samples):
            yield ("," if place else "") + f"\n {_dumped(sample_document(sample))}"
        yield "\n]}"
    yield "\n]}\n"


def _dumped(document: Any) -> str:
    return _ENCODER.encode(document)


def _trace_lines(spans: Iterable[Span]) -> Iterator[str]:
    """One line per trace."""
    for _, trace in groupby(spans, key=lambda span: span.trace_id):
        yield to_otlp_line(trace) + "\n"


def _refuse_links(folder: Path) -> None:
    home = home_of(folder)
    parts = [folder] if home is None else [part for part in (folder, *folder.parents) if part == home or home in part.parents]
    for part in parts:
        if part.is_symlink():
            raise LlmopsError(f"{part} is a link, and run folders are not written through links", hint=f"rm {part}")
