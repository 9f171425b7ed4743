import type { Work } from './load/work.js';
import { thousandDoubles } from './number-shapes.js';

const greeting = '"hola"';

function echo(connections: number, depth: number): Work {
  return { name: `echo, ${connections} × ${depth}`, op: 'echo', data: greeting, connections, depth };
}

/** What the server and its peers are put under: connections × requests in flight on each. */
export const loadRows: readonly Work[] = [
  echo(50, 128),
  echo(50, 16),
  echo(50, 1),
  echo(1, 1),
  { name: 'sum of 1,000 doubles, 8 × 8', op: 'sum', data: thousandDoubles(), connections: 8, depth: 8 },
];

/** The row that the memory figures are taken with. */
export const memoryRow: Work = loadRows[0]!;
