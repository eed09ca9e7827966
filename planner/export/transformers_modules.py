"""How transformers calls the modules of a model where its class differs from the names in checkpoints.

Found by building each class of the catalogue on the meta device with transformers 5.19: checkpoints of NemotronH say
`backbone`, those of GPT-NeoX `embed_out`, and `from_pretrained` renames them.
"""

from planner.models.model import Model

_RENAMED = {"nemotron_h": ("backbone.", "model."), "gpt_neox": ("embed_out", "lm_head")}
_WITHOUT_ROTARY = (
    *("bloom", "falcon_mamba", "gpt2", "gpt_bigcode", "gptj", "jamba", "kimi_linear", "mamba", "mamba2", "mpt"),
    *("nemotron_h", "opt"),
)
"""Model types without a rotary module beside the layers: no rotation, learnt positions, or one in each layer."""


def module_name(model: Model, stored: str) -> str:
    """Return the class's name of a module that the checkpoint calls `stored`."""
    before, after = _RENAMED.get(model.model_type, ("", ""))
    return after + stored.removeprefix(before) if before and stored.startswith(before) else stored


def rotary_module(model: Model) -> str | None:
    """Return the module that turns positions into angles for all layers; None for a class without one."""
    if model.model_type in _WITHOUT_ROTARY or model.config.get("position_embedding_type") == "nope":
        return None
    container = model.layer_prefix.partition(".{}")[0]
    return module_name(model, f"{container.rpartition('.')[0]}.rotary_emb")
