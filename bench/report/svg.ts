/**
 * The results as a plot: horizontal bars, grouped by row, the longest of a group at full length; each labelled with its
 * figure and with how many times as fast trama is. Colours follow the reader's light or dark mode.
 */
import type { BenchResults, EngineRow } from '../results.js';
import { rate, ratio } from './format.js';

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly figure: string;
  /** Drawn in the project's own colour. */
  readonly own: boolean;
}

interface Group {
  readonly title: string;
  readonly bars: readonly Bar[];
}

interface Chart {
  readonly title: string;
  readonly subtitle: string;
  readonly layout: Layout;
  readonly groups: readonly Group[];
}

/** Where a group's title stands: on a line of its own above labelled bars, or left of them in place of labels. */
interface Layout {
  readonly titles: 'above' | 'beside';
  readonly labelWidth: number;
  readonly figureWidth: number;
  readonly barHeight: number;
}

const width = 860;
const margin = 24;
const titleHeight = 20;
const barGap = 4;
const groupGap = 10;
const labelled: Layout = { titles: 'above', labelWidth: 130, figureWidth: 250, barHeight: 16 };
const paired: Layout = { titles: 'beside', labelWidth: 254, figureWidth: 300, barHeight: 13 };

/** @returns a whole SVG document */
export function asSvg(results: BenchResults): string {
  const parts: string[] = [];
  let y = margin;
  for (const chart of chartsOf(results)) {
    const drawn = drawChart(chart, y);
    parts.push(drawn.svg);
    y = drawn.bottom;
  }
  const { machine, date, smoke } = results;
  const caution = smoke ? 'A smoke run: its figures mean nothing. ' : '';
  const foot = `${caution}${machine.processor}, ${machine.cores} cores, Node ${machine.node}, ${date.slice(0, 10)}. Repeat: npm run bench`;
  parts.push(text(margin, y + 6, 'foot', foot));
  return document(y + margin, parts);
}

function chartsOf({ load, engine }: BenchResults): Chart[] {
  const charts: Chart[] = [];
  if (load !== undefined) {
    const groups = load.rows.map(({ name, cells }) => ({
      title: name,
      bars: cells.map((cell, index) => ({
        label: cell.peer,
        value: cell.ratePerSecond,
        figure: rate(cell.ratePerSecond) + (index === 0 ? '' : ` · trama: ${ratio(cell.rateRatio)} as fast`),
        own: index === 0,
      })),
    }));
    const subtitle = 'replies a second; connections × requests in flight on each; longer is better';
    charts.push({ title: 'Under load', subtitle, layout: labelled, groups });
  }
  if (engine !== undefined) {
    const groups = engine.filter(isPlotted).map(engineGroup);
    const subtitle = `MB of JSON a second, one thread; sums of ${plottedCount} numbers; longer is better`;
    charts.push({ title: 'The engine alone', subtitle, layout: paired, groups });
  }
  return charts;
}

const plottedCount = '100,000';
const plottedSuffix = `, ${plottedCount}`;

/** One size of each is enough for the eye; the table has all. */
function isPlotted({ group, name }: EngineRow): boolean {
  if (group === 'sum') return name.endsWith(plottedSuffix);
  return group === 'upper' || name.startsWith('records');
}

function engineGroup(row: EngineRow): Group {
  const megabytes = (value: number) => `${value.toFixed(0)} MB/s`;
  const own = row.engine.megabytesPerSecond;
  const other = row.javascript.megabytesPerSecond;
  const beside = `JSON.parse ${megabytes(other)} · trama: ${ratio(row.ratio)} as fast`;
  return {
    title: `${row.group}: ${row.name.replace(plottedSuffix, '')}`,
    bars: [
      { label: '', value: own, figure: `trama ${megabytes(own)}`, own: true },
      { label: '', value: other, figure: beside, own: false },
    ],
  };
}

function drawChart({ title, subtitle, layout, groups }: Chart, top: number): { svg: string; bottom: number } {
  const parts = [text(margin, top + 14, 'title', title), text(margin, top + 32, 'foot', subtitle)];
  let y = top + 48;
  for (const { title: groupTitle, bars } of groups) {
    parts.push(text(margin, y + 12, layout.titles === 'above' ? 'group' : 'figure', groupTitle));
    if (layout.titles === 'above') y += titleHeight;
    const longest = Math.max(...bars.map(({ value }) => value));
    for (const bar of bars) {
      parts.push(drawBar(bar, longest, layout, y));
      y += layout.barHeight + barGap;
    }
    y += groupGap;
  }
  return { svg: parts.join('\n'), bottom: y + 16 };
}

function drawBar({ label, value, figure, own }: Bar, longest: number, layout: Layout, y: number): string {
  const { labelWidth, figureWidth, barHeight } = layout;
  const x = margin + labelWidth;
  const length = Math.max(2, (value / longest) * (width - 2 * margin - labelWidth - figureWidth));
  const baseline = y + barHeight - (barHeight > 14 ? 4 : 2);
  return [
    label === '' ? '' : text(x - 8, baseline, 'label', label),
    `<rect class="${own ? 'own' : 'other'}" x="${x}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
    text(x + length + 8, baseline, 'figure', figure),
  ].join('\n');
}

function text(x: number, y: number, kind: string, content: string): string {
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y}">${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function document(height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Benchmark results: trama beside its peers">
<style>
text { font: 13px system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; fill: #24292f; }
.title { font-size: 18px; font-weight: 600; }
.group { font-weight: 600; }
.label { text-anchor: end; }
.foot, .label { fill: #57606a; }
.own { fill: #0969da; }
.other { fill: #afb8c1; }
.page { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .foot, .label { fill: #9198a1; }
  .own { fill: #4493f8; }
  .other { fill: #545d68; }
  .page { fill: #0d1117; }
}
</style>
<rect class="page" width="${width}" height="${height}" rx="8"/>
${parts.join('\n')}
</svg>
`;
}
