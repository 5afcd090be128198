"""Makes the clock of a process jump: Python imports this by itself where the folder is on its path.

The file that CHAOS_CLOCK names says by how many seconds the clock is wrong at this moment. The monotonic clock is right.
(libfaketime will not do: under it `time.sleep` fails with EINVAL on this Python.)
"""

import os
import time

_TRUE = time.time
_FILE = os.environ["CHAOS_CLOCK"]


def _wrong() -> float:
    with open(_FILE, encoding="ascii") as file:
        return _TRUE() + float(file.read())


time.time = _wrong
