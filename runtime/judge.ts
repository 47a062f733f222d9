// What a Standard Schema says of a value: one reading of it, where jobs are submitted and where they run.

import type { StandardSchemaV1 } from '@standard-schema/spec';

export type Verdict =
  | { readonly fits: true; readonly value: unknown }
  /** Without a word on why, if there are no issues. */
  | { readonly fits: false; readonly issues: readonly StandardSchemaV1.Issue[] };

/** Rejects with whatever the schema itself throws. */
export async function judge(schema: StandardSchemaV1, value: unknown): Promise<Verdict> {
  const result = await schema['~standard'].validate(value);
  return result.issues ? { fits: false, issues: result.issues } : { fits: true, value: result.value };
}
