"""Numbers as people read them: rates in percent, differences in points, ratios as a change in percent, money, time."""

from __future__ import annotations

import math
from typing import Literal

Unit = Literal["rate", "number"]

MINUS = "\u2212"
NBSP = "\u00a0"
NONE = "\u2013"  # a side that has no value
_CENT = 0.1


def signed(value: float, digits: int) -> str:
    """`value` with its sign and `digits` decimals; a value that rounds to nothing has no sign."""
    text = f"{abs(value):.{digits}f}"
    if not float(text):
        return text
    return (MINUS if value < 0 else "+") + text


def plain(value: float, digits: int) -> str:
    """`value` with `digits` decimals and a true minus sign."""
    text = f"{value:.{digits}f}"
    return text.replace("-", MINUS) if float(text) else text.lstrip("-")


def score(value: float | None, unit: Unit) -> str:
    """A mean score: `82.0 %`, or three decimals for a score that is no rate."""
    if value is None or not math.isfinite(value):
        return NONE
    return f"{plain(100 * value, 1)} %" if unit == "rate" else plain(value, 3)


def difference(value: float | None, unit: Unit) -> str:
    """A difference of scores: `-10.0 pts` (percentage points), with a true minus sign."""
    if value is None or not math.isfinite(value):
        return NONE
    return f"{signed(100 * value, 1)} pts" if unit == "rate" else signed(value, 3)


def size(value: float, unit: Unit) -> str:
    """The size of a difference, without a sign."""
    return f"{plain(100 * value, 1)} pts" if unit == "rate" else plain(value, 3)


def interval(low: float | None, high: float | None, unit: Unit) -> str:
    """`[-20.2, +0.9]` in the unit of the difference beside it; rates differ by no more than 100 points."""
    if low is None or high is None:
        return NONE
    scale, digits = (100, 1) if unit == "rate" else (1, 3)
    if unit == "rate":
        low, high = max(low, -1.0), min(high, 1.0)
    return f"[{_bound(scale * low, digits)}, {_bound(scale * high, digits)}]"


def growth(ratio: float | None) -> str:
    """A ratio head / base as a change: 1.08 is `+8.0 %`."""
    return NONE if ratio is None or not math.isfinite(ratio) else f"{signed(100 * (ratio - 1), 1)} %"


def growth_interval(low: float | None, high: float | None) -> str:
    """The interval of a ratio, as changes in percent."""
    if low is None or high is None:
        return NONE
    return f"[{_bound(100 * (low - 1), 1)}, {_bound(100 * (high - 1), 1)}]"


def amount(value: float | None, unit: str) -> str:
    """A cost or a latency per case in `unit`: dollars are shown per 1,000 cases, seconds as ms below one."""
    if value is None or not math.isfinite(value):
        return NONE
    match unit.lower():
        case "usd" | "$" | "dollars":
            return money(1000 * value)
        case "s" | "seconds" | "second":
            return seconds(value)
        case "ms":
            return seconds(value / 1000)
        case _:
            return f"{value:,.1f}"


def money(dollars: float) -> str:
    """Dollars: cents from ten cents up, three significant digits below."""
    if dollars == 0 or abs(dollars) >= _CENT:
        return f"${dollars:,.2f}"
    return f"${_significant(dollars)}"


def seconds(value: float) -> str:
    """A duration: `420 ms`, `1.24 s`, `38 s`, `4 min 05 s`."""
    minute, second = 60, 1
    if not math.isfinite(value):
        return NONE
    if abs(value) < second:
        return f"{1000 * value:.0f} ms" if abs(value) >= second / 100 else f"{_significant(1000 * value)} ms"
    if value < minute:
        return f"{value:.2f} s" if value < minute / 6 else f"{value:.1f} s"
    whole = round(value)
    return f"{whole // minute} min {whole % minute:02d} s"


def count(number: int, one: str, many: str = "") -> str:
    """`1 case`, `1,200 cases`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _bound(value: float, digits: int) -> str:
    if math.isfinite(value):
        return signed(value, digits)
    return "+\u221e" if value > 0 else f"{MINUS}\u221e"


def _significant(value: float) -> str:
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
