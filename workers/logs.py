"""How the processes of this house log: sentences on standard error, or a JSON object per line for a collector of logs.

The fields of an object are `timestamp`, `level`, `logger`, `endpoint`, `event` (the sentence), and what the place that logs
says of it (`action`, `batch` ...). Values of rows and secrets are in neither.
"""

import logging
import sys
from contextlib import AbstractContextManager
from typing import Final

import structlog

#: What places that log may say beside the sentence. All else stays out: libraries attach arguments of tasks, and those are rows.
FIELDS: Final = frozenset({"action", "job", "batch", "aos", "number"})


def to_stderr(*, as_json: bool, endpoint: str = "") -> None:
    """Log from the level INFO on, of every library too. In JSON each line names the endpoint that the process belongs to."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json(endpoint) if as_json else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def about(*, job: str, batch: str) -> AbstractContextManager[None]:
    """Whatever this thread logs meanwhile names the job and the batch, in JSON."""
    return structlog.contextvars.bound_contextvars(job=job, batch=batch)


def _json(endpoint: str) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ExtraAdder(allow=FIELDS),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            lambda _logger, _method, told: {"endpoint": endpoint, **told},
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
