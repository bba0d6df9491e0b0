"""The workflows that `init` writes: packaged texts with a few places to fill in. No I/O but reading the package's own files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from llmops_git.errors import LlmopsError

NAMES = ("evaluate", "comment", "release", "promote", "rollback", "monitor", "upgrade", "fork")
_ASKING = frozenset({"evaluate", "release", "upgrade", "fork"})  # those that ask a model
FOLDER = ".github/workflows"
_TEXTS = Path(__file__).parents[1] / "workflows"
_BLOCK = re.compile(r"^( *)@([a-z-]+)@\n", re.MULTILINE)
_WORD = re.compile(r"@([a-z]+)@")
_PLAIN = re.compile(r"[\w./-]+")
# a job of a fork gets no secrets from GitHub, unless a private repository is set to send them: this holds there too
_OWN = "(github.event_name == 'merge_group' || github.event.pull_request.head.repo.full_name == github.repository)"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSettings:
    """What differs from one repository to another. `action` stands after `uses:`; `folder` is "" at the top."""

    action: str
    branch: str
    folder: str = ""
    key_env: str = ""  # name of the secret with the provider's key; "" where the provider needs none
    embedded: bool = False
    environments: tuple[str, ...] = ("staging", "production")


def workflow_files(settings: WorkflowSettings) -> dict[str, str]:
    """Repository-relative path -> text. Raises LlmopsError for a folder or branch that a workflow cannot name plainly."""
    for what, value in (("branch", settings.branch), ("folder", settings.folder)):
        if value and not _PLAIN.fullmatch(value):
            message = f"the {what} {json.dumps(value)} cannot be written into a workflow"
            raise LlmopsError(message, hint="llmops-git init --no-workflows, and write the workflows by hand")
    return {f"{FOLDER}/llmops-{name}.yml": render(name, settings) for name in NAMES}


def render(name: str, settings: WorkflowSettings) -> str:
    """One workflow. A place on a line of its own becomes lines, or nothing; a place within a line becomes a word."""
    text = (_TEXTS / f"{name}.yml").read_text(encoding="utf-8")
    blocks = {"key": _key(settings.key_env), "own-key": _own_key(settings.key_env), "project": _project(name, settings)}
    words = {"action": settings.action, "branch": settings.branch, "environments": ", ".join(settings.environments)}
    text = _BLOCK.sub(lambda found: "".join(f"{found[1]}{line}\n" for line in blocks[found[2]]), text)
    return _WORD.sub(lambda found: words[found[1]], text)


def _key(name: str) -> list[str]:
    return ["env:", f"  {name}: ${{{{ secrets.{name} }}}}"] if name else []


def _own_key(name: str) -> list[str]:
    return ["env:", f"  {name}: ${{{{ {_OWN} && secrets.{name} || '' }}}}"] if name else []


def _project(name: str, settings: WorkflowSettings) -> list[str]:
    lines = [f"working-directory: {settings.folder}"] if settings.folder else []
    return [*lines, 'embedded: "true"'] if settings.embedded and name in _ASKING else lines
