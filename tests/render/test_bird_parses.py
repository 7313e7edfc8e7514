"""BIRD itself accepts what is rendered, in the versions that it is rendered for."""

from dataclasses import replace

import pytest

from bifilar.bird import bird3_command, parse_check
from bifilar.fabric import Fabric
from bifilar.fabric.model import Device, Role
from bifilar.render import BIRD_CONFIG, Renderer
from render.rendered import SHAPES, fabric_of, files_of

pytestmark = pytest.mark.bird


def _one_of_each_role(fabric: Fabric) -> list[Device]:
    found: dict[Role, Device] = {}
    for device in fabric.devices:
        found.setdefault(device.role, device)
    return list(found.values())


@pytest.mark.parametrize("shape", SHAPES)
def test_bird_2_accepts_every_device(shape: str) -> None:
    for device, files in files_of(shape).items():
        assert parse_check(files[BIRD_CONFIG]) is None, device


@pytest.mark.parametrize("shape", SHAPES)
def test_bird_3_accepts_every_role_that_is_rendered_for_it(shape: str) -> None:
    command = bird3_command()
    fabric = fabric_of(shape)
    newer = replace(fabric, devices=tuple(replace(device, bird_version="3") for device in fabric.devices))
    renderer = Renderer(newer)
    for device in _one_of_each_role(newer):
        assert parse_check(renderer.files(device)[BIRD_CONFIG], command) is None


def test_a_mistake_is_refused() -> None:
    """The check can fail."""
    assert (
        parse_check(files_of("article")["spine1"][BIRD_CONFIG].replace("protocol bfd {", "protocol bdf {"))
        is not None
    )
