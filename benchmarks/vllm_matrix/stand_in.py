"""Let vLLM believe it sits on CUDA GPUs, so that its own classes run where there is none.

Only questions about the machine are answered here (capability, memory, process groups, "is this kernel
there?"); every decision about shapes and caches is vLLM's. Import this before anything of vLLM.
"""

import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any

_EXTENSIONS = (
    "_C", "_C_stable_libtorch", "_moe_C", "_moe_C_stable_libtorch", "_flashkda_C",
    "vllm_flash_attn._vllm_fa2_C", "vllm_flash_attn._vllm_fa3_C",
)  # fmt: skip


class Machine:
    """The invented machine; `capability` may be changed between cases.

    While vLLM is `importing` it must see that kernels are missing; while it builds models it must not.
    """

    importing = True

    capability = (9, 0)
    memory_gib = 80.0
    gpus = 64
    name = "NVIDIA H100 80GB HBM3"


class RankGroup:
    """A process group of `size` ranks as rank `rank` sees it; whatever else is asked has no answer."""

    def __init__(self, size: int, rank: int = 0) -> None:
        self.world_size = size
        self.rank = self.rank_in_group = self.local_rank = rank
        self.ranks = list(range(size))
        self.unique_name = f"stand-in-{size}"
        self.is_first_rank, self.is_last_rank = rank == 0, rank == size - 1
        self.device_group = self.cpu_group = types.SimpleNamespace(size=lambda: size, rank=lambda: rank)

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


class Silence:
    """Stands for a compiled kernel: callable, and whatever it is asked for is silence again."""

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        return None

    def __getattr__(self, name: str) -> "Silence":
        if name.startswith("__"):
            raise AttributeError(name)
        return Silence()


class HollowPackages(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds packages that are imported but never run while models are built: image reading, kernels' compilers."""

    names = (
        "torchvision", "tilelang", "cv2", "deep_gemm", "cutlass", "cuda", "quack", "mistral_common",
        "vllm.vllm_flash_attn.cute",
    )  # fmt: skip

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """Claim the hollow packages and all below them."""
        if any(name == hollow or name.startswith(f"{hollow}.") for hollow in self.names):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """Return a module that has whatever is asked of it."""
        return HollowModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run."""


class HollowType(type):
    """A class that has every attribute, each again a hollow class; calling one gives it back."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return hollow(name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and callable(args[0]):
            return args[0]  # a decorator
        return cls

    def __or__(cls, other: Any) -> Any:
        return cls

    __ror__ = __mul__ = __rmul__ = __add__ = __sub__ = __getitem__ = __or__


def hollow(name: str) -> HollowType:
    """Return a new hollow class."""
    return HollowType(name, (), {})


class HollowModule(types.ModuleType):
    """A module that has every attribute."""

    __version__ = "0.0.0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return hollow(name)


def on_meta(device: Any) -> Any:
    """Turn a CUDA device into the meta device; leave everything else."""
    import torch

    return "meta" if isinstance(device, (str, torch.device)) and str(device).startswith("cuda") else device


def install() -> None:
    """Put the stand-in in place."""
    sys.meta_path.insert(0, HollowPackages())
    for extension in _EXTENSIONS:
        sys.modules.setdefault(f"vllm.{extension}", types.ModuleType(f"vllm.{extension}"))
    import vllm.platforms as platforms
    from vllm.platforms.cuda import NonNvmlCudaPlatform
    from vllm.platforms.interface import DeviceCapability

    class Cuda(NonNvmlCudaPlatform):
        get_device_capability = classmethod(lambda cls, device_id=0: DeviceCapability(*Machine.capability))
        get_device_name = classmethod(lambda cls, device_id=0: Machine.name)
        get_device_total_memory = classmethod(lambda cls, device_id=0: int(Machine.memory_gib * 2**30))
        device_count = classmethod(lambda cls: Machine.gpus)
        num_compute_units = classmethod(lambda cls, device_id=0: 132)
        is_integrated_gpu = classmethod(lambda cls, device_id=0: False)
        get_cuda_runtime_major = classmethod(lambda cls: 13)
        is_fully_connected = classmethod(lambda cls, device_ids: True)

    platforms._current_platform = Cuda()
    _silence_torch()


def _silence_torch() -> None:
    import torch
    from torch._ops import _OpNamespace

    find = _OpNamespace.__getattr__

    def operator(self: Any, name: str) -> Any:
        try:
            return find(self, name)
        except AttributeError:
            if self.name.startswith(("_C", "_moe_C")) and "support" in name:
                return lambda *a, **k: True
            if Machine.importing or name.startswith("__"):
                raise
            return Silence()

    _OpNamespace.__getattr__ = operator
    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: Machine.gpus
    torch.cuda.get_device_capability = lambda *a, **k: Machine.capability
    torch.cuda.get_device_name = lambda *a, **k: Machine.name
    torch.accelerator.device_count = lambda: Machine.gpus
    torch.cuda.current_device = lambda: 0
    _silence_triton()
    nothing = type("Nothing", (), {"__init__": lambda self, *a, **k: None})
    torch.cuda.Stream = torch.cuda.Event = nothing


def _silence_triton() -> None:
    from triton.runtime import driver

    target = types.SimpleNamespace(backend="cuda", arch=90, warp_size=32)
    driver.set_active(types.SimpleNamespace(get_current_target=lambda: target, get_current_device=lambda: 0))


def meta_only() -> Any:
    """Return a context in which tensors asked for on CUDA are made on the meta device."""
    from torch.overrides import TorchFunctionMode

    class MetaOnly(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = dict(kwargs or {})
            if "device" in kwargs:
                kwargs["device"] = "meta" if isinstance(kwargs["device"], int) else on_meta(kwargs["device"])
            return function(*map(on_meta, args), **kwargs)

    return MetaOnly()
