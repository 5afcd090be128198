"""The only way a report comes home: the endpoints' report streams -> ledger, then grants and the next batches.

`Recorder` reads the streams (`reading`); what each kind of report says is told to the ledger in `kinds`.
"""

from connector.recorder.reading import Recorder

__all__ = ["Recorder"]
