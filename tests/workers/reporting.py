"""A worker's reporter in a process of its own: `python reporting.py BROKER_URL FOLDER BATCH ...`; it tells these as done."""

import sys
import time
from pathlib import Path

from connector.wire.reports import BatchDone, BatchRef, Outcomes
from workers.reporter import Reporter

url, folder, *batches = sys.argv[1:]
reporter = Reporter(url, endpoint="A1", worker="A1.old", concurrency=1, version="0", folder=Path(folder))
reporter.start()
for batch in batches:
    ref = BatchRef(job="JB-2222", step=1, batch=int(batch))
    reporter.tell(BatchDone(**reporter.sender(), ref=ref, outcomes=Outcomes(letters="c")))
print("told", flush=True)
time.sleep(60)
