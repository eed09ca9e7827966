"""What rows of SGLang, TensorRT-LLM and llama.cpp logs share: the same fields, other names than vLLM rows have."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from planner.backtest.engine_version import engine_version
from planner.backtest.fields import Fields
from planner.backtest.remarks import limits_in, options_of
from planner.errors import BadInput
from planner.launch.launch import Launch
from planner.layout import Limits, OptionValue


def launch_of(
    engine: str,
    row: Mapping[str, Any],
    more: Mapping[str, OptionValue],
    names: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Launch, tuple[str, ...]]:
    """Return the launch of a row with what was assumed; `more` are options the reader knows. Raises BadInput.

    `names` are the engine's flags of limits: what the remarks say there counts where the row has no field for it.
    """
    fields = Fields(row)
    model = fields.text("model")
    if model is None and fields.text("model_path") is None:
        raise BadInput("is missing", field="model")
    remarks = fields.words("other_flags")
    shown, source = fields.words("other_flags", "quote"), str(row.get("source") or "")
    version, note = engine_version(engine, fields.text("version"), shown, source)
    ranks = fields.size("tp") or 1
    data = (fields.size("dp") or 1) if fields.flag("dp_attention") else 1
    if ranks % data:
        raise BadInput(f"is {data}", field="dp", expected=f"a divisor of tp {ranks}")
    stated = {
        "max_model_len": fields.whole("context"),
        "max_num_seqs": fields.whole("max_batch"),
        "max_num_batched_tokens": _chunk(fields),
        "memory_fraction": fields.number("mem_fraction"),
        "kv_cache_dtype": cache_type(fields.text("kv_cache_dtype")),
    }
    said = limits_in(engine, remarks, names)
    launch = Launch(
        engine=engine,
        model=model or "",
        version=version,
        tensor=ranks // data,
        pipeline=fields.size("pp") or 1,
        data=data,
        expert_parallel=(fields.size("ep") or 1) > 1 or "moe_a2a_backend" in more,
        limits=Limits.parse(
            said
            | {name: value for name, value in stated.items() if value is not None}
            | {
                "enforce_eager": bool(re.search(r"disable[_-]cuda[_-]graph(?![_-])", remarks)),
                "options": {**options_of(engine, remarks), **more},
            }
        ),
    )
    return launch, (note,) if note else ()


def _chunk(fields: Fields) -> int | None:
    chunk = fields.whole("chunked_prefill", least=-1)
    return chunk if chunk and chunk > 0 else None


def cache_type(words: str | None) -> str | None:
    """`auto (checkpoint KV quantization)` -> `auto`."""
    return re.sub(r"\s*\(.*\)", "", words).strip() if words else None
