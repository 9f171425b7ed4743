/**
 * Parses JSON and says where it is wrong. `JSON.parse` of Node 20 names no place in a short text, and takes the same name
 * twice, of which the first would be ignored in silence. The parser is loaded when there is a text to parse.
 */

import { createRequire } from 'node:module';

/** A text is not JSON. Line and column count from 1. */
export class JsonSyntaxError extends Error {
  readonly line: number;
  readonly column: number;
  /** What is wrong there, as a phrase. */
  readonly problem: string;

  constructor(text: string, position: number, problem: string) {
    const before = text.slice(0, position).split('\n');
    super(`line ${before.length}: ${problem}`);
    this.line = before.length;
    this.column = [...before.at(-1)!].length + 1;
    this.problem = problem;
  }
}

const require = createRequire(import.meta.url);

/** @throws JsonSyntaxError */
export function parseJson(text: string): unknown {
  const { parse } = require('lossless-json') as typeof import('lossless-json');
  const onDuplicateKey = ({ key, position }: { key: string; position: number }): never => {
    throw new SyntaxError(`${JSON.stringify(key)} is there twice at position ${position}`);
  };
  try {
    return parse(text, null, { parseNumber: Number, onDuplicateKey });
  } catch (error) {
    // The parser goes one call deeper for each level, until the stack has no room.
    if (error instanceof RangeError) throw new JsonSyntaxError(text, 0, 'nested too deeply');
    if (!(error instanceof SyntaxError)) throw error;
    throw syntaxError(text, error);
  }
}

/** The parser's messages end with the place: `Colon ':' expected after property name but got '1' at position 9`. */
function syntaxError(text: string, { message }: SyntaxError): JsonSyntaxError {
  const match = /^(.*) at position (\d+)$/s.exec(message);
  const [what, position] = match === null ? [message, 0] : [match[1]!, Number(match[2])];
  const visible = what.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
  const hint = /^(?:\/[/*]|#)/.test(text.slice(position, position + 2)) ? ' (JSON has no comments)' : '';
  return new JsonSyntaxError(text, position, `${visible.charAt(0).toLowerCase()}${visible.slice(1)}${hint}`);
}
