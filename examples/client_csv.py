"""The numbers of one column of CSV, as data for `sum`. For use with client.py and client_numbers.py, which are beside it:

    with open("prices.csv", "rb") as file:
        numbers = csv_numbers(file, "amount", skip_bad=True)
        print(trama.call_stream("sum", numbers), numbers.count, numbers.skipped, numbers.first_bad)

A block of rows is taken by one split where it has no quotes, else by one regular expression; and row by row where a row is
not as usual. csv of the standard library is slower than these, and does not tell where in a line a field is.
"""

from __future__ import annotations

import json
import re
from typing import Iterator, List, NamedTuple, Optional, Pattern, Tuple, Union

from client import Chunks
from client_numbers import LINE_BYTES_MAX, BadLine, Numbers, are_numbers, blocks_of_lines, fault_of

# One that is certainly finite: it is below 10^200 × 10^99.
SMALL_NUMBER = rb"-?(?:0|[1-9][0-9]{0,199})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?"

AFTER_QUOTE = "a quoted field goes on after its closing quote; a quote inside of a field is written twice"
UNCLOSED = "the quoted field that begins here is not closed"


def csv_numbers(
    source: Chunks,
    column: Union[str, int, None] = None,
    delimiter: str = ",",
    header: bool = True,
    skip_bad: bool = False,
) -> Numbers:
    """The numbers of one column: its name in the first line, or its number from 1; None where there is only one.

    source is CSV (RFC 4180) in UTF-8: a file in binary mode, or an iterable of bytes objects. header=False says that there
    is no first line of names. Reading raises ValueError where there is no such column.
    """
    if re.fullmatch(r"[\t -~]", delimiter) is None or re.match(r'[\w"+.-]', delimiter):
        what = "one ASCII character that is no letter, digit or quote, and none of + - . _"
        raise ValueError(f"the delimiter must be {what}, not {delimiter!r}")
    if not header and not (column is None or (isinstance(column, int) and column > 0)):
        raise ValueError(f"without a header the column must be a number from 1, not {column!r}")
    reader = CsvReader(delimiter.encode(), column, header)
    return Numbers(skip_bad, lambda numbers: reader.read(source, numbers))


class UnclosedQuote(Exception):
    """A quoted field goes on beyond the block."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at


class Row(NamedTuple):
    """What a careful look at a row of CSV found: the number, or what is wrong and where; nothing in an empty line."""

    next_at: int
    number: Optional[bytes] = None
    fault: Optional[str] = None
    fault_at: int = 0


class CsvReader:
    """Reads one column, once."""

    def __init__(self, delimiter: bytes, column: Union[str, int, None], header: bool) -> None:
        self._delimiter = delimiter
        self._column = column
        self._has_header = header
        self._space = b" \t".replace(delimiter, b"")
        self._plain = re.compile(rb"[^\n" + re.escape(delimiter) + rb"]*")
        self._index = 0
        self._columns = 0
        self._name = ""
        self._usual: Optional[Pattern[bytes]] = None
        # The line that the next row begins with.
        self._line = 1

    def read(self, source: Chunks, numbers: Numbers) -> Iterator[bytes]:
        """Gives numbers with commas between. Bad rows are told to `numbers`."""
        rest = b""
        # So much of the rest was read before, in vain: it is read again where there is twice as much.
        tried = 0
        for block in blocks_of_lines(source):
            if self._usual is None:
                block = self._begin(block)
                self._usual = self._usual_row()
            usual = None if rest else self._split(block) or self._match(block, self._usual)
            if usual is not None:
                self._line += block.count(b"\n")
                yield usual
                continue
            rest += block
            if len(rest) < min(2 * tried, LINE_BYTES_MAX):
                continue
            found, rest = self._read_rows(rest, self._usual, numbers)
            tried = len(rest)
            yield b",".join(found)
            if tried > LINE_BYTES_MAX:
                break
        if self._usual is not None and len(rest) > tried:
            found, rest = self._read_rows(rest, self._usual, numbers)
            yield b",".join(found)
        if self._usual is None and self._has_header:
            raise ValueError("there is no line with the names of the columns")
        if rest:
            numbers.note_bad(self._unclosed(rest))

    def _begin(self, block: bytes) -> bytes:
        """Learns from the first line which column is meant. Returns the rows."""
        names, end = self._first_row(block)
        self._columns = len(names)
        if self._has_header:
            self._index = column_of(names, self._column)
            self._name = f"column {self._index + 1}, {json.dumps(names[self._index], ensure_ascii=False)}"
            self._line += block.count(b"\n", 0, end)
            return block[end:]
        self._index = column_of(names, None) if self._column is None else int(self._column) - 1
        self._name = f"column {self._index + 1}"
        return block

    def _first_row(self, block: bytes) -> Tuple[List[str], int]:
        names: List[str] = []
        at = 0
        while True:
            try:
                text, end = self._field(block, at)
            except UnclosedQuote as error:
                raise self._bad(block, 0, error.at, UNCLOSED, is_skippable=False) from None
            names.append(self._value(text).decode("utf-8", "replace"))
            if block[end : end + 1] != self._delimiter:
                break
            at = end + 1
        row_end = block.index(b"\n", end) + 1
        if block[end:row_end].strip(b"\r\n"):
            raise self._bad(block, 0, end, AFTER_QUOTE, is_skippable=False)
        return names, row_end

    def _split(self, block: bytes) -> Optional[bytes]:
        """The numbers of a block without quotes in which each row has as many columns as the first; None of any other."""
        if b'"' in block or not block or self._index >= self._columns:
            return None
        between, columns, rows = self._delimiter, self._columns, block.count(b"\n")
        if columns == 1:
            joined = block[:-1].replace(b"\n", b",")
            return joined if are_numbers(joined, rows) else None
        fields = block.replace(b"\n", b"\n" + between).split(between)
        fields.pop()
        # No field but a last one has a line feed. So all do where as many are found as there are rows.
        if len(fields) != rows * columns or b"".join(fields[columns - 1 :: columns]).count(b"\n") != rows:
            return None
        joined = b",".join(fields[self._index :: columns]).replace(b"\n", b"")
        return joined if are_numbers(joined, rows) else None

    def _match(self, block: bytes, usual: Pattern[bytes]) -> Optional[bytes]:
        """The numbers of a block whose rows are all as usual: those become a number and a comma, others keep a line feed."""
        joined = usual.sub(rb"\2,", block)
        return None if b"\n" in joined else joined[:-1]

    def _usual_row(self) -> Pattern[bytes]:
        """A row with a number in the column that is surely finite, and without anything that is wrong before or after it."""
        between = re.escape(self._delimiter)
        field = rb'(?:"[^"]*(?:""[^"]*)*"|[^"\r\n' + between + rb"]*)"
        space = b"[" + self._space + b"]*"
        number = rb'(?:(")?' + space + b"(" + SMALL_NUMBER + b")" + space + rb'(?(1)"))'
        # What follows is mostly without quotes.
        after = rb"(?:\r?\n|" + between + rb'[^"\n]*\n|(?:' + between + field + rb")*\r?\n)"
        return re.compile(b"^" + (field + between) * self._index + number + after, re.MULTILINE)

    def _read_rows(self, block: bytes, usual: Pattern[bytes], numbers: Numbers) -> Tuple[List[bytes], bytes]:
        """Reads row by row. Returns the numbers, and what has no end yet."""
        found = []
        at = 0
        while at < len(block):
            match = usual.match(block, at)
            try:
                row = self._read_row(block, at) if match is None else Row(match.end(), match.group(2))
            except UnclosedQuote:
                break
            if row.number is not None:
                found.append(row.number)
            elif row.fault is not None:
                numbers.note_bad(self._bad(block, at, row.fault_at, row.fault))
            self._line += block.count(b"\n", at, row.next_at)
            at = row.next_at
        return found, block[at:]

    def _read_row(self, block: bytes, at: int) -> Row:
        if block.startswith((b"\n", b"\r\n"), at):
            return Row(block.index(b"\n", at) + 1)
        field, field_at = None, at
        index = 0
        while True:
            text, end = self._field(block, at)
            if index == self._index:
                value = self._value(text)
                field = value.strip(self._space)
                field_at = at + text.startswith(b'"') + len(value) - len(value.lstrip(self._space))
            if block[end : end + 1] != self._delimiter:
                break
            at = end + 1
            index += 1
        next_at = block.index(b"\n", end) + 1
        if block[end:next_at].strip(b"\r\n"):
            return Row(next_at, None, AFTER_QUOTE, end)
        if field is None:
            return Row(next_at, None, f"the line ends before {self._name}", end)
        fault = fault_of(field)
        return Row(next_at, field) if fault is None else Row(next_at, None, fault, field_at)

    def _field(self, block: bytes, at: int) -> Tuple[bytes, int]:
        """The field at a place, as it is written, and where it ends."""
        if not block.startswith(b'"', at):
            match = self._plain.match(block, at)
            return (b"", at) if match is None else (match.group(), match.end())
        end = block.find(b'"', at + 1)
        while end >= 0 and block.startswith(b'"', end + 1):
            end = block.find(b'"', end + 2)
        if end < 0:
            raise UnclosedQuote(at)
        return block[at : end + 1], end + 1

    def _value(self, text: bytes) -> bytes:
        return text[1:-1].replace(b'""', b'"') if text.startswith(b'"') else text.rstrip(b"\r")

    def _bad(self, block: bytes, row_at: int, at: int, reason: str, is_skippable: bool = True) -> BadLine:
        line = self._line + block.count(b"\n", row_at, at)
        return BadLine(line, at - block.rfind(b"\n", 0, at), reason, is_skippable)

    def _unclosed(self, block: bytes) -> BadLine:
        """The error for rows that have no end, neither in the data nor in LINE_BYTES_MAX."""
        try:
            self._read_row(block, 0)
        except UnclosedQuote as error:
            return self._bad(block, 0, error.at, UNCLOSED, is_skippable=False)
        raise AssertionError("only a row without an end is left over")


def column_of(names: List[str], wanted: Union[str, int, None]) -> int:
    """Which column is meant, from 0: a name goes before a number. Raises ValueError."""
    listed = ", ".join(json.dumps(name[:60], ensure_ascii=False) for name in names[:20]) + (", …" if len(names) > 20 else "")
    if wanted is None:
        if len(names) == 1:
            return 0
        raise ValueError(f"a column has to be named, one of: {listed}")
    if isinstance(wanted, str):
        exact = [index for index, name in enumerate(names) if name == wanted]
        found = exact or [index for index, name in enumerate(names) if name.strip() == wanted]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            raise ValueError(f"columns {found[0] + 1} and {found[1] + 1} are both named {wanted!r}; say which by its number")
        if re.fullmatch(r"[1-9][0-9]{0,8}", wanted) is None:
            raise ValueError(f"no column is named {wanted!r}; there are: {listed}")
    index = int(wanted) - 1
    if not 0 <= index < len(names):
        raise ValueError(f"there is no column {wanted}; there are {len(names)}: {listed}")
    return index
