"""A worker process as Celery would run it on Windows: `python as_on_windows.py BROKER_URL ENDPOINT LOOP GRACE_S`.

LOOP is `forced`, as the product runs everywhere, or `blocking`, as Celery chooses there by itself.
"""

import sys

import celery

from connector.wire import routes

routes.VISIBILITY_TIMEOUT_S = 6  # type: ignore[misc]  # so that a test need not wait a minute
celery.Celery.IS_WINDOWS = True

from workers import aos, app  # noqa: E402 - they read the setting above
from workers.exchange import Exchange  # noqa: E402

broker_url, endpoint, loop, grace_s = sys.argv[1:]
worker = app.create(broker_url, endpoint=endpoint, concurrency=2, door=aos.Door(), exchange=Exchange(), grace_s=float(grace_s))
if loop == "blocking":
    worker.app.IS_WINDOWS = True
worker.run(commands=sys.stdin.fileno())
