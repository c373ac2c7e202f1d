import type { Trx } from '../database/connect.ts';
import { tellable } from '../database/refusals.ts';
import type { Wanted } from './enqueue.ts';
import type { RecordsSql, ResolvableWatch } from './fold.ts';
import type { Mark } from './marks.ts';
import { PAGE, readRecords } from './records.ts';

/** How far marks that concern many records have been followed. */
export type Expansion = { markIds: string[]; expandedTo: string };

/** A watch that cannot be followed: nothing is stored about it, or the server refuses its SQL. */
export type Broken = { watch: number; message: string; isUnknown: boolean };

export type Resolved = {
  /** object → record id → what is wanted of it */
  wanted: Map<string, Map<string, Wanted>>;
  /** Marks that are followed to their end. */
  done: string[];
  expansions: Expansion[];
  /** Marks that this fold has no room for. */
  postponed: string[];
  broken: Broken[];
};

const KEYS_A_QUERY = 200;
/** Records of one fold at most, but for a last page. */
const ROWS_A_FOLD = 20_000;
/** A change that concerns more records than this is a mass change. */
const BULK = 200;
/** What a source id holds at most, in characters. */
const ID_CHARACTERS = 191;

/** Marks of one key and one progress: one question. */
type Question = { key: string; after: string | null; isBulk: boolean; marks: Mark[] };

/** Questions asked together. */
type Group = { watch: ResolvableWatch; records: RecordsSql; questions: Question[] };

/**
 * Follows marks to the records they concern, by what their watch meant when they were noted. What came singly is
 * followed first, then what came in a mass, then what is halfway: a lookup that concerns a million records delays
 * nobody.
 */
export async function resolveMarks(
  trx: Trx,
  marks: readonly Mark[],
  watches: ReadonlyMap<number, ResolvableWatch>,
  bulk: ReadonlySet<string>,
): Promise<Resolved> {
  const resolved: Resolved = { wanted: new Map(), done: [], expansions: [], postponed: [], broken: [] };
  const groups: Group[] = [];
  for (const [watchId, ofWatch] of groupBy(marks, ({ watch }) => watch)) {
    const watch = watches.get(watchId);
    if (watch === undefined) {
      resolved.broken.push({ watch: watchId, message: `nothing is stored about watch ${watchId}`, isUnknown: true });
    } else if (watch.records === null) {
      takeIds(watch, ofWatch, bulk, resolved);
    } else {
      groups.push(...toGroups(watch, watch.records, questionsOf(ofWatch, bulk)));
    }
  }
  for (const group of groups.sort((a, b) => rank(a) - rank(b))) {
    if (resolved.broken.some(({ watch }) => watch === group.watch.id)) continue;
    try {
      await follow(trx, group, resolved);
    } catch (error) {
      if (!isRefusedSql(error)) throw error;
      resolved.broken.push({ watch: group.watch.id, message: tellable(error), isUnknown: false });
    }
  }
  return resolved;
}

/** What was noted is the record's id. */
function takeIds(watch: ResolvableWatch, marks: readonly Mark[], bulk: ReadonlySet<string>, resolved: Resolved): void {
  for (const mark of marks) {
    if (mark.sourceKey.length > ID_CHARACTERS) {
      const message = `mark ${mark.id} holds a key of more than ${ID_CHARACTERS} characters`;
      resolved.broken.push({ watch: watch.id, message, isUnknown: false });
      continue;
    }
    want(resolved, watch.object, mark.sourceKey, mark, bulk.has(mark.id));
    resolved.done.push(mark.id);
  }
}

function questionsOf(marks: readonly Mark[], bulk: ReadonlySet<string>): Question[] {
  const byKey = groupBy(marks, ({ sourceKey, expandedTo }) => JSON.stringify([sourceKey, expandedTo]));
  return [...byKey.values()].flatMap((ofKey) => {
    const [first] = ofKey;
    if (first === undefined) return [];
    const isBulk = ofKey.every(({ id }) => bulk.has(id));
    return [{ key: first.sourceKey, after: first.expandedTo, isBulk, marks: ofKey }];
  });
}

/** A question that is halfway stands for itself; the others share queries with their like. */
function toGroups(watch: ResolvableWatch, records: RecordsSql, questions: readonly Question[]): Group[] {
  const fresh = questions.filter(({ after }) => after === null);
  return [
    ...inParts(fresh.filter(({ isBulk }) => !isBulk)),
    ...inParts(fresh.filter(({ isBulk }) => isBulk)),
    ...questions.filter(({ after }) => after !== null).map((question) => [question]),
  ].map((part) => ({ watch, records, questions: part }));
}

function rank({ questions: [first] }: Group): number {
  if (first === undefined || first.after !== null) return 2;
  return first.isBulk ? 1 : 0;
}

async function follow(trx: Trx, group: Group, resolved: Resolved): Promise<void> {
  const { watch, records, questions } = group;
  const marks = questions.flatMap((question) => question.marks);
  const [first] = questions;
  const [firstMark] = marks;
  if (first === undefined || firstMark === undefined) return;
  if (rowsOf(resolved) >= ROWS_A_FOLD) {
    resolved.postponed.push(...marks.map(({ id }) => id));
    return;
  }
  const keys = questions.map(({ key }) => key);
  const ids = await readRecords(trx, watch, records, keys, first.after);
  const isWhole = ids.length < PAGE;
  const hidesBulk = !first.isBulk && ids.length > BULK;
  if (questions.length > 1 && (!isWhole || hidesBulk)) {
    const middle = Math.ceil(questions.length / 2);
    await follow(trx, { ...group, questions: questions.slice(0, middle) }, resolved);
    await follow(trx, { ...group, questions: questions.slice(middle) }, resolved);
    return;
  }
  const isBulk = first.isBulk || first.after !== null || hidesBulk;
  for (const id of ids) want(resolved, watch.object, id, firstMark, isBulk);
  const last = ids.at(-1);
  const markIds = marks.map(({ id }) => id);
  if (isWhole || last === undefined) resolved.done.push(...markIds);
  else resolved.expansions.push({ markIds, expandedTo: last });
}

function want({ wanted }: Resolved, object: string, sourceId: string, { notedAt }: Mark, isBulk: boolean): void {
  const ofObject = wanted.get(object) ?? new Map<string, Wanted>();
  wanted.set(object, ofObject);
  const known = ofObject.get(sourceId);
  if (known === undefined) ofObject.set(sourceId, { sourceId, isBulk, since: notedAt });
  else if (known.isBulk && !isBulk) ofObject.set(sourceId, { ...known, isBulk });
}

function rowsOf({ wanted }: Resolved): number {
  return [...wanted.values()].reduce((sum, ofObject) => sum + ofObject.size, 0);
}

function groupBy<T, K>(list: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of list) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

function inParts(questions: readonly Question[]): Question[][] {
  const parts: Question[][] = [];
  for (let from = 0; from < questions.length; from += KEYS_A_QUERY)
    parts.push(questions.slice(from, from + KEYS_A_QUERY));
  return parts;
}

// Classes of SQLSTATE: 42 names, syntax and rights; 22 and 21 values; the numbers are collations, an invalid view, a
// wrong value and a missing definer, which come as HY000. Everything else is about the server and not about the SQL.
const REFUSED_CLASSES = ['42', '22', '21'];
const REFUSED = [1267, 1271, 1356, 1525, 1449];

function isRefusedSql(error: unknown): boolean {
  const { errno, sqlState } = error as { errno?: number; sqlState?: string };
  return REFUSED.includes(errno ?? 0) || REFUSED_CLASSES.includes(sqlState?.slice(0, 2) ?? '');
}
