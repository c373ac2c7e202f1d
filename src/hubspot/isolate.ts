import { partSize, untestedSize } from './groupSizes.ts';

/** What became of a group that was sent. */
export type Trial<T, R> =
  /** Taken whole. */
  | { kind: 'passed' }
  /** Answered record by record: nothing of it is left to find, and it tells nothing of the records beside it. */
  | { kind: 'settled' }
  | Refusal<T, R>
  /** Nothing can be sent now. */
  | { kind: 'stopped' };

/** A group refused whole. */
export type Refusal<T, R> = {
  kind: 'refused';
  reasonOf(record: T): R;
  /**
   * What the refusal names a record for, null when it does not: it may be at fault, or only look like it.
   * Of two records with one name, both are refused or none.
   */
  nameOf(record: T): string | null;
};

export type Isolated<T, R> = {
  bad: { record: T; reason: R }[];
  /** Not decided when the search was stopped. */
  undecided: T[];
};

type Send<T, R> = (group: T[]) => Promise<Trial<T, R>>;

type Search<T, R> = {
  send: Send<T, R>;
  /** Neither taken nor found bad. */
  open: Set<T>;
  /** Open, and nothing speaks for or against them. */
  untested: T[];
  /** Open, and named by a refusal that may have had other causes. */
  suspects: T[];
  bad: { record: T; reason: R }[];
  takenCount: number;
  isStopped: boolean;
};

/** Records of which at least one is bad: what is left of a refused group when its other parts were taken. */
type Held<T, R> = {
  records: T[];
  refusal: Refusal<T, R>;
  /** In how many calls those parts were taken; 0 when the records themselves were refused. */
  parts: number;
};

/**
 * Finds the bad records of a group that HubSpot refused whole, and has every good one delivered on the way.
 *
 * Records the refusal names are set aside and the rest goes out. When nobody is named it searches for one bad record
 * by parts, then sends what is untested: generalised binary splitting (Hwang 1972), with the share of bad records
 * estimated from what was found. When a part is taken, the bad record is in the other: that is split at once, since
 * sending it whole could only be refused.
 *
 * Invariants: a record that was taken is not sent again. A record is found bad only when it was refused alone, or when
 * a refused group without just this record was taken in one call: records that only do not go together (two of them
 * are one contact in HubSpot) never put the blame on a third.
 */
export async function isolate<T, R>(
  group: readonly T[],
  refusal: Refusal<T, R>,
  send: Send<T, R>,
): Promise<Isolated<T, R>> {
  const search: Search<T, R> = {
    send,
    open: new Set(group),
    untested: [],
    suspects: [],
    bad: [],
    takenCount: 0,
    isStopped: false,
  };
  let held = await setAsideNamed(search, [...group], refusal);
  while (!search.isStopped) {
    if (held !== null) held = await narrow(search, held);
    else if (search.untested.length > 0) held = await tryUntested(search);
    else if (search.suspects.length > 0) held = await trySuspect(search);
    else break;
  }
  return { bad: search.bad, undecided: [...search.open] };
}

/** The rest goes out first: when it is taken, a single named record is proven bad without a call of its own. */
async function setAsideNamed<T, R>(
  search: Search<T, R>,
  group: T[],
  refusal: Refusal<T, R>,
): Promise<Held<T, R> | null> {
  const named = group.filter((record) => refusal.nameOf(record) !== null);
  if (named.length === 0 || named.length === group.length) return { records: group, refusal, parts: 0 };
  const rest = group.filter((record) => !named.includes(record));
  const trial = await attempt(search, rest);
  if (trial.kind === 'passed' && named.length === 1) return { records: named, refusal, parts: 1 };
  search.suspects.push(...named);
  return trial.kind === 'refused' ? setAsideNamed(search, rest, trial) : null;
}

async function narrow<T, R>(search: Search<T, R>, held: Held<T, R>): Promise<Held<T, R> | null> {
  const [first, second] = held.records;
  if (first === undefined) return null;
  if (second === undefined) return decideLast(search, first, held);
  const isLastStep = held.records.length === 2 && held.parts > 0;
  if (isLastStep && search.bad.length === 0 && search.untested.length > 0)
    return decidePair(search, first, second, held);
  return trySplit(search, held, partSize(progressOf(search), held.records.length));
}

async function trySplit<T, R>(search: Search<T, R>, held: Held<T, R>, size: number): Promise<Held<T, R> | null> {
  const part = held.records.slice(0, size);
  const rest = held.records.slice(size);
  const trial = await attempt(search, part);
  if (trial.kind === 'passed') return { ...held, records: rest, parts: held.parts + 1 };
  search.untested.unshift(...rest);
  return trial.kind === 'refused' ? setAsideNamed(search, part, trial) : null;
}

/** A refused group that was taken in several parts may have been refused for records that only do not go together. */
async function decideLast<T, R>(search: Search<T, R>, record: T, { refusal, parts }: Held<T, R>): Promise<null> {
  if (parts === 0) foundAlone(search, record, refusal);
  else if (parts === 1) found(search, record, refusal);
  else await tryAlone(search, record);
  return null;
}

/**
 * The last step of the first search takes along what is untested, which as a rule is good: it goes out here anyway,
 * and the call saved is the one that proves the bad record.
 */
async function decidePair<T, R>(
  search: Search<T, R>,
  first: T,
  second: T,
  held: Held<T, R>,
): Promise<Held<T, R> | null> {
  const untested = search.untested.splice(0);
  const group = [first, ...untested];
  const trial = await attempt(search, group);
  if (trial.kind === 'passed') return { ...held, records: [second], parts: held.parts + 1 };
  if (trial.kind !== 'refused' || group.some((record) => trial.nameOf(record) !== null)) {
    search.untested.push(second);
    return trial.kind === 'refused' ? setAsideNamed(search, group, trial) : null;
  }
  const counterTrial = await attempt(search, [second, ...untested]);
  if (counterTrial.kind === 'passed') found(search, first, trial);
  else if (counterTrial.kind !== 'refused') search.untested.push(first);
  else return decideFirst(search, { first, refusal: trial }, { second, refusal: counterTrial }, untested);
  return null;
}

/** Both of a pair were refused along with what is untested: that holds a bad record too, or both of them are bad. */
async function decideFirst<T, R>(
  search: Search<T, R>,
  { first, refusal }: { first: T; refusal: Refusal<T, R> },
  { second, refusal: counterRefusal }: { second: T; refusal: Refusal<T, R> },
  untested: T[],
): Promise<Held<T, R> | null> {
  const trial = await attempt(search, [first]);
  switch (trial.kind) {
    case 'passed':
      await tryAlone(search, second);
      return holdOpen(search, { records: untested, refusal, parts: 1 });
    case 'refused':
      foundAlone(search, first, trial);
      return holdOpen(search, { records: [second, ...untested], refusal: counterRefusal, parts: 0 });
    case 'settled':
      return { records: [second, ...untested], refusal: counterRefusal, parts: 0 };
    case 'stopped':
      return null;
  }
}

/** Of records of which one is bad; once one of them was found, nothing is known of the others. */
function holdOpen<T, R>(search: Search<T, R>, held: Held<T, R>): Held<T, R> | null {
  const open = held.records.filter((record) => search.open.has(record));
  if (open.length === held.records.length) return held;
  search.untested.push(...open);
  return null;
}

async function tryUntested<T, R>(search: Search<T, R>): Promise<Held<T, R> | null> {
  const group = search.untested.splice(0, untestedSize(progressOf(search), search.untested.length));
  const trial = await attempt(search, group);
  return trial.kind === 'refused' ? setAsideNamed(search, group, trial) : null;
}

async function trySuspect<T, R>(search: Search<T, R>): Promise<null> {
  const suspect = search.suspects.shift();
  if (suspect !== undefined) await tryAlone(search, suspect);
  return null;
}

async function tryAlone<T, R>(search: Search<T, R>, record: T): Promise<void> {
  const trial = await attempt(search, [record]);
  if (trial.kind === 'refused') foundAlone(search, record, trial);
}

async function attempt<T, R>(search: Search<T, R>, group: T[]): Promise<Trial<T, R>> {
  const trial = await search.send(group);
  switch (trial.kind) {
    case 'passed':
    case 'settled':
      for (const record of group) search.open.delete(record);
      search.takenCount += group.length;
      break;
    case 'stopped':
      search.isStopped = true;
      break;
    case 'refused':
  }
  return trial;
}

/** Refused alone, with nobody else to blame: those named for the same are refused like it. */
function foundAlone<T, R>(search: Search<T, R>, record: T, refusal: Refusal<T, R>): void {
  found(search, record, refusal);
  const name = refusal.nameOf(record);
  if (name === null) return;
  for (const other of [...search.open]) if (refusal.nameOf(other) === name) found(search, other, refusal);
  search.untested = search.untested.filter((other) => search.open.has(other));
  search.suspects = search.suspects.filter((other) => search.open.has(other));
}

function found<T, R>(search: Search<T, R>, record: T, refusal: Refusal<T, R>): void {
  search.bad.push({ record, reason: refusal.reasonOf(record) });
  search.open.delete(record);
}

function progressOf<T, R>({ bad, takenCount }: Search<T, R>) {
  return { badCount: bad.length, decidedCount: bad.length + takenCount };
}
