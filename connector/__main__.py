"""`rapidstart`, and `python -m connector`."""

import sys
from typing import NoReturn

from connector.cli import app


def main() -> NoReturn:
    """Run the command line of this process."""
    sys.exit(app.run(sys.argv[1:]))


if __name__ == "__main__":
    main()
