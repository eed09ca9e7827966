"""GPU files: entries in the form of `hardware/gpus.yaml`, checked figure by figure."""

from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from planner.data_files import read_yaml
from planner.documents import Document, bad_input
from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.line_numbers import at_line

Dtype = Literal["fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp6", "fp4", "int4"]


class _Strict(Document):
    model_config = ConfigDict(strict=True)


class LinkEntry(_Strict):
    """The link between GPUs, of the whole package; GB/s."""

    kind: str
    generation: int | None = Field(default=None, ge=1)
    total_bidirectional_gbps: float | None = Field(default=None, gt=0)
    per_direction_gbps: float | None = Field(default=None, gt=0)


class PcieEntry(_Strict):
    """The slot."""

    generation: int | None = Field(default=None, ge=1, le=8)
    lanes: Literal[1, 2, 4, 8, 16] = 16


class GpuEntry(_Strict):
    """One GPU kind of a file. Memory is per device, every other figure of the whole package.

    `confidence`, `unverified`, `source` and the memory's range and report are for the reader.
    """

    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="lower case, no spaces")
    name: str | None = None
    vendor: str
    architecture: str
    compute_capability: str | None = Field(default=None, pattern=r"^[0-9]{1,2}\.[0-9]$")
    gfx: str | None = None
    memory_gib: float = Field(gt=0, description="what a program sees")
    memory_basis: str = "file"
    memory_range_gib: list[float] | None = None
    memory_reported_mib: int | None = Field(default=None, gt=0)
    memory_marketed_gb: float | None = Field(default=None, gt=0)
    memory_bandwidth_gbps: float | None = Field(default=None, gt=0)
    dense_tflops: dict[Dtype, float] = Field(default={})
    native: list[Dtype] = Field(default=[])
    link: LinkEntry | None = None
    pcie: PcieEntry | None = None
    unified_memory: bool = False
    devices_per_package: int = Field(default=1, ge=1)
    form_factor: str = ""
    tdp_w: float | None = Field(default=None, gt=0)
    aliases: list[str] = Field(default=[])
    confidence: Literal["high", "medium", "low"] | None = None
    unverified: list[str] = Field(default=[])
    notes: str = ""
    source: list[str] = Field(default=[])

    def gpu(self) -> Gpu:
        """Return the kind, its figures divided among the devices of the package."""
        devices, pcie = self.devices_per_package, self.pcie or PcieEntry()
        link = self.link.per_direction_gbps if self.link else None
        return Gpu(
            slug=self.slug,
            name=self.name or self.slug,
            vendor=self.vendor,
            architecture=self.architecture,
            memory_gib=self.memory_gib,
            memory_basis=self.memory_basis,
            memory_bandwidth_gbps=self.memory_bandwidth_gbps / devices if self.memory_bandwidth_gbps else None,
            dense_tflops={dtype: rate / devices for dtype, rate in self.dense_tflops.items()},
            native=tuple(self.native),
            compute_capability=self.compute_capability,
            link_kind=self.link.kind if self.link else None,
            link_gbps=link / devices if link else 0.0,
            pcie_generation=pcie.generation,
            pcie_lanes=pcie.lanes,
            unified_memory=self.unified_memory,
            devices_per_package=devices,
            form_factor=self.form_factor,
            tdp_w=self.tdp_w / devices if self.tdp_w else None,
            memory_marketed_gb=self.memory_marketed_gb,
            memory_reported_mib=self.memory_reported_mib,
            aliases=tuple(self.aliases),
            notes=self.notes,
        )


Raw = dict[str, Any]


def read_gpu_file(path: Path, known: dict[str, Raw]) -> dict[str, tuple[Raw, Gpu]]:
    """Read the entries of a GPU file by slug, raw and as kinds, each laid over the one of that slug in `known`."""
    content = read_yaml(path)
    entries = content.get("gpus") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise BadInput("has no list of GPUs", where=path, field="gpus", expected="gpus: [{slug: ..., ...}, ...]")
    return laid_over(entries, known, where=path, field=("gpus",))


def laid_over(
    entries: list[Any], known: dict[str, Raw], *, where: str | Path | None, field: tuple[str | int, ...]
) -> dict[str, tuple[Raw, Gpu]]:
    """Lay raw entries over known ones of the same slug and check each; an entry may name only what differs."""
    found: dict[str, tuple[Raw, Gpu]] = {}
    for number, entry in enumerate(entries):
        at = (*field, number)
        slug = entry.get("slug") if isinstance(entry, dict) else None
        if not isinstance(slug, str):
            raise BadInput("is missing", where=at_line(where, at), field=".".join(map(str, (*at, "slug"))))
        if slug in found:
            raise BadInput("stands there twice", where=at_line(where, at), field=slug, expected="one entry a GPU kind")
        merged = {**known.get(slug, {}), **entry}
        found[slug] = merged, check_entry(merged, where=where, at=at).gpu()
    return found


def check_entry(entry: Raw, *, where: str | Path | None, at: tuple[str | int, ...] = ()) -> GpuEntry:
    """Validate one raw entry; raises BadInput that names the slug and the figure."""
    try:
        checked = GpuEntry.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]["loc"]
        problem = bad_input(error, None)
        field = ".".join(str(part) for part in (entry.get("slug", "gpus"), *first))
        raise BadInput(
            problem.problem, where=at_line(where, (*at, *first)), field=field, expected=problem.expected
        ) from None
    for dtype, rate in checked.dense_tflops.items():
        if rate <= 0:
            raise BadInput(
                f"is {rate}", where=at_line(where, (*at, "dense_tflops", dtype)),
                field=f"{checked.slug}.dense_tflops.{dtype}", expected="a rate above 0",
            )  # fmt: skip
    return checked
