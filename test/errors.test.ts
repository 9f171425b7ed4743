import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import {
  ConfigError,
  errorTable,
  isWireErrorCode,
  localErrors,
  PoolError,
  ProtocolError,
  RequestError,
  TramaError,
  type WireErrorCode,
  wireErrors,
} from '../src/errors.js';
import { suite } from './support/suite.js';

const test = suite('errors');

const pagePath = fileURLToPath(new URL('../../docs/protocol.md', import.meta.url));

interface Row {
  readonly meaning: string;
  readonly connection: string;
  readonly retry: string;
}

/**
 * The rows of the page's table of codes: `code`, `meaning`, `connection`, `retry?`. A row may hold several codes with
 * ` / ` between, and then several words for the connection.
 */
function rowsOfPage(): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const line of readFileSync(pagePath, 'utf8').split('\n')) {
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    const codes = [...(cells[0]?.matchAll(/`([A-Z][A-Z_]+)`/g) ?? [])].map(([, code]) => code!);
    if (cells.length !== 4 || codes.length === 0) continue;
    const connections = cells[2]!.split('/').map((word) => word.trim());
    for (const [index, code] of codes.entries()) {
      assert.not.ok(rows.has(code), `${code} stands twice`);
      rows.set(code, { meaning: cells[1]!, connection: connections[index] ?? connections[0]!, retry: cells[3]! });
    }
  }
  return rows;
}

test('docs/protocol.md has every code of the wire, and none besides', () => {
  assert.equal([...rowsOfPage().keys()].sort(), Object.keys(wireErrors).sort());
});

test('docs/protocol.md says of each code what the table says: does the connection close, may it be tried again', () => {
  for (const [code, row] of rowsOfPage()) {
    const { scope, retryable } = wireErrors[code as WireErrorCode];
    assert.is(row.connection.startsWith('closes'), scope === 'connection', `${code}: connection`);
    const wanted = retryable === 'caller' ? /^caller/ : retryable ? /^yes/ : /^no/;
    assert.match(row.retry, wanted, `${code}: retry`);
  }
});

test('codes that never travel are not on the page', () => {
  const page = readFileSync(pagePath, 'utf8');
  for (const code of Object.keys(localErrors)) assert.not.match(page, new RegExp(`\`${code}\``));
});

test('no code stands in both tables, and the wire’s are known as such', () => {
  assert.is(Object.keys(errorTable).length, Object.keys(wireErrors).length + Object.keys(localErrors).length);
  for (const code of Object.keys(wireErrors)) assert.ok(isWireErrorCode(code));
  for (const code of [...Object.keys(localErrors), 'toString', '', 'bad_json']) assert.not.ok(isWireErrorCode(code));
});

test('every error is a TramaError with its code, its name and the answer to "again?"', () => {
  const errors = [
    new ConfigError('x'),
    new RequestError('OVERLOADED', 'x'),
    new ProtocolError('BAD_REPLY', 'x'),
    new PoolError('WORKER_FAILED', 'x'),
  ];
  assert.equal(
    errors.map(({ name, code, retryable }) => [name, code, retryable]),
    [
      ['ConfigError', 'CONFIG', false],
      ['RequestError', 'OVERLOADED', true],
      ['ProtocolError', 'BAD_REPLY', false],
      ['PoolError', 'WORKER_FAILED', false],
    ],
  );
  for (const error of errors) assert.ok(error instanceof TramaError && error instanceof Error);
});

test('what depends on the caller does not count as retryable', () => {
  assert.is(new RequestError('DEADLINE_EXCEEDED', 'x').retryable, false);
});

test('a cause is kept', () => {
  const cause = new Error('below');
  assert.is(new ConfigError('above', { cause }).cause, cause);
});

test.run();
