"""Pure module: all addresses that a node holds, and the attachments that use them.

What holds of every :class:`Holdings`, and each function keeps:

- no address belongs to two attachments, and every attachment's addresses are of a block of its pool;
- an attachment stands in ``leases`` if, and only if, it stands in the state of its block;
- over all blocks of a pool, free + used + cooling + withheld = the sum of the blocks' sizes (:class:`Counts`).

Nothing is changed in place, so one thread may read while another makes the next state; a short lock around
``holdings = holdings.free(...)`` is all that is needed. A new state copies the dictionary of attachments and that
of one block: some 20 us for 250 attachments.

Blocks with low indexes are filled first, though addresses of higher ones may have been free for longer: so high
blocks become empty, and can be given back.
"""

from collections.abc import Collection, Iterable, KeysView
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from bifilar.pods.model import Address, Attachment, Block, BlockName, Key, PoolName
from bifilar.pods.occupancy import NEVER_COOLED, BlockState, Counts


class RegistrationError(ValueError):
    """An attachment that contradicts what is held: foreign, incomplete or doubly used addresses."""


class BlockInUseError(ValueError):
    """A block can't go, as attachments use its addresses."""


class Lease(NamedTuple):
    """An attachment, and where its addresses are: the block, and the place in it."""

    attachment: Attachment
    block: BlockName
    place: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """The blocks of a node and the attachments on them. Never changed in place, the dictionaries neither.

    Attributes:
        states: of each block, by pool and index.
        leases: by key.
        reserved: addresses that are never handed out.
    """

    states: dict[BlockName, BlockState] = field(default_factory=dict)
    leases: dict[Key, Lease] = field(default_factory=dict)
    reserved: frozenset[Address] = frozenset()

    @classmethod
    def of(
        cls, blocks: Iterable[Block], *, reserved: Collection[Address] = (), cool_until: float = NEVER_COOLED
    ) -> "Holdings":
        """Blocks without attachments; those that exist are to be registered.

        Args:
            blocks: all that the node holds.
            reserved: addresses that are never handed out, also not from blocks that come later.
            cool_until: after a restart nobody knows which addresses were freed a moment ago. All that are not
                registered cool until then, strictly: if the node has no other addresses, none are handed out.
        """
        holdings = cls(reserved=frozenset(reserved))
        for block in blocks:
            holdings = holdings.with_block(block, cool_until)
        return holdings

    def with_block(self, block: Block, cool_until: float = NEVER_COOLED) -> "Holdings":
        """Hold a block too. If it is held already, what is known of its addresses stays; ``reserved`` may change.

        Raises:
            ValueError: another block with other addresses is held by this name.
        """
        held = self.states.get(block.name)
        if held is None:
            states = self.states | {block.name: BlockState.of(block, self.reserved, cool_until)}
            return replace(self, states=dict(sorted(states.items(), key=_by_pool_and_index)))
        if replace(held.block, reserved=block.reserved) != block:
            raise ValueError(f"{block.name} is held with other addresses: {held.block}, not {block}")
        return self._with_state(replace(held, block=block))

    def with_reserved(self, addresses: Collection[Address]) -> "Holdings":
        """Never hand out these addresses, but again those that were reserved before and aren't any more.

        One that is in use stays with its attachment, and is withheld when it is freed.

        Args:
            addresses: all that are reserved, of whatever pools; one family suffices.
        """
        reserved = frozenset(addresses)
        if reserved == self.reserved:
            return self
        states = {name: state.with_reserved(reserved) for name, state in self.states.items()}
        return replace(self, states=states, reserved=reserved)

    def without_block(self, name: BlockName) -> "Holdings":
        """Hold a block no more; one that isn't held changes nothing. Its cooling addresses are forgotten.

        Raises:
            BlockInUseError: attachments use it.
        """
        if name not in self.states:
            return self
        if users := self.states[name].users:
            raise BlockInUseError(
                f"{name} is used by {len(users)} attachments, {min(users.values())} among them"
            )
        return replace(self, states={each: state for each, state in self.states.items() if each != name})

    def allocate(self, key: Key, pool: PoolName, now: float) -> "tuple[Holdings, Attachment] | None":
        """Hand out an address of a pool.

        The same key again gets what it has, even if it asks for another pool now.

        Returns:
            The holdings afterwards, and the attachment; ``None`` if nothing is free at the moment.
        """
        if lease := self.leases.get(key):
            return self, lease.attachment
        for state in self._states(pool):
            place = state.next_place(now)
            if place is not None:
                attachment = Attachment(key, pool, state.block.addresses(place))
                return self._with_lease(state.taken(place, key), attachment, place), attachment
        return None

    def register(self, attachment: Attachment) -> "Holdings":
        """Note an attachment that exists, in whatever order; also on reserved addresses and in closed blocks.

        Raises:
            RegistrationError: its addresses are of no block of its pool, incomplete or another's, or its key has
                others.
        """
        if lease := self.leases.get(attachment.key):
            if lease.attachment == attachment:
                return self
            raise RegistrationError(
                f"{_words(attachment)}, but it has {_addresses(lease.attachment)} already"
            )
        for state in self._states(attachment.pool):
            place = state.block.offset(attachment.addresses)
            if place is None:
                continue
            if user := state.users.get(place):
                raise RegistrationError(
                    f"{_words(attachment)}, but {user.container} {user.interface} has it already"
                )
            return self._with_lease(state.registered(place, attachment.key), attachment, place)
        raise RegistrationError(
            f"{_words(attachment)}: not the whole of an address in any held block of pool {attachment.pool}"
        )

    def free(self, key: Key, until: float) -> "Holdings":
        """Give up an attachment; its address may be used again at ``until``. An unknown key changes nothing."""
        lease = self.leases.get(key)
        if lease is None:
            return self
        leases = dict(self.leases)
        del leases[key]
        return replace(self._with_state(self.states[lease.block].released(lease.place, until)), leases=leases)

    def closed(self, name: BlockName) -> "Holdings":
        """Hand out nothing of a block any more, as it is being given back. One that isn't held changes nothing."""
        return self._with_closed(name, closed=True)

    def reopened(self, name: BlockName) -> "Holdings":
        """Hand out addresses of a closed block again. One that isn't held changes nothing."""
        return self._with_closed(name, closed=False)

    def counts(self, pool: PoolName, now: float) -> Counts:
        """The states of all addresses that are held of a pool."""
        return Counts.total(state.counts(now) for state in self._states(pool))

    def blocks(self) -> tuple[Block, ...]:
        """All that are held, by pool and index."""
        return tuple(state.block for state in self.states.values())

    def closed_blocks(self) -> tuple[BlockName, ...]:
        """Those that are closed."""
        return tuple(name for name, state in self.states.items() if state.closed)

    def empty_blocks(self, pool: PoolName, now: float) -> tuple[BlockName, ...]:
        """Blocks with nothing in use and nothing cooling, by index: they may be given back.

        Closed ones are among them, reserved ones aren't: those stay with the node until somebody takes them away.
        """
        return tuple(
            state.block.name
            for state in self._states(pool)
            if not state.block.reserved and state.is_empty(now)
        )

    def ready_at(self, pool: PoolName) -> float | None:
        """From when on there is an address to hand out, maybe in the past; ``None``: not as things are."""
        moments = (state.ready_at() for state in self._states(pool))
        return min((moment for moment in moments if moment is not None), default=None)

    def attachment_of(self, key: Key) -> Attachment | None:
        """What is known by a key."""
        lease = self.leases.get(key)
        return lease.attachment if lease else None

    def keys(self) -> KeysView[Key]:
        """Of all attachments."""
        return self.leases.keys()

    def _states(self, pool: PoolName) -> Iterable[BlockState]:
        return (state for state in self.states.values() if state.block.pool == pool)

    def _with_state(self, state: BlockState) -> "Holdings":
        return replace(self, states=self.states | {state.block.name: state})

    def _with_lease(self, state: BlockState, attachment: Attachment, place: int) -> "Holdings":
        lease = Lease(attachment, state.block.name, place)
        return replace(self._with_state(state), leases=self.leases | {attachment.key: lease})

    def _with_closed(self, name: BlockName, *, closed: bool) -> "Holdings":
        state = self.states.get(name)
        return self if state is None else self._with_state(replace(state, closed=closed))


def _by_pool_and_index(entry: tuple[BlockName, BlockState]) -> tuple[PoolName, int]:
    block = entry[1].block
    return block.pool, block.index


def _addresses(attachment: Attachment) -> str:
    return ", ".join(str(address) for address in attachment.addresses.each()) or "no address"


def _words(attachment: Attachment) -> str:
    return f"{attachment.key.container} {attachment.key.interface} uses {_addresses(attachment)}"
