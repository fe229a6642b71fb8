"""Measured comparisons: `make bench`. Milliseconds tell of the machine; the ratios, taken in one run, tell of BART."""
