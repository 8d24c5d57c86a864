"""Everything that happens after a chunk is durable, in one thread, until nothing is left to do."""

from collections.abc import Callable
from dataclasses import dataclass, field

from application.detecting import Detecting
from application.investigating import Investigator
from application.notifying import Delivering
from application.notifying import Requesting as RequestingNotifications
from application.requesting_investigations import RequestingInvestigations


@dataclass(slots=True)
class Pipeline:
    """Detect, investigate, notify, project, in this order."""

    detecting: Detecting
    requesting: RequestingInvestigations
    investigator: Investigator
    notifying: RequestingNotifications
    delivering: Delivering
    prepare: Callable[[], None] = lambda: None
    """Loads what the engines need, which may take seconds."""
    project: list[Callable[[], object]] = field(default_factory=list)
    """Brings one read model up to date."""

    def detect(self, limit: int = 500) -> int:
        """Look at up to `limit` events that were recorded; returns how many there were.

        They are correlated at once, so that what belongs together is found together, whichever
        file came first; the bound keeps memory flat on a long backlog.
        """
        return self.detecting.run_once(limit)

    def investigate(self) -> int:
        """Run every investigation that is asked for; returns how many came to an end."""
        self.requesting.run_once()
        waiting = self.investigator.waiting()
        for investigation in waiting:
            self.investigator.run(investigation)
        return len(set(waiting) - set(self.investigator.waiting()))

    def notify(self) -> int:
        """Ask for and deliver what is due; returns how many were delivered."""
        self.notifying.run_once()
        return self.delivering.run_once()

    def drain(self) -> None:
        """Work until a whole round finds nothing to do."""
        while self.detect() + self.investigate() + self.notify():
            pass
        for bring_up_to_date in self.project:
            bring_up_to_date()
