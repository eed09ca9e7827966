"""The `speed` entry of a document as text."""

from typing import Any

from tabulate import tabulate


def speed_table(speed: dict[str, Any]) -> str:
    """Return latencies, rates and capacity of one replica, with how sure they are."""
    band = speed["error_band"]
    rows = [
        [
            "time to first token",
            f"{speed['ttft_ms']:,.0f} ms",
            f"p99 {speed['ttft_p99_ms']:,.0f} ms",
            _band(band, "ttft"),
        ],
        [
            "time per output token",
            f"{speed['tpot_ms']:.1f} ms",
            f"p99 {speed['tpot_p99_ms']:.1f} ms",
            _band(band, "tpot"),
        ],
        [
            "output tokens/s",
            f"{speed['output_tokens_per_s']:,.0f}",
            f"{speed['tokens_per_s_per_gpu']:,.0f} a GPU",
            _band(band, "throughput"),
        ],
        ["at most", f"{speed['saturated_output_tokens_per_s']:,.0f}", "output tokens/s", _band(band, "throughput")],
        ["requests/s within targets", f"{speed['requests_per_second']:.4g}", f"{speed['in_flight']:,} in flight", ""],
    ]
    return f"speed of a replica ({speed['provenance']}):\n" + tabulate(rows, tablefmt="plain")


def _band(band: dict[str, float], quantity: str) -> str:
    return f"+-{band[quantity]:.0%}"
