/** `npm run engine`: keeps the modules that were just compiled as those in the tree, which `npm install` copies. */
import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { keptModules } from './program.mjs';

const file = (path) => fileURLToPath(new URL(path, import.meta.url));

for (const name of keptModules) copyFileSync(file(`../dist/src/engine/${name}`), file(`../src/engine/${name}`));
