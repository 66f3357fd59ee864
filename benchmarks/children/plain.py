"""A long text through plain transformers with every map kept: what it takes in memory and time.

    python -m benchmarks.children.plain sdpa|eager TEXT-FILE

Prints one JSON line: `seconds` of the pass, and gigabytes grown `after` it and at its `peak`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import cast

from benchmarks import peers
from benchmarks.process import Watch


def main(attention: peers.Attention, text: str) -> None:
    peers.forward("smollm2", peers.encode("smollm2", "A short text, so that what is made once is made."), attention)
    inputs = peers.encode("smollm2", text)
    watch = Watch(os.getpid())
    start = perf_counter()
    kept = peers.forward("smollm2", inputs, attention)
    seconds = perf_counter() - start
    growth = watch.growth()
    maps = len(kept.attentions or ())
    print(json.dumps({"seconds": seconds, "after": growth.after, "peak": growth.peak, "maps": maps}))


if __name__ == "__main__":
    main(cast(peers.Attention, sys.argv[1]), Path(sys.argv[2]).read_text())
