"""Parameter bytes and cache blocks equal what vLLM's own classes and planner say, over a matrix of layouts."""

from collections.abc import Iterator

from planner.engines.vllm import ENGINE
from planner.engines.vllm.model_cache import layout_groups
from planner.engines.vllm.parameters import stage_parameters
from planner.engines.vllm.release import newest, rules
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.models.model import Model
from tests.engines.vllm.recorded import DRAWN, Case, recorded

_LEAST_EXACT = 0.98


def _answered() -> Iterator[tuple[Case, Model]]:
    for case in (*recorded(), *recorded(DRAWN)):
        if case.refused is None and (model := case.read()) is not None:
            yield case, model


def _exact(right: dict[str, bool]) -> float:
    wrong = [name for name, same in right.items() if not same]
    print("not equal:", *wrong, sep="\n  ")
    return 1 - len(wrong) / len(right)


def test_parameters_of_every_rank() -> None:
    right = {}
    for case, model in _answered():
        layout = case.ours(model)
        for stage, (parameters, _) in enumerate(case.answer["ranks"]):
            right[f"{case} stage {stage}"] = stage_parameters(model, layout, stage) == parameters
    assert len({name.split()[0] for name in right}) >= 40
    assert _exact(right) >= _LEAST_EXACT


def test_blocks_and_tokens() -> None:
    site = usual_site(gpus()["h100-sxm5-80gb"])
    right = {}
    for case, model in _answered():
        right[str(case)] = case.same_cache(ENGINE.bill(model, case.ours(model), [site]))
    assert _exact(right) >= _LEAST_EXACT


def test_groups() -> None:
    right = {}
    for case, model in _answered():
        groups = layout_groups(model, case.ours(model), rules(newest()), newest())
        ours = sorted((len(group.members), group.block_size) for group in groups)
        theirs = [(layers, size) for _, layers, size, _, times in case.answer["groups"] for _ in range(times)]
        right[str(case)] = ours == sorted(theirs)
    assert _exact(right) >= _LEAST_EXACT


def test_limits_are_resolved_alike() -> None:
    for case, model in _answered():
        layout = case.ours(model)
        found = [layout.max_model_len, layout.max_num_batched_tokens, layout.max_num_seqs]
        assert found == case.answer["limits"], case
