// The page of a story, without a browser: what it holds, and what it must not.

import { beforeAll, describe, expect, test } from 'vitest';
import { tablesOf } from '../../../sim/depth.ts';
import { describeFailure } from '../../../sim/report/failure.ts';
import { lifeOf } from '../../../sim/report/life.ts';
import { dataOf, embedded, pageOf } from '../../../sim/report/page.ts';
import type { Page, PageData } from '../../../sim/report/page.ts';
import { Violation } from '../../../sim/checks/check.ts';
import { live } from '../../../sim/simulation.ts';
import type { Outcome } from '../../../sim/simulation.ts';
import { seeded } from '../../../sim/world/tape.ts';
import type { TraceEvent } from '../../../sim/world/trace.ts';

let page: Page;
let broken: Page;
beforeAll(async () => {
  const outcome = live({ source: seeded(42n), tables: await tablesOf('bulk') });
  page = { seed: '0x2a', outcome, linesBefore: null, commit: 'abc1234', repro: 'npm run sim -- --seed 0x2a' };
  const violation = new Violation({ rule: 'S1', sentence: 'nothing is lost', detail: '</script><b>j1 & "j2"</b>' });
  broken = { ...page, outcome: { ...outcome, violation } };
});

const dataIn = (html: string): PageData => {
  const [, json] = /<script id="data" type="application\/json">([\s\S]*?)<\/script>/.exec(html) ?? [];
  return JSON.parse(json ?? '') as PageData;
};

describe('the page', () => {
  test('holds the whole life, and gives it back as it was', () => {
    expect(dataIn(pageOf(page))).toEqual(JSON.parse(JSON.stringify(dataOf(page))));
    expect(dataIn(pageOf(page)).events).toEqual(page.outcome.trace.events);
  });

  test('asks nobody for anything: no address, no import, no style sheet, no image', () => {
    const html = pageOf(page).replaceAll('http://www.w3.org/2000/svg', '');
    expect(html).not.toMatch(/https?:|\bsrc=|<link|@import|url\(|^import\b|^export\b|\bfetch\(/m);
    expect(html).toContain("default-src 'none'");
  });

  test('is one document whose elements are closed, and every part is filled in', () => {
    const html = pageOf(page);
    for (const name of ['html', 'head', 'body', 'style', 'main', 'section', 'aside', 'title']) {
      const opened = html.match(new RegExp(`<${name}[\\s>]`, 'g')) ?? [];
      expect(html.match(new RegExp(`</${name}>`, 'g')) ?? [], name).toHaveLength(opened.length);
    }
    expect(html).not.toMatch(/\/\* (style|data|script) \*\/|<!-- title -->/);
  });

  test('its script is one that an engine can read', () => {
    const [, script] = /<script type="module">([\s\S]*?)<\/script>/.exec(pageOf(page)) ?? [];
    expect(() => new Function(script ?? 'syntax error')).not.toThrow();
  });

  test('every element that its script looks for is there', () => {
    const html = pageOf(page);
    const wanted = [...html.matchAll(/part\('([\w-]+)'\)/g)].map(([, id]) => id ?? '');
    expect(wanted.length).toBeGreaterThan(10);
    for (const id of wanted) expect(html, id).toContain(`id="${id}"`);
  });

  test('names the broken rule, and what it quotes never becomes markup', () => {
    const html = pageOf(broken);
    expect(html).toContain('<title>S1 broken by seed 0x2a</title>');
    expect(html).not.toContain('<b>j1');
    expect(dataIn(html).violation).toEqual({
      rule: 'S1',
      sentence: 'nothing is lost',
      message: '</script><b>j1 & "j2"</b>',
    });
  });

  test('embeds texts that would end a script or a line', () => {
    const text = '</script><!-- \u2028\u2029';
    expect(embedded({ text })).not.toMatch(/[<\u2028\u2029]/);
    expect(JSON.parse(embedded({ text }))).toEqual({ text });
  });
});

describe('the picture of a life', () => {
  const events = (...lines: readonly (readonly [actor: string, text: string])[]): TraceEvent[] =>
    lines.map(([actor, text], index) => ({ ordinal: index + 1, atUs: index, actor, text, fault: null }));

  const lived = events(
    ['server', 'process 1 starts'],
    ['server', 'recovered 0 events'],
    ['client-1', 'submit pay-1'],
    ['server', 'replies created j1 to client-1'],
    ['handler', 'j1#1 runs'],
    ['feed', '1 submitted j1#0'],
    ['feed', '2 started j1#1'],
    ['nature', 'power loss'],
    ['server', 'process 2 starts'],
    ['server', 'recovered 2 events'],
    ['feed', '3 crashed j1#1'],
    ['feed', '4 started j1#2'],
    ['feed', '5 succeeded j1#2'],
  );

  test('leads each job through its states', () => {
    const [job] = lifeOf(lived, { isComplete: true }).jobs;
    expect(job?.acknowledgedAt).toBe(4);
    expect(job?.spans.map(({ kind, from, to, attempt }) => `${kind} ${attempt}: ${from}-${to}`)).toEqual([
      'pending 0: 4-5',
      'running 1: 5-11',
      'pending 1: 11-12',
      'running 2: 12-13',
      'succeeded 2: 13-13',
    ]);
  });

  test('says dead of a job that failed for good, and says neither where the life was cut short', () => {
    const failing = [...lived.slice(0, 11)];
    expect(lifeOf(failing, { isComplete: true }).jobs[0]?.spans.at(-1)?.kind).toBe('dead');
    expect(lifeOf(failing, { isComplete: false }).jobs[0]?.spans.at(-1)?.kind).toBe('failed');
  });

  test('has a lane for each actor, the lives of the processes, and their crashes', () => {
    const { lanes, processes, crashes, requests } = lifeOf(lived, { isComplete: true });
    expect(lanes).toEqual(['client-1', 'server', 'handler', 'feed', 'nature']);
    expect(processes.map(({ kind, from, to }) => `${kind} ${from}-${to}`)).toEqual([
      'recovering 1-2',
      'serving 2-8',
      'recovering 9-10',
      'serving 10-13',
    ]);
    expect(crashes).toEqual([{ at: 8, text: 'power loss' }]);
    expect(requests.map(({ text, from, to }) => `${text} ${from}-${to}`)).toEqual(['submit pay-1 3-4']);
  });

  test('of a life without events is empty', () => {
    expect(lifeOf([], { isComplete: true })).toEqual({ lanes: [], requests: [], processes: [], crashes: [], jobs: [] });
  });
});

test('a failure is at most 25 lines, none longer than 120 characters, and ends with the command that replays it', () => {
  const outcome: Outcome = broken.outcome;
  const repro = 'npm run sim -- --seed 0x2a --shrink';
  const told = { seed: '0x2a', outcome, commit: 'abc1234', repro, page: 'story.html' };
  for (const shrunk of [null, { shrunk: { outcome, linesBefore: 99, lines: 9, runs: 12 }, seconds: 0.4 }]) {
    const lines = describeFailure({ ...told, shrunk }).split('\n');
    expect(lines.length).toBeLessThanOrEqual(25);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(120);
    expect(lines[0]).toBe('FAIL S1 nothing is lost');
    expect(lines.at(-1)).toBe(`  repro: ${repro}`);
  }
});
