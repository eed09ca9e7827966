"""Whether a release attends in the latent space of MLA, or unfolds keys and values of every head as before.

Source: config.py, ModelConfig.use_mla: 0.7.1 and 0.7.2 "MLA is not supported with %s quantization. Disabling MLA." of
all but FP8, whose scheme compressed-tensors may have too; 0.7.3 with any.
"""

from planner.engines.vllm.release import Rules
from planner.models.dtype import FP8
from planner.models.model import Model


def unfolds(model: Model, rules: Rules) -> bool:
    """Whether keys and values of all heads are cached in place of a latent."""
    if rules.latent_cache == "unfolded":
        return True
    if rules.latent_cache == "latent" or model.quantization in (None, "fp8"):
        return False
    eight_bits = any(
        weight.matmul and weight.dtype == FP8 for layer in model.distinct_layers for weight in layer.tensors
    )
    return not (model.quantization.startswith("compressed-tensors") and eight_bits)
