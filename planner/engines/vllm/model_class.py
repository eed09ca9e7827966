"""What vLLM's class of an architecture does in its own way."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml
from planner.engines.vllm.release import Version
from planner.models.tensor import Split, Tensor

_WHOLE_PLANS_UNTIL = "0.11.0"
"""First release read whose backend of transformers divides what a plan wants gathered (models/transformers.py)."""
_ALL_LEAVE_OUT = "0.15.0"
"""From here on every class marks its towers (models/interfaces.py, _mark_tower_model)."""


@dataclass(frozen=True)
class ModelClass:
    """The peculiarities of one class; the head of model_classes.yaml tells what each means and what is usual."""

    everywhere: frozenset[str] = frozenset()
    float32_router: bool = False
    divided_head_norms: bool = False
    rotary_table: bool = True
    float32_rotary_table: bool = False
    pipeline: bool = True
    tied_pipeline: bool = True
    long_videos: bool = False
    timed_videos: bool = False
    fused_tower_norm: bool = False
    not_made: tuple[str, ...] = ()
    unquantized: tuple[str, ...] = ()
    padded_rows: tuple[tuple[str, int], ...] = ()
    bias_by_config: bool = False
    least_expert_width: int = 0
    made_besides: tuple[tuple[str, str], ...] = ()
    through_transformers: bool = False
    float32_states: bool = False
    plain_attention: bool = False
    float32_decay: bool = True
    quantized_cache: bool = True
    unfolded_latent: bool = False
    correction_by_method: bool = False
    attention_free: bool = False
    tower_by_heads: bool = False
    divided_otherwise: tuple[tuple[str, Split], ...] = ()
    delta_checkpoints: bool = True
    whole_experts: bool = False
    gathered: str = ""
    tower_items: str = ""
    leaves_towers_out: bool = False
    masked_tower: bool = False

    def row_multiple(self, tensor: Tensor) -> int:
        """Multiple to which the class pads the outputs of a matrix on a rank."""
        return next((multiple for modules, multiple in self.padded_rows if re.search(modules, tensor.name)), 1)

    def leaves_plain(self, tensor: Tensor) -> bool:
        """Whether the class does not tell the module of a tensor of the quantization."""
        return any(re.search(modules, tensor.name) for modules in self.unquantized)

    def split(self, tensor: Tensor) -> Split:
        """How the class divides a tensor."""
        for modules, split in self.divided_otherwise:
            if re.search(modules, tensor.name):
                return Split.REPLICATED if tensor.name.endswith("bias") and split is Split.ROW else split
        return tensor.split


@cache
def model_class(architecture: str, version: Version) -> ModelClass:
    """Return the class of an architecture in a release."""
    known = _known()
    parts = next((names for names, classes in known["everywhere"].items() if architecture in classes), "")
    everywhere = {part.strip() for part in parts.split(",")}
    if _not_yet(known["head_everywhere_before"].get(architecture), version):
        everywhere.add("head")
    through_transformers = any(
        architecture == name and version >= Version.parse(since) for since, name in known["through_transformers"]
    )
    return ModelClass(
        everywhere=frozenset(everywhere),
        float32_router=architecture in known["float32_router"],
        divided_head_norms=architecture in known["divided_head_norms"],
        rotary_table=architecture not in known["no_rotary_table"] and not through_transformers,
        float32_rotary_table=architecture in known["float32_rotary_table"],
        pipeline=architecture not in known["no_pipeline"],
        tied_pipeline=architecture not in known["no_tied_pipeline"],
        long_videos=architecture in known["long_videos"],
        timed_videos=architecture in known["timed_videos"],
        fused_tower_norm=architecture in known["fused_tower_norm"],
        not_made=tuple(row["modules"] for row in known["not_made"] if architecture in row["classes"]),
        least_expert_width=known["least_expert_width"].get(architecture, 0),
        padded_rows=tuple(
            (row["modules"], row["multiple"]) for row in known["padded_rows"] if architecture in row["classes"]
        ),
        unquantized=tuple(row["modules"] for row in known["unquantized"] if architecture in row["classes"]),
        bias_by_config=architecture in known["bias_by_config"],
        made_besides=tuple(
            (row["name"], row["like"]) for row in known["made_besides"] if architecture in row["classes"]
        ),
        through_transformers=through_transformers,
        correction_by_method=architecture in known["correction_by_method"],
        tower_by_heads=architecture in known["tower_by_heads"],
        attention_free=architecture in known["attention_free"],
        unfolded_latent=architecture in known["unfolded_latent"],
        divided_otherwise=tuple(
            (row["modules"], Split(row["split"]))
            for row in known["divided_otherwise"]
            if architecture in row["classes"]
        ),
        plain_attention=architecture in known["plain_attention"],
        float32_decay=architecture not in known["no_float32_decay"],
        quantized_cache=architecture not in known["no_quantized_cache"],
        float32_states=architecture in known["float32_states"],
        delta_checkpoints=architecture not in known["no_delta_checkpoints"],
        gathered=next((what for what, classes in known["gathered"].items() if architecture in classes), ""),
        tower_items=next((kind for kind, classes in known["tower_items"].items() if architecture in classes), ""),
        leaves_towers_out=not version < Version.parse(known["leaves_towers_out"].get(architecture, _ALL_LEAVE_OUT)),
        masked_tower=_not_yet(known["masked_tower"].get(architecture), version),
        whole_experts=_not_yet(known["first_release"].get(architecture), version),
    )


def backend_class(architecture: str, version: Version) -> ModelClass:
    """Return the class of an architecture where `--model-impl transformers` asks for the backend of transformers.

    It took all styles of a plan but `colwise` and `rowwise` for replicated (replace_linear_class, 0.8.3 to 0.10.0).
    """
    usual = model_class(architecture, version)
    if not _not_yet(_WHOLE_PLANS_UNTIL, version):
        return usual
    whole = tuple(
        (row["modules"], Split.REPLICATED) for row in _known()["gathered_by_plan"] if architecture in row["classes"]
    )
    return replace(usual, divided_otherwise=(*whole, *usual.divided_otherwise))


def _not_yet(first: str | None, version: Version) -> bool:
    return first is not None and version < Version.parse(first)


def built_everywhere(architecture: str, config: Mapping[str, Any], version: Version) -> frozenset[str]:
    """Return the parts that stand on every stage, of a composite those of its decoder too."""
    decoders, own = _known()["decoders"], model_class(architecture, version).everywhere
    section = config.get("text_config") or config.get("llm_config") or {}
    name = decoders.get(section.get("model_type")) if isinstance(section, Mapping) else None
    return own | model_class(name, version).everywhere if name else own


@cache
def _known() -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("model_classes.yaml"))
    return content
