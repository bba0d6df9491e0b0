"""Guardrail rules in a trace: passes as one step, everything else by itself."""

from __future__ import annotations

from llmops_git.reports.guard_steps import with_passes_as_one
from llmops_git.reports.trace_text import render_trace
from llmops_git.traces.recorder import ChatStep, GuardStep, RunIdentity, SampleSteps, sample_spans
from llmops_git.traces.tree import Node, trees_of

IDENTITY = RunIdentity(
    run_id="r", config="c", config_digest="sha256:c", eval_digest="sha256:e", version="sha256:c", provider="openai", model="m"
)


def guard(rule: str, result: str, side: str = "input", start_ns: int = 0, reason: str = "") -> GuardStep:
    return GuardStep(
        pack="pii", version="sha256:p", rule=rule, side=side, result=result, start_ns=start_ns, end_ns=start_ns + 1, reason=reason
    )  # fmt: skip


def trace(*guards: GuardStep) -> Node:
    steps = SampleSteps(case="c1", repeat=0, start_ns=0, end_ns=99, guards=guards, chat=ChatStep(start_ns=20, end_ns=30))
    (root,) = trees_of(sample_spans(IDENTITY, steps))
    return root


def test_passes_of_one_side_are_one_step_and_what_was_found_is_another() -> None:
    root = trace(
        guard("a", "pass", start_ns=0),
        guard("b", "pass", start_ns=1),
        guard("c", "redact", start_ns=2, reason="EMAIL"),
        guard("d", "pass", start_ns=3),
        *(guard(f"o{number}", "pass", "output", 40 + number) for number in range(5)),
    )
    assert [
        "apply_guardrail 2 rules of the input: pass (pii/a, pii/b)",
        "apply_guardrail pii/c",
        "apply_guardrail pii/d",
        "chat m",
        "apply_guardrail 5 rules of the output: pass (pii/o0, pii/o1, pii/o2, …)",
    ] == [node.span.name for node in with_passes_as_one(root.below)]
    shown = render_trace(root, title="t", width=100)
    assert "apply_guardrail pii/c: redact" in shown
    assert "because: EMAIL" in shown
    assert "apply_guardrail pii/o3: pass" not in shown
    assert "apply_guardrail pii/o3: pass" in render_trace(root, title="t", width=100, full=True)


def test_every_rule_is_a_span_of_its_own_with_the_packs_version() -> None:
    root = trace(guard("a", "pass"), guard("a", "error", "output", 50, "the time was over"))
    spans = [node.span for node in root.below if "gen_ai.guardrail.policy.id" in node.span.attributes]
    assert 2 == len({span.span_id for span in spans})
    assert [
        ("pii", "sha256:p", "a", "input", "pass", None),
        ("pii", "sha256:p", "a", "output", "error", "the time was over"),
    ] == [
        tuple(
            span.attributes.get(f"gen_ai.guardrail.{name}")
            for name in ("policy.id", "policy.version", "component.name", "source", "result.type", "result.reason")
        )
        for span in spans
    ]
    assert all(
        ("c", "sha256:c") == (span.attributes["gen_ai.prompt.name"], span.attributes["llmops.config.digest"]) for span in spans
    )
