"""Runs evaluations: every case of every job, interleaved, in threads; evidence and traces come out.

Nothing is dropped: a sample without a reply is in its run with the class of what went wrong. What was paid for is in the
cache before anything else is done with it, so a run that is stopped, or killed, loses nothing but time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from llmops_git.configs.policy import Budget, Price
from llmops_git.configs.values import Case
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.evals.agent import Agent, Step, max_steps_of
from llmops_git.evals.budget import Ledger, Stopped
from llmops_git.evals.buyer import Buyer, Purchase
from llmops_git.evals.cache import Cache
from llmops_git.evals.contest import Contest, Pair, compared, count_of, pairs_of
from llmops_git.evals.finding import Finder, NotFound
from llmops_git.evals.guarding import Judges
from llmops_git.evals.judging import answer_of
from llmops_git.evals.lane import Lane
from llmops_git.evals.lanes import lanes_of, scoring_lanes_of
from llmops_git.evals.pacing import Limits
from llmops_git.evals.plan import Plan, SampleKey
from llmops_git.evals.results import Results
from llmops_git.evals.retry import Clock, Patience, SystemClock
from llmops_git.evals.samples import GuardInputs, Job, Prepared, prepare, unprepared
from llmops_git.evals.spans import Spans, StepSpool, identity_of, run_id_of
from llmops_git.evals.tool_results import Stubs
from llmops_git.evals.values import Run, SampleResult, Spending
from llmops_git.evals.worker import Bench, blocked, measure, set_up
from llmops_git.providers.base import Provider, ProviderError
from llmops_git.traces.span import Span

__all__ = ["Clock", "Job", "Outcome", "SystemClock", "evaluate"]

T = TypeVar("T")

_REFRESH = 0.1  # seconds between reports of progress
_GRACE = 10.0  # seconds that calls under way are given to end, and be kept, when the run is stopped
_ENGINES = 3  # engines named in a run, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came out: one run per job in the jobs' order, the spending, the spans, and what else there is to say."""

    runs: tuple[Run, ...]
    spending: Spending
    spans: Iterable[Span]
    problems: tuple[str, ...] = ()


def evaluate(
    jobs: Sequence[Job],
    *,
    providers: Mapping[str, Provider],
    cache: Cache | None,
    budget: Budget | Ledger,
    prices: Mapping[str, Price],
    clock: Clock | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    first_repeat: int = 0,
    patience: Patience | None = None,
    plan: Plan | None = None,
    allowed_scorers: Collection[str] = (),
    allowed_checks: Collection[str] = (),
    limits: Mapping[str, Limits] | None = None,
    known: Mapping[SampleKey, SampleResult] | None = None,
    stubs: Stubs | None = None,
    contests: Sequence[Contest] = (),
) -> Outcome:
    """Measure all jobs: samples `first_repeat` to `first_repeat + repeats - 1` of each case.

    Identical requests of several jobs are bought once. A `Ledger` instead of a `Budget` makes the limits hold for several
    calls together. `on_progress` is told (done, total) samples, in the caller's thread. With the `plan` of these jobs,
    requests are not rendered twice. `limits` are the configured paces by provider name; others are told or learned. `stubs`
    answer tool calls for which a case records no result. Samples that are `known` already, by
    (config digest, eval digest, case, repeat), are taken over as they are. `contests` say whose answers are compared with
    whose, where scorers compare two.

    Raises LlmopsError when a request cannot be rendered or a provider is not open, ProviderError (replay_miss) when a
    recording is missing, and KeyboardInterrupt when interrupted, after calls under way had some seconds to end.
    """
    running = _Running(
        jobs,
        providers=providers,
        cache=cache,
        ledger=budget if isinstance(budget, Ledger) else Ledger(budget),
        prices=prices,
        clock=clock or SystemClock(),
        first_repeat=first_repeat,
        patience=patience or Patience(),
        prepared=plan.prepared if plan else {},
        allowed=allowed_scorers,
        allowed_checks=allowed_checks,
        limits=limits or {},
        known=known or {},
        stubs=stubs,
        contests=contests,
    )
    return running.run(on_progress)


@dataclass(frozen=True, slots=True)
class _Task:
    """The sample `repeat` of the case at `place` in the job at `job`."""

    job: int
    place: int
    repeat: int


class _Running:
    """One call of `evaluate`."""

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        providers: Mapping[str, Provider],
        cache: Cache | None,
        ledger: Ledger,
        prices: Mapping[str, Price],
        clock: Clock,
        first_repeat: int,
        patience: Patience,
        prepared: Mapping[SampleKey, Prepared],
        allowed: Collection[str],
        allowed_checks: Collection[str],
        limits: Mapping[str, Limits],
        known: Mapping[SampleKey, SampleResult],
        stubs: Stubs | None,
        contests: Sequence[Contest],
    ) -> None:
        self._clock = clock
        self._contests = contests
        self._known = known
        self._prepared = prepared
        self._stubs = stubs
        self._started_ns = clock.wall_ns()
        self._started = clock.monotonic()
        self._first_repeat = first_repeat
        run_id = run_id_of(self._started_ns, jobs)
        self._benches = [set_up(job, identity_of(job, run_id), allowed, allowed_checks) for job in jobs]
        self._lanes = {
            name: Lane(_opened(providers, name), clock, limits.get(name)) for name in sorted(_provider_names(self._benches))
        }
        self._stop = threading.Event()
        self._ledger = ledger
        self._buyer = Buyer(
            self._lanes, cache=cache, ledger=ledger, prices=prices, clock=clock, stop=self._stop, patience=patience
        )
        self._finder = Finder(lambda request: answer_of(self._buyer, request))
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._ended: Mapping[threading.Thread, threading.Event] = {}
        self._done = 0
        self._results = [Results(job, first_repeat) for job in jobs]
        self._steps = [StepSpool() for _ in jobs]
        self._engines: list[set[str]] = [set() for _ in jobs]
        self._messages: dict[str, str] = {}

    def run(self, on_progress: Callable[[int, int], None] | None) -> Outcome:
        spent, unpriced = self._ledger.spent_usd, self._ledger.unpriced
        threads = [thread for lane in self._lanes for thread in self._threads(lane)]
        self._wait(threads, on_progress)
        if self._error is None and (pairs := count_of(self._contests, self._benches)):
            self._wait(self._comparing(pairs), on_progress)
        if self._error is not None:
            raise self._error
        cost = None if self._ledger.unpriced > unpriced else self._ledger.spent_usd - spent
        spending = Spending(
            planned=self._total(),
            sent=self._buyer.sent,
            cached=self._buyer.cached,
            input_tokens=self._buyer.input_tokens,
            output_tokens=self._buyer.output_tokens,
            cost_usd=cost,
            seconds=self._clock.monotonic() - self._started,
        )
        runs = tuple(self._run_of(number) for number in range(len(self._benches)))
        told = [(bench.job, bench.identity, steps) for bench, steps in zip(self._benches, self._steps, strict=True)]
        spans = Spans(told, runs, [bench.guard for bench in self._benches])
        return Outcome(runs=runs, spending=spending, spans=spans, problems=self._problems(runs))

    def _total(self) -> int:
        return sum(len(bench.job.evaluation.cases) * bench.job.repeats for bench in self._benches)

    def _tasks(self, lane: str) -> Iterator[_Task]:
        """The samples that one provider answers: by case, the jobs side by side, so that both sides meet the same hour.

        They take turns in going first; otherwise what starting costs would be the latency of one of them.
        """
        numbers = [number for number, bench in enumerate(self._benches) if bench.job.config.answered_by == lane]
        most_cases = max((len(self._benches[number].job.evaluation.cases) for number in numbers), default=0)
        most_repeats = max((self._benches[number].job.repeats for number in numbers), default=0)
        for place in range(most_cases):
            for repeat in range(most_repeats):
                for number in numbers if place % 2 == 0 else reversed(numbers):
                    job = self._benches[number].job
                    if place < len(job.evaluation.cases) and repeat < job.repeats:
                        yield _Task(number, place, self._first_repeat + repeat)

    def _threads(self, lane: str) -> list[threading.Thread]:
        tasks = self._tasks(lane)
        count = min(self._lanes[lane].provider.concurrency, sum(1 for _ in self._tasks(lane)))
        return [
            threading.Thread(target=self._work, args=(tasks, self._sample), name=f"llmops-git {lane} {number}", daemon=True)
            for number in range(count)
        ]

    def _comparing(self, pairs: int) -> list[threading.Thread]:
        """Threads that compare the answers of both sides."""
        tasks = pairs_of(self._contests, self._benches, self._results)
        count = min(max(lane.provider.concurrency for lane in self._lanes.values()), pairs)
        return [
            threading.Thread(target=self._work, args=(tasks, self._compare), name=f"llmops-git pairs {number}", daemon=True)
            for number in range(count)
        ]

    def _compare(self, pair: Pair) -> None:
        bench, results = self._benches[pair.job], self._results[pair.job]
        head = next(sample for sample in results.at(pair.place) if sample.repeat == pair.repeat)
        found = compared(pair, bench, head, self._buyer)
        with self._lock:
            self._done += 1
            results.add_pair(pair.place, pair.repeat, found)

    def _wait(self, threads: list[threading.Thread], on_progress: Callable[[int, int], None] | None) -> None:
        """Run the threads to their end, telling how far they are; on an interrupt let calls under way end."""
        total = self._total() + count_of(self._contests, self._benches)
        # events, since a `join` that a signal interrupts takes its thread for ended before Python 3.13
        self._ended = ended = {thread: threading.Event() for thread in threads}
        try:
            for thread in threads:
                thread.start()
            for end in ended.values():
                while not end.wait(_REFRESH):
                    if on_progress is not None:
                        on_progress(self._done, total)
        except BaseException:
            self._stop.set()
            until = self._clock.monotonic() + _GRACE
            for thread, end in ended.items():
                if thread.ident is not None:
                    end.wait(max(until - self._clock.monotonic(), 0.0))
            raise
        if on_progress is not None and self._error is None:
            on_progress(self._done, total)

    def _work(self, tasks: Iterator[T], do: Callable[[T], None]) -> None:
        try:
            while not self._stop.is_set():
                with self._lock:
                    task = next(tasks, None)
                if task is None:
                    return
                do(task)
        except Stopped:
            return
        except BaseException as error:  # noqa: BLE001  # it is raised again where `evaluate` was called
            with self._lock:
                self._error = self._error or error
            self._stop.set()
        finally:
            self._ended[threading.current_thread()].set()

    def _sample(self, task: _Task) -> None:
        bench = self._benches[task.job]
        case = bench.job.evaluation.cases[task.place]
        name = (bench.job.config.digest, bench.job.evaluation.digest, case.id, task.repeat)
        if name in self._known:
            with self._lock:
                self._done += 1
                self._results[task.job].put(task.place, task.repeat, self._known[name])
            return
        try:
            known = self._prepared.get(name)
            prepared = known or prepare(
                bench.job.config, case, task.repeat, self._clock, self._finder.find, guard=self._guarding(bench)
            )
        except ProviderError as error:
            raise _named(error, bench.job, case, task.repeat) from None
        except NotMeasured as error:
            self._not_found(task, unprepared(bench.job.config, case, task.repeat), error)
            return
        if prepared.blocked:
            self._finish(task, prepared, blocked(prepared, self._clock.wall_ns()))
            return
        try:
            if most := max_steps_of(bench.job.config):
                self._agent(task, prepared, most).run()
            else:
                self._buyer.order(prepared.request, prepared.key, lambda purchase: self._finish(task, prepared, purchase))
        except ProviderError as error:
            raise _named(error, bench.job, case, task.repeat) from None

    def _guarding(self, bench: Bench) -> GuardInputs | None:
        guard = bench.guard
        if guard is None:
            return None
        return lambda case, repeat: guard.guard_inputs(case, self._clock.wall_ns, Judges(guard, repeat, self._buyer.buy))

    def _not_found(self, task: _Task, prepared: Prepared, error: NotMeasured) -> None:
        """Without its documents a sample is not asked for: whoever finds them failed, and not the config."""
        now = self._clock.wall_ns()
        kind = error.kind if isinstance(error, NotFound) and error.kind == "budget" else "retrieval"
        self._finish(task, prepared, Purchase(error=kind, message=error.message, start_ns=now, end_ns=now))

    def _agent(self, task: _Task, prepared: Prepared, most: int) -> Agent:
        return Agent(
            prepared,
            most,
            buyer=self._buyer,
            stubs=self._stubs,
            clock=self._clock,
            finish=lambda purchase, steps: self._finish(task, prepared, purchase, steps),
        )

    def _finish(self, task: _Task, prepared: Prepared, purchase: Purchase, taken: Sequence[Step] = ()) -> None:
        bench = self._benches[task.job]
        result, steps = measure(bench, prepared, purchase, self._buyer, self._clock, taken)
        self._steps[task.job].append(steps)
        with self._lock:
            self._done += 1
            self._results[task.job].put(task.place, task.repeat, result)
            if purchase.reply is not None and (engine := f"{purchase.reply.model} {purchase.reply.engine}".strip()):
                self._engines[task.job].add(engine)
            if purchase.error:
                self._messages.setdefault(purchase.error, purchase.message)

    def _run_of(self, number: int) -> Run:
        bench = self._benches[number]
        config, evaluation = bench.job.config, bench.job.evaluation
        answered = sorted(self._engines[number])
        named = answered[:_ENGINES] + (["…"] if len(answered) > _ENGINES else [])
        return Run(
            config=config.name,
            config_digest=config.digest,
            eval_digest=evaluation.digest,
            provider=config.answered_by,
            model=config.model,
            engine="; ".join([self._lanes[config.answered_by].fingerprint, *named]),
            started_at=datetime.fromtimestamp(self._started_ns / 1e9, UTC).isoformat(timespec="seconds"),
            repeats=bench.job.repeats,
            cases=tuple(case.id for case in evaluation.cases),
            must_pass=tuple(case.id for case in evaluation.cases if case.must_pass),
            clusters={case.id: case.cluster for case in evaluation.cases if case.cluster},
            scorers=bench.declarations(),
            samples=self._results[number].samples(),
        )

    def _problems(self, runs: Sequence[Run]) -> tuple[str, ...]:
        counts: dict[str, int] = {}
        for run in runs:
            for sample in run.samples:
                if sample.error:
                    counts[sample.error] = counts.get(sample.error, 0) + 1
        unmeasured = [
            f"{counts[error]} samples are not measured ({error}): {self._messages[error]}" for error in sorted(counts)
        ]
        return (*unmeasured, *self._buyer.trouble)


def _provider_names(benches: Iterable[Bench]) -> set[str]:
    return {name for bench in benches for name in (*lanes_of(bench.job.config), *scoring_lanes_of(bench.job.evaluation))}


def _opened(providers: Mapping[str, Provider], name: str) -> Provider:
    if name not in providers:
        raise LlmopsError(f"provider `{name}` is not open", hint="name it under `providers:` in llmops.yaml")
    return providers[name]


def _named(error: ProviderError, job: Job, case: Case, repeat: int) -> ProviderError:
    """The error with the name of the sample that met it."""
    message = f"config `{job.config.name}`, case `{case.id}`, repeat {repeat}: {error.message}"
    return ProviderError(error.kind, message, hint=error.hint)
