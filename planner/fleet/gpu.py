"""A GPU kind: what one device offers to a program."""

from dataclasses import dataclass, field
from functools import cached_property

from planner.errors import BadInput
from planner.fleet.silicon import Silicon
from planner.units import GB, GIB


@dataclass(frozen=True)
class Gpu:
    """One kind of device, per device as software sees it.

    `memory_gib` is what a program can see, never the marketed size. Rates are dense TFLOP/s by dtype,
    bandwidths GB/s (decimal); link bandwidths are per direction. `native` names the formats that the
    matrix units take. A package that software sees as several devices (`devices_per_package`) has its
    bandwidth, rates, links and power divided among them. A slice or share of a GPU is a kind of its own:
    `parent` is the slug it was cut from, `part` the MIG profile or the fraction.
    """

    slug: str
    name: str
    vendor: str
    architecture: str
    memory_gib: float
    memory_basis: str
    memory_bandwidth_gbps: float | None
    dense_tflops: dict[str, float]
    native: tuple[str, ...] = ()
    compute_capability: str | None = None
    link_kind: str | None = None
    link_gbps: float = 0.0
    pcie_generation: int | None = None
    pcie_lanes: int = 16
    unified_memory: bool = False
    devices_per_package: int = 1
    form_factor: str = ""
    tdp_w: float | None = None
    memory_marketed_gb: float | None = None
    memory_reported_mib: int | None = None
    aliases: tuple[str, ...] = field(default=(), compare=False, repr=False)
    notes: str = field(default="", compare=False, repr=False)
    parent: str | None = None
    part: str | None = None

    def __hash__(self) -> int:
        return hash(self.slug)

    @cached_property
    def memory_bytes(self) -> int:
        """Device memory in bytes, as programs see it."""
        return int(self.memory_gib * GIB)

    @property
    def driver_mib(self) -> int:
        """Total memory as the driver reports it (`nvidia-smi`), MiB: a little above what programs see."""
        if self.memory_reported_mib:
            return self.memory_reported_mib
        return int(min(self.memory_gib / 0.98, self.memory_gib + 0.6) * 1024)

    @property
    def bandwidth(self) -> float:
        """Memory bandwidth in bytes a second; raises BadInput for a kind whose bandwidth nobody stated."""
        if not self.memory_bandwidth_gbps:
            raise BadInput("is unknown", where=self.slug, field="memory_bandwidth_gbps", expected="GB/s in a GPU file")
        return self.memory_bandwidth_gbps * GB

    @cached_property
    def capability(self) -> tuple[int, int]:
        """CUDA compute capability as (major, minor); (0, 0) for other vendors."""
        major, _, minor = (self.compute_capability or "0.0").partition(".")
        return int(major), int(minor)

    @cached_property
    def silicon(self) -> Silicon:
        """What decides which kernels run."""
        return Silicon(self.vendor, self.capability)

    @property
    def pcie_gbps(self) -> float:
        """PCIe bandwidth per direction: 0.985 GB/s a lane in generation 3, doubling with each one."""
        return 0.985 * 2.0 ** ((self.pcie_generation or 3) - 3) * self.pcie_lanes

    @property
    def socketed(self) -> bool:
        """Whether the part sits on a board that links all its GPUs (SXM, OAM, superchip), not in a PCIe slot."""
        return not self.form_factor.startswith("PCIe") and self.link_kind not in (None, "nvlink-bridge")

    @property
    def whole(self) -> bool:
        """Whether this is a whole device. A slice or share runs alone: no collective joins it to another one."""
        return self.parent is None
