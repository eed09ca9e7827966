"""Plans cost what an exhaustive search finds, and are infeasible exactly when it finds nothing.

A sample: `benchmarks/exhaustive.py` compares a thousand.
"""

import pytest

from tests.solve.random_instances import instance
from tests.solve.ruled_instances import ruled_instance


@pytest.mark.parametrize("seeds", [range(1000, 1020), range(1020, 1040)])
def test_one_model_on_up_to_twelve_gpus_of_up_to_three_kinds(seeds: range) -> None:
    for seed in seeds:
        drawn = instance(seed, gpus=12)
        assert drawn.planned() == drawn.cheapest(), f"seed {seed}"


@pytest.mark.parametrize("seeds", [range(2000, 2015), range(2015, 2030)])
def test_several_models_that_share_nodes(seeds: range) -> None:
    for seed in seeds:
        drawn = instance(seed, models=3, gpus=10)
        assert drawn.planned() == drawn.cheapest(), f"seed {seed}"


@pytest.mark.parametrize("seeds", [range(500, 515), range(515, 530)])
def test_rates_targets_rules_shares_slices_and_pools(seeds: range) -> None:
    for seed in seeds:
        drawn = ruled_instance(seed)
        assert drawn.planned() == drawn.cheapest(), f"seed {seed}: {drawn.kinds}"
