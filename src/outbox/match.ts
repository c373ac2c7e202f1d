import type { Db } from '../database/connect.ts';
import { insist, transact } from '../database/transact.ts';
import { FREE } from './due.ts';
import { wakeDuplicates } from './duplicates.ts';
import { matchKey } from './matchKey.ts';

/**
 * Who owns a match value (table `hubspot_match`). Invariant: a value is owned by at most one row, from before it is
 * first sent until HubSpot's record of that row no longer holds it. A row on its way from one value to another owns both.
 */

/** A row that owns a value, as the outbox knows it. */
export type Holder = {
  sourceId: string;
  hubspotId: string | null;
  /** What its HubSpot record holds, as last accepted; empty when nothing, null when that is not known. */
  matchValue: string | null;
  /** Claimed by somebody whose lease lasts. */
  isInFlight: boolean;
  /** Its next batch will tell what HubSpot holds of it. */
  isPending: boolean;
  /** A call of it had no answer and may still be carried out. */
  isDoubtful: boolean;
};

export type Wanted = { sourceId: string; matchValue: string };

/** Reserves each value for its row where nobody owns it; says who owns it now, where that could be found out. */
export async function reserve(
  db: Db,
  object: string,
  wanted: readonly (Wanted & { isHeld?: boolean })[],
): Promise<Map<string, string>> {
  // What a row's record holds already is its own, nearly always: an update writes nothing here.
  const held = wanted.filter(({ isHeld }) => isHeld).map(({ matchValue }) => matchValue);
  const owners = await insist(() => readOwners(db, object, held, AFTER_WRITERS));
  let open = wanted.filter(({ matchValue }) => !owners.has(matchValue));
  // A value that its owner gives up between our two statements has no owner, and is asked for again.
  for (let attempt = 1; open.length > 0 && attempt <= RESERVE_ATTEMPTS; attempt += 1) {
    for (const [value, owner] of await reserveOnce(db, object, open)) owners.set(value, owner);
    open = wanted.filter(({ matchValue }) => !owners.has(matchValue));
  }
  return owners;
}

const RESERVE_ATTEMPTS = 3;

/** As an INSERT would, a read waits for whoever is about to pass a value on. Not FOR SHARE: MariaDB and 5.6 lack it. */
const AFTER_WRITERS = 'LOCK IN SHARE MODE';

async function reserveOnce(db: Db, object: string, wanted: readonly Wanted[]): Promise<Map<string, string>> {
  const sorted = wanted
    .map((each) => ({ ...each, key: matchKey(each.matchValue) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const [{ affectedRows }] = await insist(() =>
    db.raw(
      `INSERT IGNORE INTO hubspot_match (object, match_value, source_id) VALUES ${sorted.map(() => '(?, ?, ?)').join(', ')}`,
      sorted.flatMap(({ key, sourceId }) => [object, key, sourceId]),
    ),
  );
  if (affectedRows === sorted.length) return new Map(sorted.map(({ matchValue, sourceId }) => [matchValue, sourceId]));
  return readOwners(
    db,
    object,
    sorted.map(({ matchValue }) => matchValue),
  );
}

/** Who owns these values now; those that nobody owns are not in the map. */
export async function readOwners(
  db: Db,
  object: string,
  values: readonly string[],
  locking: '' | typeof AFTER_WRITERS = '',
): Promise<Map<string, string>> {
  if (values.length === 0) return new Map();
  const keys = values.map(matchKey);
  const [rows] = await db.raw(
    `SELECT match_value, source_id FROM hubspot_match FORCE INDEX (PRIMARY)
     WHERE object = ? AND match_value IN (${keys.map(() => '?').join(', ')}) ${locking}`,
    [object, ...keys],
  );
  const owners = new Map(
    (rows as { match_value: string; source_id: string }[]).map((row) => [row.match_value, row.source_id]),
  );
  return new Map(
    values.flatMap((value) => {
      const owner = owners.get(matchKey(value));
      return owner === undefined ? [] : [[value, owner] as const];
    }),
  );
}

/** Every match value that a row owns: what HubSpot may hold of it. As in the index of `hubspot_match`. */
export async function readOwnedValues(db: Db, object: string, ids: readonly string[]): Promise<Map<string, string[]>> {
  const owned = new Map<string, string[]>(ids.map((id) => [id, []]));
  if (ids.length === 0) return owned;
  const [rows] = await db.raw(
    `SELECT source_id, match_value FROM hubspot_match WHERE object = ? AND source_id IN (${ids.map(() => '?').join(', ')})`,
    [object, ...ids],
  );
  for (const { source_id, match_value } of rows as { source_id: string; match_value: string }[])
    owned.get(source_id)?.push(match_value);
  return owned;
}

/** What the outbox knows of rows that own a contested value. */
export async function readHolders(db: Db, object: string, sourceIds: readonly string[]): Promise<Map<string, Holder>> {
  if (sourceIds.length === 0) return new Map();
  const [rows] = await db.raw(
    `SELECT d.source_id, d.hubspot_id, d.match_value, d.status, d.claimed_until > UTC_TIMESTAMP(6) AS is_in_flight,
            u.until_at > UTC_TIMESTAMP(6) AS is_doubtful
     FROM hubspot_data d LEFT JOIN hubspot_doubt u ON u.object = d.object AND u.source_id = d.source_id
     WHERE d.object = ? AND d.source_id IN (${sourceIds.map(() => '?').join(', ')})`,
    [object, ...sourceIds],
  );
  return new Map(
    (rows as Record<string, string | null>[]).map((row) => [
      String(row.source_id),
      {
        sourceId: String(row.source_id),
        hubspotId: row.hubspot_id ?? null,
        matchValue: row.match_value ?? null,
        isInFlight: String(row.is_in_flight) === '1',
        isPending: row.status === 'pending',
        isDoubtful: String(row.is_doubtful) === '1',
      },
    ]),
  );
}

/** A value on its way from one row to another. */
export type Passing = { matchValue: string; from: string; to: string; isRecordToo: boolean };

/**
 * Passes a value to a row that this claim still holds, and with it the record of the row that owned it, where the two
 * belong together: a row that kept it would write into the other's record when its source comes back. All of it or
 * nothing: false when the value is another's by now, the claim has ended, or somebody else has the owner in flight.
 */
export async function takeOver(
  db: Db,
  object: string,
  { matchValue, from, to, isRecordToo }: Passing,
  token: string,
): Promise<boolean> {
  return transact(db, async (trx) => {
    const [rows] = await trx.raw(
      `SELECT source_id, ${HELD} AS is_held, ${NOT_ELSEWHERE} AS is_free FROM hubspot_data FORCE INDEX (PRIMARY)
       WHERE object = ? AND source_id IN (?, ?) ORDER BY source_id FOR UPDATE`,
      [token, token, object, from, to],
    );
    const isTrue = (id: string, name: string) =>
      (rows as Record<string, unknown>[]).some((row) => row.source_id === id && String(row[name]) === '1');
    if (!isTrue(to, 'is_held') || (isRecordToo && !isTrue(from, 'is_free'))) return false;
    const [{ affectedRows }] = await trx.raw(
      'UPDATE hubspot_match SET source_id = ? WHERE object = ? AND match_value = ? AND source_id = ?',
      [to, object, matchKey(matchValue), from],
    );
    if (affectedRows === 1 && isRecordToo) await trx.raw(`${FORGET_RECORD} ${OF_ROW}`, [object, from]);
    return affectedRows === 1;
  });
}

/** HubSpot holds no record under these values of a row: they are free at once, while this claim holds the row. */
export async function releaseValues(
  db: Db,
  object: string,
  sourceId: string,
  keys: readonly string[],
  token: string,
): Promise<void> {
  if (keys.length === 0) return;
  await insist(() =>
    db.raw(
      `DELETE m FROM hubspot_match m FORCE INDEX (PRIMARY)
       JOIN hubspot_data d ON d.object = m.object AND d.source_id = m.source_id AND ${HELD}
       WHERE m.object = ? AND m.match_value IN (${keys.map(() => '?').join(', ')}) AND m.source_id = ?`,
      [token, object, ...keys, sourceId],
    ),
  );
  await wakeDuplicates(db, object, keys);
}

/** The claim of this token still holds the row: what a worker learnt before it froze is not written after it woke. */
const HELD = '(claimed_by = ? AND claimed_until > UTC_TIMESTAMP(6))';

/** Nobody else has the row in flight; takes the token of the claim that asks. */
const NOT_ELSEWHERE = '(claimed_by IS NULL OR claimed_by = ? OR claimed_until <= UTC_TIMESTAMP(6))';

const FORGET_RECORD = 'UPDATE hubspot_data SET hubspot_id = NULL, match_value = NULL, sent_properties = NULL';
const OF_ROW = 'WHERE object = ? AND source_id = ?';

/**
 * A record that HubSpot was found to hold under a value of a row: known at once, so that others who want the value see
 * it. Not when the value, and the record with it, went to another row meanwhile.
 */
export async function rememberRecord(
  db: Db,
  object: string,
  sourceId: string,
  found: { hubspotId: string; key: string },
  token: string,
): Promise<void> {
  await insist(() =>
    db.raw(
      `UPDATE hubspot_data d
       JOIN hubspot_match m ON m.object = d.object AND m.source_id = d.source_id AND m.match_value = ?
       SET d.hubspot_id = ?
       WHERE d.object = ? AND d.source_id = ? AND d.hubspot_id IS NULL AND ${NOT_ELSEWHERE}`,
      [found.key, found.hubspotId, object, sourceId, token],
    ),
  );
}

/** The HubSpot record of a row that this claim holds was deleted. */
export async function giveUpRecord(db: Db, object: string, sourceId: string, token: string): Promise<void> {
  await insist(() => db.raw(`${FORGET_RECORD} ${OF_ROW} AND ${HELD}`, [object, sourceId, token]));
}

/**
 * Takes hold of a row whose HubSpot record is about to lose its match value: whatever it was, it is pending again and
 * ours, its next send carries everything, and a settle by anybody who read it before leaves it pending.
 * Returns its new revision, or null when somebody else has it in flight.
 */
export async function holdForVacating(
  db: Db,
  object: string,
  sourceId: string,
  token: string,
  leaseMs: number,
): Promise<string | null> {
  return transact(db, async (trx) => {
    const [{ affectedRows }] = await trx.raw(
      `UPDATE hubspot_data
       SET revision = revision + 1, status = 'pending', bulk = 0, sent_properties = NULL,
           pending_since = COALESCE(pending_since, UTC_TIMESTAMP(6)), claimed_by = ?,
           claimed_until = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, due_at = UTC_TIMESTAMP(6)
       WHERE object = ? AND source_id = ? AND ${NOT_ELSEWHERE}`,
      [token, leaseMs * 1_000, object, sourceId, token],
    );
    if (affectedRows === 0) return null;
    const [[row]] = await trx.raw('SELECT revision FROM hubspot_data WHERE object = ? AND source_id = ?', [
      object,
      sourceId,
    ]);
    return String(row.revision);
  });
}

/** HubSpot's record of a held row has no match value any more; NULL would mean that nobody knows what it has. */
export async function forgetMatchValue(db: Db, object: string, sourceId: string, token: string): Promise<void> {
  await db.raw(`UPDATE hubspot_data SET match_value = '' ${OF_ROW} AND ${HELD}`, [object, sourceId, token]);
}

/**
 * Frees the values that rows own and no longer hold, and wakes the rows that were refused because of them.
 * @param kept what each row holds now; null when its HubSpot record is gone
 */
export async function freeMatchValues(
  db: Db,
  object: string,
  kept: readonly { sourceId: string; matchValue: string | null }[],
): Promise<void> {
  if (kept.length === 0) return;
  const holds = new Map(
    kept.map(({ sourceId, matchValue }) => [sourceId, matchValue === null ? null : matchKey(matchValue)]),
  );
  const [rows] = await db.raw(
    `SELECT match_value, source_id FROM hubspot_match WHERE object = ? AND source_id IN (${kept.map(() => '?').join(', ')})`,
    [object, ...holds.keys()],
  );
  const freed = (rows as { match_value: string; source_id: string }[]).filter(
    (row) => holds.get(row.source_id) !== row.match_value,
  );
  if (freed.length === 0) return;
  await insist(() => free(db, object, freed));
  await wakeDuplicates(
    db,
    object,
    freed.map(({ match_value }) => match_value),
  );
}

/** Not while the row is in flight again: the value may be the one it is about to send. */
async function free(
  db: Db,
  object: string,
  owned: readonly { match_value: string; source_id: string }[],
): Promise<void> {
  await db.raw(
    `DELETE m FROM hubspot_match m FORCE INDEX (PRIMARY)
     LEFT JOIN hubspot_data d ON d.object = m.object AND d.source_id = m.source_id
     WHERE m.object = ? AND m.match_value IN (${owned.map(() => '?').join(', ')})
       AND (${owned.map(() => '(m.match_value = ? AND m.source_id = ?)').join(' OR ')})
       AND ${FREE}`,
    [
      object,
      ...owned.map(({ match_value }) => match_value),
      ...owned.flatMap(({ match_value, source_id }) => [match_value, source_id]),
    ],
  );
}

/** Once rows are refused because another owns their value: one that was freed in between woke nobody. */
export async function wakeFreed(db: Db, object: string, refused: readonly Wanted[]): Promise<void> {
  const values = [...new Set(refused.map(({ matchValue }) => matchValue))];
  const owners = await readOwners(db, object, values);
  await wakeDuplicates(db, object, values.filter((value) => !owners.has(value)).map(matchKey));
}

/** HubSpot records of these rows that another row has, or is about to have: it owns the match value they are found by. */
export async function findShared(
  db: Db,
  object: string,
  rows: readonly { sourceId: string; hubspotId: string | null; matchValue: string | null }[],
): Promise<Set<string>> {
  const shared = new Set<string>();
  for (const { sourceId, hubspotId, matchValue } of rows) {
    const [[row]] = await db.raw(
      `SELECT EXISTS(SELECT 1 FROM hubspot_data WHERE object = ? AND hubspot_id = ? AND source_id <> ? AND status <> 'gone')
           OR EXISTS(SELECT 1 FROM hubspot_match WHERE object = ? AND match_value = ? AND source_id <> ?) AS is_shared`,
      [object, hubspotId, sourceId, object, matchKey(matchValue ?? ''), sourceId],
    );
    if (hubspotId !== null && String(row.is_shared) === '1') shared.add(hubspotId);
  }
  return shared;
}
