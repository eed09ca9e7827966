"""Write planner/models/class_defaults.json: what transformers fills in for fields that a config.json leaves out.

usage: python benchmarks/models/record_class_defaults.py   (needs transformers)
"""

import dataclasses
import json
import re
from pathlib import Path

from meta_model import MAPPINGS
from transformers import PretrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

TARGET = Path(__file__).resolve().parents[2] / "planner" / "models" / "class_defaults.json"
BASE = {field.name for field in dataclasses.fields(PretrainedConfig)}
SIZELESS = re.compile(
    "eps$|epsilon|dropout|_id$|_ids$|token_i|initializer|use_cache|_act$|pdrop|init_std|layerdrop|^rope_|_coef|jitter"
    "|softcap|logit_scale|time_step_|std$|^lambda|^mask_|ctc_|apply_spec|summary|_scaling|^scale_attn"
    "|^scale_embed|_prob$|loss|seed|temperature|^alpha|threshold|^output_(?!dim|proj)|^return_|^begin_|norm_topk"
)


def classes() -> dict[str, type]:
    """Every configuration class that a text-generating model is made of, by model_type."""
    found: dict[str, type] = {}

    def add(cls: type) -> None:
        if cls.model_type and cls.model_type not in found:
            found[cls.model_type] = cls
            for part in (cls.sub_configs or {}).values():
                if hasattr(part, "sub_configs"):
                    add(part)

    for model_type in sorted({name for mapping in MAPPINGS for name in mapping} | set(EXTRA)):
        add(CONFIG_MAPPING[model_type])
        found.setdefault(model_type, CONFIG_MAPPING[model_type])
    return found


EXTRA = (
    "siglip_vision_model", "siglip2_vision_model", "clip_vision_model", "pixtral", "dinov2", "kimi_k25_vision", "radio",
    "qwen2_audio_encoder", "voxtral_encoder", "parakeet_encoder",
)  # fmt: skip


def defaults(cls: type) -> dict[str, object]:
    """Numbers, flags and short lists that a config of this class starts from."""
    found = {}
    for field in dataclasses.fields(cls):
        if (field.name in BASE and field.name != "tie_word_embeddings") or SIZELESS.search(field.name):
            continue
        value = field.default
        if value is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        is_list = isinstance(value, list | tuple) and all(isinstance(v, int | str) for v in value) and len(value) <= 64
        if isinstance(value, bool | int | float) or is_list:
            found[field.name] = value
    return found


def sections(cls: type) -> dict[str, object]:
    """What each section of a composite is by default: its model_type, whether it may say otherwise, its fields."""
    found = {}
    for name, spec in (cls.sub_configs_defaults or {}).items():
        may_differ = not issubclass(spec.config_class, PretrainedConfig)
        fields = {key: value for key, value in spec.init_kwargs.items() if not SIZELESS.search(key)}
        found[name] = [spec.model_type, may_differ, spec.optional, fields]
    return found


def main() -> None:
    rows = {
        model_type: [cls.__name__, defaults(cls), getattr(cls, "attribute_map", {}), sections(cls)]
        for model_type, cls in sorted(classes().items())
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in rows.items())
    TARGET.write_text(f"{{\n{lines}\n}}\n")
    print(f"{len(rows)} classes, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
