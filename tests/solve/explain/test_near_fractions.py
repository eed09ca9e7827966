"""Near the fractions of a programme with hundreds of copies lies a plan hardly dearer than they are."""

from planner.solve.explain.near_fractions import near_fractions
from planner.solve.integer_programme import IntegerProgramme
from planner.solve.linear_relaxation import linear_relaxation


def _covering(load: int) -> tuple[IntegerProgramme, dict[int, int]]:
    """Layouts of 3, 7 and 16 GPUs on two kinds of nodes of eight, of which there are 1,000 and 700."""
    programme, price, carried = IntegerProgramme(), dict[int, int](), dict[int, int]()
    for gpus, count, usd, each in ((3, 8000, 900, 5), (7, 5600, 1300, 6)):
        taken = programme.variable(count)
        price[taken] = usd
        copies = {programme.variable(): size for size in (gpus, 16, 16 + gpus)}
        programme.at_most({**copies, taken: -1}, 0)
        carried |= {copy: size * each - 1 for copy, size in copies.items()}
    programme.at_least(carried, load)
    return programme, price


def test_a_plan_near_the_fractions_keeps_all_rows_and_costs_hardly_more() -> None:
    programme, price = _covering(70_001)
    relaxed = linear_relaxation(programme, price)
    assert relaxed is not None
    found = near_fractions(programme, price, relaxed)
    assert found is not None and found.values is not None
    assert not programme.broken(found.values)
    assert sum(price[v] * found.values[v] for v in price) == found.value
    assert relaxed.value - 1 <= found.bound <= found.value <= 1.002 * found.bound


def test_where_no_amount_is_large_the_whole_programme_is_as_small() -> None:
    programme, price = _covering(20)
    relaxed = linear_relaxation(programme, price)
    assert relaxed is not None and near_fractions(programme, price, relaxed) is None
