"""Where a job of a CI service leaves what it found besides its exit code: outputs, a summary, annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

AnnotationLevel = Literal["error", "warning", "notice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One remark at a line of a file of the repository; `line` 0 is the whole file, `path` "" no file."""

    level: AnnotationLevel
    message: str
    title: str = ""
    path: str = ""
    line: int = 0


class JobLog(Protocol):
    """One step of a job. All texts may be hostile."""

    def output(self, name: str, value: str) -> None:
        """Set an output of the step. `value` may have any content; no content can set another output."""
        ...

    def summary(self, markdown: str) -> None:
        """Add to the page of the run, cut by the caller to what the service takes (`summary_limit` bytes in all)."""
        ...

    def annotate(self, annotation: Annotation) -> None: ...

    def mask(self, secret: str) -> None:
        """Ask the service to hide a value in the log."""
        ...

    def quiet(self) -> None:
        """From now on nothing that is printed acts as a command of the service; only this object's own commands do."""
        ...

    def loud(self) -> None:
        """The end of `quiet`."""
        ...
