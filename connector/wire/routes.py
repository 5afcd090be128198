"""Names on the broker, and the Celery settings that both ends share.

Facts about Celery 5.7 and kombu 5.7 on Redis were measured; each setting says what it prevents.
"""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from connector.wire import sentinels

#: What an endpoint may be called. Names are unique regardless of case.
ENDPOINT_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")

#: Where a dispatcher with an embedded broker leaves its address, inside RAPIDSTART_HOME, for processes on this computer.
BROKER_FILE: Final = "broker.json"

#: Tells a flushed or replaced broker from the one that the ledger knows.
EPOCH_KEY: Final = "rapidstart:epoch"

#: The last pulse of the ledger that its dispatcher told: an older ledger is one that was restored.
PULSE_KEY: Final = "rapidstart:pulse"

#: The consumer group of the recorder on every report stream.
REPORT_GROUP: Final = "recorder"

#: A message that no living process holds is put back after this time (the ledger's lease is shorter and comes first).
VISIBILITY_TIMEOUT_S: Final = 60


def queue(endpoint: str) -> str:
    """The Celery queue of an endpoint. Lower case: two spellings of one name are one queue."""
    return f"aos.{endpoint.lower()}"


def report_stream(endpoint: str) -> str:
    """The Redis Stream on which an endpoint's workers report."""
    return f"{queue(endpoint)}:reports"


def reply_key(endpoint: str, question: str) -> str:
    """The Redis list on which one question of a worker (an intent's event id) is answered."""
    return f"{queue(endpoint)}:reply:{question}"


def broker_url(url: str) -> str:
    """The URL, where it can name a broker. Raises ValueError with a sentence that does not repeat it: it may hold a password."""
    if sentinels.parse(url):
        return url
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        raise ValueError(
            "a broker is named as redis://USER:PASSWORD@HOST:6379/0, rediss:// with TLS, or by sentinel:// or sentinels://"
        )
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("the port of the broker is no number") from None
    return url


def celery_settings(broker_url: str, *, endpoint: str | None = None) -> dict[str, Any]:
    """Settings of a Celery app; with `endpoint` those of its worker."""
    transport: dict[str, Any] = {
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "priority_steps": [0],  # one list per queue
        "socket_timeout": 10,  # without it a producer hangs on a dead path
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }
    if endpoint is not None:
        # With kombu's default names every worker can read and requeue every endpoint's messages.
        transport |= {f"{key}_key": f"{queue(endpoint)}:{key}" for key in ("unacked", "unacked_index", "unacked_mutex")}
    watched = sentinels.parse(broker_url)
    if watched:
        transport["master_name"] = watched.master
        transport["sentinel_kwargs"] = {"socket_timeout": 5, "socket_connect_timeout": 5, **watched.tls_options}
    return {
        "broker_url": watched.celery_url if watched else broker_url,
        "broker_use_ssl": watched.celery_tls if watched else None,
        "broker_transport_options": transport,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # the default gives up after about 46 minutes
        "broker_channel_error_retry": True,  # a broker whose disk or memory is full refuses to write: the default ends the worker
        "broker_pool_limit": 10,
        "task_serializer": "json",
        "accept_content": ["json"],
        "result_backend": None,
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_create_missing_queues": endpoint is None,
        "task_send_sent_event": False,
        "worker_prefetch_multiplier": 1,
        "worker_enable_remote_control": False,
        "worker_send_task_events": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,  # the threads pool cannot
        "worker_hijack_root_logger": False,
        "enable_utc": True,
    }
