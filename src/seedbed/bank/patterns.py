"""Ids and names of template accounts: the pattern of each template, and whether any two ids are equal.

A template has up to 10^8 accounts, so equal ids are computed from the patterns, without listing ids.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from seedbed.bank.classify import Kinds
from seedbed.bank.grammar import render_account_pattern, split_account_pattern
from seedbed.bank.model import AccountTemplate, Bank
from seedbed.bank.text import quote

__all__ = [
    "DEFAULT_CUSTOMERS",
    "DEFAULT_OTHERS",
    "PLANT_ACCOUNTS",
    "Collision",
    "account_patterns",
    "default_account_counts",
    "id_collisions",
]

PLANT_ACCOUNTS = 10
DEFAULT_CUSTOMERS = 20
DEFAULT_OTHERS = 5
MAX_ALIKE = 1_500
MAX_COMPARED = 300_000
ANY_COUNT = 10**11  # More than any number of accounts, for patterns that must differ whatever the counts are.

FREE = "\0"  # Stands for one digit of a number. No id can hold this character.
DIGITS = "0123456789"

CUSTOMER_ID, CUSTOMER_NAME = "cust-{n:03d}", "Customer {n}"
ROLE_ID, ROLE_NAME = "{role}-{n:03d}", "{role} {n}"


def _customers(bank: Bank) -> list[AccountTemplate]:
    """The templates of customers, in the file's order."""
    kinds = Kinds(bank)
    return [template for template in bank.account_templates if kinds.of_role(template).name == "customer_dda"]


def default_account_counts(bank: Bank) -> dict[str, int]:
    """Baseline accounts per template role: the bank file's, else 20 customers or 5 others."""
    customers = {template.role for template in _customers(bank)}
    counts = {t.role: DEFAULT_CUSTOMERS if t.role in customers else DEFAULT_OTHERS for t in bank.account_templates}
    return {role: bank.baseline.accounts.get(role, count) for role, count in counts.items()}


@dataclass(frozen=True)
class _Ids:
    """The ids of one pattern in folded case: `before`, a number from 1 to `last` padded to `width`, `after`."""

    before: str
    width: int
    after: str
    last: int

    @property
    def alike(self) -> str:
        """The text with every run of digits as one `#`. Patterns can share an id only if this is equal."""
        return re.sub(r"[0-9]+", "#", f"{self.before}0{self.after}")

    def forms(self) -> Iterator["_Form"]:
        """The ids, grouped by the number of digits of their number."""
        shortest = max(1, self.width)
        for digits in range(shortest, max(shortest, len(str(self.last))) + 1):
            least = 1 if digits == shortest else 10 ** (digits - 1)
            text = f"{self.before}{FREE * digits}{self.after}"
            yield _Form(
                text=text, start=len(self.before), digits=digits, least=least, greatest=min(self.last, 10**digits - 1)
            )

    def number_of(self, account_id: str) -> int | None:
        """The number that makes this id (in folded case). None if no number does."""
        middle = len(account_id) - len(self.before) - len(self.after)
        if middle < 1 or not account_id.startswith(self.before) or not account_id.endswith(self.after):
            return None
        digits = account_id[len(self.before) : len(self.before) + middle]
        if not re.fullmatch(r"[0-9]{1,12}", digits) or not 1 <= int(digits) <= self.last:
            return None
        return int(digits) if f"{int(digits):0{self.width}d}" == digits else None


def _ids(pattern: str, role: str, last: int) -> _Ids | None:
    """The ids of a pattern. None if it does not have exactly one `{n}`, which another rule reports."""
    parts = split_account_pattern(pattern.casefold(), role.casefold())
    if len(parts) != 3:
        return None
    before, width, after = parts
    return _Ids(str(before), int(width), str(after), last)


@dataclass(frozen=True, kw_only=True)
class _Form:
    """Ids of one length. `text` has FREE for each of the `digits` digits of a number from `least` to `greatest`."""

    text: str
    start: int
    digits: int
    least: int
    greatest: int


def _common_id(left: _Ids, right: _Ids) -> str | None:
    """An id that both patterns make, or None. The answer is exact, although no ids are listed."""
    if not (left.before.startswith(right.before) or right.before.startswith(left.before)):
        return None
    if not (left.after.endswith(right.after) or right.after.endswith(left.after)):
        return None
    others = {len(form.text): form for form in right.forms()}
    for form in left.forms():
        other = others.get(len(form.text))
        if other is not None and (found := _common_text(form, other)):
            return found
    return None


def _common_text(left: _Form, right: _Form) -> str | None:
    """An id of both forms, which have the same length, or None.

    At some positions only one side has a digit of its number; this digit is then the other side's text. At others
    both sides have a digit of their number, and share it. Each number is (known digits, shared digits, known digits),
    and its range bounds the shared digits.
    """
    merged = ""
    for a, b in zip(left.text, right.text, strict=True):
        if a != b and not (a == FREE and b in DIGITS) and not (b == FREE and a in DIGITS):
            return None
        merged += b if a == FREE else a
    shared = merged.count(FREE)
    least, greatest = 0, 10**shared - 1
    for form in (left, right):
        stretch = merged[form.start : form.start + form.digits]
        known = int(stretch.replace(FREE, "0"))
        scale = 10 ** (len(stretch) - 1 - stretch.rfind(FREE)) if shared else 1
        least = max(least, -(-(form.least - known) // scale))
        greatest = min(greatest, (form.greatest - known) // scale)
    if least > greatest:
        return None
    return merged.replace(FREE * shared, f"{least:0{shared}d}", 1) if shared else merged


def account_patterns(bank: Bank) -> dict[str, tuple[str, str]]:
    """The (id pattern, name pattern) of each template role: the file's, else the defaults.

    The defaults of the first customer template are `cust-{n:03d}` and `Customer {n}`. All other defaults are made of
    the role, and so is the first one if its ids would equal ids of another template. Templates that repeat a role are
    left out, because a rule reports them.
    """
    templates = {t.role: t for t in reversed(bank.account_templates)}
    ordered = [t for t in bank.account_templates if templates[t.role] is t]
    customers = [t for t in _customers(bank) if templates[t.role] is t]
    first_id = next((t.role for t in customers if not t.instance_id_template), None)
    first_name = next((t.role for t in customers if not t.instance_name_template), None)
    ids = {t.role: t.instance_id_template for t in ordered if t.instance_id_template}
    own: dict[str, list[_Ids]] = defaultdict(list)
    for role, pattern in ids.items():
        made = _ids(pattern, role, ANY_COUNT)
        if made is not None:
            own[made.alike].append(made)
    # Two patterns of the form `text-{n:03d}` share an id only if their texts are the same.
    given: set[str] = set()
    for template in ordered:
        if template.role not in ids:
            options = [CUSTOMER_ID] if template.role == first_id else []
            options += [f"{kebab}-{{n:03d}}"] if (kebab := _kebab(template.role)) else []
            free = (p for p in options if p not in given and not _meets_any(p, template.role, own))
            ids[template.role] = next(free, ROLE_ID)
            given.add(ids[template.role])
    return {
        t.role: (
            ids[t.role],
            t.instance_name_template or (CUSTOMER_NAME if t.role == first_name else ROLE_NAME),
        )
        for t in ordered
    }


def _kebab(role: str) -> str:
    """`CustomerSubledger` as `customer-subledger`. Empty if the role has no letter or digit."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", role)
    return re.sub(r"[\W_]+", "-", spaced.lower()).strip("-")


def _meets_any(pattern: str, role: str, others: Mapping[str, list[_Ids]]) -> bool:
    ids = _ids(pattern, role, ANY_COUNT)
    return ids is None or any(_common_id(ids, other) for other in others.get(ids.alike, [])[:MAX_ALIKE])


@dataclass(frozen=True)
class Collision:
    """Template number `template` makes `account_id`, which is also `other` (text for a message)."""

    template: int
    account_id: str
    other: str


def id_collisions(bank: Bank, counts: Mapping[str, int]) -> Iterator[Collision]:
    """A collision for every template that shares an id with a declared account or another template, ignoring case.

    `counts` has the baseline accounts per template role. A declared account with the role of a template and exactly
    the id of one of its ten plant accounts is that plant account, and is not a collision.
    """
    patterns = account_patterns(bank)
    made: dict[int, _Ids] = {}
    seen: set[str] = set()
    for index, template in enumerate(bank.account_templates):
        ids = _ids(patterns[template.role][0], template.role, PLANT_ACCOUNTS + counts[template.role])
        if ids is not None and template.role not in seen:
            made[index] = ids
            seen.add(template.role)
    yield from _declared_collisions(bank, patterns, made)
    yield from _template_collisions(bank, made)


def _declared_collisions(
    bank: Bank, patterns: Mapping[str, tuple[str, str]], made: Mapping[int, _Ids]
) -> Iterator[Collision]:
    by_start: dict[str, list[int]] = defaultdict(list)
    for index, ids in made.items():
        by_start[ids.before].append(index)
    lengths = sorted({len(start) for start in by_start})
    for account in bank.accounts:
        folded = account.id.casefold()
        starts = (folded[:length] for length in lengths if length < len(folded))
        for index in (index for start in starts for index in by_start.get(start, ())):
            number = made[index].number_of(folded)
            if number is None:
                continue
            role = bank.account_templates[index].role
            plant = account.id == render_account_pattern(patterns[role][0], role, [number])[0]
            if not (plant and number <= PLANT_ACCOUNTS and account.role == role):
                yield Collision(index, account.id, "the id of a declared account")


def _template_collisions(bank: Bank, made: Mapping[int, _Ids]) -> Iterator[Collision]:
    """Two patterns can share an id only if the text before one's number begins with the text before the other's.

    In sorted order the prefixes of a text precede it directly, so a stack holds the prefixes of the current text.
    """
    stack: list[int] = []
    compared = 0
    for index in sorted(made, key=lambda index: (made[index].before, index)):
        while stack and not made[index].before.startswith(made[stack[-1]].before):
            stack.pop()
        compared += len(stack)
        if compared > MAX_COMPARED:
            alike = f"{made[index].before}1{made[index].after}"
            yield Collision(
                index, alike, "possibly an id of another template; there are too many similar ids to compare"
            )
            return
        for other in stack:
            if common := _common_id(made[index], made[other]):
                later, earlier = max(index, other), min(index, other)
                yield Collision(later, common, f"an id of the template {quote(bank.account_templates[earlier].role)}")
                break
        stack.append(index)
