import type { Connection } from 'mysql2/promise';
import type { HandWatch, Mapping, ObjectMapping } from '../../src/config/mapping.ts';
import { defaultSettings } from '../../src/config/settings.ts';
import { connect, type Db } from '../../src/database/connect.ts';
import { migrateLatest } from '../../src/database/migrate.ts';
import { connectAsApplication, type TestDatabase, testDatabase } from '../support/database.ts';

/** A migrated database with an application's tables, and both sides' connections to it. */
export type Captured = {
  database: TestDatabase;
  db: Db;
  application: Connection;
  /** Another session of the application. */
  another(): Promise<Connection>;
  /** Ends the other sessions, and whatever they had open. */
  endOthers(): Promise<void>;
  close(): Promise<void>;
};

export async function openCaptured(schema: string): Promise<Captured> {
  const database = await testDatabase();
  const sessions: Connection[] = [];
  const another = async () => {
    const session = await connectAsApplication(database);
    sessions.push(session);
    return session;
  };
  const application = await connectAsApplication(database);
  await application.query(schema);
  const db = await connect(database.url);
  await migrateLatest(db);
  return {
    database,
    db,
    application,
    another,
    async endOthers() {
      for (const session of sessions.splice(0)) await session.end();
    },
    async close() {
      for (const session of [application, ...sessions]) session.destroy();
      await db.destroy();
      await database.drop();
    },
  };
}

export type Made = { name?: string; query: string; key?: string; watch?: readonly HandWatch[] };

/** A mapping as it is once read: an object for each query. */
export function mappingOf(...objects: readonly (Made | string)[]): Mapping {
  return {
    file: 'test.yaml',
    alerts: null,
    settings: defaultSettings(),
    objects: objects.map((object) => toObject(typeof object === 'string' ? { query: object } : object)),
  };
}

function toObject({ name = 'contacts', query, key = 'users.id', watch = [] }: Made): ObjectMapping {
  const [table = '', column = ''] = key.split('.');
  return {
    name,
    type: name,
    matchOn: 'email',
    key: { table, column },
    query,
    whenGone: 'keep',
    timeZone: 'UTC',
    watch,
  };
}

/** What was noted since the last call, as `table key`, in the order it was noted. */
export async function takeMarks(db: Db): Promise<string[]> {
  const [rows] = await db.raw(
    `SELECT m.id, w.table_name AS table_name, m.source_key AS source_key
     FROM hubspot_mark m JOIN hubspot_watch w ON w.id = m.watch ORDER BY m.id`,
  );
  const marks = rows as { id: string; table_name: string; source_key: string }[];
  const last = marks.at(-1);
  if (last !== undefined) await db.raw('DELETE FROM hubspot_mark WHERE id <= ?', [last.id]);
  return marks.map(({ table_name: table, source_key: key }) => `${table} ${key}`);
}

/** Every trigger of the database: `name timing event table`. */
export async function readTriggers(db: Db): Promise<string[]> {
  const [rows] = await db.raw(
    `SELECT CONCAT_WS(' ', TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, EVENT_OBJECT_TABLE) AS told
     FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()`,
  );
  return (rows as { told: string }[]).map(({ told }) => told).sort();
}
