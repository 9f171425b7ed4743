/** Charts of horizontal bars, each labelled with its figure, as SVG. Colours follow the reader's light or dark mode. */
import type { BenchResults } from '../results.js';
import { document, margin, text, width } from './svg-page.js';

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
  /** One line each. */
  readonly subtitles: readonly string[];
  readonly layout: Layout;
  readonly groups: readonly Group[];
}

/** Where a group's title is: on a line of its own above labelled bars, or left of bars without labels. */
export interface Layout {
  readonly titles: 'above' | 'beside';
  readonly labelWidth: number;
  readonly figureWidth: number;
  readonly barHeight: number;
  readonly barGap: number;
  /** Whose longest bar has full length: each group's own, or the whole chart's. */
  readonly scale: 'group' | 'chart';
}

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

function drawChart({ title, subtitles, layout, groups }: Chart, top: number): { svg: string; bottom: number } {
  const parts = [text(margin, top + 14, 'title', title)];
  let y = top + 14;
  for (const line of subtitles) {
    y += 18;
    parts.push(text(margin, y, 'foot', line));
  }
  y += 16;
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
