"""The way to the AOS, as the settings of this computer say."""

from pathlib import Path
from typing import TYPE_CHECKING

from workers import aos, errors

if TYPE_CHECKING:
    from workers.settings import Settings


def opened(
    settings: "Settings", *, origins: tuple[str, ...] = (), keep_in: Path | None = None, patience_s: float | None = None
) -> aos.Door:
    """The way to the AOS. Nothing is contacted yet. Raises GiveUp.

    `origins`: what may see the account besides those in the settings. `keep_in`: the folder that contracts are kept in.
    `patience_s`: how long a port is waited for, where not as long as usual.
    """
    allowed = [*settings.aos_origins.split(), *origins]
    return aos.Door(
        allowed,
        credentials=_credentials(settings, allowed),
        ca_file=settings.aos_ca_file,
        target_name=aos.TargetName(settings.aos_target_name),
        query_service=settings.aos_query_service,
        keep_in=keep_in,
        connect_timeout_s=patience_s or 10.0,
        contract_timeout_s=patience_s or 60.0,
    )


def _credentials(settings: "Settings", allowed: list[str]) -> aos.Credentials | None:
    """The account that the settings name. Raises GiveUp."""
    if settings.aos_authentication == "none":
        return None
    if not allowed:
        raise errors.GiveUp(
            "no address may see the account of the AOS.", advice="Set RAPIDSTART_AOS_ORIGINS, as http://aos01:80."
        )
    if settings.aos_authentication == "basic" and not settings.aos_user:
        raise errors.GiveUp("Basic authentication needs an account.", advice="Set RAPIDSTART_AOS_USER and its password.")
    return aos.Credentials(
        user=settings.aos_user,
        password=settings.password(),
        authentication=aos.Authentication(settings.aos_authentication),
        basic_over_http=settings.aos_basic_over_http,
    )
