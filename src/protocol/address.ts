/** A host and a port as they are written together: `127.0.0.1:5000`, `[::1]:5000`. */
export function address(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
