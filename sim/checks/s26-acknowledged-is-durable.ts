import type { Check } from './check.ts';

export const acknowledgedIsDurable: Check = {
  name: 'S26',
  sentence: 'before anything leaves, the bytes it depends on are on the platter: a look at the disk itself',
  watch({ world, fail }) {
    return {
      turned({ appended }) {
        for (const { file, from, to } of appended) {
          // A file that was written beside and is gone again carries no promise.
          if (world.disk.lengthOf(file) < to) continue;
          if (!world.disk.isDurable(file, from, to)) fail(`bytes ${from}–${to} of ${file} are not on the platter`);
        }
      },
    };
  },
};
