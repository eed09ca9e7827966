"""The `inspect` verb: what a model is made of."""

from pathlib import Path
from typing import Any

from planner.models.model import Model
from planner.models.source import load_model


def inspect(model: str | Path | Model) -> dict[str, Any]:
    """Return the inspect document for a model, a path or a catalogue name."""
    if not isinstance(model, Model):
        model = load_model(model)
    groups = model.cache_groups
    return {
        "model": model.name,
        "model_type": model.model_type,
        "total_params": model.total_params,
        "active_params": model.active_params,
        "embedding_params": model.embedding_params,
        "lm_head_params": model.lm_head_params,
        "expert_params": model.expert_params,
        "tied_embeddings": model.tied,
        "layers": [list(run) for run in model.layer_runs],
        "components": {
            part.name: {"params": part.params, "bytes": part.bytes, "counted": part.counted}
            for part in model.components
        },
        "weight_bytes": model.weight_bytes,
        "dtype": str(model.dtype),
        "quantization": model.quantization,
        "kv_cache": {
            "bytes_per_token": sum(g.layers * model.dtype.size(g.elements_per_token) for g in groups if not g.window),
            "groups": [
                {
                    "kind": str(group.kind),
                    "layers": group.layers,
                    "window": group.window,
                    "elements_per_token": group.elements_per_token,
                }
                for group in groups
            ],
        },
        "state_bytes_per_sequence": model.dtype.size(model.state_elements_per_sequence),
        "max_context": model.max_context,
        "assumptions": list(model.assumptions),
    }
