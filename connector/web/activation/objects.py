"""What is told of registrations: from the values of `connector.enrolment` to the shapes of `connector.registrations`."""

from connector import registrations
from connector.enrolment.activating import Pending
from connector.ledger.credentials import Credential
from connector.web.objects import moment


def activation_object(found: Pending) -> registrations.Activation:
    """A registration that waits."""
    asked, activation, meaning = found.asked, found.activation, found.meaning
    return registrations.Activation(
        user_code=found.user_code,
        endpoint=meaning.name,
        means=meaning.means,
        replaces=_replaced(found),
        machine=asked.machine,
        service_host=asked.service_host,
        aos_instance=asked.aos_instance,
        addresses=asked.addresses,
        companies=asked.companies,
        partition=asked.partition,
        account=asked.account,
        version=asked.version,
        fingerprint=asked.public.fingerprint,
        address=activation.address,
        started_at=moment(activation.made_at),
        expires_at=moment(activation.expires_at),
        service_instance=meaning.endpoint.service_instance if meaning.endpoint else None,
    )


def registration_object(found: Credential) -> registrations.Registration:
    """A one-time token."""
    return registrations.Registration(
        key=found.key,
        service_instance=(found.service_instances or ("",))[0],
        endpoint=found.details.get("endpoint", ""),
        made_by=found.made_by,
        made_at=moment(found.made_at),
        expires_at=moment(found.expires_at or 0.0),
    )


def _replaced(found: Pending) -> registrations.KnownKey | None:
    known, heard_at = found.meaning.replaces, found.meaning.replaced_heard_at
    if known is None:
        return None
    return registrations.KnownKey(
        fingerprint=known.fingerprint, machine=known.machine, heard_at=None if heard_at is None else moment(heard_at)
    )
