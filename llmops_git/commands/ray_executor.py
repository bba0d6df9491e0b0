"""Spreads the shards of an evaluation over a Ray cluster that is there already, and survives the loss of workers.

A task is given what is to be measured, and its share of the budget; no key. Keys are in the environment of the workers, where
whoever started them put them. A shard whose worker is lost is measured again by another one, on what is certainly left of the
budget: the share of the lost one counts as spent.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops_git.commands.sharding import TOOL, evaluate_shard, known_bases, whole_jobs
from llmops_git.configs.policy import Budget, Policy
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.evals.shard_file import Measured, ShardRecord
from llmops_git.evals.shards import MOST_SHARDS, Shard, share_of
from llmops_git.traces.span import Span

if TYPE_CHECKING:
    from llmops_git.commands.pairings import Key
    from llmops_git.commands.trial import Candidate, Settings
    from llmops_git.evals.values import Run

ADDRESS = "RAY_ADDRESS"
ATTEMPTS = 3  # of one shard
_EXTRA = "pip install 'llmops-git[ray]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a worker is told. `replies` is the reply cache of whoever started the run, "" for none."""

    candidates: tuple[Candidate, ...]
    shard: Shard
    of: Measured
    policy: Policy
    repeats: int | None
    replies: str
    known: Mapping[Key, Run]
    budget: Budget
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a worker answers: a record and its spans, or what was wrong."""

    record: ShardRecord | None = None
    spans: tuple[Span, ...] = ()
    wrong: str = ""
    hint: str = ""
    measured: bool = True  # False: what was wrong is nobody's file


def ray_shards(
    candidates: Sequence[Candidate], *, of: Measured, policy: Policy, settings: Settings, total: int
) -> tuple[tuple[ShardRecord, ...], tuple[Span, ...]]:
    """All shards, one for each node of the cluster, and their spans. Raises LlmopsError, NotMeasured where a shard was lost
    three times or the cluster is not there."""
    with _data_only():
        ray = _connected()
        try:
            nodes = sum(bool(node["Alive"]) for node in ray.nodes())
            whole = whole_jobs(candidates, settings)
            known = known_bases(candidates, policy, settings)
            tasks = [
                Task(
                    candidates=tuple(candidates),
                    shard=shard,
                    of=of,
                    policy=policy,
                    repeats=settings.repeats,
                    replies=str(settings.replies or ""),
                    known=known,
                    budget=share_of(policy.budget, whole.values(), shard),
                    total=total,
                )
                for shard in (
                    Shard(number=number, of=min(nodes, MOST_SHARDS)) for number in range(1, min(nodes, MOST_SHARDS) + 1)
                )
            ]
            ended = _until_done(ray, tasks, policy.budget)
        finally:
            ray.shutdown()
    return tuple(each.record for each in ended if each.record), tuple(span for each in ended for span in each.spans)


def work(task: Task) -> Ended:
    """Measure one shard, in a worker."""
    from llmops_git.commands.trial import Settings

    if task.of.tool != TOOL:
        return Ended(wrong=f"a worker has {TOOL}, and this is {task.of.tool}", hint="install the same version on every node")
    settings = Settings(replies=_cache(task.replies), repeats=task.repeats)
    try:
        evaluated, record = evaluate_shard(
            task.candidates, shard=task.shard, of=task.of, policy=task.policy, settings=settings, total=task.total,
            known=task.known, budget=task.budget,
        )  # fmt: skip
    except LlmopsError as error:
        return Ended(wrong=error.message, hint=error.hint, measured=not isinstance(error, NotMeasured))
    return Ended(record=record, spans=tuple(evaluated.spans))


def left_of(budget: Budget, ended: Sequence[Ended], lost: Sequence[Task], waiting: int) -> Budget:
    """What each of `waiting` shards may spend, when nobody knows what the `lost` attempts spent: all that they were allowed."""
    spent = [each.record.spending for each in ended if each.record]
    money = [spending.cost_usd or 0.0 for spending in spent] + [task.budget.max_usd or 0.0 for task in lost]
    sent = [spending.sent for spending in spent] + [task.budget.max_requests or 0 for task in lost]
    return Budget(
        max_usd=None if budget.max_usd is None else max(budget.max_usd - sum(money), 0.0) / waiting,
        max_requests=None if budget.max_requests is None else max(budget.max_requests - sum(sent), 0) // waiting,
    )


def _until_done(ray: Any, tasks: Sequence[Task], budget: Budget) -> list[Ended]:
    """Every task's end, in their order."""
    remote = ray.remote(max_retries=0, num_cpus=1, scheduling_strategy="SPREAD")(work)
    done: dict[int, Ended] = {}
    lost: list[Task] = []
    waiting = list(tasks)
    for _ in range(ATTEMPTS):
        references = [(task, remote.remote(task)) for task in waiting]
        waiting = []
        for task, reference in references:
            ended = _ended(ray, reference)
            if ended is None:
                lost.append(task)
                waiting.append(task)
            elif ended.wrong:
                said = f"{task.shard}: {ended.wrong}"
                raise LlmopsError(said, hint=ended.hint) if ended.measured else NotMeasured(said, hint=ended.hint)
            else:
                done[task.shard.number] = _with_losses(ended, task, lost)
        if not waiting:
            return [done[task.shard.number] for task in tasks]
        share = left_of(budget, list(done.values()), lost, len(waiting))
        waiting = [replace(task, budget=share) for task in waiting]
    raise NotMeasured(f"{waiting[0].shard} was lost with its worker {ATTEMPTS} times", hint="ray status")


def _ended(ray: Any, reference: Any) -> Ended | None:
    """What a task came to; None where its worker is gone. Raises LlmopsError for a fault that would come again."""
    try:
        ended: Ended = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        last = str(error).strip().splitlines()[-1][:300]
        raise LlmopsError(f"a worker cannot do its part: {last}", hint=f"{_EXTRA} on every node, of this version") from None
    except ray.exceptions.RayError:
        return None
    return ended


def _with_losses(ended: Ended, task: Task, lost: Sequence[Task]) -> Ended:
    times = sum(each.shard == task.shard for each in lost)
    if not times or ended.record is None:
        return ended
    said = f"{task.shard} was measured again, since its worker was lost: what that one spent is in no figure here"
    return replace(ended, record=replace(ended.record, problems=(*ended.record.problems, said)))


def _cache(replies: str) -> Path | None:
    """The cache of whoever started the run, where this machine sees it; else one of this machine."""
    if not replies:
        return None
    if Path(replies).parent.parent.is_dir():
        return Path(replies)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "llmops-git" / "replies"


@contextmanager
def _data_only() -> Iterator[None]:
    """Lead what Ray says on standard output, where data goes, into standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _connected() -> Any:
    """Ray, connected to the cluster that RAY_ADDRESS names. Raises LlmopsError, NotMeasured."""
    try:
        import ray
    except ImportError:
        raise LlmopsError("the executor `ray` needs the extra `ray`", hint=_EXTRA) from None
    address = os.environ.get(ADDRESS, "")
    if not address or address == "local":
        raise LlmopsError(f"{ADDRESS} names no cluster, and none is started here", hint=f"export {ADDRESS}=HOST:6379")
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        said = str(error).strip().splitlines()
        raise NotMeasured(f"the Ray cluster at {address} cannot be reached: {said[0][:200] if said else ''}") from None
    return ray
