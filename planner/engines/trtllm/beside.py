"""What TensorRT-LLM allocates beside weights and cache: context, activations, decoder buffers, graphs.

Constants: `constants.yaml`.
"""

from dataclasses import dataclass
from functools import cache

from planner.engines.calibration import constants
from planner.engines.error_band import upper_edge
from planner.engines.trtllm.release import PYTORCH, TENSORRT, Release
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.dtype import BF16, F32
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Role, Split
from planner.units import GIB, MIB

GRAPH_BATCH = "cuda_graph_max_batch_size"
DEFAULT_GRAPH_BATCH = 128


@dataclass(frozen=True, slots=True)
class Beside:
    """Bytes of one rank; `capture` is what graphs need once the cache is there, where the peak has not seen all."""

    context: int
    activation: int
    buffers: int
    graphs: int
    capture: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.context + self.activation + self.buffers + self.graphs


def beside(
    model: Model,
    layout: Layout,
    stage: int,
    site: Site,
    rules: Release,
    backend: str,
    confidence: float,
    blocks_measured: int,
) -> Beside:
    """Return what a rank of a stage allocates, each line at its edge for `confidence`.

    Before the peak is measured graphs are captured of the batches that the temporary cache has a block for each
    sequence of, `blocks_measured` (model_engine.py, get_cuda_graph_warmup_request); once the cache is there of all.
    """
    bands = constants("trtllm")["bands"]
    is_last = stage == layout.pipeline_parallel_size - 1
    held = "shared_context" if site.holds_system else "context"
    graphs = capture = 0
    if backend == PYTORCH and (batch := graph_batch(layout)):
        seen = min(batch, blocks_measured)
        graphs = int(constants("trtllm")["graphs"]["gib"] * GIB) + graph_pool(model, layout, seen, is_last)
        capture = _captured(model, layout, batch, is_last) if seen < batch else 0
    return Beside(
        context=upper_edge(_context(layout, site, backend), bands[held], confidence),
        activation=upper_edge(_activation(model, layout, rules, backend), bands[_band(model, backend)], confidence),
        buffers=buffer_bytes(model, layout, rules) if is_last and backend != PYTORCH else 0,
        graphs=upper_edge(graphs, bands["graphs"], confidence),
        capture=upper_edge(capture, bands["graphs"], confidence),
    )


def _band(model: Model, backend: str) -> str:
    """Name of the error band of activations: engines log theirs, and plugins for 8-bit integers take more."""
    return "activation" if backend == PYTORCH or "int8" in (model.quantization or "") else "engine_activation"


def graph_batch(layout: Layout) -> int:
    """Return the largest batch that is captured (CudaGraphConfig.max_batch_size); 0 without graphs."""
    return 0 if layout.enforce_eager else int(layout.options.get(GRAPH_BATCH, 0))


def buffer_bytes(model: Model, layout: Layout, rules: Release) -> int:
    """Runtime and decoder buffers of an engine: float32 rows of the vocabulary and tables of max_seq_len."""
    tables = rules.decoder_top_k_bytes + rules.decoder_token_bytes * layout.max_model_len
    decoder = _beams(layout) * (F32.size(model.vocab_size * rules.decoder_copies) + tables)
    return decoder + runtime_bytes(model, layout, rules)


def runtime_bytes(model: Model, layout: Layout, rules: Release) -> int:
    """The runtime buffers among them: logits of a batch, and the tables."""
    return _beams(layout) * (F32.size(model.vocab_size) + rules.token_table_bytes * layout.max_model_len)


def _beams(layout: Layout) -> int:
    """Beams that run at once: each has rows of its own."""
    return layout.max_num_seqs * int(layout.options.get("max_beam_width", 1))


def gathered_logits(model: Model, layout: Layout) -> int:
    """Float32 logits of a whole prompt, which `gather_context_logits` allocates as it arrives."""
    return F32.size(layout.max_model_len * model.vocab_size) if layout.options.get("gather_context_logits") else 0


def _context(layout: Layout, site: Site, backend: str) -> int:
    fit = constants("trtllm")["context_gib"]
    alone = max(fit["least"], fit[backend] * min(1.0, site.gpu.memory_gib / fit["full_from"]))
    system = fit["system"] if site.holds_system else 0
    return int((alone + system + (fit["several"] if layout.gpus > 1 else 0)) * GIB)


def graph_pool(model: Model, layout: Layout, batch: int, is_last: bool) -> int:
    """Memory that graphs share, which the largest batch fills: its rows, and their logits in 16 and in 32 bits.

    With 4,096 sequences of Llama-3.1-8B it was 3.44 GiB (run fresh17-trt-llama-3.1-8b-fp8-h100-bench-0.95).
    """
    logits = BF16.size(model.vocab_size) + F32.size(model.vocab_size) if is_last else 0
    return batch * (logits + _token_bytes(model, layout, None))


def _captured(model: Model, layout: Layout, batch: int, is_last: bool) -> int:
    """What the capture of all graphs takes: their pool, and beside it the run of the next batch.

    The largest is captured first, and each runs twice outside the pool before it (cuda_graph_runner.py, capture; 0.20).
    """
    return graph_pool(model, layout, batch, is_last) + graph_pool(model, layout, batch // 2, is_last)


def _activation(model: Model, layout: Layout, rules: Release, backend: str) -> int:
    """Widest rows of a layer over the tokens of one step; engines without packed input count the padding.

    They keep the scores of attention too unless it was built fused (`--context_fmha`, which packed input has anyway).
    """
    fit = constants("trtllm")["activation"]
    padded = layout.options.get("remove_input_padding") is False
    length = int(layout.options.get("max_input_len", layout.max_model_len))
    tokens = layout.max_num_seqs * length if padded else layout.max_num_batched_tokens
    size = tokens * _token_bytes(model, layout, None if backend == PYTORCH else rules)
    if backend != PYTORCH:
        size += rules.workspace_mib * MIB
    if padded and not layout.options.get("context_fmha"):
        size += fit["score_bytes"] * layout.max_num_seqs * _query_heads(model, layout) * length**2
    if layout.options.get("gather_context_logits"):
        kept = fit["context_logits"]
        rows = _rows(model, layout, kept["intermediate"], kept["hidden"]) + BF16.size(model.vocab_size)
        size = max(size, tokens * rows)
    return size


def _token_bytes(model: Model, layout: Layout, built: Release | None) -> int:
    """Bytes a token of the rows that live at the peak, of an engine or of the PyTorch backend (None)."""
    backend = PYTORCH if built is None else TENSORRT
    fit = constants("trtllm")["activation"][backend]
    rows = fit["intermediate"] if built is None else built.intermediate_rows
    routed = fit["routed_intermediate"] if built is None else rows
    return _rows(model, layout, rows, fit["hidden"]) + layout.data_parallel_size * _routed_bytes(
        model, layout, routed, backend
    )


def _rows(model: Model, layout: Layout, intermediate: float, hidden: int) -> int:
    """Bytes a token of so many 16-bit rows."""
    wide = _intermediate(model) // layout.tensor_parallel_size
    return BF16.size(int(intermediate * wide) + hidden * model.hidden_size)


def _routed_bytes(model: Model, layout: Layout, rows: int, backend: str) -> int:
    """Bytes of the copies that a token's experts read and write, the widest layer's."""
    fit = constants("trtllm")["activation"]
    ways = 1 if layout.expert_parallel else layout.gpus_per_stage
    return max(
        (
            layer.routing.chosen
            * BF16.size(
                fit["routed_hidden"][backend] * model.hidden_size + rows * _width(layer, (Role.EXPERT,)) // ways
            )
            for layer in model.distinct_layers
            if layer.routing
        ),
        default=0,
    )


@cache
def _intermediate(model: Model) -> int:
    return max(_width(layer, (Role.MLP, Role.SHARED_EXPERT)) for layer in model.distinct_layers) or model.hidden_size


def _width(layer: Layer, roles: tuple[Role, ...]) -> int:
    """Outputs of the widest matrix of these roles that widens."""
    widening = [t.shape[-2] for t in layer.tensors if t.matmul and t.role in roles and t.split is not Split.ROW]
    return max(widening, default=0)


def _query_heads(model: Model, layout: Layout) -> int:
    heads = max((layer.attention.query_heads for layer in model.distinct_layers if layer.attention), default=0)
    return heads // layout.tensor_parallel_size
