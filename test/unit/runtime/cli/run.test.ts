// What every command has in common: help, version, and the exit code of wrong use.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../../runtime/cli/command.ts';
import { VARIABLES } from '../../../../runtime/config-variables.ts';
import { EXIT } from '../../../../runtime/exit.ts';
import { perdure } from '../../../support/terminal.ts';

const LINE_MAX = 130;

describe('help', () => {
  it.each([['--help'], ['-h'], ['help']])('%s lists every command', async (argument) => {
    const { code, out, err } = await perdure([argument]);
    expect({ code, err }).toEqual({ code: EXIT.orderly, err: '' });
    for (const [name, { summary }] of COMMANDS) expect(out).toMatch(new RegExp(`^ +${name} +${summary}$`, 'm'));
  });

  it.each([...COMMANDS.keys()])('of %s shows its use and an example, and runs nothing', async (name) => {
    const { code, out, err } = await perdure([name, '--nonsense', '--help']);
    expect({ code, err }).toEqual({ code: EXIT.orderly, err: '' });
    expect(out).toContain(`Usage: perdure ${name}`);
    expect(out).toMatch(/^Examples?:\n {2}/m);
    expect(out.split('\n').filter((line) => line.length > LINE_MAX)).toEqual([]);
    expect(await perdure(['help', name])).toEqual({ code, out, err });
  });

  it('of serve explains every environment variable', async () => {
    const { out } = await perdure(['serve', '--help']);
    for (const [name, { meaning }] of Object.entries(VARIABLES)) expect(out).toMatch(new RegExp(`${name} +${meaning}`));
  });
});

it('the version is the one of the package', async () => {
  const manifest = readFileSync(join(import.meta.dirname, '../../../../package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  expect(await perdure(['--version'])).toEqual({ code: EXIT.orderly, out: `${version}\n`, err: '' });
});

describe('wrong use exits 2, says why and how to learn more, and prints nothing else', () => {
  it.each([
    [[], /which command/],
    [['lsit'], /no command "lsit"; did you mean list\?/],
    [['--nonsense'], /no option "--nonsense"/],
    [['serve', 'here'], /no place for "here"/],
    [['submit'], /TYPE is missing/],
    [['submit', 'email', '{}', 'more'], /no place for "more"/],
    [['submit', 'email', '{"a": }'], /not a JSON value/],
    [['submit', 'email', '[1e999]'], /range of a double/],
    [['submit', 'email', '--priority', 'high'], /--priority must be a whole number/],
    [['submit', 'email', '--run-at', 'tomorrow'], /--run-at must be an instant/],
    [['submit', 'email', '--queue'], /--queue/],
    [['list', '--state', 'done'], /--state must be one of pending, running/],
    [['list', '--all', '--limit', '5'], /contradict/],
    [['list', '--limit', '0'], /at least 1/],
    [['show'], /ID is missing/],
    [['retry'], /ID is missing/],
    [['cancel', '--what'], /--what/],
    [['stats', '--url', 'localhost:8080'], /not the URL of a server/],
    [['stats', '--url', 'http://me:secret@localhost'], /--token/],
    [['stats', '--token', 'two words'], /token/],
    [['verify', 'a', 'b'], /no place for "b"/],
    [['salvage', 'a'], /NEW is missing/],
    [['demo', '--kills', '-1'], /--kills must be from 0/],
  ])('%j', async (argv, reason) => {
    const { code, out, err } = await perdure(argv);
    expect(code).toBe(EXIT.usage);
    expect(out).toBe('');
    expect(err).toMatch(reason);
    expect(err).toContain('--help');
  });
});

describe('what is not there exits 1 and is named: the command was right, the world is not as it says', () => {
  it.each([
    [['verify', '/no/such/directory'], /no data directory \/no\/such\/directory/],
    [['journal', '/no/such/directory'], /no data directory \/no\/such\/directory/],
    [['salvage', '/no/such/directory', '/no/such/either'], /no data directory \/no\/such\/directory/],
    [['salvage', import.meta.filename, '/no/such/either'], /is not a directory/],
    [['submit', 'email', '@no-such-file'], /no-such-file cannot be read/],
  ])('%j', async (argv, reason) => {
    const { code, out, err } = await perdure(argv);
    expect(code).toBe(EXIT.refused);
    expect(out).toBe('');
    expect(err).toMatch(reason);
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});
