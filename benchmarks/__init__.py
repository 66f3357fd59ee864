"""Headlight beside its peers: `make bench`. One figure a file, all in one run; never part of the tests.

Both sides get the same model, the same text, the same number of threads and the same OpenMP wait policy; what is
timed is interleaved, so that a slow minute of the machine falls on both, and a figure is the median of its rounds.
"""
