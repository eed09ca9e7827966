"""The remainder of a programme when the values of some variables are settled."""

from collections.abc import Mapping
from dataclasses import dataclass

from planner.solve.integer_programme import IntegerProgramme, Terms


@dataclass(frozen=True)
class Remainder:
    """A smaller programme over `variables` of the whole one; its objective lacks `settled_value`."""

    programme: IntegerProgramme
    objective: Terms
    variables: tuple[int, ...]
    settled: Mapping[int, int]
    settled_value: int

    def whole(self, values: tuple[int, ...], size: int) -> tuple[int, ...]:
        """Return the values of all variables of the whole programme."""
        found = [0] * size
        for variable, value in (*self.settled.items(), *zip(self.variables, values, strict=True)):
            found[variable] = value
        return tuple(found)


def remainder(
    programme: IntegerProgramme, objective: Terms, settled: Mapping[int, int], upper: Mapping[int, int | None]
) -> Remainder:
    """Return the programme over the variables of `upper`, which it limits; the rest are as settled, else 0."""
    number = {variable: place for place, variable in enumerate(sorted(upper))}
    rows = IntegerProgramme()
    for variable in number:
        rows.variable(upper[variable])
    for row in programme.rows:
        taken = sum(coefficient * settled.get(variable, 0) for variable, coefficient in row.terms)
        terms = {number[variable]: coefficient for variable, coefficient in row.terms if variable in number}
        if row.low is not None:
            rows.at_least(terms, row.low - taken)
        if row.high is not None:
            rows.at_most(terms, row.high - taken)
    value = sum(coefficient * settled.get(variable, 0) for variable, coefficient in objective.items())
    left = {number[variable]: coefficient for variable, coefficient in objective.items() if variable in number}
    return Remainder(rows, left, tuple(number), settled, value)
