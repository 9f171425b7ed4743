import type { BenchResults } from '../results.js';
import { headLines, type Section, sectionsOf } from './sections.js';

/** The results for a terminal: columns in line, figures to the right. */
export function asText(results: BenchResults): string {
  return [headLines(results).join('\n'), ...sectionsOf(results).map(sectionText)].join('\n\n').concat('\n');
}

function sectionText({ title, notes, header, rows }: Section): string {
  const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (isFigure(rows, column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [
    title,
    ...notes.map((note) => `  ${note}`),
    line(header),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...rows.map(line),
  ].join('\n');
}

/** A column whose every cell begins with a digit, a sign or nothing. */
export function isFigure(rows: readonly (readonly string[])[], column: number): boolean {
  return column > 0 && rows.every((row) => /^(?:[\d–-].*)?$/.test(row[column]!));
}
