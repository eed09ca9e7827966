"""Run by an interpreter that has vLLM: its parser, its config and its model classes judge `vllm serve` commands.

Reads one JSON object a line: {"argv": [...], "environment": {...}, "gpus": 8, "memory_bytes": n,
"capability": [9, 0], "name": "NVIDIA H100 80GB HBM3"} and answers with one line each: {"ok": true, ...what vLLM
resolved} or {"ok": false, "error": ...}. No GPU is needed: a stand-in for the platform answers the questions
about devices, empty modules stand for the compiled kernels. Parsing, `create_engine_config` and
`initialize_model` (on the meta device, once a pipeline rank) are vLLM's own.
"""

import contextlib
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
import os
import sys
import types
from unittest.mock import MagicMock

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
for extension in ("_C", "_C_stable_libtorch", "_moe_C", "_moe_C_stable_libtorch"):
    sys.modules.setdefault(f"vllm.{extension}", types.ModuleType(f"vllm.{extension}"))
for extension in ("_vllm_fa2_C", "_vllm_fa3_C"):
    sys.modules.setdefault(f"vllm.vllm_flash_attn.{extension}", types.ModuleType(extension))


class Shells(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Packages that classes import and never call while a model is built."""

    NAMES = () if importlib.util.find_spec("torchvision") else ("torchvision",)
    WHILE_BUILDING = ("cuda", "cutlass")  # the configuration asks whether they are there

    def find_spec(self, name, path=None, target=None):
        shell = name.split(".")[0] in (*self.NAMES, *(self.WHILE_BUILDING if _building else ()))
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if shell else None

    def create_module(self, spec):
        shell = types.ModuleType(spec.name)
        shell.__path__, shell.__version__ = [], "9.9.9"
        shell.__getattr__ = lambda name: dunder(name) or MagicMock(name=f"{spec.name}.{name}")
        return shell

    def exec_module(self, module):
        pass


def dunder(name):
    """Refuse what Python itself asks a module for."""
    if name.startswith("__"):
        raise AttributeError(name)


sys.meta_path.append(Shells())
_building = False

import torch  # noqa: E402
import vllm.platforms  # noqa: E402
from caches import forget  # noqa: E402
from torch._ops import _OpNamespace  # noqa: E402
from torch.overrides import TorchFunctionMode  # noqa: E402
from triton.runtime import driver as triton_driver  # noqa: E402
from vllm.platforms.cuda import NonNvmlCudaPlatform  # noqa: E402
from vllm.platforms.interface import DeviceCapability  # noqa: E402

USUAL = {"gpus": 8, "memory_bytes": 80 * 2**30, "capability": [9, 0], "name": "NVIDIA H100 80GB HBM3"}
CASE: dict = dict(USUAL)


class StandIn(NonNvmlCudaPlatform):
    """A CUDA platform with the devices of the case at hand."""

    @classmethod
    def get_device_capability(cls, device_id=0):
        return DeviceCapability(*CASE["capability"])

    @classmethod
    def get_device_name(cls, device_id=0):
        return CASE["name"]

    @classmethod
    def get_device_total_memory(cls, device_id=0):
        return CASE["memory_bytes"]

    @classmethod
    def device_count(cls):
        return CASE["gpus"]

    @classmethod
    def num_compute_units(cls, device_id=0):
        return 132

    @classmethod
    def is_integrated_gpu(cls, device_id=0):
        return False

    @classmethod
    def get_cuda_runtime_major(cls):
        return 13

    @classmethod
    def is_fully_connected(cls, device_ids):
        return True


class Group:
    """One rank of a process group, as far as size and rank go."""

    def __init__(self, size, rank=0):
        self.world_size, self.rank_in_group, self.rank, self.local_rank = size, rank, rank, rank
        self.ranks, self.unique_name = list(range(size)), f"group-of-{size}"
        self.is_first_rank, self.is_last_rank = rank == 0, rank == size - 1
        self.device_group = self.cpu_group = types.SimpleNamespace(size=lambda: size, rank=lambda: rank)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)


class Anything:
    """A kernel that is not there: may be asked for, never computes."""

    def __call__(self, *words, **named):
        return None

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()


class OnMeta(TorchFunctionMode):
    """What a class puts on its GPU by name has no memory either."""

    def __torch_function__(self, function, types, words=(), named=None):
        named = dict(named or {})
        device = named.get("device")
        if isinstance(device, int) or str(device).startswith("cuda"):
            named["device"] = "meta"
        return function(*words, **named)


def with_data(function):
    """Slopes are computed from the number of heads and read while a model is built."""

    def computed(*words):
        with torch.device("cpu"):
            return function(*words)

    return computed


_found = _OpNamespace.__getattr__


def _operator(self, name):
    """Kernels are asked for while modules are imported and built: support is granted, the rest is hollow."""
    try:
        return _found(self, name)
    except AttributeError:
        if name.startswith("__"):
            raise
        if self.name.startswith(("_C", "_moe_C")) and "support" in name:
            return lambda *words, **named: True
        if _building:
            return Anything()
        raise


vllm.platforms._current_platform = StandIn()
_OpNamespace.__getattr__ = _operator
torch.cuda.is_available = lambda: True
torch.cuda.device_count = lambda: CASE["gpus"]
torch.accelerator.device_count = lambda: CASE["gpus"]
torch.cuda.current_device = lambda: 0
torch.cuda.get_device_capability = lambda *words, **named: tuple(CASE["capability"])
torch.cuda.get_device_name = lambda *words, **named: CASE["name"]
triton_driver.set_active(
    types.SimpleNamespace(
        get_current_target=lambda: types.SimpleNamespace(backend="cuda", arch=90, warp_size=32),
        get_current_device=lambda: 0,
    )
)
torch.cuda.Stream = torch.cuda.Event = type("Hollow", (), {"__init__": lambda self, *words, **named: None})

from vllm.engine.arg_utils import AsyncEngineArgs  # noqa: E402
from vllm.entrypoints.common.cli_args import make_arg_parser, validate_parsed_serve_args  # noqa: E402
from vllm.model_executor.layers import sparse_attn_indexer  # noqa: E402
from vllm.model_executor.models import bloom, falcon, registry  # noqa: E402
from vllm.usage.usage_lib import UsageContext  # noqa: E402
from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: E402

registry._run_in_subprocess = lambda inspect: inspect()  # a child would not see the stand-in
sparse_attn_indexer.has_deep_gemm = lambda: True  # vLLM's wheel brings its copy
for family in (bloom, falcon):
    family._get_alibi_slopes = with_data(family._get_alibi_slopes)


def judge(case):
    """Return what vLLM makes of the command; raises whatever vLLM raises."""
    devices = {key: case.get(key, usual) for key, usual in USUAL.items()}
    if devices != CASE:
        forget("vllm")
    CASE.update(devices)
    arguments = parse(case["argv"])
    engine = AsyncEngineArgs.from_cli_args(arguments)
    config = engine.create_engine_config(usage_context=UsageContext.OPENAI_API_SERVER, headless=arguments.headless)
    parallel, scheduler = config.parallel_config, config.scheduler_config
    found = {
        "tensor_parallel_size": parallel.tensor_parallel_size,
        "pipeline_parallel_size": parallel.pipeline_parallel_size,
        "data_parallel_size": parallel.data_parallel_size,
        "expert_parallel": parallel.enable_expert_parallel,
        "local_world_size": parallel.local_world_size,
        "max_model_len": config.model_config.max_model_len,
        "max_num_seqs": scheduler.max_num_seqs,
        "max_num_batched_tokens": scheduler.max_num_batched_tokens,
        "memory_fraction": config.cache_config.gpu_memory_utilization,
        "kv_cache_dtype": config.cache_config.cache_dtype,
        "block_size": config.cache_config.block_size,
        "enforce_eager": config.model_config.enforce_eager,
    }
    if case.get("build", True):
        found["weights"], found["layers"] = build(config)
    return found


def parse(argv):
    """Parse as `vllm serve` does."""
    arguments = make_arg_parser(FlexibleArgumentParser()).parse_args(argv)
    if getattr(arguments, "model_tag", None):
        arguments.model = arguments.model_tag
    validate_parsed_serve_args(arguments)
    return arguments


def build(config):
    """Build the model without memory on each pipeline rank; return weight bytes and cached layers a rank."""
    global _building
    import vllm.distributed.parallel_state as state
    from vllm.config import set_current_vllm_config
    from vllm.model_executor.layers.attention_layer_base import AttentionLayerBase
    from vllm.model_executor.model_loader.utils import initialize_model
    from vllm.v1.worker.workspace import init_workspace_manager

    init_workspace_manager(torch.device("meta"))  # the model runner does it before it loads
    parallel = config.parallel_config
    tensor, data, stages = parallel.tensor_parallel_size, parallel.data_parallel_size, parallel.pipeline_parallel_size
    weights, layers = [], []
    for rank in range(stages):
        mine = copy.deepcopy(config)
        mine.compilation_config.static_forward_context.clear()
        mine.device_config.device = torch.device("meta")
        state._TP, state._PP, state._DP = Group(tensor), Group(stages, rank), Group(data)
        state._EP, state._PCP, state._DCP = Group(tensor * data), Group(1), Group(1)
        state._WORLD = Group(parallel.world_size)
        before = torch.get_default_dtype()
        torch.set_default_dtype(mine.model_config.dtype)
        _building = True
        try:
            with set_current_vllm_config(mine), torch.device("meta"), OnMeta():
                model = initialize_model(vllm_config=mine)
        finally:
            torch.set_default_dtype(before)
            _building = False
            for name in [name for name in sys.modules if name.split(".")[0] in Shells.WHILE_BUILDING]:
                del sys.modules[name]
        weights.append(sum(tensor.numel() * tensor.element_size() for tensor in model.parameters()))
        cached = mine.compilation_config.static_forward_context.values()
        layers.append(sum(isinstance(layer, AttentionLayerBase) for layer in cached))
    return weights, layers


def main():
    """Answer line by line; what vLLM prints goes to stderr."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        case = json.loads(line)
        os.environ.pop("VLLM_PP_LAYER_PARTITION", None)
        os.environ.update(case.get("environment", {}))
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                answer = {"ok": True, **judge(case)}
        except SystemExit:
            answer = {"ok": False, "error": said.getvalue()[-500:]}
        except BaseException as error:
            cause = error.__cause__ or error
            answer = {"ok": False, "error": f"{type(cause).__name__}: {str(cause)[:2000]}"}
            if os.environ.get("TRACE"):
                import traceback

                traceback.print_exc()
        print(json.dumps({"id": case.get("id"), **answer}), file=answers, flush=True)


if __name__ == "__main__":
    main()
