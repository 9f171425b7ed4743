/**
 * JSON Schemas of the HTTP side, for the OpenAPI document. They describe and do not check: fastify's compilers for
 * them would double the time that the sidecar takes to start, for three plain checks that are in `calls.ts`.
 */

import { wireErrors } from '../errors.js';

export const okResponse = {
  type: 'object',
  required: ['id', 'ok', 'result'],
  properties: { id: { type: 'string' }, ok: { const: true }, result: {} },
};

const errorResponse = {
  type: 'object',
  required: ['id', 'ok', 'error', 'code'],
  properties: {
    id: { type: ['string', 'null'] },
    ok: { const: false },
    error: { type: 'string', description: 'a sentence for a person' },
    code: { type: 'string', enum: Object.keys(wireErrors) },
  },
};

function jsonContent(description: string, schema: object) {
  return { description, content: { 'application/json': { schema } } };
}

function textContent(description: string) {
  return { description, content: { 'text/plain': { schema: { type: 'string' } } } };
}

const probe = (name: string, more: object) => ({
  type: 'object',
  required: [name],
  properties: { [name]: { type: 'boolean' }, ...more },
});

const reason = { reason: { type: 'string' } };

const timeout = { type: 'number', exclusiveMinimum: 0, description: 'budget of the work in milliseconds' };

export const livezSchema = {
  summary: 'Is the process alive?',
  tags: ['health'],
  response: { 200: jsonContent('It is.', probe('live', { version: { type: 'string' } })) },
};

export const readyzSchema = {
  summary: 'May traffic be sent here? Not before the pool is warm, nor while the server drains.',
  tags: ['health'],
  querystring: {
    type: 'object',
    properties: {
      drain: { type: 'string', enum: ['404'], description: 'answer 404 in place of 503 while the server drains' },
    },
  },
  response: {
    200: jsonContent('It may.', probe('ready', reason)),
    404: jsonContent('It drains, and `drain=404` was asked for.', probe('ready', reason)),
    503: jsonContent('It may not; the reason says why.', probe('ready', reason)),
  },
};

export const metricsSchema = {
  summary: 'Figures for Prometheus',
  tags: ['health'],
  response: { 200: textContent('Prometheus text format 0.0.4') },
};

export const opsSchema = {
  summary: 'The operations that can be called',
  tags: ['operations'],
  response: {
    200: jsonContent('One object an operation.', {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'description', 'streaming'],
        properties: {
          name: { type: 'string' },
          description: { type: 'string' },
          streaming: { type: 'boolean' },
          input: { description: 'JSON Schema of the data' },
          output: { description: 'JSON Schema of the result' },
        },
      },
    }),
  },
};

export const reloadSchema = {
  summary: 'Load the modules of the operations anew',
  description: 'Answered on the machine of the server only. Where the new modules do not load, the old ones stay.',
  tags: ['operations'],
  response: {
    200: jsonContent('They are in force.', {
      type: 'object',
      required: ['operations'],
      properties: { operations: { type: 'integer', description: 'how many there are now' } },
    }),
    403: jsonContent('Asked from another machine, or by a page of another site.', errorResponse),
    409: jsonContent('They do not load; `error` says why.', errorResponse),
    '5xx': jsonContent('The server is at fault or shutting down.', errorResponse),
  },
};

export const callSchema = {
  summary: 'Run one operation',
  description: 'The body is the operation’s data as JSON; without a body it is null. Digits come back as they went in.',
  tags: ['operations'],
  params: { type: 'object', required: ['op'], properties: { op: { type: 'string' } } },
  querystring: { type: 'object', properties: { 'timeout-ms': timeout, timeoutMs: timeout } },
  headers: { type: 'object', properties: { 'timeout-ms': timeout } },
  body: { content: { 'application/json': { schema: {} } } },
  response: {
    200: jsonContent('The result.', okResponse),
    '4xx': jsonContent('The request is at fault; `code` says how.', errorResponse),
    '5xx': jsonContent('The server is at fault, full or shutting down.', errorResponse),
  },
};
