#!/usr/bin/env node
// `perdure`: the command line.
//
// Rule: `serve` listens for signals before anything heavy is loaded, so that there is no moment at which one of them
//       could end it half-way. The other commands have nothing to shut down: a signal ends them as it ends any program.

import { ShutdownSignal } from './shutdown-signal.ts';

const argv = process.argv.slice(2);
const shutdown = argv[0] === 'serve' ? new ShutdownSignal() : null;
const { runCommandLine } = await import('./cli/run.ts');
const { processTerminal } = await import('./cli/terminal.ts');
process.exitCode = await runCommandLine(argv, processTerminal({ shutdown }));
