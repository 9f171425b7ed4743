/**
 * The small plot of the README: how many times as fast as a plain Node server trama is, in a few rows, the newest Node
 * beside the oldest one. The dashed line is where the two are alike.
 */

import { ratio } from './format.js';
import type { PublishedRun } from './published.js';
import { document, margin, text, width } from './svg-page.js';

const yardstick = 'plain Node';

/** The rows, as someone reads them who does not know the benchmark yet. */
const rows = [
  { name: 'echo, 50 × 128', title: 'small requests, 50 connections, 128 at once' },
  { name: 'echo, 50 × 16', title: 'small requests, 50 connections, 16 at once' },
  { name: 'echo, 50 × 1', title: 'small requests, 50 connections, one at a time' },
  { name: 'sum of 1,000 doubles, 8 × 8', title: 'sums of 1,000 numbers, 21 KB' },
  { name: 'sum of 2 MB of doubles, 4 × 2', title: 'sums of 95,000 numbers, 2 MB' },
] as const;

const barLeft = margin + 350;
const barRight = width - 150;
const barHeight = 12;
const rowGap = 10;

/** @returns a whole SVG document, or nothing where no run has such rows. @param runs the oldest Node first */
export function asOverviewSvg(runs: readonly PublishedRun[]): string | undefined {
  const shown = [...new Set([runs.at(0), runs.at(-1)])].filter((run) => run?.results.load !== undefined);
  const measured = shown as readonly PublishedRun[];
  const groups = rows.flatMap(({ name, title }) => {
    const bars = measured.flatMap((run) => {
      const cells = run.results.load!.rows.find((row) => row.name === name)?.cells;
      const times = cells?.find(({ peer }) => peer === yardstick)?.rateRatio;
      return times === undefined ? [] : [{ run, times }];
    });
    return bars.length === 0 ? [] : [{ title, bars }];
  });
  if (groups.length === 0) return undefined;
  const longest = Math.max(1, ...groups.flatMap(({ bars }) => bars.map(({ times }) => times)));
  const x = (times: number) => barLeft + (times / longest) * (barRight - barLeft);
  const parts = [
    text(margin, margin + 14, 'title', 'How many times as fast as a plain Node server'),
    text(
      margin,
      margin + 34,
      'foot',
      'Replies a second beside JSON.parse, a function and JSON.stringify over the same protocol, on the same machine',
    ),
  ];
  const top = margin + 54;
  let y = top;
  for (const { title, bars } of groups) {
    parts.push(text(margin, y + (bars.length * (barHeight + 2)) / 2 + 4, 'figure', title));
    for (const { run, times } of bars) {
      const tone = run === measured.at(-1) ? 'own' : 'own faint';
      parts.push(
        `<rect class="${tone}" x="${barLeft}" y="${y}" width="${(x(times) - barLeft).toFixed(1)}" height="${barHeight}" rx="2"/>`,
      );
      parts.push(text(x(times) + 8, y + barHeight - 2, 'small', `${ratio(times)}, Node ${run.nodeMajor}`));
      y += barHeight + 2;
    }
    y += rowGap;
  }
  parts.push(
    `<line class="grid older" x1="${x(1).toFixed(1)}" y1="${top - 4}" x2="${x(1).toFixed(1)}" y2="${y - rowGap + 4}"/>`,
    text(x(1), y + 6, 'small middle', `${yardstick}: 1 ×`),
  );
  const { machine, date } = measured.at(-1)!.results;
  parts.push(
    text(
      margin,
      y + 28,
      'foot',
      `${machine.processor}, ${machine.cores} cores, ${date.slice(0, 10)}. All rows, all peers: docs/performance.md`,
    ),
  );
  return document(
    y + 28 + margin,
    'How many times as fast as a plain Node server trama is, by kind of work and version of Node',
    parts,
  );
}
