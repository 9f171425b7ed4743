/** Finds variables that look like ours and are none: a misspelt `TRAMA_PROT=1` would otherwise be ignored in silence. */

import { cutText } from '../protocol/cut-text.js';
import type { Environment } from './load-config.js';
import { nearestName } from './nearest-name.js';
import { variableOf } from './option-kinds.js';
import { optionKeys, options } from './options.js';

const prefix = 'TRAMA_';

/**
 * Not meant for the server: the token of the commands that call one, the tests' own, and what Kubernetes sets in each pod where there is a service named `trama`,
 * or `trama-…`.
 */
const foreign = /^TRAMA_TOKEN$|^TRAMA_(?:TEST|FUZZ|BENCH)_|^TRAMA_(?:\w+_)?(?:SERVICE_(?:HOST|PORT)|PORT_\d+_)/;

/** More names than this would make the line unreadable. */
const namesMax = 5;

/** One sentence that names them and the variables that may be meant; `undefined` where there is none. */
export function warningOfUnknownVariables(environment: Environment): string | undefined {
  const known = optionKeys.map((key) => variableOf(options[key]));
  const unknown = Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && !foreign.test(name) && !known.includes(name))
    .sort();
  if (unknown.length === 0) return undefined;
  const words = known.map((name) => name.slice(prefix.length));
  const named = unknown.slice(0, namesMax).map((name) => {
    const near = nearestName(name.slice(prefix.length), words);
    return near === undefined ? cutText(name, 80) : `${cutText(name, 80)} (did you mean ${prefix}${near}?)`;
  });
  if (unknown.length > namesMax) named.push(`${unknown.length - namesMax} more`);
  return `no option has the variable ${named.join(', ')}; --help lists those that exist`;
}
