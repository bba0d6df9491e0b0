"""The values of the config slice: config, closure, case, evaluation, change. Frozen; equal contents are equal values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from llmops_git.errors import Problem

Json = Any  # a JSON value: None, bool, int, float, str, list, dict; mypy cannot express recursion usefully here
JsonObject = Mapping[str, Json]

TARGET = "target:"  # stands before the name of an application where a provider could be named; no provider has a colon

Kind = Literal["config", "judge"]
Role = Literal[
    "config",
    "message",
    "include",
    "output_schema",
    "tool",
    "corpus",
    "dataset",
    "judge",
    "guardrail",
    "guardrail_schema",
    "scorer_schema",
]
Status = Literal["added", "removed", "renamed", "modified", "unchanged"]
Aspect = Literal[
    "prompt", "model", "parameters", "retrieval", "tools", "output", "guardrails", "inputs", "evaluation", "metadata"
]
Bump = Literal["major", "minor", "patch", "none"]


@dataclass(frozen=True, slots=True)
class Dependency:
    """One file that a config reads. `via` is the file that names it ("" for the config file itself)."""

    path: str
    mode: str
    oid: str
    role: Role
    via: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of an eval set. `documents` are recorded retrieval results: [{"id", "text", "score"?}]; `tools` are recorded
    results of tool calls: [{"name", "result", "arguments"?, "match"?}]. A case that still `needs_label` is never scored;
    `source` (where it comes from) and `observed` (what was answered there) measure nothing."""

    id: str
    inputs: JsonObject
    expected: Json = None
    tags: tuple[str, ...] = ()
    must_pass: bool = False
    documents: tuple[JsonObject, ...] | None = None
    cluster: str = ""
    tools: tuple[JsonObject, ...] | None = None
    needs_label: bool = False
    source: JsonObject | None = None
    observed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file of a corpus."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerSettings:
    """One scorer of a config: `use` names the scorer, `options` are its own settings with file references resolved.

    `options["schema"]` of a json_schema scorer is the schema itself; `judge` is the loaded judge config, `judges` are those
    of a panel.
    """

    name: str
    use: str
    options: JsonObject = field(default_factory=dict)
    judge: Config | None = None
    judges: tuple[Config, ...] = ()

    @property
    def asked(self) -> tuple[Config, ...]:
        """The judges that this scorer asks, in order."""
        return self.judges if self.judge is None else (self.judge,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerGate:
    """How one scorer gates. `margin` and `floor` are in units of the scorer's range (0..1 for a rate)."""

    mode: Literal["soft", "off"] = "soft"
    margin: float | None = None
    floor: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Samples per case: start with `start`, escalate while inconclusive up to `max`."""

    start: int = 1
    max: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How a config is evaluated: the resolved `evaluation:` section. `resolved` is what the eval digest hashes.

    `cases` are those that can be scored; `unlabelled` are the others, which nobody has said the right answer of yet."""

    cases: tuple[Case, ...]
    scorers: tuple[ScorerSettings, ...]
    repeats: Repeats
    gates: Mapping[str, ScorerGate]
    budgets: Mapping[str, float]  # "cost" | "latency_p50" -> largest allowed ratio head / base
    cluster_by: str
    resolved: JsonObject
    digest: str
    slices: tuple[str, ...] = ()  # tags whose cases are shown by themselves; not in `resolved`: they measure nothing
    unlabelled: tuple[Case, ...] = ()  # not in `resolved` either


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One versioned LLM configuration, loaded from a tree.

    `resolved` is the canonical value that the config digest hashes and that a bundle carries; its shape is documented
    in `schemas/bundle.schema.json` under `config`. Digests read `sha256:<64 hex>`.
    """

    name: str
    path: str
    kind: Kind
    description: str
    owner: str
    resolved: JsonObject
    digest: str
    closure: tuple[Dependency, ...]
    closure_digest: str
    documents: tuple[Document, ...] = ()
    evaluation: Evaluation | None = None
    scale: JsonObject | None = None  # judges only: {"labels": {"pass": 1, "fail": 0, "unclear": None}}
    critical: bool = False
    warnings: tuple[Problem, ...] = ()

    @property
    def provider(self) -> str:
        return str(self.resolved["model"]["provider"])

    @property
    def model(self) -> str:
        return str(self.resolved["model"]["id"])

    @property
    def answered_by(self) -> str:
        """Who is asked for its samples: the provider, or `target:<name>` where an application is evaluated."""
        target = self.resolved.get("target")
        return f"{TARGET}{target}" if target else self.provider

    @property
    def eval_digest(self) -> str:
        return self.evaluation.digest if self.evaluation else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that differs. `path` as `model.id` or `messages[0].template`; a missing side is None."""

    path: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One config between two trees.

    `because` holds, for each changed file that reaches the config, the chain of paths from that file to the config.
    `base` and `head` are the loaded configs; a side that exists but cannot be loaded is None and its `problems` say why.
    """

    config: str
    status: Status
    aspects: tuple[Aspect, ...] = ()
    bump: Bump = "none"
    because: tuple[tuple[str, ...], ...] = ()
    fields: tuple[FieldChange, ...] = ()
    renamed_from: str = ""
    base: Config | None = None
    head: Config | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def base_digest(self) -> str | None:
        return self.base.digest if self.base else None

    @property
    def head_digest(self) -> str | None:
        return self.head.digest if self.head else None
