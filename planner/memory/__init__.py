"""Tensors and a layout give bytes a device: weights, caches, and the bill they add up to."""
