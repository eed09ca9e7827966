"""What a target cannot express: refused with the reason and the targets that can."""

from planner.errors import BadInput


class Refused(BadInput):
    """A plan that holds and that this target cannot run as it was modelled."""

    def __init__(self, target: str, reason: str, instead: tuple[str, ...] = ()) -> None:
        self.target, self.reason, self.instead = target, reason, instead
        hint = f"; --to {', '.join(instead)} can" if instead else ""
        super().__init__(f"cannot express this plan: {reason}{hint}", where=f"--to {target}")
