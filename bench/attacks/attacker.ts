/**
 * An attacker as a process of its own: started by `fork` with the attack's name and the server's ports. It says
 * `attacking` when the attack is under way; any message ends it, and it answers with what it has counted.
 */
import { constants, setPriority } from 'node:os';
import { attackNamed } from './attacks.js';

const [name, port, httpPort, tlsPort] = process.argv.slice(2);

export type AttackerMessage = 'attacking' | Readonly<Record<string, number>>;

const send = (message: AttackerMessage) => void process.send?.(message);

// What an attacker has of its own machine is not to be had here: it takes what the server and honest clients leave.
setPriority(constants.priority.PRIORITY_LOW);
process.once('disconnect', () => process.exit());
const counted = await attackNamed(name!).attack({
  port: Number(port),
  httpPort: Number(httpPort),
  tlsPort: Number(tlsPort),
});
process.once('message', () => send(counted()));
send('attacking');
