"""Statements that are written by hand: Django's own can't say how far to read, nor along which index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Model
from django.db.models.sql import Query

from records.clock import as_moment
from records.paging import Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_WAYS = ("enable_seqscan", "enable_bitmapscan", "enable_sort")
_TO_INDEXES, _AS_BEFORE = (
    "SELECT " + ", ".join(each.format(way=way) for way in _WAYS)
    for each in (
        "set_config('mailbox.{way}', current_setting('{way}'), true), set_config('{way}', 'off', true)",
        "set_config('{way}', current_setting('mailbox.{way}'), true)",
    )
)
"""What keeps PostgreSQL to indexes, and what lets it go: outside of a transaction that ends with what is sent, too."""
_BETWEEN = ";\n"


Kind = TypeVar("Kind", bound=Model)
Rows = list[tuple[Any, ...]]


class Question(NamedTuple):
    """A statement that returns rows."""

    sql: str
    parameters: Sequence[Any] | None = ()
    """None: it is without, and a percent sign in it is one."""
    is_along: bool = False
    """PostgreSQL is kept from reading and sorting where an index has it in order: a walk ends early.

    What is read by bitmaps alone, as by an index of trigrams, or is to be sorted, must be asked without.
    """


def fetch(statement: str, parameters: Sequence[Any] | None = ()) -> Rows:
    """Execute a statement that returns rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def fetch_along(statement: str, parameters: Sequence[Any] | None = ()) -> Rows:
    """Do so, but along indexes: see `Question.is_along`."""
    (rows,) = fetch_together(Question(statement, parameters, is_along=True))
    return rows


def fetch_together(*questions: Question) -> list[Rows]:
    """Ask several questions at once, and return the rows of each.

    PostgreSQL gets them as one, so that there is one answer to wait for: in a page that takes longer than to find most
    of what is asked. Outside of a transaction they are one of their own.
    """
    if connection.vendor != "postgresql":
        return [fetch(question.sql, question.parameters) for question in questions]
    statements, places = _line_up(questions)
    if not places:
        return []
    found = []
    parameters = [each for question in questions for each in question.parameters or ()]
    with connection.cursor() as cursor:
        cursor.execute(_BETWEEN.join(statements), parameters)
        for place in range(places[-1] + 1):
            if place:
                cursor.nextset()
            if place in places:
                found.append(list(cursor.fetchall()))
    return found


def _line_up(questions: Iterable[Question]) -> tuple[list[str], list[int]]:
    """Return the statements that questions take, and which of them are theirs."""
    statements: list[str] = []
    places = []
    is_kept = False
    for question in questions:
        if question.is_along != is_kept:
            is_kept = question.is_along
            statements.append(_TO_INDEXES if is_kept else _AS_BEFORE)
        places.append(len(statements))
        # All of them are read for parameters.
        statements.append(question.sql if question.parameters is not None else question.sql.replace("%", "%%"))
    return [*statements, _AS_BEFORE] if is_kept else statements, places


def take_apart(sent: str) -> list[Question]:
    """Return the questions that were sent as one, with their parameters written into them: to see how each is done."""
    is_kept = False
    found = []
    for statement in sent.split(_BETWEEN):
        if statement in {_TO_INDEXES, _AS_BEFORE}:
            is_kept = statement == _TO_INDEXES
        else:
            found.append(Question(statement, None, is_along=is_kept))
    return found


def columns_of(model: type[Model], table: str = "") -> str:
    """List the columns of a table, for `as_models`. `table`: the name that stands before each, if one is needed."""
    before = f"{table}." if table else ""
    return ", ".join(f"{before}{field.column}" for field in model._meta.concrete_fields)  # noqa: SLF001  # as below


def as_models(model: type[Kind], rows: Rows) -> list[Kind]:
    """Read rows of all `columns_of` a table, as Django does."""
    fields = model._meta.concrete_fields  # noqa: SLF001  # a public interface, its name notwithstanding
    compiler = Query(model).get_compiler(connection=connection)
    converters = compiler.get_converters([field.cached_col for field in fields])
    read = compiler.apply_converters(rows, converters) if converters else rows
    names = [field.attname for field in fields]
    return [model.from_db(connection.alias, names, row) for row in read]


def as_positions(rows: Rows) -> list[Position]:
    """Read rows of times and ids."""
    return [Position(as_moment(moment), record_id) for moment, record_id in rows]
