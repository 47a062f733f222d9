// Memory that runs out: tables that cannot hold one more row, be read or be written as a whole.
//
// What V8 throws for an allocation that it cannot make is a RangeError, in the middle of whatever is under way. The
// process that meets it is done for; the disk is all that counts.

import type { Faults } from '../faults.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';

export class OutOfMemory extends RangeError {
  override readonly name = 'OutOfMemory';
}

/** How much likelier it is where a whole database is allocated. */
const WHOLE_WEIGHT = 100;

export function scarce(factory: TablesFactory, faults: Faults): TablesFactory {
  if (!faults.isOn('P16')) return factory;
  const allocate = (weight: number): void => {
    if (faults.strikes('P16', weight)) throw new OutOfMemory('Array buffer allocation failed');
  };
  const guard = (tables: Tables): Tables => {
    const putJob = tables.putJob.bind(tables);
    const putEvent = tables.putEvent.bind(tables);
    const whole = tables.export.bind(tables);
    tables.putJob = (job) => {
      allocate(1);
      putJob(job);
    };
    tables.putEvent = (row) => {
      allocate(1);
      putEvent(row);
    };
    tables.export = () => {
      allocate(WHOLE_WEIGHT);
      return whole();
    };
    return tables;
  };
  return {
    create: () => guard(factory.create()),
    load: (bytes) => {
      allocate(WHOLE_WEIGHT);
      return guard(factory.load(bytes));
    },
  };
}
