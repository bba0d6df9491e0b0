"""What every job of `ci` is given: the event, the forge, the log of the step and the inputs. Jobs return exit codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from llmops_git.forges.base import Forge
from llmops_git.forges.event import Event
from llmops_git.forges.joblog import Annotation, AnnotationLevel, JobLog
from llmops_git.reports.clean import clean

Mode = Literal["auto", "live", "replay", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of the Action (and the options of `llmops-git ci`, which have the same names)."""

    configs: tuple[str, ...] = ()
    base: str = ""
    comment: Literal["auto", "off"] = "auto"
    comment_key: str = "default"
    mode: Mode = "auto"
    replies: str = ""  # folder of recorded replies for mode replay, read from the base commit
    max_usd: float | None = None
    fail_on: Literal["gate", "never"] = "gate"
    report_dir: Path = Path(".llmops/ci")
    environment: str = ""
    version: str = ""
    reason: str = ""
    as_pull_request: bool = False
    pull_request: int | None = None  # maintainer-approved evaluation of a fork: which one
    commit: str = ""  # … and the exact commit that was approved
    model: str = ""  # upgrade
    shard: str = ""  # evaluate: only this part, as I/N
    shards: tuple[str, ...] = ()  # merge: the folders of all parts
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One step of a job. `token` authenticates git against `server` only, and is in no environment any more."""

    event: Event
    forge: Forge | None  # None: no token, or nothing may be written
    log: JobLog
    inputs: Inputs
    token: str = ""
    server: str = ""  # https://github.com
    environ: Mapping[str, str] = field(default_factory=dict)

    def output(self, **values: str) -> None:
        """Set outputs; an underscore in a name stands for a dash."""
        for name, value in values.items():
            self.log.output(name.replace("_", "-"), value)

    def note(self, level: AnnotationLevel, message: str, title: str = "llmops-git") -> None:
        """Say something about the job as a whole. Text from elsewhere is cleaned."""
        self.log.annotate(Annotation(level=level, title=title, message=clean(message)))
