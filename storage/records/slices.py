"""What a slice is: a conjunction of predicates on the columns of a log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Op = Literal["=", "!=", "<=", ">", "between", "missing", "other"]
Value: TypeAlias = str | float | tuple[float, float] | tuple[str, ...] | None
OPS: tuple[Op, ...] = ("=", "!=", "<=", ">", "between", "missing", "other")


@dataclass(frozen=True, slots=True)
class Predicate:
    """One condition on one column. A row whose cell is missing (null or NaN) fulfils ``missing`` and no other one.

    Attributes:
        op: ``between`` is (low, high]; ``other`` is a value that is none of those given; ``!=`` without a value is
            any value at all.
        value: a text for text and boolean columns (``"true"``, ``"false"``); a number for number columns; an ISO text
            in UTC for time columns; a pair for ``between``; texts for ``other``; None for ``missing``.
    """

    column: str
    op: Op
    value: Value = None

    @property
    def one(self) -> str | float:
        """The one value of a comparison."""
        if not isinstance(self.value, str | float | int):
            raise self._malformed()
        return self.value

    @property
    def bounds(self) -> tuple[Predicate, Predicate]:
        """``between`` as its two comparisons, ``>`` and ``<=``."""
        if not isinstance(self.value, tuple) or len(self.value) != 2:
            raise self._malformed()
        return Predicate(self.column, ">", self.value[0]), Predicate(self.column, "<=", self.value[1])

    @property
    def several(self) -> tuple[str, ...]:
        """The texts of ``other``."""
        if not isinstance(self.value, tuple):
            raise self._malformed()
        return tuple(str(value) for value in self.value)

    def _malformed(self) -> ValueError:
        return ValueError(f"{self.op!r} of the column {self.column!r} does not go with {self.value!r:.100}")

    def document(self) -> dict[str, Any]:
        """As JSON knows it."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"column": self.column, "op": self.op, "value": value}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Predicate:
        """What :meth:`document` wrote.

        Raises:
            ValueError: it is no predicate.

        >>> Predicate.read({"column": "hour", "op": "between", "value": [17, 20]})
        Predicate(column='hour', op='between', value=(17.0, 20.0))
        """
        column, op, value = document.get("column"), document.get("op"), document.get("value")
        if not isinstance(column, str) or op not in OPS:
            raise ValueError(f"{document!r:.200} is no predicate")
        if isinstance(value, list | tuple):
            texts = all(isinstance(item, str) for item in value)
            value = tuple(str(item) if texts else float(item) for item in value)
        elif isinstance(value, int):
            value = float(value)
        return cls(column, op, value)
