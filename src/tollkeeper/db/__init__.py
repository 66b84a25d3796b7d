"""The database: connections, transactions, named queries, migrations, the embedded server."""

from tollkeeper.db.arrays import array, text_array, word_array
from tollkeeper.db.epochs import Kept, ask_epochs, bump_epoch, epochs_in, peek_epochs, read_epochs
from tollkeeper.db.hints import Touched
from tollkeeper.db.migrate import Migration, migrate, migrations
from tollkeeper.db.outbox import Fact, PublishedFact, ask_facts, list_facts, publish
from tollkeeper.db.pool import APP_ROLE, LISTENER, READER_ROLE, Again, Asked, Database, Locked, Tx
from tollkeeper.db.queries import Queries

__all__ = [
    "APP_ROLE",
    "LISTENER",
    "READER_ROLE",
    "Again",
    "Asked",
    "Database",
    "Fact",
    "Kept",
    "Locked",
    "Migration",
    "PublishedFact",
    "Queries",
    "Touched",
    "Tx",
    "array",
    "ask_epochs",
    "ask_facts",
    "bump_epoch",
    "epochs_in",
    "list_facts",
    "migrate",
    "migrations",
    "peek_epochs",
    "publish",
    "read_epochs",
    "text_array",
    "word_array",
]
