/** Writes the files of results, and everything that tells of them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot, resultsFolder } from './paths.js';
import { asMarkdown } from './report/markdown.js';
import { performanceParts, plotsOfAll, readmeParts, readPublished, withPublished } from './report/published.js';
import { asSumsSvg } from './report/sums-svg.js';
import { asSvg } from './report/svg.js';
import type { BenchResults } from './results.js';

/** @param name what the files are called, without their endings */
export async function writeResults(results: BenchResults, folder: string, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(results, undefined, 2)}\n`);
  await draw(results, folder, name);
}

/** Draws the page and the plots of results. */
async function draw(results: BenchResults, folder: string, name: string): Promise<void> {
  const drawn = { [`${name}.svg`]: asSvg(results), [`${name}-sums.svg`]: asSumsSvg(results) };
  const plots = Object.entries(drawn).flatMap(([file, svg]) => (svg === undefined ? [] : [[file, svg] as const]));
  for (const [file, svg] of plots) await writeFile(join(folder, file), svg);
  await writeFile(
    join(folder, `${name}.md`),
    asMarkdown(
      results,
      plots.map(([file]) => file),
    ),
  );
}

/** Draws all that is in bench/results anew and writes the figures of README.md and docs/performance.md. */
export async function publish(): Promise<void> {
  const runs = readPublished(resultsFolder);
  for (const { name, results } of runs) await draw(results, resultsFolder, name);
  for (const [file, svg] of Object.entries(plotsOfAll(runs))) await writeFile(join(resultsFolder, file), svg);
  await rewrite('README.md', readmeParts(runs, 'bench/results'));
  await rewrite('docs/performance.md', performanceParts(runs, '../bench/results'));
}

async function rewrite(page: string, parts: Record<string, string>): Promise<void> {
  const path = join(projectRoot, page);
  await writeFile(path, withPublished(await readFile(path, 'utf8'), parts));
}
