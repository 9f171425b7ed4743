/** What every attack gets, and what it gives back. */

export interface Target {
  readonly port: number;
  readonly httpPort: number;
  /** Where the server has one. */
  readonly tlsPort?: number | undefined;
  /** Where the server asks for one: the honest clients' own. No attacker has it. */
  readonly token?: string | undefined;
}

/** What an attacker has counted so far, by name. */
export type Counted = () => Readonly<Record<string, number>>;

/**
 * Begins an attack on 127.0.0.1 and resolves when it is under way. It goes on until its process ends.
 * An attacker expects nothing: errors of its connections are counted, never thrown.
 */
export type Attack = (target: Target) => Promise<Counted>;
