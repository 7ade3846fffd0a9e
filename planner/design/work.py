"""How much a search may do: a gap to reach, a budget of steps, and the clock as a limit on top."""

from __future__ import annotations

import time
from collections.abc import Callable

from planner.plan import Progress, StoppedBy

PROOF_GAP = 1e-7
"""Distance between plan and bound, as a share, that is put down to rounding: such a plan is proven."""

OnProgress = Callable[[Progress], None]


class Work:
    """Counts steps, keeps the best plan's cost and the bound, and says when to stop.

    Steps decide, so that slow and fast machines do the same; only when the clock runs out first do they differ, and
    then `stopped_by` says so. `unrouted` names the demands for which no route was found at all.
    """

    def __init__(
        self,
        *,
        gap: float,
        budget: int,
        time_limit_s: float,
        on_progress: OnProgress | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Start the clock; `should_stop` is asked between steps whether somebody wants an end."""
        self.gap_wanted = gap
        self.budget = budget
        self.time_limit_s = time_limit_s
        self.spent = 0
        self.incumbent: float | None = None
        self.bound = 0.0
        self._should_stop = should_stop
        self.unrouted: tuple[str, ...] = ()
        self.first_plan_s = 0.0
        self.history: list[Progress] = []
        self._on_progress = on_progress
        self._start_s = time.monotonic()

    @property
    def interrupted(self) -> bool:
        """Return whether somebody asked for an end."""
        return self._should_stop()

    @property
    def seconds(self) -> float:
        """Return the time since the start."""
        return time.monotonic() - self._start_s

    @property
    def seconds_left(self) -> float:
        """Return the time that is left, at least a tenth of a second."""
        return max(0.1, self.time_limit_s - self.seconds)

    @property
    def gap(self) -> float:
        """Return the distance between plan and bound, relative to the plan; 1 while there is no plan."""
        if self.incumbent is None:
            return 1.0
        return max(0.0, (self.incumbent - self.bound) / self.incumbent) if self.incumbent > 0.0 else 0.0

    @property
    def is_done(self) -> bool:
        """Return whether the wanted gap is reached; below `PROOF_GAP` there is nothing left to prove."""
        return self.incumbent is not None and self.gap <= max(self.gap_wanted, PROOF_GAP)

    @property
    def is_stopped(self) -> bool:
        """Return whether somebody or the clock wants an end."""
        return self.interrupted or self.seconds >= self.time_limit_s

    @property
    def is_over(self) -> bool:
        """Return whether the search must stop."""
        return self.is_done or self.is_stopped or self.spent >= self.budget

    def stopped_by(self) -> StoppedBy:
        """Return what ended the search; the strongest reason first."""
        if self.incumbent is not None and self.gap <= PROOF_GAP:
            return "proof"
        if self.is_done:
            return "gap"
        if self.interrupted:
            return "interrupt"
        return "time_limit" if self.seconds >= self.time_limit_s else "work_budget"

    def spend(self, steps: int) -> None:
        """Count steps of work."""
        self.spent += steps

    def found(self, cost: float) -> None:
        """Note the cost of a plan."""
        if self.incumbent is None:
            self.first_plan_s = self.seconds
        if self.incumbent is None or cost < self.incumbent - 1e-9:
            self.incumbent = cost
            self._report()

    def proved(self, bound: float) -> None:
        """Note a lower bound on every plan."""
        if bound > self.bound:
            self.bound = bound
            self._report()

    def _report(self) -> None:
        progress = Progress(seconds=round(self.seconds, 3), incumbent=self.incumbent, bound=self.bound or None)
        self.history.append(progress)
        if self._on_progress is not None:
            self._on_progress(progress)
