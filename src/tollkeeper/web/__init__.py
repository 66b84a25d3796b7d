"""The pages and widgets as they are served: built files, with the headers that keep them safe."""

from tollkeeper.web.embedding import Embedding
from tollkeeper.web.files import STATIC, Files
from tollkeeper.web.pages import pages

__all__ = ["STATIC", "Embedding", "Files", "pages"]
