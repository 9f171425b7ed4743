/**
 * Checks `assembly/` with Biome, or with `--write` mends it. AssemblyScript has decorators on functions, which no parser
 * of TypeScript takes, so Biome gets copies in which they are comments. The rules are those of `biome.json`; what it
 * overrides for `assembly/` holds here.
 *
 * The exit status is that of Biome.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installTools, toolFile } from './tools.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const assembly = join(root, 'assembly');
const isWriting = process.argv.includes('--write');

/** One line stays one line, so that the places that Biome tells are right. */
const hidden = (text) => text.replace(/^( *)(@\w+(?:\(.*\))?)$/gm, '$1// $2');
const shown = (text) => text.replace(/^( *)\/\/ (@\w+(?:\(.*\))?)$/gm, '$1$2');

installTools();
const folder = mkdtempSync(join(tmpdir(), 'trama-lint-'));
try {
  const { files: _, vcs: __, ...config } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
  writeFileSync(join(folder, 'biome.json'), JSON.stringify(config));
  const copies = join(folder, 'assembly');
  const names = readdirSync(assembly, { recursive: true }).filter((name) => name.endsWith('.ts'));
  for (const name of names) {
    mkdirSync(dirname(join(copies, name)), { recursive: true });
    writeFileSync(join(copies, name), hidden(readFileSync(join(assembly, name), 'utf8')));
  }
  const args = [toolFile('@biomejs/biome/bin/biome'), 'check', ...(isWriting ? ['--write'] : []), 'assembly'];
  const { status, error } = spawnSync(process.execPath, args, { cwd: folder, stdio: 'inherit' });
  if (error) throw error;
  process.exitCode = status ?? 1;
  if (isWriting) {
    for (const name of names) writeFileSync(join(assembly, name), shown(readFileSync(join(copies, name), 'utf8')));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
