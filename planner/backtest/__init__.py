"""Replay recorded runs: what we would have predicted beside what the engine logged."""
