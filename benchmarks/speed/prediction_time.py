"""CPU milliseconds of one prediction, after the first of its layout: what pricing ten thousand shapes costs each.

usage: python -m benchmarks.speed.prediction_time

Writes prediction_time.csv beside this file. A prediction at a fixed concurrency, under targets (the capacity is
searched for) and under a rate, the best of ten times ten; operators of a layout are written out once and kept, as in
`plan`.
"""

import csv
from functools import partial
from pathlib import Path
from time import process_time
from timeit import repeat

from planner.engines import find_engine
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.speed.predict import predict
from planner.workload import Workload

_CASES = (
    ("llama-3.1-8b", "l40s", 1, 1),
    ("llama-3.1-70b", "h100-sxm5-80gb", 4, 2),
    ("deepseek-ai/DeepSeek-V3", "h200-sxm5-141gb", 8, 1),
)
_TARGETS = {"ttft_ms": 2000.0, "tpot_ms": 50.0}
_LOADS = {"concurrency": {"concurrency": 32}, "targets": _TARGETS, "rate": {"requests_per_second": 0.5}}
_TIMES, _EACH = 10, 10


def main() -> None:
    """Time each model under each load."""
    lines = []
    engine = find_engine("vllm")
    for name, gpu_name, tensor, pipeline in _CASES:
        model, (gpu, _) = load_model(name), find_gpu(gpu_name)
        layout = engine.layout(model, gpu, Limits(max_model_len=8192), tensor=tensor, pipeline=pipeline)
        for load, asked in _LOADS.items():
            workload = Workload(input_tokens=2000, output_tokens=300, **asked)
            asked_for = (model, layout, [usual_site(gpu)], engine, workload)
            predict(*asked_for)
            spent = min(repeat(partial(predict, *asked_for), timer=process_time, number=_EACH, repeat=_TIMES))
            spent *= 1000 / _EACH
            lines.append({"model": name, "layout": layout.label(), "load": load, "CPU ms": f"{spent:.2f}"})
            print(*lines[-1].values())
    with Path(__file__).with_name("prediction_time.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


if __name__ == "__main__":
    main()
