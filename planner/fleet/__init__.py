"""The hardware: GPU kinds, nodes, islands, inventories, offers. Knows nothing of models."""
