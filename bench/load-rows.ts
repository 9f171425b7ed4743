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

/** Work of one kind by its size: what a plot has on its axis, and what shows a step where there should be none. */
export interface SizedWork extends Work {
  readonly op: 'echo' | 'sum';
  /** The size as people write it: `16 KiB`, `3,000`. */
  readonly size: string;
  /** Bytes of a string, or numbers. */
  readonly count: number;
}

const sizePeers = ['plain Node', 'C, epoll'];
const kib = 1024;
const stringBytes = [64, 256, kib, 4 * kib, 16 * kib, 64 * kib, 256 * kib, 1024 * kib, 4096 * kib, 8192 * kib];
const numberCounts = [1_000, 3_000, 10_000, 30_000, 100_000, 500_000];

function echoOf(bytes: number): SizedWork {
  const size = bytesText(bytes);
  const [connections, depth] = bytes <= 4 * kib ? [8, 8] : bytes <= 1024 * kib ? [4, 4] : [4, 2];
  const name = `echo of ${size}, ${connections} × ${depth}`;
  const data = `"${'x'.repeat(bytes)}"`;
  return { name, op: 'echo', data, connections, depth, peers: sizePeers, size, count: bytes };
}

function sumOf(count: number): SizedWork {
  const size = count.toLocaleString('en');
  const name = `sum of ${size} doubles, 4 × 2`;
  let data: string | undefined;
  return {
    name,
    op: 'sum',
    // Half a million numbers are written when they are asked for: not everyone who reads the names wants them.
    get data() {
      data ??= spaced('doubles of many magnitudes', count);
      return data;
    },
    connections: 4,
    depth: 2,
    peers: sizePeers,
    size,
    count,
  };
}

function bytesText(bytes: number): string {
  if (bytes < kib) return `${bytes} B`;
  return bytes < kib * kib ? `${bytes / kib} KiB` : `${bytes / kib / kib} MiB`;
}

/** The same work by size, the smallest first: `echo` of one string, and sums. */
export const sizeRows: readonly SizedWork[] = [...stringBytes.map(echoOf), ...numberCounts.map(sumOf)];

/** Small frames beside streams of larger ones, and new connections beside small frames. */
export const besideRow: Work = {
  name: 'echo of 256 KiB, 4 × 1',
  op: 'echo',
  data: echoOf(256 * kib).data,
  connections: 4,
  depth: 1,
};
export const mixedNames = {
  streams: 'echo, 50 × 16, beside four streams of 256 KiB echoes',
  connects: 'connections a second beside echo, 50 × 16',
} as const;

/** @throws Error where there is no such row */
export function rowNamed(name: string): Work {
  const row = loadRows.find((each) => each.name === name);
  if (row === undefined) throw new Error(`no row "${name}"`);
  return row;
}

/** The row that the memory figures are taken with. */
export const memoryRow: Work = loadRows[0]!;
