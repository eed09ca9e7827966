"""The plans that real engines are asked about: models x layouts, on GPUs that hold them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from planner.engines import find_engine
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.plan_document import Plan
from tests.export.plans import laid_out

MODELS = (
    "meta-llama/Meta-Llama-3.1-8B",
    "meta-llama/Llama-3.3-70B-Instruct",
    "Qwen/Qwen3-32B",
    "Qwen/Qwen2.5-72B-Instruct",
    "Qwen/Qwen3-30B-A3B",
    "Qwen/Qwen3-30B-A3B-FP8",
    "mistralai/Mixtral-8x7B-v0.1",
    "google/gemma-2-27b-it",
    "openai/gpt-oss-20b",
    "deepseek-ai/DeepSeek-V3",
)
"""Models that vLLM and SGLang are both asked about."""

KINDS = ("h100-sxm5-80gb", "h200-sxm5-141gb", "b200-sxm-180gb")
LIMITS = Limits(max_model_len=2048, max_num_seqs=16, max_num_batched_tokens=2048)


@dataclass(frozen=True)
class Case:
    """One plan to be, small enough to name a test."""

    engine: str
    model: str
    kind: str
    tensor: int
    pipeline: int
    data: int
    expert_parallel: bool
    stages: tuple[int, ...] | None = None

    @property
    def plan(self) -> Plan:
        """The plan, one replica on nodes of eight."""
        return laid_out(
            self.model,
            f"8x8x{self.kind}",
            engine=self.engine,
            tensor=self.tensor,
            pipeline=self.pipeline,
            data=self.data,
            expert_parallel=self.expert_parallel,
            stages=self.stages,
            limits=LIMITS,
        )

    def __str__(self) -> str:
        sizes = f"tp{self.tensor}-pp{self.pipeline}-dp{self.data}" + ("-ep" if self.expert_parallel else "")
        return f"{self.model.partition('/')[2]}-{sizes}" + ("-uneven" if self.stages else "")


def cases(engine: str, model: str) -> Iterator[Case]:
    """Every layout of a model that the profile allows and that fits the smallest kind that holds it."""
    experts = load_model(model).experts
    for tensor in (1, 2, 4, 8):
        for pipeline in (1, 2, 3):
            for data in (1, 2, 4) if experts else (1,):
                if tensor * data > 8:
                    continue
                for expert_parallel in (False, True) if experts and tensor * data > 1 else (False,):
                    sizes = (tensor, pipeline, data, expert_parallel)
                    uneven = _uneven(len(load_model(model).layers)) if pipeline == 3 and tensor == 2 else None
                    for stages in (None, uneven) if uneven else (None,):
                        if kind := smallest_kind(engine, model, *sizes, stages):
                            yield Case(engine, model, kind, *sizes, stages)


@cache
def smallest_kind(
    engine: str,
    model: str,
    tensor: int,
    pipeline: int,
    data: int,
    expert_parallel: bool,
    stages: tuple[int, ...] | None,
) -> str | None:
    """First kind on which the layout is legal and fits; None when there is none."""
    profile, loaded = find_engine(engine), load_model(model)
    for slug in KINDS:
        gpu = gpus()[slug]
        layout = profile.layout(
            loaded, gpu, LIMITS, tensor=tensor, pipeline=pipeline, data=data, expert_parallel=expert_parallel
        )
        if stages:
            layout = layout.model_copy(update={"layers_per_stage": stages})
        if profile.refusals(loaded, layout, gpu):
            return None
        if profile.bill(loaded, layout, [usual_site(gpu)]).fits:
            return slug
    return None


def _uneven(layers: int) -> tuple[int, int, int]:
    first = layers // 2
    return first, (layers - first) // 2 + 1, layers - first - ((layers - first) // 2 + 1)
