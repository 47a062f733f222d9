// A bulk submission: `{"jobs": [ 1 to 10 000 ]}`, read job by job.
//
// Each job is scanned, measured and parsed on its own, so that the memory a hostile body can claim is that of one job;
// errors beyond those that an answer lists are only counted.
// Between jobs the thread is given back now and then: other requests do not wait for 64 MiB to be parsed.
// Of several errors the lowest status is answered, with every error of that status: 400 before 413.

import type { JobId } from '../../core/job/job.ts';
import type { Submission } from '../../core/queue/command.ts';
import { isArrayAt, isObjectAt, scanElements, scanMembers, scanObject, skipSpace, skipValue } from './json-scan.ts';
import { accept, invalid, pointer, refuse, summary } from './problem.ts';
import type { FieldError, Outcome } from './problem.ts';
import { BULK_JOBS_MAX, ERRORS_LISTED_MAX } from './settings.ts';
import { SUBMISSION_FIELDS } from './submission-schema.ts';
import { NO_KEY, NOT_AN_OBJECT, readSubmission, requireEnd, syntaxProblem } from './submission.ts';

/** UTF-16 units parsed between two looks at other requests. */
const PARSED_AT_ONCE = 256 * 1024;

const JOBS_RULE = `must be an array of 1 to ${BULK_JOBS_MAX} jobs`;

type Limits = { readonly jobBytesMax: number; readonly newJobId: () => JobId };

type Findings = {
  readonly submissions: Submission[];
  /** At most `ERRORS_LISTED_MAX` of the `invalidCount` that were found. */
  readonly invalidErrors: FieldError[];
  invalidCount: number;
  readonly sizeErrors: FieldError[];
};

export async function parseBulk(text: string, limits: Limits): Promise<Outcome<readonly Submission[]>> {
  try {
    const start = skipSpace(text, 0);
    if (!isObjectAt(text, start)) {
      requireEnd(text, skipValue(text, start));
      return refuse(invalid([{ path: '', message: NOT_AN_OBJECT }]));
    }
    const findings: Findings = { submissions: [], invalidErrors: [], invalidCount: 0, sizeErrors: [] };
    requireEnd(text, await readBody(text, start, findings, limits));
    return judge(findings);
  } catch (error) {
    return refuse(syntaxProblem(error));
  }
}

function judge(findings: Findings): Outcome<readonly Submission[]> {
  const { submissions, invalidErrors, invalidCount, sizeErrors } = findings;
  if (invalidCount > 0) return refuse(invalid(invalidErrors, invalidCount));
  if (sizeErrors.length > 0) return refuse({ kind: 'body-too-large', detail: summary(sizeErrors), errors: sizeErrors });
  return accept(submissions);
}

function addInvalid(findings: Findings, errors: readonly FieldError[]): void {
  findings.invalidCount += errors.length;
  findings.invalidErrors.push(...errors.slice(0, Math.max(ERRORS_LISTED_MAX - findings.invalidErrors.length, 0)));
}

async function readBody(text: string, start: number, findings: Findings, limits: Limits): Promise<number> {
  const complain = (path: string, message: string): void => addInvalid(findings, [{ path, message }]);
  let jobsSeen = false;
  const members = scanMembers(text, start);
  let member = members.next(start);
  while (member.done !== true) {
    const { name, start: valueStart } = member.value;
    let end: number | undefined;
    if (name !== 'jobs') complain(pointer(name), 'is not a field of a bulk submission');
    else if (jobsSeen) complain('/jobs', 'is given twice');
    else {
      jobsSeen = true;
      if (isArrayAt(text, valueStart)) end = await readJobs(text, valueStart, findings, limits);
      else complain('/jobs', JOBS_RULE);
    }
    member = members.next(end ?? skipValue(text, valueStart));
  }
  if (!jobsSeen) complain('/jobs', 'is required');
  return member.value;
}

async function readJobs(text: string, start: number, findings: Findings, limits: Limits): Promise<number> {
  let count = 0;
  let breatheAt = start + PARSED_AT_ONCE;
  const elements = scanElements(text, start);
  let element = elements.next(start);
  while (element.done !== true) {
    const end =
      count < BULK_JOBS_MAX
        ? readJob(text, { start: element.value, at: pointer('jobs', count) }, findings, limits)
        : skipValue(text, element.value);
    count += 1;
    if (end > breatheAt) {
      await new Promise(setImmediate);
      breatheAt = end + PARSED_AT_ONCE;
    }
    element = elements.next(end);
  }
  if (count < 1 || count > BULK_JOBS_MAX) {
    findings.invalidCount += 1;
    findings.invalidErrors.unshift({ path: '/jobs', message: JOBS_RULE });
  }
  return element.value;
}

function readJob(
  text: string,
  { start, at }: { readonly start: number; readonly at: string },
  findings: Findings,
  { jobBytesMax, newJobId }: Limits,
): number {
  const scan = scanObject(text, start, SUBMISSION_FIELDS);
  if (scan === undefined) {
    addInvalid(findings, [{ path: at, message: NOT_AN_OBJECT }]);
    return skipValue(text, start);
  }
  const oversize = isLongerThan(text, { start, end: scan.end }, jobBytesMax);
  if (oversize) findings.sizeErrors.push({ path: at, message: `has more than ${jobBytesMax} bytes` });
  const read = readSubmission(text, { scan, start, oversize, at, newJobId, fromHeader: NO_KEY });
  if ('errors' in read) addInvalid(findings, read.errors);
  else if (!oversize) findings.submissions.push(read.submission);
  return scan.end;
}

/** Counted in bytes of UTF-8; a UTF-16 unit has one to three. */
function isLongerThan(text: string, { start, end }: { start: number; end: number }, bytesMax: number): boolean {
  const units = end - start;
  if (units > bytesMax) return true;
  return units * 3 > bytesMax && Buffer.byteLength(text.slice(start, end)) > bytesMax;
}
