import type { Knex } from 'knex';
import { ConfigurationError } from '../src/errors.ts';

const OURS = 'hubspot-outbox';

// The charset and the collation are named, so that every server gives the same, whatever its defaults.
const TABLE = `ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ROW_FORMAT=DYNAMIC COMMENT='${OURS}'`;

// An indexed column holds 191 characters at most: MySQL 5.6 takes 767 bytes of a column into an index.
const OBJECT = 'VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL';

const TABLES = [
  // What a watch means. Never deleted while a mark may refer to it, so that a changed mapping loses nothing.
  `CREATE TABLE IF NOT EXISTS hubspot_watch (
    id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    object ${OBJECT},
    table_name VARCHAR(64) NOT NULL,
    fingerprint CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    definition MEDIUMTEXT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    retired_at DATETIME(6) NULL,
    UNIQUE KEY fingerprint (fingerprint)
  ) ${TABLE}`,

  // What is remembered of each object of the mapping.
  `CREATE TABLE IF NOT EXISTS hubspot_object (
    object ${OBJECT} PRIMARY KEY,
    query_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    applied TEXT NULL,
    backfill_reason VARCHAR(255) NULL,
    backfill_after VARCHAR(191) NULL,
    backfill_query_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    backfill_started_at DATETIME(6) NULL,
    backfill_ended_at DATETIME(6) NULL,
    definitions LONGTEXT NULL,
    definitions_read_at DATETIME(6) NULL,
    paused_code VARCHAR(64) NULL,
    paused_reason TEXT NULL,
    paused_at DATETIME(6) NULL,
    resumed_at DATETIME(6) NULL
  ) ${TABLE}`,

  // Triggers append here. No secondary index and no unique key: an insert waits for nobody.
  `CREATE TABLE IF NOT EXISTS hubspot_mark (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    watch SMALLINT UNSIGNED NOT NULL,
    source_key VARCHAR(255) NOT NULL,
    session BIGINT UNSIGNED NOT NULL,
    noted_at DATETIME(6) NOT NULL,
    expanded_to VARCHAR(191) NULL
  ) ${TABLE}`,

  // 'pending' is the last status: a look for due rows reads on behind them until it meets an entry that lives, and while a
  // dump is open those of all rows that were settled meanwhile would follow.
  `CREATE TABLE IF NOT EXISTS hubspot_data (
    object ${OBJECT},
    source_id VARCHAR(191) NOT NULL,
    status ENUM('synced','poison','gone','pending') CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    revision BIGINT UNSIGNED NOT NULL DEFAULT 1,
    bulk TINYINT UNSIGNED NOT NULL DEFAULT 0,
    due_at DATETIME(6) NOT NULL,
    pending_since DATETIME(6) NULL,
    claimed_by VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    claimed_until DATETIME(6) NULL,
    attempts INT UNSIGNED NOT NULL DEFAULT 0,
    match_value VARCHAR(255) NULL,
    hubspot_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    sent_properties LONGTEXT NULL,
    sent_at DATETIME(6) NULL,
    error_code VARCHAR(64) NULL,
    error_property VARCHAR(191) NULL,
    error_value TEXT NULL,
    error_message TEXT NULL,
    error_correlation_id VARCHAR(64) NULL,
    error_properties LONGTEXT NULL,
    failed_at DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    PRIMARY KEY (object, source_id),
    KEY due (object, status, bulk, due_at),
    KEY oldest (object, status, due_at),
    KEY sent (object, sent_at),
    KEY record (object, hubspot_id)
  ) ${TABLE}`,

  // Which row may send a match value: the primary key decides, whatever number of workers ask.
  `CREATE TABLE IF NOT EXISTS hubspot_match (
    object ${OBJECT},
    match_value VARCHAR(191) NOT NULL,
    source_id VARCHAR(191) NOT NULL,
    PRIMARY KEY (object, match_value),
    KEY owner (object, source_id)
  ) ${TABLE}`,

  // Rows refused because another row owns their match value, to be woken when it is free.
  `CREATE TABLE IF NOT EXISTS hubspot_duplicate (
    object ${OBJECT},
    match_value VARCHAR(191) NOT NULL,
    source_id VARCHAR(191) NOT NULL,
    PRIMARY KEY (object, match_value, source_id)
  ) ${TABLE}`,

  // Rows whose last call had no answer: until then HubSpot may still write what it held.
  `CREATE TABLE IF NOT EXISTS hubspot_doubt (
    object ${OBJECT},
    source_id VARCHAR(191) NOT NULL,
    until_at DATETIME(6) NOT NULL,
    PRIMARY KEY (object, source_id),
    KEY until_at (until_at)
  ) ${TABLE}`,

  // Calls made to HubSpot, by day in the account's time zone.
  `CREATE TABLE IF NOT EXISTS hubspot_calls (
    day DATE NOT NULL PRIMARY KEY,
    calls BIGINT UNSIGNED NOT NULL
  ) ${TABLE}`,

  `CREATE TABLE IF NOT EXISTS hubspot_worker (
    id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    host VARCHAR(191) NOT NULL,
    pid INT UNSIGNED NOT NULL,
    version VARCHAR(32) NOT NULL,
    started_at DATETIME(6) NOT NULL,
    seen_at DATETIME(6) NOT NULL
  ) ${TABLE}`,
];

const VIEWS = [
  `CREATE OR REPLACE SQL SECURITY INVOKER VIEW hubspot_poison AS
    SELECT object, source_id, error_code, error_property, error_value, error_message, error_correlation_id,
           failed_at, attempts, hubspot_id
    FROM hubspot_data WHERE status = 'poison'`,

  // Marks are counted by the object their watch belongs to: noted, and not yet folded.
  `CREATE OR REPLACE SQL SECURITY INVOKER VIEW hubspot_backlog AS
    SELECT o.object,
           (SELECT COUNT(*) FROM hubspot_mark m JOIN hubspot_watch w ON w.id = m.watch WHERE w.object = o.object) AS marks,
           (SELECT COUNT(*) FROM hubspot_data d WHERE d.object = o.object AND d.status = 'pending') AS pending,
           (SELECT MIN(COALESCE(d.pending_since, d.due_at)) FROM hubspot_data d WHERE d.object = o.object AND d.status = 'pending') AS oldest_pending_since,
           (SELECT COUNT(*) FROM hubspot_data d WHERE d.object = o.object AND d.status = 'poison') AS poison
    FROM hubspot_object o`,
];

const NAMES = [
  'hubspot_watch',
  'hubspot_object',
  'hubspot_mark',
  'hubspot_data',
  'hubspot_match',
  'hubspot_duplicate',
  'hubspot_doubt',
  'hubspot_calls',
  'hubspot_worker',
];
const VIEW_NAMES = ['hubspot_backlog', 'hubspot_poison'];

/** Runs again after an attempt that was cut short; after one that fails nothing of it stays. */
export async function up(db: Knex): Promise<void> {
  const earlier = await findTables(db);
  refuseForeign(earlier);
  const rowFormat = await rowFormatOf(db);
  try {
    for (const statement of TABLES) await db.raw(statement.replace('ROW_FORMAT=DYNAMIC', rowFormat));
    for (const statement of VIEWS) await db.raw(statement);
  } catch (error) {
    await drop(db, earlier.length === 0 ? NAMES : []);
    throw error;
  }
}

export async function down(db: Knex): Promise<void> {
  await drop(db, NAMES);
}

type Found = { name: string; comment: string };

async function findTables(db: Knex): Promise<Found[]> {
  const [found] = await db.raw(
    `SELECT TABLE_NAME AS name, TABLE_COMMENT AS comment FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (${NAMES.map(() => '?').join(', ')})`,
    NAMES,
  );
  return found;
}

function refuseForeign(found: readonly Found[]): void {
  const foreign = found.filter(({ comment }) => comment !== OURS).map(({ name }) => name);
  if (foreign.length === 0) return;
  throw new ConfigurationError(`the database holds ${foreign.join(', ')} already, and this program did not make it`, {
    code: 'FOREIGN_TABLE',
    remedy: 'rename or drop it, when nothing needs it',
  });
}

/** MySQL 5.6 knows DYNAMIC only where its file format is set for it, and its default serves as well. */
async function rowFormatOf(db: Knex): Promise<string> {
  const [[row]] = await db.raw('SELECT VERSION() AS version');
  return String(row.version).startsWith('5.6.') ? '' : 'ROW_FORMAT=DYNAMIC';
}

async function drop(db: Knex, tables: readonly string[]): Promise<void> {
  for (const view of VIEW_NAMES) await db.raw(`DROP VIEW IF EXISTS ${view}`);
  for (const table of [...tables].reverse()) await db.raw(`DROP TABLE IF EXISTS ${table}`);
}
