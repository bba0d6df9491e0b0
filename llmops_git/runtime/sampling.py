"""Which traces are kept, and how many requests each stands for. Pure: the trace's id decides, so every process agrees.

Weights make sums over kept traces unbiased, each request counted once on average:
a trace that had something to show when its request ended (an error, a guardrail hit, a negative signal) is always kept and
stands for itself: 1. One kept by the hash of its id stands for those that were not: 1 / rate. One that was not kept, and is
because of a signal that came later, stands for none: 0, since the traces kept by hash already count requests like it.
"""

from __future__ import annotations

_BITS = 64
_MASK = (1 << _BITS) - 1
LATE_WEIGHT = 0.0


def hash_of(trace_id: str) -> float:
    """A number in [0, 1) that follows from a trace's id, evenly whatever part of the id is random (splitmix64)."""
    number = int(trace_id, 16)
    mixed = _mix(_mix(number & _MASK) ^ (number >> _BITS & _MASK))
    return (mixed >> 11) * 2.0**-53


def weight_of(trace_id: str, *, rate: float, interesting: bool) -> float | None:
    """How many requests a trace stands for; None when it is not kept."""
    if interesting or rate >= 1.0:
        return 1.0
    return 1.0 / rate if hash_of(trace_id) < rate else None


def _mix(number: int) -> int:
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)
