/**
 * `/openapi.json`, and `/docs` to read it. All files of the page come from the package; nothing is fetched elsewhere.
 *
 * Built when first asked for: the two plugins and their files are of no use to a server that nobody reads about, and
 * fastify takes no plugins once it listens. So the document has an application of its own, with the same routes to
 * read, and the listening one hands it the requests for these paths.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import type { ServerView } from '../server/server-view.js';
import { type OpenApi, withOperations } from './operation-paths.js';

export interface ApiDocument {
  handle(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
}

/** What the page may load: the package's own files, and the styles and icons that they carry inline. */
const pageSecurity = {
  'default-src': "'self'",
  'img-src': "'self' data:",
  'style-src': "'self' 'unsafe-inline'",
  'frame-ancestors': "'none'",
  'base-uri': "'none'",
};

/**
 * @param http an application that listens nowhere
 * @param addRoutes declares the routes to document; they are read, never called
 */
export async function createApiDocument(
  http: FastifyInstance,
  addRoutes: (http: FastifyInstance) => void,
  view: ServerView,
): Promise<ApiDocument> {
  await http.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'trama', description: 'Framed JSON tasks in, answers out: the HTTP side.', version: '1' },
    },
  });
  addRoutes(http);
  const current = () => withOperations(http.swagger() as unknown as OpenApi, view.operations());
  await http.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: pageSecurity,
    theme: { title: 'trama: the HTTP API' },
    transformSpecification: () => current() as never,
    transformSpecificationClone: false,
  });
  http.get('/openapi.json', { schema: { hide: true } as object }, () => current());
  await http.ready();
  return { handle: (request, response) => http.routing(request, response), close: () => http.close() };
}
