"""One weight tensor: name, shape, dtype, role, and the axis along which engines split it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import prod

from planner.models.dtype import DType


class Role(StrEnum):
    """What a tensor is for; the components of a parameter count."""

    EMBEDDING = "embedding"
    POSITION = "position_embedding"
    HEAD = "lm_head"
    NORM = "norm"
    ATTENTION = "attention"
    INDEXER = "indexer"
    MLP = "mlp"
    EXPERT = "expert"
    SHARED_EXPERT = "shared_expert"
    ROUTER = "router"
    SSM = "ssm"
    VISION = "vision"
    AUDIO = "audio"
    PROJECTOR = "projector"
    OTHER = "other"


class Split(StrEnum):
    """How tensor parallelism divides a tensor (Megatron-LM, arXiv 1909.08053, section 3)."""

    REPLICATED = "replicated"
    COLUMN = "column"
    """Along the outputs: the first axis of a matrix, the only axis of its bias."""
    ROW = "row"
    """Along the inputs: the last axis of a matrix."""
    VOCABULARY = "vocabulary"
    """Along the vocabulary rows, which engines pad first."""
    KV_HEADS = "kv_heads"
    """Along the outputs by KV head; when there are more ranks than heads, heads are repeated."""


class Kind(StrEnum):
    """Whether a stored tensor counts as parameters."""

    PARAMETER = "parameter"
    SCALE = "scale"
    """Quantization metadata: scales, zero points, group indices."""
    BUFFER = "buffer"
    """Stored in checkpoints and loaded, but no parameter (router correction bias)."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a model, in the shape that mathematics gives it (packing is the dtype's affair).

    `shape` has the expert axis first when `experts` is positive: one entry then stands for the
    tensors of all routed experts of a layer. `units` is the number of indivisible units along the
    split axis (attention heads); 0 means that single elements may be divided. A matrix that
    checkpoints store fused with others is listed as its parts, `qkv_proj.weight[q]`.
    `matmul` marks the weight of a linear layer: what quantization schemes convert.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    role: Role
    split: Split = Split.REPLICATED
    units: int = 0
    experts: int = 0
    kind: Kind = Kind.PARAMETER
    matmul: bool = False

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def params(self) -> int:
        """Parameters: the elements, or 0 for scales and buffers."""
        return self.elements if self.kind is Kind.PARAMETER else 0

    @property
    def bytes(self) -> int:
        """Bytes in a checkpoint."""
        return self.dtype.size(self.elements)

    @property
    def module(self) -> str:
        """Name of the module that owns it: `self_attn.q_proj` of `self_attn.q_proj.weight`."""
        return self.stored_name.rpartition(".")[0]

    @property
    def stored_name(self) -> str:
        """Name in the checkpoint: without the `[part]` of a fused matrix."""
        return self.name.partition("[")[0]

    def beside(self, leaf: str) -> str:
        """Name of a tensor stored beside the weight: `q_proj.weight[q]` and `scales` give `q_proj.scales[q]`."""
        stored, bracket, part = self.name.partition("[")
        stem = stored.removesuffix(".weight")
        joint = "." if stem != stored else "_"
        return f"{stem}{joint}{leaf}{bracket}{part}"

    def with_prefix(self, prefix: str) -> "Tensor":
        """Return the same tensor under its full name."""
        return replace(self, name=prefix + self.name)
