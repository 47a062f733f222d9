// What `--explain` says of a rule: its plain sentence, and where it is held if not in each life.

import { ELSEWHERE, describeElsewhere } from '../checks/elsewhere.ts';
import { CHECKS, OWN_RULES } from '../checks/rules.ts';

type Explained = { readonly name: string; readonly text: string };

/** Every rule that has a name, those of each life first. */
export const EXPLANATIONS: readonly Explained[] = [
  ...[...CHECKS, ...OWN_RULES].map(({ name, sentence }) => ({ name, text: sentence })),
  ...ELSEWHERE.map((rule) => ({ name: rule.name, text: describeElsewhere(rule) })),
];

/** The lines for one rule, or for all of them; undefined if there is no such rule. */
export function explain(rule: string | null): readonly string[] | undefined {
  if (rule === null) return EXPLANATIONS.map(({ name, text }) => `${name.padEnd(5)} ${text}`);
  const found = EXPLANATIONS.find(({ name }) => name === rule);
  return found === undefined ? undefined : [`${found.name} ${found.text}`];
}
