/** Where things lie, whichever folder the compiled files were put in: found from the package.json above them. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

function packageRoot(): string {
  let folder = here;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error(`no package.json above ${here}: run the benchmark from the project's folder`);
    folder = parent;
  }
  return folder;
}

export const projectRoot = packageRoot();
export const serverMain = join(here, '..', 'src', 'cli', 'main.js');
export const loadMain = join(here, 'load', 'main.js');
export const bulkMain = join(here, 'bulk', 'main.js');
export const plainServerMain = join(here, 'peers', 'plain-json-server.js');
/** Not compiled by tsc, so they stay in the source folder. */
export const threadPoolServer = join(projectRoot, 'bench', 'peers', 'thread_pool_server.py');
export const echoLimitSource = join(projectRoot, 'bench', 'peers', 'echo_limit.c');
export const loadgenSource = join(projectRoot, 'bench', 'load', 'loadgen.c');
export const connectsSource = join(projectRoot, 'bench', 'load', 'connects.c');
export const simdjsonSource = join(projectRoot, 'bench', 'peers', 'simdjson_sum.cpp');
export const resultsFolder = join(projectRoot, 'bench', 'results');
