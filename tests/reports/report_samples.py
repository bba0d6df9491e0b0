"""Reports as an evaluation makes them, for the tests of every format. Numbers are plausible, not computed."""

from __future__ import annotations

from dataclasses import replace

from llmops_git.configs.values import Change, FieldChange
from llmops_git.errors import Problem
from llmops_git.evals.values import (
    Comparison,
    FlippedCase,
    RatioComparison,
    Run,
    ScorerComparison,
    ScorerDeclaration,
    Spending,
)
from llmops_git.reports.values import ConfigReport, Report

BASE = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
HEAD = "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c"
BASE_DIGEST = "sha256:" + "b5" * 32
HEAD_DIGEST = "sha256:" + "4e" * 32
PRODUCTION_DIGEST = "sha256:" + "90" * 32
EVAL_DIGEST = "sha256:" + "e7" * 32
OLD_EVAL_DIGEST = "sha256:" + "01" * 32
RELEASE = "llmops/support-router/v1.4.0"
HOW = {
    "tool": "llmops-git 0.1.0",
    "started_at": "2026-11-23T10:15:00+00:00",
    "alpha": 0.05,
    "margin": 0.05,
    "repeats": 1,
    "models": ["local/SmolLM2-135M-Instruct"],
    "engines": ["llama.cpp b9999 x86_64"],
}
SPENDING = Spending(planned=150, sent=100, cached=50, input_tokens=81_240, output_tokens=9_310, cost_usd=0.4215, seconds=38.2)


def scorer(name: str = "queue", **changed) -> ScorerComparison:
    values = {
        "scorer": name,
        "direction": "higher",
        "gating": True,
        "base": 0.82,
        "head": 0.80,
        "delta": -0.02,
        "low": -0.0612,
        "high": 0.0203,
        "p_worse": 0.31,
        "p_adjusted": 0.31,
        "cases": 50,
        "margin": 0.05,
        "mde": 0.071,
        "verdict": "inconclusive",
        "better": 1,
        "worse": 2,
        "same": 47,
    }
    return ScorerComparison(**{**values, **changed})


IMPROVED = scorer(
    base=0.72, head=0.86, delta=0.14, low=0.048, high=0.221, p_worse=0.996, p_adjusted=1.0, verdict="improved",
    better=8, worse=1, same=41, mde=0.131,
)  # fmt: skip
UNCHANGED = scorer("valid_json", base=0.98, head=0.98, delta=0.0, low=-0.0461, high=0.0461, p_worse=0.5, verdict="unchanged",
                   better=0, worse=0, same=50, mde=0.062)  # fmt: skip
REGRESSED = scorer(
    base=0.84, head=0.64, delta=-0.20, low=-0.3062, high=-0.0784, p_worse=0.0021, p_adjusted=0.0042, verdict="regressed",
    better=1, worse=11, same=38, mde=0.171,
)  # fmt: skip
LEANING = scorer(
    base=0.82, head=0.72, delta=-0.10, low=-0.2023, high=0.0091, p_worse=0.061, p_adjusted=0.061, better=2, worse=7, same=41,
    mde=0.19,
)  # fmt: skip


def cost(**changed) -> RatioComparison:
    values = {
        "name": "cost", "unit": "usd", "base": 0.00120, "head": 0.00131, "ratio": 1.081, "low": 1.042, "high": 1.094,
        "max_ratio": 1.10, "state": "within",
    }  # fmt: skip
    return RatioComparison(**{**values, **changed})


def latency(**changed) -> RatioComparison:
    values = {
        "name": "latency", "unit": "seconds", "base": 0.412, "head": 0.431, "ratio": 1.052, "low": 0.941, "high": 1.168,
        "max_ratio": 1.15, "state": "unproven",
    }  # fmt: skip
    return RatioComparison(**{**values, **changed})


def flip(case: str = "refund-angry", **changed) -> FlippedCase:
    values = {
        "case": case,
        "scorer": "queue",
        "inputs": {"message": "I want my money back, NOW. Third time I ask!"},
        "expected": "billing",
        "base_value": 1.0,
        "head_value": 0.0,
        "base_output": "billing",
        "head_output": "complaints",
        "better": False,
    }
    return FlippedCase(**{**values, **changed})


BETTER = flip(
    "parcel-lost", inputs={"message": "Where is my parcel? The tracking says delivered."}, expected="shipping",
    base_value=0.0, head_value=1.0, base_output="The customer asks about a parcel.\nQueue: billing", head_output="shipping",
    better=True,
)  # fmt: skip


def comparison(**changed) -> Comparison:
    values = {
        "config": "support-router",
        "against": "merge base",
        "base_name": BASE,
        "instrument": "head",
        "base_digest": BASE_DIGEST,
        "head_digest": HEAD_DIGEST,
        "eval_digest": EVAL_DIGEST,
        "scorers": (IMPROVED, UNCHANGED),
        "ratios": (cost(), latency()),
        "flipped": (flip(), BETTER),
        "planned": 50,
        "measured": 50,
        "errors": {},
        "hard_failures": (),
        "leaning_worse": False,
        "verdict": "improved",
        "reasons": (),
        "gate_passes": True,
    }
    return Comparison(**{**values, **changed})


def run(config: str, digest: str, *, eval_digest: str = EVAL_DIGEST, repeats: int = 1) -> Run:
    return Run(
        config=config,
        config_digest=digest,
        eval_digest=eval_digest,
        provider="local",
        model="SmolLM2-135M-Instruct",
        engine="llama.cpp b9999 x86_64",
        started_at="2026-11-23T10:15:00+00:00",
        repeats=repeats,
        cases=(),
        must_pass=(),
        clusters={},
        scorers=(ScorerDeclaration(name="queue", use="exact", direction="higher", scale="binary", step=1.0),),
        samples=(),
    )


CHANGE = Change(
    config="support-router",
    status="modified",
    aspects=("prompt", "parameters"),
    bump="patch",
    because=(
        ("prompts/shared/tone.j2", "prompts/support-router/system.j2", "prompts/support-router.yaml"),
        ("prompts/support-router.yaml",),
    ),
    fields=(
        FieldChange(
            path="messages[0].template",
            before="You route messages.\nBe kind.\nAnswer with one queue name.\n",
            after="You route messages.\nBe brief and kind.\nAnswer with one queue name.\n",
        ),
        FieldChange(path="model.parameters.max_tokens", before=64, after=32),
    ),
)


def config(*comparisons: Comparison, **changed) -> ConfigReport:
    first = comparisons[0] if comparisons else comparison()
    values = {
        "change": replace(CHANGE, config=first.config),
        "comparisons": comparisons,
        "runs": tuple(run(one.config, digest) for one in comparisons for digest in (one.base_digest, one.head_digest)),
        "verdict": first.verdict,
        "gate_passes": first.gate_passes,
    }
    return ConfigReport(**{**values, **changed})


def report(*configs: ConfigReport, **changed) -> Report:
    first = configs[0] if configs else None
    values = {
        "base": BASE,
        "head": HEAD,
        "configs_total": 14,
        "configs": configs,
        "verdict": first.verdict if first else "unchanged",
        "gate_passes": all(one.gate_passes for one in configs),
        "spending": SPENDING if configs else Spending(),
        "how": HOW if configs else {},
    }
    return Report(**{**values, **changed})


def improved() -> Report:
    return report(config(comparison()))


def regressed() -> Report:
    failures = ("refund-angry: must pass, failed queue in 1 of 1 runs",)
    worse = [flip(must_pass=True)]
    worse += [
        flip(f"case-{number:02}", inputs={"message": f"Message {number}"}, head_output="general") for number in range(2, 12)
    ]
    return report(
        config(
            comparison(
                scorers=(REGRESSED, UNCHANGED),
                ratios=(cost(base=0.0012, head=0.00181, ratio=1.51, low=1.42, high=1.6, state="over"), latency()),
                flipped=(*worse, BETTER),
                hard_failures=failures,
                verdict="regressed",
                reasons=(*failures, "queue: regressed, -20.0 points over 50 cases (better is plus: -30.6 to -7.8)"),
                gate_passes=False,
            )
        )
    )


def must_pass_only() -> Report:
    failures = ("refund-angry: must pass, failed queue in 1 of 1 runs",)
    return report(
        config(
            comparison(
                scorers=(scorer(verdict="unchanged", low=-0.04), UNCHANGED),
                flipped=(flip(must_pass=True),),
                hard_failures=failures,
                reasons=failures,
                verdict="regressed",
                gate_passes=False,
            )
        )
    )


def leaning() -> Report:
    return report(config(comparison(scorers=(LEANING, UNCHANGED), leaning_worse=True, verdict="inconclusive")))


def invalid() -> Report:
    missing = scorer(
        base=None, head=None, delta=None, low=None, high=None, p_worse=None, p_adjusted=None, cases=0, mde=None,
        verdict="invalid", better=0, worse=0, same=0, notes=("31 of 50 pairs measured, 95.0 % are needed",),
    )  # fmt: skip
    return report(
        config(
            comparison(
                scorers=(missing,),
                ratios=(cost(state="not measured", base=None, head=None, ratio=None, low=None, high=None),),
                flipped=(),
                measured=31,
                errors={"rate_limit": 14, "timeout": 5},
                unmeasured=("the head failed on 38.0 % of its samples, the base on 0.0 %",),
                verdict="invalid",
                gate_passes=False,
            )
        )
    )


def no_changes() -> Report:
    return report()


def new_config() -> Report:
    alone = scorer(
        base=None, head=0.90, delta=None, low=None, high=None, p_worse=None, p_adjusted=None, mde=None, verdict="unchanged",
        better=0, worse=0, same=0, cases=40,
    )  # fmt: skip
    one = comparison(
        against="nothing",
        base_name="",
        base_digest="",
        scorers=(alone,),
        ratios=(cost(base=None, ratio=None, low=None, high=None, max_ratio=None, state="not measured"),),
        flipped=(),
        verdict="unchanged",
    )
    change = replace(CHANGE, status="added", aspects=("prompt", "model"), bump="minor", because=(), fields=())
    return report(config(one, change=change))


def eval_set_edited() -> Report:
    note = "this change edits its own eval set, scorers or gate: it is scored on the base's as well"
    return report(
        config(
            comparison(),
            comparison(
                instrument="base",
                eval_digest=OLD_EVAL_DIGEST,
                scorers=(LEANING,),
                ratios=(),
                flipped=(flip(),),
                leaning_worse=True,
                verdict="inconclusive",
            ),
            verdict="inconclusive",
            notes=(note,),
            change=replace(CHANGE, aspects=("prompt", "evaluation")),
        )
    )


def with_production() -> Report:
    production = comparison(
        against="production",
        base_name=RELEASE,
        base_digest=PRODUCTION_DIGEST,
        scorers=(
            scorer(base=0.88, head=0.86, delta=-0.02, low=-0.048, high=0.0112, verdict="unchanged"),
            UNCHANGED,
        ),
        ratios=(cost(base=0.0011, ratio=1.19, low=1.12, high=1.26, state="over"), latency()),
        flipped=(flip("address-change"),),
        verdict="unchanged",
    )
    return report(config(comparison(), production))


def production_is_merge_base() -> Report:
    return report(config(comparison(), comparison(against="production", base_name=RELEASE)))


def unevaluated(**changed) -> ConfigReport:
    values = {
        "change": replace(CHANGE, config="summarise"),
        "evaluated": False,
        "verdict": "inconclusive",
        "gate_passes": True,
        "notes": ("`summarise` has no `evaluation:` section: nothing shows that this change is safe",),
    }
    return config(**{**values, **changed})


def not_evaluated() -> Report:
    return report(unevaluated(), how={}, spending=Spending())


def several() -> Report:
    answers = comparison(
        config="date-extraction", scorers=(REGRESSED,), verdict="regressed", gate_passes=False, flipped=(flip(),)
    )
    quiet = comparison(
        config="answer-from-help", scorers=(UNCHANGED,), verdict="unchanged", flipped=(), ratios=(cost(), latency())
    )
    problem = Problem(
        path="prompts/old.yaml", line=3, column=5, message="unknown key `temprature`", hint="did you mean `temperature`?"
    )
    return report(
        config(comparison()),
        config(answers),
        config(quiet),
        unevaluated(),
        verdict="regressed",
        gate_passes=False,
        problems=(problem,),
    )


def long() -> Report:
    """Much too long: 40 configs with 60 flipped cases of 3,000 characters each."""
    text = "lorem ipsum ``` dolor | sit\n" * 100
    configs = []
    for number in range(40):
        flips = tuple(flip(f"case-{index}", head_output=text, base_output=f"{index}\n{text}") for index in range(60))
        configs.append(config(comparison(config=f"config-{number:02}", flipped=flips)))
    return report(*configs, configs_total=40)


SAMPLES = {
    "improved": improved,
    "regressed": regressed,
    "must_pass_only": must_pass_only,
    "inconclusive_leaning_worse": leaning,
    "invalid": invalid,
    "no_changes": no_changes,
    "not_evaluated": not_evaluated,
    "new_config": new_config,
    "eval_set_edited": eval_set_edited,
    "with_production": with_production,
    "production_is_merge_base": production_is_merge_base,
    "several_configs": several,
}
