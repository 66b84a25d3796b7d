"""The operator's books, as one process holds them: the database, and what is kept in memory beside it.

The composition root that the API, the command line and the in-process client share. Only here and in those are
transactions opened.
"""

from tollkeeper.books.agreeing import Stood
from tollkeeper.books.holding import Holding
from tollkeeper.books.keeping import Keeping
from tollkeeper.books.recording import Recording
from tollkeeper.books.selling import Selling

__all__ = ["Books", "Stood"]


class Books(Recording, Holding, Selling, Keeping):
    """One process's view of the operator's books: `Books(settings, database)`."""

    __slots__ = ()
