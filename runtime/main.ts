// The process. It listens for signals before it does anything else, so that there is no moment at which one of them
// could end it half-way; everything heavy is loaded after that.

import { ShutdownSignal } from './shutdown-signal.ts';

const signal = new ShutdownSignal();
const { serve } = await import('./serve.ts');
await serve({ environment: process.env, signal });
