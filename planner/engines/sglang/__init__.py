"""SGLang 0.5.23: memory fraction, pools and limits as its own code resolves them."""

import re

from planner.engines.sglang.compressed_pool import PAGE, States
from planner.engines.sglang.drafter import DrafterRules
from planner.engines.sglang.graph_tables import TableRules
from planner.engines.sglang.profile import Sglang, Version
from planner.engines.sglang.release_defaults import defaults_of

ENGINE = Sglang(Version("0.5.23"))


def of_version(version: str) -> Sglang:
    """Return the profile as of a version.

    Up to 0.4.8 the memory fraction of a vision model was multiplied by 0.95 and later 0.9, also one that the user gave
    (runs sgl-doc-llama32-11bv-2411 and -2501), and up to 0.4 nothing was kept for images. From 0.4.4 to 0.4.6 every
    rank held the shared expert of DeepSeek-V3 whole ("Cloning 8 replicas of the shared expert into MoE", run sgl-6001).
    Logs up to 0.5.8 capture no prompts, and up to the spring of 2026 (0.5.10) a request had three slots of states.
    Up to 0.4.6 PyTorch came with an NCCL that holds memory for every sum in a graph (2.21.5 in run fresh7-sgl-qwq-32b;
    2.26 with torch 2.7, in 0.4.7). From 0.4.6.post5 to 0.5.8 models/qwen3_moe.py kept experts as they were loaded.
    Wheels up to 0.5.9 require Transformers 4.
    """
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:4])
    kept, spare_table = (0, 4, 6, 5) <= numbers < (0, 5, 9), bool(numbers) and numbers < (0, 5, 8)
    if not numbers or numbers >= (0, 5):
        return Sglang(
            Version(
                version,
                prefill_graphs=not numbers or numbers >= (0, 5, 9),
                plain_state_slots=bool(numbers) and numbers < (0, 5, 11),
                drafter=DrafterRules(first=not numbers or numbers >= (0, 5, 14)),
                keeps_loaded_experts=kept,
                graph_tables=TableRules(spare=1, windowed=False) if spare_table else TableRules(),
                windowed_pools=_windowed_pools(numbers),
                nested_ropes=not numbers or numbers >= (0, 5, 10),
                defaults=defaults_of(numbers),
                compressor_states=States(
                    heavy_by_token=bool(numbers) and numbers < (0, 5, 15),
                    page=128 if numbers and numbers < (0, 5, 21) else PAGE,
                ),
            )
        )
    clones = (0, 4, 4) <= numbers < (0, 4, 7)
    return Sglang(
        Version(
            version,
            keeps_embedding_cache=False,
            flat_vision_share=_flat_vision_share(numbers),
            clones_shared_experts=clones,
            prefill_graphs=False,
            plain_state_slots=True,
            captured_nccl=numbers < (0, 4, 7),
            drafter=DrafterRules(first=False, pool_of_all_layers=numbers < (0, 4, 9, 6)),
            keeps_loaded_experts=kept,
            defaults=defaults_of(numbers),
            graph_tables=TableRules(used=numbers >= (0, 4, 6), spare=2, windowed=False),
            windowed_pools=(),
            nested_ropes=False,
        )
    )


def _windowed_pools(numbers: tuple[int, ...]) -> tuple[str, ...] | None:
    """configs/model_config.py of 0.4.9 to 0.5.6 and 0.5.7 (is_hybrid_model), and 0.5.8 (is_hybrid_swa_model)."""
    if not numbers or numbers >= (0, 5, 8):
        return None
    return ("MiMoV2FlashForCausalLM",) if numbers >= (0, 5, 7) else ()


def _flat_vision_share(numbers: tuple[int, ...]) -> float | None:
    """ModelRunner.model_specific_adjustment of 0.4.4.post1, 0.4.5 to 0.4.8, and 0.4.9, which has none."""
    if numbers >= (0, 4, 9):
        return None
    return 0.9 if numbers >= (0, 4, 5) else 0.95
