"""Which charts there are: those of every system, and one for each scorer, signal and rule that is found in the traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmops_git.monitoring.board.values import Panel

MOST = 12  # scorers, signals and rules each: what is busiest
RELEASE_METRICS = ("error_rate", "latency.p95", "ttft.p95", "cost.per_request", "tokens.input", "tokens.output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the traffic holds, busiest first: scorers, signals, rules as (pack, rule), and whether other things are known."""

    scorers: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    rules: tuple[tuple[str, str], ...] = ()
    first_tokens: bool = False
    costs: bool = False
    tools: bool = False


def panels_of(found: Found) -> tuple[Panel, ...]:
    """The charts, in the order in which a reader wants them."""
    return (
        *(
            Panel(title=f"{scorer}, mean score", theme="quality", metrics=(f"score.{scorer}.mean",), pick=f"score:{scorer}")
            for scorer in found.scorers[:MOST]
        ),
        *(
            Panel(title=signal.replace("_", " "), theme="signals", metrics=(f"signal.{signal}.rate",), pick=f"signal:{signal}")
            for signal in found.signals[:MOST]
        ),
        Panel(title="whole request", theme="latency", metrics=_levels("latency"), pick="slow"),
        *([_FIRST_TOKEN] if found.first_tokens else []),
        *(_COSTS if found.costs else []),
        Panel(title="input tokens per request", theme="cost", metrics=("tokens.input",), pick="input"),
        Panel(title="output tokens per request", theme="cost", metrics=("tokens.output",), pick="output"),
        *(_rule(pack, rule) for pack, rule in found.rules[:MOST]),
        Panel(title="refused replies", theme="safety", metrics=("refusal_rate",), pick="refused"),
        Panel(title="failed requests", theme="traffic", metrics=("error_rate",), pick="error"),
        *([_TOOLS] if found.tools else []),
        Panel(title="requests", theme="traffic", metrics=("requests",), pick="newest"),
    )


def release_metrics(found: Found) -> tuple[str, ...]:
    """The columns of the table of releases."""
    chosen = [
        name
        for name in RELEASE_METRICS
        if (found.costs or not name.startswith("cost.")) and (found.first_tokens or not name.startswith("ttft."))
    ]
    scores = [f"score.{scorer}.mean" for scorer in found.scorers[:3]]
    signals = [f"signal.{signal}.rate" for signal in _bad(found.signals)[:2]]
    return (*scores, *signals, *chosen)


def _bad(signals: Sequence[str]) -> list[str]:
    return [signal for signal in signals if signal != "thumbs_up"]


def _levels(family: str) -> tuple[str, ...]:
    return tuple(f"{family}.p{level}" for level in (50, 95, 99))


def _rule(pack: str, rule: str) -> Panel:
    return Panel(
        title=f"{pack}/{rule}",
        theme="safety",
        metrics=("guardrail.trigger_rate", "guardrail.shadow_rate", "guardrail.error_rate"),
        pick=f"rule:{pack}/{rule}",
        rule=(pack, rule),
    )


_FIRST_TOKEN = Panel(title="time to first token", theme="latency", metrics=_levels("ttft"), pick="first token")
_COSTS = (
    Panel(title="cost per request", theme="cost", metrics=("cost.per_request",), pick="cost"),
    Panel(title="cost, all requests", theme="cost", metrics=("cost.total",), pick="cost"),
)
_TOOLS = Panel(title="failed tool calls", theme="traffic", metrics=("tool.error_rate",), pick="tool")
