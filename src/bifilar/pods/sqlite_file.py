"""Edge module: an SQLite file of ours, shared by many processes that may be killed at any point.

**Killed.** The write-ahead log makes a transaction happen as a whole or not at all, and readers never wait for a
writer. ``synchronous=FULL``: what was committed is on the disk, so a block that a node was given stays its own.

**Threads.** A connection is lent to one call at a time and kept for the next one, so there are as many as there
were calls at once. One for each thread would be left open by every thread that ends; a single one behind a lock
would have readers wait while a writer waits for another process.

**Gone.** A connection to a file that somebody removed or replaced goes on working, on a file that nobody else
sees. So the file's identity is compared before each use, which takes microseconds.
"""

import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from bifilar.pods.store import StoreError, StoreUnavailableError

APPLICATION_ID = 0x62666C72
"""``bflr``, in the header of each of our files."""

_LASTING = frozenset(
    {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_NOTADB}
)
"""What waiting doesn't mend; a busy, locked, full, unreadable or missing file may come right by itself."""
_HINTS = {
    sqlite3.SQLITE_BUSY: "another process is writing for long: which one has the file open?",
    sqlite3.SQLITE_CANTOPEN: "see to the file's owner and permissions, and those of its directory",
    sqlite3.SQLITE_CORRUPT: "put back a copy; a new store gives away blocks that pods use: remove them first",
    sqlite3.SQLITE_FULL: "make room on the disk",
    sqlite3.SQLITE_NOTADB: "is it the right file?",
    sqlite3.SQLITE_READONLY: "see to the file's owner and permissions, and those of its directory",
}


class _Identity(NamedTuple):
    """Two paths, or two moments, with the same identity: the same file."""

    device: int
    inode: int


class _Opened(NamedTuple):
    """A connection that somebody may use, and how long it waits for others that write."""

    identity: _Identity
    connection: sqlite3.Connection
    timeout_s: float


class SqliteFile:
    """The file at a path, with tables of ours.

    Args:
        path: of the file; beside it SQLite keeps ``-wal`` and ``-shm``.
        version: of the tables.
        schema: statements that make the tables in an empty file.
    """

    def __init__(self, path: Path, version: int, schema: str) -> None:
        self._path = path
        self._version = version
        self._schema = schema
        self._idle: deque[_Opened] = deque()

    def make(self, timeout_s: float) -> None:
        """Make the file with its tables, unless it is there.

        Raises:
            StoreError: there is another file at the path, or none can be made.
        """
        with self._errors(), closing(self._connect("rwc", timeout_s)) as connection:
            if _is_empty(connection):
                connection.execute("PRAGMA journal_mode = WAL")
                with _transaction(connection, "IMMEDIATE"):
                    # Another process may have made them a moment ago.
                    if _is_empty(connection):
                        for statement in self._schema.split(";\n"):
                            connection.execute(statement)
                        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                        connection.execute(f"PRAGMA user_version = {self._version}")
            self._check(connection)

    @contextmanager
    def reading(self, timeout_s: float) -> Iterator[sqlite3.Connection]:
        """Everything that is read sees the file at one moment.

        Raises:
            StoreUnavailableError: the file can't be read in time.
            StoreError: it isn't a file of ours, or damaged.
        """
        with self._errors(), self._lent(timeout_s) as connection, _transaction(connection, "DEFERRED"):
            yield connection

    def glance(self, query: str, parameters: tuple[str, ...], timeout_s: float) -> list[Any]:
        """The rows of one query, which needs no transaction to be of one moment.

        Raises:
            StoreUnavailableError: the file can't be read in time.
            StoreError: it isn't a file of ours, or damaged.
        """
        with self._errors(), self._lent(timeout_s) as connection:
            return connection.execute(query, parameters).fetchall()

    @contextmanager
    def writing(self, timeout_s: float) -> Iterator[sqlite3.Connection]:
        """Nobody else writes meanwhile; it all happens, or nothing if there is an error.

        Raises:
            StoreUnavailableError: others kept writing, or the file can't be written.
            StoreError: it isn't a file of ours, or damaged.
        """
        # Immediately: a reader that becomes a writer fails at once where another has written in between.
        with self._errors(), self._lent(timeout_s) as connection, _transaction(connection, "IMMEDIATE"):
            yield connection

    def close(self) -> None:
        """Close connections that aren't lent; the next call opens another one."""
        while self._idle:
            with suppress(IndexError):  # lent to another thread in between
                self._idle.pop().connection.close()

    @contextmanager
    def _lent(self, timeout_s: float) -> Iterator[sqlite3.Connection]:
        lent = self._borrow(timeout_s)
        connection = lent.connection
        try:
            if lent.timeout_s != timeout_s:
                connection.execute(f"PRAGMA busy_timeout = {int(timeout_s * 1000)}")
                lent = lent._replace(timeout_s=timeout_s)
            yield connection
        except sqlite3.Error:
            # Its view of the file may be what is wrong.
            connection.close()
            raise
        except BaseException:
            self._idle.append(lent)
            raise
        else:
            self._idle.append(lent)

    def _borrow(self, timeout_s: float) -> _Opened:
        identity = self._identity()
        while self._idle:
            with suppress(IndexError):  # lent to another thread in between
                opened = self._idle.pop()
                if opened.identity == identity:
                    return opened
                opened.connection.close()
        connection = self._connect("rw", timeout_s)
        try:
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        return _Opened(identity, connection, timeout_s)

    def _connect(self, mode: str, timeout_s: float) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode={mode}",
            uri=True,
            timeout=timeout_s,
            isolation_level=None,
            check_same_thread=False,  # one thread at a time has it
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def _identity(self) -> _Identity:
        try:
            found = self._path.stat()
        except OSError as error:
            hint = "has the store been made, and is its file system mounted?"
            raise StoreUnavailableError(
                str(self._path), f"no store: {error.strerror}".lower(), hint
            ) from error
        return _Identity(found.st_dev, found.st_ino)

    def _check(self, connection: sqlite3.Connection) -> None:
        """See that the file is one of ours, complete and of our version."""
        if _is_empty(connection):
            raise StoreUnavailableError(
                str(self._path), "the store is being made", "make it again if this goes on"
            )
        if _pragma(connection, "application_id") != APPLICATION_ID:
            raise StoreError(str(self._path), "is an SQLite file of another program", "is it the right file?")
        version = _pragma(connection, "user_version")
        if version != self._version:
            hint = (
                "use the Bifilar that made it"
                if version > self._version
                else "remove its pods, and make a new one"
            )
            raise StoreError(
                str(self._path), f"has version {version} of the tables, not {self._version}", hint
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = (
                getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            )  # the rest says where it happened
            kind = StoreError if code in _LASTING else StoreUnavailableError
            raise kind(str(self._path), f"the store fails: {error}", _HINTS.get(code, "")) from error


def _is_empty(connection: sqlite3.Connection) -> bool:
    return _pragma(connection, "application_id") == 0 and connection.execute(
        "SELECT count(*) FROM sqlite_master"
    ).fetchone() == (0,)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):  # some errors have ended it already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
