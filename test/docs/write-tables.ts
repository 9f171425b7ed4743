/** `npm run docs:tables`: writes into the documents what they have from the code. */

import { writeFileSync } from 'node:fs';
import { generated, pathOf } from './tables.js';

for (const { file, text } of generated) writeFileSync(pathOf(file), text());
