"""The parts of `check`: each recomputes one thing of a plan from the request, without the solver."""
