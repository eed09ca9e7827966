"""What the first start takes while it compiles, within the profiling run: a copy of the table of tokens.

torch.compile tunes its kernels on examples of their inputs as it compiles (torch/_inductor/standalone_compile.py from
2.8 on, triton.autotune_at_compile_time; codegen/wrapper.py, generate_example_arg_value), and the first kernel reads the
table. vLLM takes the peak for that of a step (issues 54122 and 54383; pull requests 54209 and 54479): on an L4
Qwen2.5-7B logged 1.04 GiB of activation where the table has 1.02 (0.28.0), the first of two stages of Llama-3.1-8B 1.10
where it has 0.98 and 0.13 stay (v025), on an RTX 5090 Qwen3-32B 1.46 where it has 1.45, and 0.33 when it was started
again with compiled code at hand. From 0.27 on what stays reserved counts as consumed, and what is allocated later may
pin the freed copy: 1.42 GiB more on that card, nothing on the L4; 0.31 keeps large blocks whole
(v1/worker/gpu_worker.py, determine_available_memory).
"""

from math import prod

from planner.engines.vllm.object_option import object_option
from planner.engines.vllm.release import Rules
from planner.engines.vllm.standing_embeddings import has_tower
from planner.layout import Layout
from planner.memory.sharding import Sharding
from planner.models.dtype import DType
from planner.models.model import Model
from planner.models.tensor import Role

STARTED_AGAIN = {"compile_cache": "warm"}
"""Compiled code of the same model and limits is at hand (`VLLM_CACHE_ROOT`)."""
_UNCOMPILED = (0, "0", "NONE", "CompilationMode.NONE")


def first_compilation(model: Model, layout: Layout, stage: int, rules: Rules, served: DType, how: Sharding) -> int:
    """Return the bytes of the table on a rank, where the first piece of the model reads it.

    Models with a tower are compiled from embeddings on (v1/worker/gpu_model_runner.py, inputs_embeds).
    """
    if not rules.tuned_as_compiled or layout.enforce_eager or stage or rules.generation == "v0":
        return 0
    if layout.options.get("compile_cache") == STARTED_AGAIN["compile_cache"]:
        return 0
    wished = object_option(layout, "compilation_config")
    if wished.get("mode", wished.get("level")) in _UNCOMPILED:
        return 0
    if has_tower(model, layout):
        return 0
    tables = [tensor for tensor in model.embedding if tensor.role is Role.EMBEDDING]
    return max((served.size(prod(how.shape(tensor))) for tensor in tables), default=0)
