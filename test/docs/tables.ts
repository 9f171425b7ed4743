/** What the documents have from the code: tables between two markers, and whole files. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configSchemaText } from '../../src/config/config-schema.js';
import { optionsMarkdown } from '../../src/config/print-config.js';
import { families, httpFamilies } from '../../src/sidecar/metrics.js';

export interface Generated {
  /** From the root of the project. */
  readonly file: string;
  /** The whole text of the file as the code gives it, made from the one that is there. */
  text(): string;
}

export const pathOf = (file: string) => fileURLToPath(new URL(`../../../${file}`, import.meta.url));

const read = (file: string) => readFileSync(pathOf(file), 'utf8');

export const generated: readonly Generated[] = [
  { file: 'README.md', text: () => withTable(read('README.md'), 'options', optionsMarkdown()) },
  { file: 'docs/operations.md', text: () => withTable(read('docs/operations.md'), 'metrics', metricsMarkdown()) },
  { file: 'docs/trama-config.schema.json', text: configSchemaText },
];

/**
 * The document with what stands between `<!-- name:begin -->` and `<!-- name:end -->` renewed.
 * @throws Error where a marker is missing
 */
export function withTable(document: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const beginAt = document.indexOf(begin);
  const endAt = document.indexOf(end);
  if (beginAt < 0 || endAt < beginAt) throw new Error(`the document has no ${begin} with ${end} after it`);
  return `${document.slice(0, beginAt + begin.length)}\n${table}${document.slice(endAt)}`;
}

function metricsMarkdown(): string {
  const rows = [...families, ...httpFamilies].map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`);
  return ['| metric | type | what |', '| --- | --- | --- |', ...rows, ''].join('\n');
}
