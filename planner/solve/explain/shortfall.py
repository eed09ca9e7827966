"""How far a model is from fitting: bytes short on each device, load short, or milliseconds over a target."""

from collections.abc import Collection

from planner.request import ModelRequest
from planner.solve.capacity import MILLI, needs
from planner.solve.enumerate_shapes import Shapes
from planner.solve.explain.alone import alone
from planner.solve.shape import Shape
from planner.units import count, gib
from planner.workload import describe_targets

_NEEDS = {"concurrency": "sequences", "context": "sequences"}
_NEEDS |= {"requests_per_second": "requests", "tokens_per_second": "tokens"}
"""What a requirement asks for more of."""


def shortfall(wanted: ModelRequest, shapes: Shapes, gpus: int, blamed: Collection[str] = ()) -> list[str]:
    """Say in numbers why the shapes of one model do not carry its load on so many GPUs.

    Of what they carry too little of only what the `blamed` kinds of requirements ask for; of everything when none is.
    """
    if shapes.fitting:
        short = {_NEEDS.get(kind) for kind in blamed}
        asked = needs(wanted.workload)
        return [
            _too_little(wanted, need, amount, shapes.fitting, gpus)
            for need, amount in asked.items()
            if not blamed or need in short
        ]
    if shapes.slow:
        return [_too_slow(wanted, shapes.slow)]
    if shapes.misfits:
        return [_too_large(min(shapes.misfits, key=lambda shape: (shape.bill.short_bytes, shape.rank)))]
    refusals = "; ".join(list(shapes.refusals)[:3]) or "the inventory holds no usable group of GPUs"
    return [f"no legal layout of {wanted.model}: {refusals}"]


def _too_large(best: Shape) -> str:
    device = max(best.bill.per_device, key=lambda line: (line.weights_bytes, -line.rank))
    working = device.activation_bytes + device.cuda_graph_bytes + device.non_torch_bytes
    return (
        f"memory: {best.variant.model.name} as {best.label} needs {gib(device.weights_bytes)} of weights"
        f" and {gib(working)} of working memory a device, of {gib(device.usable_bytes)} usable; one sequence of"
        f" {best.layout.max_model_len:,} tokens is {gib(best.bill.short_bytes)} short on the tightest device"
    )


def _too_slow(wanted: ModelRequest, slow: list[Shape]) -> str:
    asked = " and ".join(describe_targets(wanted.workload)) or "any answer at all"
    found = ((shape, alone(shape, wanted.workload)) for shape in slow)
    timed = [(speed.answer_ms(wanted.workload), shape.rank, speed, shape) for shape, speed in found if speed]
    if not timed:
        return f"speed: no layout of {wanted.model} gives {asked}: the catalogue has no bandwidth of these GPUs"
    _, _, speed, best = min(timed, key=lambda entry: entry[:2])
    return (
        f"speed: no layout of {wanted.model} gives {asked}, even to one request; the soonest, {best.label},"
        f" has its first token after {speed.ttft_ms:,.4g} ms and {speed.tpot_ms:,.4g} ms a token"
    )


def _too_little(wanted: ModelRequest, need: str, asked: int, fitting: list[Shape], gpus: int) -> str:
    whole = [shape for shape in fitting if shape.phase is None]
    best = max(whole or fitting, key=lambda shape: (shape.capacity[need] / shape.gpus, -shape.gpus))
    if need == "sequences":
        cache = sum(device.kv_cache_bytes for device in best.bill.per_device)
        each = gib(cache / max(best.bill.sequences, 1))
        thing, amount, most = (
            f"{'sequence' if asked == 1 else 'sequences'} of {best.layout.max_model_len:,} tokens",
            f"{asked:,}",
            f"{best.capacity[need]:,}",
        )
        note = f", {each} of cache each"
    else:
        thing, amount, most = f"{need} a second", f"{asked / MILLI:g}", f"{best.capacity[need] / MILLI:g}"
        note = " within the targets"
    return (
        f"{need}: {wanted.model} asks for {amount} {thing}, of {count(gpus, 'GPU')} in all;"
        f" the densest layout, {best.label}, carries {most} on {count(best.gpus, 'GPU')}{note}"
    )
