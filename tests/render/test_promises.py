"""Each part of the article is in the files, and what must not be there is not."""

import re
from dataclasses import replace

import pytest

from bifilar.errors import InputError
from bifilar.fabric.model import Role
from bifilar.render import BIRD_CONFIG, SYSCTL_CONFIG, Renderer
from render.rendered import SHAPES, fabric_of, files_of


def _bird(example: str, device: str) -> str:
    return files_of(example)[device][BIRD_CONFIG]


def _block(config: str, start: str) -> str:
    """A block of a configuration, from its first line to the brace at the margin."""
    found = re.search(rf"^{re.escape(start)}.*?^}}$", config, re.DOTALL | re.MULTILINE)
    assert found, f"no block {start!r}"
    return found.group()


def test_a_server_takes_nothing_but_node0_as_its_own() -> None:
    config = _bird("article", "rack0-server1")
    assert config.count("protocol direct") == 1
    assert 'interface "node0";' in _block(config, "protocol direct direct4")


def test_a_server_s_kernel_has_all_equal_paths_and_no_device_routes() -> None:
    kernel = _block(_bird("article", "rack0-server1"), "protocol kernel kernel4")
    assert "merge paths on" in kernel
    assert "if source = RTS_DEVICE then reject;" in kernel


def test_a_server_rewrites_next_hop_at_the_receiving_end_with_its_network_s_mask() -> None:
    config = _bird("article", "rack0-server1")
    assert 'route 0.0.0.0/0 via "lo";' in _block(config, "protocol static dummystatic4")
    for tor in ("tor1", "tor2"):
        session = _block(config, f"protocol bgp {tor}")
        assert "igp table dummytab4;" in session
        assert "gateway recursive;" in session
        assert "if bgp_next_hop.mask(26) = from.mask(26) then {" in session
        assert "gw = from;" in session


def test_with_an_as_per_server_there_is_no_rewriting() -> None:
    config = _bird("as-per-server", "rack0-server1")
    assert "dummytab" not in config
    assert "gw = from" not in config


def test_tors_reflect_to_their_rack_wait_for_it_and_do_not_peer_with_each_other() -> None:
    config = _bird("article", "rack0-tor1")
    reflecting = _block(config, "template bgp to_server")
    assert "rr client;" in reflecting
    assert "passive on;" in reflecting
    assert "next hop self" not in reflecting
    assert "tor2" not in config


@pytest.mark.parametrize("shape", SHAPES)
def test_bfd_is_on_for_every_session(shape: str) -> None:
    for device in fabric_of(shape).devices:
        config = _bird(shape, device.name)
        for block in re.findall(r"^(?:template|protocol) bgp .*?^}$", config, re.DOTALL | re.MULTILINE):
            inherits = " from to_" in block.split("\n")[0]
            assert inherits or "bfd on;" in block or "protocol bgp lb" in block


@pytest.mark.parametrize("shape", SHAPES)
def test_every_session_of_a_device_is_configured_once(shape: str) -> None:
    fabric = fabric_of(shape)
    for device in fabric.devices:
        configured = re.findall(r"^protocol bgp (\w+)", _bird(shape, device.name), re.MULTILINE)
        expected = [session.name for session in fabric.sessions_of(device)]
        assert sorted(configured) == sorted(expected + ["lb"] * (device.speaker is not None))


def test_the_core_hears_aggregates_and_the_racks_a_default_route() -> None:
    config = _bird("neco", "spine1")
    to_core = _block(config, "template bgp to_core")
    assert "table outertab4;" in to_core
    assert 'if proto = "aggregates4" then accept;' in to_core
    assert "if net = 0.0.0.0/0 then accept;" in _block(config, "protocol pipe outer4")
    assert "outertab" not in _bird("article", "spine1")


def test_pod_blocks_come_from_table_119_through_a_table_of_their_own() -> None:
    config = _bird("article", "rack0-server1")
    assert "kernel table 119;" in _block(config, "protocol kernel coil4")
    assert "peer table coiltab4;" in _block(config, "protocol pipe coilpipe4")
    assert 'proto = "coil4"' in _block(config, "protocol kernel kernel4")
    assert 'proto = "coil4"' in _block(config, "protocol bgp tor1")


def test_vips_come_from_table_120_win_over_learnt_ones_and_stay_out_of_the_main_table() -> None:
    config = _bird("article", "rack0-server1")
    vip = _block(config, "protocol kernel vip4")
    assert "kernel table 120;" in vip
    assert "preference 200;" in vip
    assert "bgp_community.add((64698, 64699));" in vip
    assert 'proto = "vip4"' in _block(config, "protocol kernel kernel4")


def test_a_separate_speaker_has_its_session_when_the_intent_asks_for_it() -> None:
    speaker = _block(_bird("neco", "rack0-server1"), "protocol bgp lb")
    assert "local 127.0.0.1 port 1790 as 64699;" in speaker
    assert "neighbor 127.0.0.1 as 64698;" in speaker
    assert "passive on;" in speaker
    assert "next hop self ebgp;" in _block(_bird("neco", "rack0-server1"), "protocol bgp tor1")
    assert "protocol bgp lb" not in _bird("article", "rack0-server1")


def test_a_boot_server_has_no_pods() -> None:
    config = _bird("neco", "rack0-boot1")
    assert "kernel table" not in config
    assert "protocol direct direct4" in config


@pytest.mark.parametrize("shape", SHAPES)
def test_a_drain_is_one_value_on_every_device(shape: str) -> None:
    fabric = fabric_of(shape)
    drained = Renderer(
        replace(fabric, devices=tuple(replace(device, drain=True) for device in fabric.devices))
    )
    for device in fabric.devices:
        before = _bird(shape, device.name).splitlines()
        after = drained.files(replace(device, drain=True))[BIRD_CONFIG].splitlines()
        changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        assert changed == [("define DRAIN = false;", "define DRAIN = true;")]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_export_says_drain_and_every_import_listens_to_it(shape: str) -> None:
    for device in fabric_of(shape).devices:
        config = _bird(shape, device.name)
        sessions = "".join(
            re.findall(r"^(?:template|protocol) bgp (?!lb).*?^}$", config, re.DOTALL | re.MULTILINE)
        )
        assert sessions.count("gshut_in();") == sessions.count("import filter {") > 0
        assert sessions.count("gshut_out();") == sessions.count("export filter {") > 0


def test_networkd_gives_servers_their_addresses_and_leaves_routes_alone() -> None:
    files = files_of("dual-stack")["rack0-server1"]
    network = "/etc/systemd/network"
    assert "Kind=dummy" in files[f"{network}/10-node0.netdev"]
    node0 = files[f"{network}/10-node0.network"]
    assert "/32\n" in node0
    assert "/128\n" in node0
    nic = files[f"{network}/20-eth0.network"]
    assert "Scope=link" in nic
    assert "PreferredLifetime=0" in nic
    manager = files["/etc/systemd/networkd.conf.d/10-bifilar.conf"]
    assert "ManageForeignRoutes=no" in manager
    assert "ManageForeignRoutingPolicyRules=no" in manager


def test_switches_have_no_networkd_files() -> None:
    for device in fabric_of("article").devices:
        has_them = any("systemd" in path for path in files_of("article")[device.name])
        assert has_them is (device.role is Role.SERVER)


def test_every_device_forwards_accepts_no_redirect_and_hashes_ports_with_a_seed_of_its_own() -> None:
    seeds = set()
    for files in files_of("article").values():
        settings = files[SYSCTL_CONFIG]
        assert "net.ipv4.ip_forward = 1" in settings
        assert "net.ipv4.conf.all.rp_filter = 0" in settings
        assert "net.ipv4.conf.all.accept_redirects = 0" in settings
        assert "net.ipv4.fib_multipath_hash_policy = 3" in settings
        seed = re.search(r"hash_seed = (\d+)", settings)
        assert seed
        seeds.add(seed.group(1))
    assert len(seeds) == len(files_of("article"))


def test_ipv6_addresses_outlive_a_link_that_goes_down() -> None:
    for files in files_of("dual-stack").values():
        assert "net.ipv6.conf.all.keep_addr_on_down = 1" in files[SYSCTL_CONFIG]


def test_an_operator_s_template_replaces_the_built_in_one() -> None:
    fabric = fabric_of("article")
    renderer = Renderer(fabric, {"bird/core.conf.j2": "", "bird/spine.conf.j2": "# ours: {{ device.name }}"})
    assert renderer.files(fabric.device("spine1"))[BIRD_CONFIG] == "# ours: spine1\n"
    assert renderer.files(fabric.device("rack0-tor1")) == files_of("article")["rack0-tor1"]


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("bird/spine.conf.j2", "a\n{% if %}", "bird/spine.conf.j2:2"),
        ("bird/spine.conf.j2", "a\nb\n{{ no_such_value }}", "bird/spine.conf.j2:3"),
        ("bird/spine.conf.j2", "a\n{{ device.number + 'x' }}", "bird/spine.conf.j2:2"),
        ("bird/spine.conf.j2", "{% include 'bird/none.j2' %}", "bird/spine.conf.j2:1"),
        ("bird/spnie.conf.j2", "", "bird/spnie.conf.j2"),
    ],
)
def test_a_wrong_template_is_named_with_its_line(name: str, text: str, where: str) -> None:
    fabric = fabric_of("article")
    with pytest.raises(InputError) as caught:
        Renderer(fabric, {name: text}).files(fabric.device("spine1"))
    assert caught.value.where == where
    assert caught.value.hint


def test_a_macro_missing_from_a_replaced_piece_is_named_where_it_is_used() -> None:
    fabric = fabric_of("article")
    pieces = "{% macro header(device, fabric) %}{% endmacro %}"
    with pytest.raises(InputError, match="kernel") as caught:
        Renderer(fabric, {"bird/_common.j2": pieces}).files(fabric.device("spine1"))
    assert caught.value.where == "bird/spine.conf.j2:5"
    assert "bird/_common.j2" in caught.value.hint
