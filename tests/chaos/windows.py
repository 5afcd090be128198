"""A worker on the loop that Celery runs on Windows: `python -m tests.chaos.windows BROKER_URL ENDPOINT`.

The one module here that knows the product's code: the loop cannot be chosen from outside.
"""

import logging
import sys

from workers import aos, app
from workers.exchange import Exchange

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
broker_url, endpoint = sys.argv[1:]
worker = app.create(broker_url, endpoint=endpoint, concurrency=2, door=aos.Door(), exchange=Exchange())
worker.app.IS_WINDOWS = True
worker.run()
