"""`rapidstart`, and `python -m connector`."""

import io
import sys
from typing import NoReturn

from connector.cli import app


def main() -> NoReturn:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a pipe on Windows knows few characters; it should get the others as ?
    sys.exit(app.run(sys.argv[1:]))


if __name__ == "__main__":
    main()
