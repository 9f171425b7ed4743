import type { ErrorObject, Options } from 'ajv';
import type { JsonSchema } from './define-operation.js';

/**
 * Turns an operation's input schema into a function, once for each thread. ajv is imported when the first schema needs
 * it: a thread without users' operations is some 6 MB smaller for it.
 */

/** Says what is wrong with data, where (`data/items/3 must be number`), or `undefined` where it fits. */
export type InputCheck = (data: unknown) => string | undefined;

const options: Options = {
  allErrors: false,
  strict: true,
  strictTypes: false,
  strictTuples: false,
  validateFormats: false,
  logger: false,
};

/** @throws Error where the schema is not one that ajv takes; the message says which keyword. */
export async function compileInputCheck(schema: JsonSchema): Promise<InputCheck> {
  const ajv = await compilerFor(schema);
  const validate = ajv.compile(schema);
  return (data) => (validate(data) ? undefined : describe(validate.errors?.[0]));
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
