/** The results as a plot, grouped by row: replies a second of all peers, and the engine's MB/s beside JavaScript's. */
import type { BenchResults, EngineRow } from '../results.js';
import { type Bar, type Chart, drawCharts, type Group, type Layout } from './bar-chart.js';
import { javascriptSteps, rate, ratio } from './format.js';

const labelled: Layout = {
  titles: 'above',
  labelWidth: 130,
  figureWidth: 250,
  barHeight: 16,
  barGap: 4,
  scale: 'group',
};
const paired: Layout = {
  titles: 'beside',
  labelWidth: 310,
  figureWidth: 310,
  barHeight: 13,
  barGap: 4,
  scale: 'group',
};

/** @returns a whole SVG document, or nothing where there is nothing to plot */
export function asSvg(results: BenchResults): string | undefined {
  const charts = chartsOf(results);
  if (charts.length === 0) return undefined;
  return drawCharts(charts, results, 'Benchmark results: trama beside its peers', 'npm run bench');
}

function chartsOf({ load, engine, machine }: BenchResults): Chart[] {
  const charts: Chart[] = [];
  if (load !== undefined && load.rows.length > 0) {
    const groups = load.rows.map(({ name, cells }) => ({
      title: name,
      bars: cells.map(
        (cell, index): Bar => ({
          label: cell.peer,
          value: cell.ratePerSecond,
          figure: rate(cell.ratePerSecond) + (index === 0 ? '' : ` · trama: ${ratio(cell.rateRatio)} as fast`),
          tone: index === 0 ? 'own' : 'other',
        }),
      ),
    }));
    const subtitle = 'replies a second; connections × requests in flight on each; longer is better';
    charts.push({ title: `Under load, Node ${machine.node}`, subtitles: [subtitle], layout: labelled, groups });
  }
  if (engine !== undefined) {
    const groups = engine.rows.filter(isPlotted).map(engineGroup);
    const subtitles = [
      `MB of JSON a second, one thread; sums of ${plottedCount} numbers; longer is better`,
      `JavaScript: ${javascriptSteps}`,
    ];
    charts.push({ title: `The engine alone, Node ${machine.node}`, subtitles, layout: paired, groups });
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
  const beside = `JavaScript ${megabytes(other)} · trama: ${ratio(row.ratio)} as fast`;
  return {
    title: `${row.group}: ${row.name.replace(plottedSuffix, '')}`,
    bars: [
      { label: '', value: own, figure: `trama ${megabytes(own)}`, tone: 'own' },
      { label: '', value: other, figure: beside, tone: 'other' },
    ],
  };
}
