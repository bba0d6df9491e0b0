"""Workflow runs of a hub: their events, environments and artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fakehub import payloads
from fakehub.places import Places
from fakehub.records import Artifact, Run
from fakehub.storage import packed


class Runs(Places):
    """Repositories are given by name; "" is the first one."""

    def add_run(
        self,
        repository: str = "",
        *,
        event: str = "pull_request",
        head_oid: str,
        head_branch: str,
        head_repository: str = "",
        conclusion: str | None = "success",
        attempt: int = 1,
        name: str = "llmops evaluate",
        path: str = ".github/workflows/llmops-evaluate.yml",
        actor: str = "",
    ) -> Run:
        """A workflow run, completed unless its conclusion is None."""
        repo = self.repository(repository)
        self.add_user(actor or repo.owner)
        run = Run(
            id=self.next_id(),
            attempt=attempt,
            name=name,
            path=path,
            event=event,
            head_oid=head_oid,
            head_branch=head_branch,
            head_repository=head_repository or repo.full_name,
            conclusion=conclusion,
            actor=actor or repo.owner,
            created=self.now(),
        )
        repo.runs[run.id] = run
        return run

    def add_artifact(
        self,
        run_id: int,
        name: str,
        files: Mapping[str, bytes | str] | None = None,
        *,
        raw_zip: bytes | None = None,
        repository: str = "",
    ) -> Artifact:
        """An artifact of a run: files, or the bytes of an archive as they are."""
        content = raw_zip if raw_zip is not None else packed(files or {})
        artifact = Artifact(id=self.next_id(), run=run_id, name=name, content=content, created=self.now())
        self.repository(repository).artifacts[artifact.id] = artifact
        return artifact

    def event_payload(self, kind: str, repository: str = "", **facts: Any) -> dict[str, Any]:
        """What GitHub would send; see `payloads.build` for the kinds and their facts."""
        with self.lock:
            return payloads.build(self, self.repository(repository), kind, **facts)

    def job_environ(
        self, folder: Path, event: str, payload: Mapping[str, Any], *, run: Run | None = None, repository: str = ""
    ) -> dict[str, str]:
        """The environment of a job: payload, outputs and summary are files in `folder`, where the step is to be run."""
        return payloads.job_environ(self, self.repository(repository), folder, event, payload, run)
