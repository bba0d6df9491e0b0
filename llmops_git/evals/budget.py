"""The hard budget: money is set aside before a call and settled after it, so that no order of replies can overspend."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from llmops_git.configs.policy import Budget
from llmops_git.errors import NotMeasured

_POLL = 0.2  # seconds between looks at whether the run was stopped
_CENT_FRACTION = 1e-9  # floating-point dust, far below what anything costs


class BudgetExceeded(NotMeasured):
    """A call that was not made because it could have gone over the budget."""


class Stopped(Exception):
    """The run was stopped while something waited."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one call; None where the price is not known."""

    usd: float | None


class Ledger:
    """What was spent of a budget, and what is set aside for calls under way. Shared by all threads of a run.

    One ledger can serve several runs in a row; the limits hold for all of them together. Calls whose price is not known
    count as requests only, and `unpriced` counts them.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._changed = threading.Condition()
        self._reserved = 0.0
        self.spent_usd = 0.0
        self.requests = 0
        self.unpriced = 0

    @property
    def cost_usd(self) -> float | None:
        """US dollars spent so far; None when some of it is not known."""
        return None if self.unpriced else self.spent_usd

    def reserve(self, most_usd: float | None, stop: threading.Event) -> Reservation:
        """Set aside the most that a call can cost, and count the call.

        Waits while only the money set aside by others stands in the way. Raises BudgetExceeded when the call does not fit
        into what is left, and Stopped when `stop` is set while waiting.
        """
        with self._changed:
            while True:
                self._check_requests()
                if self._fits(most_usd, self._reserved):
                    break
                if not self._fits(most_usd, 0.0):
                    raise BudgetExceeded(
                        self._refusal(most_usd or 0.0), hint="raise budget.max_usd in llmops.yaml, or --max-usd"
                    )
                if stop.is_set():
                    raise Stopped
                self._changed.wait(_POLL)
            self.requests += 1
            self._reserved += most_usd or 0.0
            return Reservation(most_usd)

    def settle(self, reservation: Reservation, usd: float | None) -> None:
        """A call is over. `usd` is what it cost; None where nobody said, which counts as all that was set aside."""
        with self._changed:
            self._reserved -= reservation.usd or 0.0
            if usd is not None:
                self.spent_usd += usd
            elif reservation.usd is not None:
                self.spent_usd += reservation.usd
            else:
                self.unpriced += 1
            self._changed.notify_all()

    def cancel(self, reservation: Reservation) -> None:
        """The call was never made."""
        with self._changed:
            self.requests -= 1
            self._reserved -= reservation.usd or 0.0
            self._changed.notify_all()

    def _fits(self, most_usd: float | None, reserved: float) -> bool:
        limit = self._budget.max_usd
        return not most_usd or limit is None or self.spent_usd + reserved + most_usd <= limit + _CENT_FRACTION

    def _check_requests(self) -> None:
        limit = self._budget.max_requests
        if limit is not None and self.requests >= limit:
            hint = "raise budget.max_requests in llmops.yaml, or --max-requests"
            raise BudgetExceeded(f"the budget of {limit} requests is used up", hint=hint)

    def _refusal(self, most_usd: float) -> str:
        return (
            f"the budget of ${self._budget.max_usd:g} does not allow a call of up to ${most_usd:.6f}: "
            f"${self.spent_usd:.6f} is spent"
        )
