import os
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bifilar.errors import MachineError
from bifilar.kernel import namespaces

pytestmark = pytest.mark.lab


def own_inode() -> int:
    return Path("/proc/thread-self/ns/net").stat().st_ino


def test_a_namespace_is_one_to_ip_netns_too(namespace: Path) -> None:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert namespace.name in listed.split()
    assert namespace.name in namespaces.names()
    inside = subprocess.run(
        ["ip", "-n", namespace.name, "-o", "link"], capture_output=True, text=True, check=True
    )
    assert ": lo:" in inside.stdout


def test_a_namespace_of_ip_netns_is_one_here_and_can_be_deleted() -> None:
    name = f"kt-{os.getpid()}-iproute"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        assert name in namespaces.names()
        inside = namespaces.run_in(namespaces.path_of(name), own_inode)
        assert namespaces.inode(name) == inside
    finally:
        deleted = namespaces.delete(name)
    assert deleted
    assert name not in namespaces.names()


def test_deleting_twice_is_no_error(namespace: Path) -> None:
    assert namespaces.delete(namespace.name)
    assert not namespaces.delete(namespace.name)
    assert namespaces.inode(namespace.name) is None
    assert not namespace.exists()


def test_a_taken_name_is_refused_and_its_namespace_kept(namespace: Path) -> None:
    before = namespaces.inode(namespace.name)
    with pytest.raises(MachineError, match=f"{namespace.name}: there is a namespace of this name already"):
        namespaces.create(namespace.name)
    assert namespaces.inode(namespace.name) == before


def test_a_file_without_a_mount_is_no_namespace_but_is_cleared_away() -> None:
    path = namespaces.path_of(f"kt-{os.getpid()}-plain")
    namespaces.prepare()
    path.touch()
    try:
        assert namespaces.inode(path.name) is None
    finally:
        assert namespaces.delete(path.name)
    assert not path.exists()


def test_many_callers_make_namespaces_at_once() -> None:
    names = [f"kt-{os.getpid()}-many{number}" for number in range(8)]
    try:
        with ThreadPoolExecutor(4) as pool:
            paths = list(pool.map(namespaces.create, names))
        inodes = {namespaces.run_in(path, own_inode) for path in paths}
    finally:
        for name in names:
            namespaces.delete(name)
    assert len(inodes) == len(names)


def test_a_function_runs_inside_and_the_caller_stays_outside(namespace: Path) -> None:
    before = own_inode()
    interfaces = namespaces.run_in(namespace, socket.if_nameindex)
    assert [name for _, name in interfaces] == ["lo"]
    assert own_inode() == before != namespaces.inode(namespace.name)


def test_a_socket_stays_in_the_namespace_it_was_opened_in(namespace: Path) -> None:
    opened = namespaces.run_in(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    # Down there even the loopback interface has no route.
    with opened, pytest.raises(OSError, match="unreachable"):
        opened.connect(("127.0.0.1", 9))


def test_what_a_function_raises_comes_back(namespace: Path) -> None:
    def fail() -> None:
        raise LookupError("inside")

    with pytest.raises(LookupError, match="inside"):
        namespaces.run_in(namespace, fail)


def test_entering_a_namespace_that_is_none_names_it() -> None:
    with pytest.raises(MachineError, match="kt-missing"):
        namespaces.run_in(namespaces.path_of("kt-missing"), own_inode)


def test_a_nameless_namespace_is_new_and_leaves_no_name() -> None:
    before = namespaces.names()
    assert namespaces.run_apart(own_inode) != own_inode()
    assert namespaces.names() == before


def test_processes_are_found_by_their_namespace(make_namespace: Callable[[], Path]) -> None:
    busy, idle = make_namespace(), make_namespace()
    wait = [sys.executable, "-c", "input()"]
    process = namespaces.run_in(busy, lambda: subprocess.Popen(wait, stdin=subprocess.PIPE))
    try:
        inodes = {inode for path in (busy, idle) if (inode := namespaces.inode(path.name)) is not None}
        assert len(inodes) == 2
        assert namespaces.processes_in(inodes) == {namespaces.inode(busy.name): [process.pid]}
    finally:
        process.communicate(b"\n")
