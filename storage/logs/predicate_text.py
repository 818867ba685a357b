"""What a person types after ``--where`` or in the filter of a slice, read as predicates.

``origin = JFK and hour > 17``, ``17 < hour <= 20``, ``hour between 17 and 20`` (both included),
``dep_delay is missing``, ``carrier != "Delta Air"``, ``plan not in (free, basic)``. Names
and texts that are no plain word stand in double quotes.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from storage.errors import UsageError
from storage.logs.predicates import Kinds
from storage.records.slices import Predicate

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|(?P<sign><=|>=|<>|!=|==|=|<|>)|(?P<mark>[(),])"""
    r"""|(?P<bare>(?:[^\s"'`<>=!(),]|!(?!=))+))"""
)
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?inf")
_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_HINT = 'as in: origin = JFK and hour > 17, dep_delay is missing, 17 < hour <= 20, city = "New York"'


@dataclass(frozen=True, slots=True)
class _Token:
    """``kind`` is quoted, sign, mark or bare."""

    text: str
    kind: str

    def says(self, *words: str) -> bool:
        return self.kind in ("bare", "mark") and self.text.lower() in words


def parse(text: str, kinds: Kinds) -> tuple[Predicate, ...]:
    """The predicates of a condition.

    Args:
        kinds: the columns there are, and their kinds.

    Raises:
        UsageError: it can't be read, names no column, or asks of a column what its kind has not.

    >>> parse("17 < hour <= 20 and origin is not missing", {"hour": "number", "origin": "text"})
    (Predicate(column='hour', op='between', value=(17.0, 20.0)), Predicate(column='origin', op='!=', value=None))
    """
    reader = _Reader(text, _tokens(text), kinds)
    found = [*reader.condition()]
    while reader.more():
        if reader.take("or"):
            raise UsageError(f"{text!r}: a slice has no 'or'", "look at one side after the other")
        if not reader.take("and"):
            raise reader.broken(f"{reader.next().text!r} stands where 'and' was expected")
        found += reader.condition()
    return tuple(dict.fromkeys(found))


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise UsageError(f"{text!r} can't be read from {text[at:].strip()[:20]!r} on", _HINT)
        kind = match.lastgroup or ""
        found.append(_Token(match[kind], kind))
        at = match.end()
    return found


def _unquoted(token: _Token) -> str:
    if token.kind != "quoted":
        return token.text
    body = token.text[1:-1]
    return body if token.text[0] == "`" else re.sub(r"\\(?:x(..)|u(....)|U(.{8})|(.))", _unescaped, body, flags=re.S)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code is None:
        return {"n": "\n", "t": "\t", "r": "\r"}.get(match[4], match[4])
    try:
        return chr(int(code, 16))
    except (ValueError, OverflowError):
        return match[0]


class _Reader:
    """Walks over the tokens, condition by condition."""

    def __init__(self, text: str, tokens: Sequence[_Token], kinds: Kinds) -> None:
        self._text, self._tokens, self._kinds, self._at = text, tokens, kinds, 0

    def more(self) -> bool:
        return self._at < len(self._tokens)

    def broken(self, why: str) -> UsageError:
        return UsageError(f"{self._text!r}: {why}", _HINT)

    def next(self) -> _Token:
        if not self.more():
            raise self.broken("it ends too early")
        return self._tokens[self._at]

    def step(self) -> _Token:
        token = self.next()
        self._at += 1
        return token

    def take(self, *words: str) -> bool:
        if self.more() and self.next().says(*words):
            self._at += 1
            return True
        return False

    def condition(self) -> list[Predicate]:
        """One condition, or the two of a span."""
        first = self.step()
        ahead = self._tokens[self._at : self._at + 3]
        chained = len(ahead) == 3 and ahead[0].kind == ahead[2].kind == "sign" and ahead[0].text in _MIRROR
        if chained and (first.kind == "quoted" or _unquoted(first) not in self._kinds):
            sign, column, second, last = self.step(), self.column(self.step()), self.step(), self.step()
            if second.text not in _MIRROR or (sign.text[0] != second.text[0]):
                raise self.broken(f"{sign.text} and {second.text} make no span")
            return self.span(self.compared(column, _MIRROR[sign.text], first), self.compared(column, second.text, last))
        column = self.column(first)
        if self.take("is"):
            present = self.take("not")
            if not self.take("missing", "null", "nan"):
                raise self.broken("after 'is' stands 'missing' or 'not missing'")
            return [Predicate(column, "!=") if present else Predicate(column, "missing")]
        if self.take("between"):
            low = self.step()
            if not self.take("and"):
                raise self.broken("between takes two values: between 17 and 20")
            return self.span(self.compared(column, ">=", low), self.compared(column, "<=", self.step()))
        if self.take("not"):
            return [self.none_of(column)]
        if self.next().says("in"):
            raise UsageError(f"{self._text!r}: a slice takes one value", "use =, or look at one value after the other")
        if self.next().kind != "sign":
            raise self.broken(f"after {column!r} stands {self.next().text!r}, not =, !=, <, <=, >, >= or is")
        sign = self.step()
        return [self.compared(column, sign.text, self.step())]

    def column(self, token: _Token) -> str:
        wanted = _unquoted(token)
        if token.kind not in ("bare", "quoted"):
            raise self.broken(f"{token.text!r} stands where a column was expected")
        if wanted in self._kinds:
            return wanted
        alike = [name for name in self._kinds if name.lower() == wanted.lower()]
        if len(alike) == 1:
            return alike[0]
        near = difflib.get_close_matches(wanted, self._kinds, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(list(self._kinds)[:20])}"
        raise UsageError(f"{self._text!r}: there is no column {wanted!r}", hint)

    def none_of(self, column: str) -> Predicate:
        if not self.take("in") or not self.take("("):
            raise self.broken("after 'not' stands in (..., ...)")
        values: list[str] = []
        while not self.take(")"):
            values.append(_unquoted(self.step()))
            if not self.take(",") and not self.next().says(")"):
                raise self.broken("values of a list are parted by commas")
        return Predicate(column, "other", tuple(values))

    def span(self, one: Predicate, other: Predicate) -> list[Predicate]:
        """Two bounds as (low, high], where both are such bounds."""
        by_op = {one.op: one, other.op: other}
        if set(by_op) == {">", "<="}:
            low, high = by_op[">"].value, by_op["<="].value
            if isinstance(low, float) and isinstance(high, float):
                return [Predicate(one.column, "between", (low, high))]
            if isinstance(low, str) and isinstance(high, str):
                return [Predicate(one.column, "between", (low, high))]
        return [one, other]

    def compared(self, column: str, sign: str, token: _Token) -> Predicate:
        """A comparison with one value, as the kind of the column takes it."""
        kind = self._kinds[column]
        if token.kind not in ("bare", "quoted"):
            raise self.broken(f"{token.text!r} stands where a value was expected")
        value = _unquoted(token)
        if sign in ("=", "==", "!=", "<>"):
            op: Literal["=", "!="] = "=" if sign in ("=", "==") else "!="
            if kind == "time":
                raise self.broken(f"{column!r} holds times, which are asked for by > and <=")
            if kind == "boolean":
                if value.lower() not in ("true", "false", "1", "0"):
                    raise self.broken(f"{column!r} is true or false, not {value!r}")
                return Predicate(column, op, "true" if value.lower() in ("true", "1") else "false")
            return Predicate(column, op, self.number(column, value) if kind == "number" else value)
        if kind == "number":
            number = self.number(column, value)
            if sign == "<" and number == -math.inf:
                raise self.broken("nothing lies below -inf")
            return _bound(column, sign, number)
        if kind == "time":
            return _moment_bound(column, sign, self.moment(column, value))
        raise self.broken(f"{column!r} holds {'texts' if kind == 'text' else 'true and false'}, which have no order")

    def number(self, column: str, value: str) -> float:
        if not _NUMBER.fullmatch(value):
            raise self.broken(f"{column!r} holds numbers, and {value!r} is none")
        return float(value)

    def moment(self, column: str, value: str) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise self.broken(f"{column!r} holds times, and {value!r} is none (2026-11-23T03:00)") from None
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _bound(column: str, sign: str, value: float) -> Predicate:
    """``<`` and ``>=`` as the next double below says them; every bound keeps to numbers that are not missing."""
    if sign in ("<=", ">"):
        return Predicate(column, "<=" if sign == "<=" else ">", value)
    if value == -math.inf:  # everything lies there
        return Predicate(column, "!=")
    return Predicate(column, "<=" if sign == "<" else ">", math.nextafter(value, -math.inf))


def _moment_bound(column: str, sign: str, moment: datetime) -> Predicate:
    if sign in ("<", ">="):
        moment -= timedelta(microseconds=1)
    return Predicate(column, "<=" if sign in ("<", "<=") else ">", moment.isoformat())
