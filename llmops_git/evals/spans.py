"""The traces of a run: who its samples are, and their spans, made when they are read."""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence

from llmops_git.evals.guarding import Guard
from llmops_git.evals.sample_trace import with_content
from llmops_git.evals.samples import Job
from llmops_git.evals.values import Run
from llmops_git.traces.recorder import RunIdentity, SampleSteps, sample_spans
from llmops_git.traces.span import Span


class StepSpool:
    """What happened to the samples of one job, in a file that nobody else can open and that ends with the run: in memory it
    would be larger than the evidence. Safe for threads."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="llmops-git-")  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()

    def append(self, steps: SampleSteps) -> None:
        content = pickle.dumps(steps, pickle.HIGHEST_PROTOCOL)
        with self._lock:
            self._file.write(content)

    def __iter__(self) -> Iterator[SampleSteps]:
        with self._lock:
            end = self._file.seek(0, os.SEEK_END)
        place = 0
        while place < end:
            with self._lock:
                self._file.seek(place)
                steps = pickle.load(self._file)  # noqa: S301  # ours, from a file without a name
                place = self._file.tell()
                self._file.seek(0, os.SEEK_END)
            yield steps


class Spans:
    """The spans of all samples, made when they are iterated over: keeping them all would cost more than the evidence."""

    def __init__(
        self,
        jobs: Sequence[tuple[Job, RunIdentity, Iterable[SampleSteps]]],
        runs: Sequence[Run],
        guards: Sequence[Guard | None],
    ) -> None:
        """`runs` and `guards` are the jobs', in their order: the replies are there, and what inputs were held to."""
        self._jobs = jobs
        self._runs = runs
        self._guards = guards

    def __iter__(self) -> Iterator[Span]:
        for (job, identity, samples), run, guard in zip(self._jobs, self._runs, self._guards, strict=True):
            cases = {case.id: (place, case) for place, case in enumerate(job.evaluation.cases)}
            for steps in samples:
                place, case = cases[steps.case]
                whole = with_content(job, case, steps, _output(run, place, steps), guard)
                yield from sample_spans(identity, whole)


def _output(run: Run, place: int, steps: SampleSteps) -> str:
    """What was answered to the case at `place`: samples are in the order of cases and repeats."""
    near = run.samples[place * run.repeats : (place + 1) * run.repeats]
    return next((one.output for one in near if (one.case, one.repeat) == (steps.case, steps.repeat)), "")


def identity_of(job: Job, run_id: str) -> RunIdentity:
    return RunIdentity(
        run_id=run_id,
        config=job.config.name,
        config_digest=job.config.digest,
        eval_digest=job.evaluation.digest,
        version=job.config.digest,
        provider=job.config.answered_by,
        model=job.config.model,
    )


def run_id_of(started_ns: int, jobs: Sequence[Job]) -> str:
    parts = [str(started_ns), *(f"{job.config.digest} {job.evaluation.digest}" for job in jobs)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
