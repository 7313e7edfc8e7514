"""Edge module: what is written down about a lab, so that any later process can use or remove it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bifilar.errors import LabError
from bifilar.lab.places import Places

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class State:
    """A lab, as written down.

    Attributes:
        name: of the lab.
        devices: the names of all devices whose namespaces are this lab's own. Written before any of them is made.
        templates: templates of the operator's that it was rendered with, by name.
        management_kind: kind of device that holds management addresses: ``dummy``, or what stands in for it.
        notes: what else differs from a real machine, or was refused by this kernel.
        build_s: how long building took in seconds; ``None`` until it is done.
        converged_s: from the start of the first daemon until every route was everywhere; ``None`` if unknown.
    """

    name: str
    devices: tuple[str, ...]
    templates: Mapping[str, str] = field(default_factory=dict)
    management_kind: str = "dummy"
    notes: tuple[str, ...] = ()
    build_s: float | None = None
    converged_s: float | None = None


def save(places: Places, state: State) -> None:
    """Write the state; whoever reads sees the old or the new one, never a half."""
    temporary = places.state.with_suffix(".new")
    temporary.write_text(json.dumps({"format": _FORMAT, **asdict(state)}, indent=1))
    temporary.replace(places.state)


def load(places: Places) -> State | None:
    """The state; ``None`` if there is no lab, or ``up`` was killed before it made anything else.

    Raises:
        LabError: another version of this program wrote it.
    """
    try:
        content: dict[str, Any] = json.loads(places.state.read_text())
    except FileNotFoundError:
        return None
    written = content.pop("format", None)
    if written != _FORMAT:
        raise LabError(
            places.lab,
            f"its state has format {written}, not {_FORMAT}",
            "remove it with the version that made it",
        )
    return State(**{**content, "devices": tuple(content["devices"]), "notes": tuple(content["notes"])})


def update(places: Places, **changes: Any) -> None:
    """Change what is written down, if the lab is still there. The caller holds its lock."""
    state = load(places)
    if state is not None:
        save(places, replace(state, **changes))
