"""Which cases to show to people: those that teach most, and a random part; the same for the same runs. Pure.

Every case belongs to one stratum. Which of a stratum's cases are taken is decided by a keyed hash of their names alone, so
whatever is taken of a stratum is a random part of it, and each label can be weighted by how many cases it stands for.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from llmops_git.evals.people.labels import Drawn

RANDOM_SHARE = 0.25
SHARES: Mapping[str, float] = {"flipped": 0.5, "close": 0.25, "disputed": 0.25}  # of what is not random
CLOSE = 0.25  # of the scale, to either side of the line
_MOVED = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a case before anybody looks: the scorer's mean on each side (None: not measured or no such side),
    and what other scorers of the same outputs say (0..1, more is better), side by side."""

    case: str
    base: float | None
    head: float | None
    others: tuple[tuple[float | None, float | None], ...] = ()  # (base, head) of each


def stratum_of(standing: Standing, line: float) -> str:
    """flipped: the sides differ; close: a side is near the line between good and bad; disputed: another scorer of an
    output says the opposite; other: nothing of this."""
    base, head = standing.base, standing.head
    if base is not None and head is not None and abs(head - base) > _MOVED:
        return "flipped"
    values = [value for value in (base, head) if value is not None]
    if any(abs(value - line) < CLOSE for value in values):
        return "close"
    sides = [(own, said) for other in standing.others for own, said in zip((base, head), other, strict=True)]
    if any(own is not None and said is not None and (own >= line) != (said >= line) for own, said in sides):
        return "disputed"
    return "other"


def draw(strata: Mapping[str, str], count: int, *, seed: str) -> list[tuple[str, Drawn]]:
    """At most `count` cases of `strata` (case -> stratum), in the order in which they are to be shown.

    A quarter is drawn from all cases, the rest from the strata by their shares; what a stratum cannot fill goes to the next.
    """
    order = sorted(strata, key=lambda case: keyed(seed, "drawn", case))
    members: dict[str, list[str]] = {}
    for case in order:
        members.setdefault(strata[case], []).append(case)
    chosen = dict.fromkeys(order[: max(1, round(count * RANDOM_SHARE))])
    rest = count - len(chosen)
    for stratum, share in SHARES.items():
        waiting = [case for case in members.get(stratum, ()) if case not in chosen]
        chosen.update(dict.fromkeys(waiting[: max(1, round(rest * share))]))
    for case in _round_robin([members.get(stratum, []) for stratum in (*SHARES, "other")]):
        if len(chosen) >= count:
            break
        chosen.setdefault(case)
    shown = sorted(list(chosen)[:count], key=lambda case: keyed(seed, "shown", case))
    return [(case, Drawn(sample=seed, stratum=strata[case], of=len(members[strata[case]]))) for case in shown]


def _round_robin(groups: Sequence[Sequence[str]]) -> Iterable[str]:
    for place in range(max(map(len, groups), default=0)):
        yield from (group[place] for group in groups if place < len(group))


def swapped(seed: str, case: str) -> bool:
    """Whether the head's output is shown first: a coin that falls the same for the same sample and case."""
    return keyed(seed, "side", case)[0] % 2 == 1


def keyed(seed: str, purpose: str, case: str) -> bytes:
    """A hash of a case's name that only the seed decides."""
    return hmac.new(seed.encode(), f"{purpose}\0{case}".encode(errors="surrogatepass"), hashlib.sha256).digest()


def sample_name(parts: Iterable[str]) -> str:
    """The name of a sample, from the digests of its runs, its scorer and how many cases were asked for."""
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:12]
