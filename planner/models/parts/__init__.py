"""Building blocks of blueprints: each returns the tensors of one part of a layer."""
