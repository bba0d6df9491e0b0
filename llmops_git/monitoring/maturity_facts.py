"""What is known of a repository and its traffic when its maturity is judged: plain facts, gathered by one reader. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

DAYS = 30  # of traffic that is looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFacts:
    """One config that can be loaded. `cases` are labelled ones, `waiting` those that need a label; `release` is its newest tag
    ("" for none), `proven` says that the tag carries scores, `current` that the release is what the files say now; `judges` are
    those that score it, `unheld` those of them that nobody has held to people; `live_scorers` need no expected
    answer."""

    name: str
    path: str
    committed: bool = True
    evaluated: bool = False
    cases: int = 0
    waiting: int = 0
    live_cases: int = 0  # of the labelled ones those that `mine` made
    scorers: int = 0
    live_scorers: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    unheld: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()  # guardrails on either side
    release: str = ""
    proven: bool = False
    current: bool = False
    environments: tuple[str, ...] = ()  # where it runs
    behind: tuple[tuple[str, str], ...] = ()  # those of them in which it is not the newest release that runs, and which does


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFacts:
    """One workflow file. `does` are the jobs in it that matter here: evaluate, release, monitor, mine, dashboard, score;
    `pinned` says that the Action is named by a commit, or is this repository's; `store` that the file names a trace store."""

    path: str
    does: frozenset[str] = frozenset()
    pinned: bool = True
    scheduled: bool = False
    store: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The last days of live traffic in the store. Of the `requests`: `released` name a release, `strange` one that git does not
    have, `captured` hold their inputs. Of the `calls` of models: `priced` know their cost, `counted` their tokens. `newest` is
    the day of the newest request, ISO 8601."""

    requests: int = 0
    released: int = 0
    strange: int = 0
    captured: int = 0
    calls: int = 0
    priced: int = 0
    counted: int = 0
    scores: int = 0
    scorers: tuple[str, ...] = ()
    guarded: int = 0  # evaluations of guardrail rules
    signals: int = 0
    releases: tuple[str, ...] = ()  # the most used first
    scored_releases: int = 0
    newest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFacts:
    """The trace store. `files` counts the raw files that applications wrote; `trouble` says why it cannot be read;
    `shared` that the policy names where it is, so that a job on another machine finds it."""

    place: str = ""
    files: int = 0
    trouble: str = ""
    shared: bool = False
    traffic: Traffic = field(default_factory=Traffic)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """One rule of `monitors/`: what it measures, and what it compares with ("" is a number)."""

    id: str
    metric: str
    against: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardFacts:
    """Guardrails: the packs there are, the labelled texts of the suites, and those of them that a person reviewed live;
    `reviewed_on` is the newest day of that."""

    packs: tuple[str, ...] = ()
    attacks: int = 0
    benign: int = 0
    reviewed: int = 0
    reviewed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything. `broken` are configs that cannot be loaded, with why; `calls_models` are files of code that call models,
    `records` those that use the runtime."""

    today: date
    policy: bool = False  # there is an llmops.yaml
    policy_trouble: str = ""
    configs: tuple[ConfigFacts, ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    calls_models: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    workflows: tuple[WorkflowFacts, ...] = ()
    forge: bool = False  # there is a remote
    default_branch: str = "main"
    environments: tuple[str, ...] = ()
    store: StoreFacts = field(default_factory=StoreFacts)
    rules: tuple[RuleFacts, ...] = ()
    rule_trouble: str = ""
    guards: GuardFacts = field(default_factory=GuardFacts)
    dashboard: str = ""  # the file that was drawn, or the workflow that draws it
    starter_files: tuple[str, ...] = ()  # uncommitted files of configs and eval sets
