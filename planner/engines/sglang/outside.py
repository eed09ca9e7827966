"""What SGLang allocates beside weights and pool, in the share of the device that the fraction leaves free.

There is no profiling run: if these do not fit, the server runs out of memory while it captures graphs
or at the first long prompt. Constants: `constants.yaml`.
"""

from dataclasses import dataclass, replace
from functools import cache

from planner.engines.calibration import constants
from planner.engines.error_band import upper_edge
from planner.engines.own_all_reduce import SUMS_A_LAYER
from planner.engines.sglang.exchange import exchange_bytes
from planner.engines.sglang.graphs import Graphs, decode_sizes
from planner.engines.sglang.served_type import served_type
from planner.engines.sglang.weights import Ways, draft_tokens, ways
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.dtype import F32, INT32
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Role, Split
from planner.units import GIB, MIB, ceil_div

_TABLE_HEADROOM = 4


@dataclass(frozen=True, slots=True)
class Outside:
    """Bytes of one rank; `tables` are those of pages, logits and split outputs that captured batches keep.

    `uncaptured` is what the second largest batch takes when it runs before its own capture, beside what the largest
    keeps: graphs have a pool of their own (capture_one_batch_size runs twice before it captures, from the largest batch
    down; model_executor/cuda_graph_runner.py of 0.4.5.post3 to 0.5.13). `features` is what the tokenizer's process
    holds on the first GPU (feature_pool.py), `exchange` the buffers between ranks of experts (exchange.py).
    """

    request_table: int
    activation: int
    graphs: int
    tables: int
    uncaptured: int = 0
    features: int = 0
    exchange: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.request_table + self.transient + self.captured + self.features + self.exchange

    @property
    def transient(self) -> int:
        """What steps take at most, prompts or the runs before captures."""
        return max(self.activation, self.uncaptured)

    @property
    def captured(self) -> int:
        """Graphs, and what is kept for them."""
        return self.graphs + self.tables

    def on(self, number: int) -> "Outside":
        """Return the lines of a GPU, or of the GPUs of a stage: features are on the first."""
        return replace(self, features=0) if number and self.features else self

    def at(self, confidence: float) -> "Outside":
        """Return the lines at the upper edges of their error bands; tables have none."""
        bands = constants("sglang")["bands"]
        return Outside(
            request_table=self.request_table,
            activation=upper_edge(self.activation, bands["activation"], confidence),
            graphs=upper_edge(self.graphs, bands["graphs"], confidence),
            tables=self.tables,
            uncaptured=self.uncaptured,
            features=self.features,
            exchange=self.exchange,
        )


def startup_bytes(layout: Layout, site: Site, confidence: float) -> int:
    """Context and communicators, there before weights are loaded, at the upper edge of their band.

    Memory that host and GPU share also holds the system by then.
    """
    fit, bands = constants("sglang")["startup_gib"], constants("sglang")["bands"]
    wiring = "peer_access" if site.peer_access else "no_peer_access"
    found = fit["alone" if layout.gpus == 1 else wiring]
    if not site.holds_system:
        return upper_edge(int(found * GIB), bands["startup"], confidence)
    return upper_edge(int((found + fit["system"]) * GIB), bands["shared_startup"], confidence)


def outside(
    model: Model,
    layout: Layout,
    graphs: Graphs,
    requests: int,
    tables: int = 0,
    splits: int = 0,
    *,
    captured_nccl: bool = False,
    kept_logits: bool = False,
) -> Outside:
    """Return what a rank allocates after the pool is sized, for `requests` rows of the request table.

    `tables` are bytes that captured batches keep for their pages, `splits` those of the largest for outputs of split
    attention. With `captured_nccl` the sums across ranks in graphs are NCCL's and keep memory; with `kept_logits` each
    graph keeps the logits it puts out.
    """
    fit, sizes = constants("sglang")["outside"], decode_sizes(graphs.decode_batch)
    captured = (fit["decode_graph_mib"] * MIB + captured_nccl * _sums(model, layout)) * len(sizes)
    captured += fit["prefill_graph_mib"] * MIB * graphs.prefill_sizes
    logits = kept_logits * F32.size(model.vocab_size * sum(sizes) * max(1, draft_tokens(layout)))
    return Outside(
        request_table=INT32.size(requests * (layout.max_model_len + _TABLE_HEADROOM)),
        activation=_activation(model, layout),
        graphs=int(captured),
        tables=tables + logits + splits,
        uncaptured=int(splits * _second(sizes) + fit["workspace_gib"] * GIB) if splits else 0,
        exchange=exchange_bytes(model, layout),
    )


def _second(sizes: set[int]) -> float:
    """The second largest batch as a share of the largest."""
    largest = max(sizes, default=1)
    return max(sizes - {largest}, default=0) / largest


def _sums(model: Model, layout: Layout) -> float:
    """What NCCL keeps in one graph: two sums a layer and that of the embedding, for each rank they run across."""
    ranks = layout.tensor_parallel_size
    if ranks == 1:
        return 0.0
    sums = SUMS_A_LAYER * ceil_div(len(model.layers), layout.pipeline_parallel_size) + 1
    return sums * ranks * float(constants("sglang")["outside"]["captured_sum_mib"]) * MIB


def _activation(model: Model, layout: Layout) -> int:
    """Widest tensors of a layer over the tokens of one prompt step, and the logits of its last tokens.

    Attention data parallelism runs each group's own tokens (`max_num_batched_tokens`) through its heads, and those of
    all groups through the experts.
    """
    fit = constants("sglang")["outside"]
    tokens = min(layout.max_num_batched_tokens, layout.max_model_len * layout.max_num_seqs)
    dense = fit["activation_share"] * 2 * _widest(model) / layout.tensor_parallel_size
    experts = layout.data_parallel_size * _expert_width(model, layout)
    width = fit["activation_share"] * 2 * model.hidden_size + max(dense, experts)
    return int(tokens * width * served_type(model, layout).size(1) + fit["workspace_gib"] * GIB)


def _expert_width(model: Model, layout: Layout) -> int:
    """Elements a token of the buffers around a layer's two multiplications of experts; kernels of MXFP4 have none.

    Source: fused_experts_impl (layers/moe/fused_moe_triton/fused_moe.py, 0.4.6.post5 to 0.5.10): for each chosen expert
    one row as wide as what the first puts out or the second, and one of half the first.
    """
    if model.quantization == "mxfp4":
        return 0
    how = ways(model, layout)
    return max((_routed_width(layer, model.hidden_size, how) for layer in model.distinct_layers), default=0)


def _routed_width(layer: Layer, hidden: int, how: Ways) -> int:
    if not layer.routing:
        return 0
    first = [t for t in layer.tensors if t.role is Role.EXPERT and t.matmul and t.split is Split.COLUMN]
    width = sum(how.of(tensor).shape(tensor)[-2] for tensor in first)
    return layer.routing.chosen * (max(width, hidden) + width // 2)


@cache
def _widest(model: Model) -> int:
    """Width of what gate and up, or query, key and value, put out together."""
    wide = (Role.MLP, Role.SHARED_EXPERT)
    return max(
        sum(t.shape[-2] for t in layer.tensors if t.matmul and t.role in wide and "down" not in t.name)
        or model.hidden_size
        for layer in model.layers
    )
