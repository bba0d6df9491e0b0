"""The description of a pull request that upgrades pins: the evidence first, then how it was made."""

from __future__ import annotations

from collections.abc import Sequence

from llmops_git.configs.pin_edit import PinEdit
from llmops_git.reports.escape import code, no_commands, prose
from llmops_git.reports.markdown import LIMIT, SMALLEST_LIMIT, render_comment
from llmops_git.reports.values import Report

KEY = "upgrade"
_ROWS = 30
NOT_EVALUATED = "This upgrade was not evaluated where it was made: the checks of this pull request do that."


def render_upgrade(
    report: Report | None,
    edits: Sequence[PinEdit],
    *,
    base: str,
    command: str,
    reasons: Sequence[str] = (),
    run: str = "",
    limit: int = LIMIT,
) -> str:
    """The description, at most `limit` characters long. `report` is None where nothing was evaluated.

    `base` is the commit below, `command` what makes the same again, `reasons` are sentences that say why now (a retirement).
    """
    made = _how_made(edits, base=base, command=command, reasons=reasons)
    if report is None:
        return no_commands(f"{NOT_EVALUATED}\n\n{made}")
    evidence = render_comment(report, key=KEY, run=run, limit=max(SMALLEST_LIMIT, limit - len(made) - 2))
    return no_commands(f"{evidence.rstrip()}\n\n{made}")


def _how_made(edits: Sequence[PinEdit], *, base: str, command: str, reasons: Sequence[str]) -> str:
    rows = [f"| {code(edit.path)} | {_pin(edit.provider_before, edit.model_before)} | {_pin(edit.provider, edit.model)} |"
            for edit in edits[:_ROWS]]  # fmt: skip
    if len(edits) > _ROWS:
        rows.append(f"| and {len(edits) - _ROWS:,} more | | |")
    how = f"Made by {code(command, 400)} on top of {code(base[:12])}: only the pin is edited."
    later = "Later runs bring this branch up to date as long as nobody else commits to it."
    table = "\n".join(["| file | pinned to | from now on |", "|:--|:--|:--|", *rows])
    return "\n\n".join(["### What changes", table, *map(prose, reasons[:_ROWS]), f"{how} {later}"]) + "\n"


def _pin(provider: str, model: str) -> str:
    return f"{code(provider)} {code(model)}"
