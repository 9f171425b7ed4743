/** The JSON Schema of a configuration file, for editors: they complete its members and mark mistakes as they are typed. */

import { allowedInFile, defaultWords, memberOf, type Option, portMax } from './option-kinds.js';
import { fileKeys, options } from './options.js';
import { bytesPattern } from './parse-value.js';

/** A part of a JSON Schema. */
type Schema = Readonly<Record<string, unknown>>;

/** Draft 7, which all editors know. It says the same of each machine, so that it can be a file of the package. */
export function configSchema(): Schema {
  const members = fileKeys.map((key) => [memberOf(options[key]), memberSchema(options[key])] as const);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of trama serve',
    type: 'object',
    properties: {
      $schema: { type: 'string', description: 'this schema, for editors' },
      ...Object.fromEntries(members),
    },
    additionalProperties: false,
  };
}

/** As the text of a file. */
export function configSchemaText(): string {
  return `${JSON.stringify(configSchema(), null, 2)}\n`;
}

function memberSchema(option: Option): Schema {
  const description = `${option.help} (default: ${defaultWords(option)})`;
  return { description, ...valueSchema(option), ...defaultSchema(option) };
}

function valueSchema(option: Option): Schema {
  switch (option.type) {
    case 'integer':
      return { type: 'integer', minimum: option.min, maximum: option.max };
    case 'bytes': {
      const size = { type: 'string', pattern: bytesPattern.source, description: allowedInFile(option) };
      return { anyOf: [{ type: 'integer', minimum: option.min, maximum: option.max }, size] };
    }
    case 'port':
      return { anyOf: [{ type: 'integer', minimum: 0, maximum: portMax }, { enum: ['off'] }] };
    case 'choice':
      return { enum: option.choices };
    case 'text':
      return { type: 'string', pattern: '^\\S+$' };
    case 'folder':
    case 'file':
    case 'path':
    case 'pem':
      return { type: 'string', minLength: 1 };
    case 'modules': {
      const path = { type: 'string', minLength: 1 };
      return { anyOf: [path, { type: 'array', items: path }] };
    }
    case 'addresses': {
      const addresses = { type: 'string', pattern: '^[\\da-fA-F:./, ]+$' };
      return { anyOf: [addresses, { type: 'array', items: addresses }] };
    }
    case 'switch':
      return { type: 'boolean' };
  }
}

/** Nothing for what depends on the machine: the description has it in words. */
function defaultSchema({ default: value }: Option): Schema {
  const isPlain = value !== undefined && (typeof value !== 'object' || Array.isArray(value));
  return isPlain ? { default: value } : {};
}
