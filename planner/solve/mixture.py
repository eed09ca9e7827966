"""The mixture of covers: the linear programme that shares the rows among the covers known so far, and prices them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.solve.covering_knapsack import Floats, Numbers
from planner.solve.shared_rows import SharedRows

_ROW, _LOAD = 10.0, 1e5
"""Prices of a unit that a row lacks and of a load that is not carried, in prices of the dearest variable."""

Copies = tuple[tuple[int, int], ...]
"""Variables of a load with how many of each, in order."""


def as_copies(variables: Numbers, row: Numbers) -> Copies:
    """A row with the copies of each of these variables, as those that there are."""
    kinds = np.flatnonzero(row)
    return tuple(zip(variables[kinds].tolist(), row[kinds].tolist(), strict=True))


@dataclass(frozen=True)
class Cover:
    """Copies of the variables of a block that carry its load."""

    block: int
    copies: Copies


@dataclass(frozen=True)
class Mixed:
    """The best mixture: its value, the prices of the rows, and each cover's part in its load."""

    value: float
    prices: Floats
    parts: Mapping[Cover, float]


class Mixture:
    """Covers of `blocks` loads that share rows; what the rows lack can be had, at a price no plan would pay."""

    def __init__(self, rows: SharedRows, blocks: int) -> None:
        from ortools.math_opt.python import mathopt

        self._rows, self._model = rows, mathopt.Model()
        self._unit = max(1.0, float(np.abs(rows.objective).max()))
        self._covers: dict[Any, Cover] = {}
        self._known: set[Cover] = set()
        self._shared = [self._model.add_linear_constraint(ub=float(most)) for most in rows.most]
        self._loads = [self._model.add_linear_constraint(lb=1.0) for _ in range(blocks)]
        for variable in rows.others.tolist():
            self._column(float(rows.objective[variable]), rows.column(variable), rows.upper[variable])
        for row in range(len(self._shared)):
            self._column(_ROW * self._unit, [(row, -1)])
        for load in self._loads:
            load.set_coefficient(self._column(_LOAD * self._unit, []), 1.0)
        self._asked = mathopt.ModelSolveParameters(
            variable_values_filter=mathopt.VariableFilter(skip_zero_values=True),
            dual_values_filter=mathopt.LinearConstraintFilter(skip_zero_values=True),
            reduced_costs_filter=mathopt.VariableFilter(filtered_items=()),
        )
        self._solver: Any = None

    def _column(self, price: float, takes: list[tuple[int, int]], upper: float = np.inf) -> Any:
        column = self._model.add_variable(lb=0.0, ub=float(upper))
        self._model.objective.set_linear_coefficient(column, price / self._unit)
        for row, count in takes:
            self._shared[row].set_coefficient(column, float(count))
        return column

    def _result(self) -> Any:
        """What GLOP finds from where it was; where it gives up on that (its numbers are floats), what HiGHS finds."""
        from ortools.math_opt.python import mathopt

        if self._solver is None:
            self._solver = mathopt.IncrementalSolver(self._model, mathopt.SolverType.GLOP)
        try:
            return self._solver.solve(model_params=self._asked)
        except (AttributeError, RuntimeError):  # MathOpt 9.15 stumbles over the status that it should raise
            self._solver = None
            return mathopt.solve(self._model, mathopt.SolverType.HIGHS, model_params=self._asked)

    @property
    def covers(self) -> list[Cover]:
        """The covers known so far."""
        return list(self._covers.values())

    def copies_of(self, block: int) -> list[Copies]:
        """The covers known so far of one block."""
        return [cover.copies for cover in self._covers.values() if cover.block == block]

    def add(self, cover: Cover) -> bool:
        """Let the mixture use a cover; whether it did not yet."""
        if cover in self._known:
            return False
        self._known.add(cover)
        takes: dict[int, int] = {}
        for variable, copies in cover.copies:
            for row, count in self._rows.column(variable):
                takes[row] = takes.get(row, 0) + copies * count
        price = sum(int(self._rows.objective[variable]) * copies for variable, copies in cover.copies)
        column = self._column(float(price), list(takes.items()))
        self._covers[column] = cover
        self._loads[cover.block].set_coefficient(column, 1.0)
        return True

    def best(self) -> Mixed:
        """Mix the covers at the least cost."""
        result = self._result()
        values, duals = result.variable_values(), result.dual_values()
        return Mixed(
            result.objective_value() * self._unit,
            self._unit * np.array([max(0.0, -duals.get(row, 0.0)) for row in self._shared]),
            {self._covers[column]: part for column, part in values.items() if column in self._covers and part > 0},
        )
