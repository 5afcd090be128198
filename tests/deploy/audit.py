"""Looks for known weaknesses of an installation's packages: `python -m tests.deploy.audit FOLDER`, of a virtual environment.

It is pip-audit that looks. Where it can reach no advisories it calls that clean: this says instead that nobody has looked.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Weaknesses that do not concern us, by their id, with the reason.
EXPLAINED: dict[str, str] = {}
#: Our own is not published.
OURS = "rapidstart-connector"


def verdict(told: Mapping[str, Any]) -> tuple[int, str]:
    """What pip-audit's report means: an exit code, and what to say."""
    packages = [each for each in told["dependencies"] if each["name"] != OURS]
    unseen = [each["name"] for each in packages if "skip_reason" in each]
    found = [
        f"{each['name']} {each['version']}: {weakness['id']}, mended in {', '.join(weakness['fix_versions']) or 'no version yet'}"
        for each in packages
        for weakness in each.get("vulns", [])
        if weakness["id"] not in EXPLAINED
    ]
    if found:
        return 1, "\n".join(["known weaknesses:", *sorted(found)])
    if len(unseen) == len(packages):
        return 0, "No advisories can be reached: nothing was looked at."
    told_unseen = f"; not looked at: {', '.join(sorted(unseen))}" if unseen else ""
    return 0, f"no known weakness in {len(packages) - len(unseen)} packages{told_unseen}"


def report(environment: Path) -> Mapping[str, Any]:
    """What pip-audit says of it. One package is asked for first: where no advisories are, eighty questions bring none."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as probe:
        probe.write("pip==24.0\n")
        probe.flush()
        first = _audit("--no-deps", "--disable-pip", "--requirement", probe.name)
    if any("skip_reason" in each for each in first["dependencies"]) or not first["dependencies"]:
        return {"dependencies": []}
    (packages,) = environment.glob("lib/python3*/site-packages")
    return _audit("--path", str(packages))


def _audit(*what: str) -> Mapping[str, Any]:
    command = [sys.executable, "-m", "pip_audit", *what, "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if not done.stdout.strip():  # it gave up: the last line of what it says is the reason
        print(*done.stderr.strip().splitlines()[-1:], file=sys.stderr)
        return {"dependencies": []}
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    code, text = verdict(report(Path(sys.argv[1])))
    print(text)
    sys.exit(code)
