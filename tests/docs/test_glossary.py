"""GLOSSARY.md: each word once, in order, with something that the code has."""

import re
from importlib import import_module

import pytest
from tools.pages import DOCS

ROOT = DOCS.parent
ROWS = re.findall(
    r"^\| ([a-z -]+) \| (.+) \| `([\w.]+)` \|$", (ROOT / "GLOSSARY.md").read_text(encoding="utf-8"), re.M
)


def test_the_words_stand_once_each_and_in_order() -> None:
    words = [word for word, _, _ in ROWS]
    assert len(words) >= 25
    assert words == sorted(set(words))


@pytest.mark.parametrize(("word", "meaning", "name"), ROWS)
def test_each_word_is_one_sentence_and_names_what_the_code_has(word: str, meaning: str, name: str) -> None:
    assert meaning.endswith(".") and ". " not in meaning, word
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(module), attribute), name


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_pages_for_developers_lead_to_the_glossary(page: str) -> None:
    assert "](GLOSSARY.md)" in (ROOT / page).read_text(encoding="utf-8")
