/**
 * The rate by size: MB/s over the size of a frame's data, of trama, a C server and a plain Node server, one line each. All
 * runs are in one plot, the newest Node's lines whole and the older ones' dashed. Where nothing steps down, no size is a
 * cliff.
 */
import type { SizeRow } from '../results.js';
import { megabytesPerSecond } from '../size-goals.js';
import type { PublishedRun } from './published.js';
import { document, margin, text, width } from './svg-page.js';

const plotLeft = margin + 52;
const plotRight = width - 172;
const plotHeight = 210;
const tickLength = 4;
const labelRoom = 46;
const labelHeight = 16;

const tones: Readonly<Record<string, string>> = { trama: 'own', 'C, epoll': 'mark', 'plain Node': 'other' };

interface Point {
  readonly count: number;
  readonly value: number;
}

interface Line {
  readonly peer: string;
  readonly nodeMajor: number;
  readonly isOlder: boolean;
  readonly points: readonly Point[];
}

const panels = [
  { op: 'echo', title: 'echo of one string', axis: 'bytes of the string' },
  { op: 'sum', title: 'sum of doubles, some 20 bytes each', axis: 'numbers' },
] as const;

/** @returns a whole SVG document, or nothing where no run has such rows. @param runs the oldest Node first */
export function asSizesSvg(runs: readonly PublishedRun[]): string | undefined {
  const measured = runs.filter(({ results }) => results.load?.sizes !== undefined);
  const newest = measured.at(-1);
  if (newest === undefined) return undefined;
  const title = `Rate by size of frame, ${measured.map(({ nodeMajor }) => `Node ${nodeMajor}`).join(' and ')}`;
  const parts = [
    text(margin, margin + 14, 'title', title),
    text(
      margin,
      margin + 34,
      'foot',
      'MB of requests a second; higher is better. Whole lines: the newest Node. The C server, which needs none, ran beside each.',
    ),
  ];
  let y = margin + 62;
  for (const { op, title: panelTitle, axis } of panels) {
    const rows = newest.results.load!.sizes!.rows.filter((row) => row.op === op);
    if (rows.length === 0) continue;
    parts.push(text(margin, y, 'group', panelTitle));
    parts.push(drawPanel(rows, linesOf(measured, op), axis, y + 16));
    y += plotHeight + 84;
  }
  const { machine, date, smoke } = newest.results;
  const caution = smoke ? 'A smoke run: its figures mean nothing. ' : '';
  parts.push(
    text(
      margin,
      y - 4,
      'foot',
      `${caution}${machine.processor}, ${machine.cores} cores, ${date.slice(0, 10)}. Repeat: npm run bench`,
    ),
  );
  return document(y + margin - 8, 'MB a second by size of frame: trama, a C server, a plain Node server', parts);
}

function linesOf(runs: readonly PublishedRun[], op: SizeRow['op']): Line[] {
  return runs.flatMap(({ nodeMajor, results }, index) => {
    const rows = results.load!.sizes!.rows.filter((row) => row.op === op);
    return Object.keys(tones).flatMap((peer) => {
      const points = rows.flatMap((row) => {
        const cell = row.cells.findIndex((each) => each.peer === peer);
        return cell < 0 ? [] : [{ count: row.count, value: megabytesPerSecond(row, cell) }];
      });
      return points.length === 0 ? [] : [{ peer, nodeMajor, isOlder: index < runs.length - 1, points }];
    });
  });
}

function drawPanel(rows: readonly SizeRow[], lines: readonly Line[], axis: string, top: number): string {
  const bottom = top + plotHeight;
  const highest = Math.max(...lines.flatMap(({ points }) => points.map(({ value }) => value)));
  const step = niceStep(highest);
  const most = Math.ceil(highest / step) * step;
  const [least, greatest] = [Math.log(rows[0]!.count), Math.log(rows.at(-1)!.count)];
  // One size alone stands in the middle.
  const x = (count: number) =>
    greatest === least
      ? (plotLeft + plotRight) / 2
      : plotLeft + ((Math.log(count) - least) / (greatest - least)) * (plotRight - plotLeft);
  const y = (value: number) => bottom - (value / most) * plotHeight;
  const parts: string[] = [];
  for (let value = 0; value <= most; value += step) {
    parts.push(line(plotLeft, y(value), plotRight, y(value), 'grid'));
    parts.push(text(plotLeft - 8, Math.round(y(value) + 4), 'small ahead', value.toLocaleString('en')));
  }
  for (const [index, { count, size }] of rows.entries()) {
    parts.push(line(x(count), bottom, x(count), bottom + tickLength, 'grid'));
    // The last size is always told; one that is too near to its neighbour is not.
    const next = rows[index + 1];
    const hasRoom = next === undefined || x(next.count) - x(count) >= labelRoom;
    if (hasRoom) parts.push(text(x(count), bottom + 18, 'small middle', size));
  }
  parts.push(text((plotLeft + plotRight) / 2, bottom + 36, 'small middle', axis));
  for (const { peer, isOlder, points } of lines) {
    const path = points.map(({ count, value }) => `${x(count).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    parts.push(`<polyline class="lines ${tones[peer]}${isOlder ? ' older' : ''}" points="${path}"/>`);
  }
  const labels = lines.map((each) => ({ ...each, at: y(each.points.at(-1)!.value) }));
  for (const { peer, nodeMajor, isOlder, at } of apart(labels, bottom)) {
    const kind = `lines ${tones[peer]}${isOlder ? ' older' : ''}`;
    parts.push(line(plotRight + 8, at, plotRight + 26, at, kind));
    parts.push(text(plotRight + 32, Math.round(at + 4), 'small', `${peer}, Node ${nodeMajor}`));
  }
  return parts.join('\n');
}

function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  return `<line class="${kind}" x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"/>`;
}

/** Round steps of an axis, four to eight of them. */
function niceStep(highest: number): number {
  const rough = highest / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 2.5, 5, 10].find((times) => times * power >= rough) ?? 10);
}

/** Moves labels that would lie on one another apart, the highest first, and none of them below the axis. */
function apart<Label extends { readonly at: number }>(labels: readonly Label[], bottom: number): Label[] {
  const sorted = [...labels].sort((a, b) => a.at - b.at);
  let free = Number.NEGATIVE_INFINITY;
  return sorted.map((label, index) => {
    const lowest = bottom - (sorted.length - 1 - index) * labelHeight;
    const at = Math.min(Math.max(label.at, free), lowest);
    free = at + labelHeight;
    return { ...label, at };
  });
}
