"""The record of what runs: `<config>.conf` beside each bundle on an environment branch, in the format of git config.

A deploy script reads it with `git config --blob <branch>:<config>.conf running.release`, without parsing JSON. It holds
only names, ids and digests that match narrow patterns, so no value ever needs quoting.
"""

from __future__ import annotations

import re

from llmops_git.releases.tags import parse_tag
from llmops_git.releases.values import Running

SECTION = "running"
_OID = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_PATTERNS = {
    "release": re.compile(r"llmops/[a-z0-9-]+/v[0-9.]+", re.ASCII),
    "tag-object": re.compile(_OID),
    "commit": re.compile(_OID),
    "digest": re.compile(r"sha256:[0-9a-f]{64}"),
    "bundle": re.compile(_OID),
    "action": re.compile(r"promote|rollback"),
}
_LINE = re.compile(r"\s*([a-z-]+)\s*=\s*(\S+)\s*")


def record_name(config: str) -> str:
    return f"{config}.conf"


def bundle_name(config: str) -> str:
    return f"{config}.json"


def format_record(running: Running) -> bytes:
    """The record of one config."""
    values = {
        "release": running.release,
        "tag-object": running.tag_object,
        "commit": running.commit,
        "digest": running.digest,
        "bundle": running.bundle,
        "action": running.action,
    }
    for key, value in values.items():
        if not _PATTERNS[key].fullmatch(value):
            raise ValueError(f"{value!r} cannot be the {key} of a record")
    lines = "".join(f"\t{key} = {value}\n" for key, value in values.items())
    return f"[{SECTION}]\n{lines}".encode()


def parse_record(config: str, data: bytes) -> Running | None:
    """The record of one config; None when it is not one, or is about another config."""
    values: dict[str, str] = {}
    lines = [
        line for line in data.decode(errors="replace").splitlines() if line.strip() and not line.strip().startswith(("#", ";"))
    ]
    if not lines or lines[0].strip() != f"[{SECTION}]":
        return None
    for line in lines[1:]:
        match = _LINE.fullmatch(line)
        if match is None or match[1] not in _PATTERNS or match[1] in values or not _PATTERNS[match[1]].fullmatch(match[2]):
            return None
        values[match[1]] = match[2]
    tag = parse_tag(values.get("release", ""))
    if values.keys() != _PATTERNS.keys() or tag is None or tag.config != config:
        return None
    return Running(
        config=config,
        release=values["release"],
        tag_object=values["tag-object"],
        commit=values["commit"],
        digest=values["digest"],
        bundle=values["bundle"],
        action="rollback" if values["action"] == "rollback" else "promote",
    )
