"""Whatever the OpenAPI document lets a program ask, and some of what it does not, is answered without a defect of ours."""

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

schemathesis = pytest.importorskip("schemathesis")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
_PER_OPERATION = 20


def _lasts(operation):
    """Whether its answer has no end: live events."""
    answers = operation.definition.raw.get("responses", {}).values()
    return any("text/event-stream" in answer.get("content", {}) for answer in answers) or operation.path.endswith("/events")


def _defects(operation, login, known, seen):
    @seed(1)
    @settings(
        max_examples=_PER_OPERATION,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), is_known=st.booleans())
    def ask(case, is_known):
        if is_known:
            case.path_parameters.update({name: value for name, value in known.items() if name in case.path_parameters})
        try:
            answer = case.call(headers=login, timeout=20)
        except (requests.exceptions.InvalidHeader, UnicodeError):
            return  # it cannot be sent
        seen.append(answer.status_code)
        declared = operation.definition.raw["responses"]
        if operation.path.startswith("/api/v1") and str(answer.status_code) not in declared:
            seen.append(f"{operation.label} answers {answer.status_code}, which its document does not say: {answer.text[:200]}")
        if answer.status_code >= 500 and answer.status_code != 503:  # 503: this dispatcher has no broker, and says so
            seen.append(f"{operation.label}: {answer.status_code} {answer.text[:200]} for {case.as_curl_command()[:400]}")

    ask()
    return [each for each in seen if isinstance(each, str)]


def test_no_request_of_the_document_meets_a_defect(desk):
    desk.client.add_endpoint("AOSTEST", addresses=["http://aos.test/p.svc"], companies=["USMF"])
    desk.know("AOSTEST")
    job = desk.client.test_endpoint("AOSTEST")["id"]
    known = {"name": "AOSTEST", "job_id": job}
    login = {"Authorization": desk.http.headers["Authorization"]}
    schema = schemathesis.openapi.from_url(f"{desk.url}/api/v1/openapi.json", headers=login)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 30
    defects, seen = [], []
    for operation in operations:
        if not _lasts(operation):
            of_this: list = []
            defects += _defects(operation, login, known, of_this)
            seen += of_this
    assert defects == []
    assert {200, 404, 422} <= set(seen)  # it came further than the door
