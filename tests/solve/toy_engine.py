"""An engine with rules simple enough to be searched exhaustively: bytes divide evenly, heads must too."""

from collections.abc import Sequence
from dataclasses import replace

from planner.confidence import CONFIDENCE
from planner.fleet.gpu import Gpu
from planner.fleet.site import Site
from planner.layout import Layout, Limits, even_stages
from planner.memory.bill import Bill
from planner.memory.device_bill import DeviceBill
from planner.memory.devices import Devices
from planner.models.attention import Attention, CacheKind
from planner.models.dtype import BF16
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.tensor import Role, Split, Tensor
from planner.units import GIB

WORKING = GIB


class ToyEngine:
    """Weights and cache are divided by the tensor-parallel size; the rest of 90 % of the device is cache."""

    name, version = "toy", "1"
    shares_gpus = True

    def __init__(self, tensor_per_stage: bool = False) -> None:
        self.tensor_per_stage = tensor_per_stage

    def layout(
        self,
        model: Model,
        gpu: Gpu,
        limits: Limits,
        *,
        tensor: int = 1,
        pipeline: int = 1,
        data: int = 1,
        expert_parallel: bool = False,
    ) -> Layout:
        return Layout(
            tensor_parallel_size=tensor,
            pipeline_parallel_size=pipeline,
            data_parallel_size=data,
            expert_parallel=expert_parallel,
            layers_per_stage=even_stages(len(model.layers), pipeline, range(pipeline)),
            max_model_len=limits.max_model_len or model.max_context,
            max_num_seqs=limits.max_num_seqs or 256,
            max_num_batched_tokens=2048,
            memory_fraction=limits.memory_fraction or 0.9,
        )

    def refusals(self, model: Model, layout: Layout, gpu: Gpu) -> list[str]:
        heads = model.layers[0].attention.kv_heads
        tensors = layout.tensor_parallel_per_stage or (layout.tensor_parallel_size,)
        return [f"{heads} heads cannot be split {tensor} ways" for tensor in tensors if heads % tensor]

    def bill(self, model: Model, layout: Layout, sites: Sequence[Site], confidence: float = CONFIDENCE) -> Bill:
        stages = range(layout.pipeline_parallel_size)
        lines = [_stage(model, layout, stage, sites[stage % len(sites)]) for stage in stages]
        tokens = min(pool // per_token for _, _, pool, per_token, _ in lines)
        devices = []
        for stage, (gpu, weights, _, per_token, usable) in enumerate(lines):
            for _ in range(layout.stage_gpus(stage)):
                devices.append(
                    DeviceBill(
                        rank=len(devices),
                        stage=stage,
                        weights_bytes=weights,
                        kv_cache_bytes=max(tokens, 0) * per_token,
                        activation_bytes=WORKING,
                        cuda_graph_bytes=0,
                        non_torch_bytes=0,
                        device_bytes=gpu.memory_bytes,
                        usable_bytes=usable,
                    )
                )
        each = max(0, tokens) // layout.max_model_len
        short = max(0, *(layout.max_model_len * per_token - pool for _, _, pool, per_token, _ in lines))
        data = layout.data_parallel_size
        return Bill(Devices.listed(devices), max(tokens, 0) * data, float(each * data), each * data, short)


def _stage(model: Model, layout: Layout, stage: int, site: Site) -> tuple[Gpu, int, int, int, int]:
    """GPU, weights, bytes for cache, cache bytes a token and usable bytes of a rank of the stage."""
    tensor, group = layout.stage_tensor(stage), layout.stage_gpus(stage)
    first, last = layout.stage_layers(stage)
    layers = model.layers[first : last + 1]
    weights = 0
    for layer in layers:
        for part in layer.tensors:
            weights += -(-part.bytes // (group if part.role is Role.EXPERT else tensor))
    if stage == 0:
        weights += sum(part.bytes for part in model.embedding) // tensor
    if stage == layout.pipeline_parallel_size - 1:
        weights += sum(part.bytes for part in model.head) // tensor
    per_token = sum(layer.attention.elements_per_token * 2 // tensor for layer in layers)
    usable = int(site.gpu.memory_bytes * layout.memory_fraction) - site.used_bytes
    return site.gpu, weights, usable - weights - WORKING, per_token, usable


def toy_model(
    *, layers: Sequence[float], embedding_gib: float = 1.0, heads: int = 4, width: int = 1024, experts: int = 0
) -> Model:
    """A model of layers with these sizes in GiB; each token takes `2 * heads * width / 4` cached elements a layer."""

    def tensor(name: str, gib: float, role: Role, split: Split) -> Tensor:
        return Tensor(name, (round(gib * GIB / 2 / 1024), 1024), BF16, role, split)

    attention = Attention(CacheKind.FULL, heads, heads, width // heads * 4, width // heads * 4)
    routing = Routing(experts, 1) if experts else None
    role = Role.EXPERT if experts else Role.MLP
    made = {
        gib: Layer((tensor(f"mlp{gib}", gib, role, Split.COLUMN),), attention=attention, routing=routing)
        for gib in dict.fromkeys(layers)
    }
    model = Model(
        name="toy",
        model_type="toy",
        architecture="Toy",
        hidden_size=1024,
        vocab_size=1024,
        max_context=4096,
        dtype=BF16,
        embedding=(tensor("embed", embedding_gib, Role.EMBEDDING, Split.VOCABULARY),),
        layers=tuple(made[gib] for gib in layers),
        final=(),
        head=(tensor("head", embedding_gib, Role.HEAD, Split.VOCABULARY),),
    )
    return replace(model, name=f"toy-{len(layers)}")
