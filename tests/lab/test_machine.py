from pathlib import Path

import pytest

from bifilar.kernel import namespaces, sysctl
from bifilar.lab import locks, machine, places
from bifilar.lab.places import Places

pytestmark = pytest.mark.lab

KEY = "net.ipv4.conf.default.shared_media"
"""Any setting that a namespace has of its own, and in which nobody is interested. It is 1 in a new one."""


@pytest.fixture
def machine_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labs of a machine on which nobody else has any."""
    for module in (places, locks, machine):
        monkeypatch.setattr(module, "RUN", tmp_path)
    monkeypatch.setattr(machine, "_RECORD", tmp_path / ".machine.json")
    monkeypatch.setattr(machine, "_THRESHOLDS", {KEY: 5})


@pytest.mark.usefixtures("machine_of_our_own")
def test_the_first_lab_raises_what_all_share_and_the_last_one_puts_it_back(tmp_path: Path) -> None:
    first, second = Places("first"), Places("second")

    def values() -> list[str | None]:
        seen = [sysctl.read(KEY)]
        for change in (machine.register, machine.unregister):
            for lab in (first, second):
                change(lab)
                seen.append(sysctl.read(KEY))
        return seen

    assert namespaces.run_apart(values) == ["1", "5", "5", "5", "1"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("machine_of_our_own")
def test_what_somebody_else_has_set_meanwhile_stays() -> None:
    def last() -> str | None:
        machine.register(Places("only"))
        sysctl.apply([sysctl.Setting(KEY, "7")])
        machine.unregister(Places("only"))
        return sysctl.read(KEY)

    assert namespaces.run_apart(last) == "7"
