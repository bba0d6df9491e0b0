"""`llmops-git traces replay`: asks a recorded request again, under another release or the config as it is here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.asking import asked
from llmops_git.commands.project import emit_json, open_project, terminal
from llmops_git.commands.traces_kept import FORMAT
from llmops_git.commands.traces_shown import filled_store, found_trace
from llmops_git.errors import EXIT_OK, LlmopsError, NotMeasured
from llmops_git.traces import attributes as names

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.values import Case, Config
    from llmops_git.evals.run import Outcome
    from llmops_git.evals.values import SampleResult
    from llmops_git.monitoring.captured import Captured
    from llmops_git.traces.span import Span

WORKTREE = "the config as it is here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How to ask again. `release` is a tag or a version, "" for the config as it is here; `find` searches documents anew
    instead of taking those that were recorded; `recorded` is a folder of recorded replies."""

    release: str
    fresh: bool
    find: bool
    max_usd: float | None
    recorded: Path | None


def replay_trace(where: str | None, prefix: str, again: Again, *, full: bool, form: str) -> int:
    """Ask again, show both."""
    from llmops_git.commands.candidates import with_limits
    from llmops_git.monitoring.captured import captured_in

    spans = found_trace(filled_store(where), prefix)
    name = str(_root(spans).get(names.PROMPT_NAME, ""))
    captured = captured_in(spans)
    if isinstance(captured, str):
        raise LlmopsError(
            f"trace {spans[0].trace_id} cannot be run again: {captured}",
            hint='record what is asked: runtime.load(..., content="full") or "redacted"',
        )
    if not name:
        raise LlmopsError(f"trace {spans[0].trace_id} does not name the config that served it")
    project = open_project()
    policy = with_limits(project.policy(project.tree(None)), max_usd=again.max_usd, max_requests=None)
    config, release = _config(project, name, again.release)
    case, notes = _case(config, captured, spans[0].trace_id)
    config = config if again.find else _with_recorded(config, case, spans[0].trace_id)
    outcome = _ask(project, policy, again, config, case)
    sample = outcome.runs[0].samples[0]
    replayed = _asked_alike(_named(outcome.spans, config, release), _root(spans), case)
    if sample.error or not replayed:
        why = sample.error or "; ".join(outcome.problems) or "nothing came back"
        raise NotMeasured(f"`{name}` gave no answer under {release}: {why}", hint="llmops-git check, and the provider's keys")
    _show(spans, replayed, captured, sample, release, notes=notes, full=full, form=form)
    return EXIT_OK


def _config(project: Project, name: str, release: str) -> tuple[Config, str]:
    """The config, and what it is called. Raises LlmopsError with the releases there are."""
    from llmops_git.commands.state import read_state

    if not release:
        return project.load(project.tree(None), name), WORKTREE
    state = read_state(fetch=False, project=project)
    found = state.registry.find(release) or state.registry.find(f"llmops/{name}/{release}")
    if found is None:
        known = [one.name for one in state.registry.releases.get(name, ())]
        raise LlmopsError(
            f"there is no release {release} of `{name}`", hint=f"the newest are: {', '.join(known[-5:])}" if known else ""
        )
    if found.tag.config != name:
        raise LlmopsError(f"{found.name} is not a release of `{name}`, which served the request")
    return state.load(found), found.name


def _case(config: Config, captured: Captured, trace_id: str) -> tuple[Case, tuple[str, ...]]:
    """The request as a case of the config, and what had to be left out. Raises LlmopsError where its inputs do not fit."""
    from llmops_git.configs.user_schema import value_problems
    from llmops_git.configs.values import Case

    contract = config.resolved["inputs"]
    gone = sorted(set(captured.inputs) - set(contract["properties"]))
    inputs = {name: value for name, value in captured.inputs.items() if name not in gone}
    problems = value_problems(contract, inputs)
    if problems:
        said = "; ".join(f"{'.'.join(map(str, place)) or 'inputs'} {message}" for place, message in problems)
        raise LlmopsError(f"the inputs of trace {trace_id} do not fit `{config.name}`: {said}")
    case = Case(id=trace_id[:16], inputs=inputs, documents=captured.documents, tools=captured.tools)
    return case, tuple(f"input `{name}` is left out: the config does not have it" for name in gone)


def _with_recorded(config: Config, case: Case, trace_id: str) -> Config:
    """The config with the documents that were found then, so that only the answering is another."""
    retrieval = config.resolved.get("retrieval")
    if not retrieval:
        return config
    if case.documents is None:
        raise LlmopsError(f"the documents of trace {trace_id} were not captured", hint="--find searches them again")
    return replace(config, resolved={**config.resolved, "retrieval": {**retrieval, "retriever": "recorded"}})


def _ask(project: Project, policy: Policy, again: Again, config: Config, case: Case) -> Outcome:
    from llmops_git.commands.evaluate import replies_folder
    from llmops_git.commands.trial import Settings
    from llmops_git.configs.digest import digest_of
    from llmops_git.configs.values import Evaluation, Repeats
    from llmops_git.evals.run import Job

    evaluation = Evaluation(
        cases=(case,),
        scorers=(),
        repeats=Repeats(),
        gates={},
        budgets={},
        cluster_by="",
        resolved={},
        digest=digest_of([case.id]),
    )
    settings = Settings(replies=None if again.fresh else replies_folder(project), replay=again.recorded)
    return asked([Job(config=config, evaluation=evaluation, repeats=1)], policy, settings)


def _named(spans: Iterable[Span], config: Config, release: str) -> tuple[Span, ...]:
    """The spans of the answer, under the name of the release instead of a digest."""
    known = {names.PROMPT_VERSION: release, names.PROMPT_NAME: config.name}
    return tuple(
        replace(
            span, attributes={**span.attributes, **{name: value for name, value in known.items() if name in span.attributes}}
        )
        for span in spans
    )


def _asked_alike(spans: Iterable[Span], served: dict[str, Any], case: Case) -> tuple[Span, ...]:
    """The spans of the answer, whose root says what the served one said of who asked for what: that is the same."""
    alike = {names.ENVIRONMENT, names.FEATURE, names.USER, *(f"{names.VARIABLE_PREFIX}{name}" for name in case.inputs)}
    same = {name: value for name, value in served.items() if name in alike}
    return tuple(span if span.parent_id else replace(span, attributes={**same, **span.attributes}) for span in spans)


def _root(spans: Sequence[Span]) -> dict[str, Any]:
    found = next((span for span in spans if span.attributes.get(names.OPERATION) == names.INVOKE_WORKFLOW), spans[0])
    return dict(found.attributes)


def _show(
    before: tuple[Span, ...], after: tuple[Span, ...], captured: Captured, sample: SampleResult, release: str,
    *, notes: Sequence[str], full: bool, form: str,
) -> None:  # fmt: skip
    from llmops_git.reports.escape import inert
    from llmops_git.reports.style import Paint
    from llmops_git.reports.trace_diff import compare_traces
    from llmops_git.reports.trace_diff_text import difference_document, difference_lines

    found = compare_traces(_comparable(before), after)
    served = str(_root(before).get(names.PROMPT_VERSION, "")) or "unknown"
    if form == "json":
        document = {"served": served, "under": release, "recorded_reply": captured.observed, "reply": sample.output}
        emit_json({"format": FORMAT.format("replay"), **document, "notes": list(notes), **difference_document(found)})
        return
    lines = [*(f"note: {note}" for note in notes), f"--- as {served} answered", captured.observed or "(not captured)"]
    lines += [f"--- as {release} answers", sample.output or "(nothing)", "---"]
    click.echo(inert("\n".join(lines)))
    click.echo("\n".join(difference_lines(found, paint=Paint(color=terminal()["color"]), full=full)))


def _comparable(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Without what only happens live: what users said of it, and scores that came later."""
    live = {names.GIVE_SIGNAL, names.EVALUATE}
    return tuple(span for span in spans if span.attributes.get(names.OPERATION) not in live)
