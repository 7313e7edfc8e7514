"""Pure module: the addresses of one block: in use, free, cooling.

What holds of every :class:`BlockState`, and each function keeps:

- an address is in use by one attachment, or was freed, or was never in use: ``users`` and ``freed`` have no place
  in common;
- ``freed`` is in the order of the moments at which its addresses may be used again;
- :attr:`Counts.size` is the size of the block at any time: nothing is lost.

**Order.** Addresses that were never in use come first, each after the last one handed out, as in Coil; at the end
of the block it goes on at its start. Only then come freed ones, the longest freed first, never before their time.
So between two pods with the same address lies as much time as the block permits: what others know of the first (a
connection tracked, a policy, a neighbour entry) is as old as can be. Of addresses freed at the same moment, the
next after the last one handed out comes first.

**Time.** Moments are seconds of any clock that never goes back; it is the caller's.

**Cost.** No function looks at all addresses of a block, only at those that are or were in use; so a block may be a
whole /64.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from bifilar.pods.model import Address, Block, Key

_Value = TypeVar("_Value")

NEVER_COOLED = float("-inf")
"""Since when an address may be used that has not been in use."""


class Counts(NamedTuple):
    """How many addresses are in which state; an address of both families is one.

    Attributes:
        free: would be handed out now.
        used: belong to an attachment.
        cooling: will be free later.
        withheld: not in use, and not handed out at any time: reserved, or in a block that is reserved or closed.
    """

    free: int = 0
    used: int = 0
    cooling: int = 0
    withheld: int = 0

    @property
    def size(self) -> int:
        """All of them: as many as the blocks have addresses."""
        return self.free + self.used + self.cooling + self.withheld

    @classmethod
    def total(cls, parts: "Iterable[Counts]") -> "Counts":
        """Those of several blocks together."""
        return cls(*map(sum, zip(*parts, strict=True)))


@dataclass(frozen=True, slots=True)
class BlockState:
    """A block, and what became of its addresses. A *place* is an offset in the block.

    Never changed in place, the dictionaries neither.

    Attributes:
        block: whose addresses these are.
        size: how many it has.
        users: the attachments, by place.
        freed: from when on a place may be used again, the earliest first.
        last: the place that was handed out last; -1 at first.
        reserved: places that are never handed out.
        cool_until: from when on places may be handed out that are in neither ``users`` nor ``freed``.
        closed: nothing is handed out.
    """

    block: Block
    size: int
    users: dict[int, Key] = field(default_factory=dict)
    freed: dict[int, float] = field(default_factory=dict)
    last: int = -1
    reserved: frozenset[int] = frozenset()
    cool_until: float = NEVER_COOLED
    closed: bool = False

    @classmethod
    def of(
        cls, block: Block, reserved: Collection[Address] = (), cool_until: float = NEVER_COOLED
    ) -> "BlockState":
        """The state of a block without attachments.

        Args:
            block: any block.
            reserved: addresses that are never handed out; those of other blocks don't matter. One family suffices.
            cool_until: from when on its addresses may be used.
        """
        return cls(block, block.size, reserved=_places(block, reserved), cool_until=cool_until)

    def with_reserved(self, addresses: Collection[Address]) -> "BlockState":
        """The state when these are the addresses that are never handed out, instead of those before.

        One that is in use stays so, and is withheld when it is given up.
        """
        return replace(self, reserved=_places(self.block, addresses))

    @property
    def gives(self) -> bool:
        """Whether its addresses may be handed out at all."""
        return not (self.closed or self.block.reserved)

    @property
    def unreserved(self) -> int:
        """How many places it could hand out if none were in use or cooling."""
        return self.size - len(self.reserved)

    def next_place(self, now: float) -> int | None:
        """The place to hand out next; ``None`` if there is none at the moment."""
        if not self.gives:
            return None
        if self.cool_until <= now and (place := self._next_unused()) is not None:
            return place
        return self._next_freed(now)

    def taken(self, place: int, key: Key) -> "BlockState":
        """The state after a free place was handed out."""
        return replace(self, users=self.users | {place: key}, freed=_without(self.freed, place), last=place)

    def registered(self, place: int, key: Key) -> "BlockState":
        """The state after a place was found in use.

        In any order: the last one handed out is taken to be the highest of them.
        """
        return replace(self.taken(place, key), last=max(self.last, place))

    def released(self, place: int, until: float) -> "BlockState":
        """The state after a place in use was given up; it may be used again at ``until``."""
        freed = self.freed | {place: until}
        if self.freed and next(reversed(self.freed.values())) > until:
            freed = dict(sorted(freed.items(), key=lambda entry: entry[1]))
        return replace(self, users=_without(self.users, place), freed=freed)

    def counts(self, now: float) -> Counts:
        """The states of its addresses."""
        used = len(self.users)
        if not self.gives:
            return Counts(used=used, withheld=self.size - used)
        withheld = len(self.reserved - self.users.keys())
        cooling = sum(until > now for place, until in self.freed.items() if place not in self.reserved)
        if self.cool_until > now:
            cooling += self._unused_count()
        return Counts(self.size - used - withheld - cooling, used, cooling, withheld)

    def is_empty(self, now: float) -> bool:
        """Whether nothing is in use and nothing cools."""
        return (
            not self.users and self.cool_until <= now and all(until <= now for until in self.freed.values())
        )

    def ready_at(self) -> float | None:
        """From when on it has an address to hand out, maybe in the past; ``None``: not as things are."""
        if not self.gives:
            return None
        first = next((until for place, until in self.freed.items() if place not in self.reserved), None)
        if not self._unused_count():
            return first
        return self.cool_until if first is None else min(first, self.cool_until)

    def _unused_count(self) -> int:
        """How many places are in neither ``users`` nor ``freed``, and not reserved."""
        reserved = sum(place not in self.users and place not in self.freed for place in self.reserved)
        return self.size - len(self.users) - len(self.freed) - reserved

    def _next_unused(self) -> int | None:
        if not self._unused_count():
            return None
        return next(
            place
            for place in self._places_after_last()
            if place not in self.users and place not in self.freed and place not in self.reserved
        )

    def _places_after_last(self) -> Iterator[int]:
        yield from range(self.last + 1, self.size)
        yield from range(self.last + 1)

    def _next_freed(self, now: float) -> int | None:
        earliest: float | None = None
        found: list[int] = []
        for place, until in self.freed.items():
            if until > now or (earliest is not None and until > earliest):
                break
            if place not in self.reserved:
                earliest = until
                found.append(place)
        return min(found, key=lambda place: (place - self.last - 1) % self.size, default=None)


def _places(block: Block, addresses: Collection[Address]) -> frozenset[int]:
    """Where addresses are in a block; those of other blocks are nowhere."""
    return frozenset(
        int(address) - int(prefix.network_address)
        for prefix in block.prefixes()
        for address in addresses
        if address in prefix
    )


def _without(places: dict[int, _Value], place: int) -> dict[int, _Value]:
    if place not in places:
        return places
    left = dict(places)
    del left[place]
    return left
