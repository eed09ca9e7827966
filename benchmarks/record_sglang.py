"""Record what SGLang itself resolves for a matrix of models, layouts and GPUs, as test data. No GPU is needed.

    SGLANG_PYTHON benchmarks/record_sglang.py tests/engines/data/sglang_matrix.json

Run it with a Python that has SGLang, CPU PyTorch and no torchvision. What is SGLang's own: argument parsing and
its whole resolution pipeline (ServerArgs.resolve_once), ModelConfig, and the pool configurator that turns a
byte budget into tokens. What is invented here: the answers of device queries, and packages that hold GPU
kernels only, which are imported as empty shells. Each case runs in a process of its own (fork), because
SGLang caches what it learns about the platform.
"""

import argparse
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
import tempfile
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import MagicMock

SPECS = Path(__file__).resolve().parent.parent / "specs" / "models"
BUDGET_GIB = 20
KERNEL_PACKAGES = (
    "torchvision", "tvm_ffi", "sgl_kernel", "flashinfer", "deep_gemm", "deep_ep", "decord", "quack", "tilelang",
    "cutlass", "flash_attn", "torch_memory_saver", "xgrammar", "llguidance", "outlines", "kernels", "flash_mla",
)  # fmt: skip

GPUS = {
    "t4": (15360, "7.5"),
    "rtx-4090": (24564, "8.9"),
    "rtx-5090": (32607, "12.0"),
    "a100-pcie-40gb": (40960, "8.0"),
    "l40s": (46068, "8.9"),
    "a100-sxm4-80gb": (81920, "8.0"),
    "h100-sxm5-80gb": (81559, "9.0"),
    "h200-sxm5-141gb": (143771, "9.0"),
    "b200-sxm-180gb": (183359, "10.0"),
}
"""Total memory in MiB as `nvidia-smi` prints it, and the compute capability."""


class Shell(types.ModuleType):
    __path__: ClassVar[list[str]] = []
    __version__ = "9.9.9"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock(name=f"{self.__name__}.{name}")


class ShellFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Import the packages that are not there as empty shells."""

    def __init__(self) -> None:
        self.names = {name for name in KERNEL_PACKAGES if importlib.util.find_spec(name) is None}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name.split(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> Shell:
        return Shell(spec.name)

    def exec_module(self, module: Any) -> None:
        pass


def pretend_device(mib: int, capability: str) -> None:
    import torch

    major, minor = (int(part) for part in capability.split("."))
    torch.version.cuda = "13.0"
    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: 16
    torch.cuda.get_device_capability = lambda *_, **__: (major, minor)
    torch.cuda.get_device_name = lambda *_, **__: "NVIDIA GPU"
    torch.cuda.mem_get_info = lambda *_, **__: (mib << 20,) * 2
    torch.cuda.get_device_properties = lambda *_, **__: types.SimpleNamespace(
        name="NVIDIA GPU", major=major, minor=minor, multi_processor_count=132, total_memory=mib << 20
    )
    torch.distributed.all_reduce = lambda *_, **__: None


def resolve(case: dict[str, Any]) -> dict[str, Any]:
    """Parse the flags of a case, let SGLang resolve them, and size its pool for `BUDGET_GIB`."""
    mib, capability = GPUS[case["gpu"]]
    pretend_device(mib, capability)
    import sglang.srt.utils.common as common
    from sglang.srt.server_args import ServerArgs

    common.get_nvgpu_memory_capacity = lambda: mib

    with tempfile.TemporaryDirectory() as parent:
        name = case["model"].replace("/", "--", 1)
        folder = Path(parent) / name
        folder.mkdir()
        (folder / "config.json").write_bytes((SPECS / f"{name}.json").read_bytes())
        extra = SPECS / f"{name}.hf_quant_config.json"
        if extra.exists():
            (folder / "hf_quant_config.json").write_bytes(extra.read_bytes())
        parser = argparse.ArgumentParser()
        ServerArgs.add_cli_args(parser)
        args = ServerArgs.from_cli_args(parser.parse_args(["--model-path", str(folder), *case["flags"]]))
        args.resolve_once()
        args.check_server_args()
        found = args.resolved_dict()
        graphs = found["cuda_graph_config"]
        graphs = graphs.to_dict() if hasattr(graphs, "to_dict") else graphs
        answer = {
            key: found.get(key)
            for key in (
                "tp_size", "pp_size", "attn_dp_size", "ep_size", "mem_fraction_static", "chunked_prefill_size",
                "max_running_requests", "page_size", "attention_backend", "kv_cache_dtype",
                "swa_full_tokens_ratio", "mamba_radix_cache_strategy",
            )
        }  # fmt: skip
        answer["decode_graph_batch"] = graphs["decode"]["max_bs"]
        answer["prefill_graphs"] = len(graphs["prefill"]["bs"]) if graphs["prefill"]["backend"] != "disabled" else 0
        answer.update(pool(args))
        return answer


def pool(args: Any) -> dict[str, Any]:
    """Tokens and requests of SGLang's own pool configurator, least over the pipeline stages."""
    from sglang.srt import runtime_context
    from sglang.srt.arg_groups.overrides import model_config_of
    from sglang.srt.distributed.utils import get_pp_indices

    runtime_context.publish(args, role="scheduler")
    config, parallel = model_config_of(args), runtime_context.get_parallel()
    parallel.override_permanently(world_group=types.SimpleNamespace(cpu_group=None))
    sizes, slots = [], None
    for stage in range(parallel.pp_size):
        first, last = get_pp_indices(config.num_hidden_layers, stage, parallel.pp_size)
        configurator = kv_configurator(args, config, first, last)
        rest = float(BUDGET_GIB)
        if configurator.mambaish_config is not None:
            rest = configurator._handle_max_mamba_cache(rest)
            slots = runtime_context.get_schedule().max_mamba_cache_size
        sized = configurator.config_from_budget(int(rest * 2**30))
        sizes.append((sized.max_total_num_tokens, sized.swa_max_total_num_tokens, configurator.resolve_max_num_reqs))
    tokens, swa, requests = min(sizes, key=lambda size: size[0])
    return {
        "tokens": tokens,
        "swa_tokens": swa,
        "state_slots": slots,
        "requests": requests(tokens),
        "context": config.context_len,
    }


def kv_configurator(args: Any, config: Any, first: int, last: int) -> Any:
    from sglang.srt import runtime_context
    from sglang.srt.configs.model_config import AttentionArch
    from sglang.srt.mem_cache.kv_cache_configurator import KVCacheConfigurator
    from sglang.srt.mem_cache.kv_cache_dtype import configure_kv_cache_dtype
    from sglang.srt.model_executor.model_runner_components.layer_setup import resolve_layer_indices
    from sglang.srt.speculative.spec_info import SpeculativeAlgorithm

    stage = types.SimpleNamespace(start_layer=first, end_layer=last)
    layers = resolve_layer_indices(model=stage, model_config=config, is_draft_worker=False)
    name, dtype = configure_kv_cache_dtype(
        server_args_kv_cache_dtype=args.resolved_dict()["kv_cache_dtype"],
        model=None, model_dtype=config.dtype, is_draft_worker=False, is_dflash=False,
        speculative_draft_attention_backend="",
    )  # fmt: skip
    parallel = runtime_context.get_parallel()
    return KVCacheConfigurator(
        device="cuda", gpu_id=0, attn_dp_size=parallel.attn_dp_size, pp_size=parallel.pp_size, pp_group=None,
        model=stage, model_config=config, server_args=args, kv_cache_dtype=dtype, kv_cache_dtype_str=name,
        model_dtype=config.dtype, page_size=runtime_context.get_schedule().page_size,
        sliding_window_size=getattr(config.hf_text_config, "sliding_window", None),
        spec_algorithm=SpeculativeAlgorithm.from_string(None), is_draft_worker=False, post_capture_kv_active=False,
        spec_aux_config=MagicMock(), is_hybrid_swa=config.is_hybrid_swa,
        is_hybrid_swa_compress=config.is_hybrid_swa_compress,
        use_mla_backend=config.attention_arch == AttentionArch.MLA, layer_info=layers, forward_stream=None,
        req_to_token_pool=None, token_to_kv_pool_allocator=None, memory_pool_config=None,
    )  # fmt: skip


def in_fork(work: Callable[[], Any]) -> Any:
    """Run `work` in a child process and read back what it returns, or its error."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        try:
            answer = work()
        except BaseException as error:
            if os.environ.get("TRACE"):
                traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {str(error).strip()[:300]}"}
        with os.fdopen(writer, "w") as out:
            json.dump(answer, out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer_of:
        text = answer_of.read()
    os.wait()
    return json.loads(text)


def resolve_all(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Import SGLang once for cases on GPUs of one capability, then fork for each."""
    sys.meta_path.append(ShellFinder())
    pretend_device(*GPUS[cases[0]["gpu"]])
    import sglang.srt.mem_cache.kv_cache_configurator
    import sglang.srt.server_args  # noqa: F401

    return [{**case, "sglang": in_fork(lambda case=case: resolve(case))} for case in cases]


def main() -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers import AutoConfig, AutoProcessor, AutoTokenizer  # noqa: F401  before the shells

    cases = json.load(sys.stdin) if sys.argv[2:] == ["-"] else list(matrix())
    rows: list[dict[str, Any]] = []
    for capability in dict.fromkeys(capability for _, capability in GPUS.values()):
        group = [case for case in cases if GPUS[case["gpu"]][1] == capability]
        rows += in_fork(lambda group=group: resolve_all(group)) if group else []
    answered = [row for row in rows if "error" not in row["sglang"]]
    lines = ",\n".join(json.dumps(row) for row in answered)
    Path(sys.argv[1]).write_text(f"[\n{lines}\n]\n")
    print(f"{len(answered)} cases recorded; not read by this SGLang and its transformers:")
    for row in rows:
        if "error" in row["sglang"]:
            print(f"  {row['model']}: {row['sglang']['error'][:120]}")


LAYOUTS = (
    [], ["--tp-size", "2"], ["--tp-size", "8"], ["--tp-size", "4"], ["--tp-size", "2", "--pp-size", "3"],
    ["--tp-size", "8", "--ep-size", "8"], ["--tp-size", "8", "--attn-dp-size", "8", "--ep-size", "8"],
    ["--tp-size", "4", "--attn-dp-size", "2"], ["--pp-size", "4"], ["--tp-size", "8", "--attn-dp-size", "2"],
    ["--tp-size", "16"],
)  # fmt: skip
LIMITS = (
    [], [], ["--kv-cache-dtype", "fp8_e4m3"], ["--max-running-requests", "64"], ["--context-length", "2048"],
    ["--chunked-prefill-size", "2048"], ["--disable-cuda-graph"], ["--mem-fraction-static", "0.9"],
    ["--page-size", "64"], ["--cuda-graph-max-bs-decode", "400"], ["--chunked-prefill-size", "-1"],
    ["--disable-prefill-cuda-graph"], ["--max-total-tokens", "20480"],
)  # fmt: skip


def matrix() -> Iterator[dict[str, Any]]:
    """Every model of the catalogue on a few GPUs, layouts and limits, walked with strides that share no divisor."""
    gpus, step = list(GPUS), 0
    for spec in sorted(SPECS.glob("*--*.json")):
        if spec.stem.endswith(".hf_quant_config"):
            continue
        config = json.loads(spec.read_text())
        text = config.get("text_config", config)
        heads = text.get("num_attention_heads") or text.get("n_head") or 1
        experts = any(text.get(name) for name in ("num_experts", "n_routed_experts", "num_local_experts"))
        chosen = 0
        while chosen < 3:
            step += 1
            layout = LAYOUTS[step % len(LAYOUTS)]
            sizes = {flag: int(value) for flag, value in zip(layout[::2], layout[1::2], strict=True)}
            attention = sizes.get("--tp-size", 1) // sizes.get("--attn-dp-size", 1)
            if heads % attention or (not experts and {"--ep-size", "--attn-dp-size"} & sizes.keys()):
                continue
            chosen += 1
            yield {
                "model": spec.stem.replace("--", "/", 1),
                "gpu": gpus[step % len(gpus)],
                "driver_mib": GPUS[gpus[step % len(gpus)]][0],
                "flags": [*layout, *LIMITS[step % len(LIMITS)]],
            }


if __name__ == "__main__":
    main()
