"""The database: connections, transactions, named queries, migrations, the embedded server."""

from tollkeeper.db.arrays import array, text_array, word_array
from tollkeeper.db.epochs import Kept, bump_epoch, peek_epochs, read_epochs
from tollkeeper.db.migrate import Migration, migrate, migrations
from tollkeeper.db.pool import APP_ROLE, Again, Database, Tx
from tollkeeper.db.queries import Queries

__all__ = [
    "APP_ROLE",
    "Again",
    "Database",
    "Kept",
    "Migration",
    "Queries",
    "Tx",
    "array",
    "bump_epoch",
    "migrate",
    "migrations",
    "peek_epochs",
    "read_epochs",
    "text_array",
    "word_array",
]
