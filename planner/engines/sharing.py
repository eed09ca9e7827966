"""Engines of which several may run on one GPU, each within a share of its memory that is fixed beforehand."""

SHARING = ("vllm", "llamacpp")
"""vLLM's gpu_memory_utilization is a share of the whole device (v1/worker/utils.py, request_memory); llama.cpp sets all
its buffers aside when it starts. The memory fractions of SGLang and TensorRT-LLM are of what is free when they start,
which depends on who starts first."""
