"""Start-up logs of engines, read to rows of recorded runs: one engine a file."""
