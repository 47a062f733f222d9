// The engine's bounds, in one value: the simulator draws them small, so that what is rare in production happens often.

import {
  RESERVE_BYTES,
  SEGMENT_BYTES_MAX,
  SNAPSHOT_AFTER_BYTES_MIN,
  STEP_INPUTS_MAX,
  STEP_TEXT_MAX,
  WAITING_REQUESTS_MAX,
  WAITING_TEXT_MAX,
} from '../job/limits.ts';

/** What each means, and its unit, is in ../job/limits.ts. */
export type EngineLimits = {
  readonly snapshotAfterBytes: number;
  readonly segmentBytes: number;
  readonly reserveBytes: number;
  readonly stepInputsMax: number;
  readonly stepTextMax: number;
  readonly waitingRequestsMax: number;
  readonly waitingTextMax: number;
};

/** Those of production. */
export const ENGINE_LIMITS: EngineLimits = {
  snapshotAfterBytes: SNAPSHOT_AFTER_BYTES_MIN,
  segmentBytes: SEGMENT_BYTES_MAX,
  reserveBytes: RESERVE_BYTES,
  stepInputsMax: STEP_INPUTS_MAX,
  stepTextMax: STEP_TEXT_MAX,
  waitingRequestsMax: WAITING_REQUESTS_MAX,
  waitingTextMax: WAITING_TEXT_MAX,
};
