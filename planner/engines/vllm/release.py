"""Releases of vLLM: their order, and the rules that were in force in each."""

import re
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from planner.data_files import read_yaml
from planner.errors import BadInput

SparseLatent = Literal["packed", "plain", "always_packed"]
"""Latents of sparse attention: with scales among them where the cache has eight bits, without, or always with."""
_NUMBER = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")


class Version(NamedTuple):
    """A release number; pre-releases count as the release they lead to."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read `0.19.0`, `v0.8.5.post1` or `0.28.1rc1`; raises BadInput."""
        match = _NUMBER.match(text.strip())
        if not match:
            raise BadInput(
                f"{text!r} is no vLLM version", where="--engine-version", expected="a release such as 0.19.0"
            )
        return cls(int(match[1]), int(match[2]), int(match[3] or 0))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True)
class Rules:
    """What changed over releases; releases.yaml tells what each field means and when it changed."""

    generation: Literal["v0", "v1"]
    memory_fraction: float
    batch_defaults: Literal[
        "v0",
        "hopper_with_1024",
        "hopper",
        "large_from_70_gib",
        "large_from_70_gib_but_a100",
        "largest_from_160_gib",
    ]
    chunk_tokens: int
    long_chunked: Literal["never", "unless_cached", "always"]
    cache_groups: Literal["one", "by_spec"]
    packed_pages: Literal["patterns", "slots", "widest_group"]
    token_line: Literal["blocks", "concurrency"]
    in_flight: Literal["one_batch", "all_batches"]
    null_block_checked: bool
    given_blocks_checked: bool
    state_blocks: Literal["one", "copies_if_asked", "copies", "checkpoints"]
    states_checked: bool
    every_stage_asked_for_all: bool
    blocks_by_stage: bool
    converting: str
    sampler: Literal["sort", "flashinfer", "fused"]
    flashinfer: Literal["never", "installed", "asked"]
    second_runner: Literal["none", "named", "dense", "all"]
    second_runner_estimates: bool
    second_runner_towers: bool
    second_sampler_copies: int
    standing_charged: bool
    expert_workspace: Literal["transient", "persistent"]
    expert_chunk: int
    own_marlin_caches: Literal["none", "all", "compressed"]
    graphs: Literal["none", "v0", "piecewise", "full_and_piecewise"]
    graphs_by_stage: bool
    graph_sizes: Literal["all", "twice_in_eighths", "twice"]
    tuned_as_compiled: bool
    pinned_copies: bool
    captured_nccl: Literal["alone", "heavy", "light"]
    fused_sums: Literal["none", "alone", "all", "multicast"]
    graphs_in_fraction: bool
    profiled_cache: Literal["none", "captured", "sequences"]
    attention_priorities: Literal["none", "first", "wide_heads", "from_ampere"]
    absorbed_latent: Literal["none", "products", "split"]
    expert_rows: Literal["together", "apart"]
    packed_experts: Literal["padded", "triton_on_hopper"]
    peak: Literal["allocated", "reserved"]
    kept_sums: bool
    ranks_in_snapshot: bool
    whole_card: bool
    long_items: Literal["text", "whole"]
    begun_items: bool
    video_length: Literal["step", "model"]
    video_frames: int
    timed_videos: bool
    vision_rotary: Literal["float32", "model"]
    fused_tower_norm: bool
    indexer_logits: bool
    decode_logits: Literal["step", "sequences"]
    latent_unchunked: bool
    latent_context: bool
    latent_cache: Literal["unfolded", "latent_in_eight_bits", "latent"]
    split_products: int
    stretch_asked_for: bool
    non_torch: str
    sparse_latent: SparseLatent = "packed"
    """What the backend chosen on the GPU wants: that of FlashInfer eight bits as they are, that of capability 12 alone
    fp8_ds_mla (platforms/cuda.py, _get_backend_priorities; layers/attention/mla_attention.py)."""
    delta_checkpoints: bool = True
    """Delta nets run on kernels that export states (gdn/qwen_gdn_linear_attn.py: compute capabilities 9, 10 and 12)."""

    def __hash__(self) -> int:
        """Of the fields in which releases differ most: rules are looked up often."""
        return hash((self.generation, self.batch_defaults, self.graphs, self.peak, self.non_torch, self.sampler))


@cache
def rules(version: Version) -> Rules:
    """Return the rules of a release: each field as the last change up to it left it."""
    values: dict[str, Any] = {}
    for change in _changes():
        if values and Version.parse(str(change["since"])) > version:
            break
        values.update(change)
    return Rules(**{field.name: values[field.name] for field in fields(Rules) if field.name in values})


_FIRST_V1_BY_DEFAULT = Version(0, 8, 0)
_LAST_V0 = Version(0, 10, 99)
_EXPORTING = (9, 10, 12)
_PLAIN_LATENT, _PACKED_ALONE = Version(0, 19, 0), Version(0, 24, 0)
"""First releases that prefer FlashInfer's sparse attention with an eight-bit cache, and with one for capability 12."""


@cache
def rules_of(version: Version, generation: str | None = None, capability: tuple[int, int] = (9, 0)) -> Rules:
    """Return the rules of a run: v0 or v1 as `VLLM_USE_V1` asks, else as the release chooses for the GPU.

    The releases with both engines start v0 on GPUs older than Ampere (engine/arg_utils.py, _is_v1_supported_oracle).
    """
    if generation is None and version >= _FIRST_V1_BY_DEFAULT:
        old = (0, 0) < capability < (8, 0) and version < _LAST_V0
        generation = "v0" if old else "v1"
    if generation == "v1":
        found = rules(max(version, _FIRST_V1_BY_DEFAULT))
        checkpoints, latent = capability[0] in _EXPORTING, _sparse_latent(version, capability[0])
        return replace(found, delta_checkpoints=checkpoints, sparse_latent=latent)
    if generation == "v0" and _FIRST_V1_BY_DEFAULT <= version < _LAST_V0:
        own = rules(version)
        return replace(
            rules(Version(0, 7, 99)),
            absorbed_latent=own.absorbed_latent,
            long_items=own.long_items,
            blocks_by_stage=own.blocks_by_stage,
            captured_nccl=own.captured_nccl,
        )
    return rules(version)


def _sparse_latent(version: Version, major: int) -> SparseLatent:
    if major == 10 and not version < _PLAIN_LATENT:
        return "plain"
    return "always_packed" if major == 12 and not version < _PACKED_ALONE else "packed"


@cache
def newest() -> Version:
    """The release that the profile was last compared with."""
    return Version.parse(str(_content()["newest"]))


def _changes() -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = _content()["changes"]
    return changes


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("releases.yaml"))
    return content
