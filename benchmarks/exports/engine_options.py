"""Limits and options to draw from: each engine's own cache types and flags, as users of that engine give them."""

from random import Random
from typing import Any

from planner.layout import Limits, OptionValue
from planner.models.model import Model

Options = dict[str, OptionValue]

CACHE_TYPES: dict[str, tuple[str | None, ...]] = {
    "vllm": (None, None, None, None, "fp8", "fp8_e4m3", "fp8_e5m2", "bfloat16"),
    "sglang": (None, None, None, "fp8_e5m2", "fp8_e4m3", "bf16"),
    "trtllm": (None, None, None, "fp8", "nvfp4"),
}
_NGRAM = '{"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_max": 4, "prompt_lookup_min": 2}'
_OPTIONS: dict[str, tuple[Options, ...]] = {
    "vllm": (
        *({}, {}, {}, {"enable_prefix_caching": False}, {"max_cudagraph_capture_size": 64}),
        *({"disable_custom_all_reduce": True}, {"dtype": "float16"}, {"dtype": "bfloat16"}),
        *({"speculative_config": _NGRAM}, {"async_scheduling": False}, {"kv_cache_memory_bytes": 3 << 30}),
        *({"language_model_only": True}, {"long_prefill_token_threshold": 512}, {"enable_chunked_prefill": False}),
        *({"num_gpu_blocks_override": 600}, {"mm_encoder_tp_mode": "data"}, {"cpu_offload_gb": 2}),
        *({"cudagraph_capture_sizes": "1,2,4,8"}, {"scheduling_policy": "priority"}, {"enable_lora": True}),
    ),
    "sglang": (
        *({}, {}, {}, {"disable_radix_cache": True}, {"disable_overlap_schedule": True}, {"dtype": "float16"}),
        *({"cuda_graph_max_bs_decode": 24}, {"max_total_tokens": 65536}, {"enable_dp_lm_head": True}),
        *({"moe_dense_tp_size": 1}, {"enable_mixed_chunk": True}, {"chunked_prefill_size": -1}),
        *({"attention_backend": "triton"}, {"swa_full_tokens_ratio": 0.5}, {"schedule_conservativeness": 0.3}),
        {"speculative_algorithm": "NGRAM", "speculative_num_draft_tokens": 8},
    ),
    "trtllm": (
        *({}, {}, {"max_tokens": 131072}, {"cuda_graph_max_batch_size": 32}, {"enable_chunked_prefill": True}),
        *({"disable_overlap_scheduler": True}, {"moe_config": '{"backend": "CUTLASS"}'}, {"dtype": "float16"}),
        *({"max_attention_window": "[1024]"}, {"allreduce_strategy": "NCCL"}),
        {"speculative_config": '{"decoding_type": "NGram", "max_draft_len": 3, "max_matching_ngram_size": 2}'},
    ),
    "llamacpp": (
        *({}, {}, {"kv_unified": True}, {"ubatch_size": 1024}, {"ubatch_size": 256}, {"flash_attn": "off"}),
        *({"cache_type_k": "q8_0", "cache_type_v": "q8_0"}, {"cache_type_k": "q4_0", "cache_type_v": "q4_0"}),
        *({"cache_type_k": "iq4_nl", "cache_type_v": "q5_1"}, {"cache_type_k": "q8_0"}, {"swa_full": True}),
        *({"cpu_moe": True}, {"n_cpu_moe": 6}, {"override_tensor": r"\.ffn_(up|down)_exps\.=CPU"}, {"gpu_layers": 12}),
        *({"kv_offload": False}, {"op_offload": False}, {"split_mode": "row"}, {"main_gpu": 0}),
        {"spec_type": "draft-mtp", "spec_draft_n_max": 2},
    ),
}


def drawn_limits(random: Random, engine: str, model: Model) -> Limits:
    """Draw limits and one set of options."""
    fields: dict[str, Any] = {
        "max_model_len": min(model.max_context, random.choice([1024, 2048, 4096, 5000, 8192, 32768])),
        "max_num_seqs": random.choice([None, 1, 3, 8, 17, 64, 256]),
        "options": random.choice(_OPTIONS[engine]),
    }
    if engine == "llamacpp":
        return Limits(**fields, max_num_batched_tokens=random.choice([None, None, None, 512, 4096]))
    fields["max_num_batched_tokens"] = random.choice([None, None, 2048, 4096, 8192])
    fields["memory_fraction"] = random.choice([None, None, 0.8, 0.85, 0.9, 0.91234567])
    fields["kv_cache_dtype"] = random.choice(CACHE_TYPES[engine])
    fields["enforce_eager"] = random.random() < 0.15
    if engine == "vllm":
        fields["block_size"] = random.choice([None, None, 32, 64])
    elif engine == "trtllm":
        fields["block_size"] = random.choice([None, None, None, 64])
    return Limits(**fields)
