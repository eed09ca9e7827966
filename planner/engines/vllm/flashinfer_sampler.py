"""Whether FlashInfer's sampler takes the place of sorting the vocabulary, as it does where it is installed.

It makes three float32 copies of the logits and no order of them (v1/sample/ops/topk_topp_sampler.py of 0.9.1 to
0.11.0; flashinfer, top_k_top_p_sampling_from_logits). vLLM's images bring it, its wheels of these releases do not:
Gemma 3 1B started on a slice of 4.75 GiB (0.10.1.1), and Mistral 7B on a GB10 logged a pool of 102.56 GiB (0.11.0),
which sorting leaves no room for.
"""

from collections.abc import Mapping
from dataclasses import replace

from planner.engines.vllm.release import Rules
from planner.fleet.gpu import Gpu
from planner.layout import OptionValue

FLASHINFER_INSTALLED = {"flashinfer": "installed"}
"""The option that says so, of a container's image or of what pip was asked for."""
FLASHINFER_SWITCH = "VLLM_USE_FLASHINFER_SAMPLER"
"""vLLM's own switch."""


def with_sampler(rules: Rules, options: Mapping[str, OptionValue], gpu: Gpu) -> Rules:
    """Return the rules with the sampler that a launch gets."""
    if rules.sampler != "sort" or rules.flashinfer == "never" or gpu.vendor != "nvidia" or rules.generation == "v0":
        return rules
    wished = options.get(FLASHINFER_SWITCH)
    here = rules.flashinfer == "installed" and options.get("flashinfer") == FLASHINFER_INSTALLED["flashinfer"]
    return replace(rules, sampler="flashinfer") if (here if wished is None else int(wished)) else rules
