"""JSON by schema: valid for any prompt, filled with what the prompt says, always the same."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI
from pydantic import AwareDatetime, BaseModel, Field

from tollkeeper.simulator import Simulator
from tollkeeper.simulator.filling import filled, shaped

CV = """\
Mina Okafor
mina.okafor@mail.example · +49 30 901820 · https://mina.example

Summary
Backend engineer who builds payment services.

Skills
Python, PostgreSQL, Docker

Years of experience: 9
Level: senior

Experience
- Staff engineer at Acme, 2019 to 2026
- Engineer at Globex, 2016 to 2019
"""


PRINTED = """\
JANE DOE
Data scientist, London  |  jane@doe.example
PROFESSIONAL SUMMARY
Eight years in retail. Leads
small teams.
TECHNICAL SKILLS
Languages: Python, R
Tools: Spark
WORK EXPERIENCE
2020 to 2026: Lead scientist, Big Bank, London. Built a model that saves two million a
year.
2016 to 2020: Scientist, Shop Company, Leeds.
Education
Physics, Leeds
"""
"""As a PDF's text is read: without empty lines, broken where the page ends."""


class Post(BaseModel):
    title: str
    company: str


class Resume(BaseModel):
    name: str
    email: str
    phone: str | None
    summary: str
    skills: list[str]
    years_of_experience: int
    level: Literal["junior", "senior"]
    experience: list[Post]


def test_what_the_prompt_says_of_a_field_is_in_it() -> None:
    resume = Resume.model_validate(filled(Resume.model_json_schema(), 7, CV))
    assert resume.name == "Mina Okafor"
    assert (resume.email, resume.phone) == ("mina.okafor@mail.example", "+49 30 901820")
    assert resume.skills == ["Python", "PostgreSQL", "Docker"]
    assert (resume.years_of_experience, resume.level) == (9, "senior")
    assert resume.summary == "Backend engineer who builds payment services."
    assert len({post.title for post in resume.experience}) == len(resume.experience) == 3
    assert all(post.title.lower() in CV.lower() for post in resume.experience)


class Short(BaseModel):
    headline: str
    summary: str
    skills: list[str]
    experience: list[str]


def test_the_parts_of_a_document_are_told_apart() -> None:
    read = filled(Short.model_json_schema(), 7, PRINTED)
    assert read == {
        "headline": "Data scientist, London",
        "summary": "Eight years in retail. Leads small teams.",
        "skills": ["Python", "R", "Spark"],
        "experience": [
            "2020 to 2026: Lead scientist, Big Bank, London. Built a model that saves two million a year.",
            "2016 to 2020: Scientist, Shop Company, Leeds.",
        ],
    }
    spaced = "Experience\n\nLead, Bank\n- Saved a million\n\nScientist, Shop\n- Forecasts\n\nSkills\n- Python\n- R\n"
    read = filled(Short.model_json_schema(), 7, spaced)
    assert (read["experience"], read["skills"]) == (
        ["Lead, Bank; Saved a million", "Scientist, Shop; Forecasts"],
        ["Python", "R"],
    )
    again = filled(Short.model_json_schema(), 7, json.dumps(read))
    assert (again["experience"], again["skills"]) == (read["experience"], read["skills"])


def test_what_the_prompt_does_not_say_reads_like_an_answer_to_it() -> None:
    asked = {"type": "object", "properties": {"questions": {"type": "array", "minItems": 12}}}
    job = "Cook\nYou bake the bread of six shops. You lead a night shift of four."
    questions = filled(asked, 7, job)["questions"]
    assert len({*questions}) == 12
    assert all(each.startswith("“You ") and each.endswith("?") for each in questions)
    kinds = ["place_order", "ask_about_menu"]
    reply = {"type": "object", "properties": {"kind": {"enum": kinds}, "reply": {"type": "string"}}}
    assert filled(reply, 7, "What's on the menu?") == {
        "kind": "ask_about_menu",
        "reply": "“What's on the menu?” Let me look that up.",
    }
    assert filled(reply, 7, "Two coffees.") == {"kind": "place_order", "reply": "“Two coffees.” Noted. Is that all?"}
    summary = {"type": "object", "properties": {"summary": {"type": "string"}}}
    assert filled(summary, 7, job) == {"summary": "You bake the bread of six shops. You lead a night shift of four."}
    assert filled(summary, 7, " \n") == {"summary": "Nothing was said."}


def test_the_same_prompt_and_seed_give_the_same_document() -> None:
    schema = Resume.model_json_schema()
    assert shaped(schema, 7, CV) == shaped(schema, 7, CV)
    assert filled(schema, 7, CV)["experience"] != filled(schema, 8, CV)["experience"]


class Part(BaseModel):
    """Of a tree, which has no end."""

    label: str
    parts: list[Part]


class Strict(BaseModel):
    """Each field allows little."""

    few: Annotated[list[Annotated[str, Field(min_length=3, max_length=5)]], Field(min_length=2, max_length=2)]
    score: Annotated[int, Field(ge=1, le=10)]
    share: Annotated[float, Field(ge=0, lt=1)]
    above: Annotated[int, Field(gt=4)]
    count: Annotated[int, Field(ge=3)]
    below: Annotated[int, Field(lt=0, ge=-5)]
    mail: Annotated[str, Field(pattern=r"^\S+@\S+\.\S+$", json_schema_extra={"format": "email"})]
    at: AwareDatetime
    id: UUID
    nothing: None
    kind: Literal["a", "b"]
    either: int | list[str]
    fixed: Literal[3]
    yes: bool
    tree: Part


prompts = st.text(max_size=300) | st.sampled_from([CV, "Few: a, b, c, d\nScore: 99\nShare: 7\nAbove: 2\nCount\n1", ""])


@given(prompt=prompts, seed=st.integers(0, 9))
@pytest.mark.parametrize("kind", [Strict, Resume, Part])
def test_any_prompt_gives_a_valid_document(kind: type[BaseModel], prompt: str, seed: int) -> None:
    document = "".join(shaped(kind.model_json_schema(), seed, prompt))
    kind.model_validate_json(document)
    assert len(document) < 40_000


def test_through_the_real_package(openai: OpenAI, simulator: Simulator) -> None:
    messages: Any = [{"role": "system", "content": "Skills: none of these."}, {"role": "user", "content": CV}]
    answer = openai.chat.completions.parse(model="gpt-4o", messages=messages, response_format=Resume)
    assert answer.choices[0].message.parsed is not None
    assert answer.choices[0].message.parsed.skills == ["Python", "PostgreSQL", "Docker"]
    (bill,) = simulator.bills()
    said = answer.choices[0].message.content or ""
    assert bill.usage["completion_tokens"] == -(-len(said) // 4)
    assert json.loads(said)["name"] == "Mina Okafor"


def test_a_tools_arguments_and_responses_are_filled_too(openai: OpenAI) -> None:
    parameters = {"type": "object", "properties": {"skills": {"type": "array", "items": {"type": "string"}}}}
    tool: Any = {"type": "function", "function": {"name": "keep", "parameters": parameters}}
    ask: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": CV}], "tool_choice": "required"}
    (call,) = openai.chat.completions.create(**ask, tools=[tool]).choices[0].message.tool_calls or []
    assert json.loads(call.to_dict()["function"]["arguments"]) == {"skills": ["Python", "PostgreSQL", "Docker"]}  # type: ignore[index]
    answer = openai.responses.parse(model="gpt-4o", input=CV, text_format=Resume)
    assert answer.output_parsed is not None
    assert answer.output_parsed.email == "mina.okafor@mail.example"


def test_an_answer_may_leave_its_usage_out_and_is_billed(openai: OpenAI, simulator: Simulator) -> None:
    hello: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello."}]}
    simulator.script(tells_usage=False, times=3)
    assert openai.chat.completions.create(**hello).usage is None
    streamed = list(openai.chat.completions.create(**hello, stream=True, stream_options={"include_usage": True}))
    assert all(chunk.usage is None for chunk in streamed)
    assert openai.responses.create(model="gpt-4o", input="Hello.").usage is None
    assert [bill.cost is not None and bill.cost > 0 for bill in simulator.bills()] == [True] * 3
