/**
 * Runs a tool of `tools/`, which is installed first where it is missing: `node scripts/tool.mjs biome check`.
 *
 * The exit status is the tool's; 1 where it could not be installed or started.
 */
import { spawnSync } from 'node:child_process';
import { installTools, toolFile } from './tools.mjs';

const [name, ...args] = process.argv.slice(2);

try {
  installTools();
  const { status, error } = spawnSync(toolFile(`.bin/${name}`), args, { stdio: 'inherit' });
  if (error) throw new Error(error.code === 'ENOENT' ? `${name} is not in tools/package.json` : error.message);
  process.exitCode = status ?? 1;
} catch (error) {
  process.stderr.write(`tools: ${error.message}\n`);
  process.exitCode = 1;
}
