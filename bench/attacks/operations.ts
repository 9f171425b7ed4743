/** The operations of the server under attack: one of honest clients, and those that attackers call. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineOperation } from '../../src/ops/define-operation.js';

export const quick = defineOperation({ description: 'Answers at once.', idempotent: true, run: (data) => data });

export const spin = defineOperation({
  description: 'Never ends and never looks up.',
  run: () => {
    while (true) Math.sqrt(2);
  },
});

export const wait = defineOperation<number, number>({
  description: 'Answers after so many milliseconds.',
  input: { type: 'number' },
  run: async (ms) => {
    await sleep(ms);
    return ms;
  },
});

export const readPipe = defineOperation<string, number>({
  description: 'Reads a file to its end in one system call after the other, and gives its bytes.',
  input: { type: 'string' },
  run: (path) => readFileSync(path).length,
});
