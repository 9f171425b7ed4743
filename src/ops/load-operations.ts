import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PoolError } from '../errors.js';
import { isReservedName } from './built-in.js';
import { checkMembers, isOperation, type JsonSchema, type OperationDefinition } from './define-operation.js';
import { explainImportError, explainLoadError, isNotFound, whyNoModule } from './explain-load-error.js';
import { type InputCheck, makeInputCheck, writeInputCheck } from './input-check.js';
import type { OperationInfo } from './operation-info.js';
import { JsonFaultError, stringifyStrictly } from './strict-json.js';

/**
 * Imports users' modules and collects the operations that they export. Runs in each worker thread; all that can be wrong
 * with a module becomes one sentence that names the file, and the operation where it is known.
 */

export interface LoadedOperation {
  readonly info: OperationInfo;
  /** Path of its module. */
  readonly file: string;
  readonly definition: OperationDefinition;
  /** Absent where the operation takes any data. */
  readonly check?: InputCheck;
  /** What its `setup` has returned; see `ThreadStates`. */
  state?: unknown;
}

const nameForm = /^[\p{L}_][\p{L}\p{N}_.$-]{0,63}$/u;

/** Source texts of input checks, by the JSON text of their schema. */
export type CheckSources = Map<string, string>;

/**
 * @param modules file URLs, in the order of the command line
 * @param sources checks that another thread has written already; those that are missing are added
 * @param onFile told of each file before it is imported
 * @throws PoolError with one sentence
 */
export async function loadOperations(
  modules: readonly string[],
  sources: CheckSources,
  onFile: (file: string) => void = () => {},
): Promise<Map<string, LoadedOperation>> {
  const loaded = new Map<string, LoadedOperation>();
  const origins = new Map<string, string>();
  for (const url of new Set(modules)) {
    const file = fileURLToPath(url);
    onFile(file);
    for (const [name, definition] of operationsOf(await importModule(url, file), file)) {
      checkName(name, file, origins);
      origins.set(name, file);
      loaded.set(name, await prepare(name, definition, file, sources));
    }
  }
  return loaded;
}

/**
 * The operations of a module that is there already.
 * @param exported its exports by name, as `import * as` gives them
 * @param file what the module is called in sentences
 * @throws PoolError with one sentence
 */
export async function takeOperations(
  exported: Record<string, unknown>,
  file: string,
): Promise<Map<string, LoadedOperation>> {
  const taken = new Map<string, LoadedOperation>();
  for (const [name, definition] of operationsOf(exported, file)) {
    checkName(name, file, new Map());
    taken.set(name, await prepare(name, definition, file, new Map()));
  }
  return taken;
}

async function importModule(url: string, file: string): Promise<Record<string, unknown>> {
  try {
    return await import(url);
  } catch (error) {
    // Asked only now: a thread that loads from memory needs no file.
    if (isNotFound(error) && !existsSync(file)) throw cannotLoad(file, 'there is no such file', error);
    throw cannotLoad(file, whyNoModule(error, url, file) ?? explainImportError(error), error);
  }
}

/** What a module exports may be anything, also what cannot even be looked at. */
function operationsOf(exported: Record<string, unknown>, file: string): [string, OperationDefinition][] {
  let operations: [string, OperationDefinition][];
  try {
    operations = operationsIn(exported);
  } catch (error) {
    throw cannotLoad(file, `its exports cannot be read: ${explainLoadError(error)}`, error);
  }
  if (operations.length > 0) return operations;
  throw cannotLoad(file, 'it exports no operation; write `export const name = defineOperation({ … })`');
}

/**
 * Node reads the names of a CommonJS module's exports from its text, and finds few of them: of `module.exports = { a: f(),
 * b: f() }` the first. All are members of `default`.
 */
function operationsIn(exported: Record<string, unknown>): [string, OperationDefinition][] {
  const whole: unknown = exported.default;
  const all = { ...(typeof whole === 'object' && !isOperation(whole) ? whole : {}), ...exported };
  return Object.entries(all).filter(([, value]) => isOperation(value)) as [string, OperationDefinition][];
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
  if (info.input === undefined || info.input === true) return { info, file, definition };
  const schema = JSON.stringify(info.input);
  try {
    const source = sources.get(schema) ?? (await writeInputCheck(info.input));
    sources.set(schema, source);
    return { info, file, definition, check: makeInputCheck(source) };
  } catch (error) {
    throw cannotLoad(
      file,
      `the \`input\` of \`${name}\` is not a JSON Schema that can be used: ${explainLoadError(error)}`,
      error,
    );
  }
}

function infoOf(name: string, definition: OperationDefinition, file: string): OperationInfo {
  try {
    checkMembers(definition);
  } catch (error) {
    throw cannotLoad(file, `\`${name}\` is not an operation: ${explainLoadError(error)}`, error);
  }
  try {
    return {
      name,
      description: definition.description,
      streaming: false,
      ...(definition.input !== undefined && { input: asPlainJson(definition.input, 'input') }),
      ...(definition.output !== undefined && { output: asPlainJson(definition.output, 'output') }),
      idempotent: definition.idempotent ?? false,
      concurrency: definition.concurrency ?? Number.POSITIVE_INFINITY,
      ...(definition.timeoutMs !== undefined && { timeoutMs: definition.timeoutMs }),
    };
  } catch (error) {
    const reason = JsonFaultError.isOne(error) ? error.message : explainLoadError(error);
    throw cannotLoad(file, `a schema of \`${name}\` is not plain JSON: ${reason}`, error);
  }
}

/** A schema is shown to clients as JSON and crosses threads: a Map or a regular expression in it would do neither. */
function asPlainJson(schema: JsonSchema, name: string): JsonSchema {
  return JSON.parse(stringifyStrictly(schema, name) ?? 'null');
}

/** An error that says which module is at fault, for whoever started the server. */
export function cannotLoad(file: string, reason: string, cause?: unknown): PoolError {
  return new PoolError('WORKER_FAILED', `--ops: cannot load operations from ${file}: ${reason}`, { cause });
}
