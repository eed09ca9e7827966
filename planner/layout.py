"""A layout: one way to run one copy of a model, with the engine's limits."""

from collections.abc import Sequence

from pydantic import Field

from planner.documents import Document

OptionValue = bool | int | float | str


class Limits(Document):
    """What a user may fix of an engine's limits; None leaves the engine's default."""

    max_model_len: int | None = Field(default=None, ge=1, description="longest sequence, tokens")
    max_num_seqs: int | None = Field(default=None, ge=1, description="sequences that run at once")
    max_num_batched_tokens: int | None = Field(default=None, ge=1, description="tokens of one step")
    memory_fraction: float | None = Field(default=None, gt=0, le=1, description="share of the device the engine takes")
    kv_cache_dtype: str | None = None
    block_size: int | None = Field(default=None, ge=1, description="tokens a cache block")
    enforce_eager: bool = False
    options: dict[str, OptionValue] = Field(default={}, description="flags of one engine, under its own names")


class Layout(Document):
    """Parallel sizes, layers of each pipeline stage and the resolved limits of one replica.

    A replica takes tensor x data x pipeline GPUs. `data_parallel_size` counts attention-data-parallel
    groups inside the replica (mixture-of-experts models); copies of the whole are replicas, not layouts.
    Where the stages differ in their tensor-parallel size, `tensor_parallel_per_stage` has the size of each
    and `tensor_parallel_size` the largest; few engines can run that.
    """

    tensor_parallel_size: int = Field(default=1, ge=1)
    pipeline_parallel_size: int = Field(default=1, ge=1)
    data_parallel_size: int = Field(default=1, ge=1)
    tensor_parallel_per_stage: tuple[int, ...] = Field(default=(), description="empty: the same on all stages")
    expert_parallel: bool = False
    layers_per_stage: tuple[int, ...]
    max_model_len: int = Field(ge=1)
    max_num_seqs: int = Field(ge=1)
    max_num_batched_tokens: int = Field(ge=1)
    memory_fraction: float = Field(
        le=1, allow_inf_nan=False, description="as the engine resolves it; one that leaves nothing, its profile refuses"
    )
    kv_cache_dtype: str = "auto"
    block_size: int = Field(default=16, ge=1)
    enforce_eager: bool = False
    options: dict[str, OptionValue] = Field(default={})

    def __hash__(self) -> int:
        """Of the sizes and the limits in which layouts differ most."""
        sizes = self.tensor_parallel_size, self.data_parallel_size, self.expert_parallel, self.layers_per_stage
        return hash((sizes, self.max_model_len, self.max_num_seqs, self.memory_fraction))

    @property
    def gpus(self) -> int:
        """GPUs of one replica."""
        tensors = sum(self.tensor_parallel_per_stage) or self.tensor_parallel_size * self.pipeline_parallel_size
        return tensors * self.data_parallel_size

    @property
    def gpus_per_stage(self) -> int:
        """GPUs of one pipeline stage; of the largest where they differ."""
        return self.tensor_parallel_size * self.data_parallel_size

    def stage_tensor(self, stage: int) -> int:
        """Tensor-parallel size of a stage."""
        return self.tensor_parallel_per_stage[stage] if self.tensor_parallel_per_stage else self.tensor_parallel_size

    def stage_gpus(self, stage: int) -> int:
        """GPUs of a stage."""
        return self.stage_tensor(stage) * self.data_parallel_size

    @property
    def expert_group(self) -> int:
        """Ranks over which the routed experts are divided."""
        return self.gpus_per_stage

    def stage_layers(self, stage: int) -> tuple[int, int]:
        """First and last layer of a stage, both included."""
        first = sum(self.layers_per_stage[:stage])
        return first, first + self.layers_per_stage[stage] - 1

    def label(self) -> str:
        """Short form: `TP8`, `TP4 PP2`, `TP2 DP4 EP`."""
        sizes = (
            ("TP", self.tensor_parallel_size),
            ("PP", self.pipeline_parallel_size),
            ("DP", self.data_parallel_size),
        )
        words = [f"{name}{size}" for name, size in sizes if size > 1 or name == "TP"]
        if self.tensor_parallel_per_stage:
            words[0] = "TP" + "+".join(map(str, self.tensor_parallel_per_stage))
        return " ".join([*words, "EP"] if self.expert_parallel else words)


def even_stages(layers: int, stages: int, extra_to: Sequence[int]) -> tuple[int, ...]:
    """Divide layers over stages; the remainder goes, one each, to the stages in the order `extra_to`."""
    split = [layers // stages] * stages
    for stage in extra_to[: layers % stages]:
        split[stage] += 1
    return tuple(split)
