/** Which methods a path may be asked with, so that a wrong method is told from a path that does not exist. */

export class RouteTable {
  readonly #routes: { readonly path: RegExp; readonly methods: Set<string> }[] = [];

  /** @param pattern as fastify takes it: `/v1/call/:op`, `/docs/*` */
  add(pattern: string, method: string | readonly string[]): void {
    const path = asRegExp(pattern);
    let route = this.#routes.find((each) => each.path.source === path.source);
    if (route === undefined) {
      route = { path, methods: new Set() };
      this.#routes.push(route);
    }
    for (const each of [method].flat()) route.methods.add(each);
  }

  /** The methods of the routes that the path of a URL fits; none where there is no such route. */
  methodsOf(url: string): readonly string[] {
    const path = url.replace(/[?#;].*$/s, '');
    const fitting = this.#routes.filter((route) => route.path.test(path));
    return [...new Set(fitting.flatMap(({ methods }) => [...methods]))].sort();
  }
}

function asRegExp(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/:\w+/g, '[^/]+')
    .replaceAll('*', '.*');
  return new RegExp(`^${source}$`);
}
