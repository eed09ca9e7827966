"""Run by an interpreter that has SGLang: its argument parser and its whole resolution judge launch commands.

Reads one JSON object a line ({"argv": [...], "environment": {...}, "gpus": 8, "memory_bytes": n, "capability": [9, 0],
"name": ...}) and answers with one line each: {"ok": true, ...what SGLang resolved} or {"ok": false, "error": ...}.
Packages that hold only GPU kernels are empty shells, device questions are answered from the case; `ServerArgs`,
`resolve_once` and `check_server_args` are SGLang's own.
"""

import argparse
import contextlib
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

import torch
from transformers import AutoConfig, AutoProcessor, AutoTokenizer  # noqa: F401

KERNELS = """
    torchvision tvm_ffi sgl_kernel flashinfer deep_gemm deep_ep decord quack tilelang cutlass flash_attn
    torch_memory_saver xgrammar llguidance outlines kernels flash_mla
"""
SHELLS = [name for name in KERNELS.split() if importlib.util.find_spec(name) is None]
USUAL = {"gpus": 8, "memory_bytes": 80 * 2**30, "capability": [9, 0], "name": "NVIDIA H100 80GB HBM3"}
CASE: dict = dict(USUAL)
RESOLVED = """
    tp_size pp_size dp_size attn_dp_size ep_size mem_fraction_static chunked_prefill_size max_running_requests
    page_size kv_cache_dtype context_length disable_cuda_graph cuda_graph_max_bs_decode
"""


class Shell(types.ModuleType):
    """A package of kernels that is not installed."""

    __path__ = ()
    __version__ = "9.9.9"

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        made = MagicMock(name=f"{self.__name__}.{name}")
        setattr(self, name, made)  # the same for all who import it: kernels' types are compared
        return made


class ShellFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the shells."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in SHELLS:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return Shell(spec.name)

    def exec_module(self, module):
        pass


sys.meta_path.append(ShellFinder())
torch.version.cuda = "13.0"
torch.cuda.is_available = lambda: True
torch.cuda.device_count = lambda: CASE["gpus"]
torch.cuda.get_device_capability = lambda *words, **named: tuple(CASE["capability"])
torch.cuda.get_device_name = lambda *words, **named: CASE["name"]
torch.cuda.mem_get_info = lambda *words, **named: (CASE["memory_bytes"],) * 2
torch.cuda.get_device_properties = lambda *words, **named: types.SimpleNamespace(
    name=CASE["name"],
    major=CASE["capability"][0],
    minor=CASE["capability"][1],
    multi_processor_count=132,
    total_memory=CASE["memory_bytes"],
)

import sglang.srt.utils.common as common  # noqa: E402
from caches import forget  # noqa: E402

common.get_nvgpu_memory_capacity = lambda: CASE["memory_bytes"] / 2**20

from sglang.srt.server_args import ServerArgs  # noqa: E402


def judge(case):
    """Return what SGLang makes of the command; raises whatever SGLang raises."""
    devices = {key: case.get(key, usual) for key, usual in USUAL.items()}
    if devices != CASE:
        forget("sglang")
    CASE.update(devices)
    parser = argparse.ArgumentParser()
    ServerArgs.add_cli_args(parser)
    arguments = ServerArgs.from_cli_args(parser.parse_args(case["argv"]))
    arguments.resolve_once()
    arguments.check_server_args()
    resolved = arguments.resolved_dict()
    return {name: resolved.get(name) for name in RESOLVED.split()}


def main():
    """Answer line by line; what SGLang prints goes to stderr."""
    answers, sys.stdout = sys.stdout, sys.stderr
    usual = dict(os.environ)
    for line in sys.stdin:
        case = json.loads(line)
        os.environ.clear()  # SGLang writes there what an earlier case asked for
        os.environ.update(usual)
        os.environ.update(case.get("environment", {}))
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                answer = {"ok": True, **judge(case)}
        except SystemExit:
            answer = {"ok": False, "error": said.getvalue()[-500:]}
        except BaseException as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {str(error)[:2000]}"}
            if os.environ.get("TRACE"):
                import traceback

                traceback.print_exc()
        print(json.dumps({"id": case.get("id"), **answer}, default=str), file=answers, flush=True)


if __name__ == "__main__":
    main()
