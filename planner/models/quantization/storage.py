"""How a checkpoint stores one quantized matrix: a narrow weight, its scales, and what else lies beside it."""

from dataclasses import dataclass, replace

from planner.models.dtype import F32, INT4, INT32, UINT8, DType
from planner.models.tensor import Kind, Split, Tensor
from planner.units import ceil_div


@dataclass(frozen=True)
class Storage:
    """The tensors that stand in place of a matrix of outputs x inputs, one set for each expert of a stack.

    `block` is the (outputs, inputs) that share a scale: (1, 128) groups along the inputs, (1, 0) one a row,
    (0, 0) one for the matrix. `zero` is the type of zero points, one for each scale. `scalars` are further
    single numbers in float32; `index` names the group of each input (act order), in int32; `tables` are constants
    stored with every matrix, as (leaf, elements, type).
    """

    weight: DType
    scale: DType | None = None
    block: tuple[int, int] = (0, 0)
    weight_leaf: str = "weight"
    scale_leaf: str = "weight_scale"
    zero: DType | None = None
    zero_leaf: str = "weight_zero_point"
    scalars: tuple[str, ...] = ()
    index: str = ""
    tables: tuple[tuple[str, int, DType], ...] = ()

    def tensors(self, tensor: Tensor) -> tuple[Tensor, ...]:
        """Return what is stored of one weight."""
        name = tensor.name if self.weight_leaf == "weight" else tensor.beside(self.weight_leaf)
        stored = [replace(tensor, name=name, dtype=self.weight)]
        if self.scale:
            stored.append(_beside(tensor, self.scale_leaf, self._scale_shape(tensor), self.scale))
        if self.zero:
            stored.append(_beside(tensor, self.zero_leaf, self._scale_shape(tensor), self.zero))
        stored += [_single(tensor, leaf) for leaf in self.scalars]
        if self.index:
            split = Split.ROW if tensor.split is Split.ROW else Split.REPLICATED
            index = _beside(tensor, self.index, (*tensor.shape[:-2], tensor.shape[-1]), INT32)
            stored.append(replace(index, split=split))
        stack = tensor.shape[:-2]
        stored += [_beside(tensor, leaf, (*stack, count), dtype) for leaf, count, dtype in self.tables]
        return tuple(stored)

    def _scale_shape(self, tensor: Tensor) -> tuple[int, ...]:
        *stack, outputs, inputs = tensor.shape
        if self.block == (0, 0):
            return (*stack, 1)
        rows, columns = self.block
        return (*stack, ceil_div(outputs, rows or outputs), ceil_div(inputs, columns or inputs))


def _beside(tensor: Tensor, leaf: str, shape: tuple[int, ...], dtype: DType) -> Tensor:
    whole = len(shape) < len(tensor.shape)
    units = tensor.units if not whole and shape[-2] == tensor.shape[-2] else 0
    return replace(
        tensor, name=tensor.beside(leaf), shape=shape, dtype=dtype, kind=Kind.SCALE, matmul=False,
        units=units, split=Split.REPLICATED if whole else tensor.split,
    )  # fmt: skip


def _single(tensor: Tensor, leaf: str) -> Tensor:
    return _beside(tensor, leaf, (*tensor.shape[:-2], 1), F32)


def packed_integer(bits: int) -> DType:
    """Return the type of whole numbers of so many bits, packed into 32-bit words; raises KeyError."""
    return _PACKED[bits]


_PACKED = {2: DType("int2", 16, 4), 3: DType("int3", 32, 12), 4: INT4, 8: UINT8}
"""GPTQ packs three bits as 32 values in three words; eight bits are unsigned, unpacked in the kernel."""
