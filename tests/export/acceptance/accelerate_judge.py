"""Run by an interpreter that has transformers and accelerate: their own check judges a device map.

Reads one JSON object a line, {"folder": checkpoint, "device_map": {...}, "dtype": "bfloat16"}, builds the model on the
meta device and answers with the bytes that the map puts on each device.
"""

import contextlib
import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from accelerate.utils import check_device_map
from transformers import AutoConfig, AutoModelForCausalLM


def judge(case):
    """Return bytes by device; raises ValueError, as accelerate does, for modules that the map leaves out."""
    config = AutoConfig.from_pretrained(case["folder"])
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, case["dtype"]))
    check_device_map(model, case["device_map"])
    found = {}
    for name, tensor in model.named_parameters():
        places = [place for module, place in case["device_map"].items() if name.startswith(f"{module}.")]
        place = str(places[0])
        found[place] = found.get(place, 0) + tensor.numel() * tensor.element_size()
    unknown = [name for name in case["device_map"] if not _has(model, name)]
    if unknown:
        raise ValueError(f"the model has no module {unknown[0]}")
    return {"bytes": found}


def _has(model, name):
    with contextlib.suppress(AttributeError):
        model.get_submodule(name)
        return True
    return False


def main():
    """Answer line by line; what transformers prints goes to stderr."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            answer = {"ok": True, **judge(json.loads(line))}
        except BaseException as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {str(error)[:1000]}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
