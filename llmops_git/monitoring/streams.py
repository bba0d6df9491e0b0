"""What is known of a stream of live values: sums, or a histogram. Weighted rows count as what they are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce

from llmops_git.evals.stats.live import Counts, Mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """`n` rows, and sums over them: of the weights w, of w·v, w², w²·v and w²·v². `first` and `last`: when they began."""

    n: int
    w: float
    wv: float
    w2: float
    w2v: float
    w2vv: float
    first: datetime
    last: datetime

    @property
    def value(self) -> float:
        return self.wv / self.w

    @property
    def worth(self) -> float:
        """How many rows of equal weight say as much."""
        return self.w * self.w / self.w2

    def mean(self) -> Mean:
        """The weighted mean; the variance of its error is that of a ratio of two sums (linearised)."""
        squares = max(0.0, self.w2vv - 2 * self.value * self.w2v + self.value**2 * self.w2)
        spread = squares / (self.w * self.w)
        few = self.n / (self.n - 1) if self.n > 1 else 1.0
        return Mean(self.worth, self.value, spread * few)

    def counts(self) -> Counts:
        """A share as hits of so many requests of equal weight as give the same error. Sampling that keeps every failure and one
        of twenty others knows the failures well: that is in the errors, and not in the number of rows."""
        share = min(max(self.value, 0.0), 1.0)
        spread = max(0.0, self.w2v * (1 - 2 * share) + share * share * self.w2) / (self.w * self.w)
        worth = share * (1 - share) / spread if spread > 0 and 0 < share < 1 else self.worth
        return Counts(worth, share * worth)


def added(left: Sums, right: Sums) -> Sums:
    """Both together."""
    return Sums(
        n=left.n + right.n, w=left.w + right.w, wv=left.wv + right.wv, w2=left.w2 + right.w2, w2v=left.w2v + right.w2v,
        w2vv=left.w2vv + right.w2vv, first=min(left.first, right.first), last=max(left.last, right.last),
    )  # fmt: skip


def together(parts: Sequence[Sums]) -> Sums:
    """All of them together; there must be one."""
    return reduce(added, parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Values that lie close to each other, from `low` to `high`."""

    low: float
    high: float
    n: int
    w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Slots by their number, in ascending order (or categories by their name)."""

    slots: Mapping[float | str, Slot] = field(default_factory=dict)
    w2: float = 0.0
    first: datetime
    last: datetime

    @property
    def n(self) -> int:
        return sum(slot.n for slot in self.slots.values())

    @property
    def w(self) -> float:
        return sum(slot.w for slot in self.slots.values())

    @property
    def worth(self) -> float:
        """How many rows of equal weight say as much."""
        return self.w**2 / self.w2

    def at(self, level: float) -> tuple[float, float]:
        """The lower and upper end of the slot that holds the quantile at `level`."""
        goal, reached = level * self.w, 0.0
        slot = None
        for slot in self.slots.values():  # the last one where rounding keeps the sum below the goal
            reached += slot.w
            if reached >= goal:
                break
        if slot is None:
            raise ValueError("an empty histogram has no quantiles")
        return slot.low, slot.high

    def quantile(self, level: float) -> float:
        """The quantile, interpolated within its slot."""
        goal, reached = level * self.w, 0.0
        value = 0.0
        for slot in self.slots.values():
            inside = min(1.0, max(0.0, (goal - reached) / slot.w))
            value = slot.low + inside * (slot.high - slot.low)
            reached += slot.w
            if reached >= goal:
                break
        return value
