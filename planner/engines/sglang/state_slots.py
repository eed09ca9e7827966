"""How many recurrent states SGLang keeps, taken out of the memory for the cache before tokens (handle_max_mamba_cache).

A share of the memory, in slots of one request's state; one more slot pads them. Source: model_executor/model_runner.py
of 0.5.4 to 0.5.6, model_runner_kv_cache_mixin.py of 0.5.7 to 0.5.15, mem_cache/kv_cache_configurator.py of 0.5.16 to
0.5.23.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from planner.engines.sglang import architecture
from planner.engines.sglang.weights import draft_tokens
from planner.engines.vllm.recurrent_states import state_channels
from planner.layout import Layout
from planner.models.dtype import BF16, BY_NAME, F32, DType
from planner.models.model import Model
from planner.units import ceil_div

_SHARE_TO_TOKENS = 0.9
"""Memory of states for each byte of tokens (`mamba_full_memory_ratio`)."""
_SLOTS_A_REQUEST, _EXTRA_SLOTS_OVERLAPPED, _EXTRA_SLOTS = 3, 2, 1


@dataclass(frozen=True, slots=True)
class StateRules:
    """How a release cuts them.

    `between`: where tokens are drafted each has a state of its own: of every slot (up to 0.5.6), of every request that
    may run, taken before the share is (to 0.5.12), or of the requests that the slots let in, out of the share.
    `padding_counted`: the slot that pads is taken out of the memory too (0.5.17), and not of what is left beside it.
    `uncached_slots`: where no prefix is cached and nobody says how many requests may run; none: by memory (0.5.9).
    """

    between: Literal["slots", "requests", "share"]
    padding_counted: bool
    uncached_slots: int | None


@dataclass(frozen=True, slots=True)
class RequestState:
    """Bytes of one request's recurrent states on one rank: columns of convolutions, and matrices."""

    convolution: int
    matrix: int

    @property
    def total(self) -> int:
        """Both."""
        return self.convolution + self.matrix


def request_state(model: Model, layout: Layout) -> RequestState:
    """States of one request on one rank of the stage with most stateful layers."""
    name = str(layout.options.get("mamba_ssm_dtype") or _configured_state_dtype(model))
    ssm, stages = BY_NAME.get(name, F32), range(layout.pipeline_parallel_size)
    found = [_stage_states(model, *layout.stage_layers(s), layout.tensor_parallel_size, ssm) for s in stages]
    return max(found, key=lambda states: states.total)


@cache
def _stage_states(model: Model, first: int, last: int, tensor: int, ssm: DType) -> RequestState:
    found = [(layer, layer.state) for layer in model.layers[first : last + 1] if layer.state]
    columns = (state_channels(layer, tensor) * max(state.conv_kernel - 1, 0) for layer, state in found)
    matrices = (ceil_div(state.ssm_elements, tensor) for _, state in found)
    return RequestState(sum(map(BF16.size, columns)), sum(map(ssm.size, matrices)))


def _configured_state_dtype(model: Model) -> object:
    return architecture.text_config(model).get("mamba_ssm_dtype")


def slots_per_request(model: Model, layout: Layout) -> int:
    """State slots that a request needs (_calculate_mamba_ratio): its own and those of the prefix cache."""
    if layout.options.get("disable_radix_cache"):
        return 1
    if not architecture.has(model, "state_extra_buffer") or layout.options.get("plain_state_slots"):
        return _SLOTS_A_REQUEST
    overlapped = layout.pipeline_parallel_size == 1
    return _SLOTS_A_REQUEST + (_EXTRA_SLOTS_OVERLAPPED if overlapped else _EXTRA_SLOTS)


@dataclass(frozen=True, slots=True)
class Slots:
    """What a rank keeps: `slots` of states, which let `requests` in; bytes of states `between` drafted tokens.

    `counted` bytes are missing when tokens are cut.
    """

    slots: int
    requests: int
    between: int
    counted: int


def slots_cut(model: Model, layout: Layout, available: int, rules: StateRules) -> Slots:
    """Return the slots of a rank that has `available` bytes for states and tokens."""
    state, drafted, costs = request_state(model, layout).total, draft_tokens(layout), _costs(model, layout, rules)
    each, padding = slots_per_request(model, layout), int(rules.padding_counted)
    slots = _fixed_slots(layout, rules)
    if slots is None:
        budget = (available - costs.first) * costs.share
        slots = max(0, int((budget - costs.padding) // costs.slot))
    requests = min(layout.max_num_seqs, slots // each) + padding
    between = {"slots": slots, "requests": layout.max_num_seqs, "share": requests}[rules.between] * drafted * state
    return Slots(slots, slots // each, between, between + (slots + padding) * state)


def needed_bytes(model: Model, layout: Layout, tokens: int, rules: StateRules) -> int:
    """Least bytes for states and tokens of which a request has its slots, and its tokens their `tokens` bytes.

    More memory makes more slots, which take a share of it, until both are there.
    """
    costs, needed = _costs(model, layout, rules), 0
    if _fixed_slots(layout, rules) is None:
        slots = slots_per_request(model, layout) * costs.slot + costs.padding
        needed = costs.first + int(slots / costs.share) + 1
    while (more := tokens + slots_cut(model, layout, needed, rules).counted) > needed:
        needed = more
    return needed


@dataclass(frozen=True, slots=True)
class _Costs:
    """Bytes that drafting takes `first`, of the `padding`, of a `slot`; the `share` of memory that is theirs."""

    first: int
    padding: int
    slot: float
    share: float


def _costs(model: Model, layout: Layout, rules: StateRules) -> _Costs:
    state, drafted = request_state(model, layout).total, draft_tokens(layout)
    each = slots_per_request(model, layout)
    ratio = float(layout.options.get("mamba_full_memory_ratio", _SHARE_TO_TOKENS))
    return _Costs(
        first=state * drafted * layout.max_num_seqs if rules.between == "requests" else 0,
        padding=int(rules.padding_counted) * state * (1 + drafted),
        slot=state * (1 + {"slots": drafted, "requests": 0, "share": drafted / each}[rules.between]),
        share=ratio / (1 + ratio),
    )


def _fixed_slots(layout: Layout, rules: StateRules) -> int | None:
    """Slots that do not follow from memory: those asked for, and one a request where no prefix is cached."""
    if asked := layout.options.get("max_mamba_cache_size"):
        return int(asked) // layout.data_parallel_size
    if not layout.options.get("disable_radix_cache"):
        return None
    if not layout.options.get("state_slots_by_memory"):
        return max(1, layout.max_num_seqs)
    return rules.uncached_slots and rules.uncached_slots // layout.data_parallel_size
