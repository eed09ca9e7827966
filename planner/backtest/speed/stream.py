"""Keys of llama-bench: `pp512` is a prompt of 512 tokens alone, `tg128` a text of 128 tokens from nothing.

(llama.cpp, tools/llama-bench/README.md.) Each key is a workload of its own.
"""

import re
from dataclasses import replace

from planner.backtest.speed.row import SpeedRun
from planner.workload import Workload

_KEY = re.compile(r"(pp|tg)(\d+)_tokens_per_s")
_SHORT = {"prefill_tokens_per_s": "pp512_tokens_per_s", "output_tokens_per_s_total": "tg512_tokens_per_s"}
"""Rows of llama-bench repeat these two under general names."""


def streams(run: SpeedRun) -> dict[str, SpeedRun]:
    """Return the run that each measured key of a single stream is about; empty for a served run."""
    if run.engine.name != "llamacpp":
        return {}
    found = {}
    for key in run.measured:
        match = _KEY.fullmatch(_SHORT.get(key, key))
        if match:
            tokens = int(match[2])
            lengths = (tokens, 1) if match[1] == "pp" else (1, tokens)
            workload = Workload(concurrency=1, input_tokens=lengths[0], output_tokens=lengths[1])
            found[key] = replace(run, workload=workload, saturated=False)
    return found
