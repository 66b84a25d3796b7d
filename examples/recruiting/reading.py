"""The text of a CV, and the forms in which the model answers."""

from io import BytesIO
from typing import Annotated
from zipfile import ZipFile

from docx import Document
from fastapi import HTTPException
from pydantic import BaseModel, Field, create_model
from pypdf import PdfReader

MOST_BYTES = 5_000_000


class Resume(BaseModel):
    name: str
    email: str | None
    summary: str
    skills: list[str]
    experience: list[str]


Assessment = create_model("Assessment", score=(Annotated[int, Field(ge=1, le=10)], ...), summary=(str, ...))


def text_of(file: bytes) -> str:
    """The text of a PDF or DOCX. Raises HTTPException 413, 422."""
    if len(file) > MOST_BYTES:
        raise HTTPException(413, "The file is larger than 5 MB.")
    try:
        if file.startswith(b"%PDF"):
            text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(file)).pages[:30])
        elif sum(part.file_size for part in ZipFile(BytesIO(file)).infolist()) < 10 * MOST_BYTES:
            text = "\n".join(paragraph.text for paragraph in Document(BytesIO(file)).paragraphs)
        else:
            raise ValueError("unpacks to more than anybody writes")
    except Exception as error:  # whatever the libraries make of what isn't a CV
        raise HTTPException(422, "Only PDF and DOCX can be read. This is neither, or broken, or protected.") from error
    if not text.strip():
        raise HTTPException(422, "There is no text in the file. Is it a scan?")
    return text[:40_000]
