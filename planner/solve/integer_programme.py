"""An integer programme in exact integers: what every solver is given, and what its answer is verified against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd

Terms = Mapping[int, int]
"""Variable -> coefficient."""


@dataclass(frozen=True)
class Row:
    """`low` <= the sum of coefficient x variable <= `high`; None leaves a side open."""

    terms: tuple[tuple[int, int], ...]
    low: int | None
    high: int | None

    def holds(self, values: Sequence[int]) -> bool:
        """Whether the values keep the row, in exact arithmetic."""
        total = sum(coefficient * values[variable] for variable, coefficient in self.terms)
        return (self.low is None or total >= self.low) and (self.high is None or total <= self.high)


@dataclass
class IntegerProgramme:
    """Variables are numbered from 0 and run from 0 to `upper` (None: without limit)."""

    upper: list[int | None] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def variable(self, upper: int | None = None) -> int:
        """Add a variable and return its number."""
        self.upper.append(upper)
        return len(self.upper) - 1

    def at_least(self, terms: Terms, low: int) -> None:
        """Add a row that must reach `low`."""
        self._row(terms, low, None)

    def at_most(self, terms: Terms, high: int) -> None:
        """Add a row that must not pass `high`."""
        self._row(terms, None, high)

    def copy(self) -> "IntegerProgramme":
        """Return a programme that can be added to without changing this one."""
        return IntegerProgramme(list(self.upper), list(self.rows))

    def broken(self, values: Sequence[int]) -> list[Row]:
        """Return the rows that the values do not keep; raises IndexError on too few values."""
        return [row for row in self.rows if not row.holds(values)]

    def _row(self, terms: Terms, low: int | None, high: int | None) -> None:
        """Add a row in lowest terms: dividing by the common divisor loses nothing, as all values are whole."""
        kept = tuple((variable, coefficient) for variable, coefficient in terms.items() if coefficient)
        divisor = gcd(*(coefficient for _, coefficient in kept)) or 1
        self.rows.append(
            Row(
                tuple((variable, coefficient // divisor) for variable, coefficient in kept),
                None if low is None else -(-low // divisor),
                None if high is None else high // divisor,
            )
        )


def evaluate(terms: Terms, values: Sequence[int]) -> int:
    """Value of a linear form."""
    return sum(coefficient * values[variable] for variable, coefficient in terms.items())


class Adding(dict[int, int]):
    """Terms that are added up: `terms.add(variable, coefficient)`."""

    def add(self, variable: int, coefficient: int) -> None:
        """Add to the coefficient of a variable."""
        self[variable] = self.get(variable, 0) + coefficient
