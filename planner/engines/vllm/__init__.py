"""vLLM: what it shards, allocates, logs and refuses, release by release."""

from planner.engines.vllm.profile import ENGINE

__all__ = ["ENGINE"]
