import { STEP_INPUTS_MAX, STEP_TEXT_MAX } from '../../core/job/limits.ts';
import { fenceOf } from '../ledger.ts';
import type { Check } from './check.ts';

const ENDS: ReadonlySet<string> = new Set(['succeeded', 'failed', 'expired', 'released']);

export const endsHaveCauses: Check = {
  name: 'S32',
  sentence: 'an attempt ends by what befell it: an answer that came in time is heard, and a lease is kept to its end',
  watch({ world, ledger, fail }) {
    const { stepInputsMax, stepTextMax } = world.plan.limits;
    /** Everything that waits is decided in one step: then an answer never stands behind a tick that came after it. */
    const isUndivided = stepInputsMax >= STEP_INPUTS_MAX && stepTextMax >= STEP_TEXT_MAX;
    /** Attempts that have begun in this process and not ended. */
    let open = new Set<string>();

    return {
      happened({ row, before }) {
        if (row.jobId === null || row.attempt === null) return;
        const fence = fenceOf(row.jobId, row.attempt);
        const said = ledger.said.get(fence);
        if (row.kind === 'started') open.add(fence);
        if (ENDS.has(row.kind) && !ledger.started.has(fence)) fail(`attempt ${fence} has ${row.kind} and never begun`);
        if (row.kind === 'released' && said?.has('release') !== true) fail(`nobody gave attempt ${fence} back`);
        if (row.kind === 'extended' && said?.has('extend') !== true) fail(`attempt ${fence} asked for no more time`);
        if (row.kind === 'progressed' && said?.has('progress') !== true) fail(`attempt ${fence} reported nothing`);
        if (row.kind === 'crashed' && open.has(fence)) fail(`attempt ${fence} has crashed, and its process lives`);
        if (ENDS.has(row.kind)) open.delete(fence);
        if (row.kind !== 'expired') return;
        const leaseUntil = before?.leaseUntil ?? 0;
        if (row.at < leaseUntil) fail(`the lease of ${fence} is judged ${leaseUntil - row.at} ms before its end`);
        // What a full disk has no room for is held back, and the lease may run out meanwhile.
        if (!isUndivided || (world.faults.counts().get('D11') ?? 0) > 0) return;
        const answeredUs = ledger.answeredUs.get(fence) ?? Number.POSITIVE_INFINITY;
        if (answeredUs < ledger.turnBeganUs)
          fail(`attempt ${fence} has expired, and had answered before it was judged`);
      },
      recovered() {
        open = new Set();
      },
    };
  },
};
