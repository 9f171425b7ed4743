import type { BenchResults } from '../results.js';
import { headLines, type Section, sectionsOf } from './sections.js';
import { isFigure } from './text.js';

/** The results as a page. @param plots the file names of its plots, in the same folder */
export function asMarkdown(results: BenchResults, plots: readonly string[]): string {
  const head = headLines(results).map((line) => `- ${line}`);
  const parts = ['# Benchmark results', head.join('\n'), ...plots.map((plot) => `![A plot of these results](${plot})`)];
  return [...parts, ...sectionsOf(results).map(sectionMarkdown)].join('\n\n').concat('\n');
}

function sectionMarkdown({ title, notes, header, rows }: Section): string {
  const rule = header.map((_, column) => (isFigure(rows, column) ? '---:' : '---'));
  const table = [header, rule, ...rows].map((row) => `| ${row.map(escapeCell).join(' | ')} |`);
  return [`## ${title}`, ...notes, table.join('\n')].join('\n\n');
}

function escapeCell(cell: string): string {
  return cell.replaceAll('|', '\\|');
}
