/** `npm run docs:options`: writes the table of options into the README, between its markers. */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withOptionsTable } from '../../src/config/print-config.js';

const readmePath = fileURLToPath(new URL('../../../README.md', import.meta.url));

writeFileSync(readmePath, withOptionsTable(readFileSync(readmePath, 'utf8')));
