/**
 * The HTTP side's libraries, loaded when they are needed. They take some 150 ms, and the first reply of the server does
 * not wait for that.
 *
 * By `require`, not `import()`: a file that could not be read because descriptors were out is read anew at the next
 * `require`, while Node 20 remembers such an `import()` as failed until the process ends.
 */

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const loadFastify = () => require('fastify') as typeof import('fastify');
export const loadSwagger = () => require('@fastify/swagger') as typeof import('@fastify/swagger');
export const loadSwaggerUi = () => require('@fastify/swagger-ui') as typeof import('@fastify/swagger-ui');
export const loadPromClient = () => require('prom-client') as typeof import('prom-client');
