"""The command line of client.py: one request, one reply, printed digit for digit.

    python3 client.py 127.0.0.1 5000 sum '[1,2,3,4]'
    python3 client.py 127.0.0.1 5000 sum @numbers.json
    python3 client.py 127.0.0.1 5000 sum @prices.csv --column amount
    zcat prices.ndjson.gz | python3 client.py 127.0.0.1 5000 sum - --path .price --skip-bad
    python3 client.py --tls --ca ca.pem --token-file app.token trama.example.org 5443 sum '[1,2,3,4]'
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import ssl
import sys
from typing import BinaryIO, Iterator, NoReturn, Optional, Union

from client import IDLE_TIMEOUT_SECONDS, TIMEOUT_SECONDS, Client, TramaError, check_seconds
from client_csv import csv_numbers
from client_ndjson import ndjson_numbers
from client_numbers import BadLine, Numbers

# A token is much shorter; what is longer is another file.
TOKEN_BYTES_MAX = 4096

FORMATS = ("json", "csv", "tsv", "ndjson", "jsonl")

EXIT_ERROR_REPLY = 1
EXIT_TROUBLE = 2
EXIT_INTERRUPTED = 130

# A string, a bracket, a comma or a colon, or anything else that is no white space.
JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{},:]|[^][{},:"\s]+')


def main() -> int:
    arguments = parse_arguments()
    try:
        reply = send_file(arguments) if is_file(arguments.data) else send_text(arguments)
    except (OSError, ValueError) as error:
        return trouble(str(error))
    except TramaError as error:
        # No reply to the request: the server does not take who we say we are.
        return trouble(f"{error} ({error.code})")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the terminal's encoding cannot say becomes an escape.
        sys.stdout.reconfigure(errors="backslashreplace")
    print("".join(indented(reply)), flush=True)
    return 0 if re.match(r'\{"id":[^,]*,"ok":true,', reply) else EXIT_ERROR_REPLY


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="client.py",
        description="Sends one request to a trama server and prints the reply, digit for digit.",
        epilog="Files and standard input may be of any size: they are sent in constant memory. Exit status: 0 for an "
        "answer, 1 for an error reply, 2 when the command is wrong or the connection fails, 130 after Ctrl-C.",
    )
    parser.add_argument("host")
    parser.add_argument("port", type=port_number)
    parser.add_argument("op")
    parser.add_argument("data", nargs="?", default="null", help="JSON, @FILE, or - for standard input")
    parser.add_argument(
        "--format", choices=FORMATS, help="what the file is, where its name does not end in .csv, .tsv, .ndjson or .jsonl"
    )
    parser.add_argument("--column", metavar="NAME", help="column of a csv or tsv: its name, or its number from 1")
    parser.add_argument("--no-header", action="store_true", help="the csv or tsv has no first line with names")
    parser.add_argument("--delimiter", metavar="CHARACTER", help="what is between the fields of a csv, such as ;")
    parser.add_argument("--path", help='where in each line of ndjson the number is, such as .price or .a.b[0]["x y"]')
    parser.add_argument("--skip-bad", action="store_true", help="leave out and count lines that give no number")
    parser.add_argument(
        "--timeout",
        type=seconds,
        default="",
        help=f"seconds that the call may take, or none (default: {TIMEOUT_SECONDS:g}; none for a file or standard input). "
        f"A server that is silent for {IDLE_TIMEOUT_SECONDS:g} s, also when asked with $ping, is given up in any case",
    )
    parser.add_argument("--tls", action="store_true", help="speak TLS; the server's certificate must be for HOST")
    parser.add_argument("--ca", metavar="FILE", help="PEM file of the authorities to check it against; implies --tls")
    parser.add_argument("--cert", metavar="FILE", help="PEM file of a certificate to show to the server; implies --tls")
    parser.add_argument("--key", metavar="FILE", help="PEM file of its private key")
    parser.add_argument(
        "--token-file", metavar="FILE", help="file with the token that says who calls; without it TRAMA_TOKEN counts"
    )
    arguments = parser.parse_args()
    if (arguments.cert is None) != (arguments.key is None):
        parser.error("--cert and --key go together; give both or neither")
    arguments.format = format_of(arguments)
    of_table = arguments.column is not None or arguments.no_header or arguments.delimiter is not None
    if of_table and arguments.format not in ("csv", "tsv"):
        parser.error(f"--column, --no-header and --delimiter are for csv and tsv, and DATA is {arguments.format}")
    if arguments.path is not None and arguments.format not in ("ndjson", "jsonl"):
        parser.error(f"--path is for ndjson, and DATA is {arguments.format}")
    if arguments.skip_bad and arguments.format == "json":
        parser.error("--skip-bad is for csv, tsv and ndjson, and DATA is json")
    if arguments.timeout == "":
        arguments.timeout = None if is_file(arguments.data) else TIMEOUT_SECONDS
    return arguments


def is_file(data: str) -> bool:
    return data == "-" or data.startswith("@")


def send_text(arguments: argparse.Namespace) -> str:
    try:
        json.loads(arguments.data, parse_constant=no_constant)
    except RecursionError:
        pass  # The server knows how deep is too deep.
    except ValueError as error:
        hint = "Put JSON in single quotes, as in '\"text\"' or '[1,2]'; @FILE reads a file, - standard input."
        raise ValueError(f"DATA is not JSON ({error}). {hint}") from None
    with connected(arguments) as client:
        return client.call_raw(arguments.op, arguments.data, arguments.timeout)


def connected(arguments: argparse.Namespace) -> Client:
    return Client(arguments.host, arguments.port, token=token_of(arguments), tls=tls_of(arguments))


def token_of(arguments: argparse.Namespace) -> Optional[str]:
    """From a file or the environment: command lines are for all users of a machine to read."""
    if arguments.token_file is None:
        return os.environ.get("TRAMA_TOKEN") or None
    with opened(f"@{arguments.token_file}") as file:
        token = file.read(TOKEN_BYTES_MAX).decode("utf-8", "replace").strip()
    # Not shown: it may be a secret of another kind.
    if re.fullmatch("[!-~]+", token) is None:
        raise ValueError(f"--token-file: {arguments.token_file} has no token; it must have one in one line")
    return token


def tls_of(arguments: argparse.Namespace) -> Union[bool, ssl.SSLContext]:
    files = [path for path in (arguments.ca, arguments.cert, arguments.key) if path is not None]
    if not (arguments.tls or files):
        return False
    for path in files:
        # OpenSSL's words for a file that is not there do not name it.
        with opened(f"@{path}"):
            pass
    try:
        context = ssl.create_default_context(cafile=arguments.ca)
    except ssl.SSLError:
        raise ValueError(f"{arguments.ca} has no certificate in PEM") from None
    if arguments.cert is not None:
        try:
            context.load_cert_chain(arguments.cert, arguments.key, no_passphrase)
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise ValueError(f"{arguments.cert} and {arguments.key} cannot be used: {reason}") from None
    return context


def no_passphrase() -> NoReturn:
    raise ValueError("the key is encrypted; give one without a passphrase")


def send_file(arguments: argparse.Namespace) -> str:
    with opened(arguments.data) as file, connected(arguments) as client:
        numbers = numbers_of(file, arguments)
        try:
            reply = client.call_raw_stream(arguments.op, numbers or file, None, arguments.timeout)
        except BadLine as error:
            advice = ". Mend the line, or leave out such lines with --skip-bad." if error.is_skippable else "."
            raise ValueError(f"{name_of(arguments.data)}, {error}{advice}") from None
    if numbers is not None and numbers.skipped > 0:
        lines = "1 line" if numbers.skipped == 1 else f"{numbers.skipped} lines"
        rest = "1 number was taken" if numbers.count == 1 else f"{numbers.count} numbers were taken"
        complain(f"{lines} of {name_of(arguments.data)} left out, {rest}; the first is {numbers.first_bad}")
    return reply


def format_of(arguments: argparse.Namespace) -> str:
    """What DATA is: as was said, by the end of the file's name, or what the other options are for."""
    if not is_file(arguments.data):
        return "json"
    ending = os.path.splitext(arguments.data)[1][1:].lower()
    of_table = arguments.column is not None or arguments.no_header or arguments.delimiter is not None
    guess = "csv" if of_table else "json" if arguments.path is None else "ndjson"
    given: Optional[str] = arguments.format
    return given or (ending if ending in FORMATS else guess)


def numbers_of(file: BinaryIO, arguments: argparse.Namespace) -> Optional[Numbers]:
    """The numbers that are to be taken out of the file; None where it is to be sent as it is."""
    if arguments.format == "json":
        return None
    if arguments.format in ("ndjson", "jsonl"):
        return ndjson_numbers(file, arguments.path or ".", arguments.skip_bad)
    delimiter = arguments.delimiter or ("\t" if arguments.format == "tsv" else ",")
    column = arguments.column
    if arguments.no_header and column is not None and column.isdecimal():
        column = int(column)
    return csv_numbers(file, column, "\t" if delimiter == "\\t" else delimiter, not arguments.no_header, arguments.skip_bad)


def name_of(data: str) -> str:
    return "standard input" if data == "-" else data[1:]


@contextlib.contextmanager
def opened(data: str) -> Iterator[BinaryIO]:
    if data == "-":
        yield sys.stdin.buffer
        return
    try:
        file = open(data[1:], "rb")
    except OSError as error:
        raise ValueError(f"cannot read {data[1:]}: {error.strerror}") from None
    with file:
        yield file


def indented(text: str) -> Iterator[str]:
    """Puts JSON on lines, and leaves its numbers and strings as they are."""
    depth = 0
    before = ""
    for token in JSON_TOKEN.findall(text):
        if token in "]}":
            depth -= 1
        is_empty = token in "]}" and before in "[{"
        if before and not is_empty and (before in "[{," or token in "]}"):
            yield "\n" + "  " * depth
        yield ": " if token == ":" else token
        if token in "[{":
            depth += 1
        before = token


def no_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON has no {name}")


def port_number(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f'"{text}" is not an integer from 1 to 65535')
    return int(text)


def seconds(text: str) -> object:
    if text in ("none", ""):
        return None if text == "none" else text
    try:
        value = float(text)
        check_seconds("the timeout", value)
        return value
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error))


def complain(message: str) -> None:
    print(f"client.py: {message}", file=sys.stderr)


def trouble(message: str) -> int:
    complain(message)
    return EXIT_TROUBLE


def run() -> int:
    """Runs the program. Returns its exit status."""
    try:
        return main()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of the output has gone. Python would write to it once more at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return trouble(f"the reply cannot be written: {error.strerror or error}")
