"""The policy: `llmops.yaml` with every default filled in. On a pull request it is read from the base commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

POLICY_FILE = "llmops.yaml"
DEFAULT_PATTERNS = ("prompts/**/*.yaml",)

Api = Literal["embedded", "openai", "anthropic", "google", "replay", "search", "plugin"]
HOSTED: frozenset[Api] = frozenset({"openai", "anthropic", "google", "search"})  # asked over HTTP, at a base_url
OnInconclusive = Literal["warn", "block", "pass"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """How one provider is reached. `model_path` and `sha256` name a GGUF file for `api: embedded`;
    `path` is the folder of recorded replies for `api: replay`; `plugin` and `options` are for `api: plugin`, the code of an
    installed package."""

    name: str
    api: Api
    base_url: str = ""
    key_env: str = ""
    model_path: str = ""
    sha256: str = ""
    path: str = ""
    concurrency: int = 0  # 0: the provider's own default
    timeout: float = 120.0  # seconds, per request
    rpm: int = 0  # requests started per minute, at most; 0: what the server says, or what is learned
    tpm: int = 0  # tokens asked for and written per minute, at most; 0 as above
    plugin: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    stream: bool = True  # ask for replies in events, so that the time to the first token is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address that inputs or tool calls may be posted to. `timeout` is in seconds, for each request."""

    name: str
    url: str
    key_env: str = ""
    timeout: float = 120.0
    concurrency: int = 0  # 0: the default of what uses it


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """Defaults of the gate; `alpha` is one-sided, `margin` a share of the scorer's range."""

    alpha: float = 0.05
    margin: float = 0.05
    on_inconclusive: OnInconclusive = "warn"
    on_leaning_worse: Literal["review", "block", "pass"] = "review"
    coverage_min: float = 0.95
    escalate: bool = True  # ask all cases again, up to a config's `repeats.max`, while a verdict is open
    stop_early: bool = False  # look after each quarter of the cases, and stop where the answer is clear


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Hard limits of one run; None means no limit."""

    max_usd: float | None = 5.0
    max_requests: int | None = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where releases run. `after` names the environment a release must run in first."""

    name: str
    promote: Literal["manual", "automatic"] = "manual"
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPolicy:
    """Who may sign releases and deployments. The two files hold SSH keys (ssh-keygen, ALLOWED SIGNERS) and armored OpenPGP
    keys; "" means none. `require`: what is not signed does not count."""

    require: bool = False
    allowed_signers: str = ""
    gpg_keys: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRules:
    """What a judge must have shown before it may gate: agreement with people (Cohen's kappa), on so many labelled outputs."""

    min_kappa: float = 0.6
    min_labels: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What `calibrate --write` kept of a judge: on how many labels, with what kappa (None: not known)."""

    judge: str
    labels: int
    kappa: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per million tokens. `cached_input` and `cache_write` are for tokens read from a cache and written to one;
    None costs as `input`. `tiers`: (input tokens of one call, the price of a call that has more), the smallest first."""

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    tiers: tuple[tuple[int, Price], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """When a model stops answering: `date` as 2026-12-31, "" where it is known to stay. `successor` is what its vendor
    names in its place, "" where it names none; `source` says who published the date."""

    date: str = ""
    successor: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A whole policy. `root` is the folder of `llmops.yaml` inside the repository ("" for the top)."""

    root: str = ""
    configs: tuple[str, ...] = DEFAULT_PATTERNS
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    gate: GateSettings = GateSettings()
    budget: Budget = Budget()
    signing: SigningPolicy = SigningPolicy()
    judges: JudgeRules | None = None  # None: every judge may gate
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)  # by the judge's digest; read where `judges` is set
    allowed_scorers: tuple[str, ...] = ()  # scorers of other packages, by name
    allowed_checks: tuple[str, ...] = ()  # checks of guardrails, likewise
    prices: Mapping[str, Price] = field(default_factory=dict)  # by model id, or provider/model
    retirements: Mapping[str, Retirement] = field(default_factory=dict)  # as prices
    default_branch: str = ""  # "" means: ask the remote's HEAD
    remote: str = "origin"
    tools: Mapping[str, Endpoint] = field(default_factory=dict)  # stubs of tools, by the tool's name
    targets: Mapping[str, Endpoint] = field(default_factory=dict)  # applications that are evaluated as a whole
    webhooks: Mapping[str, Endpoint] = field(default_factory=dict)  # who is told of alerts, by the name that monitors use
    trace_store: str = ""  # where live traces are kept: a folder from `root`, or an fsspec URL; "" is `.llmops/traces`
