"""For which batch sizes CUDA graphs are captured, and in how many modes.

Sources: vllm/config/vllm.py (_set_cudagraph_sizes), config.py of 0.8 to 0.10, v1/cudagraph_dispatcher.py
(initialize_cudagraph_keys: decoding is captured whole for sizes that sequences can fill), worker/model_runner.py of v0.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from planner.engines.vllm.object_option import object_option
from planner.engines.vllm.release import Rules
from planner.layout import Layout
from planner.models.model import Model

_LARGEST, _LARGEST_WIDE, _LARGEST_V0 = 512, 1024, 256
_WIDE = frozenset({"GptOssForCausalLM"})
_FIRST = (1, 2, 4)


class Captured(NamedTuple):
    """Sizes captured with the attention left out, and as a whole; tokens of the largest of these, and of all.

    `times` is how often each is captured.
    """

    pieces: int
    whole: int
    largest_whole: int = 0
    largest: int = 0
    times: int = 1

    @property
    def graphs(self) -> int:
        """Steps that are captured."""
        return (self.pieces + self.whole) * self.times


def captured(model: Model, layout: Layout, rules: Rules) -> Captured:
    """Return what a rank captures; nothing where it runs eagerly."""
    limits = layout.max_num_seqs, layout.max_num_batched_tokens, layout.enforce_eager, layout.pipeline_parallel_size
    known = _known(model.architecture, limits, tuple(layout.options.items()), rules)
    if not known:
        known.append(_captured(model, layout, rules))
    return known[0]


@lru_cache(maxsize=256)
def _known(*limits: object) -> list[Captured]:
    """What is captured under the limits, however a model is divided; empty before it is known."""
    return []


def _captured(model: Model, layout: Layout, rules: Rules) -> Captured:
    if layout.enforce_eager or rules.graphs == "none":
        return Captured(0, 0)
    if rules.graphs == "v0":
        largest = min(layout.max_num_seqs, _LARGEST_V0)
        batches = layout.pipeline_parallel_size if rules.graphs_by_stage else 1
        return Captured(0, 3 + largest // 8, largest, largest, batches)
    sizes = _sizes(model, layout, rules)
    mode = str(_wished(layout, "cudagraph_mode") or rules.graphs.upper())
    if mode == "NONE":
        return Captured(0, 0)
    pieces, largest = 0 if mode in ("FULL", "FULL_DECODE_ONLY") else len(sizes), max(sizes, default=0)
    if not mode.startswith("FULL"):
        return Captured(pieces, 0, largest=largest)
    query = 1 + _drafted(layout)
    whole = [size for size in sizes if mode == "FULL" or query <= size <= query * layout.max_num_seqs]
    return Captured(pieces, len(whole), max(whole, default=0), largest)


def _sizes(model: Model, layout: Layout, rules: Rules) -> list[int]:
    given = _numbers(layout.options.get("cudagraph_capture_sizes") or _wished(layout, "cudagraph_capture_sizes"))
    older = _numbers(layout.options.get("cuda_graph_sizes"))
    if given or len(older) > 1:
        return given or older
    most = _numbers(layout.options.get("max_cudagraph_capture_size") or _wished(layout, "max_cudagraph_capture_size"))
    step = 16 if rules.graph_sizes == "twice" else 8
    largest = min((*(most or older or [_usual(model, layout, rules)]), layout.max_num_batched_tokens))
    return [size for size in (*_FIRST, *range(8, 256, 8), *range(256, _LARGEST_WIDE + 1, step)) if size <= largest]


def _usual(model: Model, layout: Layout, rules: Rules) -> int:
    """The largest size where none is asked for."""
    if rules.graph_sizes == "all":
        return _LARGEST
    most = _LARGEST_WIDE if model.architecture in _WIDE else _LARGEST
    return min(2 * layout.max_num_seqs * (1 + _drafted(layout)), most)


def _numbers(value: object) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(value))]


def _drafted(layout: Layout) -> int:
    """Tokens that a drafter adds to each step of decoding."""
    return sum(_numbers(object_option(layout, "speculative_config").get("num_speculative_tokens"))[:1])


def _wished(layout: Layout, name: str) -> object:
    found = object_option(layout, "compilation_config").get(name)
    return found.rpartition(".")[2].upper() if isinstance(found, str) else found
