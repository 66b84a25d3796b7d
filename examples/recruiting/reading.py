"""What comes out of files and models: the text of a CV, and the forms in which the model answers."""

from __future__ import annotations

from io import BytesIO
from typing import Annotated, Any
from zipfile import ZipFile

from docx import Document
from pydantic import BaseModel, Field, create_model
from pypdf import PdfReader

MOST_BYTES = 5_000_000
_MOST_UNPACKED = 50_000_000
_MOST_PAGES = 30
_MOST_LETTERS = 40_000


class Unreadable(Exception):
    """A file that no text can be had from; the message is for whoever uploaded it."""


class Post(BaseModel):
    title: str
    company: str


class Resume(BaseModel):
    name: str
    email: str | None
    phone: str | None
    summary: str
    skills: list[str]
    experience: list[Post]


class Assessment(BaseModel):
    score: Annotated[int, Field(ge=1, le=10)]
    summary: str


def questions(number: int) -> type[Any]:
    """The form of so many interview questions."""
    exactly = Annotated[list[str], Field(min_length=number, max_length=number)]
    return create_model("Questions", questions=(exactly, ...))


def text_of(file: bytes) -> str:
    """The text of a PDF or DOCX. Raises Unreadable."""
    if len(file) > MOST_BYTES:
        raise Unreadable("The file is larger than 5 MB.")
    try:
        text = _pdf(file) if file.startswith(b"%PDF") else _docx(file) if file.startswith(b"PK") else None
    except Unreadable:
        raise
    except Exception as error:  # whatever a broken file makes of the libraries
        raise Unreadable("The file is broken or protected, so it can't be read.") from error
    if text is None:
        raise Unreadable("Only PDF and DOCX can be read.")
    if not text.strip():
        raise Unreadable("There is no text in the file. Is it a scan?")
    return text[:_MOST_LETTERS]


def _pdf(file: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(file)).pages[:_MOST_PAGES])


def _docx(file: bytes) -> str:
    with ZipFile(BytesIO(file)) as parts:
        if sum(part.file_size for part in parts.infolist()) > _MOST_UNPACKED:
            raise Unreadable("The file unpacks to more than 50 MB.")
    document = Document(BytesIO(file))
    cells = [cell.text for table in document.tables for line in table.rows for cell in line.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])
