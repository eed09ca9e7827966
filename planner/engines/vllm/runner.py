"""Which models run on the second model runner (vllm/config/vllm.py, use_v2_model_runner)."""

from planner.engines.vllm.release import Rules
from planner.models.model import Model

SECOND_RUNNER = "VLLM_USE_V2_MODEL_RUNNER"
"""vLLM's own switch, which beats the release's choice."""
_NAMED = frozenset(
    {
        "LlamaForCausalLM",
        "MistralForCausalLM",
        "Qwen3ForCausalLM",
        "DeepseekV2ForCausalLM",
        "Qwen2MoeForCausalLM",
        "GraniteMoeForCausalLM",
    }
)


def runs_on_second_runner(model: Model, rules: Rules) -> bool:
    """Whether a release runs this model on the second runner by default."""
    if rules.second_runner == "all":
        return True
    if rules.second_runner == "dense":
        recurrent = any(layer.state for layer in model.distinct_layers)
        return not recurrent and (not model.experts or model.architecture in _NAMED)
    return rules.second_runner == "named" and model.architecture in _NAMED
