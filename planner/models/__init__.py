"""A model is a list of tensors: read from a config.json, weight headers, a hub id or the catalogue."""
