/**
 * One line about something that was thrown. It may be anything: an error of another realm, an object whose getters throw,
 * a revoked proxy. Nothing that is thrown can make this throw.
 */
export function describeThrown(thrown: unknown): string {
  try {
    const { name, message } = Object(thrown) as { name?: unknown; message?: unknown };
    if (typeof name === 'string' && typeof message === 'string') return `${name}: ${message}`;
    return `it threw ${String(thrown)}`;
  } catch {
    return 'it threw what cannot be shown as text';
  }
}
