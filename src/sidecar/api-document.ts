/**
 * `/openapi.json`, and `/docs` to read it. All files of the page come from the package; nothing is fetched elsewhere.
 *
 * Built when first asked for: the two plugins and their files are of no use to a server that nobody reads about, and
 * fastify takes no plugins once it listens. So the document has an application of its own, with the same routes to read.
 * Nobody is connected to it: each of its answers is made once and kept as bytes until the operations change.
 */

import type { FastifyInstance } from 'fastify';
import type { ServerView } from '../server/server-view.js';
import { jsonAnswer } from './app.js';
import { type KeptAnswer, KeptAnswers } from './kept-answers.js';
import { loadSwagger, loadSwaggerUi } from './libraries.js';
import { favicon, logo } from './logo.js';
import { type OpenApi, withOperations } from './operation-paths.js';

export interface ApiDocument {
  /** The answer to `GET` of a URL below `/docs`, or of `/openapi.json`. */
  answer(url: string): Promise<KeptAnswer>;
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

/** Those of the connection, which each answer has anew, and those by which a browser would ask for less than all. */
const notKept = ['connection', 'date', 'keep-alive', 'transfer-encoding', 'accept-ranges', 'etag', 'last-modified'];

/**
 * @param http an application that listens nowhere
 * @param addRoutes declares the routes to document; they are read, never called
 */
export async function createApiDocument(
  http: FastifyInstance,
  addRoutes: (http: FastifyInstance) => void,
  view: ServerView,
  version: string,
): Promise<ApiDocument> {
  await http.register(loadSwagger(), {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'trama', description: 'Framed JSON tasks in, answers out: the HTTP side.', version },
    },
  });
  addRoutes(http);
  const kept = new KeptAnswers(() => view.operations());
  const document = () => withOperations(http.swagger() as unknown as OpenApi, view.operations());
  await http.register(loadSwaggerUi(), {
    routePrefix: '/docs',
    staticCSP: pageSecurity,
    logo,
    theme: { title: 'trama: the HTTP API', favicon: [favicon] },
    transformSpecification: () => document() as never,
    transformSpecificationClone: false,
  });
  await http.ready();
  return {
    answer(url) {
      const path = url.replace(/[?#].*$/s, '');
      if (path === '/openapi.json') return kept.get(path, () => jsonAnswer(document()));
      return kept.get(path, () => answerOf(http, path));
    },
    close: () => http.close(),
  };
}

async function answerOf(http: FastifyInstance, path: string): Promise<KeptAnswer> {
  const { statusCode, headers, rawPayload } = await http.inject({ method: 'GET', url: path });
  const own = Object.entries(headers).filter(([name]) => !notKept.includes(name));
  return { status: statusCode, headers: Object.fromEntries(own), body: rawPayload };
}
