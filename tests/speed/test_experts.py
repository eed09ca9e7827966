"""Distinct experts against exhaustive enumeration."""

from itertools import combinations, product

import pytest

from planner.speed.experts import distinct_experts


@pytest.mark.parametrize(("experts", "chosen", "tokens"), [(4, 2, 1), (4, 2, 2), (4, 1, 3), (5, 2, 2)])
def test_distinct_experts_is_the_mean_over_all_choices(experts, chosen, tokens):
    choices = list(combinations(range(experts), chosen))
    counts = [len(set().union(*picked)) for picked in product(choices, repeat=tokens)]
    assert distinct_experts(tokens, chosen, experts) == pytest.approx(sum(counts) / len(counts))
