"""Prefill and decode pools in words."""

from planner.plan_document import PoolPair, ReplicaPlan
from planner.units import count


def kind_of(replica: ReplicaPlan) -> str:
    """`TP8`, or `prefill TP8` for a worker of a pool."""
    return f"{replica.phase} {replica.layout.label()}" if replica.phase else replica.layout.label()


def holds(replica: ReplicaPlan) -> str:
    """What a replica holds at once: `80 sequences of 8,192 tokens`; what a prefill worker does, which keeps none."""
    if replica.phase == "prefill":
        return f"computes prompts of sequences of up to {replica.layout.max_model_len:,} tokens"
    return f"{count(replica.capacity.sequences, 'sequence')} of {replica.layout.max_model_len:,} tokens"


def worker_speed(replica: ReplicaPlan) -> str:
    """The speed of a worker in its phase; empty where it is unknown."""
    speed = replica.speed or {}
    if "ttft_ms" in speed:
        sent = f"{speed['kv_transfer_ms']:,.4g} ms of it to send the cache"
        return f"first token {speed['ttft_ms']:,.4g} ms, {sent}, {speed['prefill_tokens_per_s']:,.0f} prompt tokens/s"
    return f"{speed['tpot_ms']:,.4g} ms a token, {speed['output_tokens_per_s']:,.0f} output tokens/s" if speed else ""


def pool_line(pair: PoolPair) -> str:
    """`pools: 2 prefill workers (replicas 1, 2) and 1 decode worker (replica 0) ...`."""
    sides = [
        f"{count(len(numbers), f'{phase} worker')} ({_numbers(numbers)})"
        for phase, numbers in (("prefill", pair.prefill), ("decode", pair.decode))
    ]
    return (
        f"pools: {' and '.join(sides)}, caches over {pair.kv_link} at {pair.kv_gbps:g} GB/s a GPU,"
        f"\ntogether {pair.requests_per_second:,.4g} requests/s"
    )


def _numbers(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:8])) + (" ..." if len(numbers) > 8 else "")
    return f"replica{'s' if len(numbers) > 1 else ''} {shown}"
