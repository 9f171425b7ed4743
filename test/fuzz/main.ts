/** `npm run fuzz -- [--minutes N] [target]…`: each target for so many minutes, one after the other. */
import { parseArgs } from 'node:util';
import { fuzzTarget } from '../support/fuzz.js';
import { fuzzTargets } from './targets.js';

const minutesDefault = '1';

const { values, positionals } = parseArgs({
  options: { minutes: { type: 'string', default: minutesDefault } },
  allowPositionals: true,
});
const minutes = Number(values.minutes);
const names = fuzzTargets.map(({ name }) => name);
const unknown = positionals.find((name) => !names.includes(name));
if (!(minutes > 0) || unknown !== undefined) {
  console.error(
    unknown === undefined
      ? `--minutes is "${values.minutes}"; it must be a number above 0`
      : `there is no target "${unknown}"; there are ${names.join(', ')}`,
  );
  process.exit(2);
}
for (const target of fuzzTargets) {
  if (positionals.length > 0 && !positionals.includes(target.name)) continue;
  const { rounds } = await fuzzTarget(target, minutes * 60_000);
  console.log(`  ${target.name}: ${rounds} rounds, nothing found`);
}
