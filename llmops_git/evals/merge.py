"""Makes one run of its shards: all of them, once each, all of one thing; samples in the order of one run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from llmops_git.errors import LlmopsError
from llmops_git.evals.engines import merged_engine
from llmops_git.evals.samples import Job
from llmops_git.evals.shard_file import Measured, ShardRecord
from llmops_git.evals.shards import Shard
from llmops_git.evals.values import Run, Spending

Key = tuple[str, str]  # config digest, eval digest
_AGAIN = "run every shard again on one commit; what was paid for is kept"
_WORDS = {"first_repeat": "number of the first repeat", "policy_side": "side of the policy", "tool": "version of llmops-git"}


def complete(records: Sequence[ShardRecord]) -> tuple[ShardRecord, ...]:
    """The records by number. Raises LlmopsError where one is missing, there twice, or of another run."""
    if not records:
        raise LlmopsError("there is no shard to merge", hint="llmops-git eval --shard I/N --output FOLDER")
    first = records[0]
    for record in records:
        if record.shard.of != first.shard.of:
            raise LlmopsError(f"{record.shard} and {first.shard} are parts of different splits", hint=_AGAIN)
        if record.of != first.of:
            raise LlmopsError(f"{_difference(first, record)}", hint=_AGAIN)
    numbers = [record.shard.number for record in records]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise LlmopsError(f"{Shard(number=twice[0], of=first.shard.of)} is there {numbers.count(twice[0])} times")
    missing = [str(number) for number in range(1, first.shard.of + 1) if number not in numbers]
    if missing:
        hint = f"llmops-git eval --shard {missing[0]}/{first.shard.of} --output FOLDER"
        raise LlmopsError(f"of {first.shard.of} shards, {_listed(missing)} missing", hint=hint)
    return tuple(sorted(records, key=lambda record: record.shard.number))


def check_same(found: Measured, wanted: Measured) -> None:
    """Raises LlmopsError where shards measured something else than what is to be decided."""
    name = _differing(found, wanted)
    if name:
        said = f"{_shown(found, name)}, not {_shown(wanted, name)}"
        raise LlmopsError(f"the shards are of another {_words(name)}: {said}", hint=_AGAIN)


def merge_runs(records: Sequence[ShardRecord], jobs: Mapping[Key, Job]) -> tuple[Run, ...]:
    """One run for each of the `jobs`, from `complete` records. Raises LlmopsError where a shard does not hold exactly its part
    of them."""
    parts = [{(run.config_digest, run.eval_digest): run for run in record.runs} for record in records]
    for record, runs in zip(records, parts, strict=True):
        if runs.keys() != jobs.keys() or len(record.runs) != len(jobs):
            said = "did not measure what is to be compared now: the files differ, or what runs in production moved"
            raise LlmopsError(f"{record.shard} {said}", hint=_AGAIN)
    fingerprints = {text for record in records for text in record.fingerprints.values()}
    return tuple(_merged([(each.shard, runs[key]) for each, runs in zip(records, parts, strict=True)], jobs[key], fingerprints)
                 for key in parts[0])  # fmt: skip


def merged_spending(records: Sequence[ShardRecord]) -> Spending:
    """What all shards spent; `seconds` are those of the longest."""
    spent = [record.spending for record in records]
    costs = [each.cost_usd for each in spent if each.cost_usd is not None]
    return Spending(
        planned=sum(each.planned for each in spent),
        sent=sum(each.sent for each in spent),
        cached=sum(each.cached for each in spent),
        input_tokens=sum(each.input_tokens for each in spent),
        output_tokens=sum(each.output_tokens for each in spent),
        cost_usd=sum(costs) if len(costs) == len(spent) else None,
        seconds=max((each.seconds for each in spent), default=0.0),
    )


def merged_problems(records: Sequence[ShardRecord]) -> tuple[str, ...]:
    """What the shards have to say, once where all of them say it."""
    everywhere = [text for text in records[0].problems if all(text in record.problems for record in records)]
    others = [f"{record.shard}: {text}" for record in records for text in record.problems if text not in everywhere]
    return (*everywhere, *others)


def _merged(parts: Sequence[tuple[Shard, Run]], job: Job, fingerprints: set[str]) -> Run:
    cases = job.evaluation.cases
    order = {case.id: place for place, case in enumerate(cases)}
    for shard, run in parts:
        _check_part(shard, run, [case for case in order if shard.has(case)])
    runs = [run for _, run in parts if run.cases] or [parts[0][1]]  # an empty part has met nobody
    first = runs[0]
    if any((run.repeats, run.scorers) != (first.repeats, first.scorers) for run in runs):
        raise LlmopsError(f"the shards of `{first.config}` were not measured in the same way", hint=_AGAIN)
    samples = sorted((sample for run in runs for sample in run.samples), key=lambda each: (order[each.case], each.repeat))
    return replace(
        first,
        engine=merged_engine([run.engine for run in runs], fingerprints),
        started_at=min(run.started_at for run in runs),
        cases=tuple(order),
        must_pass=tuple(case.id for case in cases if case.must_pass),
        clusters={case.id: case.cluster for case in cases if case.cluster},
        samples=tuple(samples),
    )


def _check_part(shard: Shard, run: Run, cases: Sequence[str]) -> None:
    """Raises LlmopsError where a part holds other cases than its own, or a sample that nobody asked for."""
    if list(run.cases) != list(cases):
        raise LlmopsError(f"{shard} of `{run.config}` does not hold the cases of that shard", hint=_AGAIN)
    known, seen = set(cases), set()
    for sample in run.samples:
        at = (sample.case, sample.repeat)
        if sample.case not in known or at in seen:
            said = f"holds a sample of `{sample.case[:80]}` that is not its own, or twice"
            raise LlmopsError(f"{shard} of `{run.config}` {said}", hint=_AGAIN)
        seen.add(at)


def _difference(first: ShardRecord, other: ShardRecord) -> str:
    name = _differing(first.of, other.of)
    said = f"{first.shard}: {_shown(first.of, name)}, {other.shard}: {_shown(other.of, name)}"
    return f"the shards are not of one run; the {_words(name)} differs ({said})"


def _differing(first: Measured, other: Measured) -> str:
    return next((name for name in Measured.__slots__ if getattr(first, name) != getattr(other, name)), "")


def _shown(of: Measured, name: str) -> str:
    value = getattr(of, name)
    return (" ".join(value) if isinstance(value, tuple) else str(value))[:120] or "none"


def _words(name: str) -> str:
    return _WORDS.get(name, name)


def _listed(numbers: Sequence[str]) -> str:
    return f"{', '.join(numbers)} {'is' if len(numbers) == 1 else 'are'}"
