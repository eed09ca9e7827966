"""Lay stored tensors over a blueprint: equal ones change nothing, different ones win and are named."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from planner.models.dtype import DType
from planner.models.layer import Layer
from planner.models.model import Component, Model
from planner.models.tensor import Kind, Role, Tensor
from planner.models.weights.roots import by_root, said
from planner.models.weights.stored import Stored

NAMED = 20
"""So many differences are written out."""
_EXPERT = re.compile(r"(experts)\.\d+\.")
_UNREAD = re.compile(
    r"(rotary_emb\.inv_freq|\.masked_bias|\.attn\.bias|position_ids|num_batches_tracked|^rope_freqs\.weight)$"
)
"""Buffers that old checkpoints carry and no engine loads."""

_HEADS = ("lm_head.weight", "language_model.lm_head.weight", "output.weight")

Key = Callable[[str], str]


@dataclass(frozen=True)
class Group:
    """Stored tensors that one name of the blueprint stands for: the same part of all experts, or one tensor."""

    members: tuple[Stored, ...]

    @cached_property
    def bytes(self) -> int:
        """Bytes of all."""
        return sum(member.bytes for member in self.members)

    @cached_property
    def elements(self) -> int:
        """Elements of all."""
        return sum(member.elements for member in self.members)

    @property
    def dtype(self) -> DType:
        """Type of the first."""
        return self.members[0].dtype

    def shown(self) -> str:
        """`2 x bfloat16 (8, 4)`."""
        times = f"{len(self.members)} x " if len(self.members) > 1 else ""
        return f"{times}{self.dtype} {self.members[0].shape}"


def stored_name(name: str) -> str:
    """The name under which a checkpoint holds a part of a fused matrix: that of the whole."""
    return name.partition("[")[0]


def with_stored(
    model: Model, stored: Sequence[Stored], where: str, key: Key = stored_name, *, expected: bool = True
) -> Model:
    """Return the model as the files hold it; `key` gives a tensor of the blueprint the name it has in the files.

    The differences are in the model's assumptions: the first ones by name, the rest counted. Where the types
    were not `expected` to be known beforehand, other types are no difference.
    """
    groups = _groups(stored)
    renamed = by_root(groups, names_in(model)) if key is stored_name else {}
    groups = {renamed.get(name, name): group for name, group in groups.items()}
    return _Overlay(model, groups, where, key, expected, said(renamed)).laid()


def names_in(model: Model) -> set[str]:
    """Return the names under which a checkpoint holds the tensors of a blueprint."""
    return {tensor.stored_name for tensor in model.tensors()}


def collapsed(name: str) -> str:
    """Name of a tensor with the number of its expert taken out."""
    return _EXPERT.sub(r"\1.*.", name)


def _groups(stored: Iterable[Stored]) -> dict[str, Group]:
    found: dict[str, list[Stored]] = {}
    for tensor in stored:
        found.setdefault(collapsed(tensor.name), []).append(tensor)
    return {name: Group(tuple(members)) for name, members in found.items()}


class _Overlay:
    def __init__(
        self, model: Model, groups: Mapping[str, Group], where: str, key: Key, expected: bool, notes: list[str]
    ) -> None:
        self.model, self.groups, self.where, self.key, self.expected = model, groups, where, key, expected
        self.seen: set[str] = set()
        self.differences = notes

    def laid(self) -> Model:
        model = self.model
        embedding, layers = self._laid(model.embedding), self._layers()
        final, head = self._laid(model.final), self._laid(model.head)
        parts = tuple(replace(part, tensors=self._laid(part.tensors)) for part in model.components)
        parts = tuple(part for part in parts if part.tensors)
        extra = self._extra()
        if extra:
            parts = (*parts, Component("beside the blueprint", extra))
        changed = replace(model, embedding=embedding, layers=layers, final=final, head=head, components=parts)
        return changed.assuming(*self._said()) if self.differences else changed

    def _layers(self) -> tuple[Layer, ...]:
        made: dict[tuple[Layer, tuple[Tensor, ...]], Layer] = {}
        layers = []
        for index, layer in enumerate(self.model.layers):
            tensors = self._laid(layer.tensors, self.model.layer_prefix.format(index))
            same = layer if tensors == layer.tensors else replace(layer, tensors=tensors)
            layers.append(made.setdefault((layer, tensors), same))
        return tuple(layers)

    def _laid(self, tensors: Sequence[Tensor], prefix: str = "") -> tuple[Tensor, ...]:
        together: dict[str, list[Tensor]] = {}
        for tensor in tensors:
            together.setdefault(self.key(prefix + tensor.name), []).append(tensor)
        return tuple(new for name, parts in together.items() for new in self._one(name, parts))

    def _one(self, name: str, parts: list[Tensor]) -> list[Tensor]:
        """The tensors of the blueprint that are stored under one name, as they are stored."""
        self.seen.add(name)
        group = self.groups.get(name)
        if group is None:
            self.differences.append(f"{name} is not in the files; {_shown(parts)} by the config")
            return []
        if group.bytes == sum(part.bytes for part in parts):
            return parts
        if group.elements == sum(part.elements for part in parts):
            if self.expected:
                self.differences.append(f"{name} is {group.dtype} in the files, {parts[0].dtype} by the config")
            return [replace(part, dtype=group.dtype) for part in parts]
        self.differences.append(f"{name} is {group.shown()} in the files, {_shown(parts)} by the config")
        shape = group.members[0].shape if len(group.members) == 1 else (len(group.members), *group.members[0].shape)
        return [replace(parts[0], name=parts[0].stored_name, shape=shape, dtype=group.dtype)]

    def _extra(self) -> tuple[Tensor, ...]:
        """What the files hold and the blueprint does not know; a copy of a tied head and dead buffers are left out."""
        found = []
        for name, group in self.groups.items():
            if name in self.seen or _UNREAD.search(name) or (self.model.tied and name in _HEADS):
                continue
            self.differences.append(f"{name} ({group.shown()}) is in the files and not known by the config")
            shape = (len(group.members), *group.members[0].shape) if len(group.members) > 1 else group.members[0].shape
            kind = Kind.SCALE if "scale" in name or "zero" in name else Kind.PARAMETER
            found.append(Tensor(name, shape, group.dtype, Role.OTHER, kind=kind))
        return tuple(found)

    def _said(self) -> list[str]:
        rest = len(self.differences) - NAMED
        more = [f"{self.where}: and {rest:,} more differences"] if rest > 0 else []
        return [*(f"{self.where}: {difference}" for difference in self.differences[:NAMED]), *more]


def _shown(parts: Sequence[Tensor]) -> str:
    elements = sum(prod(part.shape) for part in parts)
    return f"{parts[0].dtype} {parts[0].shape}" if len(parts) == 1 else f"{parts[0].dtype}, {elements:,} elements"
