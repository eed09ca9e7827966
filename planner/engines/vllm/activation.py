"""The peak of the profiling run: one step of max_num_batched_tokens tokens, then the sampler on max_num_seqs rows.

What lives at the peak was read in vllm/v1/worker/gpu_model_runner.py (profile_run, _dummy_sampler_run), the sampler
(v1/sample/ops/topk_topp_sampler.py) and the experts (layers/fused_moe/fused_moe.py, workspace_shapes); the few
constants that remain stand in terms.yaml.
"""

from dataclasses import dataclass

from planner.engines.own_all_reduce import SUMS_A_LAYER
from planner.engines.vllm.compressed_latent import compresses
from planner.engines.vllm.copied_matrices import copies_for, largest_copy
from planner.engines.vllm.encoder_run import encoder_run
from planner.engines.vllm.first_compilation import first_compilation
from planner.engines.vllm.nvfp4_experts import nvfp4_buffers
from planner.engines.vllm.parameters import VOCABULARY_PADDING, sharding
from planner.engines.vllm.prediction_layers import drafted_tokens
from planner.engines.vllm.profiled_items import NO_ITEMS, ProfiledItems, profiled_items
from planner.engines.vllm.rank_widths import RankWidths, rank_widths
from planner.engines.vllm.recurrent_states import standing_bytes
from planner.engines.vllm.release import Rules, Version
from planner.engines.vllm.runner import runs_on_second_runner
from planner.engines.vllm.sparse_workspace import HEAD_PADDING, indexer_logits, sparse_workspace, unproven_workspace
from planner.engines.vllm.terms import gib_bytes, terms
from planner.engines.vllm.unpacked_matrices import unpacked_bytes
from planner.fleet.silicon import Silicon
from planner.layout import Layout
from planner.models.dtype import F32, DType
from planner.models.model import Model
from planner.units import round_up

_BLACKWELL = (10, 0)
_LATENT_CONTEXT_TOKENS = 65536
"""Tokens of context that MLA unfolds at once (model_executor/layers/attention/mla_attention.py)."""
_LAUNCHES, _LAYER_LAUNCHES = 1024, 12
"""Kernels that CUDA queues before the host waits, and those of a decoder layer."""
_REJECTING_LOGITS, _REJECTING_COPIES = 3, 6
"""Where tokens are drafted: logits of a drafted token a sequence, of the one after it, and a copy of these; in 32 bits
such a copy again, the drafted one's logits, a clone of them, their softmax, noise and its inverse
(v1/worker/gpu_model_runner.py, _dummy_sampler_run; v1/sample/rejection_sampler.py; 0.19 to 0.33)."""
_COUNT = 4
"""Bytes in which the second runner counts a token of the vocabulary."""
_STREAM_COPIES = 2
"""Residual streams that live at once: those before a layer and those after it."""


@dataclass(frozen=True, slots=True)
class Activation:
    """Bytes of the peak: `passing` comes and goes with a step, `kept` stays from the first step on.

    `most` is the whole where the parts that are known only up to a bound take all of it, with `recounted`: memory that
    the engine may count a second time where it is measured, as it stays reserved.
    """

    passing: int
    kept: int
    most: int
    recounted: int = 0

    @property
    def total(self) -> int:
        """The peak that the log shows."""
        return self.passing + self.kept


def activation(
    model: Model, layout: Layout, stage: int, silicon: Silicon, rules: Rules, version: Version, served: DType
) -> Activation:
    """Return the peak on a rank of a stage."""
    items = profiled_items(model, layout, rules, version)
    encoder = encoder_run(model, layout, stage, rules, version, items)
    step = _profiled_step(layout, items, rules)
    first, last = layout.stage_layers(stage)
    stage_layers, how = model.layers[first : last + 1], sharding(layout)
    distinct = dict.fromkeys(stage_layers)
    widths = {rank_widths(layer, how) for layer in distinct}
    workspace = max((_workspace(one, model, step, rules, served, silicon) for one in widths), default=0)
    own = any(_marlin_caches(one, model, rules) for one in widths)
    forward = max(_forward(widths, model, step, rules, served), _split_products(widths, model, step, rules, served))
    forward += unpacked_bytes(distinct, how, served, step.max_num_batched_tokens)
    if copies_for(model, layout, silicon, version, step.max_num_batched_tokens):
        product = max((one.product for one in widths), default=0)
        forward = max(forward, largest_copy(distinct, how, served) + _multiplied(product, model, step, rules, served))
    kept = _kept_between_stages(model, layout, served)
    kept += standing_bytes(model, stage_layers, rules, layout.tensor_parallel_size, layout.max_num_seqs, served)
    sampler = 0
    if stage == layout.pipeline_parallel_size - 1:
        hidden = served.size(step.max_num_batched_tokens * model.hidden_size)
        sampler = hidden + sampler_bytes(model, layout, rules, served)
    table = first_compilation(model, layout, stage, rules, served, how)
    compiling = kept + table
    floats = [found for one in widths if (found := nvfp4_buffers(one, layout, silicon, version, model.hidden_size))]
    if floats:
        passed = layout.data_parallel_size * max(one.passing for one in floats)
        forward = max(forward, _multiplied(passed, model, step, rules, served))
        rows = step.max_num_batched_tokens * layout.data_parallel_size
        kept += served.size(rows * max(one.kept for one in floats))
    elif rules.expert_workspace == "persistent" and not own:
        kept += max(workspace, sparse_workspace(model, layout, rules, silicon))
    else:
        forward += workspace
    text = max(forward, sampler) + encoder.handed_on
    unreleased = _unreleased(model, step, stage, rules, served)
    fit = terms("activation")
    base = gib_bytes(fit["base"])
    passing = max(base + max(text, encoder.peak), compiling - kept)
    most = max(base + max(text, int(fit["encoder_bound"] * encoder.peak)), compiling - kept)
    recounted = table if rules.pinned_copies else 0
    most += unproven_workspace(model, layout, rules, silicon) + recounted
    return Activation(passing + unreleased, kept, most + kept + unreleased, recounted)


def _profiled_step(layout: Layout, items: ProfiledItems, rules: Rules) -> Layout:
    """The step that is profiled: v0 runs whole prompts of images and videos, however long they are."""
    if rules.generation != "v0" or items == NO_ITEMS:
        return layout
    tokens = max(layout.max_num_batched_tokens, items.count * items.together)
    return layout.model_copy(update={"max_num_batched_tokens": tokens})


def _unreleased(model: Model, layout: Layout, stage: int, rules: Rules, served: DType) -> int:
    """Outputs that ranks add up: PyTorch cannot use them again before the communication stream is done.

    The host runs ahead of the GPU, as far as CUDA queues launches, so memory is reserved for all of them, two a layer
    (torch.distributed.all_reduce and Tensor.record_stream; pull request 2031 of vLLM has Llama 2 70B at 20,865 blocks
    instead of 31,615 for it). Once measured they are given back (worker/worker.py, profile_num_available_blocks).
    """
    if not rules.kept_sums or layout.tensor_parallel_size == 1:
        return 0
    first, last = layout.stage_layers(stage)
    ahead = min(last - first + 1, _LAUNCHES // _LAYER_LAUNCHES)
    return SUMS_A_LAYER * served.size(ahead * layout.max_num_batched_tokens * model.hidden_size)


def _forward(widths: set[RankWidths], model: Model, layout: Layout, rules: Rules, served: DType) -> int:
    widest = max((one.widest for one in widths), default=0)
    streams = int(model.config.get("hc_mult") or 1)
    hidden = _hidden_copies(model, rules) + _STREAM_COPIES * (streams - 1)
    elements = layout.max_num_batched_tokens * (widest + hidden * model.hidden_size + _padded_heads(model, layout))
    return served.size(elements) + _latent_context(model, layout, rules, served) + indexer_logits(model, rules)


def _hidden_copies(model: Model, rules: Rules) -> int:
    """Hidden states of a step that live at once; v0 holds those that it made of images and text as well.

    Where v0 measures what is reserved, the waste of the allocator makes as much of them as there is later.
    """
    fit = terms("activation")
    if rules.generation != "v0" or rules.peak == "reserved":
        return int(fit["hidden_copies"])
    return int(fit["hidden_copies_v0"]) + any(part.counted for part in model.components)


def _padded_heads(model: Model, layout: Layout) -> int:
    """Values of query and output a token where the kernel wants full tiles of heads (DeepSeek-V4)."""
    kinds = [layer.attention for layer in model.distinct_layers if layer.attention and compresses(layer.attention)]
    heads = max((round_up(one.query_heads // layout.tensor_parallel_size, HEAD_PADDING) for one in kinds), default=0)
    return 2 * heads * kinds[0].latent_dim if kinds else 0


def _split_products(widths: set[RankWidths], model: Model, layout: Layout, rules: Rules, served: DType) -> int:
    """Partial sums of an AWQ multiplication, each as large as the output that they are added up to, and that.

    Its input and the residual live beside them (awq_gemm; models/mistral.py, 0.2.1). Mistral 7B with 32,768 tokens had
    18.87 GiB of an L4, 3.87 of them weights, and asked for 1.75 more to add them up (fresh12-vllm-mistral-7b-awq-l4).
    Where reserved memory counts they lie there twice: what is activated after a multiplication is cut out of the block
    of its partial sums, so that the next finds no room in it (models/mixtral.py, MixtralMLP of 0.2.7; v092).
    """
    if model.quantization != "awq" or not rules.split_products:
        return 0
    product = max((max(one.product, one.expert) for one in widths), default=0)
    blocks = 2 if rules.peak == "reserved" else 1
    return _multiplied((blocks * rules.split_products + 1) * product, model, layout, rules, served)


def _multiplied(outputs: int, model: Model, layout: Layout, rules: Rules, served: DType) -> int:
    """What a multiplication writes, that many elements a token, with its input and the residual."""
    elements = outputs + _hidden_copies(model, rules) * model.hidden_size
    return served.size(layout.max_num_batched_tokens * elements)


def _latent_context(model: Model, layout: Layout, rules: Rules, served: DType) -> int:
    """Keys and values of a piece of context, unfolded from the latent to all heads of the rank.

    Sparse attention never unfolds: its kernels read the latent itself (v1/attention/backends/mla/).
    """
    latent = [layer.attention for layer in model.distinct_layers if layer.attention and layer.attention.latent_dim]
    if not rules.latent_context or not latent or any(attention.index_dim for attention in latent):
        return 0
    tokens = min(8 * layout.max_model_len, _LATENT_CONTEXT_TOKENS)
    heads = latent[0].query_heads // layout.tensor_parallel_size
    rope = latent[0].latent_dim - latent_rank(latent[0].latent_dim)
    return served.size(tokens * heads * (latent[0].key_dim - rope + latent[0].value_dim))


def latent_rank(latent_dim: int) -> int:
    """Return the width of a latent without its rotary part: the power of two below."""
    return 1 << (latent_dim.bit_length() - 1)


def _workspace(widths: RankWidths, model: Model, layout: Layout, rules: Rules, served: DType, silicon: Silicon) -> int:
    """Buffers of the routed experts: inputs and outputs of the two multiplications for every chosen expert."""
    bufferless = widths.microscaled and not _multiplies_by_marlin(silicon)
    if not widths.chosen or bufferless or model.quantization == "mxfp4":
        return 0
    tokens, hidden = layout.max_num_batched_tokens * layout.data_parallel_size, model.hidden_size
    if _marlin_caches(widths, model, rules):
        return served.size(tokens * widths.chosen * (max(widths.expert, hidden) + widths.expert // 2))
    if rules.expert_workspace == "transient":
        rows = min(tokens, rules.expert_chunk or tokens) * widths.chosen
        return served.size(rows * (widths.expert + widths.expert // 2 + hidden))
    return served.size(tokens * widths.chosen * (max(widths.expert, hidden) + max(widths.expert // 2, hidden)))


def _marlin_caches(widths: RankWidths, model: Model, rules: Rules) -> bool:
    """Whether experts in four bits run on Marlin with caches that come and go, whatever others have.

    Outputs of the first multiplication and of the second share one (fused_moe/fused_marlin_moe.py, 0.8.5 to 0.19; the
    apply methods of quantization/*.py that call it).
    """
    left = rules.own_marlin_caches == "compressed" and model.quantization == "compressed-tensors"
    return widths.four_bits and (left or rules.own_marlin_caches == "all")


def _multiplies_by_marlin(silicon: Silicon) -> bool:
    """Whether DeepSeek-V4's experts, stored in MXFP4, fall to Marlin, which has the usual buffers.

    The kernels before it in the list want Blackwell (layers/fused_moe/oracle/mxfp4.py, _get_priority_backends;
    experts/marlin_moe.py, workspace_shapes).
    """
    return silicon.vendor == "nvidia" and silicon.capability < _BLACKWELL


def _kept_between_stages(model: Model, layout: Layout, served: DType) -> int:
    if layout.pipeline_parallel_size == 1:
        return 0
    return served.size(2 * layout.max_num_batched_tokens * model.hidden_size)


def logit_count(model: Model, layout: Layout) -> int:
    """Return the logits of a step in which every sequence has one."""
    sequences = min(layout.max_num_seqs, layout.max_num_batched_tokens)
    return sequences * round_up(model.vocab_size, VOCABULARY_PADDING)


def standing_counts(model: Model, layout: Layout, rules: Rules) -> int:
    """Return what V2 holds to count the tokens of each sequence (v1/worker/gpu/sample/penalties.py)."""
    return _COUNT * logit_count(model, layout) if runs_on_second_runner(model, rules) else 0


def sampler_bytes(model: Model, layout: Layout, rules: Rules, served: DType) -> int:
    """Logits, their copies and what sorting or masking needs beside them."""
    fit, logits = terms("activation"), logit_count(model, layout)
    if runs_on_second_runner(model, rules):
        return logits * (served.size(1) + 4 * rules.second_sampler_copies)
    if rules.sampler == "sort":
        return int(logits * (served.size(1) + fit["sort_bytes"]))
    if rules.sampler == "flashinfer":
        return int(logits * (served.size(1) + fit["fused_bytes"]))
    if drafted_tokens(layout):
        return logits * (_REJECTING_LOGITS * served.size(1) + _REJECTING_COPIES * F32.size(1))
    rows = fit["sampler_programs"]
    return int(logits * (served.size(1) + fit["fused_bytes"]) + rows * 4 * round_up(model.vocab_size, 64))
