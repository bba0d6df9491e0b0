"""How jobs tell what they deployed: the output `deployed`, and rows of the run's page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmops_git.commands.jobs.session import Session
    from llmops_git.releases.deploy import Deployed
    from llmops_git.reports.release_page import Row


def deployed_output(done: Sequence[Deployed]) -> str:
    """The output `deployed`: a JSON list of objects, fit for a job matrix of the deploying job. `commit` is "" where nothing
    was written: in a dry run, or in a pull request that is not merged yet."""
    return json.dumps(
        [
            {
                "environment": each.environment,
                "config": each.step.release.tag.config,
                "action": each.step.action,
                "release": each.step.release.name,
                "previous": each.previous,
                "commit": each.commit,
            }
            for each in done
        ]
    )


def deployed_rows(session: Session, done: Sequence[Deployed]) -> list[Row]:
    """One row for each deployment."""
    from llmops_git.releases.environments import BRANCH_PREFIX
    from llmops_git.reports.release_page import Row, branch_link

    verbs = {"promote": "promoted to", "rollback": "rolled back in"}
    return [
        Row(
            what=f"{verbs[each.step.action]} {each.environment}",
            name=each.step.release.name,
            link=branch_link(session.server, session.event.repository, f"{BRANCH_PREFIX}{each.environment}"),
            about=f"before: {each.previous or 'nothing'}",
        )
        for each in done
    ]
