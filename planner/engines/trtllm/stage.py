"""One rank of a pipeline stage: its lines, the blocks that are left, and where it breaks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from planner.engines.trtllm.beside import Beside
from planner.fleet.site import Site
from planner.memory.device_bill import DeviceBill
from planner.units import gib


@dataclass(frozen=True)
class Stage:
    """Bytes of one rank. `on_demand` is allocated after the cache, in what the fraction leaves.

    The temporary cache of the estimate has blocks of `whole_block_bytes`, no layer windowed. `counted_block_bytes` are
    what blocks are taken to have where nothing holds their number to the memory that is free; 0 where something does.
    """

    number: int
    site: Site
    weights: int
    beside: Beside
    states: int
    block_bytes: int
    whole_block_bytes: int
    fraction: float
    most_blocks: int | None
    on_demand: int
    counted_block_bytes: int = 0
    loading: int = 0

    @property
    def left_bytes(self) -> int:
        """What is free when the cache is sized ("available" in the log); negative when it does not start."""
        free = self.site.free_bytes
        if free is None:
            free = self.site.gpu.memory_bytes - self.site.used_bytes - self.beside.context
        return free - self.weights - self.states - self.beside.total + self.beside.context

    @property
    def pool_bytes(self) -> int:
        """The cache: a share of what is left."""
        return int(self.left_bytes * self.fraction)

    @cached_property
    def blocks(self) -> int:
        """Blocks of the cache."""
        found = max(0, self.pool_bytes // self.block_bytes) if self.block_bytes else self.most_blocks or 1 << 20
        return found if self.most_blocks is None else min(found, self.most_blocks)

    @property
    def _asked_bytes(self) -> int:
        """What the cache is created with, which may be more than is free."""
        if not self.counted_block_bytes:
            return 0
        counted = max(0, self.pool_bytes) // self.counted_block_bytes
        return (counted if self.most_blocks is None else min(counted, self.most_blocks)) * self.block_bytes

    @property
    def _left_for_capture(self) -> int:
        """What is free once the cache is there: activations and graphs of the peak are gone."""
        return self.left_bytes - self.blocks * self.block_bytes + self.beside.activation + self.beside.graphs

    def overflows(self, wanted: int) -> Iterator[str]:
        """Say what does not fit and by how much; `wanted` are the bytes of the temporary cache."""
        if self.left_bytes <= 0:
            yield (
                f"stage {self.number}: weights of {gib(self.weights)}, activations of {gib(self.beside.activation)} and"
                f" {gib(self.beside.total - self.beside.activation)} of context and buffers are"
                f" {gib(-self.left_bytes)} more than the device has"
            )
            return
        before = self.left_bytes + self.beside.activation + self.beside.graphs
        if self.loading > before:
            yield (
                f"stage {self.number}: while weights are loaded, copies of all ranks on the first GPU take"
                f" {gib(self.loading)}, {gib(self.loading - before)} more than is left (1.0.0rc6 mends it)"
            )
            return
        temporary, lent = min(wanted, int(before * self.fraction)), self.site.lent_bytes
        if temporary > self.left_bytes + lent:
            yield (
                f"stage {self.number}: executor creation fails for memory: the temporary cache of {gib(temporary)} in"
                f" which the peak is measured is {gib(temporary - self.left_bytes)} more than is left (lower"
                " max_seq_len, max_batch_size or max_num_tokens)"
            )
        elif self._asked_bytes > self.left_bytes:
            yield (
                f"stage {self.number}: executor creation fails for memory: the cache is sized for parts of KV heads,"
                f" and {gib(self._asked_bytes)} of whole ones are {gib(self._asked_bytes - self.left_bytes)} more than"
                " is left (say free_gpu_memory_fraction in kv_cache_config)"
            )
        elif (more := self.beside.capture - self._left_for_capture) > lent:
            yield (
                f"stage {self.number}: graphs of the largest batch take {gib(self.beside.capture)} beside the cache,"
                f" {gib(more)} more than it leaves free (lower free_gpu_memory_fraction or the batches captured)"
            )
        elif self.on_demand > lent + (after := self.left_bytes - self.blocks * self.block_bytes):
            yield (
                f"stage {self.number}: context logits of {gib(self.on_demand)} are {gib(self.on_demand - after)} more"
                " than the cache leaves free (lower free_gpu_memory_fraction)"
            )

    def device_bill(self, rank: int, blocks: int) -> DeviceBill:
        """Return the device's lines; decoder and runtime buffers count as activation."""
        gpu = self.site.gpu
        return DeviceBill(
            rank=rank,
            stage=self.number,
            weights_bytes=self.weights,
            kv_cache_bytes=blocks * self.block_bytes + self.states,
            activation_bytes=self.beside.activation + self.beside.buffers,
            cuda_graph_bytes=self.beside.graphs,
            non_torch_bytes=self.beside.context,
            device_bytes=gpu.memory_bytes,
            usable_bytes=gpu.memory_bytes - self.site.used_bytes,
        )
