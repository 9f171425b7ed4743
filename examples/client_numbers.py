"""What client_csv.py and client_ndjson.py share: numbers out of lines of text, as the JSON array that `sum` takes.

Numbers are taken over digit for digit. They must be written as JSON writes them, and be finite as binary64. A line without
such a number is bad: it raises BadLine, which tells its line and column, or is left out and counted with skip_bad=True. Empty
lines are no bad lines. Memory is constant: blocks of lines are read, and no line may be longer than LINE_BYTES_MAX.

A block of lines is taken at once, with what Python does in C. Only where that finds something that is not as usual, the
block is read line by line, to tell the place.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Callable, Iterator, Optional, Tuple

from client import SEND_BYTES, Chunks, pieces

# Bytes that are looked at together.
BLOCK_BYTES = 1 << 18

# A longer line, or quoted field of CSV, ends the reading, also with skip_bad.
LINE_BYTES_MAX = 1 << 24

# A number as JSON writes it.
NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")

# What numbers as JSON writes them, commas and white space consist of.
NUMBER_BYTES = b"0123456789+-.eE, \t\r\n"

# What people and spreadsheets write in place of a number, and what to do about it.
WRONG_NUMBERS = (
    (r"\+[\d.,]+", "has a + before it; leave it out"),
    (r"-?[\d.]*,[\d.,]*", "has a comma; write digits without separators, and a point before decimals"),
    (r"-?\.\d+", "has no digit before its point; write 0 there"),
    (r"-?\d+\.", "has no digit after its point; write 0 there"),
    (r"-?0[\d.]+", "begins with 0; leave that out"),
)


class BadLine(ValueError):
    """A line without a usable number. line and column count from 1, column in bytes.

    is_skippable is False where nobody knows where the next line begins.
    """

    def __init__(self, line: int, column: int, reason: str, is_skippable: bool = True) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.line = line
        self.column = column
        self.reason = reason
        self.is_skippable = is_skippable

    def __reduce__(self) -> Tuple[Any, ...]:
        """An error can go to another process."""
        return type(self), (self.line, self.column, self.reason, self.is_skippable)


class Numbers:
    """The pieces of a JSON array, to be iterated over once.

    While that goes on, count is how many numbers were found, skipped how many bad lines were left out, and first_bad the
    first of them.
    """

    def __init__(self, skip_bad: bool, numbers_of: Callable[[Numbers], Iterator[bytes]]) -> None:
        self.count = 0
        self.skipped = 0
        self.first_bad: Optional[BadLine] = None
        self._skip_bad = skip_bad
        self._numbers_of = numbers_of
        self._is_read = False

    def __iter__(self) -> Iterator[bytes]:
        if self._is_read:
            raise ValueError("the numbers were read before: make them anew, from a source that begins anew")
        self._is_read = True
        before = b"["
        for numbers in self._numbers_of(self):
            if numbers:
                self.count += numbers.count(b",") + 1
                yield before + numbers
                before = b","
        yield b"[]" if before == b"[" else b"]"

    def note_bad(self, error: BadLine) -> None:
        """Counts a bad line. Raises it where bad lines are not skipped."""
        if not (self._skip_bad and error.is_skippable):
            raise error
        self.skipped += 1
        self.first_bad = self.first_bad or error


def blocks_of_lines(source: Chunks) -> Iterator[bytes]:
    """Gives the source in blocks of whole lines, each with its line feed, the last one too."""
    held = bytearray()
    # No line feed is before this place: however small the pieces are, each byte is looked at once.
    searched = 0
    is_first = True
    for piece in pieces(source):
        held += piece
        if len(held) < BLOCK_BYTES:
            continue
        end = held.rfind(b"\n", searched) + 1
        if end > 0:
            yield without_mark(bytes(held[:end])) if is_first else bytes(held[:end])
            is_first = False
            del held[:end]
        searched = len(held)
        if len(held) > LINE_BYTES_MAX + SEND_BYTES:
            raise ValueError(f"there is a line of more than {LINE_BYTES_MAX} bytes")
    if held:
        last = bytes(held if held.endswith(b"\n") else held + b"\n")
        yield without_mark(last) if is_first else last


def without_mark(block: bytes) -> bytes:
    """Takes the byte order mark of UTF-8 away, which some programs write."""
    if block.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("the data is UTF-16: it must be UTF-8")
    return block[3:] if block.startswith(b"\xef\xbb\xbf") else block


def are_numbers(joined: bytes, count: int) -> bool:
    """Tells whether this is so many finite numbers as JSON writes them, with commas between and perhaps white space."""
    if joined.translate(None, NUMBER_BYTES):
        return False
    try:
        values = json.loads(b"[" + joined + b"]", parse_int=float)
    except ValueError:
        return False
    return len(values) == count and math.inf not in values and -math.inf not in values


def is_finite(number: bytes) -> bool:
    return math.isfinite(float(number))


def shown(text: bytes) -> str:
    """Text in a message: the beginning of what is there."""
    return json.dumps(text[:40].decode("utf-8", "replace") + ("…" if len(text) > 40 else ""), ensure_ascii=False)


def fault_of(text: bytes) -> Optional[str]:
    """What is wrong with a number, and what to write in its place; None where it is right."""
    if text == b"":
        return "the field is empty"
    if NUMBER.fullmatch(text) is None:
        value = text.decode("utf-8", "replace")
        advice = [advice for wrong, advice in WRONG_NUMBERS if re.fullmatch(wrong, value)]
        return f"{shown(text)} {advice[0] if advice else 'is not a number as JSON writes it'}"
    return None if is_finite(text) else f"{shown(text)} is beyond binary64, which ends near 1.8e308"
