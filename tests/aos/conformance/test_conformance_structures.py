"""Fields that are more than one text: what stands inside them and beside them comes back as it went."""

import pytest
from lxml import etree

from tests.aos.conformance.targets import LIMIT_S, Target, by_hand, in_order, new_id, post, record
from workers import aos
from workers.aos import envelope

SHARED = "http://schemas.microsoft.com/dynamics/2008/01/sharedtypes"
SET = {"Department": "Отдел 1", "CostCenter": "<&>", "Purpose": " 目的 "}


def test_dimensions_come_back_as_the_set_that_they_were(target: Target, port: aos.Port):
    """Their elements are of the shared types' own namespace."""
    if not target.subject.dimensions:
        pytest.skip("the service has no dimensions that could be tried")
    told = written_and_found(target, port, target.subject.dimensions, f'<Values xmlns="{SHARED}">{values(SET)}</Values>')
    names = [part.text for part in told.iter(f"{{{SHARED}}}Name")]
    texts = [part.findtext(f"{{{SHARED}}}Value") for part in told.iter(f"{{{SHARED}}}Value") if len(part)]
    assert dict(zip(names, texts, strict=True)) == SET


def test_a_moment_keeps_its_zone_and_local_time(target: Target, port: aos.Port):
    if not target.subject.moment:
        pytest.skip("the service has no date and time")
    given = {"localDateTime": "2012-03-01T01:00:00", "timezone": "GMTPLUS0100_AMSTERDAM_BERLIN_BERN_ROME"}
    told = written_and_found(target, port, target.subject.moment, "2012-03-01T00:00:00Z", **given)
    assert told.text == "2012-03-01T00:00:00Z"
    assert dict(told.attrib) == given or (target.kind == "simulator" and not told.attrib)  # which keeps the moment alone


def test_a_wrong_element_inside_a_structure_is_refused_with_its_field(target: Target, port: aos.Port):
    if not target.subject.dimensions:
        pytest.skip("the service has no dimensions that could be tried")
    wrong = f'<Values xmlns="{SHARED}"><Value><Name>Department</Name></Value></Values>'
    body = creating(target, port, target.keys(1)[0], target.subject.dimensions, wrong)
    document = body[body.index(b"<", 1) : body.rindex(b"</")]
    assert [problem.element for problem in port.invalid(document)] == ["Value"]


def values(texts: dict[str, str]) -> str:
    """The inside of a dimension set."""
    escaped = {name: text.replace("&", "&amp;").replace("<", "&lt;") for name, text in texts.items()}
    return "".join(f"<Value><Name>{name}</Name><Value>{text}</Value></Value>" for name, text in escaped.items())


def creating(target: Target, port: aos.Port, key: str, field: str, content: str, **attributes: str) -> bytes:
    """A create request of one record with this field."""
    said = "".join(f' {name}="{text}"' for name, text in attributes.items())
    parts = in_order(port, {field: content, target.subject.key: key, **target.subject.constants})
    return by_hand(port, "Create", record(port, parts.replace(f"<{field}>", f"<{field}{said}>")))


def written_and_found(target: Target, port: aos.Port, field: str, content: str, **attributes: str) -> etree._Element:
    """The field's element, as AX tells it after a record with it was created."""
    keys = target.keys(1)
    port.create(creating(target, port, keys[0], field, content, **attributes), message_id=new_id(), time_limit_s=LIMIT_S)
    asked = envelope.request(f"{port.service.name}FindRequest", port.service.namespace, envelope.criteria(target.between(keys)))
    context = port._context
    answer = etree.fromstring(post(target, port, "find", context, asked).body)
    assert port.service.document is not None
    return next(answer.iter(f"{{{port.service.document.namespace}}}{field}"))
