"""The flags of an engine: how each is spelled and whether a value follows. Data in `flags/ENGINE.yaml`."""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path

from planner.data_files import read_yaml

_FOLDER = Path(__file__).with_name("flags")


class Kind(StrEnum):
    """What follows a flag."""

    VALUE = "value"
    SWITCH = "switch"
    NEGATABLE = "negatable"
    LIST = "list"
    OPTIONAL = "optional"
    REPEATED = "repeated"


@dataclass(frozen=True)
class FlagTable:
    """The flags of one engine, under their long names without dashes.

    `kinds` are the flags of `version`, `retired` those of older versions. `aliases` lead from other
    spellings to the name, `environment` from a variable to the flag it stands for. `shaping` are the
    flags that change what the devices hold. `abbreviations` says whether a unique beginning will do.
    """

    version: str
    kinds: dict[str, Kind]
    retired: dict[str, Kind]
    aliases: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    shaping: frozenset[str] = frozenset()
    abbreviations: bool = False

    def find(self, spelling: str) -> tuple[str, Kind, bool] | None:
        """Return (name, kind, whether it is the negative form) of a flag without its dashes, or None."""
        plain = spelling.replace("_", "-")
        name = self.aliases.get(plain, plain)
        if kind := self.kinds.get(name) or self.retired.get(name):
            return name, kind, False
        if positive := self._negated(name):
            return positive, Kind.NEGATABLE, True
        if self.abbreviations and len(plain) > 1:
            longer = {self.aliases.get(s, s) for s in (*self.kinds, *self.aliases) if s.startswith(plain)}
            if len(longer) == 1:
                name = longer.pop()
                return name, self.kinds[name], False
        return None

    def _negated(self, plain: str) -> str | None:
        candidates = [plain.removeprefix("no-")] if plain.startswith("no-") else []
        for prefix, other in (("disable-", "enable-"), ("enable-", "disable-")):
            if plain.startswith(prefix):
                candidates.append(other + plain.removeprefix(prefix))
        every = {**self.retired, **self.kinds}
        names = (self.aliases.get(candidate, candidate) for candidate in candidates)
        return next((name for name in names if every.get(name) is Kind.NEGATABLE), None)


@cache
def flag_table(engine: str) -> FlagTable:
    """Read the table of an engine (`vllm`, `sglang`, `trtllm`, `llamacpp`, `tgi`)."""
    data = read_yaml(flag_table_path(engine))
    retired = data.get("retired") or {}
    return FlagTable(
        version=str(data["version"]),
        kinds={name: kind for kind in Kind for name in data.get(kind) or ()},
        retired={name: kind for kind in Kind for name in retired.get(kind) or ()},
        aliases=data.get("aliases") or {},
        environment=data.get("environment") or {},
        shaping=frozenset(data.get("shaping") or ()),
        abbreviations=bool(data.get("abbreviations")),
    )


def flag_table_path(engine: str) -> Path:
    """Return the file of an engine's table."""
    return _FOLDER / f"{engine}.yaml"
