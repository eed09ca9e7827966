"""vLLM: what it shards, allocates, logs and refuses, release by release."""

from planner.engines.vllm.profile import ENGINE, of_version

__all__ = ["ENGINE", "of_version"]
