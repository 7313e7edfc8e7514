"""Plugin and list put where a runtime looks, beside the files of others, which stay."""

from pathlib import Path

import pytest

from bifilar.errors import InputError, OperationError
from bifilar.pods import plugin
from bifilar.pods.cni import Version
from bifilar.pods.cni.network_list import network_list
from bifilar.pods.plugin import Effect

TEXT = network_list("net", Version.V1_0_0, Path("/run/a"))


@pytest.fixture
def binaries(tmp_path: Path) -> Path:
    """A directory with another's plugin in it."""
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "ptp").write_text("theirs")
    return directory


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A directory with another's list in it."""
    directory = tmp_path / "net.d"
    directory.mkdir()
    (directory / "87-podman.conflist").write_text("theirs")
    return directory


def files(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text(errors="replace") for path in directory.iterdir()}


def install(binaries: Path, lists: Path, text: str = TEXT) -> list[Effect]:
    changes = plugin.plan_install(binaries, lists, text)
    plugin.apply(changes)
    return [change.effect for change in changes]


def test_both_files_come_and_nothing_else_changes(binaries: Path, lists: Path) -> None:
    assert install(binaries, lists) == [Effect.ADDED, Effect.ADDED]
    assert (binaries / "bifilar").read_bytes() == plugin.binary().read_bytes()
    assert (binaries / "bifilar").stat().st_mode & 0o777 == 0o755
    assert files(lists) == {"10-bifilar.conflist": TEXT, "87-podman.conflist": "theirs"}
    assert (binaries / "ptp").read_text() == "theirs"
    assert len(files(binaries)) == 2


def test_directories_that_are_missing_are_made(tmp_path: Path) -> None:
    install(tmp_path / "opt/cni/bin", tmp_path / "etc/cni/net.d")
    assert (tmp_path / "opt/cni/bin/bifilar").is_file()


def test_a_second_time_nothing_is_written(binaries: Path, lists: Path) -> None:
    install(binaries, lists)
    before = [(binaries / "bifilar").stat().st_ino, (lists / "10-bifilar.conflist").stat().st_ino]
    assert install(binaries, lists) == [Effect.UNCHANGED, Effect.UNCHANGED]
    assert [(binaries / "bifilar").stat().st_ino, (lists / "10-bifilar.conflist").stat().st_ino] == before


def test_a_plugin_that_runs_is_replaced_not_overwritten(binaries: Path, lists: Path) -> None:
    install(binaries, lists)
    old = (binaries / "bifilar").open("rb")
    with old:
        (binaries / "bifilar").chmod(0o700)
        assert install(binaries, lists, TEXT.replace("/run/a", "/run/b")) == [Effect.CHANGED, Effect.CHANGED]
        assert old.read() == plugin.binary().read_bytes()
        assert (binaries / "bifilar").stat().st_ino != Path(f"/proc/self/fd/{old.fileno()}").stat().st_ino


def test_a_list_of_another_in_our_place_stays(binaries: Path, lists: Path) -> None:
    (lists / "10-bifilar.conflist").write_text('{"plugins":[{"type":"ptp"}]}')
    with pytest.raises(InputError, match="somebody else's"):
        install(binaries, lists)
    with pytest.raises(InputError, match="somebody else's"):
        plugin.plan_uninstall(binaries, lists)
    assert "bifilar" not in files(binaries)


def test_a_plugin_of_another_in_our_place_stays(binaries: Path, lists: Path) -> None:
    (binaries / "bifilar").write_text("theirs")
    with pytest.raises(InputError, match="not our plugin"):
        install(binaries, lists)
    assert files(binaries)["bifilar"] == "theirs"
    assert "10-bifilar.conflist" not in files(lists)


def test_the_plugin_is_there_before_the_list_and_goes_after_it(binaries: Path, lists: Path) -> None:
    coming = plugin.plan_install(binaries, lists, TEXT)
    plugin.apply(coming)
    going = plugin.plan_uninstall(binaries, lists)
    assert [change.path for change in going] == [change.path for change in reversed(coming)]


def test_uninstalled_nothing_is_left(binaries: Path, lists: Path) -> None:
    before = files(binaries), files(lists)
    install(binaries, lists)
    plugin.apply(plugin.plan_uninstall(binaries, lists))
    assert (files(binaries), files(lists)) == before
    assert plugin.plan_uninstall(binaries, lists) == ()


def test_what_cannot_be_written_leaves_no_half_file(binaries: Path, lists: Path) -> None:
    changes = plugin.plan_install(binaries, lists, TEXT)
    (binaries / "bifilar").mkdir()
    (binaries / "bifilar" / "in the way").touch()
    with pytest.raises(OperationError, match="bifilar"):
        plugin.apply(changes)
    assert sorted(path.name for path in binaries.iterdir()) == ["bifilar", "ptp"]


def test_lists_that_come_first_are_told(lists: Path) -> None:
    for name in ("00-cilium.conflist", "05-old.conf", "06-notes.txt", "10-a.json", "99-x.conf"):
        (lists / name).touch()
    assert plugin.preferred_to(lists) == ("00-cilium.conflist", "05-old.conf", "10-a.json")


def test_chained_plugins_that_are_missing_are_told(binaries: Path) -> None:
    assert plugin.missing_plugins(binaries, ("portmap", "ptp")) == ("portmap",)
