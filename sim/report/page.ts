// A life as one HTML file that opens without a network: the page and its parts from page/, the life as JSON inside.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAULTS } from '../faults.ts';
import type { Outcome } from '../simulation.ts';
import type { TraceEvent } from '../world/trace.ts';
import { lifeOf } from './life.ts';
import type { Life } from './life.ts';
import { storyOf } from './story.ts';
import type { StoryLine } from './story.ts';

export type Page = {
  readonly seed: string;
  readonly outcome: Outcome;
  /** How many lines the story had before it was shrunk; null if it was not. */
  readonly linesBefore: number | null;
  readonly commit: string;
  readonly repro: string;
};

/** What the script of the page reads. */
export type PageData = Omit<Page, 'outcome'> & {
  readonly node: string;
  readonly simulatedMs: number;
  readonly hash: string;
  readonly plan: string;
  readonly switches: string;
  readonly violation: { readonly rule: string; readonly sentence: string; readonly message: string } | null;
  /** The sentences of the faults that struck. */
  readonly faults: Readonly<Record<string, string>>;
  readonly events: readonly TraceEvent[];
  readonly lines: readonly StoryLine[];
  readonly life: Life;
};

export function dataOf({ outcome, ...page }: Page): PageData {
  const { violation, trace, simulatedMs, hash, plan, switches } = outcome;
  const { events } = trace;
  return {
    ...page,
    node: process.version,
    simulatedMs,
    hash,
    plan,
    switches,
    violation:
      violation === null ? null : { rule: violation.rule, sentence: violation.sentence, message: violation.message },
    faults: sentencesOf(events),
    events,
    lines: storyOf(events),
    life: lifeOf(events, { isComplete: violation === null }),
  };
}

function sentencesOf(events: readonly TraceEvent[]): Record<string, string> {
  const struck = new Set(events.map(({ fault }) => fault));
  return Object.fromEntries(
    FAULTS.filter(({ code }) => struck.has(code)).map(({ code, sentence }) => [code, sentence]),
  );
}

export function pageOf(page: Page): string {
  const { violation } = page.outcome;
  const title = violation === null ? `seed ${page.seed}` : `${violation.rule} broken by seed ${page.seed}`;
  const parts: Readonly<Record<string, string>> = {
    title: escaped(title),
    style: part('story.css'),
    data: embedded(dataOf(page)),
    script: ['element.js', 'picture.js', 'story.js'].map(inlined).join('\n'),
  };
  return part('story.html').replace(/<!-- (\w+) -->|\/\* (\w+) \*\//g, (_, a?: string, b?: string) => {
    const filled = parts[a ?? b ?? ''];
    if (filled === undefined) throw new Error(`the page has no part "${a ?? b ?? ''}"`);
    return filled;
  });
}

/** JSON that cannot end the element that holds it. */
export const embedded = (data: unknown): string =>
  JSON.stringify(data)
    .replaceAll('<', String.raw`\u003c`)
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`);

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** A module as a piece of the one script: those that it imports from stand before it. */
const inlined = (name: string): string =>
  part(name)
    .replaceAll(/^import [^;]*;\n/gm, '')
    .replaceAll(/^export /gm, '');

/** The page's own files are not compiled: they lie in the sources, wherever this runs from. */
const FOLDER = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'page' : '../../../sim/report/page');

const part = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
