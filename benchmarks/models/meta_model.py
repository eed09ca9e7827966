"""Build the model class of transformers from a config.json, and list its tensors under checkpoint names."""

import json
import os
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from transformers import AutoConfig
from transformers.core_model_loading import revert_weight_conversion
from transformers.models.auto import modeling_auto as auto

transformers.logging.set_verbosity_error()

MAPPINGS = (
    auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
    auto.MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES,
    auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES,
    auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)


def read_config(data: dict[str, Any]) -> Any:
    """The configuration object that transformers makes of a config.json; quantization is left out."""
    data = {key: value for key, value in data.items() if key not in ("quantization_config", "auto_map")}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(data))
        return AutoConfig.from_pretrained(folder)


def model_class(config: Any) -> type:
    """The class its `architectures` names, or the one that generates text for its model_type."""
    for name in config.architectures or []:
        if found := getattr(transformers, name, None):
            return found
    for mapping in MAPPINGS:
        if name := mapping.get(config.model_type):
            return getattr(transformers, name if isinstance(name, str) else name[0])
    raise LookupError(f"transformers has no class for {config.model_type!r}")


def build(config: Any, device: str = "meta") -> torch.nn.Module:
    """The model, with weights that take no memory on the meta device."""
    config = deepcopy(config)
    config._attn_implementation = "eager"
    with torch.device(device):
        return model_class(config)(config)


def checkpoint_tensors(model: torch.nn.Module) -> dict[str, tuple[tuple[int, ...], bool]]:
    """Shape, and whether it is a parameter, of every stored tensor under its checkpoint name; ties once."""
    parameters = {id(p) for p in model.parameters()}
    seen: set[int] = set()
    state: dict[bool, dict[str, torch.Tensor]] = {True: {}, False: {}}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            state[id(tensor) in parameters][name] = tensor
    return {
        name: (tuple(tensor.shape), is_parameter)
        for is_parameter, tensors in state.items()
        for name, tensor in revert_weight_conversion(model, tensors).items()
    }
