"""Builds of llama.cpp: where the accounting of memory changed, and the ik_llama.cpp fork."""

import re
from dataclasses import dataclass, replace

NEWEST = "0.5.0-dev"


@dataclass(frozen=True)
class Build:
    """How one build accounts.

    `output_first`: the output is offloaded before any layer. `windowed_cache`: windowed layers keep their
    window only. `latent_cache`: MLA keeps the latent, with `latent_values` a second copy for the values.
    `few_outputs`: the server reserves logits for its slots only, not for a whole micro-batch.
    `pinned_norms`: norms stay with their layer (not so where llama-fit-params estimates, which resets the scheduler).
    `half_mask`: the mask comes from the host in 16 bit. `fused_gate`: one operation joins gate and up.
    `index_cache`: keys of sparse-attention indexers are cached. `pipelines`: devices overlap micro-batches.
    `reserves_halves`: the compute buffer has room for copies in 16 bits of caches of other types, which fused attention
    of CUDA makes; before, they were taken when a prompt came. `moves_fused_experts`: `--cpu-moe` and `--n-cpu-moe` meet
    gate and up where a file has them in one tensor. `fuses_attention`: flash attention is on where nobody says.
    `splits_layers`: `--split-mode` exists; before, several devices always shared rows. `rows_share_layers`: under row
    split the caches go with the shares; before, and in the fork, the main device has them all. `chunked_buffer`: a
    compute buffer beyond what a backend allocates at once becomes several. `own_streams`: each slot has a stream of the
    cache; before, all share one, as the warning "non-unified KV cache requires ggml_set_rows() - forcing unified KV
    cache" has it (llama-context.cpp). `gives_up_pipelining`: where compute buffers find no room, it goes on with
    devices that take turns. `context_step`: contexts are rounded up to so many tokens (GGML_PAD in llama-context.cpp,
    llama_kv_cache_get_padding), without flash attention to `plain_context_step`. `unrolled_experts`: each choice of an
    expert is an operation of its own. `offloads_batches`: weights on the host are copied to a device for large batches
    (ggml_backend_cuda_offload_op). `padded_buffers`: compute buffers have a tenth more than was measured (ggml-alloc.c
    of 2024-02-06, ggml_allocr_max_size: "we add a 10% margin to the buffer size"; not of 02-16). `xielu_on_device` is
    told in `feed_forward_graph.py`; `batches_attention`, `pool_spares_slow_halves`, `prompts_by_cublas`,
    `prompts_by_hipblas` and `amd_reads_quantized` in `prompt_pool.py`.
    """

    name: str
    output_first: bool = True
    windowed_cache: bool = True
    window_padding: int = 256
    context_step: int = 256
    plain_context_step: int = 256
    latent_cache: bool = True
    latent_values: bool = False
    few_outputs: bool = True
    pinned_norms: bool = True
    half_mask: bool = True
    fused_gate: bool = True
    given_embeddings: bool = True
    index_cache: bool = True
    pipelines: bool = True
    moves_fused_experts: bool = True
    reserves_halves: bool = True
    fuses_attention: bool = True
    splits_layers: bool = True
    rows_share_layers: bool = True
    chunked_buffer: bool = True
    own_streams: bool = True
    gives_up_pipelining: bool = True
    batches_attention: bool = True
    pool_spares_slow_halves: bool = True
    xielu_on_device: bool = True
    offloads_batches: bool = True
    padded_buffers: bool = False
    unrolled_experts: bool = False
    prompts_by_cublas: bool = False
    prompts_by_hipblas: bool = False
    amd_reads_quantized: bool = False
    fork: bool = False


_CHANGES: tuple[tuple[int, dict[str, bool | int]], ...] = (
    # last build before a change, and what was before it
    (1421, {"batches_attention": False}),  # pull request 3749, 2023-10-24
    (1429, {"prompts_by_cublas": False, "prompts_by_hipblas": False}),  # 3776, 2023-10-27
    (1606, {"context_step": 1, "plain_context_step": 1}),  # 4280, 2023-12-03
    (1727, {"pool_spares_slow_halves": False}),  # 4682, 2023-12-29
    (1842, {"splits_layers": False, "padded_buffers": False}),  # 4766, 2024-01-12
    (2127, {"padded_buffers": True}),  # 5397, 2024-02-12
    (2408, {"pipelines": False}),  # 6017, 2024-03-13
    (2449, {"offloads_batches": False}),  # 6083, 2024-03-18
    (2698, {"unrolled_experts": True}),  # 6505, 2024-04-18
    (2774, {"context_step": 32, "plain_context_step": 32}),  # 5021, 2024-04-30
    (2869, {"context_step": 256, "plain_context_step": 256}),  # 7257, 2024-05-13
    (3213, {"prompts_by_cublas": True}),  # 8075, 2024-06-24
    (3999, {"rows_share_layers": False}),  # 10026, 2024-10-30
    (5139, {"latent_cache": False}),  # pull request 12801, 2025-04-15
    (5429, {"windowed_cache": False}),  # 13194, 2025-05-20
    (5779, {"fused_gate": False}),  # 14158, 2025-06-29
    (6071, {"own_streams": False}),  # 14959, 2025-08-02, until which streams (14363) had to be asked for
    (6324, {"fuses_attention": False}),  # 15434, 2025-08-30
    (6401, {"amd_reads_quantized": True}),  # 15769, 2025-09-06
    (6568, {"chunked_buffer": False}),  # 15815, 2025-09-24
    (6860, {"gives_up_pipelining": False}),  # 16748, 2025-10-27
    (6868, {"context_step": 256, "plain_context_step": 32}),  # 16812, 2025-10-29
    (6959, {"window_padding": 32, "context_step": 1, "plain_context_step": 1}),  # 17046, 2025-11-07
    (7290, {"prompts_by_hipblas": True}),  # 17576, 2025-12-05
    (7339, {"xielu_on_device": False}),  # 17895, 2025-12-09
    (7449, {"output_first": False}),  # 18148, 2025-12-17
    (7829, {"latent_values": True}),  # 19067, 2026-01-24
    (8300, {"moves_fused_experts": False}),  # 20416, 2026-03-11
    (9369, {"half_mask": False}),  # 23764, 2026-05-27
    (9419, {"few_outputs": False}),  # 23861, 2026-06-01
    (9450, {"reserves_halves": False}),  # 23907, 2026-06-04
    (9549, {"index_cache": False}),  # 23346, 2026-06
)
"""Build numbers are those of about the day on which the pull request was merged."""

_FORK = Build(
    "ik_llama.cpp",
    context_step=1,
    plain_context_step=1,
    output_first=False,
    windowed_cache=False,
    few_outputs=False,
    half_mask=False,
    fused_gate=False,
    index_cache=False,
    reserves_halves=False,
    rows_share_layers=False,
    own_streams=False,
    gives_up_pipelining=False,
    fork=True,
)


def build_of(version: str) -> Build:
    """Return the rules of a build: `b5321`, `0.5.0-dev`, or `ik_llama.cpp` for the fork (taken from it in 2024)."""
    if version.lower().startswith("ik"):
        return _FORK
    match = re.fullmatch(r"b?(\d{3,5})", version.strip())
    if not match:
        return Build(version)
    before: dict[str, bool | int] = {}
    for last, rules in _CHANGES:
        if int(match[1]) <= last:
            before = rules | before
    return replace(Build(version), **before)  # type: ignore[arg-type]
