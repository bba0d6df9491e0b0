"""A live failure as a row of an eval set: what of it a case needs, without what must not get into a repository."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llmops_git.configs.digest import digest_of
from llmops_git.configs.values import Case, Config
from llmops_git.monitoring.captured import Captured
from llmops_git.monitoring.mining import Failure
from llmops_git.monitoring.reproduced import Verdict

if TYPE_CHECKING:
    from llmops_git.commands.cleaning import Clean

_ID_DIGITS = 12
UNKNOWN = Verdict(state="cannot tell", why="it was not asked again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """A new case. `alike` counts the failures that ask nearly the same; `again` names what was asked again ("" for nothing);
    `must_pass` that one failure of it is to block a change."""

    config: str
    failure: Failure
    captured: Captured
    alike: int = 0
    verdict: Verdict = UNKNOWN
    again: str = ""
    must_pass: bool = False

    @property
    def id(self) -> str:
        """The case's name: it follows from the inputs."""
        return f"live-{digest_of(self.captured.inputs)[7 : 7 + _ID_DIGITS]}"

    @property
    def why(self) -> tuple[str, ...]:
        """The reasons, each in a line."""
        return tuple(
            f"{reason.kind}{f' {reason.name}' if reason.name else ''}: {reason.detail}" for reason in self.failure.reasons
        )

    @property
    def case(self) -> Case:
        """As an evaluation takes it."""
        captured = self.captured
        return Case(id=self.id, inputs=captured.inputs, documents=captured.documents, tools=captured.tools)


def row_of(mined: Mined) -> dict[str, Any]:
    """The row of the eval set (schemas/case.schema.json)."""
    live, captured = mined.failure.live, mined.captured
    kinds = dict.fromkeys(reason.name if reason.kind == "signal" else reason.kind for reason in mined.failure.reasons)
    row: dict[str, Any] = {"id": mined.id, "inputs": captured.inputs}
    if captured.documents is not None:
        row["documents"] = list(captured.documents)
    if captured.tools is not None:
        row["tools"] = list(captured.tools)
    source = {
        "trace_id": live.trace_id,
        "release": live.release,
        "digest": live.digest,
        "environment": live.environment,
        "model": live.model,
        "ts": datetime.fromtimestamp(live.start_ns / 1e9, UTC).isoformat(timespec="seconds"),
        "why": list(mined.why),
        "alike": mined.alike,
        "comments": list(captured.comments),
        "reproduced": f"{mined.verdict.state}: {mined.verdict.why}" + (f"; asked {mined.again}" if mined.again else ""),
    }
    if mined.must_pass:
        row["must_pass"] = True
    return row | {
        "tags": ["live", *(kind for kind in kinds if kind)],
        "needs_label": True,
        "observed": captured.observed,
        "source": {key: value for key, value in source.items() if value},
    }


def is_readable(mined: Mined) -> bool:
    """Whether the row can be read again. A trace can hold what an eval set cannot: whole numbers that JSON readers round."""
    from llmops_git.configs.cases import read_cases
    from llmops_git.configs.live_rows import with_rows

    try:
        return not read_cases("live.jsonl", with_rows(b"", [row_of(mined)])).problems
    except (ValueError, TypeError):
        return False


def needed(config: Config, captured: Captured) -> Captured:
    """The request without what the config would not read: documents that it finds by itself, tools that it has not."""
    recorded = config.resolved.get("retrieval", {}).get("retriever") == "recorded"
    return replace(
        captured,
        documents=captured.documents if recorded else None,
        tools=captured.tools if config.resolved.get("tools") else None,
    )


def redacted(captured: Captured, clean: Clean) -> Captured:
    """The same without what must not get into a repository. Raises LlmopsError where that is not sure."""
    return replace(
        captured,
        inputs=_cleaned(captured.inputs, clean),
        documents=None if captured.documents is None else tuple(_cleaned(item, clean) for item in captured.documents),
        tools=None if captured.tools is None else tuple(_cleaned(item, clean) for item in captured.tools),
        observed=clean(captured.observed),
        comments=tuple(map(clean, captured.comments)),
    )


def _cleaned(value: Any, clean: Clean) -> Any:
    from llmops_git.guardrails.leaves import texts_of, with_texts

    return with_texts(value, [clean(text) for text in texts_of(value)])
