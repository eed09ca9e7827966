"""The inventory file: what a user writes of the nodes there are and of those that may be bought."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from planner.documents import Document
from planner.fleet.limits import MOST_GPUS_A_NODE, MOST_NODES, MOST_USD

NAME = r"^[^\s/,:]{1,200}$"


def _listed(value: Any) -> Any:
    """One text stands for a list of one."""
    return [value] if isinstance(value, str) else value


def _by_number(value: Any) -> Any:
    """JSON has only text for keys: `"0"` is GPU 0."""
    if not isinstance(value, dict):
        return value
    return {
        int(key) if isinstance(key, str) and key.isdecimal() and len(key) < 6 else key: v for key, v in value.items()
    }


def _device_key(value: Any) -> Any:
    """Write a GPU index, or that of a slice (`1.0`), as text; YAML reads the latter as a number."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Texts = Annotated[list[str], BeforeValidator(_listed)]
Index = Annotated[int, Field(ge=0, lt=MOST_GPUS_A_NODE)]
Device = Annotated[str, BeforeValidator(_device_key), Field(pattern=r"^[0-9]{1,4}([.][0-9]{1,2})?$")]
Size = Annotated[str | int, Field(union_mode="left_to_right")]


class _Strict(Document):
    model_config = ConfigDict(strict=True)


class IslandEntry(_Strict):
    """GPUs of a node that one link joins."""

    gpus: list[Index] = Field(min_length=2, description="GPU indices")
    link: Literal["nvlink", "xgmi", "pcie", "network"]
    gbps: float | None = Field(default=None, gt=0, description="GB/s per direction and GPU while all talk")
    pair_gbps: float | None = Field(default=None, gt=0, description="GB/s per direction between two, on a mesh")
    name: str = Field(default="", description="root, numa, socket ...")


class NodeEntry(_Strict):
    """Nodes that are alike. Give one of `gpus`, `devices` and `like`."""

    name: str | None = Field(default=None, pattern=NAME, description="name, or stem of the names when count > 1")
    names: list[Annotated[str, Field(pattern=NAME)]] = Field(default=[], description="a name for each node")
    count: int = Field(default=1, ge=1, le=MOST_NODES, description="how many such nodes")
    gpus: Texts = Field(default=[], description="`8xH100-SXM`, or a list such as [4xL40S, 2x3090]; packages as sold")
    devices: Texts = Field(default=[], description="the same, counted as software lists them (MI250: two a package)")
    like: str | None = Field(default=None, description="a node type of `gpuplan catalog nodes`, such as dgx-h100")
    pairs: list[list[Index]] = Field(default=[], description="GPU indices that an NVLink bridge joins")
    islands: list[IslandEntry] = Field(default=[], description="links that are not the usual ones")
    mig: Annotated[dict[Index, list[str]], BeforeValidator(_by_number)] = Field(
        default={}, description="MIG slices of a GPU by index: {0: [3g.40gb, 3g.40gb]}"
    )
    usd_per_hour: float | None = Field(
        default=None, ge=0, le=MOST_USD, description="price of the whole node, due if any GPU is used"
    )
    usd_per_gpu_hour: float | None = Field(
        default=None, ge=0, le=MOST_USD, description="price of each GPU that is used"
    )
    watts: float | None = Field(default=None, gt=0, le=1e6, description="what the whole node draws under load")
    usd_per_kwh: float | None = Field(
        default=None, ge=0, le=1000, description="price of electricity; adds to the node's price"
    )
    fabric: str | None = Field(default=None, description="network between nodes, of `gpuplan catalog fabrics`")
    nics: int | None = Field(default=None, ge=1, le=256, description="ports of that network on a node")
    network_gbps: float | None = Field(default=None, gt=0, description="GB/s per direction and GPU to other nodes")
    rack: str | None = None
    zone: str | None = None
    nvlink_domain: str | None = Field(default=None, description="nodes of one name form one NVLink island")
    domain_nodes: int | None = Field(default=None, ge=1, description="so many nodes in a row share an NVLink domain")
    reserved: list[Device] = Field(default=[], description="GPUs that must not be used; slice 0 of GPU 1 is 1.0")
    used_memory: dict[Device, Size] = Field(default={}, description="memory that others hold, by GPU: {0: 12GiB}")
    labels: dict[str, str] = Field(default={}, description="the owner's own")


class PurchaseEntry(_Strict):
    """Instances that may be rented."""

    cloud: Texts = Field(min_length=1, description="aws, azure, gcp ...; `gpuplan prices` lists them")
    instance_types: Texts = Field(default=[], description="only these; none: every type of the cloud")
    gpus: Texts = Field(default=[], description="only these GPU kinds")
    region: Texts = Field(default=[], description="only these regions")
    spot: bool | Literal["also", "only"] = Field(default=False, description="spot prices: not, also, or only (true)")
    limit: int | None = Field(default=None, ge=0, le=MOST_NODES, description="most instances of each type (the quota)")


class InventoryFile(_Strict):
    """The inventory file."""

    nodes: list[NodeEntry] = Field(default=[])
    buy: list[PurchaseEntry] = Field(default=[])
    gpu_kinds: list[dict[str, Any]] = Field(default=[], description="GPU kinds of your own, as in hardware/gpus.yaml")
    usd_per_kwh: float | None = Field(default=None, ge=0, le=1000, description="price of electricity for all nodes")
    fabric: str | None = Field(default=None, description="network between nodes that name none")
