import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';
import type { ErrorObject, Options, ValidateFunction } from 'ajv';
import type { JsonSchema } from './define-operation.js';

/**
 * Turns an operation's input schema into a check, in two steps: ajv writes the check as source text, and the text is
 * made a function. The first thread of a pool does both, and gives the text to those that come after it. ajv costs a
 * thread 8 MB and some 150 ms, mostly for the schema of schemas; the text costs next to nothing, so that a thread which
 * takes the place of another is there soon.
 */

/** Says what is wrong with data and where, as `data/items/3 must be number`; `undefined` where it fits. */
export type InputCheck = (data: unknown) => string | undefined;

const options: Options = {
  allErrors: false,
  strict: true,
  strictTypes: false,
  strictTuples: false,
  validateFormats: false,
  logger: false,
  code: { source: true },
};

/**
 * The source text of a check, for {@link makeInputCheck}.
 * @throws Error where the schema is not one that ajv takes; the message says which keyword.
 */
export async function writeInputCheck(schema: JsonSchema): Promise<string> {
  const { default: standalone } = await import('ajv/dist/standalone/index.js');
  const ajv = await compilerFor(schema);
  return standalone.default(ajv, ajv.compile(schema));
}

async function compilerFor(schema: JsonSchema) {
  const dialect = typeof schema === 'object' ? schema.$schema : undefined;
  if (typeof dialect === 'string' && dialect.includes('draft-07')) {
    const { Ajv } = await import('ajv');
    return new Ajv(options);
  }
  const { Ajv2020 } = await import('ajv/dist/2020.js');
  return new Ajv2020(options);
}

const require = createRequire(import.meta.url);

/** @param source what {@link writeInputCheck} wrote, and nothing else: it is run */
export function makeInputCheck(source: string): InputCheck {
  const module: { exports: unknown } = { exports: {} };
  compileFunction(source, ['require', 'module'])(require, module);
  const validate = module.exports as ValidateFunction;
  return (data) => (validate(data) ? undefined : describe(validate.errors?.[0]));
}

function describe(error: ErrorObject | undefined): string {
  if (error === undefined) return 'data does not fit the schema';
  return `data${error.instancePath} ${error.message ?? 'does not fit the schema'}${detail(error)}`;
}

/** What ajv's own sentence leaves out: it says "additional properties" without the name, "allowed values" without one. */
function detail(error: ErrorObject): string {
  switch (error.keyword) {
    case 'additionalProperties':
      return ` (\`${error.params.additionalProperty}\`)`;
    case 'unevaluatedProperties':
      return ` (\`${error.params.unevaluatedProperty}\`)`;
    case 'enum':
      return `: ${error.params.allowedValues.map((value: unknown) => JSON.stringify(value)).join(', ')}`;
    default:
      return '';
  }
}
