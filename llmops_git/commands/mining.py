"""Turns live failures into cases: ranked, complete, redacted, and each question once. Reads the store, and writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llmops_git.commands.mining_rows import Mined, is_readable, needed, redacted
from llmops_git.configs.values import Case, Config
from llmops_git.errors import LlmopsError
from llmops_git.monitoring.captured import Captured, captured_in
from llmops_git.monitoring.likeness import Known, known_texts, text_of
from llmops_git.monitoring.mining import Failure, Wish, failures, reviewed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from llmops_git.commands.cleaning import Clean
    from llmops_git.configs.tree import Tree

_READ = 50  # traces that are read for their content besides ten for each case that is wanted: each costs a search
NOT_REDACTED = "it could not be redacted"
TAKEN = "it is in the eval set, or waits in a proposal"
WORSE = "others are worse"
NO_ROW = "it cannot be written as a row of an eval set"
SUITES = "guardrails/suites"
TRACE = "trace"  # in the `source` of a suite's text: the live request that it was seen in


@dataclass(slots=True, kw_only=True)
class Dig:
    """What mining came to. `failing` counts the requests that something speaks against; `skipped` says how many of them became
    no case, by the reason."""

    failing: int = 0
    mined: list[Mined] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def dig(
    connection: DuckDBPyConnection,
    configs: Mapping[str, Config],
    *,
    wishes: Sequence[Wish],
    since: datetime,
    limit: int,
    known: Mapping[str, Sequence[Case]],
    clean: Clean,
    allowed_scorers: Collection[str] = (),
    labels: Mapping[str, bool] | None = None,
) -> Dig:
    """The worst failures of these configs (by name) since then, at most `limit`, that are in nobody's eval set yet.

    `known` are the cases that each config has, and those that wait in proposals; `labels` says of traces that people reviewed
    whether they were attacks.
    """
    from llmops_git.monitoring.mining_query import read_live, read_traces

    lower, day = _lower_is_better(configs.values(), allowed_scorers), since.astimezone(UTC).date().isoformat()
    requests, fences = read_live(
        connection,
        sorted(configs),
        since_day=day,
        since_ns=int(since.timestamp() * 1e9),
        wishes=wishes,
        also=sorted(labels or {}),
        lower_is_better=lower,
    )
    requests = tuple(reviewed(live, labels[live.trace_id]) if labels and live.trace_id in labels else live for live in requests)
    worst = failures(requests, wishes, fences, lower_is_better=lower)
    made = Dig(failing=len(worst))
    taken = {trace for cases in known.values() for trace in _traces(cases)}
    texts = {name: known_texts((case.id, text_of(case.inputs)) for case in cases) for name, cases in known.items()}
    fresh = {failure.live.trace_id: failure for failure in worst if failure.live.trace_id not in taken}
    made.skipped.update({TAKEN: len(worst) - len(fresh)} if len(worst) > len(fresh) else {})
    looked = list(fresh)[: 10 * limit + _READ]
    for trace, spans in read_traces(connection, looked, since_day=day):
        config = configs[fresh[trace].live.config]
        _take(made, config, fresh[trace], captured_in(spans), texts.setdefault(config.name, Known()), clean, limit)
    if len(fresh) > len(looked):
        made.skipped[WORSE] += len(fresh) - len(looked)
    return made


def _take(made: Dig, config: Config, failure: Failure, found: Captured | str, texts: Known, clean: Clean, limit: int) -> None:
    """Make a failure a case, or count why it is none."""
    fault = found if isinstance(found, str) else _misfit(config, found)
    if fault or isinstance(found, str):
        made.skipped[fault] += 1
        return
    try:
        captured = redacted(needed(config, found), clean)
    except LlmopsError:
        made.skipped[NOT_REDACTED] += 1
        return
    fresh = Mined(config=config.name, failure=failure, captured=captured)
    if not is_readable(fresh):
        made.skipped[NO_ROW] += 1
        return
    text = text_of(captured.inputs)
    twin = texts.like(text)
    ours = next((place for place, mined in enumerate(made.mined) if mined.config == config.name and mined.id == twin), None)
    if ours is not None:
        made.mined[ours] = replace(made.mined[ours], alike=made.mined[ours].alike + 1)
        made.skipped["it asks nearly the same as another one"] += 1
    elif twin is not None:
        made.skipped["it asks nearly the same as a case that is there"] += 1
    elif len(made.mined) >= limit:
        made.skipped[WORSE] += 1
    else:
        texts.add(fresh.id, text)
        made.mined.append(fresh)


def _misfit(config: Config, captured: Captured) -> str:
    """Why a request cannot be a case of the config as it is now; "" where it can."""
    from llmops_git.configs.checks import row_problems

    problems = row_problems(config.resolved, Case(id="", inputs=captured.inputs, documents=captured.documents))
    if not problems:
        return ""
    recorded = config.resolved.get("retrieval", {}).get("retriever") == "recorded" and captured.documents is None
    return "its documents were not captured" if recorded else "its inputs do not fit the config as it is now"


def reviewed_traces(tree: Tree, root: str) -> dict[str, bool]:
    """What people said of live texts when they reviewed guardrails, as suites keep it: trace -> whether it was an attack."""
    from llmops_git.guardrails.suites import read_suite

    folder = f"{root}/{SUITES}".lstrip("/")
    paths = [path for path in tree.walk(folder) if path.startswith(f"{folder}/") and path.endswith(".jsonl")]
    found: dict[str, bool] = {}
    for path, data in tree.read(paths).items():
        for text in read_suite(path, data).texts:
            if trace := text.source.get(TRACE):
                found[trace] = found.get(trace, False) or text.attack
    return found


def _lower_is_better(configs: Iterable[Config], allowed: Collection[str]) -> frozenset[str]:
    """The scorers of which a low score is good, or whose scores have no scale: costs, times, counts."""
    from llmops_git.scorers.table import try_scorers

    found: set[str] = set()
    for config in configs:
        built = try_scorers(config.evaluation.scorers if config.evaluation else (), allowed)[0]
        found |= {name for name, scorer in built.items() if scorer.direction == "lower" or scorer.ratio}
    return frozenset(found)


def _traces(cases: Iterable[Case]) -> Iterator[str]:
    for case in cases:
        trace = (case.source or {}).get("trace_id")
        if isinstance(trace, str):
            yield trace
