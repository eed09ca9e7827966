"""Targets without memory rules here: what carries over is exact, what cannot is refused, and the files say it."""

from pathlib import Path

import pytest
import yaml

from planner.export import Refused, export
from planner.launch import read
from planner.layout import Limits
from tests.export.plans import laid_out
from tests.export.round_trip import assert_same_bills

DENSE = "qwen3-32b"


@pytest.mark.parametrize(
    "limits",
    [
        Limits(max_model_len=2048, max_num_seqs=8),
        Limits(max_model_len=4000, max_num_seqs=7, memory_fraction=0.87, enforce_eager=True),
    ],
)
def test_tgi_is_read_back_to_the_plan_it_came_from(limits: Limits, tmp_path: Path) -> None:
    assert_same_bills(laid_out(DENSE, "4xH100-SXM", tensor=2, replicas=2, limits=limits), "tgi", tmp_path)


def test_tgi_says_that_its_memory_is_not_modelled() -> None:
    files = export(laid_out(DENSE, "2xH100-SXM", tensor=2), "tgi")
    assert "TGI's own memory is not modelled" in files["serve-0.sh"]
    assert "maintenance mode" in files["README.md"]
    assert "--num-shard 2 --max-input-tokens 2047 --max-total-tokens 2048" in files["serve-0.sh"]


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"tensor": 2, "pipeline": 2}, "tensor parallelism only"),
        ({"limits": Limits(max_model_len=8192, max_num_batched_tokens=2048)}, "shorter than the longest prompt"),
        ({"limits": Limits(max_model_len=2048, block_size=32)}, "no flag for block_size"),
    ],
)
def test_what_tgi_has_no_word_for_is_refused(sizes: dict[str, object], says: str) -> None:
    with pytest.raises(Refused, match=says):
        export(laid_out(DENSE, "4xH200", **sizes), "tgi")  # type: ignore[arg-type]


def test_accelerate_places_every_layer_and_keeps_room_for_its_weights(tmp_path: Path) -> None:
    plan = laid_out(DENSE, "3xH100-SXM", pipeline=3, stages=(20, 21, 23))
    document = yaml.safe_load(export(plan, "accelerate")["place-0.yaml"])
    places = document["device_map"]
    assert [places[f"model.layers.{layer}"] for layer in (0, 19, 20, 40, 41, 63)] == [0, 0, 1, 1, 2, 2]
    assert (places["model.embed_tokens"], places["model.norm"], places["lm_head"]) == (0, 2, 2)
    lines = plan.deployments[0].replicas[0].per_device
    assert all(document["max_memory"][line.rank] >= line.weights_bytes for line in lines)
    assert_same_bills(plan, "accelerate", tmp_path)


@pytest.mark.parametrize(
    ("model", "named", "unnamed"),
    [
        # modules of the classes of transformers 5.19, which rename what checkpoints hold
        ("nvidia/NVIDIA-Nemotron-Nano-9B-v2", ["model.embeddings", "model.layers.0"], ["backbone.embeddings"]),
        ("EleutherAI/gpt-neox-20b", ["lm_head", "gpt_neox.rotary_emb"], ["embed_out"]),
        ("tiiuae/falcon-7b", ["transformer.rotary_emb", "transformer.h.0"], []),
        ("openai-community/gpt2", ["transformer.wpe", "transformer.h.0"], ["transformer.rotary_emb"]),
    ],
)
def test_accelerate_names_modules_as_their_class_does(model: str, named: list[str], unnamed: list[str]) -> None:
    plan = laid_out(model, "1xH200", limits=Limits(max_model_len=1024, max_num_seqs=2))
    found = yaml.safe_load(export(plan, "accelerate")["place-0.yaml"])["device_map"]
    assert all(name in found for name in named)
    assert not any(name in found for name in unnamed)


def test_accelerate_converts_no_weights() -> None:
    limits = Limits(max_model_len=1024, max_num_seqs=2, options={"quantization": "fp8"})
    with pytest.raises(Refused, match="converts the weights to fp8 as it loads them"):
        export(laid_out(DENSE, "1xH200", limits=limits), "accelerate")


def test_accelerate_cannot_cut_layers() -> None:
    with pytest.raises(Refused, match="places them whole"):
        export(laid_out(DENSE, "2xH100-SXM", tensor=2), "accelerate")


def test_a_placement_says_for_which_engine_it_was_planned(tmp_path: Path) -> None:
    file = tmp_path / "map.yaml"
    file.write_text("model: Qwen/Qwen3-32B\ndevice_map: {model.layers.0: 0}\n")
    with pytest.raises(Exception, match=r"planned_for\.engine"):
        read(file)
