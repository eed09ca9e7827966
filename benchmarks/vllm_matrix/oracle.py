"""Ask vLLM's own model classes and KV planner, without a GPU, what a layout holds on each pipeline rank."""
# ruff: noqa: E402 - the stand-in must be there before anything of vLLM is imported

import copy
import os
from collections.abc import Iterable
from itertools import groupby
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")

from benchmarks.vllm_matrix.stand_in import Machine, RankGroup, install, meta_only

install()

import torch
import vllm.distributed.parallel_state as parallel_state
import vllm.model_executor.models.registry as registry
from vllm.config import set_current_vllm_config
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.entrypoints.common.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.model_executor.layers.attention_layer_base import AttentionLayerBase
from vllm.model_executor.model_loader.utils import initialize_model
from vllm.platforms import current_platform
from vllm.usage.usage_lib import UsageContext
from vllm.utils.argparse_utils import FlexibleArgumentParser
from vllm.v1.attention.backends.utils import get_supported_kv_cache_layouts, resolve_kv_cache_layout
from vllm.v1.core.kv_cache_planning import get_global_kv_cache_groups, get_kv_cache_configs
from vllm.v1.core.kv_cache_utils import get_kv_cache_capacity

registry._run_in_subprocess = lambda function: function()  # a child process would not see the stand-in


def engine_config(words: list[str]) -> Any:
    """Return the configuration that `vllm serve` makes of a command line."""
    flags = make_arg_parser(FlexibleArgumentParser()).parse_args([*words, "--skip-tokenizer-init"])
    if getattr(flags, "model_tag", None):
        flags.model = flags.model_tag
    validate_parsed_serve_args(flags)
    return AsyncEngineArgs.from_cli_args(flags).create_engine_config(usage_context=UsageContext.OPENAI_API_SERVER)


def build_rank(config: Any, rank: int) -> tuple[Any, dict[str, Any], list[str]]:
    """Build the model of one pipeline rank on the meta device.

    Return it with the KV spec of each layer and the cache layouts its attention backends take.
    """
    config = copy.deepcopy(config)
    config.compilation_config.static_forward_context.clear()
    parallel = config.parallel_config
    tensor, data = parallel.tensor_parallel_size, parallel.data_parallel_size
    prefill, decode = parallel.prefill_context_parallel_size, parallel.decode_context_parallel_size
    parallel_state._TP, parallel_state._DP = RankGroup(tensor), RankGroup(data)
    parallel_state._PP = RankGroup(parallel.pipeline_parallel_size, rank)
    parallel_state._EP = RankGroup(tensor * data * prefill)
    parallel_state._PCP, parallel_state._DCP = RankGroup(prefill), RankGroup(decode)
    parallel_state._WORLD = RankGroup(parallel.world_size)
    before = torch.get_default_dtype()
    torch.set_default_dtype(config.model_config.dtype)
    try:
        with set_current_vllm_config(config), torch.device("meta"), meta_only():
            model = initialize_model(vllm_config=config)
    finally:
        torch.set_default_dtype(before)
    current_platform.update_block_size_for_backend(config)
    with set_current_vllm_config(config):
        layers = {
            name: layer
            for name, layer in config.compilation_config.static_forward_context.items()
            if isinstance(layer, AttentionLayerBase)
        }
        specs = {name: spec for name, layer in layers.items() if (spec := layer.get_kv_cache_spec(config)) is not None}
        backends = {layers[name].get_attn_backend() for name in specs}
        layouts = [layout.name for layout in get_supported_kv_cache_layouts(backends)]
    return model, specs, layouts


def answer(words: list[str], kv_bytes: int) -> dict[str, Any]:
    """Return parameter and buffer bytes of each pipeline rank, and the cache that `kv_bytes` a rank make."""
    Machine.importing = True
    config = engine_config(words)
    Machine.importing = False
    ranks, specs, layouts = [], [], []
    for rank in range(config.parallel_config.pipeline_parallel_size):
        model, spec, supported = build_rank(config, rank)
        ranks.append([_bytes(model.parameters()), _bytes(model.buffers())])
        specs.append(spec)
        layouts.append(supported)
        del model
    resolve_kv_cache_layout(config, layouts, [one for spec in specs for one in spec.values()])
    groups = get_global_kv_cache_groups(config, specs)
    plans = get_kv_cache_configs(config, specs, [kv_bytes] * len(specs), groups)
    tokens, concurrency = get_kv_cache_capacity(config, plans[0])
    return {
        "limits": [
            config.model_config.max_model_len,
            config.scheduler_config.max_num_batched_tokens,
            config.scheduler_config.max_num_seqs,
        ],
        "ranks": ranks,
        "blocks": plans[0].num_blocks,
        "tokens": tokens,
        "concurrency": round(concurrency, 4),
        "groups": [[*group, len(list(same))] for group, same in groupby(map(_group, groups))],
    }


def _group(group: Any) -> list[Any]:
    spec = group.kv_cache_spec
    kind = type(spec).__name__.removesuffix("Spec").removesuffix("s")
    return [kind, len(group.layer_names), spec.block_size, spec.page_size_bytes]


def _bytes(tensors: Iterable[Any]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
