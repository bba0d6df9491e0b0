"""The page of a run that released, promoted or watched: short tables in Markdown. Every text is escaped for that place."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from llmops_git.reports.escape import code, prose

SHOWN = 200  # rows of one table


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table: what happened to what. `link` is an address, or ""."""

    what: str
    name: str
    link: str = ""
    about: str = ""


def page(title: str, tables: Mapping[str, Sequence[Row]], *, nothing: str) -> str:
    """The page: a heading, then a table for each group that has rows; `nothing` is said where none has any."""
    parts = [f"### {prose(title)}"]
    parts += [_table(name, rows) for name, rows in tables.items() if rows]
    if len(parts) == 1:
        parts.append(prose(nothing))
    return "\n\n".join(parts)


def _table(title: str, rows: Sequence[Row]) -> str:
    lines = [f"**{prose(title)}**", "", "| | | |", "|---|---|---|"]
    lines += [f"| {prose(row.what)} | {_name(row)} | {prose(row.about)} |" for row in rows[:SHOWN]]
    if len(rows) > SHOWN:
        lines.append(f"| | {len(rows) - SHOWN:,} more | |")
    return "\n".join(lines)


def _name(row: Row) -> str:
    return f'<a href="{html.escape(row.link)}">{code(row.name)}</a>' if row.link.startswith("https://") else code(row.name)


def tag_link(server: str, repository: str, tag: str) -> str:
    """Where the forge shows a tag; "" where it is not known."""
    return f"{server.rstrip('/')}/{repository}/releases/tag/{quote(tag, safe='')}" if server and repository else ""


def branch_link(server: str, repository: str, branch: str) -> str:
    """Where the forge shows the history of a branch; "" where it is not known."""
    return f"{server.rstrip('/')}/{repository}/commits/{quote(branch)}" if server and repository else ""


def file_link(server: str, repository: str, branch: str, path: str) -> str:
    """Where the forge shows a file of a branch; "" where it is not known."""
    return f"{server.rstrip('/')}/{repository}/blob/{quote(branch)}/{quote(path)}" if server and repository else ""
