/**
 * Writes the operations of this server into its OpenAPI document: a path for each, with the schemas it declares. Pure.
 *
 * A user's schema moves into the document's components, so what it refers to in itself (`#/$defs/point`) is
 * rewritten to its new place.
 */

import type { JsonSchema } from '../ops/define-operation.js';
import type { OperationInfo } from '../ops/operation-info.js';
import { okResponse } from './schemas.js';

/** The members of an OpenAPI 3.1 document that are read here. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, { readonly post?: OpenApiCall }>>;
  readonly components?: { readonly schemas?: object };
}

interface OpenApiCall {
  readonly parameters?: readonly { readonly in: string }[];
  readonly responses?: object;
}

const callPath = '/v1/call/{op}';

/** The document with a path for each operation, modelled on the path for any of them. */
export function withOperations(document: OpenApi, operations: readonly OperationInfo[]): object {
  const model = document.paths[callPath]?.post;
  if (model === undefined) throw new Error(`the OpenAPI document has no path ${callPath} to model operations on`);
  const paths = operations.map((operation) => [
    `/v1/call/${encodeURIComponent(operation.name)}`,
    { post: callOf(model, operation) },
  ]);
  return {
    ...document,
    paths: { ...document.paths, ...Object.fromEntries(paths) },
    components: {
      ...document.components,
      schemas: { ...document.components?.schemas, ...Object.fromEntries(operations.flatMap(componentsOf)) },
    },
  };
}

function callOf(model: OpenApiCall, operation: OperationInfo): object {
  const result = { ...okResponse, properties: { ...okResponse.properties, result: schemaOf(operation, 'output') } };
  return {
    ...model,
    summary: operation.description,
    description: `Runs \`${operation.name}\`.`,
    operationId: componentName(operation.name),
    parameters: (model.parameters ?? []).filter((parameter) => parameter.in !== 'path'),
    requestBody: {
      required: operation.input !== undefined,
      content: { 'application/json': { schema: schemaOf(operation, 'input') } },
    },
    responses: {
      ...model.responses,
      200: { description: 'The result.', content: { 'application/json': { schema: result } } },
    },
  };
}

type Side = 'input' | 'output';

function schemaOf(operation: OperationInfo, side: Side): object {
  return operation[side] === undefined ? {} : { $ref: pointerTo(operation.name, side) };
}

function componentsOf(operation: OperationInfo): [string, unknown][] {
  return (['input', 'output'] as const)
    .filter((side) => operation[side] !== undefined)
    .map((side) => [
      `${componentName(operation.name)}.${side}`,
      moved(operation[side] as JsonSchema, pointerTo(operation.name, side)),
    ]);
}

function pointerTo(name: string, side: Side): string {
  return `#/components/schemas/${componentName(name)}.${side}`;
}

/** OpenAPI allows few characters in the name of a component. */
function componentName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/gu, (character) => `.${character.codePointAt(0)!.toString(16)}`);
}

function moved(schema: JsonSchema, pointer: string): unknown {
  if (typeof schema === 'boolean') return schema;
  // An `$id` would make the references below relative to it again.
  const { $id: _, ...rest } = schema;
  return rebased(rest, pointer);
}

function rebased(value: unknown, pointer: string): unknown {
  if (Array.isArray(value)) return value.map((item) => rebased(item, pointer));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, member]) => [
    name,
    name === '$ref' && typeof member === 'string'
      ? member.replace(/^#(?=\/|$)/, () => pointer)
      : rebased(member, pointer),
  ]);
  return Object.fromEntries(entries);
}
