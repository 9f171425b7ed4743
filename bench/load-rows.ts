import type { Work } from './load/work.js';
import { numberArray, shapeNamed, thousandDoubles } from './number-shapes.js';

const greeting = '"hola"';

function echo(connections: number, depth: number): Work {
  return { name: `echo, ${connections} × ${depth}`, op: 'echo', data: greeting, connections, depth };
}

/** Numbers of a shape as Python's `json.dumps` spaces them. */
function spaced(shape: string, count: number): string {
  return numberArray({ ...shapeNamed(shape), separator: ', ' }, count);
}

/** What the server and its peers are put under: connections × requests in flight on each. */
export const loadRows: readonly Work[] = [
  echo(50, 128),
  echo(50, 16),
  echo(50, 1),
  echo(1, 1),
  { name: 'sum of 1,000 doubles, 8 × 8', op: 'sum', data: thousandDoubles(), connections: 8, depth: 8 },
  {
    name: 'sum of 2 MB of doubles, 4 × 2',
    op: 'sum',
    data: spaced('doubles of many magnitudes', 95_000),
    connections: 4,
    depth: 2,
  },
  {
    name: 'sum of 490 KB of integers, 4 × 2',
    op: 'sum',
    data: spaced('integers 0–1000', 100_000),
    connections: 4,
    depth: 2,
  },
];

/** @throws Error where there is no such row */
export function rowNamed(name: string): Work {
  const row = loadRows.find((each) => each.name === name);
  if (row === undefined) throw new Error(`no row "${name}"`);
  return row;
}

/** The row that the memory figures are taken with. */
export const memoryRow: Work = loadRows[0]!;
