"""Where one launcher of a replica starts, in the words of the platform that starts it."""

from dataclasses import dataclass

_ALONE = "127.0.0.1"


@dataclass(frozen=True)
class Spot:
    """`rank` of `launchers`, the address of the first, and the port that the first one listens on.

    Platforms that number the launchers themselves put their placeholder where a script has a number;
    `head` then says which of the two commands it is. Config files that a command reads lie in `folder`.
    """

    port: int
    rank: str = "0"
    launchers: int = 1
    address: str = _ALONE
    rendezvous: int = 29501
    head: bool = True
    host: str = "0.0.0.0"
    folder: str = "."

    @property
    def named(self) -> bool:
        """Whether other nodes find the launcher under its address."""
        return self.address != _ALONE
