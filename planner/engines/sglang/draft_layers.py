"""Weights of a model's own prediction layers, which draft tokens (models/*_nextn.py and *_mtp.py).

Qwen3.5 and Qwen3-Next (models/qwen3_5_mtp.py, qwen3_next_mtp.py, 0.5.4 to 0.5.23): one layer of full attention behind
a projection of two inputs, which every rank holds whole, and three norms; in 16 bits where the model has four.
"""

from functools import cache

from planner.engines.sglang import architecture
from planner.engines.vllm.prediction_layers import as_drafted
from planner.models.model import Model
from planner.models.parts.linear import linear
from planner.models.parts.norm import norms
from planner.models.tensor import Role, Split, Tensor

_NORMS = ("pre_fc_norm_embedding", "pre_fc_norm_hidden", "norm")


@cache
def draft_tensors(model: Model) -> tuple[Tensor, ...]:
    """Return what drafting loads; embedding and head are the target's own."""
    shared = (Role.EMBEDDING, Role.HEAD)
    stored = [t for part in model.components if not part.counted for t in part.tensors]
    if not stored and architecture.has(model, "drafts_by_attention"):
        return _attending(model)
    return tuple(t for t in stored if not (t.role in shared and t.split is Split.VOCABULARY))


def _attending(model: Model) -> tuple[Tensor, ...]:
    layer = [layer for layer in model.layers if layer.attention][-1]
    projection = linear("fc", model.hidden_size, 2 * model.hidden_size, model.dtype, Role.OTHER)
    return (*as_drafted(model, layer).tensors, *projection, *norms(_NORMS, model.hidden_size, model.dtype))
