"""The driver of the GPUs where it is known: before that of CUDA 12.4 captured graphs take several times as much.

Issue 5517 exchanged nothing else on eight A10G and eight L4: graphs of 3.81 and 3.79 GiB with the drivers of CUDA 12.2
and 12.3, of 1.14 with 12.4's, R550. On four A10 the capture of Qwen3-30B-A3B ran out of memory with 535, however short
its limits (0.8.5, issue 17469), and went well with 550 (the same author in issue 17462). NCCL itself holds little: 512
bytes for each channel of a sum (enqueue.cc, uploadWork, 2.18.3 and 2.21.5; from 2.22 on in the kernel's arguments).
"""

import re
from collections.abc import Mapping

from planner.layout import OptionValue

DRIVER = "nvidia_driver"
"""The option that tells it: `555.52.04`, or only its branch."""
_FIRST_COMPACT = 550


def has_compact_graphs(options: Mapping[str, OptionValue]) -> bool:
    """Whether the driver is known to be one whose graphs take less; where it is not known it may be older."""
    branch = re.match(r"\d+", str(options.get(DRIVER, "")))
    return branch is not None and int(branch[0]) >= _FIRST_COMPACT
