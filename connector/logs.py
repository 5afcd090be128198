"""How the processes of this house log: sentences on standard error, or a JSON object per line for a collector of logs.

The fields of an object are `timestamp`, `level`, `logger`, `event` (the sentence), and what the place that logs says of it
(`action`, `job`, `endpoint` ...). Values of rows and secrets are in neither.
"""

import logging
import sys
from typing import Final

import structlog

#: What places that log may say beside the sentence. All else stays out: libraries attach arguments of tasks, and those are rows.
FIELDS: Final = frozenset({"action", "aos", "job", "endpoint", "batch", "number", "trouble", "notice", "tries"})


def to_stderr(*, as_json: bool) -> None:
    """Log from the level INFO on, of every library too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json() if as_json else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # A line for each migration of a new ledger would hide the link for the first administrator.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _json() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(allow=FIELDS),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
