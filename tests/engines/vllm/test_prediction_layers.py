"""Layers that a model drafts with: what they weigh, and what they cache beside the model's own."""

from planner.engines.vllm.allocator import EXPANDABLE
from planner.engines.vllm.profile import of_version
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.memory.bill import Bill
from planner.models.source import load_model
from planner.units import GIB


def _bill(version: str, model: str, gpu: str, tensor: int, **limits: object) -> Bill:
    engine, loaded, site = of_version(version), load_model(model), usual_site(gpus()[gpu])
    return engine.bill(loaded, engine.layout(loaded, site.gpu, Limits.parse(limits), tensor=tensor), [site] * tensor)


def _drafting(tokens: int, **options: object) -> dict[str, object]:
    return {"speculative_config": f'{{"method": "mtp", "num_speculative_tokens": {tokens}}}', **options}


def test_a_request_keeps_a_layer_and_states_for_what_is_drafted() -> None:
    """Qwen3.6-27B on two RTX 3090, 0.21.0: 8.66 GiB are needed for 262,144 tokens (GeerMrc/docker-vllm-public)."""
    bill = _bill(
        "0.21.0", "Qwen/Qwen3.5-27B", "rtx-3090", 2, max_model_len=262144, max_num_seqs=4,
        options=_drafting(1, enable_prefix_caching=False),
    )  # fmt: skip
    assert round(bill.logged["needed_kv_bytes"] / GIB, 2) == 8.66


def test_what_is_left_beside_the_layer_that_drafts() -> None:
    """NVFP4 on a RTX 5090, 0.24.0: 3.93 GiB, too little for 100,352 tokens, enough for 92,112 (club-3090 issue 617)."""
    limits = {"max_num_seqs": 1, "max_num_batched_tokens": 8192, "memory_fraction": 0.85, "kv_cache_dtype": "fp8"}
    for length, concurrency in ((100352, 0.96), (92112, 1.03)):
        bill = _bill(
            "0.24.0", "nvidia/Qwen3.6-27B-NVFP4", "rtx-5090", 1, max_model_len=length, **limits,
            options=_drafting(3, enable_prefix_caching=True, **EXPANDABLE),
        )  # fmt: skip
        assert abs(bill.logged["available_kv_bytes"] / GIB - 3.93) < 0.04
        assert bill.max_concurrency == concurrency


def test_a_smaller_model_that_drafts_is_loaded_and_caches_beside_the_first() -> None:
    """Qwen2.5-32B with the 7B on four A100 (0.6.1, issue 8731): its first caches of 72 MiB a layer are 9,216 blocks."""
    how = {"max_model_len": 1000, "options": {"speculative_model": "Qwen/Qwen2.5-7B-Instruct"}}
    alone = _bill("0.6.1", "Qwen/Qwen2.5-32B-Instruct", "a100-sxm4-40gb", 4, max_model_len=1000)
    drafted = _bill("0.6.1", "Qwen/Qwen2.5-32B-Instruct", "a100-sxm4-40gb", 4, **how)
    more = drafted.logged["block_bytes"] - alone.logged["block_bytes"]
    assert more == 28 * 2 * 16 * 128 * 2  # layers, keys and values, tokens, one head a rank, 16 bits
    assert 9216 * more == 28 * 72 * 2**20
    weights = drafted.per_device[0].weights_bytes - alone.per_device[0].weights_bytes
    assert abs(weights - 7_615_616_512 * 2 // 4) < 2**24
    unknown = {"max_model_len": 1000, "options": {"speculative_model": "[ngram]"}}
    assert _bill("0.6.1", "Qwen/Qwen2.5-32B-Instruct", "a100-sxm4-40gb", 4, **unknown).logged == alone.logged
