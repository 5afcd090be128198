"""What is told of an endpoint's sealing: its machines' keys, and the messages that were refused."""

from connector import seals
from connector.ledger import Database, trust
from connector.web.objects import moment


def sealing_object(db: Database, endpoint: str) -> seals.Sealing:
    """Whether messages are sealed, by whose keys, and what was refused."""
    keys = trust.machines(db, endpoint)
    return seals.Sealing(
        sealed=bool(keys),
        keys=[_key(db, key) for key in keys],
        refused=[
            seals.Refused(at=each.at, why=each.why, count=each.count, last_at=moment(each.last_at), last=each.last)
            for each in trust.refused(db, endpoint)
        ],
    )


def _key(db: Database, key: trust.MachineKey) -> seals.MachineKey:
    heard_at = trust.last_heard(db, key.endpoint, key.fingerprint)
    return seals.MachineKey(
        fingerprint=key.fingerprint,
        machine=key.machine,
        admitted_at=moment(key.admitted_at),
        revoked_at=None if key.revoked_at is None else moment(key.revoked_at),
        heard_at=None if heard_at is None else moment(heard_at),
    )
