/** Charts of horizontal bars, each labelled with its figure, as SVG. Colours follow the reader's light or dark mode. */
import type { BenchResults } from '../results.js';

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly figure: string;
  /** Which colour: the project's own, that of a mark to be held against, or that of any other. */
  readonly tone: 'own' | 'mark' | 'other';
}

export interface Group {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  readonly layout: Layout;
  readonly groups: readonly Group[];
}

/** Where a group's title stands: on a line of its own above labelled bars, or left of them in place of labels. */
export interface Layout {
  readonly titles: 'above' | 'beside';
  readonly labelWidth: number;
  readonly figureWidth: number;
  readonly barHeight: number;
  readonly barGap: number;
  /** Whose longest bar has full length: each group's own, or the whole chart's. */
  readonly scale: 'group' | 'chart';
}

const width = 860;
const margin = 24;
const titleHeight = 20;
const groupGap = 10;

/** @returns a whole SVG document. @param about what a reader who cannot see it is told */
export function drawCharts(
  charts: readonly Chart[],
  { machine, date, smoke }: BenchResults,
  about: string,
  command: string,
): string {
  const parts: string[] = [];
  let y = margin;
  for (const chart of charts) {
    const drawn = drawChart(chart, y);
    parts.push(drawn.svg);
    y = drawn.bottom;
  }
  const caution = smoke ? 'A smoke run: its figures mean nothing. ' : '';
  const foot = `${caution}${machine.processor}, ${machine.cores} cores, Node ${machine.node}, ${date.slice(0, 10)}. Repeat: ${command}`;
  parts.push(text(margin, y + 6, 'foot', foot));
  return document(y + margin, about, parts);
}

function drawChart({ title, subtitle, layout, groups }: Chart, top: number): { svg: string; bottom: number } {
  const parts = [text(margin, top + 14, 'title', title), text(margin, top + 32, 'foot', subtitle)];
  let y = top + 48;
  const longestOfAll = longestOf(groups.flatMap(({ bars }) => bars));
  for (const { title: groupTitle, bars } of groups) {
    parts.push(text(margin, y + 12, layout.titles === 'above' ? 'group' : 'figure', groupTitle));
    if (layout.titles === 'above') y += titleHeight;
    const longest = layout.scale === 'chart' ? longestOfAll : longestOf(bars);
    for (const bar of bars) {
      parts.push(drawBar(bar, longest, layout, y));
      y += layout.barHeight + layout.barGap;
    }
    y += groupGap;
  }
  return { svg: parts.join('\n'), bottom: y + 16 };
}

function longestOf(bars: readonly Bar[]): number {
  return Math.max(...bars.map(({ value }) => value));
}

function drawBar({ label, value, figure, tone }: Bar, longest: number, layout: Layout, y: number): string {
  const { labelWidth, figureWidth, barHeight } = layout;
  const x = margin + labelWidth;
  const length = Math.max(2, (value / longest) * (width - 2 * margin - labelWidth - figureWidth));
  const baseline = y + barHeight - (barHeight > 14 ? 4 : barHeight > 11 ? 2 : 1);
  return [
    label === '' ? '' : text(x - 8, baseline, 'label', label),
    `<rect class="${tone}" x="${x}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
    text(x + length + 8, baseline, 'figure', figure),
  ].join('\n');
}

function text(x: number, y: number, kind: string, content: string): string {
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y}">${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function document(height: number, about: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(about)}">
<style>
text { font: 13px system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; fill: #24292f; }
.title { font-size: 18px; font-weight: 600; }
.group { font-weight: 600; }
.label { text-anchor: end; }
.foot, .label { fill: #57606a; }
.own { fill: #0969da; }
.mark { fill: #bc6c25; }
.other { fill: #afb8c1; }
.page { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .foot, .label { fill: #9198a1; }
  .own { fill: #4493f8; }
  .mark { fill: #d29922; }
  .other { fill: #545d68; }
  .page { fill: #0d1117; }
}
</style>
<rect class="page" width="${width}" height="${height}" rx="8"/>
${parts.join('\n')}
</svg>
`;
}
