"""The roofline with its corner rounded: a kernel takes its floor, plus the larger of two times and some of the other.

t = launches x floor + ((flops / rate)^p + (bytes / bandwidth)^p)^(1/p), the smooth form of
max(flops / rate, bytes / bandwidth) (Williams et al., CACM 2009). The arguments may be numbers or arrays.
"""

CORNER = 3.0
"""The exponent p: at the corner, where both times are equal, a kernel takes 26 % longer than either."""


def seconds(flops: float, bytes_: float, launches: float, rate: float, bandwidth: float, floor: float) -> float:
    """Return the time of a group of kernels; `rate` in FLOP/s, `bandwidth` in bytes/s, `floor` in s a kernel."""
    compute, memory = flops / rate, bytes_ / bandwidth
    busy: float = (compute**CORNER + memory**CORNER) ** (1.0 / CORNER)
    return launches * floor + busy
