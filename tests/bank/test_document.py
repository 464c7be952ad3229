"""The YAML subset: what it takes as text, what it refuses, and that hostile files cost little."""

import pytest
import yaml

from seedbed.bank import document
from seedbed.bank.document import read_document


def rules(text: str) -> list[str]:
    return [problem.rule for problem in read_document(text, "f").problems]


def plain(text: str) -> object:
    read = read_document(text, "f")
    assert read.problems == []
    assert read.root is not None
    return read.root.plain()


@pytest.mark.parametrize(
    "scalar", ["NO", "10:30", "010", "1_000", "0x10", ".nan", "true", "2030-01-01", "1e400", "-0"]
)
def test_scalars_stay_text(scalar: str) -> None:
    assert plain(f"a: {scalar}") == {"a": scalar}


@pytest.mark.parametrize("scalar", ["", "~", "null"])
def test_plain_empty_scalars_are_none(scalar: str) -> None:
    assert plain(f"a: {scalar}") == {"a": None}


@pytest.mark.parametrize("scalar", ["''", '"~"', "'null'"])
def test_quoted_scalars_are_text(scalar: str) -> None:
    assert plain(f"a: {scalar}") == {"a": scalar[1:-1]}


def test_keys_that_elsewhere_are_one_number_stay_apart() -> None:
    assert plain("{1: a, 1.0: b, true: c, True: d}") == {"1": "a", "1.0": "b", "true": "c", "True": "d"}


def test_a_leading_byte_order_mark_is_skipped() -> None:
    assert plain("\ufeffa: b") == {"a": "b"}


def test_places_are_those_of_values_and_keys() -> None:
    read = read_document("a: 1\nb:\n  - x: y\n    'z': [p, 😀, q]\n", "f")
    assert read.locate(("b", 0, "z", 2)) == ((4, 17), ("b", 0, "z", 2))
    assert read.locate(("b", 0, "z", "q")) == ((4, 17), ("b", 0, "z", 2))
    assert read.locate(("b", 0, "z", "[key]")) == ((4, 5), ("b", 0, "z"))
    assert read.locate(("b", 0, "missing")) == ((3, 5), ("b", 0))


def test_several_problems_are_reported_at_once() -> None:
    text = "a: &x 1\nb: !t 2\na: 3\n<<: 4\n[k]: 5\n"
    assert rules(text) == [
        "yaml-anchor",
        "yaml-tag",
        "yaml-duplicate-key",
        "yaml-merge-key",
        "yaml-complex-key",
    ]


def test_what_hangs_on_an_unusable_key_leaves_no_trace() -> None:
    read = read_document("? {a: [1, 2]}\n: {b: {c: d}}\ne: f\n", "f")
    assert read.root is not None
    assert read.root.plain() == {"e": "f"}


ALIAS_BOMB = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(2_000))
MERGE_BOMB = "m0: &m0 {a: b}\n" + "".join(f"m{n}: &m{n}\n  <<: [*m{n - 1}, *m{n - 1}]\n" for n in range(1, 23))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[" * 500, "yaml-too-deep"),
        ("[" * 200_000, "yaml-too-deep"),
        ("{" * 200_000, "yaml-too-deep"),
        ("- " * 200_000, "yaml-too-deep"),
        ("? " * 200_000, "yaml-too-deep"),
        ("a: [" * 200_000, "yaml-too-deep"),
        ("- a\n" * 500_000, "yaml-too-large"),
        ("- [a, a, a, a, a, a, a, a, a]\n" * 50_000, "yaml-too-large"),
        ("[" + "a," * 1_000_000 + "]", "yaml-too-large"),
        ("a: " + "x" * 1_000_000, "yaml-long-text"),
        ("x" * (4 * 1024 * 1024 + 1), "file-too-large"),
        (ALIAS_BOMB, "yaml-too-many-problems"),
        (MERGE_BOMB, "yaml-merge-key"),
        ("a: &a [*a]", "yaml-alias"),
        ("&a [*a]", "yaml-alias"),
        ("a: !!set {b, c}", "yaml-tag"),
        ("a: !!binary aGk=", "yaml-tag"),
        ("a: !!python/object/apply:os.system [id]", "yaml-tag"),
        ("a: 1\n...\n---\nb: 2\n", "yaml-second-document"),
        ('a: "\\ud800"', "yaml-syntax"),
        ("a: \ud800", "yaml-character"),
        ("a: b\0", "yaml-character"),
        ('a: "\\u202e"', "yaml-character"),
        ('a: "\\u2066"', "yaml-character"),
        ('a: "\\u2028"', "yaml-character"),
        ('a: "b\\ufeff"', "yaml-character"),
        ('"\\e": b', "yaml-character"),
        ("a: \u202e", "yaml-character"),
        ("\ta: b", "yaml-syntax"),
        ("%YAML 9.9\n--- a", "yaml-syntax"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else None,
)
def test_hostile_text_is_refused(text: str, rule: str) -> None:
    assert rule in rules(text)


def test_the_scanner_in_python_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: 1\nb:\n  - {x: y, z: [p, 😀, q]}\n? [k]\n: v\nc: &d !e f\n"
    in_c = read_document(text, "f")
    monkeypatch.setattr(document, "LOADER", yaml.SafeLoader)
    in_python = read_document(text, "f")
    assert in_python == in_c
    assert rules("[" * 2_000) == ["yaml-too-deep"]
