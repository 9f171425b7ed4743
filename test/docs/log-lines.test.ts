import { readdirSync, readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { pathOf } from './tables.js';

const test = suite('the log lines of docs/operations.md');

/** In backticks, with what changes from line to line as `…`. */
const told = new Set(
  readFileSync(pathOf('docs/operations.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| \d\d/.test(line))
    .flatMap((line) => [...line.split(' | ')[1]!.matchAll(/`([^`]*)`/g)].map(([, message]) => message!)),
);

const callOfLog = /\blog\.(?:info|warn|error|fatal)\(((?:[^'`;]|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)*)\)/g;

/** The messages that stand in calls of a logger, as the page writes them. */
function messagesOf(source: string): string[] {
  const found: string[] = [];
  for (const [, call] of source.matchAll(callOfLog)) {
    for (const [, plain, template] of call!.matchAll(/'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)) {
      const text = plain ?? template!.replaceAll('\\`', '').replaceAll(/\$\{[^}]*\}/g, '…');
      found.push(text.replaceAll('`', ''));
    }
  }
  return found;
}

const sources = readdirSync(pathOf('src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

test('has each line that the server writes', () => {
  const written = sources.flatMap((file) => messagesOf(readFileSync(pathOf(`src/${file}`), 'utf8')));
  assert.ok(written.length > 20);
  assert.equal(
    written.filter((message) => !told.has(message)),
    [],
  );
});

test('has no line that the server does not write', () => {
  const written = new Set(sources.flatMap((file) => messagesOf(readFileSync(pathOf(`src/${file}`), 'utf8'))));
  assert.equal(
    [...told].filter((message) => !written.has(message)),
    [],
  );
});

test.run();
