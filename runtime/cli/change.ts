// `perdure retry` and `perdure cancel`: the same request for each of some jobs. One that is refused does not keep the
// others from theirs; the exit code says that there was one.

import { ProblemError } from '../client/problem-error.ts';
import type { Client } from '../client/client.ts';
import type { JobView } from '../embed/job-view.ts';
import { EXIT } from '../exit.ts';
import type { ExitCode } from '../exit.ts';
import { readArguments, required } from './arguments.ts';
import type { Command } from './command.ts';
import { CONNECTION_HELP, CONNECTION_OPTIONS, withServer } from './connection.ts';
import { problemText } from './failure.ts';
import { jobJson, jsonLine } from './job-json.ts';
import type { Terminal } from './terminal.ts';

export const retry: Command = {
  help: `Runs dead or cancelled jobs again: pending now, with no failures and no crashes.

Usage: perdure retry ID… [options]

${CONNECTION_HELP}
Examples:
  perdure retry 01980f3c-6f4e-7c2a-9d55-0b1f6a7e8c21
  perdure list --state dead --all --json | jq -r .id | xargs perdure retry
`,
  run: (argv, terminal) => changeEach(argv, terminal, (client, id) => client.retry(id)),
};

export const cancel: Command = {
  help: `Cancels pending or running jobs. A running handler's signal is aborted.

Usage: perdure cancel ID… [options]

${CONNECTION_HELP}
Example:
  perdure cancel 01980f3c-6f4e-7c2a-9d55-0b1f6a7e8c21
`,
  run: (argv, terminal) => changeEach(argv, terminal, (client, id) => client.cancel(id)),
};

async function changeEach(
  argv: readonly string[],
  terminal: Terminal,
  change: (client: Client, id: string) => Promise<JobView>,
): Promise<ExitCode> {
  const { values, positionals } = readArguments(argv, { options: CONNECTION_OPTIONS, positionalsMax: Infinity });
  required(positionals[0], 'ID');
  return withServer(terminal, values, async (client) => {
    let code: ExitCode = EXIT.orderly;
    for (const id of positionals) {
      try {
        const job = await change(client, id);
        await terminal.write(values.json === true ? jsonLine(jobJson(job)) : `${job.id}  ${job.state}\n`);
      } catch (error) {
        // Another token or another server is needed: the other jobs would be refused alike.
        if (!(error instanceof ProblemError) || (error.status !== 404 && error.status !== 409)) throw error;
        terminal.tell(`perdure: ${JSON.stringify(id)}: ${problemText(error)}\n`);
        code = EXIT.refused;
      }
    }
    return code;
  });
}
