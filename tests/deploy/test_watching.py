"""Alerts, dashboard and book speak of metrics that are told, and say in Prometheus' language what they mean."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from connector.meter import Meter
from connector.web import metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
TRIALS = DEPLOY / "prometheus" / "alerts_test.yaml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
BOOK = (DEPLOY / "README.md").read_text(encoding="utf-8")
RULES = [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
NAME = re.compile(r"\b(?:rapidstart|process)_[a-z_]*[a-z]\b")
#: What Grafana puts in before it asks.
VARIABLES = {"$__rate_interval": "5m", "$__range": "6h", "$endpoint": ".*"}


@pytest.fixture
def promtool():
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian's package prometheus has it)")
    return found


def told() -> set[str]:
    """The names of all samples: those of the ledger as the source names them, for some are told only where there is something."""
    source = Path(metrics.__file__).read_text(encoding="utf-8")
    names = {f"rapidstart_{name}" for name in re.findall(r'_gauge\(\s*"(\w+)"', source)}
    names |= {f"rapidstart_{name}_total" for name in re.findall(r'_counter\(\s*"(\w+)"', source)}
    meter = Meter(certificates={"dispatcher": DEPLOY / "none.pem"})
    meter.called("A", calls=1, seconds=1)
    meter.came_back("A", code="RSC-1")
    return names | {sample.name for family in meter.registry.collect() for sample in family.samples}


def expressions() -> list[str]:
    asked = [target["expr"] for panel in PANELS for target in panel["targets"]]
    for name, value in VARIABLES.items():
        asked = [expression.replace(name, value) for expression in asked]
    return asked


def test_every_metric_that_alerts_and_dashboard_ask_for_is_told():
    asked = {name for text in [*(rule["expr"] for rule in RULES), *expressions()] for name in NAME.findall(text)}
    assert asked - told() == set()


def test_every_metric_is_in_the_book_and_the_book_names_no_other():
    ours = {re.sub(r"_(created|bucket|count|sum)$", "", name) for name in told() if name.startswith("rapidstart_")}
    bases = {name for name in ours if f"{name}_total" not in ours}
    named = set(re.findall(r"`(rapidstart_[a-z_]+)(?:\{[^}`]*\})?`", BOOK))
    assert bases - named == set()
    assert named - bases == set()


def test_alerts_are_rules_that_prometheus_takes(promtool):
    subprocess.run([promtool, "check", "rules", ALERTS], check=True, capture_output=True)


def test_every_alert_fires_when_it_should_and_only_then(promtool):
    done = subprocess.run([promtool, "test", "rules", TRIALS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried_both_ways():
    tried = [each for trial in yaml.safe_load(TRIALS.read_text(encoding="utf-8"))["tests"] for each in trial["alert_rule_test"]]
    names = {rule["alert"] for rule in RULES}
    assert {each["alertname"] for each in tried if each.get("exp_alerts")} == names
    assert {each["alertname"] for each in tried if not each.get("exp_alerts")} == names


def test_every_alert_says_what_is_wrong_and_what_to_do():
    for rule in RULES:
        assert rule["labels"]["severity"] in {"warning", "critical"}, rule["alert"]
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]
        assert rule["annotations"]["description"], rule["alert"]
        assert f"`{rule['alert']}`" in BOOK


def test_the_dashboards_expressions_are_promql(promtool, tmp_path):
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions())]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_has_the_form_of_one():
    assert DASHBOARD["schemaVersion"] >= 36
    assert DASHBOARD["uid"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, f"{panel['title']} lies on another panel"
        taken |= cells
    for panel in PANELS:
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        assert [target["refId"] for target in panel["targets"]] == ["A", "B", "C"][: len(panel["targets"])]
    assert {variable["name"] for variable in DASHBOARD["templating"]["list"]} == {"datasource", "endpoint"}
