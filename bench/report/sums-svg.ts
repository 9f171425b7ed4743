/** The sum against its peers, by shape of data: MB/s of the engine, of simdjson and of JavaScript, all on one scale. */
import type { BenchResults, EngineRow } from '../results.js';
import { type Bar, drawCharts, type Group, type Layout } from './bar-chart.js';
import { javascriptSteps, ratio } from './format.js';

const layout: Layout = {
  titles: 'beside',
  labelWidth: 276,
  figureWidth: 310,
  barHeight: 11,
  barGap: 2,
  scale: 'chart',
};

const suffix = ', 100,000';

/** @returns a whole SVG document, or nothing where no sum was measured */
export function asSumsSvg(results: BenchResults): string | undefined {
  const rows = results.engine?.rows.filter(({ group, name }) => group === 'sum' && name.endsWith(suffix)) ?? [];
  if (rows.length === 0) return undefined;
  const version = results.engine?.simdjsonVersion;
  const simdjson = version === undefined ? '' : `; simdjson ${version}`;
  const chart = {
    title: `Adding up 100,000 numbers of JSON text, Node ${results.machine.node}`,
    subtitles: [
      'MB a second, one thread; trama’s sum is exact, the others round at each addition; longer is better',
      `JavaScript: ${javascriptSteps}${simdjson}`,
    ],
    layout,
    groups: rows.map(groupOf),
  };
  const about = 'MB a second of sums by shape of numbers: trama, simdjson, JavaScript';
  return drawCharts([chart], results, about, 'npm run bench');
}

function groupOf({ name, engine, javascript, ratio: javascriptRatio, simdjson }: EngineRow): Group {
  const bars: Bar[] = [bar('trama', engine.megabytesPerSecond, 'own')];
  if (simdjson !== undefined) bars.push(bar('simdjson', simdjson.megabytesPerSecond, 'mark', simdjson.ratio));
  bars.push(bar('JavaScript', javascript.megabytesPerSecond, 'other', javascriptRatio));
  return { title: name.replace(suffix, ''), bars };
}

function bar(peer: string, value: number, tone: Bar['tone'], times?: number): Bar {
  const beside = times === undefined ? '' : ` · trama: ${ratio(times)} as fast`;
  return { label: '', value, tone, figure: `${peer} ${value.toFixed(0)} MB/s${beside}` };
}
