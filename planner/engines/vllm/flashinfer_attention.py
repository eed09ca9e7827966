"""What FlashInfer's attention sets aside as decoding is captured whole.

FlashAttention comes first but on data-centre Blackwell; it wants Ampere, and Hopper for a cache in eight bits. Where it
does not run FlashInfer takes its place (platforms/cuda.py, _get_backend_priorities, and
v1/attention/backends/flash_attn.py, supports_kv_cache_dtype, 0.11.1 to 0.33). It makes a workspace as it plans for the
first time (flashinfer.py, _get_workspace_buffer), and a wrapper for each size, with a buffer of its own (FlashInfer
0.6.6, decode.py). The first falls into what is taken for graphs (profile_cudagraph_memory), a second wrapper into the
segment of the first, so that the engine foresees none of the later ones. Drafted tokens are not captured whole
(get_cudagraph_support): Qwen3.6-27B in FP8 on two RTX 3090 has 5.89 GiB of cache without a drafter and 6.51 with one.
"""

from functools import lru_cache
from typing import NamedTuple

from planner.engines.vllm.captured_sizes import captured
from planner.engines.vllm.checkpoint_cache import checkpoint_cache_dtype
from planner.engines.vllm.prediction_layers import drafted_tokens
from planner.engines.vllm.release import Rules
from planner.fleet.silicon import Silicon
from planner.layout import Layout
from planner.models.model import Model
from planner.units import MIB

_BACKEND = "FLASHINFER"
_TURING, _AMPERE, _BLACKWELL = (7, 5), (8, 0), 10
_HEADS, _WIDE_HEADS = (64, 128, 256), 512
_SINKS = "sinks"
_MOST_MODELS = 1024
_WORKSPACE, _SEGMENT, _WRAPPERS_A_SEGMENT = 394 * MIB, 20 * MIB, 2
"""VLLM_FLASHINFER_WORKSPACE_BUFFER_SIZE (envs.py); segments of PyTorch's allocator for what is below 10 MiB, and how
many buffers of 8 MiB each holds."""


class Workspace(NamedTuple):
    """Bytes of the workspace with the first wrapper, and of the other wrappers."""

    first: int
    later: int

    @property
    def total(self) -> int:
        """All that is there once graphs are captured."""
        return self.first + self.later


NO_WORKSPACE = Workspace(0, 0)


def flashinfer_workspace(model: Model, layout: Layout, silicon: Silicon, rules: Rules) -> Workspace:
    """Return what is set aside on a rank; nothing where another backend runs or nothing is captured whole."""
    if rules.attention_priorities == "none" or not _runs(model, layout, silicon, rules):
        return NO_WORKSPACE
    own_kernels = silicon.capability[0] == _BLACKWELL
    sizes = captured(model, layout, rules).whole
    if not sizes or (drafted_tokens(layout) and not own_kernels):
        return NO_WORKSPACE
    if own_kernels:
        return Workspace(_WORKSPACE, 0)
    return Workspace(_WORKSPACE + _SEGMENT, (sizes - 1) // _WRAPPERS_A_SEGMENT * _SEGMENT)


def _runs(model: Model, layout: Layout, silicon: Silicon, rules: Rules) -> bool:
    """Whether attention runs on FlashInfer, as asked or as the release chooses."""
    oldest = _AMPERE if rules.attention_priorities == "from_ampere" else _TURING
    if silicon.vendor != "nvidia" or silicon.capability < oldest:
        return False
    if wished := layout.options.get("attention_backend"):
        return str(wished).upper() == _BACKEND
    first = rules.attention_priorities == "first"
    heads = _HEADS if first else (*_HEADS, _WIDE_HEADS)
    if not _takes(model, heads):
        return False
    if silicon.capability[0] == _BLACKWELL or silicon.capability < _AMPERE:
        return True
    name = layout.kv_cache_dtype
    if name == "auto":
        name = checkpoint_cache_dtype(model) or name
    return name.startswith("fp8") and not (silicon.is_hopper and (first or not name.endswith("e5m2")))


@lru_cache(maxsize=_MOST_MODELS)
def _takes(model: Model, heads: tuple[int, ...]) -> bool:
    """Whether all attention of a model has heads of these sizes and nothing that the kernels lack."""
    attends = [layer.attention for layer in model.distinct_layers if layer.attention]
    if not attends or any(one.latent_dim or one.key_dim not in heads for one in attends):
        return False
    return not any(_SINKS in tensor.name for layer in model.distinct_layers for tensor in layer.tensors)
