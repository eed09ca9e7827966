"""Weights at hand: what the headers of safetensors and GGUF files say of every tensor, laid over the blueprint.

Only headers are read. They beat the blueprint; where the two differ the model says so, tensor by tensor.
"""
