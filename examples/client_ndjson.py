"""The number at one place of each line of NDJSON, as data for `sum`. For use with client.py and client_numbers.py, beside it:

    with gzip.open("orders.ndjson.gz") as file:
        numbers = ndjson_numbers(file, '.items[0]["net price"]', skip_bad=True)
        print(trama.call_stream("sum", numbers), numbers.count, numbers.skipped, numbers.first_bad)

Lines are read by json's own scanner, which is in C. Numbers that are lines by themselves are checked by the block.
"""

from __future__ import annotations

import json
import re
from typing import Iterator, List, NoReturn, Optional, Union

from client import Chunks
from client_numbers import BadLine, Numbers, are_numbers, blocks_of_lines, fault_of, is_finite

# White space of JSON.
SPACE = re.compile(r"[ \t\r\n]*")

# A step of a path: .name, ."name", [0] or ["name"], the last two also after a point.
STEP = re.compile(r'\.([A-Za-z_$][A-Za-z0-9_$]*)|\.?\[\s*([0-9]+)\s*\]|\.?\[\s*("(?:[^"\\]|\\.)*")\s*\]|\.("(?:[^"\\]|\\.)*")')


def ndjson_numbers(source: Chunks, path: str = ".", skip_bad: bool = False) -> Numbers:
    """The number at a place of each line. source is one JSON value a line, in UTF-8: a file in binary mode, or an iterable
    of bytes objects. path is as jq writes it: .price, .a.b[0]["x y"], or . where the lines are numbers."""
    reader = NdjsonReader(path)
    return Numbers(skip_bad, lambda numbers: reader.read(source, numbers))


class NdjsonReader:
    """Reads the number at one place of each line."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._steps = steps_of(path)
        # Numbers become bytes, which nothing else in JSON is: so they are told from strings and keep their digits.
        decoder = json.JSONDecoder(parse_float=str.encode, parse_int=str.encode, parse_constant=no_constant)
        self._scan = decoder.raw_decode
        self._decode = decoder.decode

    def read(self, source: Chunks, numbers: Numbers) -> Iterator[bytes]:
        """Gives numbers with commas between. Bad lines are told to `numbers`."""
        line = 1
        for block in blocks_of_lines(source):
            yield self._usual(block) or b",".join(self._read_lines(block, line, numbers))
            line += block.count(b"\n")

    def _usual(self, block: bytes) -> Optional[bytes]:
        """The numbers of a block in which each line is as usual; None of any other."""
        if not self._steps:
            joined = block[:-1].replace(b"\n", b",")
            return joined if are_numbers(joined, block.count(b"\n")) else None
        found = []
        at = 0
        try:
            text = block.decode("utf-8")
            while at < len(text):
                value, at = self._scan(text, at)
                found.append(value)
                if text[at] == "\r":
                    at += 1
                if text[at] != "\n":
                    return None
                at += 1
            # A value may have been on several lines, which is no NDJSON.
            if len(found) != text.count("\n"):
                return None
            for step in self._steps:
                found = [value[step] for value in found]
            joined = b",".join(found)
        except (ValueError, LookupError, TypeError, RecursionError):
            return None
        may_be_large = b"e" in joined or b"E" in joined or max(map(len, found)) > 300
        return None if may_be_large and not all(map(is_finite, found)) else joined

    def _read_lines(self, block: bytes, first_line: int, numbers: Numbers) -> List[bytes]:
        found = []
        for line, text in enumerate(block.split(b"\n")[:-1], first_line):
            if text.strip(b" \t\r") == b"":
                continue
            try:
                found.append(self._number(text, line))
            except BadLine as error:
                numbers.note_bad(error)
        return found

    def _number(self, line_bytes: bytes, line: int) -> bytes:
        try:
            text = line_bytes.decode("utf-8")
            value = self._decode(text)
        except UnicodeDecodeError as error:
            raise BadLine(line, error.start + 1, "the line is not UTF-8") from None
        except json.JSONDecodeError as error:
            raise BadLine(line, len(text[: error.pos].encode()) + 1, f"the line is not JSON: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
            raise BadLine(line, 1, f"the line is not JSON that can be read: {reason}") from None
        for step in self._steps:
            if isinstance(value, dict):
                value = value.get(step)
            else:
                value = value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None
        if isinstance(value, bytes) and is_finite(value):
            return value
        column = len(text[: self._place(text)].encode()) + 1
        if value is None:
            raise BadLine(line, column, f"there is no number at {self._path} in this value")
        if isinstance(value, bytes):
            raise BadLine(line, column, fault_of(value) or "")
        kind = {dict: "an object", list: "an array", str: "a string", bool: "true or false"}[type(value)]
        raise BadLine(line, column, f"{self._path} is {kind}, and no number")

    def _place(self, text: str) -> int:
        """Where the path leads in a line that is JSON, or as far as it leads."""
        at = after_space(text, 0)
        for step in self._steps:
            if text[at] != ("{" if isinstance(step, str) else "["):
                return at
            found = None
            index: Union[str, int] = -1
            item_at = after_space(text, at + 1)
            while text[item_at] not in "]}":
                index = index + 1 if isinstance(index, int) else index
                if isinstance(step, str):
                    index, end = self._scan(text, item_at)
                    item_at = after_space(text, after_space(text, end) + 1)
                if index == step:
                    found = item_at
                _, end = self._scan(text, item_at)
                item_at = after_space(text, end)
                if text[item_at] == ",":
                    item_at = after_space(text, item_at + 1)
            if found is None:
                return at
            at = found
        return at


def after_space(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return at if match is None else match.end()


def steps_of(path: str) -> List[Union[str, int]]:
    """The names and indexes that a path consists of. Raises ValueError."""
    if path == ".":
        return []
    steps: List[Union[str, int]] = []
    at = 0
    while at < len(path):
        match = STEP.match(path, at)
        if match is None or not path.startswith("."):
            raise ValueError(f"{path!r} is no path such as .price or .a.b[0][\"x y\"]: see its character {at + 1}")
        name, index, *texts = match.groups()
        text = texts[0] or texts[1]
        if text is not None:
            name = json.loads(text, strict=False)
        steps.append(name if index is None else int(index))
        at = match.end()
    if not steps:
        raise ValueError("the path is empty; . is for lines that are numbers")
    return steps


def no_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON has no {name}")
