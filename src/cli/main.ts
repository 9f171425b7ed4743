#!/usr/bin/env node
/**
 * The entry of the command line. It finds out which command is meant and loads that one only, so that the server
 * starts without the client's modules and the other way round. What a command does is its own.
 */

import { loadProgram } from './program.js';

const program = await loadProgram(process.argv[2]);
await program.parseAsync();
