import type { Db } from '../database/connect.ts';
import { insist } from '../database/transact.ts';
import type { Claim } from './claim.ts';
import { noteDoubt } from './doubt.ts';
import { noteDuplicates } from './duplicates.ts';
import { jsonLiteral, type Literal } from './jsonLiteral.ts';
import { wakeFreed } from './match.ts';
import { inParts } from './packet.ts';

/** How a claimed row ended. */
export type Outcome =
  | { kind: 'synced'; sourceId: string; hubspotId: string; matchValue: string; properties: Record<string, string> }
  | { kind: 'unchanged'; sourceId: string }
  | { kind: 'gone'; sourceId: string; isArchived: boolean }
  | {
      kind: 'poison';
      sourceId: string;
      code: string;
      property?: string | undefined;
      value?: string | undefined;
      message: string;
      correlationId?: string | undefined;
      /** What was sent and refused. */
      properties?: Record<string, string> | undefined;
      /** HubSpot may have written it all the same. */
      doubt?: 'late';
    }
  | {
      kind: 'later';
      sourceId: string;
      delayMs: number;
      countsAttempt: boolean;
      /** `sent`: HubSpot may hold what was sent; `late`: it may also write it later. */
      doubt?: 'sent' | 'late';
    };

type Kind = Outcome['kind'];

export type Settled = {
  /** Rows that were still ours. */
  settled: number;
  /** Rows whose lease had ended and that somebody else has, or that are gone: left alone. */
  lost: number;
};

/**
 * Ends a claim, row by row: only while the row is still ours, and the status changes only when its revision is the one
 * that was claimed. A row that changed meanwhile stays pending and due, and yet remembers what HubSpot accepted. What
 * HubSpot holds of a row in doubt is forgotten, so that it is sent whole.
 */
export async function settle(db: Db, claim: Claim, outcomes: readonly Outcome[]): Promise<Settled> {
  const late = outcomes.filter((outcome) => 'doubt' in outcome && outcome.doubt === 'late');
  await noteDoubt(
    db,
    claim.object,
    late.map(({ sourceId }) => sourceId),
    claim.lateWriteMs,
  );
  const revisions = new Map(claim.rows.map(({ sourceId, revision }) => [sourceId, revision]));
  const sorted = [...outcomes].sort((a, b) => (a.sourceId < b.sourceId ? -1 : 1));
  const { packetBytes } = claim;
  const duplicates = sorted.flatMap(duplicateOf);
  await noteDuplicates(db, claim.object, duplicates);
  let settled = 0;
  for (const kind of KINDS) {
    const rows = sorted
      .filter((outcome) => outcome.kind === kind)
      .map((outcome) => [outcome.sourceId, revisions.get(outcome.sourceId) ?? '0', ...valuesOf(outcome, packetBytes)]);
    for (const part of inParts(rows, packetBytes)) settled += await insist(() => settleKind(db, claim, kind, part));
  }
  await wakeFreed(db, claim.object, duplicates);
  return { settled, lost: outcomes.length - settled };
}

function duplicateOf(outcome: Outcome): { sourceId: string; matchValue: string }[] {
  if (outcome.kind !== 'poison' || outcome.code !== 'DUPLICATE_MATCH' || outcome.value === undefined) return [];
  return [{ sourceId: outcome.sourceId, matchValue: outcome.value }];
}

const KINDS: readonly Kind[] = ['synced', 'unchanged', 'gone', 'poison', 'later'];

// The guard of every settling statement stands in its WHERE; `same` is whether nothing was noted since the claim.
const SAME = 'd.revision = s.revision';
const RELEASED = 'd.claimed_by = NULL, d.claimed_until = NULL, d.updated_at = UTC_TIMESTAMP(6)';
const ENDED = `${RELEASED}, d.pending_since = IF(${SAME}, NULL, d.pending_since), d.due_at = UTC_TIMESTAMP(6)`;
const NO_ERROR = `d.attempts = 0, d.error_code = NULL, d.error_property = NULL, d.error_value = NULL, d.error_message = NULL,
  d.error_correlation_id = NULL, d.error_properties = NULL, d.failed_at = NULL`;
const FORGET_UNKNOWN = `d.sent_properties = IF(s.is_known = '1', d.sent_properties, NULL),
  d.match_value = IF(s.is_known = '1', d.match_value, NULL)`;
const becomes = (status: string) => `d.status = IF(${SAME}, '${status}', 'pending')`;
const unlessChanged = (column: string, value: string) => `d.${column} = IF(${SAME}, ${value}, d.${column})`;

/** Per kind: what is set, and the columns it needs of each outcome. */
const STATEMENTS: Record<Kind, { set: string; columns: string[] }> = {
  synced: {
    columns: ['hubspot_id', 'match_value', 'sent_properties'],
    set: `${becomes('synced')}, ${ENDED}, ${NO_ERROR}, d.hubspot_id = s.hubspot_id, d.match_value = s.match_value,
          d.sent_properties = s.sent_properties, d.sent_at = UTC_TIMESTAMP(6)`,
  },
  unchanged: { columns: [], set: `${becomes('synced')}, ${ENDED}, ${NO_ERROR}` },
  gone: {
    columns: ['is_archived'],
    set: `${becomes('gone')}, ${ENDED}, ${NO_ERROR}, d.hubspot_id = IF(s.is_archived = '1', NULL, d.hubspot_id),
          d.match_value = IF(s.is_archived = '1', NULL, d.match_value),
          d.sent_properties = IF(s.is_archived = '1', NULL, d.sent_properties)`,
  },
  poison: {
    columns: ['code', 'property', 'value', 'message', 'correlation_id', 'properties', 'is_known'],
    set: `${becomes('poison')}, ${ENDED}, ${FORGET_UNKNOWN}, ${unlessChanged('attempts', 'd.attempts + 1')},
          ${unlessChanged('error_code', 's.code')}, ${unlessChanged('error_property', 's.property')},
          ${unlessChanged('error_value', 's.value')}, ${unlessChanged('error_message', 's.message')},
          ${unlessChanged('error_correlation_id', 's.correlation_id')}, ${unlessChanged('error_properties', 's.properties')},
          ${unlessChanged('failed_at', 'UTC_TIMESTAMP(6)')}`,
  },
  later: {
    columns: ['delay_us', 'counts', 'is_known'],
    set: `${RELEASED}, ${FORGET_UNKNOWN}, d.attempts = d.attempts + s.counts,
          d.due_at = IF(${SAME}, UTC_TIMESTAMP(6) + INTERVAL CAST(s.delay_us AS UNSIGNED) MICROSECOND, UTC_TIMESTAMP(6))`,
  },
};

async function settleKind(db: Db, claim: Claim, kind: Kind, rows: readonly (string | null)[][]): Promise<number> {
  const { columns, set } = STATEMENTS[kind];
  const first = [
    'CAST(? AS CHAR(191)) COLLATE utf8mb4_bin AS source_id',
    'CAST(? AS UNSIGNED) AS revision',
    ...columns.map((name) => `? AS ${name}`),
  ];
  const rest = ['?', 'CAST(? AS UNSIGNED)', ...columns.map(() => '?')];
  const table = rows.map((_, index) => `SELECT ${(index === 0 ? first : rest).join(', ')}`).join(' UNION ALL ');
  const [{ affectedRows }] = await db.raw(
    `UPDATE (${table}) s STRAIGHT_JOIN hubspot_data d FORCE INDEX (PRIMARY) ON d.object = ? AND d.source_id = s.source_id
     SET ${set} WHERE d.claimed_by = ?`,
    [...rows.flatMap((row) => asBound(row, columns)), claim.object, claim.token] as string[],
  );
  return Number(affectedRows);
}

const JSON_COLUMNS = ['sent_properties', 'properties'];

/** A row has its id and revision before what its kind has. */
function asBound(row: readonly (string | null)[], columns: readonly string[]): (string | Literal | null)[] {
  return row.map((value, index) =>
    value !== null && JSON_COLUMNS.includes(columns[index - 2] ?? '') ? jsonLiteral(value) : value,
  );
}

function valuesOf(outcome: Outcome, packetBytes: number): (string | null)[] {
  switch (outcome.kind) {
    case 'synced':
      return [outcome.hubspotId, cut(outcome.matchValue, 255), propertiesJson(outcome.properties, packetBytes)];
    case 'unchanged':
      return [];
    case 'gone':
      return [outcome.isArchived ? '1' : '0'];
    case 'poison':
      return [
        cut(outcome.code, 64),
        cut(outcome.property, 191),
        cut(outcome.value, 8_000),
        cut(outcome.message, 8_000),
        cut(outcome.correlationId, 64),
        propertiesJson(outcome.properties, packetBytes),
        outcome.doubt === undefined ? '1' : '0',
      ];
    case 'later':
      return [
        String(Math.round(outcome.delayMs * 1_000)),
        outcome.countsAttempt ? '1' : '0',
        outcome.doubt === undefined ? '1' : '0',
      ];
  }
}

/** What a row holds besides its properties, at most. */
const OTHER_BYTES = 200_000;

/** Null when the server would not take it: the row then counts as never sent, and is sent whole at its next change. */
function propertiesJson(properties: Record<string, string> | undefined, packetBytes: number): string | null {
  if (properties === undefined) return null;
  const json = JSON.stringify(properties);
  return inParts([[json]], packetBytes - OTHER_BYTES).length === 0 ? null : json;
}

/** What a column holds of a text; whole code points, since half a pair is no utf8mb4. */
function cut(text: string | undefined, length: number): string | null {
  if (text === undefined) return null;
  if (text.length <= length) return text;
  const kept = text.slice(0, length - 1);
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}…`;
}
