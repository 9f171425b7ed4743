import * as assert from 'uvu/assert';
import { serverFor } from '../client/support.js';
import { fuzzed } from '../support/seed.js';
import { suite } from '../support/suite.js';
import { script } from './python.js';

const test = suite('examples/client_csv.py and client_ndjson.py');
const server = serverFor(test);

const imports = `
import client_numbers
from client_csv import csv_numbers
from client_ndjson import ndjson_numbers
from client_numbers import BadLine
def read(numbers):
    try:
        print(b"".join(numbers).decode(), numbers.count, numbers.skipped)
    except ValueError as error:
        print(type(error).__name__, error)
def faults(numbers):
    """Each bad line's place and reason, and then the numbers."""
    numbers.note_bad = print
    print(b"".join(numbers).decode())`;

const run = (lines: string): Promise<string[]> => script(server().port, lines, imports);

test.needs(
  'python3',
  'a column of CSV is found by its name or its number, with the digits as they are written',
  async () => {
    const lines = `
    text = b"\\xef\\xbb\\xbfname, amount ,note\\r\\na,12345678901234567890.10,x\\r\\n" + b'"b, ""c""\\n",  1e-5 ,\\r\\nd,"0.20"'
    for column in ["amount", " amount ", "2", 2]:
        read(csv_numbers([text], column))
    read(csv_numbers([b"1\\n2\\n"], header=False))
    read(csv_numbers([b"n\\n1\\n2\\n\\n"]))
    read(csv_numbers([b"a;b\\n1;2\\n"], "b", delimiter=";"))
    read(csv_numbers([b"a\\tb\\n\\t2\\n"], "b", delimiter="\\t"))
    read(csv_numbers([b"a\\n"], "a"))
    numbers = csv_numbers([b"a,b\\n1,2\\n" * 3], "b", skip_bad=True)
    print(trama.call_stream("sum", numbers), numbers.count, numbers.skipped, numbers.first_bad)
    read(numbers)`;
    const exact = '[12345678901234567890.10,1e-5,0.20] 3 0';
    assert.equal(await run(lines), [
      ...[exact, exact, exact, exact],
      ...['[1,2] 2 0', '[1,2] 2 0', '[2] 1 0', '[2] 1 0', '[] 0 0'],
      '6.0 3 2 line 3, column 3: "b" is not a number as JSON writes it',
      'ValueError the numbers were read before: make them anew, from a source that begins anew',
    ]);
  },
);

test.needs(
  'python3',
  'a quoted field, and a line, may be as long as they like, in pieces as small as they like',
  async () => {
    const lines = `
    def long():
        yield b'a,b\\n1,"'
        for _ in range(40):
            yield b'x\\n,' * 20000
        yield b'"\\n2,3\\n' + b'4,5\\n' * 60000 + b'y,6\\n'
    numbers = csv_numbers(long(), "a", skip_bad=True)
    text = b"".join(numbers)
    print(text[:9].decode(), numbers.count, numbers.skipped, numbers.first_bad)
    print([len(block) for block in client_numbers.blocks_of_lines([b"1"] * 300000 + [b"\\n2", b"\\n3"])])`;
    assert.equal(await run(lines), [
      '[1,2,4,4, 60002 1 line 860004, column 1: "y" is not a number as JSON writes it',
      '[300001, 4]',
    ]);
  },
);

test.needs('python3', 'a column that is not there is refused with those that are', async () => {
  const lines = `
    read(csv_numbers([b"a,b\\n"], "c"))
    read(csv_numbers([b"a,b\\n"], 3))
    read(csv_numbers([b"a,b\\n"]))
    read(csv_numbers([b"a,a\\n"], "a"))
    read(csv_numbers([], "a"))
    read(csv_numbers([b'"a"x,b\\n'], "b"))
    read(csv_numbers([b'a,"b\\n'], "b"))
    read(csv_numbers([b"\\xff\\xfea\\0"], "a"))
    for options in [{"delimiter": "."}, {"delimiter": "ab"}, {"header": False, "column": "a"}]:
        try:
            csv_numbers([], **options)
        except ValueError as error:
            print(error)`;
  const what = 'the delimiter must be one ASCII character that is no letter, digit or quote, and none of + - . _, not';
  assert.equal(await run(lines), [
    'ValueError no column is named \'c\'; there are: "a", "b"',
    'ValueError there is no column 3; there are 2: "a", "b"',
    'ValueError a column has to be named, one of: "a", "b"',
    "ValueError columns 1 and 2 are both named 'a'; say which by its number",
    'ValueError there is no line with the names of the columns',
    'BadLine line 1, column 4: a quoted field goes on after its closing quote; a quote inside of a field is written twice',
    'BadLine line 1, column 3: the quoted field that begins here is not closed',
    'ValueError the data is UTF-16: it must be UTF-8',
    `${what} '.'`,
    `${what} 'ab'`,
    "without a header the column must be a number from 1, not 'a'",
  ]);
});

test.needs('python3', 'what is wrong with a row of CSV is told with its place, and what to do', async () => {
  const lines = `
    bad = ["", "x", "+5", "1,5", ".5", "5.", "05", "1e400", "-" + "9" * 310, "NaN", "5 6", "é"]
    rows = "".join(f'"a\\n",{" " if cell else ""}"{cell}"\\n' if cell == "1,5" else f"a, {cell},\\n" for cell in bad)
    faults(csv_numbers([("n,m\\n1,2\\n" + rows.replace(', "', ',"') + 'a\\nb,"1"2\\nb,3\\n').encode()], "m"))
    read(csv_numbers([b'n,m\\n1,2\\n\\n3,"4\\n5,6\\n'], "m", skip_bad=True))
    read(csv_numbers([b"n,m\\n1,2\\n3,4\\n"], 5, header=False, skip_bad=True))`;
  const printed = await run(lines);
  assert.equal(printed, [
    'line 3, column 4: the field is empty',
    'line 4, column 4: "x" is not a number as JSON writes it',
    'line 5, column 4: "+5" has a + before it; leave it out',
    'line 7, column 4: "1,5" has a comma; write digits without separators, and a point before decimals',
    'line 8, column 4: ".5" has no digit before its point; write 0 there',
    'line 9, column 4: "5." has no digit after its point; write 0 there',
    'line 10, column 4: "05" begins with 0; leave that out',
    'line 11, column 4: "1e400" is beyond binary64, which ends near 1.8e308',
    `line 12, column 4: "-${'9'.repeat(39)}…" is beyond binary64, which ends near 1.8e308`,
    'line 13, column 4: "NaN" is not a number as JSON writes it',
    'line 14, column 4: "5 6" is not a number as JSON writes it',
    'line 15, column 4: "é" is not a number as JSON writes it',
    'line 16, column 2: the line ends before column 2, "m"',
    'line 17, column 6: a quoted field goes on after its closing quote; a quote inside of a field is written twice',
    '[2,3]',
    'BadLine line 4, column 3: the quoted field that begins here is not closed',
    '[] 0 3',
  ]);
});

test.needs('python3', 'the number at a path of each line of NDJSON is taken, with its digits', async () => {
  const lines = `
    text = b'{"a":{"b":[0,{"x y":12345678901234567890.10}]}}\\r\\n\\n {"a":{"b":[0,{"x y":1.50,"x y":-0}]}} \\n'
    for path in ['.a.b[1]["x y"]', '.["a"]."b".[1].["x\\\\u0020y"]']:
        read(ndjson_numbers([text], path))
    read(ndjson_numbers([b"1.50\\n2\\n\\n3"]))
    print(trama.call_stream("sum", ndjson_numbers([b'[1]\\n[2]\\n'], ".[0]")))
    for path in ["", "a", ".a.", ".a-b", "[0]", '.["a]']:
        try:
            ndjson_numbers([], path)
        except ValueError as error:
            print(error)`;
  const no = (path: string, at: number) =>
    `'${path}' is no path such as .price or .a.b[0]["x y"]: see its character ${at}`;
  assert.equal(await run(lines), [
    '[12345678901234567890.10,-0] 2 0',
    '[12345678901234567890.10,-0] 2 0',
    '[1.50,2,3] 3 0',
    '3.0',
    'the path is empty; . is for lines that are numbers',
    ...[no('a', 1), no('.a.', 3), no('.a-b', 3), no('[0]', 1), no('.["a]', 1)],
  ]);
});

test.needs('python3', 'what is wrong with a line of NDJSON is told with its place', async () => {
  const lines = `
    bad = [b'{"a":[1', b'2]}', b'{"a":1},{"a":1}', b'{"c":{"a":2},"a" : "1"}', b'{"b":1}', b'{"a":null}', b'{"a":{}}']
    bad += [b'{"a":[]}', b'{"a":true}', b'5', b'{"a":NaN}', b'{"a":1e400}', b'{"a":"\\xff"}', b'[' * 100000, b'{"a":01}']
    faults(ndjson_numbers([b'{"a":1}\\n' + b"\\n".join(bad) + b'\\n{"a":2}'], ".a"))
    read(ndjson_numbers([b'[1]\\n[[],"x"]\\n'], ".[1]"))`;
  assert.equal(await run(lines), [
    "line 2, column 8: the line is not JSON: Expecting ',' delimiter",
    'line 3, column 2: the line is not JSON: Extra data',
    'line 4, column 8: the line is not JSON: Extra data',
    'line 5, column 20: .a is a string, and no number',
    'line 6, column 1: there is no number at .a in this value',
    'line 7, column 6: there is no number at .a in this value',
    'line 8, column 6: .a is an object, and no number',
    'line 9, column 6: .a is an array, and no number',
    'line 10, column 6: .a is true or false, and no number',
    'line 11, column 1: there is no number at .a in this value',
    'line 12, column 1: the line is not JSON that can be read: JSON has no NaN',
    'line 13, column 6: "1e400" is beyond binary64, which ends near 1.8e308',
    'line 14, column 7: the line is not UTF-8',
    'line 15, column 1: the line is not JSON that can be read: it is nested too deeply',
    "line 16, column 7: the line is not JSON: Expecting ',' delimiter",
    '[1,2]',
    'BadLine line 1, column 1: there is no number at .[1] in this value',
  ]);
});

test.needs('python3', 'memory is constant, and a line that never ends is refused', async () => {
  const lines = `
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    def rows(first, row):
        yield first
        for _ in range(24): yield row * (1 << 13)
    read_all = lambda numbers: (sum(map(len, numbers)), numbers.count)
    print(read_all(csv_numbers(rows(b"n,m\\n", b"12,3.5,\\n"), "m")))
    print(read_all(ndjson_numbers(rows(b"", b'{"m":1}\\n'), ".m"))[1])
    client_numbers.LINE_BYTES_MAX = 1 << 18
    read(ndjson_numbers(rows(b"", b"12345678")))
    read(csv_numbers(rows(b'n\\n1\\n"', b"1234567\\n"), "n", skip_bad=True))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 24 * 1024)`;
  const numbers = 24 << 13;
  const printed = await script(
    server().port,
    lines,
    `${imports}\nimport resource, client_csv\nclient_csv.LINE_BYTES_MAX = 1 << 18`,
  );
  assert.equal(printed, [
    `(${numbers * 4 + 1}, ${numbers})`,
    String(numbers),
    `ValueError there is a line of more than ${1 << 18} bytes`,
    'BadLine line 3, column 1: the quoted field that begins here is not closed',
    'True',
  ]);
});

test.needs('python3', 'random tables and lines, in random chunks, give what they were made of', async () => {
  const { seed, numRuns } = fuzzed(3_000);
  const lines = `
    client_numbers.BLOCK_BYTES = 64
    random = random.Random(${seed})
    good = ["0", "-1.50", "12345678901234567890.5", "1e5", "-2E-300", " 7 "]
    bad = ["", "x", "1e999", "01", "1 2"]
    other = ["", "a", "b c", '5" pipe', "é", "1"]
    def chunks(text):
        while text:
            size = random.choice([1, 7, 50, 200, 1000])
            yield text[:size]
            text = text[size:]
    def field(text, quoted):
        return '"' + text.replace('"', '""') + '"' if quoted else text
    def table(columns, index, weights):
        lines, numbers, places = [",".join(f"c{n}" for n in range(columns))], [], []
        for _ in range(random.choice([0, 3, 40])):
            quotes = random.choice([0, 0, 0.5])
            cells = [field(random.choice(other), random.random() < quotes) for _ in range(columns)]
            cells = [cell if cell != '5" pipe' or random.random() < 0.3 else "z" for cell in cells]
            if random.random() < quotes: cells[0] = '"two\\nlines, here"' if index > 0 else cells[0]
            before = "".join(cell + "," for cell in cells[:index])
            is_good = random.random() < weights
            text = random.choice(good if is_good else bad)
            if random.random() < quotes: text = field(text, True)
            line = 1 + sum(each.count("\\n") + 1 for each in lines)
            cells[index] = text
            row = ",".join(cells) + random.choice(["", "", ",more"])
            if row == "": continue
            lines.append(row)
            if is_good: numbers.append(text.strip('" '))
            else: places.append(line + before.count("\\n"))
        return lines, numbers, places
    def check(numbers, expected, places):
        seen = []
        numbers.note_bad = lambda error: seen.append(error.line)
        text = b"".join(numbers)
        found = [each.strip() for each in text[1:-1].decode().split(",") if each]
        assert (found, seen) == (expected, places), (text, expected, seen, places)
    for _ in range(${numRuns}):
        columns = random.randint(1, 4)
        index = random.randrange(columns)
        lines, expected, places = table(columns, index, random.choice([1, 1, 0.9]))
        end = random.choice(["\\n", "\\r\\n"])
        text = end.join(lines) + random.choice(["", end])
        check(csv_numbers(chunks(text.encode()), f"c{index}"), expected, places)
        expected, places, lines = [], [], []
        for line in range(1, random.choice([1, 4, 40])):
            number = random.choice(good).strip()
            kind = random.choice([0, 0, 0, 0, 0, 0, random.randint(1, 6)])
            lines.append([f'{{"a":{{"b":[1,{number}]}}}}', f' {{"é":"\\\\"",\\t"a" : {{"b":[ 1 , {number} ]}} }} ', "",
                '{"a":{"b":[1]}}', '{"a":{"b":[1,"2"]}}', '{"a":{"b":[1,2]}', "nul"][kind])
            if kind < 2: expected.append(number)
            elif kind > 2: places.append(line)
        text = end.join(lines) + random.choice(["", end])
        check(ndjson_numbers(chunks(text.encode()), ".a.b[1]"), expected, places)
    print("done")`;
  assert.equal(await script(server().port, lines, `${imports}\nimport random`), ['done']);
});

test.run();
