/** The path to a number in a JSON value: a small part of jq's syntax. */

const examples = '.price, .items[0].price, .["a b"], or . for the line itself';

/** More steps than a path that a person writes has. */
const stepsMax = 64;

/** Larger indexes than any array has that fits a line. */
const indexMax = 2 ** 30;

/** One step: `.name`, `."a name"`, `["a name"]`, `.["a name"]` or `[0]`, `.[0]`. */
const step = /\.?\[\s*(?:(\d+)|("(?:[^"\\]|\\.)*"))\s*\]|\.(?:([A-Za-z_$][\w$]*)|("(?:[^"\\]|\\.)*"))/y;

/**
 * Reads a path into its steps: names of members, and indexes of items from 0.
 * @throws RangeError that says how a path is written
 */
export function parsePath(path: string): (string | number)[] {
  if (path === '.') return [];
  const steps: (string | number)[] = [];
  let at = 0;
  while (at < path.length) {
    step.lastIndex = at;
    const match = step.exec(path);
    // The first step has a point: `[0]` alone would be an array in jq.
    if (match === null || (at === 0 && !path.startsWith('.'))) throw unreadable(path, at);
    const [text, index, bracketed, bare, quoted] = match;
    const name = bracketed ?? quoted;
    if (index !== undefined) steps.push(Number(index));
    else steps.push(name === undefined ? bare! : nameOf(name, path, at));
    at += text.length;
  }
  if (steps.length === 0) throw unreadable(path, 0);
  if (steps.length > stepsMax)
    throw new RangeError(`The path has ${steps.length} steps; at most ${stepsMax} are taken.`);
  if (steps.some((each) => typeof each === 'number' && each > indexMax)) {
    throw new RangeError(`An index in the path ${path} is above ${indexMax}.`);
  }
  return steps;
}

function nameOf(token: string, path: string, at: number): string {
  try {
    return JSON.parse(token) as string;
  } catch {
    throw unreadable(path, at);
  }
}

function unreadable(path: string, at: number): RangeError {
  const place = at === 0 ? '' : ` from ${JSON.stringify(path.slice(at))} on`;
  return new RangeError(`The path ${JSON.stringify(path)} cannot be read${place}; write it like ${examples}.`);
}
