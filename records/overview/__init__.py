"""The overview: what was sent, what failed and why, how fast servers are, how accounts stand. It reads sums only."""
