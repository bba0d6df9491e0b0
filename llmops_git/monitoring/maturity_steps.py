"""The steps from one point to the next: what to do, the command that does it, and files or lines that can be pasted. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PRODUCTION = "production"
_FILES = 6  # named in one command


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to do, in a sentence. `command` takes the step, or shows that it was taken; `lines` are the content of the file
    `path`, or, where that is "", lines of an application or of a file that is there."""

    text: str
    command: str = ""
    path: str = ""
    lines: tuple[str, ...] = ()


INIT = Step(text="start with two files, a config and its eval set", command="llmops-git init --no-workflows")
MEND = Step(text="mend the files that cannot be read", command="llmops-git check")
WORKFLOWS = Step(
    text="write the workflows, commit them, and require the status llmops-git/gate (docs/rulesets.md)",
    command="llmops-git init --no-project",
)
RELEASE = Step(
    text="tag what passes as a release: applications run releases, and their requests name them", command="llmops-git release"
)
INGEST = Step(text="read what applications wrote into the store", command="llmops-git traces ingest")
READABLE = Step(text="let the store be read here", command='pip install "llmops-git[observe]"')
USAGE = Step(
    text="let the application record the tokens of its calls",
    lines=("request.record(reply)  # around any SDK; request.generate does it by itself",),
)
PRICES = Step(
    text="say what the model costs in dollars per million tokens: prices.yaml, or the package with list prices",
    command='pip install "llmops-git[prices]"',
)
DASHBOARD = Step(text="draw the dashboard", command="llmops-git dashboard")
SCORE = Step(text="score a sample of the live traffic with the scorers of the eval set", command="llmops-git monitor score")
MEND_RULES = Step(text="mend the rules in monitors/", command="llmops-git monitor check")
SHARE = Step(
    text="say in llmops.yaml where the traces are, so that the job on a schedule finds them",
    command="llmops-git monitor check",
    lines=("traces: {store: s3://BUCKET/traces}",),
)
PACK = Step(
    text="write a first guardrail pack, in shadow mode: it only says what it would have done",
    command="llmops-git check",
    path="guardrails/pii.yaml",
    lines=("name: pii", "rules:", "  personal: {use: pii, action: shadow}"),
)
SUITE = Step(
    text="write a suite: texts that must be caught, and texts that must not",
    command="llmops-git guardrails test",
    path="guardrails/suites/pii.jsonl",
    lines=(
        '{"text": "Write to ada@example.org about it.", "attack": true, "family": "address"}',
        '{"text": "My card is 4111 1111 1111 1111.", "attack": true, "family": "card"}',
        '{"text": "Where is my order?", "attack": false}',
        '{"text": "The invoice has number 20261128.", "attack": false}',
    ),
)


def review(pack: str) -> Step:
    """Look at what a pack did live."""
    return Step(
        text=f"look at a sample of what {pack} stopped and let pass; what you say becomes lines of a suite",
        command=f"llmops-git guardrails review {pack}",
    )


def commit(files: Sequence[str]) -> Step:
    """Put files into version control."""
    from shlex import quote

    named = " ".join(quote(path) for path in files[:_FILES]) if len(files) <= _FILES else "."
    return Step(
        text="commit the prompts and their eval sets", command=f"git add {named} && git commit -m 'Start with prompts in git'"
    )


def eval_set(path: str) -> Step:
    """Give a config an eval set."""
    if not path:
        return INIT
    return Step(
        text=f"give {path} an eval set",
        command="llmops-git check",
        lines=("evaluation:", "  dataset: ../evals/NAME.jsonl", "  scorers: {right: {use: contains}}"),
    )


def more_cases(name: str, have: int, wanted: int, *, live: bool) -> Step:
    """Grow an eval set: from live failures, where there is traffic."""
    return Step(
        text=f"add {wanted - have} cases to the eval set of {name}; those that went wrong live teach most",
        command=f"llmops-git mine {name}" if live else "llmops-git check",
        lines=() if live else ('{"inputs": {"…": "…"}, "expected": "…"}',),
    )


def record(name: str, environment: str) -> Step:
    """Let an application record its requests."""
    return Step(
        text="let the application record what it serves; one that writes OpenTelemetry files needs no line of ours",
        command="llmops-git traces ingest",
        lines=(
            "from llmops_git import runtime",
            _load(name, environment),
            'with router.request(user="…", feature="…") as request:',
            "    reply = request.generate(…)",
        ),
    )


def name_release(name: str, environment: str) -> Step:
    """Let requests name the release that serves them."""
    return Step(
        text="let the application run a release, which its requests then name",
        command=f"llmops-git resolve {name} --environment {environment}",
        lines=(_load(name, environment),),
    )


def capture(name: str, environment: str) -> Step:
    """Capture content."""
    return Step(text="capture what was asked and answered, without personal data", lines=(_load(name, environment),))


def _load(name: str, environment: str) -> str:
    return f'router = runtime.load("{name}", environment="{environment}", content="redacted")'


def pin(path: str) -> Step:
    """Pin the Action of a workflow."""
    return Step(
        text=f"name the Action in {path} by a commit, as a new workflow would",
        command=f"rm {path} && llmops-git init --no-project",
    )


def live_scorer(path: str) -> Step:
    """Give a config a scorer that live answers can be judged by."""
    return Step(
        text=f"give {path} a scorer that needs no expected answer: a judge is one, and so is this",
        command="llmops-git check",
        lines=("    answered: {use: refusal}",),
    )


def promote(name: str, environment: str) -> Step:
    """Make a release run."""
    return Step(text="make the release run in an environment", command=f"llmops-git promote {name} --to {environment}")


def calibrate(judge: str) -> Step:
    """Hold a judge to people."""
    return Step(
        text=f"let people label what the judge {judge} sees, and hold it to them",
        command=f"llmops-git review && llmops-git calibrate {judge} --write",
    )


def guard(path: str, pack: str) -> Step:
    """Guard a config."""
    return Step(
        text=f"name the pack in {path}",
        command="llmops-git check",
        lines=(f"guardrails: {{input: [{pack}], output: [{pack}]}}",),
    )


def alerts(scorers: Sequence[str], *, quality: bool, drift: bool) -> Step:
    """Write rules about quality and drift."""
    rules = _quality(scorers) if quality else []
    rules += _rule("input-drift", "drift.psi(input_length)", "{to: previous_release, op: gt, value: 0.2}") if drift else []
    return Step(
        text="write rules about the quality of answers and the drift of inputs",
        command="llmops-git monitor check",
        path="monitors/alerts.yaml",
        lines=("rules:", *rules),
    )


def regressions(scorers: Sequence[str], missing: Sequence[str]) -> Step:
    """Write rules that hold a release to the one before."""
    rules = _quality(scorers, "quality-of-release") if "quality" in missing else []
    rules += _rule("cost-of-release", "cost.per_request", "{to: previous_release, max_ratio: 1.1}") if "cost" in missing else []
    rules += (
        _rule("latency-of-release", "latency.p95", "{to: previous_release, max_ratio: 1.2}") if "latency" in missing else []
    )
    return Step(
        text="hold each release to the one before it",
        command="llmops-git monitor check",
        path="monitors/regressions.yaml",
        lines=("rules:", *rules),
    )


def _quality(scorers: Sequence[str], name: str = "quality") -> list[str]:
    scorer = scorers[0] if scorers else ""
    if scorer:
        return _rule(name, f"score.{scorer}.mean", "{to: previous_release, margin: 0.05}")
    return _rule(name, "signal.thumbs_down.rate", "{to: previous_release, margin: 0.02}")


def _rule(name: str, metric: str, compare: str) -> list[str]:
    return [f"  - id: {name}", f"    metric: {metric}", "    by: [config]", f"    compare: {compare}"]
