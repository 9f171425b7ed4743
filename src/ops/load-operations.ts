import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PoolError } from '../errors.js';
import { isReservedName } from './built-in.js';
import { isOperation, type JsonSchema, type OperationDefinition } from './define-operation.js';
import { type InputCheck, makeInputCheck, writeInputCheck } from './input-check.js';
import type { OperationInfo } from './operation-info.js';

/**
 * Imports users' modules and collects the operations that they export. Runs in each worker thread; all that can be wrong
 * with a module becomes one sentence that names the file, and the operation where it is known.
 */

export interface LoadedOperation {
  readonly info: OperationInfo;
  readonly definition: OperationDefinition;
  /** Absent where the operation takes any data. */
  readonly check?: InputCheck;
}

const nameForm = /^[\p{L}_][\p{L}\p{N}_.$-]{0,63}$/u;

/** Source texts of input checks, by the JSON text of their schema. */
export type CheckSources = Map<string, string>;

/**
 * @param modules file URLs, in the order of the command line
 * @param sources checks that another thread has written already; those that are missing are added
 * @throws PoolError with one sentence
 */
export async function loadOperations(
  modules: readonly string[],
  sources: CheckSources,
): Promise<Map<string, LoadedOperation>> {
  const loaded = new Map<string, LoadedOperation>();
  const origins = new Map<string, string>();
  for (const url of new Set(modules)) {
    const file = fileURLToPath(url);
    for (const [name, definition] of await importOperations(url, file)) {
      checkName(name, file, origins);
      origins.set(name, file);
      loaded.set(name, await prepare(name, definition, file, sources));
    }
  }
  return loaded;
}

async function importOperations(url: string, file: string): Promise<[string, OperationDefinition][]> {
  if (!existsSync(file)) throw cannotLoad(file, 'there is no such file');
  let exported: Record<string, unknown>;
  try {
    exported = await import(url);
  } catch (error) {
    if (isNoModule(error, url, file)) throw cannotLoad(file, 'it is not a JavaScript module (.mjs or .js)', error);
    throw cannotLoad(file, explain(error), error);
  }
  const operations = operationsIn(exported);
  if (operations.length === 0) {
    throw cannotLoad(file, 'it exports no operation; write `export const name = defineOperation({ … })`');
  }
  return operations;
}

const noModuleCodes = [
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_IMPORT_ATTRIBUTE_MISSING',
  'ERR_IMPORT_ASSERTION_TYPE_MISSING',
];

/** Did Node refuse the file for what it is, and not something that it imports? The message names the one refused. */
function isNoModule(error: unknown, url: string, file: string): boolean {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  const named = String(message);
  return noModuleCodes.includes(String(code)) && (named.includes(url) || named.includes(file));
}

/** A CommonJS module may show its exports only as members of `default`. */
function operationsIn(exported: Record<string, unknown>): [string, OperationDefinition][] {
  const named = Object.entries(exported).filter(([, value]) => isOperation(value));
  if (named.length > 0) return named as [string, OperationDefinition][];
  const whole = exported.default;
  if (typeof whole !== 'object' || whole === null) return [];
  return Object.entries(whole).filter(([, value]) => isOperation(value)) as [string, OperationDefinition][];
}

function checkName(name: string, file: string, origins: ReadonlyMap<string, string>): void {
  if (name === 'default') {
    throw cannotLoad(file, 'its default export is an operation, which has no name; export it by name');
  }
  if (isReservedName(name))
    throw cannotLoad(file, `the name \`${name}\` is the server's own; export it by another name`);
  if (!nameForm.test(name)) {
    throw cannotLoad(file, `\`${name}\` cannot name an operation: a letter, then up to 63 letters, digits, _ . $ or -`);
  }
  const other = origins.get(name);
  if (other !== undefined) throw cannotLoad(file, `\`${name}\` is exported by ${other} too; rename one of them`);
}

async function prepare(
  name: string,
  definition: OperationDefinition,
  file: string,
  sources: CheckSources,
): Promise<LoadedOperation> {
  const info = infoOf(name, definition, file);
  if (info.input === undefined || info.input === true) return { info, definition };
  const schema = JSON.stringify(info.input);
  try {
    const source = sources.get(schema) ?? (await writeInputCheck(info.input));
    sources.set(schema, source);
    return { info, definition, check: makeInputCheck(source) };
  } catch (error) {
    throw cannotLoad(
      file,
      `the \`input\` of \`${name}\` is not a JSON Schema that can be used: ${explain(error)}`,
      error,
    );
  }
}

function infoOf(name: string, definition: OperationDefinition, file: string): OperationInfo {
  try {
    return {
      name,
      description: definition.description,
      streaming: false,
      ...(definition.input !== undefined && { input: asPlainJson(definition.input) }),
      ...(definition.output !== undefined && { output: asPlainJson(definition.output) }),
      idempotent: definition.idempotent ?? false,
      concurrency: definition.concurrency ?? Number.POSITIVE_INFINITY,
      ...(definition.timeoutMs !== undefined && { timeoutMs: definition.timeoutMs }),
    };
  } catch (error) {
    throw cannotLoad(file, `a schema of \`${name}\` is not plain JSON: ${explain(error)}`, error);
  }
}

/** A schema is shown to clients as JSON and crosses threads: functions and class instances in it would do neither. */
function asPlainJson(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema));
}

function cannotLoad(file: string, reason: string, cause?: unknown): PoolError {
  return new PoolError('WORKER_FAILED', `--ops: cannot load operations from ${file}: ${reason}`, { cause });
}

/** One line of an error that may be anything: a module can throw what it likes. */
function explain(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${String(error)}`;
  return text.replace(/\s+/g, ' ').trim() + advice(error);
}

const esmInCommonJs = /^Cannot use import statement outside a module|^Unexpected token 'export'/;

function advice(error: unknown): string {
  if (error instanceof SyntaxError && esmInCommonJs.test(error.message)) {
    return '; name the file .mjs, or put "type": "module" in the package.json beside it';
  }
  if (error instanceof SyntaxError) return ' (`node --check` with the file shows the place)';
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' || !String(message).includes("package 'trama'")) return '';
  return " (it has to be installed in the folder of the file: trama's README says how)";
}
