"""Speed rows: measured serving and single-stream runs as inputs of the prediction, and what it says of each key."""
