"""How much of a report a comment shows: the steps by which it is shortened until it fits, in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What one step still shows, and what it says was left out."""

    fields: bool = True  # the changed fields as diffs
    flips: int = 20  # flipped cases per comparison with their texts
    chars: int = 1500  # characters per text
    flip_names: int = 0  # flipped cases per comparison by name only, where no texts are shown
    lists: int = 20  # hard failures, problems, reasons
    method: bool = True
    tables: Literal["all", "held", "none"] = "all"
    rows: int = 200  # configs in the summary
    words: bool = True  # the reason beside the verdict, and the next step
    left_out: str = ""


STEPS: tuple[Detail, ...] = (
    Detail(),
    Detail(fields=False, left_out="the changed fields"),
    Detail(fields=False, flips=10, chars=500, left_out="the changed fields and some flipped cases"),
    Detail(fields=False, flips=3, chars=300, lists=10, left_out="the changed fields and most flipped cases"),
    Detail(fields=False, flips=0, flip_names=10, lists=10, left_out="the changed fields and the texts of flipped cases"),
    Detail(fields=False, flips=0, lists=5, method=False, left_out="the changed fields, flipped cases and how it was measured"),
    Detail(
        fields=False,
        flips=0,
        lists=5,
        method=False,
        tables="held",
        left_out="all but the tables of held configs",
    ),
    Detail(fields=False, flips=0, lists=3, method=False, tables="none", rows=50, left_out="all but the summary"),
    Detail(fields=False, flips=0, lists=0, method=False, tables="none", rows=5, left_out="all but the first configs"),
    Detail(fields=False, flips=0, lists=0, method=False, tables="none", rows=0, words=False, left_out="all but the verdict"),
)
