/** How the user started this program, so that a hint names a command that works where the user is. */

import { relative, sep } from 'node:path';

/** The beginning of a command line: `trama`, `npx trama`, or `node dist/src/cli/main.js`. */
export function howStarted(
  script: string = process.argv[1] ?? '',
  folder: string = process.cwd(),
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const isInstalled = script.endsWith(`${sep}trama`);
  const isLocal = script.includes(`${sep}node_modules${sep}.bin${sep}`);
  if (environment.npm_command === 'exec' || (isInstalled && isLocal)) return 'npx trama';
  if (isInstalled) return 'trama';
  const path = relative(folder, script);
  return `node ${quoted(path.startsWith(`..${sep}..`) ? script : path)}`;
}

/** As a shell takes it. */
function quoted(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
