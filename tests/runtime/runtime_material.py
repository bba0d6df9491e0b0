"""Bundles on disk and the spans that a router wrote, for the tests of the runtime."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmops_git.configs.digest import digest_of
from llmops_git.releases.bundle import SCHEMA, format_bundle
from llmops_git.runtime import FileSink, Router, load
from llmops_git.traces import attributes as names
from llmops_git.traces.otlp import from_otlp_line
from llmops_git.traces.span import Span

MODEL = "test-model-2026-01-01"
RESOLVED: Mapping[str, Any] = {
    "inputs": {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}},
    "messages": [
        {"role": "system", "template": "Route it.{% for document in documents %} {{ document.text }}{% endfor %}"},
        {"role": "user", "template": "{{ message }}"},
    ],
    "model": {"provider": "openai", "id": MODEL, "parameters": {"temperature": 0}},
    "templates": {},
}


def bundle_bytes(version: str = "1.0.0", **changes: Any) -> bytes:
    """A bundle of the config `router`; `changes` are parts of what is resolved."""
    resolved = {**RESOLVED, **changes}
    return format_bundle(
        {
            "schema": SCHEMA,
            "config": "router",
            "release": f"llmops/router/v{version}",
            "tag_object": "0" * 40,
            "commit": "1" * 40,
            "digest": digest_of(resolved),
            "resolved": resolved,
        }
    )


def loaded(folder: Path, *, bundle: bytes | None = None, **options: Any) -> Router:
    """A router of a bundle in this folder, whose traces go to `folder/raw`."""
    file = folder / "router.json"
    file.write_bytes(bundle_bytes() if bundle is None else bundle)
    options.setdefault("sinks", [FileSink(folder / "raw")])
    return load("router", environment="production", bundle=file, **options)


def written(folder: Path, router: Router | None = None) -> list[Span]:
    """All spans in the folder's files, in the order of files and lines."""
    if router is not None:
        assert router.flush(20)
    lines = [line for file in sorted((folder / "raw").glob("*.jsonl")) for line in file.read_text().splitlines()]
    return [span for line in lines for span in from_otlp_line(line)]


def by_operation(spans: list[Span], operation: str) -> list[Span]:
    return [span for span in spans if span.attributes.get(names.OPERATION) == operation]


def the(spans: list[Span], operation: str) -> Span:
    """The one span of this operation."""
    [span] = by_operation(spans, operation)
    return span


def text_in(spans: list[Span]) -> str:
    """Everything that some spans say, as one text to search in."""
    return json.dumps([[span.name, span.error, dict(span.attributes)] for span in spans], ensure_ascii=False)
