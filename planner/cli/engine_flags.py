"""Flags of an engine under its own names: `estimate MODEL --engine llamacpp --n-cpu-moe 20`."""

from collections.abc import Sequence

from planner.errors import BadInput
from planner.layout import Limits

MODELLED = {
    "llamacpp": {
        "cache_type_k", "cache_type_v", "cpu_moe", "flash_attn", "gpu_layers", "kv_offload", "kv_unified", "main_gpu",
        "n_cpu_ffn", "n_cpu_moe", "op_offload", "override_tensor", "split_mode", "swa_full", "tensor_split",
        "ubatch_size",
    },
    "vllm": {
        "dtype", "enable_chunked_prefill", "enable_prefix_caching", "kv_cache_memory_bytes",
        "num_gpu_blocks_override",
    },
    "sglang": {"swa_full_tokens_ratio"},
}  # fmt: skip
"""Options that the profiles read: any other would be dropped in silence, so it is refused."""
PASSED = {"ignore_unknown_options": True, "allow_extra_args": True}
"""Click settings that leave unknown flags to `with_engine_flags`."""


def with_engine_flags(limits: Limits, engine: str, words: Sequence[str]) -> Limits:
    """Return the limits with the engine's own flags in `words`; raises BadInput for one it does not have."""
    if not words:
        return limits
    from planner.launch.dialect import limits_of
    from planner.launch.flag_table import flag_table
    from planner.launch.flags import read_flags
    from planner.near_names import near_names

    table = flag_table(engine)
    flags = read_flags(words, table)
    for word in [*flags.unknown, *flags.bare]:
        name = word.split()[0].partition("=")[0]
        near = near_names(name.lstrip("-"), table.kinds)
        expected = f"a flag of gpuplan or of {engine} {table.version}"
        raise BadInput(f"is unknown to {engine}", field=name, expected=f"{', '.join(near)}" if near else expected)
    options = limits_of(engine, flags, {}).options
    for name in flags.values:
        if name.replace("-", "_") not in options.keys() & MODELLED.get(engine, set()):
            raise BadInput("is not part of the estimate", field=f"--{name}", expected="to be left out")
    return limits.model_copy(update={"options": {**limits.options, **options}})
