"""The content of a page before layout: turns a sheet and a state into texts, cells and links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from seedbed.dashboard.charts import Chart
from seedbed.dashboard.figures import NUMERIC, shown
from seedbed.dashboard.glossary import explained
from seedbed.dashboard.ledger import VALUE, Kind, OpenLedger, Scalar
from seedbed.dashboard.selection import PAGE_ROWS, Answer, Page, Row, Selection
from seedbed.dashboard.sheets import App, Figure, Sheet, SheetColumn
from seedbed.dashboard.state import FILTERS, State
from seedbed.money import CURRENCY

__all__ = [
    "Cell",
    "FormField",
    "Head",
    "Number",
    "SheetContent",
    "account_day_link",
    "cell",
    "first_number",
    "sheet_content",
    "sheet_path",
]

STATEMENT = "/l1/daily-statement"
MAX_CHOICES = 300


@dataclass(frozen=True)
class Cell:
    """One cell of a table. `numeric` aligns it right; `tone` names its mark."""

    text: str
    numeric: bool = False
    link: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Head:
    """The head of a column, with the explanation of its term."""

    title: str
    explanation: str
    numeric: bool


@dataclass(frozen=True, kw_only=True)
class Number:
    """A figure at the head of a sheet. `tone` is `healthy`, `wrong` or empty; `unit` is the currency of money."""

    title: str
    text: str
    explanation: str
    unit: str = ""
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class FormField:
    """A filter in the form of a page; `applies` tells whether this sheet uses it."""

    name: str
    title: str
    value: str
    applies: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SheetContent:
    """The whole content of a sheet's page."""

    app: App
    sheet: Sheet
    state: State
    numbers: Sequence[Number]
    verdict: Sequence[Number]
    chart: Chart | None
    heads: Sequence[Head]
    lines: Sequence[Sequence[Cell]]
    size: int
    page: Page
    fields: Sequence[FormField]
    links: Mapping[str, str]
    note: str = ""
    names_nothing: bool = False

    @property
    def terms(self) -> dict[str, str]:
        """The explanation of each term on the page."""
        terms: list[Number | Head] = [*self.numbers, *self.verdict, *self.heads]
        return {term.title: term.explanation for term in terms}

    @property
    def is_healthy(self) -> bool:
        """Whether the sheet lists exceptions and has none."""
        return self.size == 0 and self.sheet.is_about_exceptions and not self.names_nothing

    @property
    def nothing(self) -> str:
        """The sentence that explains an empty table of a sheet that should have rows."""
        is_filtered = any(field.applies and field.value for field in self.fields)
        return "No row fits the filters." if is_filtered and not self.sheet.chosen else self.sheet.nothing

    @property
    def last(self) -> int:
        """The number of the last row on this page."""
        return self.page.first + len(self.lines) - 1


def sheet_path(app: App, sheet: Sheet) -> str:
    """The path of a sheet's page."""
    return f"/{app.slug}/{sheet.slug}"


def account_day_link(state: State, account: Scalar, day: Scalar) -> str:
    """The link to the page of an account on a day."""
    return state.link("/account-day", {"of": str(account), "day": str(day)})


def sheet_content(
    source: OpenLedger, app: App, sheet: Sheet, state: State, *, limit: int = PAGE_ROWS
) -> SheetContent:
    """The content of a sheet in a state. Raises `InputError` for a cursor that this sheet did not write."""
    selection = Selection(source, sheet, state)
    page = selection.page(limit)
    lies_over = state.answer_key and selection.has_answer_key
    answers = selection.answers(page.rows) if lies_over else []
    path = sheet_path(app, sheet)
    nothing = _names_nothing(selection) if selection.size == 0 else ""
    links = {
        "csv": state.link(f"{path}.csv"),
        "first": state.link(path) if page.first > 1 else "",
        "next": state.link(path, after=page.after, pick=state.pick) if page.after else "",
        "clear": State({}, answer_key=state.answer_key).link(path) if state.filters else "",
        "key": State(state.filters, not state.answer_key).link(path) if selection.has_answer_key else "",
    }
    return SheetContent(
        app=app,
        sheet=sheet,
        state=state,
        numbers=_numbers(selection),
        verdict=_judgement(selection) if lies_over else [],
        chart=None if selection.size == 0 else sheet.chart(selection),
        heads=_heads(sheet, lies_over),
        lines=[_line(selection, path, page.first + n, row, answers[n : n + 1]) for n, row in enumerate(page.rows)],
        size=selection.size,
        page=page,
        fields=list(_fields(selection)),
        links=links,
        note=nothing or _note(selection),
        names_nothing=bool(nothing),
    )


def _numbers(selection: Selection) -> list[Number]:
    figures = selection.sheet.figures
    return [_number(figure, value) for figure, value in zip(figures, selection.figures(), strict=True)]


def first_number(selection: Selection) -> Number:
    """The first figure of a sheet alone."""
    figure = selection.sheet.figures[0]
    return _number(figure, selection.first_figure())


def _number(figure: Figure, value: Scalar) -> Number:
    tone = ("wrong" if value else "healthy") if figure.exception else ""
    unit = "" if value is None else UNITS.get(figure.kind, "")
    return Number(
        title=figure.title, text=shown(value, figure.kind), explanation=explained(figure.title), unit=unit, tone=tone
    )


UNITS: Mapping[Kind, str] = {"money": CURRENCY}


def _judgement(selection: Selection) -> list[Number]:
    if not selection.is_of_views:
        return []
    listed, unlisted, missed = selection.judgement()
    numbers = [Number(title="Listed", text=shown(listed, "count"), explanation=explained("Listed"))]
    if selection.sheet.is_about_exceptions:
        tone = "wrong" if unlisted else "healthy"
        numbers.append(
            Number(title="Not listed", text=shown(unlisted, "count"), explanation=explained("Not listed"), tone=tone)
        )
    if missed is not None:
        tone = "wrong" if missed else "healthy"
        numbers.append(
            Number(title="Not found", text=shown(missed, "count"), explanation=explained("Not found"), tone=tone)
        )
    return numbers


def _heads(sheet: Sheet, lies_over: bool) -> list[Head]:
    heads = [Head(c.title, explained(c.title), c.kind in NUMERIC) for c in sheet.columns]
    return [*heads, Head("Answer key", explained("Answer key"), False)] if lies_over else heads


def _line(selection: Selection, path: str, number: int, row: Row, answers: Sequence[Answer | None]) -> list[Cell]:
    cells = []
    for column in selection.sheet.columns:
        link = _lead(selection, path, number, column, row)
        tone = "wrong" if column.exception and row[column.name] else ""
        cells.append(cell(row[column.name], column.kind, link, tone))
    return cells + [_verdict(answer) for answer in answers]


def cell(value: Scalar, kind: Kind, link: str = "", tone: str = "") -> Cell:
    """One value as a cell. Only the minus sign marks negative money."""
    return Cell(shown(value, kind), kind in NUMERIC, link if value is not None else "", tone)


def _lead(selection: Selection, path: str, number: int, column: SheetColumn, row: Row) -> str:
    state, value = selection.asked, row[column.name]
    match column.leads:
        case "account":
            return state.filtered(account=str(value)).link(STATEMENT)
        case "account_day":
            return account_day_link(state, row[column.account], value)
        case "transfer":
            return state.link("/transfer", {"id": str(value)})
        case "pick":
            return state.link(path, pick=selection.cursor(number, row), after=state.after) + "#drawing"
        case "key":
            return _evidence(state, row)
        case _:
            return ""


def _evidence(state: State, row: Row) -> str:
    """The link to the row that an exception's view key names: an account and day, or a leg."""
    if "/" in str(row["view_key"]):
        return account_day_link(state, row["account_id"], row["business_day"])
    return state.link("/leg", {"id": str(row["view_key"])})


def _verdict(answer: Answer | None) -> Cell:
    if answer is None:
        return Cell("not listed", tone="unlisted")
    if answer.plant_id == "baseline":
        return Cell(f"baseline: {shown(answer.kind, 'word')}", tone="baseline")
    label = "" if answer.label == "exception" else f" ({shown(answer.label, 'word')})"
    return Cell(f"{answer.plant_id}{label}", tone="planted")


def _fields(selection: Selection) -> list[FormField]:
    bank, state = selection.source.bank, selection.state
    roles = [*(a.role for a in bank.accounts if a.role), *(t.role for t in bank.account_templates)]
    choices = {
        "rail": _rails(selection),
        "role": sorted(dict.fromkeys(roles)),
        "account": [account.id for account in bank.accounts][:MAX_CHOICES],
    }
    fields = []
    for name, title in FILTERS.items():
        value = state.filters.get(name, "")
        text = value.isoformat() if isinstance(value, date) else value
        offered = choices.get(name, [])
        if text and offered and text not in offered:
            offered = [text, *offered]
        fields.append(
            FormField(
                name=name, title=title, value=text, applies=name in selection.sheet.where, choices=tuple(offered)
            )
        )
    return fields


def _rails(selection: Selection) -> list[str]:
    """The names that the sheet's rail filter offers."""
    bank = selection.source.bank
    templates = bank.transfer_templates if selection.sheet.names_templates else ()
    return sorted({declared.name for declared in (*bank.rails, *templates)})


def _names_nothing(selection: Selection) -> str:
    """The reason why no row can fit the filters: one of them names nothing that exists. Empty if all names exist."""
    filters, s = selection.state.filters, selection.source.sql
    start, end = filters.get("from"), filters.get("to")
    if start and end and str(start) > str(end):
        return f"No day fits: From ({start}) is later than To ({end})."
    if (rail := filters.get("rail")) and rail not in _rails(selection):
        return f"This bank has no rail {rail}."
    for name, column in (("account", "account_id"), ("role", "account_role")):
        if value := filters.get(name):
            views = [s.name(view) for view in ("current_transactions", "account_days")]
            text = "SELECT 1 FROM {view} WHERE {column} = {value} LIMIT 1"
            if not any(
                selection.source.rows(text.format(view=v, column=column, value=VALUE), [value]) for v in views
            ):
                return f"Nothing in this ledger has the {name} {value}."
    return ""


def _note(selection: Selection) -> str:
    """A note on filters that this sheet does not use, or on the account that it chose itself."""
    unknown = [FILTERS[name].lower() for name in selection.asked.filters if name not in selection.sheet.where]
    if unknown:
        return f"This sheet cannot filter by {' or '.join(unknown)}. The filter stays set for the other sheets."
    if selection.state is not selection.asked:
        return f"This is {selection.state.filters['account']}. To see another account, set the filter Account."
    return ""
