"""Record what real BIRDs answer: ``python tests/bird/record.py`` writes ``tests/bird/replies/<version>/*.txt``.

Needs root. Four namespaces: ``node`` (the recorded one) and ``peer`` under two route reflectors ``tor0`` and
``tor1``, as in a rack, with IPv4 and IPv6, BFD, ECMP, learnt kernel routes, a session that never comes up and one
that is disabled. Each file holds the bytes of the socket, line ends and all, of the command in its name.
"""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bifilar.bird.binary import bird_command, bird_version
from bifilar.bird.protocol import Reply, ReplyParser
from bifilar.bird.releases import bird3_command

REPLIES = Path(__file__).parent / "replies"
PREFIX = "bfrec-"
DEVICES = ("node", "peer", "tor0", "tor1")

COMMON = """
log "{directory}/bird.log" all;
router id {router_id};
protocol device {{ }}
protocol bfd {{ interface "*" {{ interval 100 ms; multiplier 3; }}; }}
"""

TOR = """
timeformat route iso long ms;
timeformat protocol iso long ms;
protocol direct {{ ipv4; ipv6; }}
protocol kernel kernel4 {{ ipv4 {{ export none; }}; }}
protocol static static4 {{
  ipv4;
  route 192.0.2.0/24 via "lo" {{
    bgp_path.prepend(65010); bgp_path.prepend(4200000001);
    bgp_med = 77;
    bgp_community.add((64601,{index})); bgp_community.add((65535,0));
    bgp_ext_community.add((rt,64601,5));
    bgp_large_community.add((4200000001,1,{index}));
  }};
  route 198.51.100.0/24 via "lo" {{ {many_communities} }};
  route 203.0.113.0/24 via "lo" {{ bgp_origin = ORIGIN_INCOMPLETE; bgp_path.prepend(65011); }};
}}
protocol static static6 {{ ipv6; route 2001:db8:f::/48 via "lo" {{ bgp_path.prepend(65010); }}; }}
template bgp server {{
  local as 64601; direct; rr client; bfd on; hold time 90; keepalive time 30;
  connect delay time 1; connect retry time 2; error wait time 1,2;
  ipv4 {{ import all; export all; next hop self; }};
  ipv6 {{ import all; export all; next hop self; }};
}}
protocol bgp node from server {{ neighbor 10.9.{index}.1 as 64601; }}
protocol bgp second from server {{ neighbor range 10.9.{index}.2/31 as 64601; dynamic name "second"; }}
"""

NODE = """
timeformat base iso short ms;
ipv4 table exports;
ipv4 table vacant;
attribute int rack_number;
protocol direct {{ ipv4; ipv6; interface "node0"; }}
protocol kernel kernel4 {{ merge paths on; ipv4 {{ export filter {{ if source = RTS_DEVICE then reject; accept; }}; }}; }}
protocol kernel kernel6 {{ merge paths on; ipv6 {{ export all; }}; }}
protocol kernel exports4 {{ kernel table 119; learn; ipv4 {{ table exports; import all; export none; }}; }}
protocol pipe exportpipe {{ table master4; peer table exports; import all; export none; }}
protocol static static4 {{
  ipv4;
  route 172.16.0.0/16 via 10.9.0.0 weight 3 via 10.9.1.0 weight 2 {{ rack_number = 7; }};
  route 172.17.0.0/16 blackhole;
  route 172.18.0.0/16 unreachable;
  route 172.19.0.0/16 prohibit;
}}
template bgp tor {{
  local as 64601; direct; bfd on; hold time 90; keepalive time 30;
  connect delay time 1; connect retry time 2; error wait time 1,2;
  description "to a ToR";
  ipv4 {{ import limit 1000 action disable; import filter {{ if net = 203.0.113.0/24 then reject; accept; }}; import keep filtered; export where source != RTS_BGP; }};
  ipv6 {{ import all; export where source != RTS_BGP; }};
}}
protocol bgp tor0 from tor {{ neighbor 10.9.0.0 as 64601; }}
protocol bgp tor1 from tor {{ neighbor 10.9.1.0 as 64601; }}
protocol bgp absent from tor {{ neighbor 10.9.0.9 as 64602; multihop; source address 10.9.0.1; }}
protocol bgp refused from tor {{ neighbor 10.9.0.0 port 9 as 64603; bfd off; }}
protocol bgp drained from tor {{ disabled; neighbor 10.9.0.10 as 64604; }}
protocol bgp speaker {{
  local 127.0.0.1 port 1790 as 64699; neighbor 127.0.0.1 as 64698; multihop 2; passive;
  ipv4 {{ import all; export none; }};
}}
"""

PEER = """
protocol direct {{ ipv4; ipv6; interface "node0"; }}
template bgp tor {{
  local as 64601; direct; bfd on; connect delay time 1; connect retry time 2; error wait time 1,2;
  ipv4 {{ import all; export all; }};
  ipv6 {{ import all; export all; }};
}}
protocol bgp tor0 from tor {{ neighbor 10.9.0.2 as 64601; }}
protocol bgp tor1 from tor {{ neighbor 10.9.1.2 as 64601; }}
"""

MANY = " ".join(f"bgp_community.add((64700,{value}));" for value in range(1000, 1100))
"""More than fit into one line of a reply."""

CONFIGURATIONS = {
    "node": COMMON + NODE,
    "peer": COMMON + PEER,
    "tor0": COMMON + TOR,
    "tor1": COMMON + TOR,
}

COMMANDS = (
    "show status",
    "show memory",
    "show protocols",
    "show protocols all",
    "show protocols all tor0",
    'show protocols "nope*"',
    "show bfd sessions",
    "show bfd sessions all",
    "show route",
    "show route all",
    "show route primary",
    "show route primary all",
    "show route table all",
    "show route table exports all",
    "show route table vacant",
    "show route export kernel4",
    "show route export tor0",
    "show route noexport tor0",
    "show route filtered",
    "show route protocol tor0",
    "show route where net ~ [192.0.2.0/24+]",
    "show route for 192.0.2.9",
    "show route for 100.64.0.1",
    "show route count",
    "show route table nope",
    "bogus",
    "configure check",
    'configure check "{bad}"',
    'configure check "{missing}"',
    "configure soft",
    "configure timeout 30",
    "configure confirm",
    "configure confirm # again",
    "configure undo",
    'configure "{bad}"',
    "disable absent",
    "disable absent # again",
    "enable absent",
    "restart tor1",
    "reload in tor0",
    "reload tor0",
    "reload filters in tor0",
    "reload bgp tor0",
    "disable nope",
    'disable "nope*"',
    "eval 1+2",
    "down",
)
TOR_COMMANDS = ("show status", "show protocols", "show protocols all", "show bfd sessions", "show route all")
"""Of a device with full dates and a dynamic neighbour."""


def run(*command: str) -> None:
    """Run a program, loudly if it fails."""
    subprocess.run(command, check=True)


def ip(*words: str, device: str | None = None) -> None:
    """Run ``ip``, in the namespace of a device if one is told."""
    run("ip", *(("-n", PREFIX + device) if device else ()), *words)


def build() -> None:
    """The four namespaces, their links and addresses."""
    for device in DEVICES:
        ip("netns", "add", PREFIX + device)
        ip("link", "set", "lo", "up", device=device)
    for host, low in (("node", 0), ("peer", 2)):
        ip("link", "add", "node0", "type", "ifb", device=host)
        ip("addr", "add", f"10.8.0.{low + 1}/32", "dev", "node0", device=host)
        ip("addr", "add", f"2001:db8::{low + 1}/128", "dev", "node0", device=host)
        ip("link", "set", "node0", "up", device=host)
        for index in (0, 1):
            tor, near, far = f"tor{index}", f"eth{index}", f"port-{host}"
            ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", PREFIX + tor, device=host)
            for device, interface, number in ((host, near, low + 1), (tor, far, low)):
                ip("addr", "add", f"10.9.{index}.{number}/31", "dev", interface, device=device)
                address = f"2001:db8:a{index}:{low}::{number + 1}/64"
                ip("addr", "add", address, "dev", interface, "nodad", device=device)
                ip("link", "set", interface, "up", device=device)
    learnt = ("table", "119", "proto", "30")
    ip("route", "add", "10.64.0.0/27", "dev", "lo", *learnt, device="node")
    multipath = ("nexthop", "via", "10.9.0.0", "nexthop", "via", "10.9.1.0")
    ip("route", "add", "10.64.0.32/27", *learnt, *multipath, device="node")


def demolish() -> None:
    """End the daemons of the namespaces and remove these."""
    for device in DEVICES:
        listed = subprocess.run(
            ["ip", "netns", "pids", PREFIX + device], check=False, capture_output=True, text=True
        )
        if pids := listed.stdout.split():
            subprocess.run(["kill", *pids], check=False)
        subprocess.run(["ip", "netns", "delete", PREFIX + device], check=False)


def start(command: Sequence[str], directory: Path) -> None:
    """A daemon in each namespace, in the background; their control sockets are ``directory/<device>.ctl``."""
    for number, device in enumerate(DEVICES):
        home = directory / device
        home.mkdir()
        facts = {
            "router_id": f"10.8.0.{number + 1}",
            "index": number - 2,
            "directory": home,
            "many_communities": MANY,
        }
        (home / "bird.conf").write_text(CONFIGURATIONS[device].format_map(facts))
        files = (
            "-c",
            f"{home}/bird.conf",
            "-s",
            f"{directory}/{device}.ctl",
            "-P",
            f"{directory}/{device}.pid",
        )
        run("ip", "netns", "exec", PREFIX + device, *command, *files)


class Session:
    """A control session that keeps the bytes of each reply."""

    def __init__(self, path: Path) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(20)
        self.connection.connect(str(path))
        self.greeting = self.read()[0]

    def read(self) -> tuple[bytes, Reply]:
        """The bytes of the next reply, and the reply."""
        parser, received = ReplyParser(), b""
        while True:
            chunk = self.connection.recv(65_536)
            parser.feed(chunk)
            received += chunk
            while event := parser.next_event():
                if isinstance(event, Reply):
                    return received, event

    def ask(self, command: str) -> tuple[bytes, Reply]:
        """Send a command and read its reply."""
        self.connection.sendall(f"{command}\n".encode())
        return self.read()


def wait_for_sessions(session: Session) -> None:
    """Wait until both ToRs' sessions and BFD are up and their routes are here."""
    last: list[object] = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        protocols = session.ask("show protocols")[0].decode()
        bfd = session.ask("show bfd sessions")[0].decode()
        routes = session.ask("show route 10.8.0.3/32")[0].decode()
        routes6 = session.ask("show route 2001:db8:f::/48")[0].decode()
        down = session.ask("show protocols refused")[0].decode()
        last = [protocols, bfd, routes, routes6, down]
        if (
            protocols.count("Established") == 2
            and len(re.findall(r" Up ", bfd)) == 2
            and routes.count("unicast") == routes6.count("unicast") == 2
            and "refused" in down.lower().replace("refused ", "", 1)
        ):
            return
        time.sleep(0.1)
    raise TimeoutError(f"not converged: {last}")


def slug(command: str) -> str:
    """The command as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", command.lower()).strip("-")


def record(command: list[str]) -> None:
    """Record one version."""
    version = ".".join(map(str, bird_version(command)))
    destination = REPLIES / version
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="bfrec-") as name:
        directory = Path(name)
        bad, missing = Path("/tmp/bfrec-bad.conf"), Path("/tmp/bfrec-missing.conf")  # noqa: S108 - stable text in the recording
        bad.write_text("router id 10.8.0.1;\nprotocol bgp {\n  nonsense;\n}\n")
        try:
            build()
            start(command, directory)
            session = Session(directory / "node.ctl")
            (destination / "greeting.txt").write_bytes(session.greeting)
            wait_for_sessions(session)
            tor = Session(directory / "tor0.ctl")
            for device, asked, commands in (("tor0", tor, TOR_COMMANDS), ("node", session, COMMANDS)):
                for number, text in enumerate(commands):
                    received, _ = asked.ask(text.format(bad=bad, missing=missing))
                    cleaned = received.replace(name.encode(), b"/run/bird")
                    (destination / f"{device}-{number:02}-{slug(text)}.txt").write_bytes(cleaned)
        finally:
            demolish()
            bad.unlink()
    sys.stdout.write(f"recorded BIRD {version} into {destination}\n")


if __name__ == "__main__":
    for bird in (bird_command(), bird3_command()):
        record(bird)
