/** How settings and options are shown: `--print-config` and the table of options in the README. Pure text. */

import type { Setting } from './load-config.js';
import { allowedWords, defaultWords, formatBytes, type Option, optionKeys, options, variableOf } from './options.js';

/** The settings in force as a plain table: option, value, unit, source. */
export function printSettings(settings: readonly Setting[]): string {
  const rows = settings.map((setting) => [
    setting.option.flag,
    valueWords(setting),
    unitOf(setting.option) || '-',
    setting.source === 'env' ? `env ${variableOf(setting.option)}` : setting.source,
  ]);
  return alignColumns([['OPTION', 'VALUE', 'UNIT', 'SOURCE'], ...rows]);
}

function valueWords({ option, value }: Setting): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(' ');
  return option.type === 'bytes' ? formatBytes(value as number) : String(value);
}

function unitOf(option: Option): string {
  if (option.type === 'bytes') return 'bytes';
  return option.type === 'integer' ? option.unit : '';
}

function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** The options as a Markdown table, for the README. */
export function optionsMarkdown(): string {
  const rows = optionKeys.map((key) => {
    const option = options[key];
    return `| \`--${option.flag}\` | \`${variableOf(option)}\` | ${defaultWords(option)} | ${allowedWords(option)} | ${option.help} |`;
  });
  return ['| flag | variable | default | takes | what |', '| --- | --- | --- | --- | --- |', ...rows, ''].join('\n');
}

/** What stands around the table in the README. */
export const optionsBegin = '<!-- options:begin -->';
export const optionsEnd = '<!-- options:end -->';

/**
 * The document with the table between its markers renewed.
 * @throws Error where the markers are missing
 */
export function withOptionsTable(document: string): string {
  const begin = document.indexOf(optionsBegin);
  const end = document.indexOf(optionsEnd);
  if (begin < 0 || end < begin) throw new Error(`the document has no ${optionsBegin} and ${optionsEnd} behind it`);
  return `${document.slice(0, begin + optionsBegin.length)}\n${optionsMarkdown()}${document.slice(end)}`;
}
