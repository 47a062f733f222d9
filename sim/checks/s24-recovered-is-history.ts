import { differences } from '../model.ts';
import type { Check } from './check.ts';

export const recoveredIsHistory: Check = {
  name: 'S24',
  sentence: 'what a recovery finds is what the durable events make of the jobs, no more and no less',
  watch({ model, fail }) {
    return {
      recovered(tables) {
        const [first, ...more] = differences(model, tables);
        if (first !== undefined) fail(`${first}${more.length === 0 ? '' : ` (and ${more.length} more)`}`);
      },
      ended(tables) {
        const [first] = differences(model, tables);
        if (first !== undefined) fail(first);
      },
    };
  },
};
