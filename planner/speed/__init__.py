"""How fast: operator times, collectives, steady state, latency and capacity under targets."""
